"""Comments, approvals that are taken back, rejections after the quorum, and people who vouch for the cloud."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.events import RequestApproved, UpgradeSubmitted, VoteCast, VoteTakenBack
from bot.domain.request import State, UpgradeRequest
from bot.domain.windows import Window
from bot.workflow.errors import AvisiError, NoList, Unreadable
from bot.workflow.inbox import ButtonPressed, Press, WindowStated
from bot.workflow.outbox import Kind
from bot.workflow.repositories import Feed, Source
from tests.builders import (
    ACME,
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
from tests.workflow.harness import ANNE, Harness, a_harness, decision

TWO = a_policy(a_rule(required_approvals=2))
WINDOW = Window(start=NOON + timedelta(days=2), end=NOON + timedelta(days=2, hours=3))


async def test_a_comment_stands_with_its_approval_in_thread_and_trail() -> None:
    """It is an approval like any other, with words."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()

    answer = await harness.comment(request, "Tried it in staging", by=SEM)

    now = harness.now_of(request)
    assert [(vote.member, vote.comment) for vote in now.votes] == [(SEM, "Tried it in staging")]
    assert [cast.comment for cast in harness.told(VoteCast)] == ["Tried it in staging"]
    assert harness.storage.audited[-1]["facts"]["comment"] == "Tried it in staging"
    assert answer.endswith("Approved (1 of 2). 1 more needed.")


async def test_an_approval_is_taken_back_by_its_giver_alone() -> None:
    """The tally falls, the thread says so, and the other approval stays."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)

    refused = await harness.press(request, Press.TAKE_BACK, by=KIM)
    answer = await harness.press(request, Press.TAKE_BACK, by=SEM)

    assert refused.endswith("You have not approved this request, so there is nothing to take back.")
    assert answer.endswith("You took back your approval: 0 of 2.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, set())
    assert [(event.by, event.count) for event in harness.told(VoteTakenBack)] == [(SEM, 0)]
    assert harness.facts(request) == ["upgrade requested", "vote cast", "press refused", "vote taken back"]


async def test_who_took_an_approval_back_may_give_it_again() -> None:
    """A second thought may be followed by a third."""
    harness = await a_harness()
    request = await harness.ask()
    harness = await harness.restarted(policy=TWO)
    await harness.press(request)
    await harness.press(request, Press.TAKE_BACK)

    await harness.press(request)

    assert harness.now_of(request).voters == {SEM}


@pytest.mark.parametrize("first", [Press.APPROVE, Press.TAKE_BACK])
async def test_taking_back_beside_the_last_vote_has_one_outcome_and_both_are_told_the_truth(first: Press) -> None:
    """Whichever was stored first wins: approved and too late to take back, or one vote short."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request, by=SEM)
    seal = harness.now_of(request).seal
    take_back = ButtonPressed(member=SEM, press=Press.TAKE_BACK, request_id=request.id, seal=seal)
    approve = a_press(harness.now_of(request), member=KIM)
    entries = [approve, take_back] if first is Press.APPROVE else [take_back, approve]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in entries]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    now = harness.now_of(request)
    if now.state is State.APPROVED:
        assert any("already approved, so nothing was changed" in answer for answer in harness.answers)
        assert len(harness.outbox(Kind.SUBMIT)) == 1
    else:
        assert decision(now) == (State.PENDING_APPROVAL, {KIM})
        assert any("You took back your approval" in answer for answer in harness.answers)
        assert any(answer.endswith("Approved (1 of 2). 1 more needed.") for answer in harness.answers)
        assert harness.outbox(Kind.SUBMIT) == []


async def test_what_is_approved_can_be_rejected_until_it_is_handed_over() -> None:
    """The submission finds it rejected and sends nothing."""
    harness = await a_harness()
    request = await harness.approved()

    answer = await harness.reject(request, by=KIM)
    await harness.submit(request)

    assert harness.now_of(request).state is State.REJECTED
    assert harness.cloud.submissions == []
    assert answer.endswith("You rejected this request.")


async def test_what_is_handed_over_can_no_longer_be_rejected() -> None:
    """And whoever tries reads where it is."""
    harness = await a_harness()
    request = await harness.submitted()

    answer = await harness.reject(request, by=KIM)

    assert harness.now_of(request).state is State.SUBMITTED
    assert "already submitted, so nothing was changed" in answer


async def an_unclear_one(*, source: Source | None = None) -> tuple[Harness, UpgradeRequest]:
    """Build a harness with a request of which nobody can tell whether the cloud has it."""
    request = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, attempt=1, attempted_at=NOON)
    harness = await a_harness(request, Feed(organisation=ACME, source=source))
    return harness, harness.now_of(request)


async def test_what_an_approver_says_is_there_is_adopted_from_the_list() -> None:
    """The request follows the cloud's record, and the trail and the thread say who vouched for it."""
    harness, request = await an_unclear_one(source=Source.ORGANISATION)
    harness.cloud.readings = [a_reading(identity="real", to_version=request.to_version, created_at=NOON)]

    answer = await harness.press(request, Press.IT_IS_THERE)

    now = harness.now_of(request)
    assert (now.state, now.upgrade, now.window_stated_by) == (State.SUBMITTED, "real", None)
    assert [event.by for event in harness.told(UpgradeSubmitted)] == [SEM]
    assert harness.facts(request)[0] == "record adopted"
    assert harness.storage.audited[0]["actor"] == SEM
    assert answer.endswith("Avisi Cloud's list shows it, so the bot follows it from now on.")


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (None, "Avisi Cloud's list does not show this upgrade."),
        (NoList("no list"), "Avisi Cloud offers no list to look in."),
        (Unreadable("Avisi Cloud answered what nobody can read."), "Avisi Cloud's list could not be read just now:"),
    ],
)
async def test_what_the_list_does_not_show_stays_unclear(trouble: AvisiError | None, says: str) -> None:
    """Nothing is claimed that was not read."""
    harness, request = await an_unclear_one(source=Source.ORGANISATION)
    harness.cloud.no_list = trouble

    answer = await harness.press(request, Press.IT_IS_THERE)

    assert says in answer
    assert harness.now_of(request).state is State.SUBMISSION_UNCLEAR


async def test_without_a_list_the_window_that_an_approver_states_counts() -> None:
    """Card and trail say who stated it."""
    harness, request = await an_unclear_one(source=Source.CLUSTERS)

    answer = await harness.do(WindowStated(member=SEM, request_id=request.id, seal=request.seal, window=WINDOW))

    now = harness.now_of(request)
    assert (now.state, now.window, now.window_stated_by) == (State.SUBMITTED, WINDOW, SEM)
    assert [upgrade.window for upgrade in harness.upgrades.values()] == [WINDOW]
    assert harness.facts(request) == ["window stated"]
    assert answer.endswith("The bot counts on the window that you stated.")


async def test_a_window_is_stated_by_approvers_alone() -> None:
    """The requester's word is not enough."""
    harness, request = await an_unclear_one(source=Source.CLUSTERS)
    stated = WindowStated(member=ROOS, request_id=request.id, seal=request.seal, window=WINDOW)

    answers = [await harness.do(stated), await harness.press(request, Press.IT_IS_THERE, by=ANNE)]

    assert all("Only approvers of production may do this." in answer for answer in answers)
    assert harness.now_of(request) == request


async def test_two_who_vouch_at_the_same_moment_make_one_record() -> None:
    """The second reads that it is submitted."""
    harness, request = await an_unclear_one(source=Source.ORGANISATION)
    harness.cloud.readings = [a_reading(identity="real", to_version=request.to_version, created_at=NOON)]
    presses = [a_press(request, member=who, press=Press.IT_IS_THERE) for who in (SEM, KIM)]
    decided = [(await harness.enter(one), one, await harness.lease()) for one in presses]

    await asyncio.gather(*(harness.decide(*one) for one in decided))

    assert len(harness.told(UpgradeSubmitted)) == 1
    assert any("already submitted, so nothing was changed" in answer for answer in harness.answers)
    assert harness.told(RequestApproved) == []
