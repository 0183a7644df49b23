from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.cluster import ClusterIdentity
from bot.domain.form import (
    Form,
    FormField,
    Problem,
    breach,
    forbidding,
    is_frozen,
    occasion,
    overriding,
    problems,
    unproven,
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

UNTRIED = (
    f"{NEW} has to run in staging for 3 days before it may go to production, "
    "and no upgrade to it has succeeded there yet."
)
TOO_SOON = (
    f"{NEW} has to run in staging for 3 days before it may go to production. "
    "It has since 2026-11-28 12:00 UTC, so this is possible from 2026-12-01 12:00 UTC."
)


def check(form: Form, rule: Rule | None = None, **changes: Any) -> dict[str, str]:  # noqa: ANN401  whatever it takes
    """Check a form against production's rule; what is wrong by field."""
    facts: dict[str, Any] = {"catalog": a_catalog(), "now": NOON, "zone": UTC, "succeeded": {}} | changes
    found = problems(form, rule=rule or a_rule(), **facts)
    assert all(isinstance(problem, Problem) for problem in found)
    assert len({problem.field for problem in found}) == len(found)
    return {problem.field.value: problem.text for problem in found}


def test_a_form_with_nothing_wrong_may_be_requested() -> None:
    """In the next window, not before a date, or at a time of its own."""
    later = NOON + timedelta(days=2)

    assert check(a_form()) == {}
    assert check(a_form(start=later)) == {}
    assert check(a_form(start=later, ignore_windows=True)) == {}
    assert check(a_form(reason="")) == {}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"cluster_identity": None}, {"cluster": "Choose a cluster."}),
        ({"cluster_identity": ClusterIdentity("gone")}, {"cluster": "Choose a cluster."}),
        ({"version": None}, {"version": "Choose a version."}),
        ({"version": ""}, {"version": "Choose a version."}),
        ({"version": "v9.9.9-u-ame.9"}, {"version": "This version is no longer on offer."}),
        ({"version": OLD}, {"version": "This version is no longer on offer."}),
        ({"ignore_windows": True}, {"start": "Choose a start, because maintenance windows are ignored."}),
        ({"start": NOON}, {"start": "Choose a time at least 5 minutes from now."}),
        ({"start": NOON - timedelta(days=9)}, {"start": "Choose a time at least 5 minutes from now."}),
        ({"start": NOON + timedelta(minutes=4, seconds=59)}, {"start": "Choose a time at least 5 minutes from now."}),
        ({"start": NOON + timedelta(minutes=5)}, {}),
        ({"start": NOON + timedelta(days=365)}, {}),
        ({"start": NOON + timedelta(days=365, seconds=1)}, {"start": "Choose a time within a year."}),
        ({"start": datetime.max.replace(tzinfo=UTC)}, {"start": "Choose a time within a year."}),
        ({"reason": "x" * 500}, {}),
        ({"reason": "x" * 501}, {"reason": "Use at most 500 characters."}),
        ({"override": True}, {}),
        ({"override": True, "reason": " \n"}, {"reason": "Say why the freeze must be overridden."}),
        (
            {"version": None, "ignore_windows": True, "reason": "x" * 501},
            {
                "version": "Choose a version.",
                "start": "Choose a start, because maintenance windows are ignored.",
                "reason": "Use at most 500 characters.",
            },
        ),
    ],
)
def test_what_is_wrong_stands_at_its_field(form: dict[str, Any], expected: dict[str, str]) -> None:
    """One sentence for each field, and all of them at once."""
    assert check(a_form(**form)) == expected


def test_a_start_may_be_nearer_when_it_was_chosen_earlier() -> None:
    """What was in time when it was sent does not become late while it is stored."""
    form = a_form(start=NOON + timedelta(minutes=4), ignore_windows=True)

    assert check(form, lead=timedelta(0)) == {}
    assert check(form) == {"start": "Choose a time at least 5 minutes from now."}


def test_a_cluster_without_versions_is_refused_at_the_cluster() -> None:
    """There is no version field to stand at."""
    catalog = a_catalog(a_cluster(version=NEW))

    assert check(a_form(version=None), catalog=catalog) == {
        "cluster": f"No version is on offer that production/web ({NEW}) may go to."
    }


def test_a_cluster_whose_version_cannot_be_read_is_refused_with_the_reason() -> None:
    """Nothing is on offer for it, whatever was typed or pressed."""
    found = check(a_form(), catalog=a_catalog(a_cluster(version="nightly-7")))

    assert found["cluster"].startswith('production/web runs "nightly-7", which the bot cannot compare')


def test_a_downgrade_is_on_offer_only_where_the_policy_allows_it() -> None:
    """Between patches of one minor."""
    older = "v1.31.4-u-ame.1"
    catalog = a_catalog(a_cluster(version=NEW), versions=(older, NEW))
    form = a_form(version=older)

    assert check(form, catalog=catalog).keys() == {"cluster"}
    assert check(form, a_rule(allow_downgrade=True), catalog=catalog) == {}


def test_a_reason_is_asked_for_where_the_policy_says_so() -> None:
    """Blanks are no reason."""
    rule = a_rule(reason_required=True)

    assert check(a_form(reason="  "), rule) == {"reason": "production asks for a reason."}
    assert check(a_form(), rule) == {}


def test_a_freeze_forbids_the_window_that_the_upgrade_would_land_in() -> None:
    """The estimate is judged while windows are respected, the start when they are ignored."""
    rule = a_rule(freeze=FROZEN)
    sentence = "production is frozen Dec 5 to Dec 7 (Audit). Choose another time."

    assert check(a_form(), rule) == {"start": sentence}
    assert check(a_form(start=SUNDAY, ignore_windows=True), rule) == {"start": sentence}
    assert check(a_form(start=SUNDAY - timedelta(days=2), ignore_windows=True), rule) == {}
    assert check(a_form(start=SUNDAY + timedelta(hours=3)), rule) == {}


@pytest.mark.parametrize("schedule", [None, MaintenanceSchedule(identity="s", name="empty", windows=())])
def test_without_windows_the_wanted_start_is_judged_or_else_now(schedule: MaintenanceSchedule | None) -> None:
    """Nothing can tell when it would run, so it may run at once; the cloud's window will be judged again."""
    catalog = a_catalog(a_cluster(schedule=schedule))
    rule = a_rule(freeze=FROZEN, allowed=WEEKDAYS_ONLY)
    frozen, night = SUNDAY, NOON + timedelta(hours=12)

    assert check(a_form(), rule, catalog=catalog) == {}
    assert check(a_form(start=frozen), rule, catalog=catalog).keys() == {"start"}
    assert check(a_form(start=night), rule, catalog=catalog).keys() == {"start"}
    assert check(a_form(), rule, catalog=catalog, now=frozen).keys() == {"start"}
    assert check(a_form(), rule, catalog=catalog, now=night).keys() == {"start"}


def test_in_an_open_window_what_is_left_of_it_is_judged() -> None:
    """The freeze ended at midnight, in the middle of the window."""
    midnight = WeeklyWindow(weekday=6, start=time(22), minutes=240)
    catalog = a_catalog(a_cluster(schedule=MaintenanceSchedule(identity="s", name="s", windows=(midnight,))))
    rule = a_rule(freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 6)),))
    at_eleven, at_one = SUNDAY + timedelta(hours=21), SUNDAY + timedelta(hours=23)

    assert check(a_form(), rule, catalog=catalog, now=at_eleven).keys() == {"start"}
    assert check(a_form(), rule, catalog=catalog, now=at_one) == {}


def test_a_version_has_to_have_proven_itself_by_the_start() -> None:
    """It is possible from 1 December on, and that is when it would run, in the window or at the moment chosen."""
    rule, succeeded = a_rule(after=AFTER_STAGING), {"staging": NOON - timedelta(days=2)}
    tomorrow, without_windows = NOON + timedelta(days=1), a_catalog(a_cluster(schedule=None))

    assert check(a_form(), rule, succeeded=succeeded) == {}
    assert check(a_form(start=tomorrow, ignore_windows=True), rule, succeeded=succeeded) == {}
    assert check(a_form(start=tomorrow), rule, succeeded=succeeded, catalog=without_windows) == {}
    for too_early in (
        check(a_form(start=tomorrow - timedelta(minutes=1), ignore_windows=True), rule, succeeded=succeeded),
        check(a_form(), rule, succeeded=succeeded, catalog=without_windows),
        check(a_form(ignore_windows=True), rule, succeeded=succeeded),
    ):
        assert too_early["version"] == TOO_SOON


@pytest.mark.parametrize(
    ("rule", "override", "expected"),
    [
        (a_rule(), False, None),
        (a_rule(freeze=FROZEN), False, "production is frozen Dec 5 to Dec 7 (Audit). Choose another time."),
        (a_rule(freeze=FROZEN), True, "production is frozen Dec 5 to Dec 7 (Audit). Choose another time."),
        (
            a_rule(freeze=FROZEN, override=True),
            False,
            "production is frozen Dec 5 to Dec 7 (Audit). Choose another time. Tick Override freeze if it cannot wait.",
        ),
        (a_rule(freeze=FROZEN, override=True), True, None),
        (
            a_rule(allowed=WEEKDAYS_ONLY, zone=AMSTERDAM),
            False,
            "Upgrades in production may only run mon-fri 08:00-18:00 (Europe/Amsterdam). Choose another time.",
        ),
        (
            a_rule(allowed=WEEKDAYS_ONLY, freeze=FROZEN, override=True),
            True,
            "Upgrades in production may only run mon-fri 08:00-18:00 (UTC). Choose another time.",
        ),
    ],
    ids=["any-time", "frozen", "no-override", "override-offered", "overridden", "not-allowed", "not-allowed-either"],
)
def test_a_time_is_forbidden_in_a_sentence(rule: Rule, expected: str | None, *, override: bool) -> None:
    """An override lifts a freeze where the policy lets it, and never an allowed time."""
    assert breach(rule, NEXT_WINDOW, override=override) == expected
    assert breach(rule, None, override=override) is None


def test_the_rule_alone_comes_without_advice_for_a_form() -> None:
    """Who reads an alert has no form before them."""
    rule = a_rule(freeze=FROZEN, override=True)

    assert forbidding(rule, NEXT_WINDOW, override=False) == "production is frozen Dec 5 to Dec 7 (Audit)."


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
        (
            {},
            UNTRIED,
        ),
        (
            {"staging": NOON - timedelta(days=2)},
            TOO_SOON,
        ),
        ({"staging": NOON - timedelta(days=3)}, None),
        ({"staging": NOON - timedelta(days=300)}, None),
        (
            {"development": NOON - timedelta(days=300)},
            UNTRIED,
        ),
    ],
)
def test_a_version_has_to_prove_itself_elsewhere_first(succeeded: dict[str, datetime], expected: str | None) -> None:
    """The sentence says where, for how long, and from when it is possible."""
    rule = a_rule(after=AFTER_STAGING)

    assert unproven(rule, NEW, succeeded=succeeded, at=NOON) == expected


def test_every_environment_on_the_way_counts() -> None:
    """The first that is not satisfied is named."""
    rule = a_rule(after=(("development", timedelta(hours=1)), *AFTER_STAGING))
    succeeded = {"development": NOON - timedelta(days=1)}

    assert "staging" in (unproven(rule, NEW, succeeded=succeeded, at=NOON) or "")
    assert "development" in (unproven(rule, NEW, succeeded={}, at=NOON) or "")
    assert unproven(a_rule(), NEW, succeeded={}, at=NOON) is None


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(weeks=2), "14 days"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=30), "30 minutes"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
    ],
)
def test_a_wait_is_said_in_whole_units(wait: timedelta, words: str) -> None:
    """As long as it is, neither rounded up nor down to nothing."""
    sentence = unproven(a_rule(after=(("staging", wait),)), NEW, succeeded={}, at=NOON) or ""

    assert f"in staging for {words} before" in sentence


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
    """Whatever is filled in, each field is told about at most once, in a sentence."""
    for field, text in check(form, rule).items():
        assert FormField(field)
        assert text.endswith(".")


def test_a_freeze_that_is_overridden_is_no_problem_of_the_form() -> None:
    """With the policy's leave, the box ticked and a reason; without any of them it is."""
    rule = a_rule(freeze=FROZEN, override=True)

    assert check(a_form(override=True, reason="a leak"), rule) == {}
    assert set(check(a_form(override=False, reason="a leak"), rule)) == {"start"}
    assert set(check(a_form(override=True, reason="a leak"), replace(rule, override=False))) == {"start"}


def test_allowed_times_are_read_and_said_in_the_policy_s_zone() -> None:
    """All of them, in the order of the file."""
    nights = AllowedRange(weekdays=(6,), start=time(2), end=time(6), text="sun 02:00-06:00")
    rule = a_rule(allowed=(*WEEKDAYS_ONLY, nights), zone=AMSTERDAM)

    early = breach(rule, Window(start=SUNDAY - timedelta(hours=1), end=SUNDAY), override=False)
    late = breach(rule, Window(start=SUNDAY + timedelta(hours=4), end=SUNDAY + timedelta(hours=5)), override=False)

    assert early is None
    assert late == (
        "Upgrades in production may only run mon-fri 08:00-18:00, sun 02:00-06:00 (Europe/Amsterdam). "
        "Choose another time."
    )


def test_freezes_are_read_in_the_policy_s_zone() -> None:
    """At 10:30 UTC it is half past midnight of the next day in Kiritimati, the day that is frozen there."""
    day = Freeze(first=date(2026, 12, 7), last=date(2026, 12, 7))
    rule = a_rule(freeze=(day,), override=True, zone=ZoneInfo("Pacific/Kiritimati"))
    frozen = Window(start=SUNDAY + timedelta(hours=8, minutes=30), end=SUNDAY + timedelta(hours=9))
    free = Window(start=SUNDAY, end=SUNDAY + timedelta(hours=8))

    assert "production is frozen Dec 7." in str(breach(rule, frozen, override=False))
    assert "production is frozen Dec 7." in str(overriding(rule, frozen, override=True))
    assert is_frozen(rule, frozen)
    assert breach(rule, free, override=False) is overriding(rule, free, override=True) is None
    assert not is_frozen(rule, free)


def test_the_estimate_is_made_in_the_zone_of_maintenance_windows() -> None:
    """Sunday 02:00 in Auckland is Saturday noon or so in UTC, which this freeze covers."""
    saturday = (Freeze(first=date(2026, 12, 5), last=date(2026, 12, 5)),)

    assert set(check(a_form(), a_rule(freeze=saturday), zone=ZoneInfo("Pacific/Auckland"))) == {"start"}
    assert check(a_form(), a_rule(freeze=saturday), zone=UTC) == {}


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(days=3), "3 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=20), "20 seconds"),
        (timedelta(seconds=1), "1 second"),
    ],
)
def test_a_wait_is_said_in_the_largest_unit_that_makes_it_whole(wait: timedelta, words: str) -> None:
    refusal = unproven(a_rule(after=(("staging", wait),)), NEW, succeeded={}, at=NOON)

    assert f"has to run in staging for {words} before" in str(refusal)


def test_overriding_a_freeze_is_said_with_what_it_takes() -> None:
    """Only while it is ticked, allowed, and there is a freeze to override."""
    rule = a_rule(freeze=FROZEN, override=True, required_approvals=2)

    assert overriding(rule, NEXT_WINDOW, override=True) == (
        "This overrides a freeze: production is frozen Dec 5 to Dec 7 (Audit). "
        "It takes a reason and 3 approvals, one more than otherwise."
    )
    alone = overriding(replace(rule, required_approvals=0), NEXT_WINDOW, override=True)
    assert str(alone).endswith("It takes a reason and 1 approval, one more than otherwise.")
    assert overriding(rule, NEXT_WINDOW, override=False) is None
    assert overriding(replace(rule, override=False), NEXT_WINDOW, override=True) is None
    assert overriding(replace(rule, freeze=()), NEXT_WINDOW, override=True) is None
    assert overriding(rule, None, override=True) is None


def test_a_cluster_that_is_called_otherwise_since_it_was_chosen_has_to_be_chosen_again() -> None:
    """Another may have its name now."""
    assert check(a_form(named="production/web")) == {}
    assert check(a_form(named="production/api")) == {
        "cluster": "What you chose as production/api is called production/web now. Please choose the cluster again."
    }
