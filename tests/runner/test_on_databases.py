"""The workflow over real databases, with two processes at work: what holds on fakes holds there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from itertools import repeat
from typing import cast

import pytest
from sqlalchemy import select, update

from bot.domain.request import State, UpgradeRequest
from bot.runner.queue_runner import Handlers, QueueRunner
from bot.runner.worker import Worker
from bot.store.storage import Storage
from bot.store.tables import InboxRow, OutboxRow
from bot.store.transaction import transaction
from bot.workflow.inbox import AnyEntry, NewEntry, Press
from bot.workflow.ports import Lease
from bot.workflow.queues import Box, Lane
from tests.builders import (
    ACME,
    KIM,
    NOON,
    ROOS,
    SEM,
    a_catalog,
    a_policy,
    a_press,
    a_rule,
    a_submitted_form,
    an_outbox_message,
    an_upgrade_request,
)
from tests.fakes import FakeClock, FakeCloud, FakeStorage
from tests.store.conftest import make_older
from tests.workflow.harness import Harness, the_people

TWO = a_policy(a_rule(required_approvals=2))


@pytest.fixture(params=["sqlite", "postgresql"])
async def stored(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """Open each database with acme's catalog in it."""
    storage = Storage.open(request.getfixturevalue(f"{request.param}_url"))
    async with storage.begin() as work:
        await work.catalogs.put(a_catalog())
        await work.commit()
    yield storage
    await storage.close()


class Process:
    """A worker of its own over a database and a cloud that others use too."""

    def __init__(self, url: str, cloud: FakeCloud) -> None:
        self.worker = Worker()
        self.storage = storage = Storage.open(url, local_worker=self.worker)
        self.harness = Harness(
            storage=cast("FakeStorage", storage),
            cloud=cloud,
            members=the_people(),
            clock=FakeClock(NOON),
            policy=TWO,
            ids=iter(secrets.randbelow(10**9) for _ in repeat(None)),
        )
        self.told: list[str] = []
        self.handlers = Handlers(
            requesting=self.harness.requesting,
            deciding=self.harness.deciding,
            submitting=self.harness.submitting,
            rollouts=self.harness.rollouts,
            freezing=self.harness.freezing,
            deliver=self.deliver,
            slack_answers=self.harness.members.answers,
        )

    async def run(self) -> None:
        """Let the worker run until it is drained."""
        queue_runner = QueueRunner(begin=self.storage.begin, read=self.storage.read, handlers=self.handlers)
        await self.worker.run(claims=self.storage.claims, queue_runner=queue_runner)

    async def deliver(self, lease: Lease) -> float:
        """Mark everything done."""
        async with self.storage.begin(lease) as work:
            found = await work.outbox.due(lease.queue, limit=100)
            await work.outbox.done(*[due.number for due in found])
            await work.commit()
        self.told += [f"{due.outgoing.key}: {getattr(due.outgoing.event, 'text', '')}" for due in found]
        return 0.0


Start = Callable[[FakeCloud], Process]


@pytest.fixture
async def start(stored: Storage) -> AsyncIterator[Start]:
    """Return what makes a process over the database; each is closed in the end."""
    made: list[Process] = []

    def make(cloud: FakeCloud) -> Process:
        made.append(Process(stored.url, cloud))
        return made[-1]

    yield make
    for process in made:
        await process.storage.close()


async def put(storage: Storage, entry: AnyEntry, *, key: str, queue: str) -> None:
    """Store an entry as an edge does."""
    async with storage.begin() as work:
        await work.inbox.put(NewEntry(entry=entry, key=key, queue=queue))
        await work.commit()


async def requests(storage: Storage) -> tuple[UpgradeRequest, ...]:
    """Return every request."""
    async with storage.read() as work:
        return await work.requests.in_states(*State)


async def until(storage: Storage, state: State) -> UpgradeRequest:
    """Wait until there is a request in this state."""
    async with asyncio.timeout(60):
        while True:
            if found := [one for one in await requests(storage) if one.state is state]:
                return found[0]
            await asyncio.sleep(0.02)


async def test_two_approvers_at_the_same_moment_are_both_counted(stored: Storage, start: Start) -> None:
    """Two processes decide on two presses at once; the second writer reads again."""
    request = an_upgrade_request(required=2)
    async with stored.begin() as work:
        await work.requests.add(request)
        await work.commit()
    cloud = FakeCloud(a_catalog())
    processes = [start(cloud), start(cloud)]
    for process, member in zip(processes, (SEM, KIM), strict=True):
        await process.harness.catalog_cache.renew()
        await put(stored, a_press(request, member=member), key=member, queue=f"request:{member}")
    leases = await stored.claims.claim_due(Lane.DECISIONS, limit=2)

    async def decide(process: Process, lease: Lease) -> None:
        async with stored.read() as work:
            received = await work.inbox.due(lease.queue)
        assert received
        await process.harness.decide(received.number, received.entry, lease)

    await asyncio.gather(*(decide(one, lease) for one, lease in zip(processes, leases, strict=True)))

    (decided,) = await requests(stored)
    assert (decided.state, set(decided.voters)) == (State.APPROVED, {SEM, KIM})


async def test_two_processes_submit_an_approved_request_once(stored: Storage, start: Start) -> None:
    """Asked, approved twice, submitted; every press delivered to the store twice, as Slack may."""
    cloud = FakeCloud(a_catalog())
    processes = [start(cloud), start(cloud)]
    for process in processes:
        await process.harness.catalog_cache.renew()
    running = [asyncio.create_task(process.run()) for process in processes]
    await put(stored, a_submitted_form(), key="form", queue="cluster:web")
    asked = await until(stored, State.PENDING_APPROVAL)
    for member in (SEM, KIM) * 2:
        await put(stored, a_press(asked, member=member), key=f"press {member}", queue=f"request:{asked.id}")

    submitted = await until(stored, State.SUBMITTED)
    await put(stored, a_press(submitted, member=ROOS, press=Press.WITHDRAW), key="late", queue="request:late")
    for process in processes:
        await process.worker.drain(within=5)
    await asyncio.gather(*running)

    assert len(cloud.submissions) == 1
    assert [one.state for one in await requests(stored)] == [State.SUBMITTED]
    async with stored.read() as work:
        upgrade = await work.upgrades.find(ACME, submitted.upgrade) if submitted.upgrade else None
    assert upgrade is not None
    assert upgrade.request_id == submitted.id


async def test_draining_leaves_every_lease_free(stored: Storage, start: Start) -> None:
    """Whoever starts next can claim at once what is left."""
    process = start(FakeCloud(a_catalog()))
    await process.harness.catalog_cache.renew()
    process.harness.members.down = True
    running = asyncio.create_task(process.run())
    for number in range(5):
        await put(stored, a_submitted_form(), key=f"form {number}", queue=f"cluster:{number}")

    await process.worker.drain(within=5)
    await running

    counted = await stored.stats.inbox()
    assert counted.waiting == 5
    async with stored.begin() as work:
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="fresh", queue="cluster:fresh"))
        await work.commit()
    assert "cluster:fresh" in {lease.queue for lease in await stored.claims.claim_due(Lane.DECISIONS, limit=20)}


async def test_two_requests_for_a_cluster_at_the_same_moment_leave_one_open(stored: Storage, start: Start) -> None:
    """Two processes take them from two queues; the one stored second replaces the first."""
    cloud = FakeCloud(a_catalog())
    processes = [start(cloud), start(cloud)]
    for process in processes:
        await process.harness.catalog_cache.renew()
    for number in range(2):
        await put(stored, a_submitted_form(), key=f"form {number}", queue=f"cluster:{number}")
    running = [asyncio.create_task(process.run()) for process in processes]

    await until(stored, State.REPLACED)
    for process in processes:
        await process.worker.drain(within=5)
    await asyncio.gather(*running)

    assert {one.state for one in await requests(stored)} == {State.REPLACED, State.PENDING_APPROVAL}
    assert (await stored.stats.inbox()).waiting == 0


async def rewrite(storage: Storage, table: type[InboxRow | OutboxRow], number: int, **body: object) -> None:
    async with transaction(storage.engines.write) as newer:
        row = await newer.first(select(table.body).where(table.number == number))
        assert row is not None
        await newer.run(update(table).where(table.number == number).values(body={**row.body, **body}))
        await newer.commit()


async def test_a_row_of_a_newer_version_is_passed_by_and_given_up(stored: Storage, start: Start) -> None:
    """In either box: the rest goes on at once, its tries are counted, and whose entry it was is told."""
    request = an_upgrade_request()
    async with stored.begin() as work:
        await work.requests.add(request)
        await work.outbox.put(
            an_outbox_message("odd", queue="channel:C1"), an_outbox_message("alert", queue="channel:C1")
        )
        await work.inbox.put(NewEntry(entry=a_press(request, member=KIM), key="odd", queue="request:1"))
        await work.commit()
    await rewrite(stored, OutboxRow, 1, kind="KindOfTomorrow")
    await rewrite(stored, InboxRow, 1, kind="EntryOfTomorrow")
    process = start(FakeCloud(a_catalog()))
    await process.harness.catalog_cache.renew()
    told = process.told
    running = asyncio.create_task(process.run())

    async with asyncio.timeout(60):
        while not any(one.startswith("alert") for one in told):  # noqa: ASYNC110 - plain state
            await asyncio.sleep(0.02)
        await put(stored, a_press(request, member=SEM), key="press", queue="request:1")
        while not any("Approved (" in one for one in told):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
        while sum((await stored.stats.dead()).values()) < 2 or not any("given up" in one for one in told):
            await make_older(stored, 30)
            await asyncio.sleep(0.2)
    await process.worker.drain(within=1)
    await running

    letters = {letter.box: letter for letter in await stored.stats.dead_letters()}
    assert {box: letter.attempts for box, letter in letters.items()} == {Box.INBOX: 10, Box.OUTBOX: 10}
    assert letters[Box.INBOX].what == f"EntryOfTomorrow of {KIM}"
    assert letters[Box.OUTBOX].what.startswith("KindOfTomorrow to ")
