"""Freezes and allowed times: whether a window or a moment falls where upgrades may run."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from bot.domain.windows import WEEKDAYS, Window

_MIDNIGHT = time(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """Whole days, both included, in which nothing is upgraded."""

    first: date
    last: date
    reason: str = ""

    def covers(self, window: Window, zone: tzinfo) -> bool:
        """Whether any part of the window falls into the freeze; days are read in `zone`."""
        begins = datetime.combine(self.first, _MIDNIGHT, tzinfo=zone)
        ends = datetime.combine(self.last + timedelta(days=1), _MIDNIGHT, tzinfo=zone)
        return window.start < ends and (window.end > begins or window.start >= begins)

    @property
    def words(self) -> str:
        """Say it: `Dec 20 to Jan 3 (Holiday freeze)`."""
        days = _day(self.first) if self.first == self.last else f"{_day(self.first)} to {_day(self.last)}"
        return f"{days} ({self.reason})" if self.reason else days


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedRange:
    """Weekdays (0 is Monday) and a time span; `end` at or before `start` runs over midnight into the next day.

    A range over midnight belongs to the day it begins. `end` of midnight means the end of the day.
    """

    weekdays: tuple[int, ...]
    start: time
    end: time
    text: str

    def holds(self, window: Window, zone: tzinfo) -> bool:
        """Whether the whole window lies within one occurrence of the range; times are read in `zone`."""
        first_day = window.start.astimezone(zone).date() - timedelta(days=1)
        for day in (first_day, first_day + timedelta(days=1)):
            if day.weekday() not in self.weekdays:
                continue
            last_day = day if self.end > self.start else day + timedelta(days=1)
            begins = datetime.combine(day, self.start, tzinfo=zone)
            ends = datetime.combine(last_day, self.end, tzinfo=zone)
            if begins <= window.start and window.end <= ends and window.start < ends:
                return True
        return False


def frozen_by(freezes: tuple[Freeze, ...], window: Window, zone: tzinfo) -> Freeze | None:
    """Return the first freeze that the window touches."""
    return next((freeze for freeze in freezes if freeze.covers(window, zone)), None)


def is_allowed(ranges: tuple[AllowedRange, ...], window: Window, zone: tzinfo) -> bool:
    """Whether the window lies wholly in one of the ranges; no ranges at all allow any time."""
    return not ranges or any(allowed.holds(window, zone) for allowed in ranges)


def weekday_names(weekdays: tuple[int, ...]) -> str:
    """Say weekdays: `Monday, Tuesday`."""
    return ", ".join(WEEKDAYS[weekday].capitalize() for weekday in weekdays)


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"
