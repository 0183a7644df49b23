from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.events import StatusMoved, SubmissionUnclear, UpgradeSubmitted
from bot.domain.request import State, UpgradeRequest, Vote
from bot.domain.scheduled import Reading
from bot.workflow import outbox
from bot.workflow.errors import AvisiError, Broken, NoAnswer, NoList, NotConnected, Stale, Unreadable
from bot.workflow.inbox import Press
from bot.workflow.outbox import Kind
from bot.workflow.ports import Lease, UnitOfWork
from tests.builders import NOON, OLD, SEM, WEB, a_form, a_policy, a_reading, a_rule, an_upgrade_request
from tests.workflow.harness import Harness, a_harness

SILENCE = NoAnswer("No answer within 8 s")
UNCLEAR = [SILENCE, Broken("Avisi Cloud answered 502"), Unreadable("Avisi Cloud answered with a web page")]


def taken(**changes: object) -> Reading:
    """Build what the cloud lists when it has carried the submission out after all."""
    return a_reading(**({"identity": "found", "created_at": NOON, "modified_at": NOON} | changes))


async def unclear(harness: Harness, error: AvisiError = SILENCE) -> UpgradeRequest:
    """Have a request approved and submitted, with an answer from which nobody can tell."""
    harness.cloud.time = NOON
    harness.cloud.answers = [error]
    return await harness.submitted()


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
async def test_what_the_cloud_has_after_an_unclear_answer_is_adopted(error: AvisiError) -> None:
    """One submission, found in the list: it counts as confirmed."""
    harness = await a_harness()
    harness.cloud.readings = [taken()]

    request = await unclear(harness, error)

    assert (request.state, request.upgrade) == (State.SUBMITTED, "found")
    assert len(harness.cloud.submissions) == 1
    assert len(harness.told(UpgradeSubmitted)) == 1


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
async def test_what_the_cloud_does_not_have_is_sent_again(error: AvisiError) -> None:
    """Looked for first: after an error answer once, after no answer at 2 s and at 10 s."""
    harness = await a_harness()

    request = await unclear(harness, error)
    harness.storage.pass_time(3)
    await harness.submit(request)

    assert request.state is State.APPROVED
    assert request.outcome == "Avisi Cloud does not have it, so it is sent again"
    assert harness.slept == ([2.0, 8.0] if error is SILENCE else [0.0])
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 2


async def test_what_appears_late_is_found_by_the_second_look() -> None:
    """The cloud was slow, not deaf."""
    harness = await a_harness()
    sleep = harness.submitting.sleep

    async def appear(seconds: float) -> None:
        await sleep(seconds)
        harness.cloud.readings = [taken()] if len(harness.slept) == 2 else []

    object.__setattr__(harness.submitting, "sleep", appear)
    request = await unclear(harness)

    assert request.state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
async def test_where_nobody_can_look_an_approver_is_asked(error: AvisiError) -> None:
    """The cloud offers no list, so nothing is sent again by itself."""
    harness = await a_harness(policy=a_policy(a_rule(notify=("S0TEAM",))))
    harness.cloud.no_list = NoList("Not found")

    request = await unclear(harness, error)

    assert request.state is State.SUBMISSION_UNCLEAR
    assert harness.told(SubmissionUnclear)[0].mention == ("S0TEAM",)
    assert len(harness.told(SubmissionUnclear, Kind.DIRECT)) == 1
    assert harness.facts(request)[-1] == "submission unclear"
    assert not await harness.submit(request)


async def test_an_approver_may_have_an_unclear_one_submitted_again() -> None:
    """Somebody looked at the cloud and takes it on themselves."""
    harness = await a_harness()
    harness.cloud.no_list = NoList("Not found")
    request = await unclear(harness)

    await harness.press(request, Press.SUBMIT_AGAIN)
    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 2


async def test_a_look_that_fails_is_repeated_and_nothing_is_sent_meanwhile() -> None:
    """The request stays in submission until somebody could look."""
    harness = await a_harness()
    harness.cloud.no_list = NotConnected("No connection")
    request = await unclear(harness)
    stuck = [harness.now_of(request).state]
    for _ in range(3):
        harness.storage.pass_time(600)
        await harness.submit(request)
        stuck.append(harness.now_of(request).state)

    harness.cloud.no_list = None
    harness.cloud.readings = [taken()]
    harness.storage.pass_time(600)
    await harness.submit(request)

    assert set(stuck) == {State.SUBMITTING}
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"cluster_identity": "another"},
        {"to_version": OLD},
        {"ignore_windows": True},
        {"created_at": NOON - timedelta(minutes=5), "modified_at": NOON - timedelta(minutes=5)},
        {"created_at": None, "modified_at": None},
        {"status": "SUPERSEDED"},
    ],
    ids=["cluster", "version", "flag", "older", "undated", "superseded"],
)
async def test_only_the_very_same_submission_is_adopted(other: dict[str, object]) -> None:
    """Cluster, version, date and flag have to be ours, and it must not be older than the attempt."""
    harness = await a_harness()
    harness.cloud.readings = [taken(**other)]

    request = await unclear(harness)

    assert request.state is State.APPROVED


@pytest.mark.parametrize(
    "same",
    [
        {"created_at": NOON - timedelta(seconds=1), "modified_at": None},
        {"created_at": NOON - timedelta(days=9), "modified_at": NOON},
        {"requested_start": None, "ignore_windows": None},
        {"status": "IN_PROGRESS"},
    ],
    ids=["whole seconds", "rescheduled record", "silent list", "running already"],
)
async def test_the_same_submission_is_known_by_what_the_cloud_says(same: dict[str, object]) -> None:
    """Times are whole seconds, a rescheduled record was only modified, and a list may leave fields out."""
    harness = await a_harness()
    harness.cloud.readings = [taken(**same)]

    request = await unclear(harness)

    assert (request.state, request.upgrade) == (State.SUBMITTED, "found")


@pytest.mark.parametrize(
    ("sent", "listed", "same"),
    [(5, 5, True), (5, None, True), (5, 6, False), (None, 0, True), (None, 6, False), (None, None, True)],
)
async def test_the_date_is_compared_if_one_was_sent(sent: int | None, listed: int | None, *, same: bool) -> None:
    """Another date is another submission; where we sent none, the cloud may have filled in when it took it."""
    harness = await a_harness()
    harness.cloud.time = NOON
    harness.cloud.answers = [SILENCE]
    start = None if listed is None else NOON + timedelta(hours=listed)
    harness.cloud.readings = [taken(requested_start=start)]

    request = await harness.submitted(a_form(start=NOON + timedelta(hours=sent) if sent else None))

    assert (request.state is State.SUBMITTED) is same


async def test_without_the_clouds_clock_a_minute_of_difference_is_allowed() -> None:
    """Our clock may be ahead of theirs."""
    harness = await a_harness()
    harness.cloud.answers = [SILENCE]
    harness.cloud.readings = [taken(created_at=NOON - timedelta(seconds=50), modified_at=None)]

    assert (await harness.submitted()).state is State.SUBMITTED


async def test_the_cloud_is_left_alone_as_long_as_it_asks() -> None:
    """A 503 with Retry-After: looked for once, then sent again no earlier than asked."""
    harness = await a_harness()
    error = Broken("Avisi Cloud answered 503")
    error.retry_after = 60.0
    request = await unclear(harness, error)

    harness.storage.pass_time(55)
    too_early = await harness.submit(request)
    harness.storage.pass_time(6)
    await harness.submit(request)

    assert not too_early
    assert harness.now_of(request).state is State.SUBMITTED


async def after_a_crash() -> tuple[Harness, UpgradeRequest]:
    """Build what a process leaves behind that died while it was submitting."""
    left = an_upgrade_request(
        state=State.SUBMITTING, attempt=1, attempted_at=NOON, votes=(Vote(member=SEM, at=NOON),), cluster_identity=WEB
    )
    harness = await a_harness(left)
    request = harness.now_of(left)
    async with harness.storage.begin() as work:
        await work.outbox.put(outbox.submit(request))
        await work.commit()
    return harness, request


async def test_after_a_crash_it_looks_before_it_sends() -> None:
    """The cloud had it: adopted, and nothing is sent."""
    harness, request = await after_a_crash()
    harness.cloud.readings = [taken()]

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED
    assert harness.cloud.submissions == []


async def test_after_a_crash_before_sending_it_is_sent_once() -> None:
    """The cloud never heard of it, as two looks say."""
    harness, request = await after_a_crash()

    await harness.submit(request)
    harness.storage.pass_time(3)
    await harness.submit(request)

    assert harness.slept == [2.0, 8.0]
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1


async def test_after_a_crash_without_a_list_an_approver_is_asked() -> None:
    """Nobody can look, so nobody sends."""
    harness, request = await after_a_crash()
    harness.cloud.no_list = NoList("Not found")

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMISSION_UNCLEAR
    assert harness.cloud.submissions == []


async def test_votes_are_judged_again_before_it_is_sent_again() -> None:
    """Whoever approved has left since: the second attempt needs another approval."""
    harness = await a_harness()
    request = await unclear(harness)
    del harness.members.members[SEM]
    harness.storage.pass_time(3)

    await harness.submit(request)

    assert harness.now_of(request).state is State.PENDING_APPROVAL
    assert len(harness.cloud.submissions) == 1


@pytest.mark.parametrize(("status", "told"), [("SCHEDULED", 0), ("IN_PROGRESS", 1), ("SUCCEEDED", 1), ("FAILED", 1)])
async def test_what_is_found_past_waiting_is_told_as_it_is(status: str, told: int) -> None:
    """It began while nobody could tell; no later poll would see that as a move."""
    harness = await a_harness()
    harness.cloud.readings = [taken(status=status)]

    await unclear(harness)

    somewhere = (*harness.told(StatusMoved), *harness.told(StatusMoved, Kind.CHANNEL))
    assert [event.status for event in somewhere] == [status] * told
    assert len(harness.told(StatusMoved, Kind.DIRECT)) == (status in {"SUCCEEDED", "FAILED"})
    assert len(harness.channel()) == (status == "FAILED")


async def test_a_confirmation_survives_somebody_elses_write() -> None:
    """A poll stored the same record at the same moment: the answer is stored all the same, without another look."""
    harness = await a_harness()
    harness.cloud.no_list = NoList("Not found")
    request = await harness.approved()
    collisions = [Stale("Somebody else changed this upgrade in the meantime.")] * 2

    @asynccontextmanager
    async def colliding(lease: Lease | None = None) -> AsyncIterator[UnitOfWork]:
        async with harness.storage.begin(lease) as work:
            if collisions:
                raise collisions.pop()
            yield work

    harness.submitting = replace(harness.submitting, begin=colliding)
    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1


async def test_who_was_held_up_right_before_sending_does_not_send() -> None:
    """A process that stood still may have lost its lease to one that sends too; it goes back and judges again."""
    harness = await a_harness()
    ticks = iter([0.0, 6.0, 6.0, 6.1])
    harness.submitting = replace(harness.submitting, seconds=lambda: next(ticks))

    request = await harness.submitted()
    before = len(harness.cloud.submissions)
    harness.storage.pass_time(3)
    await harness.submit(request)

    assert request.state is State.APPROVED
    assert before == 0
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 1
