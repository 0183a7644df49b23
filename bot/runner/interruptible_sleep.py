"""Short sleeps between two steps of a piece of work, which a shutdown need not wait for."""

import asyncio
from typing import Any


class InterruptibleSleep:
    """Sleeps of tasks. Once they are over, whoever sleeps or wants to is cancelled: nothing is left half done."""

    def __init__(self) -> None:
        self._asleep: set[asyncio.Task[Any]] = set()
        self._over = False

    async def sleep(self, seconds: float) -> None:
        """Sleep so many real seconds."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only tasks can sleep.")
        if self._over:
            task.cancel()
        self._asleep.add(task)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._asleep.discard(task)

    def end(self) -> None:
        """End every sleep, and let no new one begin."""
        self._over = True
        for task in self._asleep:
            task.cancel()
