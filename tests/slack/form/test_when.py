"""Times as people type them, and what is refused because it could mean two things."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.form.when import Moment, NotUnderstood, localise, read

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, 16:00 in Amsterdam."""
SUMMER = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)


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
        ("next monday 17:00", "2026-11-30 16:00"),
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
        ("5 dec 22:00 CET", "2026-12-05 21:00"),
        ("22:00 CEST sat", "2026-11-28 21:00"),
        ("sat 22:00CET", "2026-11-28 21:00"),
        ("5 dec 22:00 UTC+2", "2026-12-05 20:00"),
        ("5 dec 22:00 +05:30", "2026-12-05 16:30"),
        ("tonight 1am", "2026-11-24 00:00"),
        ("1am tonight", "2026-11-24 00:00"),
        ("midnight tonight", "2026-11-23 23:00"),
        ("tonight at 12am", "2026-11-23 23:00"),
        ("friday next week 22:00", "2026-12-04 21:00"),
        ("next week friday at 22:00", "2026-12-04 21:00"),
        ("22:00 friday next week", "2026-12-04 21:00"),
        ("friday 22:00 next week", "2026-12-04 21:00"),
        ("next week on mon noon", "2026-11-30 11:00"),
        ("friday this week 22:00", "2026-11-27 21:00"),
        ("in 1 day", "2026-11-24 15:00"),
        ("in 2 days 3 hours", "2026-11-25 18:00"),
        ("2026-12-05T22:00+01", "2026-12-05 21:00"),
        ("2026-12-05 22.00", "2026-12-05 21:00"),
        ("2026/12/05 22:00", "2026-12-05 21:00"),
        ("sat 5 dec 22:00", "2026-12-05 21:00"),
        ("this friday 9pm", "2026-11-27 20:00"),
        ("22:00 sat", "2026-11-28 21:00"),
        ("noon tomorrow", "2026-11-24 11:00"),
        ("in 2 hours 30 minutes", "2026-11-23 17:30"),
        ("in 1 hour and 5 min", "2026-11-23 16:05"),
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
        "5-12-2026 22:00",
        "12-05-2026 22:00",
        "1 22:00",
        "may 22:00",
        "mon 5 dec 22:00",
        "sat 02:00-04:00",
        "in 0 hours",
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
        "5 dec 22:00 EST",
        "dec 5 IST 22:00",
        "monday this week 10:00",
        "tonight 8am",
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


@pytest.mark.parametrize(
    ("typed", "zone", "expected"),
    [
        ("dec 5 22:00 IST", "Asia/Kolkata", "2026-12-05 16:30"),
        ("dec 5 22:00 IST", "Asia/Jerusalem", "2026-12-05 20:00"),
        ("22:00 ist on dec 5", "Asia/Kolkata", "2026-12-05 16:30"),
        ("dec 5 10 pm IST", "Asia/Kolkata", "2026-12-05 16:30"),
        ("dec 5 22:00 CST", "Asia/Shanghai", "2026-12-05 14:00"),
        ("dec 5 22:00 CST", "America/Chicago", "2026-12-06 04:00"),
        ("dec 5 22:00 CT", "America/Chicago", "2026-12-06 04:00"),
        ("2026-11-01 01:30 EDT", "America/New_York", "2026-11-01 05:30"),
        ("2026-11-01 01:30 EST", "America/New_York", "2026-11-01 06:30"),
        ("2027-06-01 22:00 GMT", "Europe/London", "2027-06-01 22:00"),
    ],
)
def test_an_abbreviation_is_the_reader_s_own_zone(typed: str, zone: str, expected: str) -> None:
    """IST and CST are zones of several countries; whoever has one of them at home means that one."""
    assert read(typed, now=SUMMER, zone=ZoneInfo(zone)).at == _utc(expected)


def test_an_abbreviation_of_elsewhere_is_asked_back() -> None:
    """Nobody can tell which of several it is."""
    with pytest.raises(NotUnderstood, match=r"which time zone IST is\. Leave it out for your own, Europe/Amsterdam"):
        read("dec 5 22:00 IST", now=NOW, zone=AMSTERDAM)


@pytest.mark.parametrize(
    ("typed", "now", "expected"),
    [
        ("in 1 day", "2027-03-27 21:00", "2027-03-28 20:00"),
        ("in 24 hours", "2027-03-27 21:00", "2027-03-28 21:00"),
        ("in 1 week", "2026-10-20 20:00", "2026-10-27 21:00"),
        ("in 1 day 2 hours", "2027-03-27 21:00", "2027-03-28 22:00"),
    ],
)
def test_days_keep_the_clock_s_hour_over_a_change_of_clocks(typed: str, now: str, expected: str) -> None:
    """Hours are hours; after days the clock on the wall shows what it shows now."""
    assert read(typed, now=_utc(now), zone=AMSTERDAM).at == _utc(expected)


@pytest.mark.parametrize(
    ("typed", "expected"), [("tonight 1am", "2026-11-24 00:00"), ("tonight midnight", "2026-11-24 23:00")]
)
def test_tonight_is_this_night_for_who_is_still_up(typed: str, expected: str) -> None:
    """At half past midnight, one o'clock is in half an hour."""
    assert read(typed, now=_utc("2026-11-23 23:30"), zone=AMSTERDAM).at == _utc(expected)


def test_a_sunday_next_week_says_which_one_it_was_taken_for() -> None:
    """Weeks begin on Sunday for some."""
    moment = read("sunday next week 02:00", now=NOW, zone=AMSTERDAM)

    assert moment.at == _utc("2026-12-06 01:00")
    assert "begin on Monday" in moment.note


def test_a_machine_whose_own_zone_cannot_be_read_reads_times_all_the_same() -> None:
    """Only the zone of whoever typed it counts."""
    code = (
        "from datetime import UTC, datetime\nfrom zoneinfo import ZoneInfo\n"
        "from bot.slack.form.when import load, read\n"
        "load(); print(read('5 dec 9pm', now=datetime(2026, 11, 23, tzinfo=UTC), zone=ZoneInfo('Europe/Amsterdam')).at)"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, env=os.environ | {"TZ": "Foo/Bar"},  # noqa: TID251 - a process needs one
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("2026-12-05 20:00:00+00:00\n", "")


@pytest.mark.parametrize(
    ("typed", "zone", "expected", "taken"),
    [
        ("2027-03-28 02:30", "Europe/Amsterdam", "2027-03-28 01:30", "03:30"),
        ("2027-03-14 02:30", "America/New_York", "2027-03-14 07:30", "03:30"),
        ("2027-09-26 02:30", "Pacific/Auckland", "2027-09-25 14:30", "03:30"),
        ("2027-10-03 02:15", "Australia/Lord_Howe", "2027-10-02 15:45", "02:45"),
    ],
)
def test_a_time_that_clocks_skip_is_shifted_and_said(typed: str, zone: str, expected: str, taken: str) -> None:
    """There is no such time on the night that summer time begins, wherever that is."""
    moment = read(typed, now=SUMMER, zone=ZoneInfo(zone))

    assert moment.at == _utc(expected)
    assert f"clocks go forward then. {taken} was taken." in moment.note


@pytest.mark.parametrize(
    ("typed", "zone", "expected"),
    [
        ("2026-10-25 02:30", "Europe/Amsterdam", "2026-10-25 00:30"),
        ("2026-11-01 01:30", "America/New_York", "2026-11-01 05:30"),
        ("2027-04-04 02:30", "Pacific/Auckland", "2027-04-03 13:30"),
    ],
)
def test_a_time_that_comes_twice_is_the_first_and_said(typed: str, zone: str, expected: str) -> None:
    """When summer time ends, the hour is there twice."""
    moment = read(typed, now=SUMMER, zone=ZoneInfo(zone))

    assert moment.at == _utc(expected)
    assert "comes twice" in moment.note
    assert "first one" in moment.note


def test_tomorrow_is_the_same_wall_clock_time_after_clocks_have_changed() -> None:
    """Days follow the calendar, hours follow the clock on the wall of nobody."""
    evening = datetime(2027, 3, 27, 21, 0, tzinfo=UTC)  # 22:00 in Amsterdam, the night before summer time

    assert read("tomorrow 22:00", now=evening, zone=AMSTERDAM).at == _utc("2027-03-28 20:00")
    assert read("in 24 hours", now=evening, zone=AMSTERDAM).at == _utc("2027-03-28 21:00")


def test_a_weekday_that_the_date_does_not_fall_on_is_named() -> None:
    """One of the two is a slip, and nobody can tell which."""
    with pytest.raises(NotUnderstood, match="2026-12-05 is a Saturday"):
        read("mon 5 dec 22:00", now=NOW, zone=AMSTERDAM)


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


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize(
    "typed",
    [
        "0001-01-01 00:00",
        "0001-01-01 00:00 +14",
        "0001-01-01T00:00Z",
        "9999-12-31 23:59",
        "9999-12-31 23:59 -12",
        "1 january 0001 22:00",
        "31 december 9999 23:59",
        "in 9999 weeks 9999 weeks 9999 weeks 22:00",
    ],
)
def test_years_at_the_end_of_the_calendar_are_refused(typed: str, zone: str) -> None:
    """Nothing can be counted with them; whoever typed one reads that, and not a reference number."""
    with pytest.raises(NotUnderstood, match=r"in the past|more than a year ahead|within a year"):
        read(typed, now=NOW, zone=ZoneInfo(zone))
