from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.cluster import ClusterIdentity
from bot.domain.findings import (
    ChangeMismatch,
    ChangeMissing,
    ClusterNotChosen,
    ClusterRenamed,
    Finding,
    Frozen,
    NothingOffered,
    NotLongEnoughAfter,
    OutsideAllowed,
    OverridesFreeze,
    ReasonMissing,
    ReasonTooLong,
    StartMissing,
    TooFar,
    TooSoon,
    VersionNotChosen,
    VersionNotOffered,
)
from bot.domain.form import (
    Form,
    broken_rules,
    forbidden_time,
    is_frozen,
    not_long_enough,
    occasion,
    overridden_freeze,
    problems,
    wrong_change,
)
from bot.domain.policy import Rule
from bot.domain.windows import MaintenanceSchedule, WeeklyWindow, Window
from tests.builders import NEW, NOON, OLD, WEB, a_catalog, a_cluster, a_form, a_rule

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SUNDAY = datetime(2026, 12, 6, 2, 0, tzinfo=UTC)
"""When the built cluster's next window begins."""
NEXT_WINDOW = Window(start=SUNDAY, end=SUNDAY + timedelta(hours=3))
FROZEN = (Freeze(first=date(2026, 12, 5), last=date(2026, 12, 7), reason="Audit"),)
WEEKDAYS_ONLY = (AllowedRange(weekdays=(0, 1, 2, 3, 4), start=time(8), end=time(18), text="mon-fri 08:00-18:00"),)
AFTER_STAGING = (("staging", timedelta(days=3)),)

NOT_YET = NotLongEnoughAfter(
    version=NEW, environment="production", earlier="staging", wait=timedelta(days=3), since=None
)
TOO_EARLY = replace(NOT_YET, since=NOON - timedelta(days=2))
ON_ICE = Frozen(environment="production", freeze=FROZEN[0])
TOO_NEAR = TooSoon(lead=timedelta(minutes=5))


def check(form: Form, rule: Rule | None = None, **changes: Any) -> set[Finding]:  # noqa: ANN401  whatever it takes
    """Check a form against production's rule."""
    facts: dict[str, Any] = {"catalog": a_catalog(), "now": NOON, "zone": UTC, "succeeded": {}} | changes
    found = problems(form, rule=rule or a_rule(), **facts)
    assert len({type(finding) for finding in found}) == len(found)
    return set(found)


def test_a_form_with_nothing_wrong_may_be_requested() -> None:
    """In the next window, not before a date, or at a time of its own."""
    later = NOON + timedelta(days=2)

    assert check(a_form()) == set()
    assert check(a_form(start=later)) == set()
    assert check(a_form(start=later, ignore_windows=True)) == set()
    assert check(a_form(reason="")) == set()


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"cluster_identity": None}, {ClusterNotChosen()}),
        ({"cluster_identity": ClusterIdentity("gone")}, {ClusterNotChosen()}),
        ({"version": None}, {VersionNotChosen()}),
        ({"version": ""}, {VersionNotChosen()}),
        ({"version": "v9.9.9-u-ame.9"}, {VersionNotOffered(version="v9.9.9-u-ame.9")}),
        ({"version": OLD}, {VersionNotOffered(version=OLD)}),
        ({"ignore_windows": True}, {StartMissing()}),
        ({"start": NOON}, {TOO_NEAR}),
        ({"start": NOON - timedelta(days=9)}, {TOO_NEAR}),
        ({"start": NOON + timedelta(minutes=4, seconds=59)}, {TOO_NEAR}),
        ({"start": NOON + timedelta(minutes=5)}, set()),
        ({"start": NOON + timedelta(days=365)}, set()),
        ({"start": NOON + timedelta(days=365, seconds=1)}, {TooFar()}),
        ({"start": datetime.max.replace(tzinfo=UTC)}, {TooFar()}),
        ({"reason": "x" * 500}, set()),
        ({"reason": "x" * 501}, {ReasonTooLong(most=500)}),
        ({"override": True}, set()),
        ({"override": True, "reason": " \n"}, {ReasonMissing(environment="production", override=True)}),
        (
            {"version": None, "ignore_windows": True, "reason": "x" * 501},
            {VersionNotChosen(), StartMissing(), ReasonTooLong(most=500)},
        ),
    ],
)
def test_everything_that_is_wrong_is_found_at_once(form: dict[str, Any], expected: set[Finding]) -> None:
    """One finding for each field of the modal."""
    assert check(a_form(**form)) == expected


def test_a_start_may_be_nearer_when_it_was_chosen_earlier() -> None:
    """What was in time when it was sent does not become late while it is stored."""
    form = a_form(start=NOON + timedelta(minutes=4), ignore_windows=True)

    assert check(form, lead=timedelta(0)) == set()
    assert check(form) == {TOO_NEAR}


def test_a_cluster_without_versions_is_refused_at_the_cluster() -> None:
    """There is no version field that could show it."""
    catalog = a_catalog(a_cluster(version=NEW))

    assert check(a_form(version=None), catalog=catalog) == {NothingOffered(cluster="production/web", version=NEW)}


def test_a_cluster_whose_version_cannot_be_read_is_refused_with_the_reason() -> None:
    """Nothing is on offer for it, whatever was typed or pressed."""
    found = check(a_form(), catalog=a_catalog(a_cluster(version="nightly-7")))

    assert found == {NothingOffered(cluster="production/web", version="nightly-7")}


def test_a_downgrade_is_on_offer_only_where_the_policy_allows_it() -> None:
    """Between patches of one minor."""
    older = "v1.31.4-u-ame.1"
    catalog = a_catalog(a_cluster(version=NEW), versions=(older, NEW))
    form = a_form(version=older)

    assert check(form, catalog=catalog) == {NothingOffered(cluster="production/web", version=NEW)}
    assert check(form, a_rule(allow_downgrade=True), catalog=catalog) == set()


def test_a_reason_is_asked_for_where_the_policy_says_so() -> None:
    """Blanks are no reason."""
    rule = a_rule(reason_required=True)

    assert check(a_form(reason="  "), rule) == {ReasonMissing(environment="production")}
    assert check(a_form(), rule) == set()


def test_a_freeze_forbids_the_window_that_the_upgrade_would_land_in() -> None:
    """The estimate is judged while windows are respected, the start when they are ignored."""
    rule = a_rule(freeze=FROZEN)

    assert check(a_form(), rule) == {ON_ICE}
    assert check(a_form(start=SUNDAY, ignore_windows=True), rule) == {ON_ICE}
    assert check(a_form(start=SUNDAY - timedelta(days=2), ignore_windows=True), rule) == set()
    assert check(a_form(start=SUNDAY + timedelta(hours=3)), rule) == set()


@pytest.mark.parametrize("schedule", [None, MaintenanceSchedule(identity="s", name="empty", windows=())])
def test_without_windows_the_wanted_start_is_judged_or_else_now(schedule: MaintenanceSchedule | None) -> None:
    """Nothing can tell when it would run, so it may run at once; the cloud's window will be judged again."""
    catalog = a_catalog(a_cluster(schedule=schedule))
    rule = a_rule(freeze=FROZEN, allowed=WEEKDAYS_ONLY)
    frozen, night = SUNDAY, NOON + timedelta(hours=12)

    assert check(a_form(), rule, catalog=catalog) == set()
    assert check(a_form(start=frozen), rule, catalog=catalog)
    assert check(a_form(start=night), rule, catalog=catalog)
    assert check(a_form(), rule, catalog=catalog, now=frozen)
    assert check(a_form(), rule, catalog=catalog, now=night)


def test_in_an_open_window_what_is_left_of_it_is_judged() -> None:
    """The freeze ended at midnight, in the middle of the window."""
    midnight = WeeklyWindow(weekday=6, start=time(22), minutes=240)
    catalog = a_catalog(a_cluster(schedule=MaintenanceSchedule(identity="s", name="s", windows=(midnight,))))
    rule = a_rule(freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 6)),))
    at_eleven, at_one = SUNDAY + timedelta(hours=21), SUNDAY + timedelta(hours=23)

    assert check(a_form(), rule, catalog=catalog, now=at_eleven)
    assert check(a_form(), rule, catalog=catalog, now=at_one) == set()


def test_a_version_has_to_have_proven_itself_by_the_start() -> None:
    """It is possible from 1 December on, and that is when it would run, in the window or at the moment chosen."""
    rule, succeeded = a_rule(after=AFTER_STAGING), {"staging": NOON - timedelta(days=2)}
    tomorrow, without_windows = NOON + timedelta(days=1), a_catalog(a_cluster(schedule=None))

    assert check(a_form(), rule, succeeded=succeeded) == set()
    assert check(a_form(start=tomorrow, ignore_windows=True), rule, succeeded=succeeded) == set()
    assert check(a_form(start=tomorrow), rule, succeeded=succeeded, catalog=without_windows) == set()
    for too_early in (
        check(a_form(start=tomorrow - timedelta(minutes=1), ignore_windows=True), rule, succeeded=succeeded),
        check(a_form(), rule, succeeded=succeeded, catalog=without_windows),
        check(a_form(ignore_windows=True), rule, succeeded=succeeded),
    ):
        assert TOO_EARLY in too_early


@pytest.mark.parametrize(
    ("rule", "override", "expected"),
    [
        (a_rule(), False, None),
        (a_rule(freeze=FROZEN), False, ON_ICE),
        (a_rule(freeze=FROZEN), True, ON_ICE),
        (a_rule(freeze=FROZEN, override=True), False, replace(ON_ICE, can_override=True)),
        (a_rule(freeze=FROZEN, override=True), True, None),
        (
            a_rule(allowed=WEEKDAYS_ONLY, zone=AMSTERDAM),
            False,
            OutsideAllowed(environment="production", allowed=WEEKDAYS_ONLY, zone=AMSTERDAM),
        ),
        (
            a_rule(allowed=WEEKDAYS_ONLY, freeze=FROZEN, override=True),
            True,
            OutsideAllowed(environment="production", allowed=WEEKDAYS_ONLY, zone=UTC),
        ),
    ],
    ids=["any-time", "frozen", "no-override", "override-offered", "overridden", "not-allowed", "not-allowed-either"],
)
def test_a_time_is_forbidden_by_a_freeze_or_by_the_allowed_times(
    rule: Rule, expected: Finding | None, *, override: bool
) -> None:
    """An override lifts a freeze where the policy lets it, and never an allowed time."""
    assert forbidden_time(rule, NEXT_WINDOW, override=override) == expected
    assert forbidden_time(rule, None, override=override) is None


def test_the_time_is_checked_before_the_version() -> None:
    """Whoever reads only one is told of the freeze; without a time, `after` is checked for now."""
    rule = a_rule(freeze=FROZEN, after=AFTER_STAGING)
    facts: dict[str, Any] = {"override": False, "succeeded": {}, "now": NOON}

    assert list(broken_rules(rule, NEW, when=NEXT_WINDOW, **facts)) == [ON_ICE, NOT_YET]
    assert list(broken_rules(rule, NEW, when=None, **facts)) == [NOT_YET]


def test_a_time_is_frozen_only_when_it_is_known() -> None:
    """The override box hangs on it."""
    assert is_frozen(a_rule(freeze=FROZEN), NEXT_WINDOW)
    assert not is_frozen(a_rule(freeze=FROZEN), None)
    assert not is_frozen(a_rule(), NEXT_WINDOW)


@pytest.mark.parametrize(
    ("start", "ignore_windows", "expected"),
    [
        (None, False, NEXT_WINDOW),
        (NOON - timedelta(days=30), False, NEXT_WINDOW),
        (SUNDAY, False, NEXT_WINDOW),
        (
            SUNDAY + timedelta(seconds=1),
            False,
            Window(start=SUNDAY + timedelta(seconds=1), end=SUNDAY + timedelta(hours=3)),
        ),
        (
            SUNDAY + timedelta(hours=3),
            False,
            Window(start=SUNDAY + timedelta(days=7), end=SUNDAY + timedelta(days=7, hours=3)),
        ),
        (SUNDAY + timedelta(hours=1), True, Window(start=SUNDAY + timedelta(hours=1), end=SUNDAY + timedelta(hours=1))),
        (None, True, None),
    ],
)
def test_an_upgrade_runs_at_its_start_or_in_the_next_window(
    start: datetime | None, expected: Window | None, *, ignore_windows: bool
) -> None:
    """A start is the time itself when windows are ignored, else the moment from which a window is looked for."""
    found = occasion(a_cluster(), start=start, ignore_windows=ignore_windows, now=NOON, zone=UTC)

    assert found == expected


def test_windows_are_read_in_the_zone_of_windows() -> None:
    """Not in that of the policy."""
    found = occasion(a_cluster(), start=None, ignore_windows=False, now=NOON, zone=AMSTERDAM)

    assert found == Window(start=SUNDAY - timedelta(hours=1), end=SUNDAY + timedelta(hours=2))


def test_a_cluster_without_a_schedule_has_no_occasion() -> None:
    """Unless windows are ignored."""
    cluster = a_cluster(schedule=None)

    assert occasion(cluster, start=SUNDAY, ignore_windows=False, now=NOON, zone=UTC) is None
    assert occasion(cluster, start=SUNDAY, ignore_windows=True, now=NOON, zone=UTC) is not None


@pytest.mark.parametrize(
    ("succeeded", "expected"),
    [
        ({}, NOT_YET),
        ({"staging": NOON - timedelta(days=2)}, TOO_EARLY),
        ({"staging": NOON - timedelta(days=3)}, None),
        ({"staging": NOON - timedelta(days=300)}, None),
        ({"development": NOON - timedelta(days=300)}, NOT_YET),
    ],
)
def test_a_version_has_to_prove_itself_elsewhere_first(
    succeeded: dict[str, datetime], expected: Finding | None
) -> None:
    """The finding says where, for how long, and from when it is possible."""
    rule = a_rule(after=AFTER_STAGING)

    assert not_long_enough(rule, NEW, succeeded=succeeded, at=NOON) == expected


def test_it_is_possible_once_the_version_has_run_long_enough() -> None:
    """Nothing can tell while it has not succeeded there."""
    assert TOO_EARLY.possible_from == NOON + timedelta(days=1)
    assert NOT_YET.possible_from is None


def test_every_environment_on_the_way_counts() -> None:
    """The first that is not satisfied is named."""
    rule = a_rule(after=(("development", timedelta(hours=1)), *AFTER_STAGING))
    succeeded = {"development": NOON - timedelta(days=1)}

    first, second = (not_long_enough(rule, NEW, succeeded=known, at=NOON) for known in ({}, succeeded))

    assert (first and first.earlier, second and second.earlier) == ("development", "staging")
    assert not_long_enough(a_rule(), NEW, succeeded={}, at=NOON) is None


FORMS = st.builds(
    Form,
    cluster_identity=st.sampled_from([None, WEB, ClusterIdentity("gone")]),
    version=st.none() | st.sampled_from([OLD, NEW]) | st.text(),
    start=st.none() | st.datetimes(timezones=st.just(UTC)),
    ignore_windows=st.booleans(),
    override=st.booleans(),
    reason=st.text() | st.just("x" * 501),
)
RULES = st.builds(
    replace,
    st.just(a_rule()),
    allowed=st.sampled_from([(), WEEKDAYS_ONLY]),
    freeze=st.sampled_from([(), FROZEN]),
    override=st.booleans(),
    reason_required=st.booleans(),
    after=st.sampled_from([(), AFTER_STAGING]),
    zone=st.sampled_from([UTC, AMSTERDAM]),
)


@given(FORMS, RULES)
def test_no_form_breaks_the_check(form: Form, rule: Rule) -> None:
    """Whatever is filled in, there is at most one finding for each of its four fields."""
    assert len(check(form, rule)) <= 4


def test_a_freeze_that_is_overridden_is_no_problem_of_the_form() -> None:
    """With the policy's leave, the box ticked and a reason; without any of them it is."""
    rule = a_rule(freeze=FROZEN, override=True)

    assert check(a_form(override=True, reason="a leak"), rule) == set()
    assert check(a_form(override=False, reason="a leak"), rule) == {replace(ON_ICE, can_override=True)}
    assert check(a_form(override=True, reason="a leak"), replace(rule, override=False)) == {ON_ICE}


def test_allowed_times_are_read_in_the_policy_s_zone() -> None:
    """All of them are named, in the order of the file."""
    nights = AllowedRange(weekdays=(6,), start=time(2), end=time(6), text="sun 02:00-06:00")
    rule = a_rule(allowed=(*WEEKDAYS_ONLY, nights), zone=AMSTERDAM)

    early = forbidden_time(rule, Window(start=SUNDAY - timedelta(hours=1), end=SUNDAY), override=False)
    late = forbidden_time(
        rule, Window(start=SUNDAY + timedelta(hours=4), end=SUNDAY + timedelta(hours=5)), override=False
    )

    assert early is None
    assert late == OutsideAllowed(environment="production", allowed=(*WEEKDAYS_ONLY, nights), zone=AMSTERDAM)


def test_freezes_are_read_in_the_policy_s_zone() -> None:
    """At 10:30 UTC it is half past midnight of the next day in Kiritimati, the day that is frozen there."""
    day = Freeze(first=date(2026, 12, 7), last=date(2026, 12, 7))
    rule = a_rule(freeze=(day,), override=True, zone=ZoneInfo("Pacific/Kiritimati"))
    frozen = Window(start=SUNDAY + timedelta(hours=8, minutes=30), end=SUNDAY + timedelta(hours=9))
    free = Window(start=SUNDAY, end=SUNDAY + timedelta(hours=8))

    assert forbidden_time(rule, frozen, override=False) == replace(ON_ICE, freeze=day, can_override=True)
    assert overridden_freeze(rule, frozen, override=True) is not None
    assert is_frozen(rule, frozen)
    assert forbidden_time(rule, free, override=False) is None
    assert overridden_freeze(rule, free, override=True) is None
    assert not is_frozen(rule, free)


def test_the_estimate_is_made_in_the_zone_of_maintenance_windows() -> None:
    """Sunday 02:00 in Auckland is Saturday noon or so in UTC, which this freeze covers."""
    saturday = (Freeze(first=date(2026, 12, 5), last=date(2026, 12, 5)),)

    found = check(a_form(), a_rule(freeze=saturday), zone=ZoneInfo("Pacific/Auckland"))

    assert found == {replace(ON_ICE, freeze=saturday[0])}
    assert check(a_form(), a_rule(freeze=saturday), zone=UTC) == set()


def test_an_overridden_freeze_is_found_with_what_it_needs() -> None:
    """Only while it is ticked, allowed, and there is a freeze to override."""
    rule = a_rule(freeze=FROZEN, override=True, required_approvals=2)
    found = OverridesFreeze(environment="production", freeze=FROZEN[0], approvals=3)

    assert overridden_freeze(rule, NEXT_WINDOW, override=True) == found
    alone = overridden_freeze(replace(rule, required_approvals=0), NEXT_WINDOW, override=True)
    assert alone == replace(found, approvals=1)
    assert overridden_freeze(rule, NEXT_WINDOW, override=False) is None
    assert overridden_freeze(replace(rule, override=False), NEXT_WINDOW, override=True) is None
    assert overridden_freeze(replace(rule, freeze=()), NEXT_WINDOW, override=True) is None
    assert overridden_freeze(rule, None, override=True) is None


def test_a_cluster_that_is_called_otherwise_since_it_was_chosen_has_to_be_chosen_again() -> None:
    """Another may have its name now."""
    assert check(a_form(named="production/web")) == set()
    assert check(a_form(named="production/api")) == {ClusterRenamed(chosen="production/api", cluster="production/web")}


CHG = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"))
MISSING = ChangeMissing(environment="production", example="CHG0000000")


@pytest.mark.parametrize(
    ("rule", "change", "wrong"),
    [
        (None, "", None),
        (None, "whatever", None),
        (CHG, "CHG0012345", None),
        (CHG, " CHG0012345 ", None),
        (CHG, "", MISSING),
        (CHG, "  ", MISSING),
        (CHG, "CHG12", ChangeMismatch(change="CHG12", environment="production", example="CHG0000000")),
        (CHG, "xCHG0012345", ChangeMismatch(change="xCHG0012345", environment="production", example="CHG0000000")),
    ],
)
def test_a_change_number_is_asked_for_where_the_rule_has_a_pattern(
    rule: ChangeRule | None, change: str, wrong: Finding | None
) -> None:
    assert wrong_change(a_rule(change=rule), change) == wrong
    found = problems(
        a_form(change=change), catalog=a_catalog(), rule=a_rule(change=rule), now=NOON, zone=UTC, succeeded={}
    )
    assert found == ((wrong,) if wrong else ())
