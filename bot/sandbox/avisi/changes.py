"""Tells whoever follows the simulated cloud that it changed."""

import asyncio


class Changes:
    """A number that rises with every change, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.number = 0
        self.requests = 0
        self._event = asyncio.Event()

    def bump(self) -> None:
        """Something other than the time changed."""
        self.number += 1
        self._tell()

    def bump_requests(self) -> None:
        """Nothing but the count of requests changed."""
        self.requests += 1
        self._tell()

    def next(self) -> asyncio.Event:
        """Give an event that is set by the next change."""
        return self._event

    def _tell(self) -> None:
        self._event.set()
        self._event = asyncio.Event()
