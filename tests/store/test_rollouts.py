from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cluster import ClusterIdentity
from bot.domain.request import RequestId, State
from bot.domain.rollout import NextWave, Plan, PlannedCluster, Rollout, RolloutId, Why
from bot.workflow.errors import Missing, Stale, Taken
from tests.builders import ACME, DATA, NOON, ROOS, SEM, WEB, an_upgrade_request
from tests.store.conftest import Subject

TOMORROW = NOON + timedelta(days=1)


def a_rollout(number: int = 1, *clusters: ClusterIdentity, name: str = "Winter") -> Rollout:
    planned = tuple(PlannedCluster(identity=one, environment="staging", cluster=one[-2:]) for one in clusters or (WEB,))
    plan = Plan(
        organisation=ACME,
        name=name,
        version="v1.31.4-u-ame.2",
        waves=(planned,),
        soak=timedelta(hours=4),
        next_wave=NextWave.OPENS,
        not_before=TOMORROW,
        reason='"quotes" & <@U0SEM>',
    )
    return Rollout.of(
        plan,
        id=RolloutId(f"r{number}"),
        requester=ROOS,
        channel="C0ROLLOUTS",
        time_to_vote=timedelta(hours=48),
        at=NOON + timedelta(minutes=number),
    )


async def added(subject: Subject, *rollouts: Rollout) -> tuple[Rollout, ...]:
    async with subject.begin() as work:
        stored = tuple([await work.rollouts.add(rollout) for rollout in rollouts])
        await work.commit()
    return stored


async def saved(subject: Subject, rollout: Rollout) -> Rollout:
    async with subject.begin() as work:
        stored = await work.rollouts.save(rollout)
        await work.commit()
    return stored


async def test_a_rollout_comes_back_as_it_was_stored(subject: Subject) -> None:
    """Its plan, votes, clusters and times survive, and its seal is the same."""
    rollout = a_rollout(1, WEB, DATA).cast(by=SEM, environments=["staging"], at=NOON).open(at=NOON)
    rollout = rollout.hand_over(WEB, request=RequestId("q1"), at=NOON)
    rollout = rollout.wait(DATA, Why.FROZEN, until=TOMORROW, at=NOON)

    (stored,) = await added(subject, rollout)

    assert stored == replace(rollout, revision=1)
    async with subject.read() as work:
        read = await work.rollouts.get(rollout.id)
    assert read == stored
    assert read.seal == rollout.seal
    assert read.plan.digest == rollout.plan.digest


async def test_an_unknown_rollout_is_missing(subject: Subject) -> None:
    async with subject.begin() as work:
        with pytest.raises(Missing):
            await work.rollouts.get(RolloutId("none"))
        with pytest.raises(Missing):
            await work.rollouts.hold(RolloutId("none"))


async def test_of_two_who_change_it_one_wins(subject: Subject) -> None:
    (stored,) = await added(subject, a_rollout())

    await saved(subject, stored.stop(by=SEM, at=NOON))

    with pytest.raises(Stale):
        await saved(subject, stored.cast(by=SEM, environments=["staging"], at=NOON))


async def test_a_cluster_is_in_one_unfinished_rollout_only(subject: Subject) -> None:
    """Once the first has ended, its clusters and its name are free again."""
    first, _ = await added(subject, a_rollout(1, WEB), a_rollout(2, DATA, name="Spring"))

    async with subject.begin() as work:
        with pytest.raises(Taken):
            await work.rollouts.add(a_rollout(3, WEB, name="Summer"))
        with pytest.raises(Taken):
            await work.rollouts.add(a_rollout(3, ClusterIdentity("other"), name=" wINTER "))
        assert await work.rollouts.taken() == {WEB: "r1", DATA: "r2"}
        assert (await work.rollouts.of_cluster(WEB)) == first

    await saved(subject, first.stop(by=SEM, at=NOON))
    await added(subject, a_rollout(3, WEB))
    async with subject.read() as work:
        assert await work.rollouts.taken() == {WEB: "r3", DATA: "r2"}
        assert await work.rollouts.of_cluster(ClusterIdentity("other")) is None


async def test_it_is_followed_until_nothing_more_becomes_of_it(subject: Subject) -> None:
    """Also after its end, while the cloud still has an upgrade of it."""
    one, _ = await added(subject, a_rollout(1, WEB), a_rollout(2, DATA, name="Spring"))
    opened = one.cast(by=SEM, environments=["staging"], at=NOON).open(at=NOON)
    stopped = opened.hand_over(WEB, request=RequestId("q1"), at=NOON).stop(by=SEM, at=NOON)

    stored = await saved(subject, stopped)

    async with subject.read() as work:
        assert await work.rollouts.followed() == ("r1", "r2")
        assert [one.id for one in await work.rollouts.unfinished()] == ["r2"]
        assert [one.id for one in await work.rollouts.newest(limit=5)] == ["r2", "r1"]
    await saved(subject, stored.succeed(WEB, at=NOON))
    async with subject.read() as work:
        assert await work.rollouts.followed() == ("r2",)


async def test_requests_of_a_rollout_are_not_counted_for_their_requester(subject: Subject) -> None:
    """They are in no list of a person's own requests, and do not use up how many somebody may have."""
    async with subject.begin() as work:
        request = an_upgrade_request(rollout="r1", state=State.APPROVED)
        await work.requests.add(request)
        await work.requests.add(an_upgrade_request(cluster_identity=DATA))
        assert await work.requests.count_open(ROOS) == 1
        assert [one.rollout for one in await work.requests.by(ROOS, limit=5)] == [None]
        assert (await work.requests.get(request.id)).rollout == "r1"
