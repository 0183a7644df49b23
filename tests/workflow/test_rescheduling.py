from datetime import timedelta

import pytest

from bot.domain.events import RequestReplaced, StatusMoved
from bot.domain.people import MemberId
from bot.domain.request import State, UpgradeRequest
from bot.workflow.errors import NoList
from bot.workflow.inbox import FormSubmitted
from bot.workflow.outbox import Kind
from bot.workflow.repositories import Source
from tests.builders import (
    ACME,
    DATA,
    NOON,
    ROOS,
    SEM,
    a_catalog,
    a_cluster,
    a_form,
    a_policy,
    a_reading,
    a_rule,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, Harness, a_harness

LATER = a_window(NOON + timedelta(days=3))


async def confirmed(harness: Harness, identity: str, **changes: object) -> UpgradeRequest:
    """Have a request asked, approved and confirmed as this record of the cloud."""
    harness.cloud.answers = [a_reading(**({"identity": identity, "status": "REQUESTED"} | changes))]
    return await harness.submitted()


@pytest.mark.parametrize("identity", ["u1", "u2"], ids=["one record kept", "a new record"])
async def test_a_confirmed_request_replaces_the_one_submitted_before(identity: str) -> None:
    """Whether the cloud moves its record or makes another, one request of ours is left."""
    harness = await a_harness()
    older = await confirmed(harness, "u1")

    newer = await confirmed(harness, identity, window=LATER)

    assert (harness.now_of(older).state, harness.now_of(older).replaced_by) == (State.REPLACED, newer.id)
    assert newer.state is State.SUBMITTED
    assert harness.upgrades[identity].request_id == newer.id
    assert harness.upgrades[identity].window == LATER
    assert len(harness.told(RequestReplaced)) == len(harness.told(RequestReplaced, Kind.DIRECT)) == 1


async def test_an_unclear_one_gives_way_to_the_confirmed_one() -> None:
    """The cloud has said yes to the newer, so nothing about the older matters any more."""
    older = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    harness = await a_harness(older)

    await confirmed(harness, "u2")

    assert harness.now_of(older).state is State.REPLACED


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED"])
async def test_what_came_to_its_end_is_never_replaced(status: str) -> None:
    """Its card keeps its outcome."""
    ended = a_scheduled_upgrade(identity="u1", status=status)
    older = an_upgrade_request(state=State.SUBMITTED, upgrade=ended.identity)
    harness = await a_harness(older, ended)

    await confirmed(harness, "u2")

    assert harness.now_of(older).state is State.SUBMITTED


async def test_a_refused_reschedule_leaves_the_older_one_in_place() -> None:
    """The cloud said no, so the older upgrade still runs."""
    harness = await a_harness()
    older = await confirmed(harness, "u1")

    newer = await harness.approved()

    assert harness.now_of(older).state is State.SUBMITTED
    assert newer.state is State.APPROVED


async def test_a_moved_record_that_is_notified_again_is_announced_again() -> None:
    """The move is told apart by its number, not by its status."""
    harness = await a_harness()
    await confirmed(harness, "u1")
    await harness.poll()
    harness.cloud.readings = [a_reading(identity="u1", status="SCHEDULED_NOTIFIED")]
    await harness.poll()
    await confirmed(harness, "u1", window=LATER)
    harness.cloud.readings = [a_reading(identity="u1", status="SCHEDULED_NOTIFIED", window=LATER)]
    await harness.poll()

    notified = [event for event in harness.channel() if isinstance(event, StatusMoved)]
    assert [(event.status, event.window) for event in notified] == [
        ("SCHEDULED_NOTIFIED", a_window()),
        ("SCHEDULED_NOTIFIED", LATER),
    ]


async def test_a_record_replaced_by_another_ends_as_the_cloud_says() -> None:
    """The poll that sees it SUPERSEDED tells it under the older card; nothing goes to the channel."""
    harness = await a_harness()
    older = await confirmed(harness, "u1")
    await harness.poll()
    await confirmed(harness, "u2")
    harness.cloud.readings[:] = [a_reading(identity="u1", status="SUPERSEDED"), a_reading(identity="u2")]

    await harness.poll()

    (told,) = [one for one in harness.outbox(Kind.THREAD, StatusMoved) if one.request_id == older.id]
    assert told.event is not None
    assert harness.channel() == []
    assert harness.upgrades["u1"].is_final


async def test_moves_seen_while_a_reschedule_is_being_submitted_wait_for_its_answer() -> None:
    """The record moved because of the newer request, so the older one's card has nothing to tell of it."""
    harness = await a_harness()
    await confirmed(harness, "u1")
    await harness.poll()
    told = len(harness.storage.told)
    newer = an_upgrade_request(state=State.SUBMITTING, attempted_at=NOON)
    async with harness.storage.begin() as work:
        await work.requests.add(newer)
        await work.commit()
    harness.cloud.readings[:] = [a_reading(identity="u1", window=LATER), a_reading(identity="u2", window=LATER)]

    await harness.poll()

    assert len(harness.storage.told) == told
    assert set(harness.upgrades) == {"u1"}


async def test_without_statuses_a_rescheduled_upgrade_ends_at_once() -> None:
    """Nobody else would say so: its countdown and its outcome would be false alarms."""
    harness = await a_harness(forced=Source.CLUSTERS)
    harness.cloud.no_list = NoList("Not found")
    await harness.poll()
    await confirmed(harness, "u1")
    await confirmed(harness, "u2", window=LATER)

    harness.clock.now = a_window().end + timedelta(hours=1)
    harness.cloud.catalogs[ACME] = a_catalog(a_cluster(), fetched_at=harness.clock())
    await harness.poll()

    assert harness.upgrades["u1"].status == "SUPERSEDED"
    assert [event for event in harness.channel() if isinstance(event, StatusMoved)] == []
    assert harness.upgrades["u2"].status == "REQUESTED"


def elsewhere(older: UpgradeRequest, *, by: MemberId = ROOS) -> FormSubmitted:
    """Build what is submitted when the cluster is changed in the form that Reschedule opened."""
    return FormSubmitted(member=by, organisation=ACME, form=a_form(cluster_identity=DATA), replaces=older.id)


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED])
async def test_rescheduling_to_another_cluster_replaces_what_is_still_with_us(state: State) -> None:
    """Nobody may go on to approve what was asked for by mistake; the card and the requester are told which is meant."""
    older = an_upgrade_request(state=state)
    harness = await a_harness(older)

    await harness.do(elsewhere(older, by=ANNE))

    (newer,) = [one for one in harness.storage.requests.values() if one.id != older.id]
    assert (harness.now_of(older).state, harness.now_of(older).replaced_by) == (State.REPLACED, newer.id)
    assert (newer.cluster, newer.state, newer.replaces) == ("data", State.PENDING_APPROVAL, older.id)
    assert [event.instead for event in harness.told(RequestReplaced)] == ["staging/data"]


@pytest.mark.parametrize("state", [State.SUBMITTING, State.SUBMISSION_UNCLEAR, State.SUBMITTED, State.REJECTED])
async def test_what_the_cloud_may_have_is_not_replaced_by_a_request_for_another_cluster(state: State) -> None:
    """It still runs there; so the newer one replaces nothing, also when the cloud has confirmed it."""
    older = an_upgrade_request(state=state, upgrade="u1" if state is State.SUBMITTED else None)
    harness = await a_harness(older)

    await harness.do(elsewhere(older))
    (newer,) = [one for one in harness.storage.requests.values() if one.id != older.id]
    await harness.press(newer)
    await harness.submit(newer)

    assert harness.now_of(newer).state is State.SUBMITTED
    assert harness.now_of(newer).replaces is None
    assert harness.now_of(older).state is state
    assert harness.told(RequestReplaced) == []


async def test_rescheduling_to_another_cluster_needs_the_right_to_request_in_both_environments() -> None:
    """It ends a request of the one and makes one in the other."""
    older = an_upgrade_request()
    policy = a_policy(environments={"production": a_rule(environment="production", requesters=(SEM,))})
    harness = await a_harness(older, policy=policy)

    answer = await harness.do(elsewhere(older))

    assert "You may not request upgrades in production." in answer
    assert harness.now_of(older).state is State.PENDING_APPROVAL
