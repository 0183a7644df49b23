"""Ids and timestamps: message stamps from the injected clock, unique and rising, and random identifiers."""

import secrets
from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
_MICROSECONDS = 1_000_000


class Stamps:
    """Makes ``ts`` values such as ``1764000000.000100``; none twice, each later than the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """Give the stamp of something that happens now."""
        now = int(self._clock().timestamp() * _MICROSECONDS)
        self._last = max(now, self._last + 1)
        return f"{self._last // _MICROSECONDS}.{self._last % _MICROSECONDS:06d}"

    def later_than(self, stamp: str) -> None:
        """Never hand out this stamp or an earlier one again, used after a restart."""
        seconds, _, fraction = stamp.partition(".")
        self._last = max(self._last, int(seconds) * _MICROSECONDS + int(fraction or 0))

    def seconds(self) -> int:
        """Give the clock's time as Slack's whole seconds."""
        return int(self._clock().timestamp())


def new_id(prefix: str) -> str:
    """Give an identifier that looks like one of Slack's, such as ``V0A1B2C3D4E``."""
    return f"{prefix}0{secrets.token_hex(5).upper()}"
