"""The policy that a process started with last is in force; whoever has another judges nothing."""

from dataclasses import dataclass

import pytest

from bot.domain.policy import Policy
from bot.domain.request import State
from bot.workflow.errors import OlderPolicy
from bot.workflow.outbox import Kind
from bot.workflow.policy_in_force import PolicyInForce
from tests.builders import KIM, SEM, a_policy, a_press, a_rule, a_submitted_form, an_upgrade_request
from tests.workflow.harness import Harness, a_harness

LAX = a_policy()
STRICT = a_policy(a_rule(required_approvals=2))


@dataclass(frozen=True, slots=True)
class Replica:
    """A process with a policy of its own."""

    harness: Harness
    in_force: PolicyInForce


async def a_replica(beside: Harness, policy: Policy) -> Replica:
    """Start one: what it judges is stored only while its policy is in force."""
    harness = await beside.restarted(policy=policy)
    await harness.in_force.declare()
    return Replica(harness, harness.in_force)


async def test_a_newer_policy_is_a_newer_generation_and_the_same_one_is_not() -> None:
    """Started again, and going back to an earlier one is newer too."""
    harness = await a_harness()

    numbers = []
    for policy in (LAX, LAX, STRICT, STRICT, LAX):
        replica = await a_replica(harness, policy)
        assert replica.in_force.newest
        numbers.append(replica.in_force.newest.number)

    assert numbers == [1, 1, 2, 2, 3]


async def test_a_replica_with_an_older_policy_counts_no_vote() -> None:
    """It asks for one approval, the one in force for two: the press waits for who has that, and nothing is lost."""
    harness = await a_harness()
    lax = await a_replica(harness, LAX)
    request = await lax.harness.ask()
    strict = await a_replica(harness, STRICT)
    press = a_press(lax.harness.now_of(request))
    number = await lax.harness.enter(press)

    with pytest.raises(OlderPolicy, match="is older than the one in force, generation 2"):
        await lax.harness.decide(number, press, await lax.harness.lease())
    before = lax.harness.now_of(request)
    await strict.harness.decide(number, press, await strict.harness.lease())

    assert (before.state, before.votes) == (State.PENDING_APPROVAL, ())
    assert lax.in_force.superseded
    assert (strict.harness.now_of(request).state, set(strict.harness.now_of(request).voters)) == (
        State.PENDING_APPROVAL,
        {SEM},
    )


async def test_a_replica_with_an_older_policy_submits_nothing() -> None:
    """It was approved by one; the other replica asks for a second approval, and then submits."""
    harness = await a_harness()
    lax = await a_replica(harness, LAX)
    request = await lax.harness.approved()
    strict = await a_replica(harness, STRICT)

    with pytest.raises(OlderPolicy):
        await lax.harness.submit(request)
    untouched = lax.harness.now_of(request).state
    await strict.harness.submit(request)
    asked = strict.harness.now_of(request)
    await strict.harness.press(request, by=KIM)
    await strict.harness.submit(request)

    assert (untouched, asked.state) == (State.APPROVED, State.PENDING_APPROVAL)
    assert strict.harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1


async def test_a_replica_with_an_older_policy_fails_nothing_either() -> None:
    """What it would refuse, the policy in force may allow."""
    harness = await a_harness()
    narrow = await a_replica(harness, a_policy(a_rule(requesters=(KIM,))))
    wide = await a_replica(harness, LAX)
    request = await wide.harness.approved()

    with pytest.raises(OlderPolicy):
        await narrow.harness.submit(request)

    assert narrow.harness.now_of(request).state is State.APPROVED


async def test_a_replica_with_an_older_policy_takes_no_request_and_refuses_none() -> None:
    """The form waits as it came."""
    harness = await a_harness()
    lax = await a_replica(harness, LAX)
    await a_replica(harness, STRICT)
    form = a_submitted_form()
    number = await lax.harness.enter(form)

    with pytest.raises(OlderPolicy):
        await lax.harness.decide(number, form, await lax.harness.lease())

    assert (harness.storage.entries, harness.storage.requests) == ([form], {})


async def test_a_replica_with_an_older_policy_judges_no_waiting_request_again() -> None:
    """A quorum that is lower there lets nothing through."""
    harness = await a_harness()
    strict = await a_replica(harness, STRICT)
    request = await strict.harness.ask()
    await strict.harness.press(request)
    lax = await a_replica(harness, LAX)
    again = await a_replica(harness, STRICT)

    with pytest.raises(OlderPolicy):
        await lax.harness.look_round()

    assert again.harness.now_of(request).state is State.PENDING_APPROVAL


async def test_a_replica_goes_on_when_its_policy_is_in_force_again() -> None:
    """Another one started with it, after an earlier file had been put back for a while."""
    harness = await a_harness()
    strict = await a_replica(harness, STRICT)
    await a_replica(harness, LAX)
    await strict.in_force.read()
    meanwhile = strict.in_force.superseded
    await a_replica(harness, STRICT)
    await strict.in_force.read()

    await strict.harness.ask()

    assert (meanwhile, strict.in_force.superseded) == (True, False)


async def test_at_the_first_start_after_0_1_0_every_open_card_is_painted_again_and_only_then() -> None:
    """Its buttons carry the seal of that version."""
    waiting = an_upgrade_request()
    unclear = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, cluster_identity="another")
    ended = an_upgrade_request(state=State.REJECTED, cluster_identity="third")
    harness = await a_harness(waiting, unclear, ended)

    for policy in (LAX, LAX, STRICT):
        await a_replica(harness, policy)

    assert {one.request_id for one in harness.outbox(Kind.CARD)} == {waiting.id, unclear.id}
    assert len(harness.outbox(Kind.CARD)) == 2
