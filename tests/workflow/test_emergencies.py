"""Emergencies: submitted without approval, told to everybody who matters, and acknowledged by somebody else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.calendar import Freeze
from bot.domain.events import (
    AcknowledgementMissing,
    EmergencyAcknowledged,
    EmergencyRequested,
    RequestApproved,
    UpgradeRequested,
)
from bot.domain.request import State
from bot.workflow.inbox import FormSubmitted, Press
from bot.workflow.outbox import Kind
from tests.builders import ACME, KIM, NOON, ROOS, SEM, a_form, a_policy, a_press, a_rule
from tests.workflow.harness import ANNE, Harness, a_harness

SOON = NOON + timedelta(hours=2)
REASON = "The kubelet leaks memory"
RULE = a_rule(emergency=True, required_approvals=2, on_call=("S0ONCALL",))
FROZEN = a_rule(
    emergency=True,
    required_approvals=2,
    override=True,
    self_approval=True,
    freeze=(Freeze(first=NOON.date(), last=NOON.date(), reason="Sale"),),
)


def an_emergency(**changes: Any) -> Any:  # noqa: ANN401 - any field
    """Fill in the form for an emergency that begins in two hours."""
    return a_form(**({"start": SOON, "ignore_windows": True, "emergency": True, "reason": REASON} | changes))


async def asked(harness: Harness, form: Any, *, by: Any = SEM) -> str:  # noqa: ANN401 - any form, anybody
    """Submit the form and return the private answer to it."""
    return await harness.do(FormSubmitted(member=by, organisation=ACME, form=form))


async def test_an_emergency_is_submitted_at_once_and_told_to_the_others_and_on_call() -> None:
    """No approval is waited for; the channel mentions who can acknowledge it, and the thread mentions nobody again."""
    harness = await a_harness(policy=a_policy(RULE))

    request = await harness.ask(an_emergency(), by=SEM)

    now = harness.now_of(request)
    assert (now.state, now.required, now.emergency, now.acknowledged_by) == (State.APPROVED, 0, True, None)
    assert now.deadline == NOON + timedelta(hours=1)
    assert len(harness.outbox(Kind.SUBMIT)) == 1
    (told,) = harness.told(EmergencyRequested, Kind.CHANNEL)
    assert (told.mention, told.reason, told.approvals) == ((KIM, "S0ONCALL"), REASON, 0)
    assert [event.mention for event in harness.told(UpgradeRequested)] == [()]
    assert harness.facts(request) == ["upgrade requested", "request approved"]
    assert harness.storage.audited[0]["facts"]["emergency"] is True


@pytest.mark.parametrize(
    ("rule", "by", "form", "says"),
    [
        (a_rule(), SEM, an_emergency(), "production does not allow emergencies."),
        (RULE, ROOS, an_emergency(), "Only approvers of production may request an emergency"),
        (a_rule(emergency=True, approvers=(SEM,)), SEM, an_emergency(), "and there is none"),
        (RULE, SEM, an_emergency(start=NOON + timedelta(hours=24, minutes=1)), "has to begin within 1 day"),
        (RULE, SEM, an_emergency(reason="  too short "), "Say in at least 10 characters why"),
        (RULE, SEM, an_emergency(start=None, ignore_windows=False), "has to begin within 1 day"),
    ],
)
async def test_what_is_no_emergency_is_refused(rule: Any, by: Any, form: Any, says: str) -> None:  # noqa: ANN401
    """By its rule, its person, its moment and its reason; nothing is stored."""
    harness = await a_harness(policy=a_policy(rule))

    answer = await asked(harness, form, by=by)

    assert says in answer
    assert harness.storage.requests == {}


async def test_over_a_freeze_somebody_else_has_to_approve_even_where_requesters_may() -> None:
    """The extra approval is not waived, and self_approval does not give it."""
    harness = await a_harness(policy=a_policy(FROZEN))
    request = await harness.ask(an_emergency(override=True), by=SEM)

    own = await harness.press(request, by=SEM)
    waits = harness.now_of(request)
    await harness.press(request, by=KIM)

    assert (waits.state, waits.required) == (State.PENDING_APPROVAL, 1)
    assert "somebody else has to decide" in own
    assert harness.now_of(request).state is State.APPROVED
    assert [event.approvals for event in harness.told(EmergencyRequested, Kind.CHANNEL)] == [1]


async def test_another_approver_acknowledges_it_in_any_state_and_once() -> None:
    """Neither the requester nor a bystander does; the second approver reads who did."""
    harness = await a_harness(policy=a_policy(RULE))
    request = await harness.ask(an_emergency(), by=SEM)
    await harness.submit(request)

    refused = [await harness.press(request, Press.ACKNOWLEDGE, by=who) for who in (SEM, ANNE)]
    answer = await harness.press(request, Press.ACKNOWLEDGE, by=KIM)
    late = await harness.press(request, Press.ACKNOWLEDGE, by=KIM)

    now = harness.now_of(request)
    assert (now.state, now.acknowledged_by, now.acknowledged_at) == (State.SUBMITTED, KIM, NOON)
    assert all(said.endswith(f"These people can acknowledge it: <@{KIM}>.") for said in refused)
    assert answer.endswith("You acknowledged this emergency.")
    assert late.endswith(f"There is nothing left to acknowledge: <@{KIM}> has acknowledged it.")
    assert [event.by for event in harness.told(EmergencyAcknowledged)] == [KIM]
    assert "emergency acknowledged" in harness.facts(request)


async def test_two_who_acknowledge_at_the_same_moment_are_one() -> None:
    """The slower reads who was faster."""
    rule = a_rule(emergency=True, approvers=(SEM, KIM, ANNE))
    harness = await a_harness(policy=a_policy(rule))
    request = harness.now_of(await harness.ask(an_emergency(), by=SEM))
    presses = [a_press(request, member=who, press=Press.ACKNOWLEDGE) for who in (KIM, ANNE)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in presses]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    assert len(harness.told(EmergencyAcknowledged)) == 1
    assert any("has acknowledged it" in answer for answer in harness.answers)


async def test_who_has_not_acknowledged_is_reminded_like_an_approver() -> None:
    """After the rule's time, then after twice that; never after somebody did."""
    harness = await a_harness(policy=a_policy(RULE))
    request = await harness.ask(an_emergency(), by=SEM)
    await harness.submit(request)

    for hours in (3, 1, 1, 7):
        harness.clock.advance(timedelta(hours=hours))
        await harness.look_round()
    reminded = harness.told(AcknowledgementMissing)
    await harness.press(request, Press.ACKNOWLEDGE, by=KIM)
    harness.clock.advance(timedelta(days=3))
    await harness.look_round()

    assert [event.mention for event in reminded] == [(KIM,), (KIM,)]
    assert harness.told(AcknowledgementMissing) == reminded


async def test_an_emergency_that_is_not_submitted_within_an_hour_expires() -> None:
    """The cloud was away; by then people can decide again."""
    harness = await a_harness(policy=a_policy(RULE))
    request = await harness.ask(an_emergency(), by=SEM)

    harness.clock.advance(timedelta(hours=1))
    await harness.look_round()

    assert harness.now_of(request).state is State.EXPIRED
    assert harness.cloud.submissions == []


@pytest.mark.parametrize(
    ("rule", "state", "says"),
    [
        (a_rule(required_approvals=2), State.PENDING_APPROVAL, "2 approvals are now required."),
        (a_rule(emergency=True, approvers=(KIM, ANNE)), State.SUBMISSION_FAILED, "Only approvers of production"),
    ],
)
async def test_an_emergency_is_judged_again_right_before_submission(rule: Any, state: State, says: str) -> None:  # noqa: ANN401
    """A policy that no longer knows emergencies, or its requester, sends nothing without approval."""
    harness = await a_harness(policy=a_policy(RULE))
    request = await harness.ask(an_emergency(), by=SEM)
    harness = await harness.restarted(policy=a_policy(rule))

    await harness.submit(request)

    now = harness.now_of(request)
    assert now.state is state
    assert says in " ".join((now.outcome, *now.changes))
    assert harness.cloud.submissions == []
    assert harness.told(RequestApproved) == []
