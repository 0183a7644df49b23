"""Freezes and allowed times: whether a window or a moment falls where upgrades may run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.domain.windows import WEEKDAYS, Window

_A_DAY = timedelta(days=1)
_A_YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """A freeze of the policy file: whole days, both included, in which nothing is upgraded."""

    first: date
    last: date
    reason: str = ""

    def covers(self, window: Window, zone: tzinfo) -> bool:
        """Whether any part of the window falls into the freeze; days are read in `zone`."""
        last_moment = max(window.start, window.end - timedelta.resolution)
        return window.start.astimezone(zone).date() <= self.last and last_moment.astimezone(zone).date() >= self.first

    def begin(self, zone: tzinfo) -> datetime:
        """Return the first moment of its first day, in `zone`."""
        return datetime.combine(self.first, time(), tzinfo=zone)

    def end(self, zone: tzinfo) -> datetime:
        """Return the moment after its last day, in `zone`."""
        return datetime.combine(self.last + _A_DAY, time(), tzinfo=zone)

    @property
    def words(self) -> str:
        """Say it: `Dec 20 to Jan 3 (Holiday freeze)`; with years where the days alone could mean less."""
        if self.last - self.first >= _A_YEAR:
            return self.dated
        days = _day(self.first) if self.first == self.last else f"{_day(self.first)} to {_day(self.last)}"
        return self._with_reason(days)

    @property
    def dated(self) -> str:
        """Say it where nothing else tells the year: `Dec 20, 2026 to Jan 3, 2027 (Holiday freeze)`."""
        first, last = (f"{_day(day)}, {day.year}" for day in (self.first, self.last))
        return self._with_reason(first if self.first == self.last else f"{first} to {last}")

    def _with_reason(self, days: str) -> str:
        return f"{days} ({self.reason})" if self.reason else days


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedFreeze:
    """A freeze that people set while the bot runs: from one moment up to another, both aware.

    `until` is in the time zone of the rule, in which it is said.
    """

    since: datetime
    until: datetime
    reason: str

    def covers(self, window: Window, _zone: tzinfo) -> bool:
        """Whether any part of the window falls into the freeze, which is the same in every zone."""
        last_moment = max(window.start, window.end - timedelta.resolution)
        return window.start < self.until and last_moment >= self.since

    def end(self, zone: tzinfo) -> datetime:
        """Return the moment at which it ends, in `zone`."""
        return self.until.astimezone(zone)

    @property
    def words(self) -> str:
        """Say it: `until 2026-12-05 18:00 UTC (Incident 4711)`."""
        return f"until {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({self.reason})"


AnyFreeze = Freeze | TimedFreeze


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedRange:
    """Weekdays (0 is Monday) and a time span; `end` at or before `start` runs over midnight into the next day.

    A range over midnight belongs to the day it begins. `end` of midnight means the end of the day, so whole days in a
    row are one stretch of time.
    """

    weekdays: tuple[int, ...]
    start: time
    end: time
    text: str

    def holds(self, window: Window, zone: tzinfo) -> bool:
        """Whether the whole window lies within one stretch of the range; times are read in `zone`."""
        if self.start == self.end and len(self.weekdays) == len(WEEKDAYS):
            return True
        today = window.start.astimezone(zone).date()
        return any(
            begins <= window.start < ends and window.end <= ends
            for begins, ends in (self._from(day, zone) for day in (today - _A_DAY, today) if self._is_on(day))
        )

    def stretches(self, first: date, *, days: int, zone: tzinfo) -> Iterator[Window]:
        """Yield each stretch of the range that begins within so many days; none where any time is allowed."""
        if self.start == self.end and len(self.weekdays) == len(WEEKDAYS):
            return
        for ahead in range(days):
            if self._is_on(day := first + ahead * _A_DAY):
                begins, ends = self._from(day, zone)
                yield Window(start=begins, end=ends)

    def _from(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return when the stretch that begins on a day begins and ends."""
        last_day = day if self.end > self.start else day + _A_DAY
        while self.start == self.end and self._is_on(last_day):
            last_day += _A_DAY
        return datetime.combine(day, self.start, tzinfo=zone), datetime.combine(last_day, self.end, tzinfo=zone)

    def _is_on(self, day: date) -> bool:
        return day.weekday() in self.weekdays


def frozen_by(freezes: tuple[AnyFreeze, ...], window: Window, zone: tzinfo) -> AnyFreeze | None:
    """Return the first freeze that the window touches."""
    return next((freeze for freeze in freezes if freeze.covers(window, zone)), None)


def is_allowed(ranges: tuple[AllowedRange, ...], window: Window, zone: tzinfo) -> bool:
    """Whether the window lies wholly in one of the ranges; no ranges at all allow any time."""
    return not ranges or any(allowed.holds(window, zone) for allowed in ranges)


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"
