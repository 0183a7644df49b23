"""Maintenance windows: when the cloud may upgrade a cluster, and an estimate of the next one after a moment.

The API states no time zone for windows, so what is computed here is an estimate; the cloud's answer is what counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_AHEAD = 7
"""A window of today's weekday may be over already, so that the next one is a week ahead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A span of time, aware UTC, `start <= end`; a single moment has `start == end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WeeklyWindow:
    """A window that recurs: weekday (0 is Monday), local start, length in minutes."""

    weekday: int
    start: time
    minutes: int

    @property
    def words(self) -> str:
        """Say it as people do: `Sunday 02:00 for 3 h`."""
        hours, rest = divmod(self.minutes, 60)
        length = " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
        return f"{WEEKDAYS[self.weekday].capitalize()} {self.start:%H:%M} for {length or '0 min'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceSchedule:
    """The weekly windows that a cluster follows."""

    identity: str
    name: str
    windows: tuple[WeeklyWindow, ...]


def next_window(schedule: MaintenanceSchedule, *, after: datetime, zone: tzinfo) -> Window | None:
    """Return the first window starting at or after a moment, its weekly times read in `zone`; None without any."""
    first_day = after.astimezone(zone).date()
    starts = (
        window
        for weekly in schedule.windows
        for day in _days(first_day, weekly.weekday)
        if (window := _on(day, weekly, zone)).start >= after
    )
    return min(starts, key=lambda window: (window.start, window.end), default=None)


def _days(first: date, weekday: int) -> Iterator[date]:
    for ahead in range(_DAYS_AHEAD + 1):
        if (day := first + timedelta(days=ahead)).weekday() == weekday:
            yield day


def _on(day: date, weekly: WeeklyWindow, zone: tzinfo) -> Window:
    utc = datetime.combine(day, weekly.start, tzinfo=zone).astimezone(UTC)
    return Window(start=utc, end=utc + timedelta(minutes=weekly.minutes))
