"""A bot in a process of its own that dies at its n-th commit, right before or right after it. A seam of the tests."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

import structlog

from benchmarks.reliability.apart import KILLED, die_with_parent
from bot.app import real_time, wired
from bot.policy.file import load_policy
from bot.settings import Settings
from bot.workflow.ports import BeginWork, Lease, UnitOfWork

When = Literal["before", "after"]


def run_doomed(settings: Settings, at: int, when: When) -> None:
    """Run a bot that dies at commit number `at`, never when that is 0, and with its parent."""
    die_with_parent()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    asyncio.run(_run(settings, at, when))


async def _run(settings: Settings, at: int, when: When) -> None:
    bot = wired(settings, load_policy(None, settings), now=real_time)
    bot.storage.begin = doomed(bot.storage.begin, at, when)
    await bot.start()
    await asyncio.Event().wait()


def doomed(begin: BeginWork, at: int, when: When) -> BeginWork:
    """Return a `begin` of which the n-th commit kills this process as SIGKILL would."""
    commits = 0

    @asynccontextmanager
    async def working(lease: Lease | None) -> AsyncIterator[UnitOfWork]:
        async with begin(lease) as work:
            commit = work.commit

            async def dying() -> None:
                nonlocal commits
                commits += 1
                if commits == at and when == "before":
                    os._exit(KILLED)
                await commit()
                if commits == at:
                    os._exit(KILLED)

            around: Any = work
            around.commit = dying
            yield work

    def begun(lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        return working(lease)

    return begun
