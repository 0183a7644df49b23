"""The calendar: upgrades with a known window and freezes as RFC 5545 events. Rendering only; nothing is read here.

An event keeps its UID for as long as its upgrade or freeze is known, and its SEQUENCE rises with each move, so that a
calendar that subscribed shows a moved window once, where it is now.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from icalendar import Calendar, Event, vDate, vDatetime, vInt, vText, vUri

EventStatus = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]

_PRODUCT = "-//Avisi Cloud upgrade bot//upgrade-bot//EN"
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarEvent:
    """One event. Moments are aware UTC; whole days are dates, and `end` is the day after the last one.

    `changed_at` is when it last changed (aware UTC), which is also what makes equal feeds equal to the byte.
    """

    uid: str
    summary: str
    start: datetime | date
    end: datetime | date
    status: EventStatus
    sequence: int
    changed_at: datetime
    description: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarFeed:
    """A feed as it is served: the bytes and their ETag."""

    body: bytes
    etag: str


def render(events: tuple[CalendarEvent, ...], *, name: str) -> CalendarFeed:
    """Write a calendar; `name` is what subscribers see as its title."""
    head = Calendar()
    head["prodid"], head["version"] = vText(_PRODUCT), vText("2.0")
    head["x-wr-calname"] = vText(name)
    head["refresh-interval;value=duration"] = vText("PT15M")
    head["x-published-ttl"] = vText("PT15M")
    opened, ending, _ = head.to_ical(sorted=False).rpartition(b"END:VCALENDAR")
    body = opened + b"".join(_written(event) for event in events) + ending + b"\r\n"
    return CalendarFeed(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@lru_cache(maxsize=_REMEMBERED)
def _written(one: CalendarEvent) -> bytes:
    """Write one event; most of them are the same the next time somebody asks."""
    event = Event()
    event["uid"] = vText(one.uid)
    event["dtstamp"] = vDatetime(one.changed_at)
    event["dtstart"] = vDatetime(one.start) if isinstance(one.start, datetime) else _day(one.start)
    event["dtend"] = vDatetime(_after(one)) if isinstance(one.end, datetime) else _day(one.end)
    event["summary"] = vText(one.summary)
    event["status"] = vText(one.status)
    event["sequence"] = vInt(one.sequence)
    if one.description:
        event["description"] = vText(one.description)
    if one.url:
        event["url"] = vUri(one.url)
    return bytes(event.to_ical(sorted=False))


def _day(day: date) -> vDate:
    written = vDate(day)
    written.params["value"] = "DATE"
    return written


def _after(one: CalendarEvent) -> datetime:
    """Return the end; calendars refuse an event that takes no time, as an upgrade at a moment does."""
    assert isinstance(one.start, datetime)  # noqa: S101 - both ends are of one kind
    assert isinstance(one.end, datetime)  # noqa: S101 - as above
    return one.end if one.end > one.start else one.start + timedelta(minutes=1)
