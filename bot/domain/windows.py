"""Maintenance windows: when the cloud may upgrade a cluster, and an estimate of the next one after a moment.

The API states no time zone for windows, so what is computed here is an estimate; the cloud's answer is what counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_A_WEEK = 7
"""Days. The latest window of a weekday began at most so long ago, and the next one begins at most so far ahead."""


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
    """The weekly windows that a cluster follows; `is_complete` is whether each of them could be read."""

    identity: str
    name: str
    windows: tuple[WeeklyWindow, ...]
    is_complete: bool = True


def next_window(schedule: MaintenanceSchedule, *, after: datetime, zone: tzinfo) -> Window | None:
    """Return the first window from a moment on, its weekly times read in `zone`; None without any.

    Of a window that is open at that moment, it is what is left.
    """
    today = after.astimezone(zone).date()
    coming = (
        Window(start=max(window.start, after.astimezone(UTC)), end=window.end)
        for weekly in schedule.windows
        for day in _days(today, weekly.weekday)
        if (window := _on(day, weekly, zone)).start >= after or window.end > after
    )
    return min(coming, key=lambda window: (window.start, window.end), default=None)


def windows_from(
    schedule: MaintenanceSchedule, *, after: datetime, zone: tzinfo, until: datetime
) -> tuple[Window, ...]:
    """Return all windows that end after one moment and begin before another, soonest first."""
    today, days = after.astimezone(zone).date(), (until - after).days + _A_WEEK
    coming = {
        window
        for weekly in schedule.windows
        for ahead in range(-_A_WEEK, days)
        if (day := today + timedelta(days=ahead)).weekday() == weekly.weekday
        and (window := _on(day, weekly, zone)).end > after
        and window.start < until
    }
    return tuple(sorted(coming, key=lambda window: (window.start, window.end)))


def _days(today: date, weekday: int) -> Iterator[date]:
    for ahead in range(-_A_WEEK, _A_WEEK + 1):
        if (day := today + timedelta(days=ahead)).weekday() == weekday:
            yield day


def _on(day: date, weekly: WeeklyWindow, zone: tzinfo) -> Window:
    utc = datetime.combine(day, weekly.start, tzinfo=zone).astimezone(UTC)
    return Window(start=utc, end=utc + timedelta(minutes=weekly.minutes))
