"""Plays many cases at once, each in a world of its own: most of their time is waiting."""

import asyncio
import logging
import shutil
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.store.storage import Storage
from tests.world.harness import Harness, Transport, harness

AT_ONCE = 8
_LATE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: what was broken, what had to come of it, and what did."""

    call: str
    fault: str
    expected: str
    outcome: str

    @property
    def holds(self) -> bool:
        """Whether the promise held."""
        return self.outcome == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A case to be played in a world of its own."""

    call: str
    fault: str
    expected: str
    play: Callable[[Harness], Awaitable[str]]
    transport: Transport = "http"
    changes: dict[str, Any] | None = None


async def played(plays: Sequence[Play], *, at_once: int = AT_ONCE) -> list[Row]:
    """Play them all and return a row for each, in order."""
    turns = asyncio.Semaphore(at_once)
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-matrix-") as folder:
        template = Path(folder) / "template.db"
        storage = Storage.open(f"sqlite+aiosqlite:///{template}")
        await storage.migrate()
        await storage.close()

        async def one(number: int, play: Play) -> Row:
            async with turns:
                await _room()
                file = Path(folder) / f"{number}.db"
                shutil.copyfile(template, file)
                return await _row(play, f"sqlite+aiosqlite:///{file}")

        with quietly():
            return await asyncio.gather(*(one(number, play) for number, play in enumerate(plays)))


async def _room() -> None:
    """Wait until this process keeps up with what it plays already: time limits of the bots are not on trial."""
    late = 1.0
    for _ in range(200):
        if late < _LATE:
            return
        began = time.monotonic()
        await asyncio.sleep(_LATE)
        late = time.monotonic() - began - _LATE


@contextmanager
def quietly() -> Iterator[None]:
    """Write no log lines meanwhile: with many bots at once they would cost more than the work."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.reset_defaults()


async def _row(play: Play, url: str) -> Row:
    try:
        async with harness(url, play.transport, **(play.changes or {})) as opened:
            outcome = await play.play(opened)
    except (AssertionError, TimeoutError, KeyError, RuntimeError) as error:
        where = [f"{Path(step.filename).name}:{step.lineno}" for step in traceback.extract_tb(error.__traceback__)]
        outcome = f"{type(error).__name__} at {' '.join(where)}: {str(error)[:600]}"
    return Row(call=play.call, fault=play.fault, expected=play.expected, outcome=outcome)


def broken(rows: Sequence[Row]) -> str:
    """Say which rows do not hold, one a line."""
    return "\n".join(
        f"{row.call} | {row.fault} | expected: {row.expected} | got: {row.outcome}" for row in rows if not row.holds
    )
