from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import AllowedRange, Freeze, TimedFreeze, frozen_by, is_allowed
from bot.domain.windows import Window

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
AUCKLAND = ZoneInfo("Pacific/Auckland")
HONOLULU = ZoneInfo("Pacific/Honolulu")
HOLIDAYS = Freeze(first=date(2026, 12, 20), last=date(2027, 1, 3), reason="Holiday freeze")
INCIDENT = TimedFreeze(
    since=datetime.fromisoformat("2026-12-04T22:00Z"),
    until=datetime.fromisoformat("2026-12-05T18:00Z"),
    reason="Incident 4711",
)
MON_TO_THU = (0, 1, 2, 3)
NIGHTS = AllowedRange(weekdays=MON_TO_THU, start=time(20), end=time(6), text="mon-thu 20:00-06:00")
SATURDAYS = AllowedRange(weekdays=(5,), start=time(0), end=time(0), text="sat")


def span(start: str, end: str | None = None) -> Window:
    return Window(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end or start))


@pytest.mark.parametrize(
    ("window", "zone", "frozen"),
    [
        (span("2026-12-19T20:00Z", "2026-12-19T23:59Z"), UTC, False),
        (span("2026-12-19T20:00Z", "2026-12-20T00:00Z"), UTC, False),
        (span("2026-12-19T20:00Z", "2026-12-20T00:01Z"), UTC, True),
        (span("2026-12-25T00:00Z", "2026-12-25T03:00Z"), UTC, True),
        (span("2026-12-01T00:00Z", "2027-02-01T00:00Z"), UTC, True),
        (span("2027-01-03T23:59Z", "2027-01-04T03:00Z"), UTC, True),
        (span("2027-01-04T00:00Z", "2027-01-04T03:00Z"), UTC, False),
        (span("2026-12-19T23:59:59Z"), UTC, False),
        (span("2026-12-20T00:00Z"), UTC, True),
        (span("2027-01-03T23:59:59Z"), UTC, True),
        (span("2027-01-04T00:00Z"), UTC, False),
        (span("2026-12-19T23:00Z"), AMSTERDAM, True),
        (span("2027-01-03T23:00Z"), AMSTERDAM, False),
        (span("2026-12-19T11:00Z"), AUCKLAND, True),
        (span("2027-01-03T11:00Z"), AUCKLAND, False),
        (span("2026-12-20T09:59Z"), HONOLULU, False),
        (span("2027-01-04T09:59Z"), HONOLULU, True),
    ],
)
def test_a_freeze_covers_whole_days_of_its_zone(window: Window, zone: ZoneInfo, *, frozen: bool) -> None:
    """Both days included; a window is frozen when any part of it is, a moment when it lies inside."""
    assert HOLIDAYS.covers(window, zone) is frozen


@pytest.mark.parametrize(
    ("window", "frozen"),
    [
        (span("2026-12-04T20:00Z", "2026-12-04T22:00Z"), False),
        (span("2026-12-04T20:00Z", "2026-12-04T22:01Z"), True),
        (span("2026-12-04T23:00Z", "2026-12-05T01:00Z"), True),
        (span("2026-12-05T17:59Z", "2026-12-05T20:00Z"), True),
        (span("2026-12-05T18:00Z", "2026-12-05T20:00Z"), False),
        (span("2026-12-04T20:00Z", "2026-12-06T20:00Z"), True),
        (span("2026-12-04T21:59:59Z"), False),
        (span("2026-12-04T22:00Z"), True),
        (span("2026-12-05T18:00Z"), False),
    ],
)
def test_a_timed_freeze_lasts_from_its_first_moment_up_to_its_last(window: Window, *, frozen: bool) -> None:
    """It is the same in every zone: what touches it is frozen, what begins as it ends is not."""
    assert INCIDENT.covers(window, UTC) is frozen
    assert INCIDENT.covers(window, AUCKLAND) is frozen


def test_a_timed_freeze_says_until_when_and_why() -> None:
    assert INCIDENT.words == "until 2026-12-05 18:00 UTC (Incident 4711)"
    assert INCIDENT.end(AMSTERDAM) == INCIDENT.until


def test_a_freeze_may_last_until_the_end_of_all_days() -> None:
    """Whoever freezes until further notice writes the last day there is."""
    for_good = Freeze(first=date(2026, 12, 20), last=date.max)

    assert for_good.covers(span("2035-01-01T00:00Z", "2035-01-01T03:00Z"), AMSTERDAM)
    assert not for_good.covers(span("2026-12-19T20:00Z", "2026-12-19T22:00Z"), AMSTERDAM)


def test_a_freeze_of_one_day_covers_that_day_also_when_clocks_change() -> None:
    """The day on which summer time ends has 25 hours."""
    freeze = Freeze(first=date(2026, 10, 25), last=date(2026, 10, 25))

    covered = [
        hour
        for hour in range(48)
        if freeze.covers(span((datetime(2026, 10, 24, tzinfo=UTC) + timedelta(hours=hour)).isoformat()), AMSTERDAM)
    ]

    assert covered == list(range(22, 47))


@pytest.mark.parametrize(
    ("freeze", "words"),
    [
        (HOLIDAYS, "Dec 20 to Jan 3 (Holiday freeze)"),
        (Freeze(first=date(2026, 5, 5), last=date(2026, 5, 5)), "May 5"),
        (Freeze(first=date(2026, 5, 5), last=date(2027, 5, 4)), "May 5 to May 4"),
        (Freeze(first=date(2026, 5, 5), last=date(2027, 5, 5)), "May 5, 2026 to May 5, 2027"),
        (
            Freeze(first=date(2026, 5, 5), last=date.max, reason="End of life"),
            "May 5, 2026 to Dec 31, 9999 (End of life)",
        ),
        (Freeze(first=date(2026, 5, 5), last=date(2026, 5, 5), reason="Liberation Day"), "May 5 (Liberation Day)"),
    ],
)
def test_a_freeze_is_said_by_its_days_and_reason(freeze: Freeze, words: str) -> None:
    """One day is one day; of a year and more the years are said."""
    assert freeze.words == words


@pytest.mark.parametrize(
    ("window", "zone", "allowed"),
    [
        (span("2026-12-03T20:00Z", "2026-12-04T06:00Z"), UTC, True),  # Thursday night ends on Friday
        (span("2026-12-04T02:00Z", "2026-12-04T05:00Z"), UTC, True),
        (span("2026-12-04T05:00Z", "2026-12-04T06:01Z"), UTC, False),
        (span("2026-12-04T20:00Z", "2026-12-04T23:00Z"), UTC, False),  # Friday night is not one of them
        (span("2026-12-05T02:00Z", "2026-12-05T03:00Z"), UTC, False),
        (span("2026-11-30T02:00Z", "2026-11-30T05:00Z"), UTC, False),  # Monday morning belongs to Sunday
        (span("2026-11-30T19:59Z", "2026-11-30T21:00Z"), UTC, False),
        (span("2026-11-30T20:00Z"), UTC, True),
        (span("2026-12-01T05:59Z"), UTC, True),
        (span("2026-12-01T06:00Z"), UTC, False),
        (span("2026-12-01T12:00Z"), UTC, False),
        (span("2026-11-30T19:00Z", "2026-12-01T05:00Z"), AMSTERDAM, True),
        (span("2026-12-01T05:00Z", "2026-12-01T05:30Z"), AMSTERDAM, False),
        (span("2026-11-30T07:00Z", "2026-11-30T16:00Z"), AUCKLAND, True),  # Monday 20:00 to Tuesday 05:00
        (span("2026-12-01T06:00Z", "2026-12-01T16:00Z"), HONOLULU, True),  # Monday 20:00 to Tuesday 06:00
        (span("2026-12-01T20:00Z", "2026-12-03T06:00Z"), UTC, False),  # two nights with a day between
    ],
)
def test_a_range_over_midnight_belongs_to_the_day_it_begins(window: Window, zone: ZoneInfo, *, allowed: bool) -> None:
    """Monday to Thursday 20:00 to 06:00, in any zone: the whole window has to lie in one night."""
    assert is_allowed((NIGHTS,), window, zone) is allowed


@pytest.mark.parametrize(
    ("window", "allowed"),
    [
        (span("2026-12-05T00:00Z", "2026-12-06T00:00Z"), True),
        (span("2026-12-04T23:59Z", "2026-12-05T01:00Z"), False),
        (span("2026-12-05T23:00Z", "2026-12-06T00:01Z"), False),
        (span("2026-12-06T00:00Z"), False),
    ],
)
def test_midnight_to_midnight_is_the_whole_day(window: Window, *, allowed: bool) -> None:
    """And not a minute of the next."""
    assert is_allowed((SATURDAYS,), window, UTC) is allowed


@pytest.mark.parametrize(
    ("window", "allowed"),
    [
        (span("2026-12-05T23:00Z", "2026-12-06T02:00Z"), True),
        (span("2026-12-05T00:00Z", "2026-12-07T00:00Z"), True),
        (span("2026-12-04T23:59Z", "2026-12-05T02:00Z"), False),
        (span("2026-12-06T23:00Z", "2026-12-07T00:01Z"), False),
        (span("2026-12-07T00:00Z"), False),
    ],
)
def test_whole_days_in_a_row_are_one_stretch(window: Window, *, allowed: bool) -> None:
    """Midnight between Saturday and Sunday is no end when both are allowed whole."""
    weekend = AllowedRange(weekdays=(5, 6), start=time(0), end=time(0), text="sat,sun 00:00-24:00")

    assert is_allowed((weekend,), window, UTC) is allowed


def test_every_whole_day_is_any_time() -> None:
    """However long the window is."""
    always = AllowedRange(weekdays=tuple(range(7)), start=time(0), end=time(0), text="mon-sun")

    assert is_allowed((always,), span("2026-12-05T23:00Z", "2027-12-06T02:00Z"), AMSTERDAM)


def test_a_night_in_which_clocks_change_is_as_long_as_the_clock_says() -> None:
    """Saturday 20:00 to 06:00 in Amsterdam is nine real hours in March and eleven in October."""
    night = AllowedRange(weekdays=(5,), start=time(20), end=time(6), text="sat 20:00-06:00")

    spring = span("2026-03-28T19:00Z", "2026-03-29T04:00Z")
    autumn = span("2026-10-24T18:00Z", "2026-10-25T05:00Z")
    too_long = span("2026-03-28T19:00Z", "2026-03-29T05:00Z")

    assert is_allowed((night,), spring, AMSTERDAM)
    assert is_allowed((night,), autumn, AMSTERDAM)
    assert not is_allowed((night,), too_long, AMSTERDAM)


def test_two_ranges_do_not_add_up() -> None:
    """A window lies wholly in one of them; no ranges at all allow any time."""
    friday = AllowedRange(weekdays=(4,), start=time(0), end=time(0), text="fri")
    over_midnight = span("2026-12-04T23:00Z", "2026-12-05T01:00Z")

    assert not is_allowed((friday, SATURDAYS), over_midnight, UTC)
    assert is_allowed((), over_midnight, UTC)


def test_the_first_freeze_that_is_touched_is_named() -> None:
    """Later ones do not matter, and nothing is frozen without a freeze."""
    later = Freeze(first=date(2026, 12, 24), last=date(2026, 12, 24), reason="Eve")

    assert frozen_by((later, HOLIDAYS), span("2026-12-24T12:00Z"), UTC) is later
    assert frozen_by((later, HOLIDAYS), span("2026-12-26T12:00Z"), UTC) is HOLIDAYS
    assert frozen_by((), span("2026-12-24T12:00Z"), UTC) is None
    assert frozen_by((later,), span("2026-12-23T12:00Z"), AUCKLAND) is later


MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from([UTC, AMSTERDAM, AUCKLAND, HONOLULU])
CLOCK_TIMES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
RANGES = st.builds(
    AllowedRange,
    weekdays=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    start=CLOCK_TIMES,
    end=CLOCK_TIMES,
    text=st.just(""),
)


@given(RANGES, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=2)), ZONES)
def test_every_part_of_an_allowed_window_is_allowed(
    allowed: AllowedRange, start: datetime, length: timedelta, zone: ZoneInfo
) -> None:
    """A shorter stay within an allowed one cannot be forbidden; only whole days in a row are longer than 25 hours."""
    window = Window(start=start, end=start + length)
    inner = Window(start=start + length / 4, end=start + length / 2)

    if allowed.holds(window, zone):
        assert allowed.holds(inner, zone)
        assert length <= timedelta(hours=25) or allowed.start == allowed.end


@given(st.dates(date(2021, 1, 1), date(2034, 1, 1)), st.integers(0, 30), MOMENTS, ZONES)
def test_a_moment_is_frozen_exactly_when_its_local_day_is(
    first: date, days: int, moment: datetime, zone: ZoneInfo
) -> None:
    """Days are read in the freeze's zone, nothing else counts."""
    freeze = Freeze(first=first, last=first + timedelta(days=days))

    frozen = freeze.covers(Window(start=moment, end=moment), zone)

    assert frozen is (freeze.first <= moment.astimezone(zone).date() <= freeze.last)


def test_a_range_within_a_day_ends_on_that_day() -> None:
    """Only a range over midnight goes on into the next day."""
    mornings = AllowedRange(weekdays=(0,), start=time(8), end=time(12), text="mon 08:00-12:00")

    assert is_allowed((mornings,), span("2026-11-23T10:00Z", "2026-11-23T12:00Z"), UTC)
    assert not is_allowed((mornings,), span("2026-11-23T12:00Z", "2026-11-23T13:00Z"), UTC)
    assert not is_allowed((mornings,), span("2026-11-24T10:00Z", "2026-11-24T11:00Z"), UTC)


def test_a_day_begins_where_the_range_is_read() -> None:
    """Sunday noon in UTC is Monday in Auckland."""
    mondays = AllowedRange(weekdays=(0,), start=time(0), end=time(6), text="mon 00:00-06:00")

    assert is_allowed((mondays,), span("2026-11-22T12:00Z", "2026-11-22T14:00Z"), AUCKLAND)
    assert not is_allowed((mondays,), span("2026-11-23T00:00Z", "2026-11-23T02:00Z"), AUCKLAND)
