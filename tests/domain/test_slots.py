from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.calendar import AllowedRange, Freeze, TimedFreeze
from bot.domain.findings import Finding, Frozen, OutsideAllowed
from bot.domain.form import LEAD, problems
from bot.domain.policy import Rule
from bot.domain.slots import Search, Slots, fitting_slots
from bot.domain.windows import MaintenanceSchedule, WeeklyWindow, Window, windows_from
from tests.builders import a_catalog, a_cluster, a_form

AMSTERDAM, NEW_YORK = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 30, 12, 3, tzinfo=UTC)
GRID = timedelta(minutes=5)
SUNDAY = WeeklyWindow(weekday=6, start=time(2), minutes=180)
WEDNESDAY = WeeklyWindow(weekday=2, start=time(23), minutes=180)


def a_schedule(*windows: WeeklyWindow) -> MaintenanceSchedule:
    return MaintenanceSchedule(identity="s", name="weekly", windows=windows)


def a_search(
    *windows: WeeklyWindow, now: datetime = NOW, ignore_windows: bool = False, zone: tzinfo = UTC, **rule: object
) -> Search:
    return Search(
        cluster=replace(a_cluster(), schedule=a_schedule(*windows) if windows else None),
        version="v1.34.1-u-ame.0",
        rule=Rule(environment="production", **({"zone": AMSTERDAM} | rule)),  # type: ignore[arg-type]
        ignore_windows=ignore_windows,
        override=False,
        now=now,
        zone=zone,
        reader=AMSTERDAM,
        succeeded={},
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(search: Search) -> list[str]:
    return [f"{start:%Y-%m-%d %H:%M}" for start in fitting_slots(search).starts]


def test_with_windows_the_next_three_are_offered() -> None:
    assert starts(a_search(SUNDAY, WEDNESDAY)) == ["2026-12-02 23:00", "2026-12-06 02:00", "2026-12-09 23:00"]


def test_a_window_in_a_freeze_is_passed_over() -> None:
    freeze = Freeze(first=at("2026-12-05").date(), last=at("2026-12-07").date())

    assert starts(a_search(SUNDAY, freeze=(freeze,)))[0] == "2026-12-13 02:00"


def test_a_freeze_set_meanwhile_is_passed_over_up_to_its_last_moment() -> None:
    freeze = TimedFreeze(since=NOW, until=at("2026-12-06 02:31"), reason="Incident")

    assert starts(a_search(SUNDAY, timed_freezes=(freeze,)))[0] == "2026-12-06 02:35"


def test_of_a_window_that_is_open_now_what_is_left_is_offered() -> None:
    assert starts(a_search(SUNDAY, now=at("2026-12-06 03:01")))[:2] == ["2026-12-06 03:10", "2026-12-13 02:00"]


def test_a_window_that_begins_too_early_is_offered_from_where_the_allowed_time_begins() -> None:
    allowed = AllowedRange(weekdays=(6,), start=time(4), end=time(8), text="sun 04:00-08:00")

    assert starts(a_search(SUNDAY, allowed=(allowed,)))[0] == "2026-12-06 03:00"  # 04:00 in Amsterdam


def test_a_version_that_matures_in_between_is_offered_from_then() -> None:
    search = replace(
        a_search(SUNDAY, after=(("staging", timedelta(days=3)),)), succeeded={"staging": at("2026-12-04 03:00")}
    )

    assert starts(search)[0] == "2026-12-13 02:00"


def test_without_windows_to_respect_it_is_as_soon_as_possible_then_the_same_hour() -> None:
    assert starts(a_search(ignore_windows=True)) == ["2026-11-30 12:10", "2026-12-01 12:10", "2026-12-02 12:10"]


def test_the_same_hour_is_the_readers_over_a_clock_change() -> None:
    search = a_search(ignore_windows=True, now=at("2027-03-27 10:00"))

    assert starts(search) == ["2027-03-27 10:05", "2027-03-28 09:05", "2027-03-29 09:05"]


def test_with_allowed_times_the_next_stretches_are_offered() -> None:
    allowed = AllowedRange(weekdays=(0, 1, 2, 3), start=time(20), end=time(6), text="mon-thu 20:00-06:00")

    assert starts(a_search(ignore_windows=True, allowed=(allowed,))) == [
        "2026-11-30 19:00",
        "2026-12-01 19:00",
        "2026-12-02 19:00",
    ]


@pytest.mark.parametrize("ignore_windows", [True, False])
def test_what_stands_in_the_way_is_said_when_nothing_fits(ignore_windows: bool) -> None:  # noqa: FBT001 - a parameter
    freeze = Freeze(first=NOW.date(), last=NOW.date() + timedelta(days=120), reason="Moving house")

    found = fitting_slots(a_search(SUNDAY, ignore_windows=ignore_windows, freeze=(freeze,)))

    assert found.starts == ()
    assert found.broken == Frozen(environment="production", freeze=freeze)


def test_nothing_is_offered_before_the_start_that_was_wanted() -> None:
    search = replace(a_search(SUNDAY, WEDNESDAY), since=at("2026-12-10 00:30"))

    assert starts(search) == ["2026-12-10 00:30", "2026-12-13 02:00", "2026-12-16 23:00"]


def test_the_rule_named_is_the_one_that_still_stands_in_the_way_at_the_end() -> None:
    """A freeze that is over by then is not the reason."""
    freeze = Freeze(first=NOW.date(), last=NOW.date() + timedelta(days=20))
    allowed = AllowedRange(weekdays=(0,), start=time(20), end=time(23), text="mon 20:00-23:00")

    found = fitting_slots(a_search(SUNDAY, freeze=(freeze,), allowed=(allowed,)))

    assert isinstance(found.broken, OutsideAllowed)


def test_a_cluster_without_windows_has_no_next_one() -> None:
    assert fitting_slots(a_search()) == Slots(starts=())


WINDOWS = st.builds(
    WeeklyWindow,
    weekday=st.integers(0, 6),
    start=st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    minutes=st.sampled_from([30, 180, 600]),
)
RANGES = st.builds(
    AllowedRange,
    weekdays=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    start=st.builds(time, st.integers(0, 23)),
    end=st.builds(time, st.integers(0, 23)),
    text=st.just("x"),
)
FREEZES = st.builds(
    lambda ahead, length: Freeze(
        first=NOW.date() + timedelta(days=ahead), last=NOW.date() + timedelta(days=ahead + length)
    ),
    st.integers(-2, 12),
    st.integers(0, 5),
)
TIMED = st.builds(
    lambda ahead, hours: TimedFreeze(
        since=NOW, until=NOW + timedelta(hours=ahead + hours, minutes=7 * hours), reason="Incident"
    ),
    st.integers(0, 200),
    st.integers(1, 60),
)
MOMENTS = st.sampled_from(
    [
        NOW,
        at("2026-12-06 03:01"),
        at("2027-03-27 22:17"),  # the night before clocks go forward in Europe
        at("2026-10-24 23:44"),  # the night before they go back
    ]
)
SEARCHES = st.builds(
    lambda windows, ranges, freezes, timed, now, ignore, zone, wait, matured, since: replace(
        a_search(
            *windows,
            now=now,
            ignore_windows=ignore,
            zone=zone,
            allowed=tuple(ranges),
            freeze=tuple(freezes),
            timed_freezes=tuple(timed),
            after=(("staging", timedelta(hours=wait)),) if wait else (),
        ),
        succeeded={"staging": now - timedelta(hours=matured)},
        since=now + timedelta(minutes=since) if since else None,
    ),
    st.lists(WINDOWS, max_size=3),
    st.lists(RANGES, max_size=2),
    st.lists(FREEZES, max_size=2),
    st.lists(TIMED, max_size=1),
    MOMENTS,
    st.booleans(),
    st.sampled_from([UTC, AMSTERDAM, NEW_YORK]),
    st.sampled_from([0, 30, 72]),
    st.integers(0, 80),
    st.sampled_from([0, 0, 1234, 20000]),
)


@settings(max_examples=60, deadline=None)
@given(search=SEARCHES)
def test_every_offered_moment_is_accepted_and_no_earlier_one_is(search: Search) -> None:
    """Looked for by brute force, every five minutes of ten days."""
    found = fitting_slots(search)

    assert all(search.fits(start) and start >= search.now + LEAD for start in found.starts)
    assert all(start >= (search.since or search.now) for start in found.starts)
    assert [_judged(search, start) for start in found.starts if start < search.now + timedelta(days=365)] == [
        () for _ in found.starts
    ]
    assert list(found.starts) == sorted(set(found.starts))
    grid = [search.earliest + number * GRID for number in range(10 * 288)]
    if search.ignore_windows:
        first = next((moment for moment in grid if search.fits(moment)), None)
        assert first is None or found.starts[0] == first
        if first is not None and not search.rule.allowed:
            assert list(found.starts[1:]) == _same_hour(search, first)[: len(found.starts) - 1]
        return
    windows = _windows(search)
    by_force: list[datetime] = []
    reached = None
    for window in windows:
        if reached is not None and window.start < reached:
            continue
        inside = (moment for moment in grid if window.start <= moment < window.end)
        fitting = next((moment for moment in inside if search.fits(moment)), None)
        if fitting is not None:
            by_force.append(fitting)
            reached = window.end
    assert list(found.starts[: len(by_force)]) == by_force[: len(found.starts)]


def _judged(search: Search, start: datetime) -> tuple[Finding, ...]:
    """Judge a filled-in form for this start, as a request is judged."""
    version = "v1.31.4-u-ame.2"
    catalog = a_catalog(search.cluster, versions=(version,))
    form = a_form(version=version, start=start, ignore_windows=search.ignore_windows)
    return problems(
        form, catalog=catalog, rule=search.rule, now=search.now, zone=search.zone, succeeded=search.succeeded
    )


def _same_hour(search: Search, first: datetime) -> list[datetime]:
    """Return the moments of the same hour on the days that follow, as the reader's clock shows it, that fit."""
    local = first.astimezone(AMSTERDAM)
    days = (local.date() + timedelta(days=ahead) for ahead in range(1, 89))
    moments = (datetime.combine(day, local.time(), tzinfo=AMSTERDAM).astimezone(UTC) for day in days)
    return [moment for moment in moments if search.fits(moment)]


def _windows(search: Search) -> tuple[Window, ...]:
    if search.cluster.schedule is None:
        return ()
    return windows_from(
        search.cluster.schedule, after=search.begins, zone=search.zone, until=search.begins + timedelta(days=9)
    )
