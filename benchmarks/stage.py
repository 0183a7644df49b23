"""Starts what is measured, each in a process of its own: the bot as it is installed, the floor, the cloud."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.load import SECRET, Client
from benchmarks.slack import BareSlack

ROOT = Path(__file__).parents[1]
_READY_WITHIN = 120.0


@dataclass(slots=True)
class Subject:
    """A running server: its process, its port, a client, and how long it took to be ready."""

    process: Process
    port: int
    ready_after: float = 0.0
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.port)

    def cpu(self) -> float:
        """Return the CPU seconds used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


class Known(NamedTuple):
    """A cluster of the simulated cloud."""

    identity: str
    environment: str
    slug: str
    version: str


@dataclass(slots=True)
class Cloud:
    """A running simulated cloud."""

    process: Process
    url: str
    token: str

    async def say(self, words: str) -> str:
        """Tell it something and return its answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("The cloud cannot be spoken to.")
        self.process.stdin.write(f"{words}\n".encode())
        return (await self.process.stdout.readline()).decode().strip()

    async def fleet(self) -> list[Known]:
        """Return its clusters."""
        return [Known(*one) for one in json.loads(await self.say("fleet"))]


async def started(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> Process:
    """Start Python with these arguments."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | (environment or {})  # noqa: TID251 - a child needs it
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=given, stdin=PIPE, stdout=PIPE, limit=2**24
    )


async def end(process: Process) -> None:
    """End a process as an orchestrator does."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 60)
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(slots=True)
class Stage:
    """Everything that runs during one benchmark; it is all ended at the end."""

    slack: BareSlack
    folder: Path
    stack: AsyncExitStack

    async def cloud(self, *, clusters: int = 0, upgrades: int = 0, page: int = 100) -> Cloud:
        """Start the simulated cloud; 0 clusters are its own few."""
        process = await started("-m", "benchmarks.cloud", str(clusters), str(upgrades), str(page), folder=self.folder)
        self.stack.push_async_callback(end, process)
        url, token = (await _line(process)).split()
        return Cloud(process=process, url=url, token=token)

    async def floor(self) -> Subject:
        """Start the bare Bolt application."""
        process = await started("-m", "benchmarks.floor", self.slack.url, folder=self.folder)
        self.stack.push_async_callback(end, process)
        subject = Subject(process=process, port=int(await _line(process)))
        self.stack.push_async_callback(subject.client.close)
        return subject

    async def bot(self, cloud: Cloud, *, url: str, **changes: str) -> Subject:
        """Start the bot and wait until it is ready."""
        port = self._free_port()
        environment = {
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": self.slack.url,
            "ACLOUD_PERSONAL_ACCESS_TOKEN": cloud.token,
            "ACLOUD_API_ENDPOINT": cloud.url,
            "ACLOUD_ORGANISATION": "acme",
            "BOT_CHANNEL": "C0UPGRADES",
            "BOT_APPROVERS": "U0SEM,U0KIM",
            "BOT_REQUIRED_APPROVALS": "2",
            "BOT_HOST": "127.0.0.1",
            "BOT_PORT": str(port),
            "BOT_POLL_SECONDS": "3600",
            "BOT_DATABASE_URL": url,
            "BOT_LOG_FORMAT": "json",
            "BOT_LOG_LEVEL": "warning",
        } | changes
        begin = time.monotonic()
        process = await started("-m", "bot", "run", folder=self.folder, environment=environment)
        self.stack.push_async_callback(end, process)
        await _until_ready(process, port)
        subject = Subject(process=process, port=port, ready_after=time.monotonic() - begin)
        self.stack.push_async_callback(subject.client.close)
        return subject

    def _free_port(self) -> int:
        """Hold a port until the end, so that nobody else gets it; Linux lets the bot listen on it beside us."""
        held = self.stack.enter_context(socket.socket())
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        if sys.platform != "linux":
            held.close()
        return port

    async def pause(self, seconds: float) -> None:
        """Let things settle."""
        await asyncio.sleep(seconds)

    async def teach(self, floor: Subject, **constants: Any) -> None:  # noqa: ANN401 - JSON
        """Give the floor its constants."""
        await floor.client.fire([json.dumps(constants).encode()], at_once=1, path="/constants")


@asynccontextmanager
async def stage(slack: BareSlack, folder: Path) -> AsyncIterator[Stage]:
    """Open a stage."""
    async with AsyncExitStack() as stack:
        yield Stage(slack=slack, folder=folder, stack=stack)


async def _line(process: Process) -> str:
    if process.stdout is None:
        raise RuntimeError("The process has no output.")
    line = await asyncio.wait_for(process.stdout.readline(), _READY_WITHIN)
    return line.decode().strip()


async def _until_ready(process: Process, port: int) -> None:
    async with asyncio.timeout(_READY_WITHIN):
        while process.returncode is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = await reader.read()
                writer.close()
                if answer[9:12] == b"200":
                    return
            except OSError:
                pass
            await asyncio.sleep(0.005)
    raise RuntimeError("The bot ended before it was ready.")
