"""Rollouts over fakes: from plan to stop, each cluster handed over once and only while its wave is open."""

from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest

from bot.domain.calendar import Freeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.cluster import ClusterIdentity
from bot.domain.findings import InRollout
from bot.domain.freeze import FrozenPlace
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import State
from bot.domain.rollout import NextWave, Plan, PlannedCluster, Progress, Rollout, RolloutState, Why
from bot.workflow.errors import Declined
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed, RolloutPlanned, RolloutPress, RolloutPressed
from bot.workflow.outbox import Kind
from tests.builders import ACME, KIM, NEW, NOON, OLD, ROOS, SEM, a_catalog, a_cluster, a_form, a_policy, a_rule
from tests.workflow.harness import ANNE, Harness, a_harness

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def identity(name: str) -> ClusterIdentity:
    return ClusterIdentity(f"id-{name}")


def planned(name: str) -> PlannedCluster:
    return PlannedCluster(identity=identity(name), environment="production", cluster=name)


def a_plan(*waves: str, **changes: object) -> Plan:
    values: dict[str, object] = {
        "organisation": ACME,
        "name": "Winter",
        "version": NEW,
        "waves": tuple(tuple(planned(name) for name in wave) for wave in waves or ("ab", "c")),
        "soak": HOUR,
    }
    return Plan(**(values | changes))  # type: ignore[arg-type]


async def a_fleet(policy: Policy | None = None) -> Harness:
    clusters = [a_cluster(identity=identity(name), slug=name) for name in "abcdef"]
    return await a_harness(catalog=a_catalog(*clusters), policy=policy)


async def plan(harness: Harness, *waves: str, **changes: object) -> Rollout:
    answer = await harness.do(RolloutPlanned(member=ROOS, plan=a_plan(*waves, **changes)))
    assert harness.storage.tables.rollouts, answer
    return now_of(harness)


def now_of(harness: Harness) -> Rollout:
    return list(harness.storage.tables.rollouts.values())[-1]


async def press(harness: Harness, what: RolloutPress, *, by: MemberId = SEM, reason: str = "") -> str:
    rollout = now_of(harness)
    pressed = RolloutPressed(member=by, press=what, rollout_id=rollout.id, seal=rollout.seal, reason=reason)
    answer = await harness.do(pressed)
    await advance(harness)
    return answer


async def advance(harness: Harness) -> Rollout:
    """Let the job run and the worker submit, until nothing moves."""
    for _ in range(6):
        for rollout_id in await harness.rollouts.followed():
            await harness.rollouts.advance(rollout_id, await harness.lease())
        for request in list(harness.storage.requests.values()):
            await harness.submit(request)
    return now_of(harness)


async def becomes(harness: Harness, status: str, *names: str) -> Rollout:
    """Let the cloud report a status for the upgrades of clusters; one that succeeded runs the version."""
    wanted = {identity(name) for name in names}
    harness.cloud.readings = [
        replace(one, status=status) if one.cluster_identity in wanted else one for one in harness.cloud.readings
    ]
    if status == "SUCCEEDED":
        clusters = harness.cloud.catalogs[ACME].clusters
        await harness.recatalog(*(replace(one, version=NEW) if one.identity in wanted else one for one in clusters))
    for _ in range(2):  # the first reading of an organisation is its baseline
        await harness.poll()
    return await advance(harness)


def progress(rollout: Rollout) -> str:
    return " ".join(f"{one.planned.cluster}:{one.progress}" for one in rollout.clusters)


async def test_from_plan_to_done() -> None:
    """Plan, approve, both go, soak, ask again, approve, done; each cluster is submitted once."""
    harness = await a_fleet()
    asked = await plan(harness)
    assert (asked.state, asked.channel) == (RolloutState.ASKING, "C0UPGRADES")
    assert await advance(harness) == asked
    assert harness.cloud.submissions == []

    assert await press(harness, RolloutPress.APPROVE) == "Your approval counts."
    assert progress(now_of(harness)) == "a:running b:running c:waiting"
    soaking = await becomes(harness, "SUCCEEDED", "a", "b")
    assert soaking.state is RolloutState.SOAKING
    assert "No wave" in await press(harness, RolloutPress.APPROVE)

    harness.clock.advance(HOUR)
    assert (await advance(harness)).state is RolloutState.ASKING
    assert len(harness.cloud.submissions) == 2
    await press(harness, RolloutPress.APPROVE, by=KIM)
    done = await becomes(harness, "SUCCEEDED", "c")

    assert done.state is RolloutState.DONE
    assert await harness.rollouts.followed() == ()
    assert [one.cluster_identity for one in harness.cloud.submissions] == [identity(name) for name in "abc"]


async def test_its_requests_have_no_cards_and_no_direct_messages_and_are_linked_in_the_trail() -> None:
    harness = await a_fleet()
    rollout = await plan(harness)
    await press(harness, RolloutPress.APPROVE)
    await becomes(harness, "SUCCEEDED", "a", "b")

    assert harness.outbox(Kind.CARD) == []
    assert harness.outbox(Kind.THREAD) == []
    assert harness.outbox(Kind.DIRECT) == []
    kinds = [event["kind"] for event in harness.storage.audited if event["request_id"] == rollout.id]
    assert kinds[:3] == ["rollout planned", "rollout wave approved", "rollout running"]
    planned_facts = next(event["facts"] for event in harness.storage.audited if event["kind"] == "rollout planned")
    assert planned_facts["to_version"] == NEW
    assert planned_facts["waves"] == [["production/a", "production/b"], ["production/c"]]
    handed = [event["facts"]["requests"] for event in harness.storage.audited if event["facts"].get("requests")]
    assert set(handed[0].values()) == set(harness.storage.requests)
    assert all(one.rollout == rollout.id for one in harness.storage.requests.values())


async def test_the_trail_of_its_requests_says_why_by_which_rule_and_who_approved_the_wave() -> None:
    harness = await a_fleet()
    rollout = await plan(harness, reason="CVE fixes")
    await press(harness, RolloutPress.APPROVE)

    asked = [event["facts"] for event in harness.storage.audited if event["kind"] == "upgrade requested"]
    assert [facts["reason"] for facts in asked] == ["CVE fixes"] * 2
    assert [facts["policy"]["required_approvals"] for facts in asked] == [1] * 2
    assert [facts["votes"] for facts in asked] == [[{"member": SEM, "at": NOON.isoformat()}]] * 2
    assert {(facts["rollout"], facts["wave"]) for facts in asked} == {(rollout.id, 1)}


async def test_only_so_many_go_at_once() -> None:
    harness = await a_fleet()
    await plan(harness, "abcd", at_once=2)
    await press(harness, RolloutPress.APPROVE)

    assert progress(now_of(harness)) == "a:running b:running c:waiting d:waiting"
    assert {one.why for one in now_of(harness).clusters[2:]} == {Why.AT_ONCE}
    moved = await becomes(harness, "SUCCEEDED", "a")
    assert progress(moved) == "a:succeeded b:running c:running d:waiting"
    assert len(harness.cloud.submissions) == 3


@pytest.mark.parametrize("status", ["FAILED", "MISSED"])
async def test_a_failure_halts_at_once_and_a_retry_is_voted_on(status: str) -> None:
    harness = await a_fleet()
    await plan(harness, "ab", at_once=1)
    await press(harness, RolloutPress.APPROVE)

    halted = await becomes(harness, status, "a")
    assert (halted.state, len(harness.cloud.submissions)) == (RolloutState.HALTED, 1)

    await press(harness, RolloutPress.RETRY)
    assert (now_of(harness).state, len(harness.cloud.submissions)) == (RolloutState.ASKING, 1)
    await press(harness, RolloutPress.APPROVE)
    assert [one.cluster_identity for one in harness.cloud.submissions] == [identity("a")] * 2


async def test_going_on_without_what_failed() -> None:
    harness = await a_fleet()
    await plan(harness, "ab", at_once=1)
    await press(harness, RolloutPress.APPROVE)
    await becomes(harness, "FAILED", "a")

    assert "Only approvers" in await press(harness, RolloutPress.GO_ON, by=ROOS)
    await press(harness, RolloutPress.GO_ON)
    done = await becomes(harness, "SUCCEEDED", "b")

    assert (done.state, progress(done)) == (RolloutState.DONE, "a:failed b:succeeded")


async def test_what_the_cloud_refuses_is_a_failure() -> None:
    harness = await a_fleet()
    await plan(harness, "ab", may_fail=1)
    harness.cloud.answers.append(Declined("no"))
    await press(harness, RolloutPress.APPROVE)

    assert progress(now_of(harness)) == "a:failed b:running"
    assert now_of(harness).clusters[0].why is Why.REFUSED


async def test_nothing_goes_while_it_is_paused_and_nothing_after_a_stop() -> None:
    """What is approved and not yet sent is taken back; what the cloud has is followed to its end."""
    harness = await a_fleet()
    await plan(harness, "ab", at_once=1)
    await press(harness, RolloutPress.APPROVE)
    await press(harness, RolloutPress.PAUSE, by=ROOS)
    await becomes(harness, "SUCCEEDED", "a")
    assert progress(now_of(harness)) == "a:succeeded b:waiting"

    assert "Only approvers" in await press(harness, RolloutPress.RESUME, by=ROOS)
    await press(harness, RolloutPress.RESUME)
    assert progress(now_of(harness)) == "a:succeeded b:running"
    await press(harness, RolloutPress.STOP, by=KIM)
    stopped = await becomes(harness, "SUCCEEDED", "b")

    assert (stopped.state, progress(stopped)) == (RolloutState.STOPPED, "a:succeeded b:succeeded")
    assert len(harness.cloud.submissions) == 2


async def test_a_stop_between_handing_over_and_sending_sends_nothing() -> None:
    harness = await a_fleet()
    await plan(harness, "ab")
    rollout = now_of(harness)
    await harness.do(RolloutPressed(member=SEM, press=RolloutPress.APPROVE, rollout_id=rollout.id, seal=rollout.seal))
    await harness.rollouts.advance(rollout.id, await harness.lease())
    assert [one.state for one in harness.storage.requests.values()] == [State.APPROVED] * 2

    await press(harness, RolloutPress.STOP)

    assert harness.cloud.submissions == []
    assert {one.state for one in harness.storage.requests.values()} == {State.WITHDRAWN}
    assert {one.progress for one in now_of(harness).clusters} == {Progress.SKIPPED}


async def test_who_may_not_is_told_so_and_nothing_changes() -> None:
    harness = await a_fleet()
    rollout = await plan(harness)

    for what in (RolloutPress.APPROVE, RolloutPress.REJECT):
        assert "Only approvers" in await press(harness, what, by=ROOS)
    for what in (RolloutPress.APPROVE, RolloutPress.PAUSE, RolloutPress.STOP):
        refused = await press(harness, what, by=ANNE)
        assert "Only" in refused
        assert f"<@{SEM}>" in refused
        assert f"<@{KIM}>" in refused

    assert now_of(harness) == rollout


async def test_a_second_rollout_takes_neither_its_name_nor_its_clusters() -> None:
    harness = await a_fleet()
    await plan(harness, "ab")

    same_name = await harness.do(RolloutPlanned(member=ROOS, plan=a_plan("c")))
    same_cluster = await harness.do(RolloutPlanned(member=ROOS, plan=a_plan("a", name="Other")))

    assert "Another rollout that has not ended has this name." in same_name
    assert "is in another rollout that has not ended." in same_cluster
    assert len(harness.storage.tables.rollouts) == 1


async def test_a_frozen_cluster_waits_and_says_until_when() -> None:
    day = NOON.date()
    freeze = Freeze(first=day, last=day + timedelta(days=10), reason="Peak")
    harness = await a_fleet()
    await plan(harness)
    await press(harness, RolloutPress.APPROVE)
    frozen = await harness.restarted(policy=a_policy(a_rule(freeze=(freeze,))))
    await plan(frozen, "def", name="Frozen")
    await press(frozen, RolloutPress.APPROVE)

    waiting = now_of(frozen).clusters

    assert {one.why for one in waiting} == {Why.FROZEN}
    assert {one.until for one in waiting} == {freeze.end(UTC)}
    assert date(2026, 12, 11) == waiting[0].until.date() if waiting[0].until else False
    assert len(harness.cloud.submissions) == 2


async def test_a_rollout_waits_for_a_freeze_that_somebody_set_and_names_it() -> None:
    """Its clusters go on by themselves once it is lifted; while its wave asks, the time to vote stands still."""
    harness = await a_fleet()
    left = (await plan(harness)).time_left
    until = NOON + timedelta(days=9)
    place = FrozenPlace(organisation=ACME, environment="production")
    await harness.do(FreezeAsked(member=SEM, places=(place,), until=until, reason="Incident 4711"))
    (freeze,) = harness.storage.tables.freezes.values()
    harness.clock.advance(timedelta(hours=3))
    await advance(harness)
    assert now_of(harness).time_left == left

    await press(harness, RolloutPress.APPROVE)
    waiting = now_of(harness).of_wave(0)
    assert {(one.why, one.until, one.detail) for one in waiting} == {(Why.FROZEN, until, "Incident 4711")}
    assert harness.cloud.submissions == []

    await harness.do(FreezeLiftPressed(member=SEM, freeze_id=freeze.id))
    await advance(harness)
    assert progress(now_of(harness)) == "a:running b:running c:waiting"


async def test_unfit_clusters_are_skipped_with_their_reason() -> None:
    harness = await a_fleet()
    await plan(harness, "abcde")
    clusters = {one.slug: one for one in harness.cloud.catalogs[ACME].clusters}
    clusters["a"] = replace(clusters["a"], version=NEW)
    clusters["b"] = replace(clusters["b"], status="stopped")
    clusters["c"] = replace(clusters["c"], environment="staging")
    clusters["d"] = replace(clusters["d"], version="v1.28.1-u-ame.1")
    del clusters["e"]
    await harness.recatalog(*clusters.values())

    await press(harness, RolloutPress.APPROVE)

    rollout = now_of(harness)
    whys = [one.why for one in rollout.clusters]
    assert whys == [Why.ALREADY_THERE, Why.STOPPED, Why.MOVED, Why.NOT_ONE_STEP, Why.GONE]
    assert rollout.state is RolloutState.HALTED
    assert harness.cloud.submissions == []


async def test_a_version_that_was_withdrawn_fails() -> None:
    harness = await a_fleet()
    await plan(harness, "ab")
    await harness.recatalog(*harness.cloud.catalogs[ACME].clusters, versions=(OLD,))

    await press(harness, RolloutPress.APPROVE)

    assert now_of(harness).state is RolloutState.HALTED
    assert Why.VERSION_WITHDRAWN in {one.why for one in now_of(harness).clusters}


async def test_a_single_request_is_waited_for_and_one_made_later_takes_over() -> None:
    harness = await a_fleet()
    await harness.ask(a_form(cluster_identity=identity("a")))
    await plan(harness, "ab")
    await press(harness, RolloutPress.APPROVE)
    assert [one.why for one in now_of(harness).clusters] == [Why.OTHER_UPGRADE, None]

    await harness.submitted(a_form(cluster_identity=identity("b")))
    rollout = await advance(harness)

    other = rollout.clusters[1]
    assert (other.progress, other.why, other.detail) == (Progress.SKIPPED, Why.TAKEN_OVER, f"<@{ROOS}>")


async def test_lost_approvals_lead_back_to_the_vote() -> None:
    harness = await a_fleet()
    await plan(harness, "ab", at_once=1)
    await press(harness, RolloutPress.APPROVE)
    harness.members.members.pop(SEM)

    asked = await becomes(harness, "SUCCEEDED", "a")

    assert (asked.state, asked.votes, len(harness.cloud.submissions)) == (RolloutState.ASKING, (), 1)


async def test_a_wave_that_opens_by_itself_is_voted_on_while_it_soaks() -> None:
    harness = await a_fleet()
    await plan(harness, next_wave=NextWave.OPENS)
    await press(harness, RolloutPress.APPROVE)
    await becomes(harness, "SUCCEEDED", "a", "b")
    await press(harness, RolloutPress.APPROVE)
    assert (now_of(harness).state, len(harness.cloud.submissions)) == (RolloutState.SOAKING, 2)

    harness.clock.advance(HOUR)

    assert (await advance(harness)).state is RolloutState.RUNNING
    assert len(harness.cloud.submissions) == 3


async def test_nobody_deciding_ends_it_and_who_waits_is_reminded() -> None:
    harness = await a_fleet()
    await plan(harness)
    harness.clock.advance(5 * HOUR)
    assert (await advance(harness)).reminders == 1

    harness.clock.advance(2 * DAY)

    assert (await advance(harness)).state is RolloutState.EXPIRED
    assert harness.cloud.submissions == []


async def test_a_pause_of_two_weeks_stops_it() -> None:
    harness = await a_fleet()
    await plan(harness)
    await press(harness, RolloutPress.APPROVE)
    await becomes(harness, "SUCCEEDED", "a", "b")
    await press(harness, RolloutPress.PAUSE)
    harness.clock.advance(13 * DAY)
    assert (await advance(harness)).warned_at is not None

    harness.clock.advance(DAY)

    assert (await advance(harness)).state is RolloutState.STOPPED


async def test_windows_ignored_start_five_minutes_from_then() -> None:
    harness = await a_fleet()
    await plan(harness, ignore_windows=True, not_before=NOON - HOUR)
    await press(harness, RolloutPress.APPROVE)

    assert {one.start for one in harness.cloud.submissions} == {NOON + timedelta(minutes=5)}


async def test_the_form_of_one_cluster_warns_that_a_rollout_holds_it() -> None:
    harness = await a_fleet()
    form = a_form(cluster_identity=identity("a"))
    assert (await harness.viewing.form(form)).notes == ()

    await plan(harness, "ab")

    assert InRollout(name="Winter", version=NEW) in (await harness.viewing.form(form)).notes
    assert (await harness.viewing.form(replace(form, cluster_identity=identity("c")))).notes == ()


async def test_a_change_number_is_asked_of_the_plan_where_an_environment_requires_one() -> None:
    change = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "")
    harness = await a_fleet(a_policy(a_rule(change=change)))

    refused = await harness.do(RolloutPlanned(member=ROOS, plan=a_plan()))
    wrong = await harness.do(RolloutPlanned(member=ROOS, plan=a_plan(change="INC1")))
    await plan(harness, change="CHG0000001")
    await press(harness, RolloutPress.APPROVE)

    assert "production requires a change number" in refused
    assert "is not a valid change number" in wrong
    assert {one.change for one in harness.storage.requests.values()} == {"CHG0000001"}
    assert progress(now_of(harness)) == "a:running b:running c:waiting"


async def test_home_shows_rollouts_that_have_not_ended() -> None:
    harness = await a_fleet()
    rollout = await plan(harness)

    shown = (await harness.home_reading.read(SEM)).rollouts
    await press(harness, RolloutPress.STOP)

    assert shown == (rollout,)
    assert (await harness.home_reading.read(SEM)).rollouts == ()


async def test_an_upgrade_that_is_scheduled_already_is_not_superseded_when_the_wave_opens() -> None:
    """The first turn of a cluster looks at what else is under way, as every later one does."""
    harness = await a_fleet()
    await harness.submitted(a_form(cluster_identity=identity("a")))
    await plan(harness, "ab")

    await press(harness, RolloutPress.APPROVE)

    assert [one.why for one in now_of(harness).clusters] == [Why.OTHER_UPGRADE, None]
    assert [one.cluster_identity for one in harness.cloud.submissions] == [identity("a"), identity("b")]
