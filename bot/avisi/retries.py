"""Reads are repeated for a short while; the submission never comes here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina

from bot.workflow.errors import AvisiError, Unauthorised, Unclear, Waiting

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How reads are repeated; seconds. A Retry-After longer than `longest_wait` is left to the caller."""

    attempts: int = 4
    within: float = 10.0
    first_wait: float = 0.2
    longest_wait: float = 5.0
    jitter: float = 0.5

    async def read(self, what: Callable[[], Awaitable[T]]) -> T:
        """Return what the reading returns; raises its last error."""
        async for attempt in stamina.retry_context(
            on=self._again,
            attempts=self.attempts,
            timeout=self.within,
            wait_initial=self.first_wait,
            wait_max=self.longest_wait,
            wait_jitter=self.jitter,
        ):
            with attempt:
                return await what()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _again(self, error: Exception) -> bool | float:
        """Whether to repeat, or after how many seconds."""
        if not isinstance(error, AvisiError) or isinstance(error, Unauthorised):
            return False
        if not isinstance(error, Waiting | Unclear):
            return False
        asked = error.retry_after
        if asked is None:
            return True
        return asked if asked <= self.longest_wait else False
