import asyncio
from dataclasses import replace

import pytest

from bot.domain.events import RequestRejected, VoteCast
from bot.domain.people import MemberId
from bot.domain.request import State, UpgradeRequest, Vote
from bot.workflow.inbox import ApprovalCommented, Decided, Press, RejectionGiven
from bot.workflow.outbox import Kind
from tests.builders import (
    KIM,
    NOON,
    ROOS,
    SEM,
    a_policy,
    a_press,
    a_reading,
    a_rule,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, a_harness, decision

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


STATES = (
    State.PENDING_APPROVAL,
    State.APPROVED,
    State.SUBMISSION_FAILED,
    State.SUBMISSION_UNCLEAR,
    State.SUBMITTED,
    State.REJECTED,
)
EVERY = (
    "approve",
    "comment",
    "take_back",
    "reject",
    "withdraw",
    "try_again",
    "submit_again",
    "it_is_there",
    "acknowledge",
)


def entry_of(what: str, request: UpgradeRequest, *, by: MemberId) -> Decided:
    """Build what somebody sends; only the requester withdraws, and only Kim has an approval to take back."""
    if what == "comment":
        return ApprovalCommented(member=by, request_id=request.id, seal=request.seal, comment="Fine by me")
    if what == "reject":
        return RejectionGiven(member=by, request_id=request.id, seal=request.seal, reason="No")
    who = {"withdraw": ROOS, "take_back": KIM}.get(what, by)
    return a_press(request, member=who, press=Press(what))


async def outcome_of(state: State, presses: tuple[str, str], order: tuple[int, ...]) -> tuple[object, ...]:
    """Let two people press in an order, or at once when there is none, and return all that came of it."""
    request = an_upgrade_request(
        state=state,
        attempt=1,
        attempted_at=NOON,
        emergency=True,
        required=2,
        votes=(Vote(member=KIM, at=NOON),),
    )
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2, approvers=(SEM, KIM, ANNE))))
    harness.cloud.readings = [a_reading(to_version=request.to_version, created_at=NOON)]
    request = harness.now_of(request)
    entries = [entry_of(what, request, by=by) for what, by in zip(presses, (SEM, ANNE), strict=True)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in entries]
    if order:
        for number in order:
            await harness.decide(*decided[number])
    else:
        await asyncio.gather(*(harness.decide(*one) for one in decided))
    now = harness.now_of(request)
    return (
        *decision(now),
        now.acknowledged_by,
        tuple(sorted(harness.answers)),
        tuple(sorted(harness.facts(request))),
        tuple(sorted(type(one.event).__name__ for one in harness.outbox(Kind.THREAD))),
        len(harness.outbox(Kind.SUBMIT)),
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("first", EVERY)
@pytest.mark.parametrize("second", EVERY)
async def test_any_two_presses_at_the_same_moment_are_as_one_after_the_other(
    state: State, first: str, second: str
) -> None:
    """One decision, one audit trail, and both people are told what is true: as if one had pressed before the other."""
    together = await outcome_of(state, (first, second), ())

    assert together in [await outcome_of(state, (first, second), order) for order in ((0, 1), (1, 0))]
