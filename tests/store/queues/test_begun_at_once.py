"""What is stored is begun at once where the local worker has a free slot: the same commit claims its queue."""

import sqlite3
from contextlib import closing

import pytest

from bot.store.storage import Storage
from bot.workflow.errors import LeaseLost
from bot.workflow.inbox import NewEntry
from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from tests.builders import a_submitted_form, an_outbox_message
from tests.store.conftest import LocalWorkerHere, Subject

IN, OUT = (Lane.DECISIONS, "in"), (Lane.DELIVERIES, "out")


async def put(subject: Subject, key: str, *, delay: float = 0.0) -> None:
    """Store a message in the queue `out`."""
    async with subject.begin() as work:
        await work.outbox.put(an_outbox_message(key, queue="out", delay=delay))
        await work.commit()


async def test_what_is_stored_is_claimed_with_it_for_a_worker_with_free_slots(subject: Subject) -> None:
    """Nobody else can take it meanwhile; the lease is one like any other."""
    local_worker = subject.local_worker
    local_worker.free = {IN, OUT}
    async with subject.begin() as work:
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="1", queue="in"))
        await work.outbox.put(an_outbox_message("1", queue="out"), an_outbox_message("2", queue="out"))
        await work.commit()

    assert set(local_worker.leases) == {IN, OUT}
    assert local_worker.woken == set()
    for lane in Lane:
        assert await subject.others.claim_due(lane, limit=9) == ()
    async with subject.begin(local_worker.leases[OUT]) as work:
        await work.outbox.done(1, 2)
        await work.commit()
    assert not local_worker.leases[OUT].held


async def test_a_queue_is_claimed_with_what_is_stored_again_and_again(subject: Subject) -> None:
    """Each claim has a higher number than the one before, so whoever had it records nothing more."""
    local_worker = subject.local_worker
    local_worker.free = {OUT}
    await put(subject, "1")
    first = local_worker.leases.pop(OUT)
    await subject.claims.release(first)
    await put(subject, "2")

    assert local_worker.leases[OUT].number > first.number
    async with subject.begin(first) as work:
        with pytest.raises(LeaseLost):
            await work.commit()


async def test_a_worker_is_woken_for_what_it_could_not_begin(subject: Subject) -> None:
    """Another process works on the queue, or no slot is free: it is claimed as soon as that can be."""
    await put(subject, "1")
    (elsewhere,) = await subject.others.claim_due(Lane.DELIVERIES, limit=9)
    local_worker = subject.local_worker
    local_worker.free = {OUT}
    async with subject.begin() as work:
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="1", queue="in"))
        await work.outbox.put(an_outbox_message("2", queue="out"))
        await work.commit()

    assert local_worker.leases == {}
    assert local_worker.woken == {IN, OUT}
    await subject.others.renew(elsewhere)
    (lease,) = await subject.others.claim_due(Lane.DECISIONS, limit=9)
    assert lease.queue == "in"


async def test_a_commit_is_not_held_up_by_claiming_many_queues(subject: Subject) -> None:
    """Sixteen people press at one moment: their presses are stored, and the worker claims them afterwards."""
    many = {(Lane.DELIVERIES, f"queue {number}") for number in range(16)}
    local_worker = subject.local_worker
    local_worker.free = many
    async with subject.begin() as work:
        await work.outbox.put(*(an_outbox_message(queue, queue=queue) for _, queue in many))
        await work.commit()

    assert local_worker.leases == {}
    assert local_worker.woken == many
    leases = await subject.claims.claim_due(Lane.DELIVERIES, limit=20)
    assert {(lease.lane, lease.queue) for lease in leases} == many


async def test_what_has_to_wait_and_what_is_rolled_back_begins_nothing(subject: Subject) -> None:
    """Neither is a queue claimed for it."""
    local_worker = subject.local_worker
    local_worker.free = {OUT}
    async with subject.begin() as work:
        await work.outbox.put(an_outbox_message("lost", queue="out"))
    await put(subject, "later", delay=9)

    assert (local_worker.leases, local_worker.woken) == ({}, set())
    await subject.pass_time(10)
    (lease,) = await subject.others.claim_due(Lane.DELIVERIES, limit=9)
    assert lease.queue == "out"


async def test_nothing_is_begun_before_it_is_stored(sqlite_url: str) -> None:
    """Whoever begins it reads it, over another connection."""
    seen = list[int]()

    class Looking(LocalWorkerHere):
        def read(self) -> None:
            with closing(sqlite3.connect(sqlite_url.partition("///")[2])) as beside:
                seen.extend(beside.execute("SELECT count(*) FROM outbox").fetchone())

        def take(self, lease: Lease) -> None:  # noqa: ARG002 - as LocalWorker
            self.read()

        def wake(self, lane: Lane, queue: str) -> None:  # noqa: ARG002 - as LocalWorker
            self.read()

    storage = Storage.open(sqlite_url, local_worker=Looking(OUT))
    async with storage.begin() as work:
        await work.outbox.put(an_outbox_message("1", queue="out"), an_outbox_message("2", queue="other"))
        await work.commit()
    await storage.close()

    assert seen == [2, 2]
