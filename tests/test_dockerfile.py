"""The steps of the Dockerfile, taken in a clean folder: no engine has to run for that."""

import asyncio
import json
import re
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from bot.server import Server
from tests.conftest import IN_CI
from tests.ports import free_port
from tests.world.house import house

ROOT = Path(__file__).parents[1]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def steps(word: str) -> Iterator[str]:
    """Yield what follows a word of the Dockerfile, in order."""
    return (line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} "))


def copied(folder: Path) -> None:
    """Copy what the build stage copies, and nothing else."""
    for names in steps("COPY"):
        *sources, _ = names.split()
        for name in () if sources[0].startswith("--from") else sources:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)


async def started(*words: str, folder: Path, environment: dict[str, str] | None = None, log: Path) -> Process:
    with log.open("ab") as end:
        return await asyncio.create_subprocess_exec(
            *words, cwd=folder, env=environment, stdin=DEVNULL, stdout=end, stderr=STDOUT
        )


@pytest.mark.skipif(not IN_CI, reason="it downloads everything that the image holds")
@pytest.mark.timeout(900)
async def test_what_the_image_installs_starts_and_its_health_check_finds_it(tmp_path: Path) -> None:
    """The build stage's install from the copied files alone, then entry point, command and health check."""
    source, image, data, log = tmp_path / "src", tmp_path / "bot", tmp_path / "data", tmp_path / "log"
    source.mkdir()
    data.mkdir()
    copied(source)
    (install,) = (step for step in steps("RUN") if "pip install" in step)
    here = install.replace("python -m", f"{sys.executable} -m").replace("/opt/bot", str(image))
    assert await (await started("sh", "-ec", here, folder=source, log=log)).wait() == 0, log.read_text()

    check = json.loads(next(steps("HEALTHCHECK")).split("CMD ")[1])
    program = json.loads(next(steps("ENTRYPOINT"))) + json.loads(next(steps("CMD")))
    async with house(f"sqlite+aiosqlite:///{data}/upgrade-bot.db") as world:
        environment = world.environment(PATH=f"{image}/bin", BOT_PORT=free_port())
        check[0], program[0] = f"{image}/bin/{check[0]}", f"{image}/bin/{program[0]}"
        bot = await started(*program, folder=data, environment=environment, log=log)
        try:
            async with asyncio.timeout(240):
                while await (await started(*check, folder=data, environment=environment, log=log)).wait():
                    assert bot.returncode is None, log.read_text()
        finally:
            bot.send_signal(signal.SIGTERM)
        assert await bot.wait() == 0, log.read_text()


@pytest.mark.parametrize(
    ("listens", "said"),
    [("127.0.0.1", ""), ("127.0.0.1", "0.0.0.0"), ("::", "::"), ("::", "[::]"), ("::1", "[::1]"), ("::", "")],  # noqa: S104
)
async def test_the_health_check_asks_where_the_bot_listens(listens: str, said: str, tmp_path: Path) -> None:
    """Whatever BOT_HOST says, and past any proxy."""
    server = Server(host=listens, port=0, checks={}, registry=CollectorRegistry())
    try:
        port = await server.start()
    except OSError:
        pytest.skip("there is no IPv6 here")
    check = json.loads(next(steps("HEALTHCHECK")).split("CMD ")[1])
    environment = {"BOT_HOST": said, "BOT_PORT": str(port), "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}

    asked = await started(sys.executable, *check[1:], folder=tmp_path, environment=environment, log=tmp_path / "log")
    code = await asyncio.wait_for(asked.wait(), 30)
    await server.stop()

    assert code == 0, (tmp_path / "log").read_text()
