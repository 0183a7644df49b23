"""Keeps the tasks that listeners start: logs their failures and waits for them at shutdown."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.get_logger(__name__)


class Supervisor:
    """A set of background tasks, referenced while they run."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Start a background task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, *, within: float) -> None:
        """Wait for running tasks for at most `within` seconds, then cancel the rest."""
        running = [task for task in self._tasks if task is not asyncio.current_task()]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=within)
        for task in late:
            task.cancel()
        if late:
            _log.warning("slack.tasks_cancelled", count=len(late))
            await asyncio.wait(late, timeout=1.0)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("slack.task_failed", task=task.get_name(), exc_info=error)
