"""A bot in a process of its own that can be measured, on a clock that is set from outside. A seam of the tests."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ctypes import c_double, c_int
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerContext
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import psutil

from bot.app import real_time, wired
from bot.observe.logs import set_up
from bot.policy.file import load_policy
from bot.settings import Settings

KILLED = 137
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the process held at a moment; `second` is since the start of the measuring."""

    second: float
    megabytes: float
    tasks: int
    files: int


@dataclass(frozen=True, slots=True)
class Apart:
    """The process, seen from here."""

    pid: int
    ahead: "Synchronized[float]"
    tasks: "Synchronized[int]"

    def set_clock(self, moment: datetime) -> None:
        """Let its clock show this moment now."""
        self.ahead.value = (moment - real_time()).total_seconds()

    def sample(self, second: float) -> Sample:
        """Measure it: memory that is its own alone, tasks as of the last second, open files and connections."""
        process = psutil.Process(self.pid)
        return Sample(
            second=second,
            megabytes=process.memory_full_info().uss / _MEGABYTE,
            tasks=self.tasks.value,
            files=process.num_fds(),
        )


@asynccontextmanager
async def apart(settings: Settings) -> AsyncIterator[Apart]:
    """Run a bot in a process of its own; it is killed at the end."""
    context = beside("benchmarks.reliability.apart")
    ahead, tasks = context.Value(c_double, 0.0), context.Value(c_int, 0)
    process = context.Process(target=_run, args=(settings, ahead, tasks), daemon=True)
    process.start()
    assert process.pid is not None
    try:
        yield Apart(process.pid, ahead, tasks)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


def beside(module: str) -> ForkServerContext:
    """Return what starts processes that know this module already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def die_with_parent() -> None:
    """End this process when the one that started it has ended, however that came about."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(1.0)
        os._exit(KILLED)

    threading.Thread(target=watch, daemon=True).start()


def _run(settings: Settings, ahead: "Synchronized[float]", tasks: "Synchronized[int]") -> None:
    die_with_parent()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        set_up(form="json", level="info", stream=nowhere)
        asyncio.run(_count_while_running(settings, ahead, tasks))


async def _count_while_running(settings: Settings, ahead: "Synchronized[float]", tasks: "Synchronized[int]") -> None:
    def now() -> datetime:
        return real_time() + timedelta(seconds=ahead.value)

    await wired(settings, load_policy(None, settings), now=now).start()
    while True:
        tasks.value = len(asyncio.all_tasks())
        await asyncio.sleep(1.0)
