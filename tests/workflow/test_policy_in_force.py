"""The policy that a process started with last is in force; whoever has another judges nothing."""

from dataclasses import dataclass

import pytest

from bot.domain.policy import Policy
from bot.domain.request import State
from bot.workflow.errors import OlderPolicy
from bot.workflow.outbox import Kind
from bot.workflow.policy_in_force import PolicyInForce
from tests.builders import KIM, SEM, a_policy, a_press, a_rule, a_submitted_form, an_upgrade_request
from tests.workflow.harness import House, a_house

LAX = a_policy()
STRICT = a_policy(a_rule(required_approvals=2))


@dataclass(frozen=True, slots=True)
class Replica:
    """A process with a policy of its own."""

    house: House
    in_force: PolicyInForce


async def a_replica(beside: House, policy: Policy) -> Replica:
    """Start one: what it judges is stored only while its policy is in force."""
    storage = beside.storage
    in_force = PolicyInForce(policy, begin=storage.begin, read=storage.read, real_time=beside.clock)
    house = await beside.restarted(policy=policy, guard=in_force.guarding)
    await in_force.declare()
    return Replica(house, in_force)


async def test_a_newer_policy_is_a_newer_generation_and_the_same_one_is_not() -> None:
    """Started again, and going back to an earlier one is newer too."""
    house = await a_house()

    numbers = []
    for policy in (LAX, LAX, STRICT, STRICT, LAX):
        replica = await a_replica(house, policy)
        assert replica.in_force.newest
        numbers.append(replica.in_force.newest.number)

    assert numbers == [1, 1, 2, 2, 3]


async def test_a_replica_with_an_older_policy_counts_no_vote() -> None:
    """It asks for one approval, the one in force for two: the press waits for who has that, and nothing is lost."""
    house = await a_house()
    lax = await a_replica(house, LAX)
    request = await lax.house.ask()
    strict = await a_replica(house, STRICT)
    press = a_press(lax.house.now_of(request))
    number = await lax.house.enter(press)

    with pytest.raises(OlderPolicy, match="is older than the one in force, generation 2"):
        await lax.house.decide(number, press, await lax.house.lease())
    before = lax.house.now_of(request)
    await strict.house.decide(number, press, await strict.house.lease())

    assert (before.state, before.votes) == (State.PENDING_APPROVAL, ())
    assert lax.in_force.superseded
    assert (strict.house.now_of(request).state, set(strict.house.now_of(request).voters)) == (
        State.PENDING_APPROVAL,
        {SEM},
    )


async def test_a_replica_with_an_older_policy_submits_nothing() -> None:
    """It was approved by one; the other replica asks for a second approval, and then submits."""
    house = await a_house()
    lax = await a_replica(house, LAX)
    request = await lax.house.approved()
    strict = await a_replica(house, STRICT)

    with pytest.raises(OlderPolicy):
        await lax.house.submit(request)
    untouched = lax.house.now_of(request).state
    await strict.house.submit(request)
    asked = strict.house.now_of(request)
    await strict.house.press(request, by=KIM)
    await strict.house.submit(request)

    assert (untouched, asked.state) == (State.APPROVED, State.PENDING_APPROVAL)
    assert strict.house.now_of(request).state is State.SUBMITTED
    assert len(house.cloud.submissions) == 1


async def test_a_replica_with_an_older_policy_fails_nothing_either() -> None:
    """What it would refuse, the policy in force may allow."""
    house = await a_house()
    narrow = await a_replica(house, a_policy(a_rule(requesters=(KIM,))))
    wide = await a_replica(house, LAX)
    request = await wide.house.approved()

    with pytest.raises(OlderPolicy):
        await narrow.house.submit(request)

    assert narrow.house.now_of(request).state is State.APPROVED


async def test_a_replica_with_an_older_policy_takes_no_request_and_refuses_none() -> None:
    """The form waits as it came."""
    house = await a_house()
    lax = await a_replica(house, LAX)
    await a_replica(house, STRICT)
    form = a_submitted_form()
    number = await lax.house.enter(form)

    with pytest.raises(OlderPolicy):
        await lax.house.decide(number, form, await lax.house.lease())

    assert (house.storage.entries, house.storage.requests) == ([form], {})


async def test_a_replica_with_an_older_policy_judges_no_waiting_request_again() -> None:
    """A quorum that is lower there lets nothing through."""
    house = await a_house()
    strict = await a_replica(house, STRICT)
    request = await strict.house.ask()
    await strict.house.press(request)
    lax = await a_replica(house, LAX)
    again = await a_replica(house, STRICT)

    with pytest.raises(OlderPolicy):
        await lax.house.look_round()

    assert again.house.now_of(request).state is State.PENDING_APPROVAL


async def test_a_replica_goes_on_when_its_policy_is_in_force_again() -> None:
    """Another one started with it, after an earlier file had been put back for a while."""
    house = await a_house()
    strict = await a_replica(house, STRICT)
    await a_replica(house, LAX)
    await strict.in_force.read()
    meanwhile = strict.in_force.superseded
    await a_replica(house, STRICT)
    await strict.in_force.read()

    await strict.house.ask()

    assert (meanwhile, strict.in_force.superseded) == (True, False)


async def test_at_the_first_start_after_0_1_0_every_open_card_is_painted_again_and_only_then() -> None:
    """Its buttons carry the seal of that version."""
    waiting = an_upgrade_request()
    unclear = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, cluster_identity="another")
    ended = an_upgrade_request(state=State.REJECTED, cluster_identity="third")
    house = await a_house(waiting, unclear, ended)

    for policy in (LAX, LAX, STRICT):
        await a_replica(house, policy)

    assert {one.request_id for one in house.outbox(Kind.CARD)} == {waiting.id, unclear.id}
    assert len(house.outbox(Kind.CARD)) == 2
