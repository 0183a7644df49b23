from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.windows import MaintenanceSchedule, WeeklyWindow, Window, next_window

MONDAY_NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ZONES = [UTC, AMSTERDAM, *map(ZoneInfo, ("America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati", "Etc/GMT+12"))]


def weekly(day: int, start: time = time(2), minutes: int = 180) -> WeeklyWindow:
    return WeeklyWindow(weekday=day, start=start, minutes=minutes)


def a_schedule(*windows: WeeklyWindow) -> MaintenanceSchedule:
    return MaintenanceSchedule(identity="s", name="s", windows=windows)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("window", "zone", "expected"),
    [
        (weekly(6), "UTC", "2026-12-06T02:00Z"),
        (weekly(0, time(12)), "UTC", "2026-11-30T12:00Z"),
        (weekly(0, time(8, 59)), "UTC", "2026-12-07T08:59Z"),
        (weekly(0, time(23, 59)), "UTC", "2026-11-30T23:59Z"),
        (weekly(6), "Europe/Amsterdam", "2026-12-06T01:00Z"),
        (weekly(0, time(13)), "Europe/Amsterdam", "2026-11-30T12:00Z"),
        (weekly(0, time(23)), "Pacific/Kiritimati", "2026-12-07T09:00Z"),
        (weekly(1, time(2)), "Pacific/Kiritimati", "2026-11-30T12:00Z"),
        (weekly(0, time(0)), "Etc/GMT+12", "2026-11-30T12:00Z"),
        (weekly(6, time(23)), "America/Los_Angeles", "2026-12-07T07:00Z"),
        (weekly(0, time(17, 30)), "Asia/Kolkata", "2026-11-30T12:00Z"),
    ],
)
def test_the_next_window_is_found_in_every_zone(window: WeeklyWindow, zone: str, expected: str) -> None:
    """Weekly times are local; a window that starts at this very moment counts, one that ends at it does not."""
    found = next_window(a_schedule(window), after=MONDAY_NOON, zone=ZoneInfo(zone))

    assert found == Window(start=at(expected), end=at(expected) + timedelta(hours=3))


@pytest.mark.parametrize(
    ("window", "zone", "ends"),
    [
        (weekly(0, time(11, 59)), "UTC", "2026-11-30T14:59Z"),
        (weekly(0, time(9, 1)), "UTC", "2026-11-30T12:01Z"),
        (weekly(1, time(1)), "Pacific/Kiritimati", "2026-11-30T14:00Z"),
        (weekly(6, time(22), 24 * 60), "Europe/Amsterdam", "2026-11-30T21:00Z"),
        (weekly(0, time(13), 7 * 24 * 60 + 60), "UTC", "2026-11-30T14:00Z"),
    ],
)
def test_of_a_window_that_is_open_what_is_left_counts(window: WeeklyWindow, zone: str, ends: str) -> None:
    """Over midnight too, and over a whole week."""
    found = next_window(a_schedule(window, weekly(2)), after=MONDAY_NOON, zone=ZoneInfo(zone))

    assert found == Window(start=MONDAY_NOON, end=at(ends))


def test_the_first_of_several_windows_is_next() -> None:
    """Whatever their order in the schedule; of two that start together, the shorter."""
    schedule = a_schedule(weekly(6), weekly(2, minutes=60), weekly(2, minutes=30), weekly(4))

    assert next_window(schedule, after=MONDAY_NOON, zone=UTC) == Window(
        start=at("2026-12-02T02:00Z"), end=at("2026-12-02T02:30Z")
    )


def test_a_schedule_without_windows_has_no_next_one() -> None:
    """There is nothing to estimate."""
    assert next_window(a_schedule(), after=MONDAY_NOON, zone=UTC) is None


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-28T12:00Z", "2026-03-29T01:30Z"),  # 02:30 does not exist on this night: 03:30 summer time
        ("2026-03-30T12:00Z", "2026-04-05T00:30Z"),
        ("2026-10-24T12:00Z", "2026-10-25T00:30Z"),  # 02:30 happens twice: the first one
        ("2026-10-25T02:00Z", "2026-11-01T01:30Z"),  # and only the first one
    ],
)
def test_clocks_that_change_neither_lose_nor_double_a_window(after: str, expected: str) -> None:
    """Sunday 02:30 in Amsterdam, on the nights on which summer time begins and ends; the length is in real minutes."""
    found = next_window(a_schedule(weekly(6, time(2, 30), 90)), after=at(after), zone=AMSTERDAM)

    assert found == Window(start=at(expected), end=at(expected) + timedelta(minutes=90))


@given(
    st.lists(
        st.builds(
            weekly,
            st.integers(0, 6),
            st.times().map(lambda t: t.replace(second=0, microsecond=0)),
            st.integers(0, 9999),
        ),
        min_size=1,
        max_size=4,
    ),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_the_next_window_is_the_nearest_that_is_not_past(
    windows: list[WeeklyWindow], after: datetime, zone: ZoneInfo
) -> None:
    """It starts within eight days and ends after that moment, and asking again from its start gives it again."""
    schedule = a_schedule(*windows)

    found = next_window(schedule, after=after, zone=zone)

    assert found is not None
    assert after <= found.start <= after + timedelta(days=8)
    assert found.start <= found.end
    assert next_window(schedule, after=found.start, zone=zone) == found
    for moment in (after + (found.start - after) / 3, after + (found.start - after) / 2):
        assert next_window(schedule, after=moment, zone=zone) == found


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (weekly(6), "Sunday 02:00 for 3 h"),
        (weekly(0, time(22, 30), 90), "Monday 22:30 for 1 h 30 min"),
        (weekly(2, time(4, 5), 45), "Wednesday 04:05 for 45 min"),
        (weekly(2, time(0), 0), "Wednesday 00:00 for 0 min"),
    ],
)
def test_a_weekly_window_is_said_as_people_do(window: WeeklyWindow, words: str) -> None:
    """Day, time, length."""
    assert window.words == words


def test_the_week_begins_on_the_local_day_and_what_is_found_is_utc() -> None:
    """Monday has begun in Auckland: a window that ended a minute ago comes again in a week."""
    auckland = ZoneInfo("Pacific/Auckland")

    found = next_window(a_schedule(weekly(0, time(0, 30), 29)), after=at("2026-11-22T12:00Z"), zone=auckland)

    assert found == Window(start=at("2026-11-29T11:30Z"), end=at("2026-11-29T11:59Z"))
    assert found.start.tzinfo is UTC
