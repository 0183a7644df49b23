import asyncio
from dataclasses import replace

from bot.domain.events import RequestRejected, VoteCast
from bot.domain.request import State, Vote
from bot.workflow.inbox import Press, RejectionGiven
from bot.workflow.outbox import Kind
from tests.builders import (
    KIM,
    NOON,
    ROOS,
    SEM,
    a_policy,
    a_press,
    a_rule,
)
from tests.workflow.harness import a_harness, decision

TWO = a_policy(a_rule(required_approvals=2))


async def test_two_approvers_at_the_same_moment_are_both_counted() -> None:
    """The second finds the request changed, reads it again, and adds its vote."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    presses = [a_press(harness.now_of(request), member=who) for who in (SEM, KIM)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in presses]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM, KIM})
    assert sorted(cast.count for cast in harness.told(VoteCast)) == [1, 2]
    assert len(harness.outbox(Kind.SUBMIT)) == 1


async def test_two_rejections_at_the_same_moment_make_one() -> None:
    """The slower of the two reads who was faster."""
    harness = await a_harness()
    request = await harness.ask()
    given = [RejectionGiven(member=who, request_id=request.id, seal=request.seal, reason="No") for who in (SEM, KIM)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in given]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    first = harness.now_of(request).decided_by
    assert first in {SEM, KIM}
    assert len(harness.told(RequestRejected)) == 1
    assert any(f"already rejected by <@{first}>" in answer for answer in harness.answers)


async def test_an_approval_and_a_withdrawal_at_the_same_moment_leave_one() -> None:
    """Whoever is second finds out, and nothing withdrawn is submitted."""
    harness = await a_harness()
    request = await harness.ask()
    presses = [a_press(request, member=ROOS, press=Press.WITHDRAW), a_press(request)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in presses]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    assert harness.now_of(request).state is State.WITHDRAWN
    assert harness.outbox(Kind.SUBMIT) == []


async def test_a_change_between_reading_and_deciding_is_decided_again() -> None:
    """What was read is stale at the commit, so the press is decided once more on what is stored now."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    lease, number = await harness.lease(), await harness.enter(press := a_press(request, member=KIM))
    meanwhile = replace(request, votes=(Vote(member=SEM, at=NOON),))

    async def change() -> None:
        async with harness.storage.begin() as work:
            await work.requests.save(meanwhile)
            await work.commit()

    await asyncio.gather(change(), harness.decide(number, press, lease))

    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM, KIM})
