import asyncio
from dataclasses import replace
from datetime import date

import pytest

from bot.domain.calendar import Freeze
from bot.domain.errors import Refused
from bot.domain.events import RequestApproved, RequestExpired, RequestRejected, RequestWithdrawn, VoteCast, VotesVoided
from bot.domain.people import MemberId
from bot.domain.request import Seal, State, UpgradeRequest, Vote
from bot.workflow.entries import Kind, MessageRef, Press, RejectionGiven
from bot.workflow.errors import MembersUnavailable
from tests.builders import (
    CHANNEL,
    GUS,
    KIM,
    NEW,
    NOON,
    OLD,
    ROOS,
    SEM,
    a_cluster,
    a_policy,
    a_press,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.workflow.house import ANNE, TEAM, a_house

OLD_PATCH = "v1.30.8-u-ame.1"
TWO = a_policy(a_rule(required_approvals=2))
ORPHAN = MessageRef(channel=CHANNEL, ts="2.0")
CARD = MessageRef(channel=CHANNEL, ts="1.0")


def decision(request: UpgradeRequest) -> tuple[State, set[MemberId]]:
    """Return what a press can change."""
    return request.state, set(request.voters)


async def test_the_last_approval_needed_has_it_submitted() -> None:
    """The state, the vote, the audit event and the errand to submit are stored together."""
    house = await a_house()
    request = await house.ask()

    answer = await house.press(request)

    assert answer == "*production/web*: Your approval counts: 1 of 1. The upgrade is approved and is being submitted."
    assert decision(house.now_of(request)) == (State.APPROVED, {SEM})
    assert [(cast.by, cast.count, cast.required) for cast in house.told(VoteCast)] == [(SEM, 1, 1)]
    assert len(house.told(RequestApproved)) == 1
    assert len(house.errands(Kind.SUBMIT)) == 1
    assert house.facts(request) == ["upgrade requested", "vote cast"]


async def test_an_approval_before_the_last_is_counted_and_waits() -> None:
    """Two approvals are asked for, so one leaves the request pending."""
    house = await a_house(policy=TWO)
    request = await house.ask()

    answer = await house.press(request)

    assert answer.endswith("Your approval counts: 1 of 2.")
    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, {SEM})
    assert house.errands(Kind.SUBMIT) == []


async def test_a_second_press_of_the_same_person_counts_once() -> None:
    """Two distinct humans are asked for."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)

    answer = await house.press(request)

    assert answer.endswith("Your approval is already counted: 1 of 2.")
    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, {SEM})


async def test_one_rejection_ends_it() -> None:
    """Whatever approvals there are; the requester is told who said no and why."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)

    answer = await house.reject(request, by=KIM)

    rejected = house.now_of(request)
    assert (rejected.state, rejected.decided_by, rejected.outcome) == (State.REJECTED, KIM, "Not this week")
    assert answer.endswith("You rejected this request.")
    assert house.told(RequestRejected, Kind.DIRECT)[0].reason == "Not this week"


async def test_the_requester_withdraws() -> None:
    """Second thoughts are told in the thread and recorded."""
    house = await a_house()
    request = await house.approved()

    await house.press(request, Press.WITHDRAW, by=ROOS)

    assert house.now_of(request).state is State.WITHDRAWN
    assert len(house.told(RequestWithdrawn)) == 1
    assert house.facts(request)[-1] == "request withdrawn"


async def test_the_requester_may_not_approve_their_own_request() -> None:
    """Also when they are an approver; those who could are named."""
    house = await a_house(policy=a_policy(a_rule(approvers=(ROOS, SEM))))
    request = await house.ask()

    answer = await house.press(request, by=ROOS)

    assert answer.endswith(
        f"You asked for this upgrade, so somebody else has to decide. These people can decide now: <@{SEM}>."
    )
    assert house.now_of(request).state is State.PENDING_APPROVAL


async def test_the_policy_may_let_requesters_approve_their_own() -> None:
    """`self_approval` counts the requester's vote like any other."""
    house = await a_house(policy=a_policy(a_rule(approvers=(ROOS,), self_approval=True)))
    request = await house.ask()

    await house.press(request, by=ROOS)

    assert house.now_of(request).state is State.APPROVED


async def test_a_refusal_names_only_those_who_can_still_decide() -> None:
    """Neither who has voted already nor who left Slack."""
    house = await a_house(policy=a_policy(a_rule(required_approvals=2, approvers=(SEM, KIM, GUS, MemberId("U0GONE")))))
    request = await house.ask()
    await house.press(request)

    answer = await house.press(request, by=ANNE)

    assert answer.endswith(f"These people can decide now: <@{KIM}>.")


async def test_a_press_on_a_card_that_showed_something_else_counts_for_nothing() -> None:
    """The seal of the button is not the request's any more."""
    house = await a_house()
    request = await house.ask()

    approved = await house.press(request, seal=Seal("another"))
    rejected = await house.reject(request, seal=Seal("another"))

    assert "your press did not count" in approved
    assert "your press did not count" in rejected
    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, set())


async def test_drift_voids_the_votes_and_refuses_the_press_on_the_stale_card() -> None:
    """The cluster was upgraded meanwhile: the card says so, the voters are told, the vote starts again."""
    house = await a_house(policy=a_policy(a_rule(required_approvals=2, notify=("S0TEAM",))))
    request = await house.ask()
    await house.press(request)
    seen = house.now_of(request).seal
    await house.recatalog(a_cluster(version=OLD_PATCH))

    answer = await house.press(request, by=KIM, seal=seen)

    now = house.now_of(request)
    assert "your press did not count" in answer
    assert (now.state, now.votes, now.from_version, now.round) == (State.PENDING_APPROVAL, (), OLD_PATCH, 2)
    assert now.changes == (f"production/web runs {OLD_PATCH} now; it ran {OLD} when this was asked.",)
    assert [(event.voters, event.mention) for event in house.told(VotesVoided)] == [((SEM,), ("S0TEAM", SEM))]
    assert house.facts(request) == ["upgrade requested", "vote cast", "votes voided", "press refused"]


async def test_after_drift_the_new_card_can_be_approved() -> None:
    """Nothing of the old vote is left in the way."""
    house = await a_house()
    request = await house.ask()
    await house.recatalog(a_cluster(version=OLD_PATCH))
    await house.press(request)

    await house.press(request)

    assert decision(house.now_of(request)) == (State.APPROVED, {SEM})
    assert house.now_of(request).from_version == OLD_PATCH


async def test_drift_to_a_version_that_cannot_go_on_is_refused_as_such() -> None:
    """The cluster runs the target already: nothing is left to vote on, and the press says so."""
    house = await a_house()
    request = await house.ask()
    await house.recatalog(a_cluster(version=NEW))

    answer = await house.press(request)

    assert answer.endswith(f"production/web already runs {NEW}.")
    assert house.now_of(request).round == 1


async def test_a_version_taken_off_the_offer_cannot_be_approved() -> None:
    """Judged at the decision, as at the request."""
    house = await a_house()
    request = await house.ask()
    await house.recatalog(versions=(OLD,))

    answer = await house.press(request)

    assert answer.endswith(f"{NEW} is no longer on offer for production/web ({OLD}).")
    assert house.now_of(request).votes == ()


async def test_a_cluster_that_is_gone_cannot_be_approved() -> None:
    """It is no longer in the catalog."""
    house = await a_house()
    request = await house.ask()
    await house.recatalog(a_cluster(identity="another"))

    assert (await house.press(request)).endswith("production/web is no longer in the catalog of Avisi Cloud.")


async def test_a_freeze_that_began_meanwhile_refuses_the_approval() -> None:
    """A policy with a freeze over the estimated window came into force after the request."""
    house = await a_house()
    request = await house.ask()
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    house = await house.restarted(policy=a_policy(a_rule(freeze=(freeze,))))

    answer = await house.press(request)

    assert answer.endswith("production is frozen Dec 1 to Dec 10. Choose another time.")
    assert house.now_of(request).votes == ()


async def test_an_approval_of_somebody_who_left_the_group_is_dropped() -> None:
    """The quorum is counted over those who may approve when the last vote is cast."""
    house = await a_house(policy=a_policy(a_rule(approvers=(TEAM, ANNE), required_approvals=2)))
    request = await house.ask()
    await house.press(request)
    house.members.groups[TEAM] = frozenset({KIM})

    answer = await house.press(request, by=KIM)

    assert answer.endswith("Your approval counts: 1 of 2.")
    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, {KIM})


async def test_an_approval_of_somebody_deactivated_since_is_dropped() -> None:
    """Only full members count, when it is counted."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)
    del house.members.members[SEM]

    await house.press(request, by=KIM)

    assert house.now_of(request).voters == {KIM}


async def test_a_group_that_nobody_knows_holds_nobody() -> None:
    """A missing approver is a warning elsewhere; here it simply may not approve."""
    house = await a_house(an_upgrade_request(), policy=a_policy(a_rule(approvers=("S0GONE",))))
    (request,) = house.storage.requests.values()

    answer = await house.press(request)

    assert answer.endswith("Only approvers of production may do this. Nobody else can decide now.")


async def test_nothing_is_decided_while_slack_cannot_be_asked() -> None:
    """It fails closed: the entry stays, and no word of it is told."""
    request = an_upgrade_request()
    house = await a_house(request)
    house.members.down = True

    with pytest.raises(MembersUnavailable):
        await house.press(request)

    assert house.now_of(request).votes == ()
    assert house.storage.told == []
    assert len(house.storage.entries) == 1


@pytest.mark.parametrize("press", [Press.APPROVE, Press.REJECT, Press.TRY_AGAIN])
async def test_a_late_press_expires_the_request_and_is_explained(press: Press) -> None:
    """Nobody had noted yet that the deadline has passed: the press does, and changes nothing else."""
    state = State.SUBMISSION_FAILED if press is Press.TRY_AGAIN else State.PENDING_APPROVAL
    request = an_upgrade_request(state=state, deadline=NOON)
    house = await a_house(request)

    answer = await (house.reject(request) if press is Press.REJECT else house.press(request, press))

    assert "This request expired at 2026-11-30 12:00 UTC, so your press came too late" in answer
    assert house.now_of(request).state is State.EXPIRED
    assert len(house.told(RequestExpired)) == len(house.told(RequestExpired, Kind.DIRECT)) == 1
    assert house.facts(request) == ["request expired", "press refused"]


async def test_two_approvers_at_the_same_moment_are_both_counted() -> None:
    """The second finds the request changed, reads it again, and adds its vote."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    presses = [a_press(house.now_of(request), member=who) for who in (SEM, KIM)]
    decided = [(await house.enter(one), one, await house.lease()) for one in presses]

    await asyncio.gather(*(house.decide(*one) for one in decided))

    assert decision(house.now_of(request)) == (State.APPROVED, {SEM, KIM})
    assert sorted(cast.count for cast in house.told(VoteCast)) == [1, 2]
    assert len(house.errands(Kind.SUBMIT)) == 1


async def test_two_rejections_at_the_same_moment_make_one() -> None:
    """The slower of the two reads who was faster."""
    house = await a_house()
    request = await house.ask()
    given = [RejectionGiven(member=who, request_id=request.id, seal=request.seal, reason="No") for who in (SEM, KIM)]
    decided = [(await house.enter(one), one, await house.lease()) for one in given]

    await asyncio.gather(*(house.decide(*one) for one in decided))

    first = house.now_of(request).decided_by
    assert first in {SEM, KIM}
    assert len(house.told(RequestRejected)) == 1
    assert any(f"already rejected by <@{first}>" in answer for answer in house.answers)


async def test_an_approval_and_a_withdrawal_at_the_same_moment_leave_one() -> None:
    """Whoever is second finds out, and nothing withdrawn is submitted."""
    house = await a_house()
    request = await house.ask()
    presses = [a_press(request, member=ROOS, press=Press.WITHDRAW), a_press(request)]
    decided = [(await house.enter(one), one, await house.lease()) for one in presses]

    await asyncio.gather(*(house.decide(*one) for one in decided))

    assert house.now_of(request).state is State.WITHDRAWN
    assert house.errands(Kind.SUBMIT) == []


async def test_a_change_between_reading_and_deciding_is_decided_again() -> None:
    """What was read is stale at the commit, so the press is judged once more on what is there now."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    lease, number = await house.lease(), await house.enter(press := a_press(request, member=KIM))
    meanwhile = replace(request, votes=(Vote(member=SEM, at=NOON),))

    async def change() -> None:
        async with house.storage.begin() as work:
            await work.requests.save(meanwhile)
            await work.commit()

    await asyncio.gather(change(), house.decide(number, press, lease))

    assert decision(house.now_of(request)) == (State.APPROVED, {SEM, KIM})


async def test_a_higher_quorum_keeps_the_votes_and_asks_for_more() -> None:
    """The policy was changed while one of one approvals was still out; the standing vote stays."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)
    house = await house.restarted(policy=a_policy(a_rule(required_approvals=3, approvers=(SEM, KIM, ANNE))))

    await house.look_round()
    answer = await house.press(request, by=KIM)

    assert answer.endswith("Your approval counts: 2 of 3.")
    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, {SEM, KIM})
    assert house.told(VotesVoided) == []


async def test_a_lower_quorum_lets_standing_votes_decide() -> None:
    """One of two approvals is there when the policy comes to ask for one."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)
    house = await house.restarted()
    house = await house.restarted(policy=a_policy())

    await house.look_round()

    assert decision(house.now_of(request)) == (State.APPROVED, {SEM})
    assert len(house.errands(Kind.SUBMIT)) == len(house.told(RequestApproved)) == 1
    assert house.facts(request)[-1] == "votes judged again"


async def test_a_lower_quorum_counts_only_votes_that_still_stand() -> None:
    """The one voter has left the group since."""
    house = await a_house(policy=a_policy(a_rule(approvers=(TEAM,), required_approvals=2)))
    request = await house.ask()
    await house.press(request)
    house.members.groups[TEAM] = frozenset({KIM})
    house = await house.restarted(policy=a_policy(a_rule(approvers=(TEAM,))))

    await house.look_round()

    assert decision(house.now_of(request)) == (State.PENDING_APPROVAL, set())
    assert house.now_of(request).required == 1


async def test_a_lower_quorum_lets_nothing_through_that_a_rule_forbids() -> None:
    """A freeze came with the same change of policy."""
    house = await a_house(policy=TWO)
    request = await house.ask()
    await house.press(request)
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    house = await house.restarted(policy=a_policy(a_rule(freeze=(freeze,))))

    await house.look_round()

    assert house.now_of(request).state is State.PENDING_APPROVAL


async def test_a_refused_press_is_recorded_with_its_rule() -> None:
    """Who pressed what, which rule refused, and what they were told."""
    house = await a_house()
    request = await house.ask()

    await house.press(request, by=ANNE)

    (event,) = [one for one in house.storage.audited if one["kind"] == "press refused"]
    assert (event["actor"], event["facts"]["press"], event["facts"]["rule"]) == (ANNE, "approve", "NotAnApprover")


async def test_a_press_on_a_request_nobody_knows_is_explained() -> None:
    """It may have been removed; nothing is guessed."""
    house = await a_house()

    answer = await house.do(a_press())

    assert answer == "This request is no longer known, so nothing was changed."


async def test_a_press_answers_where_slack_lets_it() -> None:
    """Through the response URL if there is one, and then without naming the cluster again."""
    house = await a_house()
    request = await house.ask()

    await house.do(replace(a_press(request), response_url="https://hooks.slack.com/actions/1"))

    (answer,) = house.errands(Kind.PRIVATE)
    assert (answer.response_url, answer.target) == ("https://hooks.slack.com/actions/1", SEM)
    assert house.answers == ["Your approval counts: 1 of 1. The upgrade is approved and is being submitted."]


async def test_a_press_on_an_orphan_counts_and_strikes_it_out() -> None:
    """A card posted twice: both work, and the one that is not the card is struck out."""
    house = await a_house()
    request = await house.ask()
    house.storage.rooms.cards[request.id] = CARD

    await house.press(request, message=ORPHAN)

    assert house.now_of(request).state is State.APPROVED
    assert [one.message for one in house.errands(Kind.STRIKE)] == [ORPHAN]
    assert house.storage.cards[request.id] == CARD


async def test_a_press_on_the_card_itself_strikes_nothing_out() -> None:
    """Neither allowed nor refused."""
    house = await a_house()
    request = await house.ask()
    house.storage.rooms.cards[request.id] = CARD

    await house.press(request, message=CARD)
    await house.press(request, message=CARD, by=KIM)

    assert house.errands(Kind.STRIKE) == []


async def test_a_refused_press_on_an_orphan_strikes_it_out_too() -> None:
    """An orphan is one whoever presses it."""
    house = await a_house()
    request = await house.ask()
    house.storage.rooms.cards[request.id] = CARD

    await house.press(request, message=ORPHAN, by=ANNE)

    assert len(house.errands(Kind.STRIKE)) == 1


async def test_a_press_tells_where_the_card_stands_when_nobody_knew() -> None:
    """The answer to posting it was lost, and the press brings it back."""
    house = await a_house()
    request = await house.ask()

    await house.press(request, message=ORPHAN)

    assert house.storage.cards[request.id] == ORPHAN
    assert house.errands(Kind.STRIKE) == []


async def test_another_attempt_is_refused_while_a_newer_request_is_open() -> None:
    """At most one request of a cluster is open; an unclear one is not, but would be."""
    older = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    house = await a_house(older)
    await house.ask()

    answer = await house.press(older, Press.SUBMIT_AGAIN)

    assert "A newer request for this cluster exists" in answer
    assert house.now_of(older).state is State.SUBMISSION_UNCLEAR


async def test_withdrawing_what_may_have_reached_the_cloud_says_so() -> None:
    """The bot cannot cancel anything there."""
    request = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    house = await a_house(request)

    answer = await house.press(request, Press.WITHDRAW, by=ROOS)

    assert "It may have reached Avisi Cloud before: please check there." in answer


REFUSES_TO_OPEN = {
    (Press.REJECT, ROOS, State.PENDING_APPROVAL): "Only approvers",
    (Press.REJECT, SEM, State.REJECTED): "already rejected",
    (Press.RESCHEDULE, GUS, State.SUBMITTED): "Guests cannot use this bot",
    (Press.RESCHEDULE, SEM, State.REJECTED): "already rejected",
    (Press.RESCHEDULE, SEM, State.SUBMITTING): "already submitting",
}


@pytest.mark.parametrize(("press", "who", "state"), REFUSES_TO_OPEN)
async def test_a_modal_opens_only_for_who_may_use_it(press: Press, who: MemberId, state: State) -> None:
    """The button explains instead of opening something that will be refused."""
    request = an_upgrade_request(state=state)
    house = await a_house(request)

    with pytest.raises(Refused, match=REFUSES_TO_OPEN[press, who, state]):
        await house.deciding.judge(a_press(request, press=press, member=who))


@pytest.mark.parametrize("press", [Press.REJECT, Press.RESCHEDULE])
async def test_a_modal_opens_for_who_may_use_it(press: Press) -> None:
    """Nothing is stored by looking."""
    request = an_upgrade_request()
    house = await a_house(request)

    await house.deciding.judge(a_press(request, press=press))

    assert house.storage.commits == 0


@pytest.mark.parametrize(
    ("status", "opens"),
    [("IN_PROGRESS", False), ("SUCCEEDED", False), ("SCHEDULED", True), ("FAILED", True), ("MISSED", True)],
)
async def test_only_what_is_neither_running_nor_done_can_be_rescheduled(status: str, *, opens: bool) -> None:
    """A running upgrade cannot be moved, and one that succeeded need not be."""
    upgrade = a_scheduled_upgrade(status=status)
    request = an_upgrade_request(state=State.SUBMITTED, upgrade=upgrade.identity)
    house = await a_house(request, upgrade)
    press = a_press(request, press=Press.RESCHEDULE)

    if opens:
        await house.deciding.judge(press)
    else:
        with pytest.raises(Refused, match=f"This upgrade is {status.lower().replace('_', ' ')}"):
            await house.deciding.judge(press)


async def test_a_button_that_only_opens_is_answered_when_it_came_too_late_to_open() -> None:
    """Its trigger is gone, so the person is asked to press again; the entry does not stay."""
    request = an_upgrade_request()
    house = await a_house(request)

    answer = await house.press(request, Press.RESCHEDULE)

    assert answer.endswith("That took too long to check. Please press the button again.")
    assert house.storage.entries == []
