"""The three storages that face the same tests: the fake, SQLite, PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update

from bot.store.queues.leases import StoredClaims
from bot.store.storage import Storage
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow
from bot.store.transaction import transaction
from bot.workflow.ports import BeginReading, BeginWork, Claims, Lease
from bot.workflow.queues import Lane, Queue
from tests.fake_claims import FakeClaims
from tests.fakes import FakeStorage


class LocalWorkerHere:
    """A worker with free slots for these queues; it remembers what it was given and what it was woken for."""

    def __init__(self, *free: Queue) -> None:
        self.free = set(free)
        self.leases: dict[Queue, Lease] = {}
        self.woken: set[Queue] = set()

    def free_for(self, queues: Collection[Queue]) -> Collection[Queue]:
        """Return those that are free."""
        return self.free.intersection(queues)

    def take(self, lease: Lease) -> None:
        """Remember the lease."""
        assert lease.lane is not None
        self.leases[lease.lane, lease.queue] = lease

    def wake(self, lane: Lane, queue: str) -> None:
        """Remember the name."""
        self.woken.add((lane, queue))


@dataclass(frozen=True, slots=True)
class Subject:
    """A storage under test.

    `others` are the claims of a second process, `pass_time` takes seconds, `audited` returns the trail.
    """

    begin: BeginWork
    read: BeginReading
    claims: StoredClaims | FakeClaims
    others: Claims
    pass_time: Callable[[float], Awaitable[None]]
    commits: Callable[[], int]
    local_worker: LocalWorkerHere
    audited: Callable[[], Awaitable[list[dict[str, Any]]]]


@pytest.fixture(params=["sqlite", "postgresql"])
async def stored(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """Open each database with its tables in place."""
    storage = Storage.open(request.getfixturevalue(f"{request.param}_url"))
    yield storage
    await storage.close()


@pytest.fixture(params=["fake", "sqlite", "postgresql"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Open each storage, empty."""
    local_worker = LocalWorkerHere()
    if request.param == "fake":
        fake = FakeStorage()
        fake.claims.local_worker = local_worker

        async def pass_fake_time(seconds: float) -> None:
            fake.pass_time(seconds)

        async def fake_audited() -> list[dict[str, Any]]:
            return list(fake.audited)

        yield Subject(
            fake.begin,
            fake.read,
            fake.claims,
            fake.claims,
            pass_fake_time,
            lambda: fake.commits,
            local_worker,
            fake_audited,
        )
        return
    url = request.getfixturevalue(f"{request.param}_url")
    one, other = Storage.open(url, local_worker=local_worker), Storage.open(url)

    async def pass_time(seconds: float) -> None:
        await make_older(one, seconds)

    async def audited() -> list[dict[str, Any]]:
        return [event async for event in one.audit_trail.events()]

    yield Subject(one.begin, one.read, one.claims, other.claims, pass_time, lambda: one.commits, local_worker, audited)
    await one.close()
    await other.close()


async def make_older(storage: Storage, seconds: float) -> None:
    """Put everything that goes by the database's clock so many seconds into its past."""
    async with transaction(storage.engines.write) as aging:
        for table in (InboxRow, OutboxRow):
            await aging.run(
                update(table).values(
                    stored_at=table.stored_at - seconds,
                    waits_since=table.waits_since - seconds,
                    due_at=table.due_at - seconds,
                    ended_at=table.ended_at - seconds,
                )
            )
        await aging.run(
            update(LeaseRow).values(
                claimed_at=LeaseRow.claimed_at - seconds,
                leased_until=LeaseRow.leased_until - seconds,
                not_before=LeaseRow.not_before - seconds,
            )
        )
        await aging.run(update(PaceRow).values(set_at=PaceRow.set_at - seconds, next_at=PaceRow.next_at - seconds))
        await aging.commit()
