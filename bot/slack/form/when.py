"""Reads the time that a person typed: strict forms first, a small grammar, then dateparser with its traps closed.

Pure: no clock, no Slack. What comes out is only ever filled into the modal, where the person sees it.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.form import HORIZON

LONGEST = 60
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_UNITS = {
    "minute": 1,
    "min": 1,
    "m": 1,
    "hour": 60,
    "hr": 60,
    "h": 60,
    "day": 1440,
    "d": 1440,
    "week": 10080,
    "w": 10080,
}
_DAWN = time(6)
"""`tonight 01:00` is the night that follows; from here on it is morning."""
_NAMED = {"noon": time(12), "midnight": time(0)}
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:(?::|(?<=\d\d)\.)(?P<minute>\d\d)(?::\d\d)?)?\s*(?P<half>am|pm|a\.m\.|p\.m\.|h)?", re.ASCII
)
"""`22:00`, `9:30 pm`, `10pm`, `22.00`; but not `1.30`, which is a version."""
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[t ]+(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?::\d\d(?:\.\d+)?)?"
    r"\s*(?P<offset>z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_SPAN = re.compile(r"(?P<count>\d{1,4}|an?|one)\s*(?P<unit>[a-z]+)(?:\s+and\b)?\s*", re.ASCII)
_ALL_DIGITS = re.compile(r"(?<![\d/.:-])\d{1,2}[/.-]\d{1,2}([/.-]\d{2,4})?\b", re.ASCII)
_ZONE = re.compile(r"(?P<rest>.+?)\s*\b(?P<zone>utc|gmt|[a-z_]+/[a-z_]+(?:/[a-z_]+)?)", re.ASCII)
_WEEK = re.compile(
    r"(?:(?P<before>[a-z]+) )?(?P<which>next|this) week(?: on)?(?: (?P<after>[a-z]+))?(?: at)? (?P<clock>.+)", re.ASCII
)
_WEEK_LAST = re.compile(r"(?P<day>[a-z]+) (?P<clock>.+) (?P<week>(?:next|this) week)", re.ASCII)
_SAYS_OFFSET = re.compile(r"\b(?:utc|gmt|z)\b|\s[+-]\d{1,2}(?::?\d\d)?$", re.ASCII)
_STUCK = re.compile(r"(?<=\d)(?=[a-z]{3,5}\b)", re.ASCII)
_ABBREVIATION = re.compile(r"[a-z]{2,5}", re.ASCII)
_WORDS = frozenset(
    {"am", "pm", "at", "on", "and", "noon", "from", "now", "next", "this", "week", "today", "ago", "last", "month"}
    | {month[:length] for month in _MONTHS for length in range(3, 6)}
)
"""Short words that are no time zone; weekdays and units are known besides."""
_NOT_THE_MACHINE_S = "UTC"
"""For dateparser, which only reads what the clock shows: its default is the machine's, which TZ may make unreadable."""
_EXAMPLES = "Write it as `2026-12-05 22:00`, `tomorrow 22:00`, `sat 02:00` or `in 3 days 22:00`."


class NotUnderstood(Exception):
    """The time cannot be read; `str()` of it is a sentence for the person who typed it."""


class OutOfReach(NotUnderstood):
    """The time was read, and no upgrade can be requested for then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A moment (aware UTC), and a sentence about it when the clock change makes it doubtful."""

    at: datetime
    note: str = ""


def read(text: str, *, now: datetime, zone: tzinfo) -> Moment:
    """Read a time typed by somebody in `zone`; raises NotUnderstood, also for the past and for beyond a year."""
    try:
        return _read(text, now=now, zone=zone)
    except OverflowError as error:  # years such as 1 and 9999, at the end of what can be counted
        raise OutOfReach("It is not within a year from now.") from error


def load() -> None:
    """Load what reads the times that the grammar does not know: the first who needs it would wait for half a second."""
    import dateparser  # noqa: PLC0415 - weighs 18 MiB, and what only asks for a version need not load it

    dateparser.parse("5 december 2026 22:00", languages=["en"], settings={"TIMEZONE": _NOT_THE_MACHINE_S})


def shown(at: datetime, zone: tzinfo) -> str:
    """Write a moment for who typed it: `Sat 5 Dec 2026, 22:00 (Europe/Amsterdam)`."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({zone})"


def _read(text: str, *, now: datetime, zone: tzinfo) -> Moment:
    typed = " ".join(text.lower().replace(",", " ").split()).removeprefix("at ").removeprefix("on ")
    if not typed or len(typed) > LONGEST:
        raise NotUnderstood(_EXAMPLES)
    if named := _ZONE.fullmatch(typed):
        zone, typed = _zone(named["zone"]), named["rest"]
    typed, abbreviation = _without_abbreviation(typed, zone, now)
    typed = _day_first(typed)
    moment = _iso(typed, zone) or _grammar(typed, now.astimezone(zone), zone) or _anything(typed, now, zone)
    moment = _second_one(moment, zone, abbreviation)
    if moment.at <= now:
        raise OutOfReach(f"{shown(moment.at, zone)} is in the past.")
    if moment.at > now + HORIZON:
        raise OutOfReach(f"{shown(moment.at, zone)} is more than a year ahead.")
    return moment


def localise(naive: datetime, zone: tzinfo) -> Moment:
    """Read a wall clock time in a zone: one that clocks skip is shifted, one that comes twice is the first."""
    aware = naive.replace(tzinfo=zone, fold=0)
    at = aware.astimezone(UTC)
    back = at.astimezone(zone)
    if back.replace(tzinfo=None) != naive:
        note = f"{naive:%H:%M} does not exist on {naive:%Y-%m-%d} in {zone}: clocks go forward then."
        return Moment(at=at, note=f"{note} {back:%H:%M} was taken.")
    if aware.replace(fold=1).utcoffset() != aware.utcoffset():
        note = f"{naive:%H:%M} comes twice on {naive:%Y-%m-%d} in {zone}: clocks go back then. The first one was taken."
        return Moment(at=at, note=note)
    return Moment(at=at)


def _iso(typed: str, zone: tzinfo) -> Moment | None:
    match = _ISO.fullmatch(typed)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["day"])
        wall = datetime.combine(day, time(int(match["hour"]), int(match["minute"])))
        if match["offset"]:
            offset = "+00:00" if match["offset"] == "z" else match["offset"]
            return Moment(at=datetime.fromisoformat(f"{wall.isoformat()}{offset}").astimezone(UTC))
    except ValueError as error:
        raise NotUnderstood(f"There is no such time. {_EXAMPLES}") from error
    return localise(wall, zone)


def _without_abbreviation(typed: str, zone: tzinfo, now: datetime) -> tuple[str, str]:
    """Take the abbreviation of a time zone out and return it: IST is the reader's own, or could be any of several.

    Raises NotUnderstood for one that the reader's own zone does not have.
    """
    words = _STUCK.sub(" ", typed).split()
    own = _abbreviations(zone, now)
    for place, word in enumerate(words):
        if place == 0 or not _ABBREVIATION.fullmatch(word) or word in _WORDS or _weekday(word) is not None:
            continue
        if word in own:
            return " ".join([*words[:place], *words[place + 1 :]]), word
        if _clock(words[place - 1]) is not None and _unit(word) is None:
            raise NotUnderstood(f"It is not clear which time zone {word.upper()} is. {_which_zone(zone)}")
    return typed, ""


def _abbreviations(zone: tzinfo, now: datetime) -> set[str]:
    """Return what a zone is called in the course of a year, in small letters: est, edt, and et for both."""
    names = {((now + timedelta(days=30 * month)).astimezone(zone).tzname() or "").lower() for month in range(13)}
    return names | {f"{name[:-2]}t" for name in names if re.fullmatch(r"[a-z]+[sd]t", name) and len(names) > 1}


def _which_zone(zone: tzinfo) -> str:
    return f"Leave it out for your own, {zone}, or write its name, such as UTC or America/New_York."


def _second_one(moment: Moment, zone: tzinfo, abbreviation: str) -> Moment:
    """Return the second of two times that a clock shows, if the abbreviation says so."""
    first = moment.at.astimezone(zone)
    second = first.replace(fold=1)
    if abbreviation in {(first.tzname() or "").lower(), ""} or (second.tzname() or "").lower() != abbreviation:
        return moment
    return Moment(at=second.astimezone(UTC))


def _day_first(typed: str) -> str:
    """Put a time of day that comes first behind the day: `22:00 sat` is `sat 22:00`."""
    words = typed.split()
    for count in (2, 1):
        if words[count:] and _clock(" ".join(words[:count])) is not None:
            return " ".join([*words[count:], *words[:count]]).removeprefix("on ")
    return typed


def _grammar(typed: str, local: datetime, zone: tzinfo) -> Moment | None:
    which, _, rest = typed.partition(" ")
    if which == "in":
        return _ahead(rest, local, zone)
    if moment := _in_week(typed, local, zone):
        return moment
    first, _, rest = (rest if rest and which in {"next", "this"} else typed).partition(" ")
    rest = rest.removeprefix("at ")
    if first in {"today", "tonight", "tomorrow"}:
        day, hour = local.date() + timedelta(days=first == "tomorrow"), _needed_clock(rest)
        if first == "tonight" and hour < _DAWN and datetime.combine(day, hour) <= local.replace(tzinfo=None):
            day += timedelta(days=1)
        return localise(datetime.combine(day, hour), zone)
    if (weekday := _weekday(first)) is not None and (clock := _clock(rest)) is not None:
        day = local.date() + timedelta(days=(weekday - local.weekday()) % 7)
        if datetime.combine(day, clock) <= local.replace(tzinfo=None) or (which == "next" and day == local.date()):
            day += timedelta(days=7)
        return localise(datetime.combine(day, clock), zone)
    if (alone := _clock(typed)) is not None:
        day = local.date()
        if datetime.combine(day, alone) <= local.replace(tzinfo=None):
            day += timedelta(days=1)
        return localise(datetime.combine(day, alone), zone)
    return None


def _in_week(typed: str, local: datetime, zone: tzinfo) -> Moment | None:
    """Read `friday next week 22:00` and its like: a day of the week that begins next Monday, or began this one."""
    if last := _WEEK_LAST.fullmatch(typed):
        typed = f"{last['day']} {last['week']} {last['clock']}"
    week = _WEEK.fullmatch(typed)
    weekday = _weekday(week["before"] or week["after"] or "") if week else None
    if week is None or weekday is None:
        return None
    day = local.date() + timedelta(days=weekday - local.weekday() + 7 * (week["which"] == "next"))
    moment = localise(datetime.combine(day, _needed_clock(week["clock"])), zone)
    if _DAYS[weekday] == "sunday" and not moment.note:
        return replace(moment, note="The week was taken to begin on Monday and to end with this Sunday.")
    return moment


def _ahead(rest: str, local: datetime, zone: tzinfo) -> Moment | None:
    """Read `2 hours`, `2 hours 30 minutes`, `1 day` and `3 days 22:00`. After days the clock shows the same hour."""
    days = minutes = 0
    while (span := _SPAN.match(rest)) and (unit := _unit(span["unit"])):
        count = int(span["count"]) if span["count"].isdigit() else 1
        if unit < _UNITS["day"]:
            minutes += unit * count
        else:
            days += unit // _UNITS["day"] * count
        rest = rest[span.end() :]
    if not (days or minutes) or (rest and minutes):
        return None
    if not days:
        return Moment(at=local.astimezone(UTC) + timedelta(minutes=minutes))
    if rest:
        return localise(datetime.combine(local.date() + timedelta(days), _needed_clock(rest.removeprefix("at "))), zone)
    then = localise(local.replace(tzinfo=None) + timedelta(days), zone)
    return replace(then, at=then.at + timedelta(minutes=minutes))


def _anything(typed: str, now: datetime, zone: tzinfo) -> Moment:
    """Ask dateparser, but only about what names both a day and a time of day, and means one thing everywhere."""
    if _ALL_DIGITS.search(typed):
        raise NotUnderstood(f"Such a date reads differently from place to place. {_EXAMPLES}")
    if not re.search(r"\d\d?:\d\d|\d\s*[ap]\.?m\b", typed):
        raise NotUnderstood(f"A time of day is missing. {_EXAMPLES}")
    import dateparser  # noqa: PLC0415 - 18 MiB and 0.2 s, and hardly anybody writes such a time

    first, _, rest = typed.partition(" ")
    weekday = _weekday(first)
    settings = {
        "PREFER_DATES_FROM": "future",
        "RELATIVE_BASE": now.astimezone(zone).replace(tzinfo=None),
        "REQUIRE_PARTS": ["day", "month"],
        "TIMEZONE": _NOT_THE_MACHINE_S,
    }
    found = dateparser.parse(typed if weekday is None else rest, languages=["en"], settings=settings)
    if found is None:
        raise NotUnderstood(_EXAMPLES)
    if weekday not in {None, found.weekday()}:
        raise NotUnderstood(f"{found:%Y-%m-%d} is a {_DAYS[found.weekday()].capitalize()}.")
    if found.tzinfo is not None and not _SAYS_OFFSET.search(typed):
        raise NotUnderstood(f"It is not clear which time zone is meant. {_which_zone(zone)}")
    if found.tzinfo is not None:
        return Moment(at=found.astimezone(UTC))
    return localise(found.replace(second=0, microsecond=0), zone)


def _unit(word: str) -> int | None:
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))


def _weekday(word: str) -> int | None:
    if len(word) < len("mon"):
        return None
    return next((number for number, day in enumerate(_DAYS) if day.startswith(word) or word == day[:4]), None)


def _needed_clock(text: str) -> time:
    if not text:
        raise NotUnderstood(f"A time of day is missing. {_EXAMPLES}")
    clock = _clock(text)
    if clock is None and text:
        raise NotUnderstood(_EXAMPLES)
    if clock is None:
        raise NotUnderstood(f"Its time of day cannot be read. {_EXAMPLES}")
    return clock


def _clock(text: str) -> time | None:
    if text in _NAMED:
        return _NAMED[text]
    match = _CLOCK.fullmatch(text)
    if match is None or not (match["minute"] or match["half"]):
        return None
    hour, half = int(match["hour"]), (match["half"] or "").replace(".", "")
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - hours of half a day
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(match["minute"] or 0))
    except ValueError:
        return None


def _zone(name: str) -> tzinfo:
    if name in {"utc", "gmt"}:
        return UTC
    try:
        return ZoneInfo("/".join("_".join(part.capitalize() for part in word.split("_")) for word in name.split("/")))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise NotUnderstood(f"{name} is not a valid time zone; Europe/Amsterdam and UTC are. {_EXAMPLES}") from error
