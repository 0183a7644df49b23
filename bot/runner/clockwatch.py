"""Notices that this machine's clock was set: by NTP, by hand, or after a pause of the machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.observe.metrics import CLOCK_SET
from bot.workflow.ports import Clock

log = structlog.get_logger("bot.runner")

_NOTICED = 2.0
"""Seconds; less than that is no jump, but a clock that is being corrected."""


@dataclass(slots=True)
class ClockWatch:
    """Holds a clock that may be set against one that only counts."""

    now: Clock
    seconds: Callable[[], float] = time.monotonic
    _difference: float = field(init=False)

    def __post_init__(self) -> None:
        self._difference = self._measured()

    def was_set(self) -> bool:
        """Whether the clock was set since the last look; logged and counted."""
        before, self._difference = self._difference, self._measured()
        ahead = self._difference - before
        if abs(ahead) < _NOTICED:
            return False
        CLOCK_SET.inc()
        log.warning("clock.was_set", seconds=round(ahead, 1))
        return True

    def _measured(self) -> float:
        return self.now().timestamp() - self.seconds()
