import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.domain.cluster import ClusterIdentity
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest
from bot.store.requests import CODEC
from bot.store.storage import Storage
from bot.store.tables import RequestRow
from bot.store.transaction import transaction
from bot.workflow.errors import Missing, Stale, Taken, UnreadableRequest
from tests.builders import DATA, KIM, NOON, ROOS, SEM, WEB, a_cluster, a_window, an_upgrade_request
from tests.store.conftest import Subject


async def added(subject: Subject, *requests: UpgradeRequest) -> tuple[UpgradeRequest, ...]:
    async with subject.begin() as work:
        stored = tuple([await work.requests.add(request) for request in requests])
        await work.commit()
    return stored


async def test_a_request_comes_back_as_it_was_stored(subject: Subject) -> None:
    """Every field survives, votes in the order in which they were given."""
    request = an_upgrade_request(
        start=NOON + timedelta(days=2),
        estimate=a_window(),
        required=3,
        changes=("The cluster went from one version to another.",),
        reason='<!channel> & "quotes" \x00 🙂',
        reminded_at=NOON,
    )
    request = request.cast(by=SEM, at=NOON).cast(by=KIM, at=NOON + timedelta(microseconds=1))

    (stored,) = await added(subject, request)

    assert stored == replace(request, revision=1)
    async with subject.read() as work:
        read = await work.requests.get(request.id)
    assert read == stored
    assert read.seal == request.seal
    assert read.requested_at.utcoffset() == timedelta()


async def test_a_moment_keeps_its_meaning_whatever_its_zone(subject: Subject) -> None:
    """A start given in another zone is the same moment, and the same seal, when it is read."""
    start = datetime(2026, 12, 5, 22, 0, tzinfo=timezone(timedelta(hours=1)))
    request = an_upgrade_request(start=start, requested_at=start)

    await added(subject, request)

    async with subject.read() as work:
        read = await work.requests.get(request.id)
    assert read.start == start
    assert read.seal == request.seal


@pytest.mark.parametrize("name", ["requested_at", "start", "deadline"])
async def test_a_moment_without_a_zone_is_refused(subject: Subject, name: str) -> None:
    """Nobody could tell later which moment it was."""
    naive = NOON.replace(tzinfo=None)

    async with subject.begin() as work:
        with pytest.raises(Exception, match="no time zone"):
            await work.requests.add(an_upgrade_request(**{name: naive}))


async def test_a_request_that_nobody_stored_is_missing(subject: Subject) -> None:
    """Asking for it says so."""
    async with subject.read() as work:
        with pytest.raises(Missing):
            await work.requests.get(RequestId("nobody"))


async def test_nothing_is_stored_without_a_commit(subject: Subject) -> None:
    """Leaving early rolls back everything, also when something raised."""
    request = an_upgrade_request()

    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what raises is inside the unit of work
        async with subject.begin() as work:
            await work.requests.add(request)
            raise ZeroDivisionError
    async with subject.begin() as work:
        await work.requests.add(request)

    async with subject.read() as work:
        assert await work.requests.in_states(*State) == ()


async def test_what_is_not_committed_is_seen_by_nobody_else(subject: Subject) -> None:
    """Readers see the last committed state and do not wait for the writer."""
    async with subject.begin() as work:
        await work.requests.add(an_upgrade_request())
        async with subject.read() as other:
            assert await other.requests.in_states(*State) == ()
        await work.commit()


async def test_work_that_is_committed_takes_nothing_more(subject: Subject) -> None:
    """What is written after the commit would be lost silently, so it is refused."""
    async with subject.begin() as work:
        await work.commit()
        with pytest.raises(RuntimeError, match="committed already"):
            await work.requests.add(an_upgrade_request())


async def test_the_second_of_two_writers_is_refused(subject: Subject) -> None:
    """Both read the same revision; one wins, and `save` returns the revision that it stored."""
    (first_read,) = await added(subject, an_upgrade_request())
    second_read = first_read

    async with subject.begin() as work:
        saved = await work.requests.save(first_read.approve(at=NOON))
        await work.commit()

    assert saved.revision == first_read.revision + 1
    async with subject.begin() as work:
        with pytest.raises(Stale):
            await work.requests.save(second_read.reject(by=SEM, reason="No.", at=NOON))


async def test_of_writers_at_the_same_moment_one_wins(subject: Subject) -> None:
    """Six people decide at once: one decision is stored, the others are told."""
    (request,) = await added(subject, an_upgrade_request())

    async def decide() -> bool:
        async with subject.begin() as work:
            read = await work.requests.get(request.id)
            await asyncio.sleep(0)
            try:
                await work.requests.save(replace(read, revision=request.revision).approve(at=NOON))
            except Stale:
                return False
            await work.commit()
            return True

    outcomes = await asyncio.gather(*(decide() for _ in range(6)), return_exceptions=True)

    assert outcomes.count(True) == 1
    async with subject.read() as work:
        assert (await work.requests.get(request.id)).revision == request.revision + 1


async def test_saving_what_was_never_added_is_stale(subject: Subject) -> None:
    """It cannot be written over."""
    async with subject.begin() as work:
        with pytest.raises(Stale):
            await work.requests.save(an_upgrade_request())


@pytest.mark.parametrize("state", sorted(OPEN))
async def test_a_cluster_has_one_open_request(subject: Subject, state: State) -> None:
    """A second open one is Taken; the Work can go on after that."""
    await added(subject, an_upgrade_request(state=state))
    elsewhere = an_upgrade_request(cluster_identity=DATA)

    async with subject.begin() as work:
        with pytest.raises(Taken):
            await work.requests.add(an_upgrade_request())
        await work.requests.add(elsewhere)
        await work.commit()

    async with subject.read() as work:
        assert (await work.requests.get(elsewhere.id)).cluster_identity == DATA


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
async def test_requests_that_are_not_open_leave_room(subject: Subject, state: State) -> None:
    """There may be any number of them beside an open one."""
    await added(subject, an_upgrade_request(state=state), an_upgrade_request(state=state), an_upgrade_request())


async def test_going_back_to_open_is_taken_when_another_is_open(subject: Subject) -> None:
    """An unclear submission cannot be approved again beside a newer request."""
    unclear, _ = await added(
        subject, an_upgrade_request(state=State.SUBMISSION_UNCLEAR), an_upgrade_request(requester=KIM)
    )

    async with subject.begin() as work:
        with pytest.raises(Taken):
            await work.requests.save(unclear.approve(at=NOON))


async def test_of_two_requests_for_a_cluster_at_the_same_moment_one_is_stored(subject: Subject) -> None:
    """The database decides, not the order in which they looked."""

    async def ask() -> None:
        async with subject.begin() as work:
            await work.requests.add(an_upgrade_request())
            await work.commit()

    outcomes = await asyncio.gather(ask(), ask(), ask(), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "Taken", "Taken"]


async def test_votes_go_with_their_round(subject: Subject) -> None:
    """Votes that were voided or lost are gone from the store too."""
    (request,) = await added(subject, an_upgrade_request(required=3).cast(by=SEM, at=NOON).cast(by=KIM, at=NOON))

    async with subject.begin() as work:
        kept = await work.requests.save(request.keep_votes_of(frozenset({KIM})))
        await work.commit()
    async with subject.read() as work:
        assert (await work.requests.get(request.id)).voters == {KIM}
    async with subject.begin() as work:
        await work.requests.save(kept.void(a_cluster(), "Changed.", at=NOON, estimate=None))
        await work.commit()

    async with subject.read() as work:
        again = await work.requests.get(request.id)
    assert again.votes == ()
    assert again.round == 2


async def test_lists_are_in_the_order_that_they_promise(subject: Subject) -> None:
    """Newest first for a cluster and a person, oldest first by state; equal moments in stored order."""
    first = an_upgrade_request(state=State.REJECTED)
    second = an_upgrade_request(state=State.EXPIRED)
    third = an_upgrade_request(requested_at=NOON + timedelta(hours=1))
    other = an_upgrade_request(requester=KIM, cluster_identity=DATA, requested_at=NOON - timedelta(hours=1))
    first, second, third, other = await added(subject, first, second, third, other)

    async with subject.read() as work:
        assert await work.requests.of_cluster(WEB) == (third, second, first)
        assert await work.requests.of_cluster(WEB, limit=2) == (third, second)
        assert await work.requests.of_cluster(WEB, State.REJECTED, State.EXPIRED) == (second, first)
        assert await work.requests.of_cluster(ClusterIdentity("none")) == ()
        assert await work.requests.these(first.id, RequestId("none"), third.id) == {first.id: first, third.id: third}
        assert await work.requests.these() == {}
        assert await work.requests.in_states(*State) == (other, first, second, third)
        assert await work.requests.in_states() == ()
        assert await work.requests.by(ROOS, limit=2) == (third, second)
        assert await work.requests.by(KIM, limit=2) == (other,)


async def test_what_one_person_has_under_way_is_counted(subject: Subject) -> None:
    """Neither what was submitted or has ended, nor what others ask for."""
    states = [State.PENDING_APPROVAL, State.APPROVED, State.SUBMITTING, State.SUBMISSION_FAILED]
    states += [State.SUBMISSION_UNCLEAR, State.SUBMITTED, State.REJECTED, State.WITHDRAWN, State.EXPIRED]
    of_roos = [
        an_upgrade_request(cluster_identity=ClusterIdentity(f"{number}"), state=state)
        for number, state in enumerate(states)
    ]
    await added(subject, *of_roos, an_upgrade_request(cluster_identity=DATA, requester=KIM))

    async with subject.read() as work:
        assert await work.requests.count_open(ROOS) == 5
        assert await work.requests.count_open(KIM) == 1


async def test_two_who_count_the_same_persons_requests_take_turns(stored: Storage) -> None:
    """So the limit holds however many forms are decided at the same moment."""

    async def ask(number: int) -> int:
        async with stored.begin() as work:
            counted = await work.requests.count_open(ROOS)
            await asyncio.sleep(0.02)
            await work.requests.add(an_upgrade_request(cluster_identity=ClusterIdentity(f"{number}")))
            await work.commit()
        return counted

    assert sorted(await asyncio.gather(*(ask(number) for number in range(5)))) == [0, 1, 2, 3, 4]


async def test_a_request_of_a_newer_version_holds_up_only_itself(stored: Storage) -> None:
    """Lists leave it out and say so once; who asks for it by name, or for its cluster's place, is told."""
    odd, well = an_upgrade_request(), an_upgrade_request(cluster_identity=DATA)
    async with stored.begin() as work:
        for request in (odd, well):
            await work.requests.add(request)
        await work.commit()
    async with transaction(stored.engines.write) as newer:
        body = {**CODEC.encode(odd), "state": "STATE_OF_TOMORROW"}
        await newer.run(update(RequestRow).where(RequestRow.id == odd.id).values(body=body))
        await newer.commit()

    with capture_logs() as logged:
        async with stored.begin() as work:
            for _ in range(3):
                assert [one.id for one in await work.requests.in_states(*OPEN)] == [well.id]
            assert await work.requests.of_cluster(WEB) == ()
            with pytest.raises(UnreadableRequest):
                await work.requests.get(odd.id)
            with pytest.raises(UnreadableRequest):
                await work.requests.add(an_upgrade_request())

    assert [(line["event"], line["log_level"], line["key"]) for line in logged] == [
        ("store.unreadable", "error", odd.id)
    ]
    (found,) = (await stored.stats.unreadable_requests()).items()
    assert found[0] == odd.id
    assert "STATE_OF_TOMORROW" in found[1]
