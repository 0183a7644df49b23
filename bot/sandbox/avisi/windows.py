"""Weekly maintenance windows as the simulated platform reads them."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo

from bot.sandbox.avisi.world import Window

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def next_window(windows: Iterable[Window], after: datetime, zone: tzinfo = UTC) -> tuple[datetime, datetime] | None:
    """Find the first window that begins at or after a moment; start and end in UTC, None without windows."""
    found = [_next(window, after, zone) for window in windows]
    return min(found, default=None)


def _next(window: Window, after: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    local = after.astimezone(zone)
    begins = time.fromisoformat(window.start_time)
    ahead = (DAYS.index(window.day) - local.weekday()) % 7
    while True:
        day = local.date() + timedelta(days=ahead)
        start = datetime.combine(day, begins, tzinfo=zone).astimezone(UTC)
        if start >= after:
            return start, start + timedelta(minutes=window.duration)
        ahead += 7
