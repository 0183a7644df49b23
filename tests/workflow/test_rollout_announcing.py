"""What a rollout posts besides its card: gathered, once, in the channels where people read it."""

from dataclasses import replace
from datetime import time, timedelta

from bot.domain.calendar import AllowedRange
from bot.domain.events import (
    RolloutAsks,
    RolloutFailed,
    RolloutMoved,
    RolloutMovedOn,
    RolloutNear,
    StatusMoved,
    SubmissionUnclear,
)
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import State
from bot.domain.rollout import NextWave, Progress, RolloutState, Why
from bot.domain.windows import Window
from bot.workflow.errors import Declined, NoAnswer, NoList
from bot.workflow.inbox import ButtonPressed, MessageRef, Press, RolloutPress, RolloutPressed
from bot.workflow.outbox import Kind
from tests.builders import KIM, NOON, ROOS, SEM, a_catalog, a_cluster, a_form, a_policy, a_rule
from tests.workflow.harness import Harness, a_harness
from tests.workflow.test_rollouts import (
    DAY,
    HOUR,
    a_fleet,
    advance,
    becomes,
    identity,
    now_of,
    plan,
    planned,
    press,
    progress,
)


def names(event: RolloutMovedOn | RolloutNear | RolloutFailed) -> list[str]:
    return [one.name for one in event.clusters]


async def test_a_status_of_many_clusters_is_one_message_and_is_posted_once() -> None:
    harness = await a_fleet()
    await plan(harness, "abc")
    await press(harness, RolloutPress.APPROVE)

    await becomes(harness, "SCHEDULED_NOTIFIED", "a", "b")
    await becomes(harness, "SCHEDULED_NOTIFIED", "a", "b", "c")

    told = harness.told(RolloutMovedOn, Kind.ROLLOUT_CHANNEL)
    assert [names(one) for one in told] == [["production/a", "production/b"], ["production/c"]]
    assert harness.told(StatusMoved, Kind.CHANNEL) == []


async def test_a_countdown_of_many_windows_is_one_message_and_names_them() -> None:
    harness = await a_fleet()
    await plan(harness, "abc")
    await press(harness, RolloutPress.APPROVE)
    window = Window(start=NOON + 3 * DAY, end=NOON + 3 * DAY + HOUR)
    harness.cloud.readings = [replace(one, window=window) for one in harness.cloud.readings]
    await becomes(harness, "SCHEDULED", "a", "b", "c")
    assert harness.told(RolloutNear, Kind.ROLLOUT_CHANNEL) == []

    harness.clock.advance(2 * DAY)
    await advance(harness)
    await harness.look_round()
    await advance(harness)

    (near,) = harness.told(RolloutNear, Kind.ROLLOUT_CHANNEL)
    assert (near.hours, len(near.clusters), near.clusters[0].window) == (24, 3, window)
    assert harness.outbox(Kind.CHANNEL) == []


async def test_a_failure_is_alerted_for_itself_and_says_whose_rollout_it_is() -> None:
    harness = await a_fleet()
    await plan(harness, "ab", may_fail=2)
    harness.cloud.answers.append(Declined("no"))
    await press(harness, RolloutPress.APPROVE)
    await becomes(harness, "FAILED", "b")

    (refused,) = harness.told(RolloutFailed, Kind.ROLLOUT_CHANNEL)
    (failed,) = harness.told(StatusMoved, Kind.CHANNEL)
    assert (names(refused), refused.why, refused.mention[0]) == (["production/a"], Why.REFUSED, ROOS)
    assert (failed.about.cluster, failed.mention[0]) == ("b", ROOS)


async def test_the_channels_of_a_waves_other_environments_get_a_line() -> None:
    rules = {"staging": a_rule(environment="staging", channel="C0STAGING")}
    clusters = [
        a_cluster(identity=identity("a"), slug="a"),
        a_cluster(identity=identity("s"), slug="s", environment="staging"),
    ]
    harness = await a_harness(catalog=a_catalog(*clusters), policy=Policy(default=a_rule(), environments=rules))
    one = replace(planned("s"), environment="staging")

    await plan(harness, waves=((planned("a"), one),))
    await advance(harness)

    (line,) = harness.outbox(Kind.ROLLOUT_CHANNEL)
    assert line.target == "C0STAGING"
    assert isinstance(line.event, RolloutAsks)
    assert (line.event.wave, line.event.environments) == (1, ("staging",))


async def test_approvals_that_may_be_given_during_a_soak_are_asked_for_when_it_begins() -> None:
    """The next wave's approvers are mentioned in the thread, and its other channels get one line, not two."""
    rules = {"staging": a_rule(environment="staging", channel="C0STAGING", notify=(KIM,))}
    clusters = [
        a_cluster(identity=identity("a"), slug="a"),
        a_cluster(identity=identity("s"), slug="s", environment="staging"),
    ]
    harness = await a_harness(catalog=a_catalog(*clusters), policy=Policy(default=a_rule(), environments=rules))
    one = replace(planned("s"), environment="staging")
    await plan(harness, waves=((planned("a"),), (one,)), next_wave=NextWave.OPENS)
    await press(harness, RolloutPress.APPROVE)

    await becomes(harness, "SUCCEEDED", "a")

    assert now_of(harness).state is RolloutState.SOAKING
    (line,) = harness.told(RolloutAsks, Kind.ROLLOUT_CHANNEL)
    soaks = [one for one in harness.told(RolloutMoved, Kind.ROLLOUT_THREAD) if "soaks" in str(one.steps)]
    assert (line.wave, line.environments) == (2, ("staging",))
    assert [one.mention for one in soaks] == [(KIM,)]
    assert "Wave 1 is done and soaks now. Wave 2 can be approved meanwhile." in soaks[0].steps

    await press(harness, RolloutPress.PAUSE)
    await press(harness, RolloutPress.RESUME, by=KIM)
    harness.clock.advance(HOUR)
    assert (await advance(harness)).state is RolloutState.ASKING
    assert len(harness.told(RolloutAsks, Kind.ROLLOUT_CHANNEL)) == 1


async def an_unclear_one() -> Harness:
    """Return a rollout of two, one at a time, whose first cluster is unclear: the cloud has no list to look in."""
    harness = await a_fleet()
    harness.cloud.no_list = NoList("no list")
    await plan(harness, "ab", at_once=1)
    harness.cloud.answers.append(NoAnswer("silence"))
    await press(harness, RolloutPress.APPROVE)
    return harness


async def test_an_unclear_cluster_keeps_its_place_and_people_are_asked_once() -> None:
    harness = await an_unclear_one()
    await advance(harness)

    (asked,) = harness.outbox(Kind.ROLLOUT_QUESTION)
    assert progress(now_of(harness)) == "a:unclear b:waiting"
    assert isinstance(asked.event, SubmissionUnclear)
    assert asked.request_id == now_of(harness).clusters[0].request
    assert len(harness.cloud.submissions) == 1


async def skip(harness: Harness, name: str, *, by: MemberId) -> str:
    rollout = now_of(harness)
    pressed = RolloutPressed(
        member=by,
        press=RolloutPress.SKIP,
        rollout_id=rollout.id,
        seal=rollout.seal,
        cluster=identity(name),
    )
    answer = await harness.do(pressed)
    await advance(harness)
    return answer


async def test_an_approver_skips_an_unclear_cluster_and_it_is_never_sent_again() -> None:
    harness = await an_unclear_one()
    request = next(iter(harness.storage.requests.values()))

    assert "Only approvers of production" in await skip(harness, "a", by=ROOS)
    assert progress(now_of(harness)) == "a:unclear b:waiting"
    await skip(harness, "a", by=SEM)
    again = await harness.do(
        ButtonPressed(member=KIM, press=Press.SUBMIT_AGAIN, request_id=request.id, seal=request.seal)
    )
    await advance(harness)

    assert harness.now_of(request).state is State.WITHDRAWN
    assert "withdrawn" in again.lower()
    assert [one.cluster_identity for one in harness.cloud.submissions] == [identity("a"), identity("b")]
    assert (now_of(harness).clusters[0].why, now_of(harness).clusters[0].detail) == (Why.BY_A_PERSON, f"<@{SEM}>")


async def test_an_unclear_cluster_is_submitted_again_by_an_approver_and_goes_on() -> None:
    harness = await an_unclear_one()
    request = next(iter(harness.storage.requests.values()))

    question = MessageRef(channel="C1", ts="1.1")
    await harness.do(
        ButtonPressed(member=SEM, press=Press.SUBMIT_AGAIN, request_id=request.id, seal=request.seal, message=question)
    )
    await advance(harness)

    assert progress(now_of(harness)) == "a:running b:waiting"
    assert len(harness.cloud.submissions) == 2
    async with harness.storage.read() as work:
        assert await work.messages.card(request.id) is None, "a question in the rollout's thread is no card"


async def test_an_unclear_cluster_is_not_sent_again_after_a_stop() -> None:
    harness = await an_unclear_one()
    request = next(iter(harness.storage.requests.values()))
    await press(harness, RolloutPress.STOP)

    await harness.do(ButtonPressed(member=SEM, press=Press.SUBMIT_AGAIN, request_id=request.id, seal=request.seal))
    await advance(harness)

    assert len(harness.cloud.submissions) == 1
    assert progress(now_of(harness)) == "a:skipped b:waiting"


async def test_what_the_cloud_refused_can_be_retried() -> None:
    """The refused request of the first attempt stands in the way of neither the second nor another rollout."""
    harness = await a_fleet()
    await plan(harness, "a")
    harness.cloud.answers.append(Declined("no"))
    await press(harness, RolloutPress.APPROVE)
    assert now_of(harness).state is RolloutState.HALTED

    await press(harness, RolloutPress.RETRY)
    await press(harness, RolloutPress.APPROVE, by=KIM)

    assert progress(now_of(harness)) == "a:running"
    assert len(harness.cloud.submissions) == 2


async def test_a_later_single_request_takes_over_a_cluster_that_waits() -> None:
    harness = await a_fleet()
    await plan(harness, "ab", at_once=1)
    await press(harness, RolloutPress.APPROVE)
    harness.clock.advance(timedelta(minutes=1))
    await harness.ask(a_form(cluster_identity=identity("b")), by=KIM)

    rollout = await becomes(harness, "SUCCEEDED", "a")

    taken = rollout.clusters[1]
    assert (taken.progress, taken.why, taken.detail) == (Progress.SKIPPED, Why.TAKEN_OVER, f"<@{KIM}>")
    assert rollout.state is RolloutState.DONE


async def test_a_cluster_that_may_not_run_yet_says_when_it_may() -> None:
    nights = AllowedRange(weekdays=(5,), start=time(2), end=time(6), text="sat 02:00-06:00")
    rule = a_rule(allowed=(nights,))
    harness = await a_fleet(a_policy(rule))
    await plan(harness, "a", ignore_windows=True)
    await press(harness, RolloutPress.APPROVE)

    waits = now_of(harness).clusters[0]

    assert (waits.why, waits.until) == (Why.NOT_ALLOWED, NOON + timedelta(days=4, hours=14))
