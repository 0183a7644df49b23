import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.errors import AlreadyVoted, NotVoted, Outdated, WrongState
from bot.domain.findings import AlreadyApproved, CardChanged, NoApprovalToTakeBack, NothingToAcknowledge, RequestIs
from bot.domain.request import (
    NEXT,
    OPEN,
    PERISHABLE,
    REPLACEABLE,
    RequestId,
    Seal,
    State,
    UpgradeRequest,
    Vote,
    competing,
)
from bot.domain.scheduled import UpgradeIdentity
from tests.builders import DATA, KIM, NEW, NOON, ROOS, SEM, a_cluster, a_scheduled_upgrade, a_window, an_upgrade_request

LATER = NOON + timedelta(hours=1)
CONTRACT = """
PENDING_APPROVAL   -> APPROVED | REJECTED | WITHDRAWN | EXPIRED | REPLACED
APPROVED           -> SUBMITTING | PENDING_APPROVAL | SUBMISSION_FAILED | REJECTED | WITHDRAWN | EXPIRED | REPLACED
SUBMITTING         -> SUBMITTED | SUBMISSION_FAILED | SUBMISSION_UNCLEAR | APPROVED
SUBMISSION_FAILED  -> APPROVED | REJECTED | WITHDRAWN | EXPIRED | REPLACED
SUBMISSION_UNCLEAR -> APPROVED | SUBMITTED | WITHDRAWN | REPLACED
SUBMITTED          -> REPLACED
"""
EVERY_MOVE = set(itertools.product(State, State))
ALLOWED = {(here, there) for here, nexts in NEXT.items() for there in nexts}
TERMINAL = (State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REPLACED)

Move = Callable[[UpgradeRequest], UpgradeRequest]
MOVES: dict[str, tuple[State, Move]] = {
    "approve": (State.APPROVED, lambda one: one.approve(at=LATER)),
    "reject": (State.REJECTED, lambda one: one.reject(by=SEM, reason="not today", at=LATER)),
    "withdraw": (State.WITHDRAWN, lambda one: one.withdraw(by=ROOS, at=LATER)),
    "expire": (State.EXPIRED, lambda one: one.expire(at=LATER)),
    "replaced": (State.REPLACED, lambda one: one.replaced(by=RequestId("newer"), at=LATER)),
    "ask_again": (State.PENDING_APPROVAL, lambda one: one.ask_again("Sem left.", at=LATER)),
    "submitting": (State.SUBMITTING, lambda one: one.submitting(at=LATER, start_left_out=False)),
    "submitted": (State.SUBMITTED, lambda one: one.submitted(upgrade=UpgradeIdentity("u"), window=None, at=LATER)),
    "fail": (State.SUBMISSION_FAILED, lambda one: one.fail("no such step", at=LATER)),
    "unclear": (State.SUBMISSION_UNCLEAR, lambda one: one.unclear("no answer", at=LATER)),
}


def test_the_table_is_the_contract_s() -> None:
    """Line by line; what is not on the left ends a request."""
    lines = [line.split("->") for line in CONTRACT.strip().splitlines()]
    promised = {State(here.strip()): frozenset(State(one.strip()) for one in nexts.split("|")) for here, nexts in lines}

    assert promised | dict.fromkeys(TERMINAL, frozenset()) == NEXT


@pytest.mark.parametrize(("here", "there"), sorted(EVERY_MOVE - ALLOWED))
def test_every_move_not_in_the_table_is_refused(here: State, there: State) -> None:
    """The table is the whole truth: what it leaves out cannot happen."""
    with pytest.raises(WrongState) as refused:
        an_upgrade_request(state=here)._to(there, at=LATER)
    assert refused.value.why == (RequestIs(state=here),)


@pytest.mark.parametrize(("here", "there"), sorted(ALLOWED))
def test_every_move_in_the_table_is_made_at_its_moment(here: State, there: State) -> None:
    """And nothing else changes."""
    before = an_upgrade_request(state=here)

    after = before._to(there, at=LATER)

    assert (after.state, after.state_since) == (there, LATER)
    assert after == replace(before, state=there, state_since=LATER)


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("here", list(State))
def test_a_verb_makes_its_one_move_or_is_refused(here: State, move: str) -> None:
    """No move leads anywhere else, from any state."""
    there, act = MOVES[move]
    request = an_upgrade_request(state=here)

    if there in NEXT[here]:
        assert act(request).state is there
    else:
        with pytest.raises(WrongState):
            act(request)


def test_every_move_of_the_table_has_a_verb() -> None:
    """A move that nobody can make is a mistake in the table."""
    assert {there for _, there in ALLOWED} == {there for there, _ in MOVES.values()}


def test_states_fall_into_their_groups() -> None:
    """Open ones hold the cluster; those that a new request ends at once can also expire, and can reach both ends."""
    assert {State.PENDING_APPROVAL, State.APPROVED, State.SUBMITTING, State.SUBMISSION_FAILED} == OPEN
    assert OPEN - {State.SUBMITTING} == REPLACEABLE == PERISHABLE
    for state in State:
        assert (State.EXPIRED in NEXT[state]) is (state in PERISHABLE)
    for state in REPLACEABLE:
        assert State.REPLACED in NEXT[state]


def test_a_state_is_said_in_small_letters() -> None:
    """As people read it."""
    assert State.SUBMISSION_UNCLEAR.words == "submission unclear"


def test_whoever_ended_a_request_is_named_to_who_comes_late() -> None:
    """A late press is explained."""
    rejected = an_upgrade_request().reject(by=SEM, reason="not today", at=LATER)

    with pytest.raises(WrongState) as checked:
        rejected.check_state(State.PENDING_APPROVAL)
    with pytest.raises(WrongState) as moved:
        rejected.withdraw(by=ROOS, at=LATER)
    assert checked.value.why == moved.value.why == (RequestIs(state=State.REJECTED, by=SEM),)
    rejected.check_state(State.APPROVED, State.REJECTED)


def test_votes_are_counted_once_for_each_approver() -> None:
    """A second press of the same person changes nothing, and is told the count."""
    request = an_upgrade_request(required=2).cast(by=SEM, at=LATER)

    with pytest.raises(AlreadyVoted) as refused:
        request.cast(by=SEM, at=LATER)
    assert refused.value.why == (AlreadyApproved(count=1, required=2),)
    assert request.votes == (Vote(member=SEM, at=LATER),)
    assert request.cast(by=KIM, at=LATER).voters == {SEM, KIM}


@pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING_APPROVAL}))
def test_nobody_votes_on_what_is_decided(state: State) -> None:
    """Also not those who have voted already."""
    request = an_upgrade_request(state=state, votes=(Vote(member=SEM, at=NOON),))

    for member in (SEM, KIM):
        with pytest.raises(WrongState):
            request.cast(by=member, at=LATER)


def test_a_vote_leaves_the_seal_as_it_is() -> None:
    """Two approvers who look at the same card vote on the same thing."""
    request = an_upgrade_request(required=2)

    assert request.cast(by=SEM, at=LATER).seal == request.seal


@pytest.mark.parametrize(
    "change",
    [
        {"id": RequestId("another")},
        {"cluster_identity": DATA},
        {"from_version": "v1.30.7-u-ame.0"},
        {"to_version": "v1.31.9-u-ame.9"},
        {"start": NOON + timedelta(days=1)},
        {"ignore_windows": True},
        {"override": True},
        {"round": 2},
        {"organisation": Organisation("umbrella")},
        {"environment": "staging"},
        {"cluster": "renamed"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_seal_changes_with_what_is_voted_on(change: dict[str, Any]) -> None:
    """A press on a card that showed something else does not count, and says so."""
    id_ = RequestId("one")
    request = an_upgrade_request(**({"id": id_} | change))
    shown = an_upgrade_request(id=id_)

    assert request.seal != shown.seal
    with pytest.raises(Outdated):
        request.check_seal(shown.seal)
    request.check_seal(request.seal)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "another"},
        {"required": 3},
        {"deadline": LATER},
        {"channel": "C0OTHER"},
        {"estimate": a_window()},
        {"reminders": 2},
        {"revision": 7},
        {"state": State.APPROVED},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_seal_stays_while_what_is_voted_on_stays(change: dict[str, Any]) -> None:
    """A change of policy re-judges votes, it does not void them."""
    id_ = RequestId("one")

    assert an_upgrade_request(**({"id": id_} | change)).seal == an_upgrade_request(id=id_).seal


def test_two_starts_that_differ_have_two_seals_and_are_told_from_none() -> None:
    """To the second."""
    starts = [None, LATER, LATER + timedelta(seconds=1)]

    assert len({an_upgrade_request(id=RequestId("one"), start=start).seal for start in starts}) == len(starts)


def test_a_seal_is_of_the_moment_and_not_of_the_zone_it_is_written_in() -> None:
    """A store that gives moments back in another zone voids no votes."""
    elsewhere = LATER.astimezone(timezone(timedelta(hours=5)))

    assert (
        an_upgrade_request(id=RequestId("one"), start=elsewhere).seal
        == an_upgrade_request(id=RequestId("one"), start=LATER).seal
    )


def test_a_button_painted_by_0_1_0_counts_until_a_vote_starts_again() -> None:
    """What it showed is still so; a cluster that moved or was renamed starts the vote again, and then it does not."""
    request = an_upgrade_request(id=RequestId("one"))
    painted = Seal("4d7694e5746aeb70851f")

    request.check_seal(painted)

    moved = request.void(a_cluster(environment="staging"), "It moved.", at=LATER, estimate=None)
    with pytest.raises(Outdated):
        moved.check_seal(painted)


def test_a_made_up_seal_fits_nothing() -> None:
    """Neither empty nor guessed."""
    request = an_upgrade_request()

    for seal in ("", "0" * 20, request.seal[:-1]):
        with pytest.raises(Outdated):
            request.check_seal(Seal(seal))


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED])
def test_votes_are_void_when_what_was_voted_on_has_drifted(state: State) -> None:
    """The vote starts again, in a new round with a new seal, and the card says what changed."""
    request = an_upgrade_request(state=state, votes=(Vote(member=SEM, at=NOON),), reminders=2)

    now = a_cluster(version="v1.30.7-u-ame.0", environment="staging", slug="api", organisation=Organisation("umbrella"))

    void = request.void(now, "The cluster now runs v1.30.7.", at=LATER, estimate=a_window())

    assert (void.state, void.round, void.votes, void.reminders) == (State.PENDING_APPROVAL, 2, (), 0)
    assert void.changes == ("The cluster now runs v1.30.7.",)
    assert void.from_version == "v1.30.7-u-ame.0"
    assert (void.organisation, void.full_name, void.estimate) == ("umbrella", "staging/api", a_window())
    assert void.seal != request.seal
    assert void.state_since == (NOON if state is State.PENDING_APPROVAL else LATER)


@pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING_APPROVAL, State.APPROVED}))
def test_nothing_else_can_be_voided(state: State) -> None:
    """What is being submitted, or has ended, is not voted on."""
    with pytest.raises(WrongState):
        an_upgrade_request(state=state).void(a_cluster(), "drift", at=LATER, estimate=None)


def test_a_lost_approver_leaves_the_votes_of_the_others() -> None:
    """The request goes back to the vote in the same round."""
    votes = (Vote(member=SEM, at=NOON), Vote(member=KIM, at=NOON))
    request = an_upgrade_request(state=State.APPROVED, votes=votes, required=2)

    again = request.keep_votes_of(frozenset({KIM})).require(2).ask_again("Sem may no longer approve.", at=LATER)

    assert (again.state, again.round) == (State.PENDING_APPROVAL, 1)
    assert again.voters == {KIM}
    assert again.changes == ("Sem may no longer approve.",)
    assert again.seal == request.seal


def test_a_higher_quorum_keeps_the_votes() -> None:
    """And asks for more."""
    request = an_upgrade_request().cast(by=SEM, at=LATER).require(3)

    assert request.required == 3
    assert request.voters == {SEM}


def test_every_attempt_is_numbered() -> None:
    """From approval to the cloud and back, as often as it takes; what was left out is remembered."""
    request = an_upgrade_request(state=State.APPROVED, start=NOON)
    first = request.submitting(at=LATER, start_left_out=True)
    second = first.approve(at=LATER).submitting(at=LATER + timedelta(minutes=1), start_left_out=False)

    assert (first.attempt, first.attempted_at, first.start_left_out) == (1, LATER, True)
    assert (second.attempt, second.attempted_at, second.start_left_out) == (2, LATER + timedelta(minutes=1), False)


def test_an_answer_of_the_cloud_is_kept() -> None:
    """Its record and window on a yes, its words on a no; a later attempt clears what the last one said."""
    sending = an_upgrade_request(state=State.SUBMITTING, outcome="before")
    window = a_window()

    submitted = sending.submitted(upgrade=UpgradeIdentity("u1"), window=window, at=LATER)
    failed = sending.fail("no such step", at=LATER)

    assert (submitted.upgrade, submitted.window, submitted.outcome) == ("u1", window, "")
    assert failed.outcome == "no such step"
    assert sending.unclear("no answer", at=LATER).outcome == "no answer"
    assert failed.approve(at=LATER).outcome == ""


def test_a_rejection_takes_back_the_approval_of_who_rejects() -> None:
    """No card shows somebody as approving what they rejected; the others' approvals stay as they were given."""
    voted = an_upgrade_request(required=3).cast(by=SEM, at=NOON).cast(by=KIM, at=NOON)

    assert voted.reject(by=SEM, reason="not today", at=LATER).voters == {KIM}


def test_an_end_keeps_who_and_why() -> None:
    """The card tells it."""
    request = an_upgrade_request()

    rejected = request.reject(by=SEM, reason="not today", at=LATER)
    withdrawn = request.withdraw(by=ROOS, at=LATER)

    assert (rejected.decided_by, rejected.outcome) == (SEM, "not today")
    assert withdrawn.decided_by == ROOS
    assert request.replaced(by=RequestId("newer"), at=LATER).replaced_by == "newer"
    assert request.expire(at=LATER).decided_by is None


def test_reminders_are_counted() -> None:
    """With the moment of the last."""
    request = an_upgrade_request().remind(at=NOON).remind(at=LATER)

    assert (request.reminders, request.reminded_at) == (2, LATER)


def test_a_request_is_of_one_cluster_in_one_environment() -> None:
    """As people name it."""
    request = an_upgrade_request(cluster_identity=ClusterIdentity("c"))

    assert request.full_name == "production/web"


@pytest.mark.parametrize("move", MOVES)
def test_every_verb_notes_its_moment(move: str) -> None:
    """Deadlines, pauses and the audit trail count from it."""
    there, act = MOVES[move]
    here = next(state for state in State if there in NEXT[state])

    assert act(an_upgrade_request(state=here)).state_since == LATER


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED])
def test_a_vote_that_starts_again_reminds_by_itself(state: State) -> None:
    """The next reminder counts from that news, with its first gap."""
    request = an_upgrade_request(state=state, reminders=3, reminded_at=NOON)

    again = request.void(a_cluster(version=NEW), "It changed.", at=LATER, estimate=None)

    assert (again.reminders, again.reminded_at) == (0, LATER)


def test_what_forbids_it_is_noted_and_forgotten_when_it_moves_on() -> None:
    """It is about a request that waits, and changes neither votes nor seal."""
    request = an_upgrade_request()
    blocked = request.block("production is frozen Dec 20 to Jan 3.")

    assert blocked.blocked == "production is frozen Dec 20 to Jan 3."
    assert (blocked.votes, blocked.seal) == (request.votes, request.seal)
    assert blocked.block(None).blocked == ""
    assert blocked.approve(at=NOON).blocked == ""


@pytest.mark.parametrize(
    ("other", "competes"),
    [
        ({}, True),
        ({"to_version": "v1.31.9-u-ame.9"}, True),
        ({"request_id": "older", "to_version": "v1.31.9-u-ame.9"}, True),
        ({"request_id": "older"}, False),
        ({"request_id": "one", "to_version": "v1.31.9-u-ame.9"}, False),
        ({"status": "SUPERSEDED"}, False),
        ({"cluster_identity": DATA}, False),
    ],
)
def test_an_upgrade_scheduled_beside_a_request_would_be_superseded(other: dict[str, Any], *, competes: bool) -> None:
    """Outside Slack, or to another version; not its own, not one that has ended, not of another cluster."""
    upgrade = a_scheduled_upgrade(**other)

    assert competing(an_upgrade_request(id=RequestId("one")), [upgrade]) == (upgrade if competes else None)


def test_an_approval_can_be_taken_back_while_the_vote_is_on() -> None:
    voted = an_upgrade_request().cast(by=SEM, at=NOON, comment="seen in staging").cast(by=KIM, at=NOON)

    assert voted.take_back(by=SEM).voters == {KIM}
    with pytest.raises(NotVoted):
        voted.take_back(by=ROOS)
    with pytest.raises(WrongState):
        voted.approve(at=NOON).take_back(by=SEM)


def test_a_comment_stays_with_its_vote() -> None:
    voted = an_upgrade_request().cast(by=SEM, at=NOON, comment="seen in staging").cast(by=KIM, at=NOON)

    assert [(one.member, one.comment) for one in voted.comments] == [(SEM, "seen in staging")]


@pytest.mark.parametrize("changes", [{"emergency": True}, {"change": "CHG0000001"}])
def test_a_vote_is_sealed_to_emergency_and_change_number(changes: dict[str, Any]) -> None:
    """A button that was painted before the field was there counts for neither."""
    plain = an_upgrade_request()
    other = replace(plain, **changes)

    assert other.seal != plain.seal
    for seal in (plain.seal, plain.seal_of_0_1_0):
        with pytest.raises(Outdated):
            other.check_seal(seal)


def test_an_emergency_is_acknowledged_once() -> None:
    emergency = an_upgrade_request(emergency=True)
    acknowledged = emergency.acknowledge(by=SEM, at=LATER)

    assert emergency.needs_acknowledgement
    assert not acknowledged.needs_acknowledgement
    with pytest.raises(WrongState) as refused:
        acknowledged.acknowledge(by=KIM, at=LATER)
    assert refused.value.why == (NothingToAcknowledge(by=SEM),)
    with pytest.raises(WrongState):
        an_upgrade_request().acknowledge(by=SEM, at=LATER)


def test_a_vote_keeps_the_reading_that_its_card_showed() -> None:
    voted = an_upgrade_request().cast(by=SEM, at=NOON, readiness=7)

    assert voted.votes[0].readiness == 7


def test_who_acknowledged_and_when_is_kept() -> None:
    seen = an_upgrade_request(emergency=True).acknowledge(by=KIM, at=NOON)

    assert (seen.acknowledged_by, seen.acknowledged_at, seen.needs_acknowledgement) == (KIM, NOON, False)


def test_refusals_of_a_request_say_why() -> None:
    """An old card, and an approval that was never given."""
    with pytest.raises(Outdated) as outdated:
        an_upgrade_request().check_seal(Seal("made up"))
    with pytest.raises(NotVoted) as not_voted:
        an_upgrade_request().take_back(by=SEM)

    assert (outdated.value.why, not_voted.value.why) == ((CardChanged(),), (NoApprovalToTakeBack(),))


def test_those_who_may_no_longer_approve_are_kept_until_the_cluster_moves_on() -> None:
    approved = an_upgrade_request(state=State.APPROVED)

    asked = approved.ask_again("It changed.", lost=[SEM], at=NOON)

    assert asked.lost == (SEM,)
    assert asked.follow(a_cluster(), estimate=None).lost == ()


def test_a_window_that_somebody_stated_is_theirs() -> None:
    unclear, window = an_upgrade_request(state=State.SUBMISSION_UNCLEAR), a_window()

    stated = unclear.submitted(upgrade=UpgradeIdentity("u1"), window=window, at=NOON, stated_by=SEM)

    assert (stated.window, stated.window_stated_by) == (window, SEM)


def test_what_is_expected_and_what_was_told_is_noted() -> None:
    window = a_window()

    noted = an_upgrade_request().expect(window).stale()

    assert (noted.estimate, noted.stale_told) == (window, True)
