from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.calendar import Freeze
from bot.domain.errors import NotEntitled
from bot.domain.findings import (
    ClusterNotChosen,
    Frozen,
    MayNotUseBot,
    NotLongEnoughAfter,
    NoWindows,
    OverridesFreeze,
    TooFar,
    TooSoon,
    WindowsUnread,
)
from bot.domain.form import Form
from bot.domain.people import AccountType
from bot.domain.request import State, Vote
from bot.domain.windows import MaintenanceSchedule
from bot.workflow.errors import MembersUnavailable
from tests.builders import (
    DATA,
    GUS,
    KIM,
    NEW,
    NOON,
    ROOS,
    SEM,
    a_catalog,
    a_cluster,
    a_form,
    a_policy,
    a_rule,
    a_schedule,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, OTTO, a_harness

WINTER = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
NEXT_SUNDAY = a_window(NOON + timedelta(days=5, hours=14))


async def test_an_empty_form_shows_nothing_around_it() -> None:
    """No cluster is chosen yet."""
    harness = await a_harness()

    view = await harness.viewing.form(Form())

    assert (view.cluster, view.on_offer, view.broken, view.notes) == (None, (), (), ())


async def test_a_chosen_cluster_shows_what_it_may_go_to_and_when() -> None:
    """Versions on offer, the channel's recommended, the estimated window."""
    harness = await a_harness()

    view = await harness.viewing.form(a_form(version=None))

    assert (view.on_offer, view.recommended, view.estimate) == ((NEW,), NEW, NEXT_SUNDAY)
    assert (view.broken, view.notes, view.may_override, view.scheduled, view.waiting) == ((), (), False, None, None)


async def test_a_frozen_time_is_a_warning_and_may_be_overridden_where_the_policy_says_so() -> None:
    """Once the override is ticked it says what that takes; the box stays."""
    harness = await a_harness(policy=a_policy(a_rule(freeze=(WINTER,), override=True)))

    frozen = await harness.viewing.form(a_form())
    overridden = await harness.viewing.form(a_form(override=True))

    assert frozen.broken == (Frozen(environment="production", freeze=WINTER, can_override=True),)
    assert (frozen.may_override, overridden.may_override) == (True, True)
    assert overridden.broken == ()
    assert overridden.notes == (OverridesFreeze(environment="production", freeze=WINTER, approvals=2),)


async def test_a_cluster_without_windows_is_warned_about() -> None:
    """Unless they are ignored, it may never start."""
    harness = await a_harness(catalog=a_catalog(a_cluster(schedule=None)))

    view = await harness.viewing.form(a_form())

    assert view.estimate is None
    assert view.notes == (NoWindows(cluster="production/web"),)


async def test_without_windows_the_wanted_start_is_warned_about() -> None:
    """A start inside a freeze is a start inside a freeze, and may be overridden like any."""
    rule = a_rule(freeze=(WINTER,), override=True)
    harness = await a_harness(policy=a_policy(rule), catalog=a_catalog(a_cluster(schedule=None)))

    view = await harness.viewing.form(a_form(start=NOON + timedelta(days=2)))

    assert (view.estimate, view.may_override) == (None, True)
    assert view.broken == (Frozen(environment="production", freeze=WINTER, can_override=True),)


async def test_in_an_open_window_what_is_left_of_it_is_the_estimate() -> None:
    """Not next week's."""
    harness = await a_harness(now=NEXT_SUNDAY.start + timedelta(hours=1))

    view = await harness.viewing.form(a_form())

    assert view.estimate == replace(NEXT_SUNDAY, start=NEXT_SUNDAY.start + timedelta(hours=1))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (a_schedule(windows=(), is_complete=False), WindowsUnread(cluster="production/web", some=False)),
        (a_schedule(is_complete=False), WindowsUnread(cluster="production/web", some=True)),
    ],
    ids=["none-read", "some-read"],
)
async def test_windows_that_could_not_be_read_are_not_taken_for_none(
    schedule: MaintenanceSchedule, expected: WindowsUnread
) -> None:
    """The cluster has windows, and an upgrade may well start."""
    harness = await a_harness(catalog=a_catalog(a_cluster(schedule=schedule)))

    assert (await harness.viewing.form(a_form())).notes == (expected,)


async def test_a_version_that_must_go_to_staging_first_is_warned_about() -> None:
    """While choosing, by the same finding that would refuse."""
    harness = await a_harness(policy=a_policy(a_rule(after=(("staging", timedelta(days=3)),))))

    view = await harness.viewing.form(a_form())

    assert view.broken == (
        NotLongEnoughAfter(
            version=NEW, environment="production", earlier="staging", wait=timedelta(days=3), since=None
        ),
    )


async def test_what_is_scheduled_already_is_shown_although_another_ended_later() -> None:
    """A superseded record is newer by its status than the one that took its place."""
    scheduled = a_scheduled_upgrade(identity="u2")
    superseded = a_scheduled_upgrade(identity="u1", status="SUPERSEDED", status_since=NOON + timedelta(minutes=1))
    waiting = an_upgrade_request()
    harness = await a_harness(scheduled, superseded, waiting)

    view = await harness.viewing.form(a_form())

    assert view.scheduled is not None
    assert view.waiting is not None
    assert (view.scheduled.identity, view.waiting.id) == ("u2", waiting.id)


async def test_a_form_for_a_cluster_nobody_knows_is_wrong_at_the_cluster() -> None:
    """It left the catalog while the modal was open."""
    harness = await a_harness()

    assert await harness.viewing.problems(a_form(cluster_identity="gone")) == (ClusterNotChosen(),)


async def test_the_overview_shows_what_is_under_way() -> None:
    """Upgrades that are not final, requests not yet submitted, and how fresh it is; all or of one environment."""
    production, staging = a_scheduled_upgrade(), a_scheduled_upgrade(identity="s", environment="staging")
    ended = a_scheduled_upgrade(identity="e", status="SUCCEEDED")
    waiting, sent = an_upgrade_request(), an_upgrade_request(state=State.SUBMITTED)
    harness = await a_harness(production, staging, ended, waiting, sent)

    everything = await harness.viewing.overview()
    some = await harness.viewing.overview(environment="staging")

    assert {one.identity for one in everything.upgrades} == {production.identity, "s"}
    assert [one.id for one in everything.requests] == [waiting.id]
    assert ([one.identity for one in some.upgrades], some.requests) == (["s"], ())
    assert len(everything.feeds) == 1


async def test_an_environments_overview_is_not_cut_short_by_the_others() -> None:
    """Two hundred upgrades elsewhere come before it; and more than two hundred are said to be more."""
    many = [a_scheduled_upgrade(identity=f"u{n}") for n in range(201)]
    harness = await a_harness(*many, a_scheduled_upgrade(identity="s", environment="staging", window=None))

    everything = await harness.viewing.overview()
    some = await harness.viewing.overview(environment="staging")

    assert (len(everything.upgrades), everything.more) == (200, True)
    assert ([one.identity for one in some.upgrades], some.more) == (["s"], False)


async def test_a_cluster_is_shown_with_its_latest() -> None:
    """Five of each at most."""
    upgrades = [a_scheduled_upgrade(identity=f"u{n}", status_since=NOON + timedelta(n)) for n in range(7)]
    harness = await a_harness(*upgrades)

    view = await harness.viewing.cluster(a_cluster())

    assert [one.identity for one in view.upgrades] == ["u6", "u5", "u4", "u3", "u2"]


async def test_a_home_shows_what_waits_for_this_person() -> None:
    """Not what they asked for, nor what they voted on, nor what others decide."""
    mine = an_upgrade_request(requester=SEM, cluster_identity="c1")
    voted = an_upgrade_request(required=2, votes=(Vote(member=SEM, at=NOON),), cluster_identity="c2")
    open_one = an_upgrade_request(cluster_identity=DATA)
    harness = await a_harness(mine, voted, open_one)
    reading = harness.home_reading

    sems, annes, roos = [await reading.read(who) for who in (SEM, ANNE, ROOS)]

    assert [one.id for one in sems.waiting] == [open_one.id]
    assert [one.id for one in sems.own] == [mine.id]
    assert (annes.waiting, roos.waiting) == ((), ())
    assert len(roos.own) == 2


async def test_a_home_opens_for_who_was_seen_lately_while_slack_cannot_say_who_may_decide() -> None:
    """What waits is left out; the rest is there. Nobody else sees anything."""
    harness = await a_harness(an_upgrade_request(), a_scheduled_upgrade())
    harness.members.down = True
    harness.members.recent.add(KIM)
    reading = harness.home_reading

    view = await reading.read(KIM)

    assert (view.waiting, len(view.upgrades)) == ((), 1)
    with pytest.raises(MembersUnavailable):
        await reading.read(OTTO)


async def test_the_shelf_takes_over_only_newer_copies() -> None:
    """What was read of one cluster right before a submission is not undone by the old copy."""
    harness = await a_harness()
    found = harness.catalog_cache.find(DATA)
    assert found
    harness.catalog_cache.correct(found[1], replace(found[1], version=NEW), found[0].versions)

    await harness.catalog_cache.renew()

    corrected = harness.catalog_cache.find(DATA)
    assert corrected
    assert corrected[1].version == NEW


async def test_a_home_shows_nothing_to_who_is_no_full_member_any_more() -> None:
    """It was opened before; it is drawn again by itself, and after a press in it."""
    harness = await a_harness()
    reading = harness.home_reading

    with pytest.raises(NotEntitled) as refused:
        await reading.read(GUS)
    assert refused.value.why == (MayNotUseBot(account_type=AccountType.GUEST),)


async def test_a_home_that_is_published_again_stays_at_its_page() -> None:
    """Nobody is thrown back to the first page every half minute."""
    harness = await a_harness()
    async with harness.storage.begin() as work:
        await work.homes.opened(SEM, at=NOON, page=3)
        await work.commit()

    seen = await harness.home_reading.read(SEM)

    assert seen.page == 3


@pytest.mark.parametrize("ignore_windows", [True, False])
@pytest.mark.parametrize(("year", "refused"), [(1, TooSoon), (9999, TooFar)])
async def test_a_start_in_an_absurd_year_is_refused_at_its_field(
    year: int,
    refused: type,
    ignore_windows: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Picked in the form, or sent by whatever: nothing overflows."""
    harness = await a_harness(policy=a_policy(a_rule(freeze=(WINTER,))))

    (problem,) = await harness.viewing.problems(
        a_form(start=datetime(year, 1, 1, tzinfo=UTC), ignore_windows=ignore_windows)
    )

    assert isinstance(problem, refused)
