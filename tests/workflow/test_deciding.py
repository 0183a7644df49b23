from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.calendar import Freeze
from bot.domain.events import RequestApproved, RequestExpired, RequestRejected, RequestWithdrawn, VoteCast
from bot.domain.people import MemberId
from bot.domain.request import State, Vote
from bot.workflow.errors import MembersUnavailable
from bot.workflow.inbox import Press
from bot.workflow.outbox import Kind
from tests.builders import (
    GUS,
    KIM,
    NEW,
    NOON,
    ROOS,
    SEM,
    a_form,
    a_policy,
    a_press,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, OTTO, a_harness, decision

TWO = a_policy(a_rule(required_approvals=2))


async def test_the_last_approval_needed_has_it_submitted() -> None:
    """The state, the vote, the audit event and the submission are stored together."""
    harness = await a_harness()
    request = await harness.ask()

    answer = await harness.press(request)

    assert answer == "*production/web*: Approved (1 of 1). Submitting now."
    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM})
    assert [(cast.by, cast.count, cast.required) for cast in harness.told(VoteCast)] == [(SEM, 1, 1)]
    assert harness.told(RequestApproved) == []
    assert len(harness.outbox(Kind.SUBMIT)) == 1
    assert harness.facts(request) == ["upgrade requested", "vote cast"]


async def test_an_approval_before_the_last_is_counted_and_waits() -> None:
    """Two approvals are asked for, so one leaves the request pending."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()

    answer = await harness.press(request)

    assert answer.endswith("Approved (1 of 2). 1 more needed.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM})
    assert harness.outbox(Kind.SUBMIT) == []


async def test_an_override_is_approved_by_one_person_more() -> None:
    """The first approval would have been enough without the freeze; with it, it waits for the second."""
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    harness = await a_harness(policy=a_policy(a_rule(freeze=(freeze,), override=True)))
    request = await harness.ask(a_form(override=True, reason="A leak"))

    first = await harness.press(request)
    waiting = decision(harness.now_of(request))
    second = await harness.press(request, by=KIM)

    assert first.endswith("Approved (1 of 2). 1 more needed.")
    assert waiting == (State.PENDING_APPROVAL, {SEM})
    assert "Approved (2 of 2)." in second
    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM, KIM})


async def test_a_second_press_of_the_same_person_counts_once() -> None:
    """Two distinct humans are asked for."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)

    answer = await harness.press(request)

    assert answer.endswith("Your approval is already counted: 1 of 2.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM})


async def test_one_rejection_ends_it() -> None:
    """Whatever approvals there are; the requester is told who said no and why."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)

    answer = await harness.reject(request, by=KIM)

    rejected = harness.now_of(request)
    assert (rejected.state, rejected.decided_by, rejected.outcome) == (State.REJECTED, KIM, "Not this week")
    assert answer.endswith("You rejected this request.")
    assert harness.told(RequestRejected, Kind.DIRECT)[0].reason == "Not this week"
    assert harness.storage.audited[-1]["facts"]["reason"] == "Not this week"


async def test_the_requester_withdraws() -> None:
    """Second thoughts are told in the thread and recorded."""
    harness = await a_harness()
    request = await harness.approved()

    await harness.press(request, Press.WITHDRAW, by=ROOS)

    assert harness.now_of(request).state is State.WITHDRAWN
    assert len(harness.told(RequestWithdrawn)) == 1
    assert harness.facts(request)[-1] == "request withdrawn"


async def test_the_requester_may_not_approve_their_own_request() -> None:
    """Also when they are an approver; those who could are named."""
    harness = await a_harness(policy=a_policy(a_rule(approvers=(ROOS, SEM))))
    request = await harness.ask()

    answer = await harness.press(request, by=ROOS)

    assert answer.endswith(
        f"You requested this upgrade, so somebody else has to decide. These people can decide now: <@{SEM}>."
    )
    assert harness.now_of(request).state is State.PENDING_APPROVAL


async def test_the_policy_may_let_requesters_approve_their_own() -> None:
    """`self_approval` counts the requester's vote like any other."""
    harness = await a_harness(policy=a_policy(a_rule(approvers=(ROOS,), self_approval=True)))
    request = await harness.ask()

    await harness.press(request, by=ROOS)

    assert harness.now_of(request).state is State.APPROVED


async def test_a_refusal_names_only_those_who_can_still_decide() -> None:
    """Neither who has voted already nor who left Slack."""
    harness = await a_harness(
        policy=a_policy(a_rule(required_approvals=2, approvers=(SEM, KIM, GUS, MemberId("U0GONE"))))
    )
    request = await harness.ask()
    await harness.press(request)

    answer = await harness.press(request, by=ANNE)

    assert answer.endswith(f"These people can decide now: <@{KIM}>.")


async def test_who_has_voted_may_still_submit_again() -> None:
    """A vote is used up by voting; pressing Submit again is not a second one."""
    voted = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, votes=(Vote(member=SEM, at=NOON),))
    harness = await a_harness(voted)

    answer = await harness.press(voted, Press.SUBMIT_AGAIN, by=ANNE)

    assert answer.endswith(f"These people can decide now: <@{KIM}>, <@{SEM}>.")


async def test_a_refusal_of_another_attempt_names_who_could_ask_for_it() -> None:
    """Also to a guest; whoever does not count is not named."""
    harness = await a_harness(
        an_upgrade_request(state=State.SUBMISSION_FAILED), policy=a_policy(a_rule(approvers=(SEM, KIM, GUS)))
    )
    (request,) = harness.storage.requests.values()
    could = (
        f"Only the requester, <@{ROOS}>, or an approver of production may do this. "
        f"These people can do it: <@{KIM}>, <@{SEM}>."
    )

    member = await harness.press(request, Press.TRY_AGAIN, by=ANNE)
    guest = await harness.press(request, Press.TRY_AGAIN, by=GUS)

    assert member == f"*production/web*: {could}"
    assert guest == f"*production/web*: Guests cannot use this bot. {could}"


async def test_of_many_a_refusal_names_the_first_and_counts_the_rest() -> None:
    """Looking each of them up would take long."""
    crowd = tuple(MemberId(f"U0P{number:02}") for number in range(12))
    harness = await a_harness(an_upgrade_request(), policy=a_policy(a_rule(approvers=crowd)))
    (request,) = harness.storage.requests.values()

    answer = await harness.press(request, by=ANNE)

    assert answer.endswith(f"can decide now: {', '.join(f'<@{one}>' for one in crowd[:10])} and 2 more.")


async def test_a_group_that_nobody_knows_holds_nobody() -> None:
    """A missing approver is a warning in the log; here it simply may not approve."""
    harness = await a_harness(an_upgrade_request(), policy=a_policy(a_rule(approvers=("S0GONE",))))
    (request,) = harness.storage.requests.values()

    answer = await harness.press(request)

    assert answer.endswith("Only approvers of production may do this. Nobody else can decide now.")


async def test_nothing_is_decided_while_slack_cannot_be_asked() -> None:
    """It fails closed: the entry stays, and no word of it is told."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    harness.members.down = True

    with pytest.raises(MembersUnavailable):
        await harness.press(request)

    assert harness.now_of(request).votes == ()
    assert harness.storage.told == []
    assert len(harness.storage.entries) == 1


@pytest.mark.parametrize("press", [Press.APPROVE, Press.REJECT, Press.WITHDRAW, Press.TRY_AGAIN])
async def test_a_late_press_expires_the_request_and_is_explained(press: Press) -> None:
    """Nobody had noted yet that the deadline has passed: the press does, and changes nothing else."""
    state = State.SUBMISSION_FAILED if press is Press.TRY_AGAIN else State.PENDING_APPROVAL
    request = an_upgrade_request(state=state, deadline=NOON)
    harness = await a_harness(request)

    by = ROOS if press is Press.WITHDRAW else SEM

    answer = await (harness.reject(request) if press is Press.REJECT else harness.press(request, press, by=by))

    assert "so your press came too late" in answer
    assert harness.now_of(request).state is State.EXPIRED
    assert len(harness.told(RequestExpired)) == len(harness.told(RequestExpired, Kind.DIRECT)) == 1
    assert harness.facts(request) == ["request expired", "press refused"]


async def test_a_refused_press_is_recorded_with_its_rule() -> None:
    """Who pressed what, which rule refused, and what they were told."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.press(request, by=ANNE)

    (event,) = [one for one in harness.storage.audited if one["kind"] == "press refused"]
    assert (event["actor"], event["facts"]["press"], event["facts"]["rule"]) == (ANNE, "approve", "NotAnApprover")


async def test_refusals_that_repeat_each_other_within_a_minute_are_one_event_with_a_count() -> None:
    """Everybody is answered every time; only the trail does not grow with every press of somebody who may not."""
    harness = await a_harness()
    request = await harness.ask()

    for second in range(30):
        harness.clock.now = NOON + timedelta(seconds=second)
        answer = await harness.press(request, by=OTTO)
        assert "can use it" in answer
    await harness.press(request, by=ANNE)
    harness.clock.now = NOON + timedelta(seconds=60)
    await harness.reminding.refusals(await harness.lease())
    await harness.reminding.refusals(await harness.lease())
    await harness.press(request, by=OTTO)

    refused = [one for one in harness.storage.audited if one["kind"] == "press refused"]
    assert [(one["actor"], one["facts"].get("count")) for one in refused] == [
        (OTTO, None),
        (ANNE, None),
        (OTTO, 29),
        (OTTO, None),
    ]
    assert refused[2]["facts"] == refused[0]["facts"] | {"count": 29, "since": "2026-11-30T12:00:00+00:00"}


async def test_a_vote_is_recorded_at_its_own_moment_with_the_policy_in_force() -> None:
    """Not at that of the request, which stays where it is; so the trail reads in the order in which things happened."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    harness.clock.now = NOON + timedelta(hours=1)

    await harness.press(request, by=ANNE)
    harness.clock.now = NOON + timedelta(hours=2)
    await harness.press(request)

    refused, cast = harness.storage.audited[-2:]
    assert (refused["kind"], refused["at"]) == ("press refused", "2026-11-30T13:00:00.000000+00:00")
    assert (cast["kind"], cast["at"]) == ("vote cast", "2026-11-30T14:00:00.000000+00:00")
    assert refused["facts"]["policy"] == cast["facts"]["policy"]
    assert refused["facts"]["policy"]["required_approvals"] == 2


async def test_a_press_on_a_request_nobody_knows_is_explained() -> None:
    """It may have been removed; nothing is guessed."""
    harness = await a_harness()

    answer = await harness.do(a_press())

    assert answer == "This request is no longer known, so nothing was changed."


async def test_a_press_answers_where_slack_lets_it() -> None:
    """Through the response URL if there is one, and then without naming the cluster again."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.do(replace(a_press(request), response_url="https://hooks.slack.com/actions/1"))

    (answer,) = harness.outbox(Kind.PRIVATE)
    assert (answer.response_url, answer.target) == ("https://hooks.slack.com/actions/1", SEM)
    assert harness.answers == ["Approved (1 of 1). Submitting now."]


async def test_another_attempt_is_refused_while_a_newer_request_is_open() -> None:
    """At most one request of a cluster is open; an unclear one is not, but would be."""
    older = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    harness = await a_harness(older)
    await harness.ask()

    answer = await harness.press(older, Press.SUBMIT_AGAIN)

    assert "There is a newer request for this cluster" in answer
    assert harness.now_of(older).state is State.SUBMISSION_UNCLEAR


async def test_what_may_have_reached_the_cloud_is_not_submitted_again_after_its_deadline() -> None:
    """Its start has passed; it is not said to be on its way, and can still be rescheduled or withdrawn."""
    request = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, deadline=NOON)
    harness = await a_harness(request)

    answer = await harness.press(request, Press.SUBMIT_AGAIN)

    assert "The deadline of this request passed on" in answer
    assert harness.now_of(request).state is State.SUBMISSION_UNCLEAR
    assert harness.facts(request) == ["press refused"]


async def test_withdrawing_what_may_have_reached_the_cloud_says_so() -> None:
    """The bot cannot cancel anything there."""
    request = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    harness = await a_harness(request)

    answer = await harness.press(request, Press.WITHDRAW, by=ROOS)

    assert "It may have reached Avisi Cloud before: please check there." in answer


async def test_approving_says_which_scheduled_upgrade_it_supersedes() -> None:
    """To who approves, in the thread and in the trail; one that runs already is not superseded."""
    other = a_scheduled_upgrade(to_version="v1.31.9-u-ame.9")
    answers, told = [], []
    for status in ("SCHEDULED", "IN_PROGRESS"):
        harness = await a_harness(replace(other, status=status))
        request = await harness.ask()
        answers.append(await harness.press(request))
        told.append(harness.told(VoteCast)[0].supersedes)
        assert ("supersedes" in harness.storage.audited[-1]["facts"]) is (status == "SCHEDULED")

    assert answers[0].endswith("It supersedes the upgrade to v1.31.9-u-ame.9 that is already scheduled.")
    assert answers[1].endswith("Submitting now.")
    assert told == ["v1.31.9-u-ame.9", ""]


async def test_a_vote_that_does_not_decide_says_what_the_request_supersedes_too() -> None:
    harness = await a_harness(a_scheduled_upgrade(), policy=a_policy(a_rule(required_approvals=2)))
    request = await harness.ask()

    answer = await harness.press(request)

    assert f"(1 of 2). 1 more needed. It supersedes the upgrade to {NEW} that is already scheduled." in answer
