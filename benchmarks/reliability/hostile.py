"""What it costs everybody else when somebody who has proven nothing tries to hold the bot up."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.reliability.attackers import KINDS
from benchmarks.reliability.killing import answering
from tests.ports import free_port
from tests.world.harness import CHANNEL, harness, start_process

LONGEST_DELAY = 3.0
"""Seconds; Slack waits no longer for an answer."""
FILES = 1024
"""Files and connections that the bot may have open, as is usual."""
MOST_MEMORY = 64.0
"""Megabytes on top of what the bot has anyway."""
MOST_LINES = 100
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What was measured while they were at it: seconds, megabytes, lines in the log."""

    kind: str
    command: float
    probe: float
    memory: float
    lines: int

    def __str__(self) -> str:
        return (
            f"{KINDS[self.kind][0]} {self.kind}: a command {self.command * 1000:.0f} ms, /healthz "
            f"{self.probe * 1000:.0f} ms, {self.memory:+.0f} MB, {self.lines} log lines"
        )

    def bearable(self, *, delay: float = LONGEST_DELAY) -> bool:
        """Whether nobody else noticed much."""
        return max(self.command, self.probe) < delay and self.memory < MOST_MEMORY and self.lines < MOST_LINES


async def costs(kinds: Sequence[str], *, seconds: float) -> list[Cost]:
    """Have them attack one bot, one kind after the other, while somebody types commands and a probe looks."""
    found = []
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-hostile-") as name:
        folder = Path(name)
        async with harness(f"sqlite+aiosqlite:///{folder / 'bot.db'}") as opened:
            port, log = free_port(), folder / "log"
            process = await start_process("run", environment=opened.environment(BOT_PORT=port), folder=folder, log=log)
            bot = psutil.Process(process.pid)
            if hasattr(bot, "rlimit"):
                bot.rlimit(psutil.RLIMIT_NOFILE, (FILES, FILES))
            try:
                await answering(port, "readyz")
                opened.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")
                await opened.roos.command(CHANNEL, "/schedule-upgrade list")
                for kind in kinds:
                    before, said = bot.memory_info().rss, _lines(log)
                    attackers = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "benchmarks.reliability.attackers", kind, port, str(seconds)
                    )
                    command = probe = memory = 0.0
                    while attackers.returncode is None:
                        began = time.monotonic()
                        outcome = await opened.roos.command(CHANNEL, "/schedule-upgrade status staging/payments")
                        assert outcome.ok, outcome
                        command, began = max(command, time.monotonic() - began), time.monotonic()
                        await _probed(port)
                        probe = max(probe, time.monotonic() - began)
                        memory = max(memory, (bot.memory_info().rss - before) / _MEGABYTE)
                        await asyncio.sleep(0.1)
                    cost = Cost(kind=kind, command=command, probe=probe, memory=memory, lines=_lines(log) - said)
                    found.append(cost)
            finally:
                process.kill()
                await process.wait()
    return found


async def _probed(port: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/healthz")
    assert answer.status_code == httpx.codes.OK


def _lines(log: Path) -> int:
    return len(log.read_text(encoding="utf-8").splitlines())
