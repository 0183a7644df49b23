"""Tells everybody who looks at the workspace that something changed: browser tabs and waiting tests."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from bot.sandbox.slack.errors import Json

_BACKLOG = 1000
Found = TypeVar("Found")


class Broadcaster:
    """One queue per open page and person; a queue that nobody empties is closed."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[Json | None]]] = defaultdict(set)
        self._changed = asyncio.Event()

    @contextmanager
    def listening(self, person: str) -> Iterator[asyncio.Queue[Json | None]]:
        """Give a queue with what this person gets to see; None says that it was cut off and must be read anew."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue(_BACKLOG)
        self._queues[person].add(queue)
        try:
            yield queue
        finally:
            self._queues[person].discard(queue)

    def tell(self, person: str, event: Json) -> None:
        """Tell one person."""
        for queue in list(self._queues[person]):
            if queue.qsize() >= _BACKLOG - 1:
                self._queues[person].discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits for something look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """End every open page's stream."""
        for queues in self._queues.values():
            for queue in queues:
                if not queue.full():
                    queue.put_nowait(None)

    async def until(self, look: Callable[[], Found | None], *, within: float) -> Found | None:
        """Tell what `look` finds, now or as soon as a change lets it; None when those seconds pass without."""
        deadline = time.monotonic() + within
        while True:
            changed = self._changed
            found = look()
            left = deadline - time.monotonic()
            if found is not None or left <= 0:
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), left)
