"""The steps of the Dockerfile, taken in a clean folder: no engine has to run for that."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from bot.server import Server
from bot.settings import Settings
from tests.conftest import IN_CI
from tests.ports import free_port
from tests.world.harness import harness

ROOT = Path(__file__).parents[1]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
(USER,) = (int(line.split()[1].partition(":")[0]) for line in LINES if line.startswith("USER "))


def steps(word: str) -> Iterator[str]:
    """Yield what follows a word of the Dockerfile, in order."""
    return (line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} "))


def build_stage() -> Iterator[tuple[str, str]]:
    """Yield the COPY and RUN steps of the first stage, in order."""
    stages = 0
    for line in LINES:
        word, _, rest = line.partition(" ")
        stages += word == "FROM"
        if stages == 1 and word in {"COPY", "RUN"}:
            yield word, rest


def copy(words: str, folder: Path) -> None:
    """Copy as Docker does: a file into the folder, a folder's content to where it is said."""
    *sources, to = words.split()
    for name in sources:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / to)


def base_python() -> tuple[str, dict[str, Any]]:
    """Return a Python to build with, and whom to run everything as: the image's user if root may hand over to it."""
    ours = str(Path(sys.base_prefix) / "bin" / "python3")
    user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    able = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    for python in (ours, "/usr/bin/python3") if os.geteuid() == 0 else ():
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-c", able], cwd="/", check=False, env={}, **user).returncode == 0:  # noqa: S603 - ours
                return python, user
    return ours, {}


async def started(
    *words: str, folder: Path, environment: dict[str, str] | None = None, log: Path, user: dict[str, Any] | None = None
) -> Process:
    with log.open("ab") as end:
        return await asyncio.create_subprocess_exec(
            *words, cwd=folder, env=environment, stdin=DEVNULL, stdout=end, stderr=STDOUT, **user or {}
        )


@pytest.fixture
def bare() -> Iterator[Path]:
    """Make a folder that holds nothing and that the image's user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("src", "opt", "data"):
            (folder / part).mkdir()
        yield folder


def give_away(folder: Path) -> None:
    """Let the folder belong to the image's user."""
    folder.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)


@pytest.mark.skipif(not IN_CI, reason="it downloads everything that the image holds")
@pytest.mark.timeout(900)
async def test_what_the_image_installs_starts_and_its_health_check_finds_it(bare: Path, tmp_path: Path) -> None:
    """The build stage in a bare folder without root, then entry point, command and health check."""
    source, image, data, log = bare / "src", bare / "opt" / "bot", bare / "data", tmp_path / "log"
    plain = {"PATH": os.defpath, "HOME": "/nonexistent"} | {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - how this machine reaches packages
        if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    python, user = base_python()
    for word, step in build_stage():
        if word == "COPY":
            copy(step, source)
            continue
        if user:
            give_away(bare)
        here = step.replace("python -m", f"{python} -m").replace("/opt/", f"{bare}/opt/")
        done = await started("sh", "-ec", here, folder=source, environment=plain, log=log, user=user)
        assert await done.wait() == 0, log.read_text()
    assert not (image / "bin" / "pip").exists()

    check = json.loads(next(steps("HEALTHCHECK")).split("CMD ")[1])
    program = json.loads(next(steps("ENTRYPOINT"))) + json.loads(next(steps("CMD")))
    async with harness(f"sqlite+aiosqlite:///{data}/upgrade-bot.db") as world:
        environment = world.environment(PATH=f"{image}/bin", BOT_PORT=free_port())
        check[0], program[0] = f"{image}/bin/{check[0]}", f"{image}/bin/{program[0]}"
        bot = await started(*program, folder=data, environment=environment, log=log, user=user)
        try:
            async with asyncio.timeout(240):
                while await (await started(*check, folder=data, environment=environment, log=log, user=user)).wait():
                    assert bot.returncode is None, log.read_text()
        finally:
            bot.send_signal(signal.SIGTERM)
        assert await bot.wait() == 0, log.read_text()


def test_the_image_sets_no_secret_so_that_each_can_be_given_as_a_file() -> None:
    """Set both ways it would end the bot. The default database lies in the working folder, which is the volume."""
    environment = {word.partition("=")[0] for line in steps("ENV") for word in line.split()}

    assert "PATH" in environment
    assert not {name.removesuffix("_FILE") for name in environment} & {name.upper() for name in Settings.model_fields}
    assert list(steps("WORKDIR"))[-1] == next(steps("VOLUME")) == "/data"


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
