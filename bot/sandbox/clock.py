"""The simulated clock: one moving now that simulators and bot share, faster or slower than real time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SimulatedClock:
    """An aware UTC now that can run at any speed, stand still, and be set forward.

    `speed` is simulated seconds per real second. `monotonic` is the source of real seconds.
    """

    def __init__(self, start: datetime, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if start.tzinfo is None:
            raise ValueError("The clock starts at an aware datetime.")
        self._monotonic = monotonic
        self._base = start
        self._anchor = monotonic()
        self._speed = _checked(speed)
        self._paused = False
        self._changed = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []

    def __call__(self) -> datetime:
        """Tell the simulated moment."""
        if self._paused:
            return self._base
        return self._base + timedelta(seconds=(self._monotonic() - self._anchor) * self._speed)

    @property
    def speed(self) -> float:
        """Simulated seconds per real second, also while paused."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether time stands still; `advance` and `jump` work all the same."""
        return self._paused

    def set_speed(self, speed: float) -> None:
        """Run on from this moment at another speed, above zero."""
        speed = _checked(speed)
        self._settle(self())
        self._speed = speed
        self._tell()

    def pause(self) -> None:
        """Stand still at this moment."""
        self._settle(self())
        self._paused = True
        self._tell()

    def resume(self) -> None:
        """Run on from where the clock stands."""
        self._settle(self())
        self._paused = False
        self._tell()

    def advance(self, by: timedelta) -> None:
        """Set the clock forward; whoever waits for a moment passed over wakes."""
        if by < timedelta(0):
            raise ValueError("The clock only advances; `jump` goes anywhere.")
        self.jump(self() + by)

    def jump(self, moment: datetime) -> None:
        """Set the clock to this very moment, later or earlier."""
        if moment.tzinfo is None:
            raise ValueError("The clock jumps to an aware datetime.")
        self._settle(moment)
        self._tell()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every pause, resume, change of speed and jump; not while time just passes."""
        self._watchers.append(changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Stop calling `changed`."""
        with contextlib.suppress(ValueError):
            self._watchers.remove(changed)

    async def wait_until(self, moment: datetime) -> None:
        """Return once the simulated moment has come, however it came."""
        while (left := (moment - self()).total_seconds()) > 0:
            seconds = None if self._paused else left / self._speed
            changed = self._changed
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await changed.wait()

    async def sleep(self, by: timedelta) -> None:
        """Wait for a stretch of simulated time."""
        await self.wait_until(self() + by)

    def _settle(self, now: datetime) -> None:
        self._base = now
        self._anchor = self._monotonic()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for watcher in tuple(self._watchers):
            watcher()


def _checked(speed: float) -> float:
    if speed <= 0:
        raise ValueError("The speed is above zero; `pause` stops the clock.")
    return float(speed)
