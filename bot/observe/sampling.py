"""Limits log lines that strangers can cause: a few of a kind per minute, and a count of the rest."""

import time
from collections.abc import Callable
from typing import Final

_WINDOW: Final = 60.0


class Sampler:
    """Decides which lines to write. Kinds are fixed and few, never taken from a request."""

    def __init__(self, *, few: int, seconds: Callable[[], float] = time.monotonic) -> None:
        self._few = few
        self._seconds = seconds
        self._began: dict[str, float] = {}
        self._written: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def admit(self, kind: str) -> int | None:
        """Return how many were left out since the last written line, or None to leave this one out too."""
        now = self._seconds()
        if now - self._began.get(kind, -_WINDOW) >= _WINDOW:
            self._began[kind] = now
            self._written[kind] = 0
        if self._written[kind] >= self._few:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return None
        self._written[kind] += 1
        return self._left_out.pop(kind, 0)
