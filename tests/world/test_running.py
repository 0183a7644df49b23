"""`upgrade-bot run` as an operator runs it: a process of its own, told everything by its environment."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.sandbox.slack.people.looking import PATIENCE
from tests.ports import free_port
from tests.world.harness import CHANNEL, Harness, Transport, harness, start_process, stop_process


@asynccontextmanager
async def run_in(
    opened: Harness, folder: Path, **changes: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a bot beside a harness; yields the process and its address, once it answers."""
    port = free_port()
    environment = opened.environment(BOT_PORT=port, **changes)
    process = await start_process("run", environment=environment, folder=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        await answering(address)
        if opened.transport == "http":
            opened.slack.deliver_over_http(f"{address}/slack/events")
        yield process, address
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def answering(address: str) -> None:
    """Wait until somebody answers at an address."""
    async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            try:
                await client.get(f"{address}/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return


async def ready(address: str, *, within: float = PATIENCE) -> dict[str, object]:
    """Wait until /readyz says so, and return what it says."""
    async with httpx.AsyncClient() as client, asyncio.timeout(within):
        while True:
            answer = await client.get(f"{address}/readyz")
            if answer.status_code == httpx.codes.OK:
                return dict(answer.json())
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_process_with_only_settings_does_the_whole_job(
    transport: Transport, sqlite_file: str, tmp_path: Path
) -> None:
    """Ask, approve, submit, and end by SIGTERM with exit code 0 and every secret kept."""
    async with harness(sqlite_file, transport) as opened, run_in(opened, tmp_path) as (process, address):
        await ready(address)

        await opened.approved("production/orders")
        code, log = await stop_process(process)

    assert code == 0
    assert opened.submissions() == 1
    for secret in (opened.slack.app.bot_token, opened.slack.app.signing_secret, opened.cloud.token):
        assert secret not in log


async def test_a_token_that_slack_refuses_ends_it_at_once(sqlite_file: str, tmp_path: Path) -> None:
    """Exit code 2, one line that names the variable, no traceback and no token."""
    async with harness(sqlite_file) as opened:
        wrong = "xoxb-not-the-right-one"
        environment = opened.environment(BOT_PORT=free_port(), SLACK_BOT_TOKEN=wrong)
        process = await start_process("run", environment=environment, folder=tmp_path)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)

    said = errors.decode()
    assert process.returncode == 2
    assert "SLACK_BOT_TOKEN" in said
    assert "Traceback" not in said
    assert wrong not in said


async def test_an_app_token_of_another_slack_app_ends_it_at_once(sqlite_file: str, tmp_path: Path) -> None:
    """Else all that people do would go to the other app, and the bot would look well."""
    async with harness(sqlite_file, "socket") as opened:
        opened.slack.app.app_token = "xapp-1-A0OTHER-1-hush"
        environment = opened.environment(BOT_PORT=free_port())
        process = await start_process("run", environment=environment, folder=tmp_path)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)

    said = errors.decode().splitlines()[-1]
    assert process.returncode == 2
    assert said.startswith(
        "SLACK_APP_TOKEN is wrong: the token belongs to the Slack app A0OTHER, and SLACK_BOT_TOKEN to"
    )
    assert "Example: SLACK_APP_TOKEN=xapp-1-A012-345-abc" in said
    assert "hush" not in errors.decode()


async def test_a_cloud_out_of_reach_is_waited_for_and_named(sqlite_file: str, tmp_path: Path) -> None:
    """The bot stays ready, says what is wrong, and the modal offers a retry."""
    async with harness(sqlite_file) as opened:
        await opened.cloud.go_down()
        async with run_in(opened, tmp_path) as (process, address):
            body = await ready(address)
            await opened.roos.command(CHANNEL, "/schedule-upgrade")
            await opened.roos.modal("Schedule upgrade", containing="Retry")
            await opened.cloud.come_back()
            await opened.roos.press_in_modal("Retry")
            await opened.roos.modal("Schedule upgrade", containing="Cluster")
            code, _ = await stop_process(process)

    assert code == 0
    assert "cloud" in str(body)


async def test_a_slack_out_of_reach_is_waited_for_and_named(sqlite_file: str, tmp_path: Path) -> None:
    """It keeps running, /readyz says 503 and why, and it gets ready by itself."""
    async with harness(sqlite_file) as opened:
        opened.slack.faults.down = True
        async with run_in(opened, tmp_path) as (_, address):
            async with httpx.AsyncClient() as client:
                before = await client.get(f"{address}/readyz")
            opened.slack.faults.down = False
            await ready(address)

    assert before.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert before.json()["checks"]["slack"]["ok"] is False


async def test_a_second_process_on_one_sqlite_file_is_refused(sqlite_file: str, tmp_path: Path) -> None:
    """Exit code 1 and one line; the first goes on."""
    async with harness(sqlite_file) as opened, run_in(opened, tmp_path) as (_, address):
        second = await start_process("run", environment=opened.environment(BOT_PORT=free_port()), folder=tmp_path)
        _, errors = await asyncio.wait_for(second.communicate(), PATIENCE)
        await ready(address)

    assert second.returncode == 1
    assert "Traceback" not in errors.decode()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux lets another process's limits be changed")
async def test_a_full_disk_is_named_and_told_and_everything_goes_on_once_there_is_room(
    sqlite_file: str, tmp_path: Path
) -> None:
    """No press is acknowledged as done that was not stored; /readyz says that nothing is written."""
    async with harness(sqlite_file) as opened, run_in(opened, tmp_path) as (process, address):
        await ready(address)
        card = await opened.request("staging/payments")

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        pressed = await opened.sem.press(CHANNEL, card.ts, "Approve")
        told = not pressed.ok or await opened.sem.private(CHANNEL, "Please try again in a moment (reference")
        checks = await checked(address, "writes", well=False)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        await checked(address, "writes", well=True)
        assert opened.submissions() == 0
        await opened.sem.press(CHANNEL, card.ts, "Approve")
        await opened.card(card, "Submitted to Avisi Cloud")
        code, _ = await stop_process(process)

    assert told
    assert "nothing could be stored for" in str(checks["writes"])
    assert (code, opened.submissions()) == (0, 1)


async def checked(address: str, name: str, *, well: bool) -> dict[str, object]:
    """Wait until one check of /readyz is well or is not, and return them all."""
    async with httpx.AsyncClient(timeout=40) as client, asyncio.timeout(2 * PATIENCE):
        while True:
            checks = (await client.get(f"{address}/readyz")).json()["checks"]
            if checks[name]["ok"] is well:
                return dict(checks)
            await asyncio.sleep(0.2)


_DYING = """
import asyncio
import json
import bot.app
import bot.connections

async def die(self, *_, **__):
    await asyncio.sleep(0.5)
    raise RuntimeError("This part is broken.")

{part} = die
from bot.cli import main
main()
"""


@pytest.mark.parametrize(
    ("part", "code_of"),
    [
        ("worker", "bot.app.Worker.run"),
        ("identity", "bot.app.Identity.keep"),
        ("socket", "bot.app.SocketMode.keep"),
        ("clock-watch", "bot.app.Schedule.follow"),
        ("server", "bot.connections.Connections._accept"),
        ("server", "bot.connections.Connections._close_overdue"),
    ],
)
async def test_a_part_that_dies_ends_the_process(part: str, code_of: str, sqlite_file: str, tmp_path: Path) -> None:
    """Exit code 1 and a line that names it, so that the process is started again; it says nothing of being well."""
    async with harness(sqlite_file, "socket") as opened:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _DYING.format(part=code_of),
            "run",
            env=opened.environment(BOT_PORT=free_port()) | {"PYTHONPATH": str(Path(__file__).parents[2])},
            cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)

    lines = [json.loads(line) for line in errors.decode().splitlines()]
    (died,) = [line for line in lines if line["event"] == "bot.part_died"]
    assert process.returncode == 1
    assert (died["part"], died["level"]) == (part, "critical")
    assert "This part is broken." in str(died)
    assert lines[-1]["event"] == "bot.stopped"
