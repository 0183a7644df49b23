"""A worker that runs over a harness, and what a test sees of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.runner.queue_runner import Handlers, QueueRunner
from bot.runner.worker import Worker
from bot.workflow.inbox import AnyEntry, NewEntry
from bot.workflow.outbox import OutboxMessage
from bot.workflow.ports import Lease
from bot.workflow.queues import Box, Lane
from tests.workflow.harness import Harness

SOON = 30.0
"""Real seconds after which a test gives up."""


class Recorder:
    """Delivers by marking messages done; a queue in `held` is not delivered until its event is set.

    `more` is stored between a look at what is due and the record of its delivery.
    """

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.delivered: list[str] = []
        self.held: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.failures = 0
        self.more: list[OutboxMessage] = []
        self.sleep: Callable[[float], Awaitable[None]] | None = None

    async def deliver(self, lease: Lease) -> float:
        """Deliver everything that is due in a queue."""
        if lease.queue in self.broken:
            self.failures += 1
            raise RuntimeError("This queue is broken.")
        if lease.queue in self.held:
            await self.held[lease.queue].wait()
        if self.sleep:
            await self.sleep(600)
        async with self.harness.storage.read() as work:
            found = await work.outbox.due(lease.queue, limit=100)
        async with self.harness.storage.begin() as work:
            await work.outbox.put(*self.more)
            self.more = []
            await work.commit()
        async with self.harness.storage.begin(lease) as work:
            for due in found:
                self.delivered.append(due.outgoing.key)
                await work.outbox.done(due.number)
            await work.commit()
        return 0.0


class WorkerHarness:
    """A worker that runs over a harness."""

    def __init__(
        self, harness: Harness, *, renew_every: float = 5.0, resting: Callable[[], bool] = lambda: False
    ) -> None:
        self.harness = harness
        self.recorder = Recorder(harness)
        self.resting = resting
        self.worker = Worker(renew_every=renew_every)
        harness.storage.claims.local_worker = self.worker

    async def run(self) -> None:
        """Let the worker run until it is drained."""
        handlers = Handlers(
            requesting=self.harness.requesting,
            deciding=self.harness.deciding,
            submitting=self.harness.submitting,
            rollouts=self.harness.rollouts,
            freezing=self.harness.freezing,
            deliver=self.recorder.deliver,
            slack_answers=self.harness.members.answers,
        )
        storage = self.harness.storage
        queue_runner = QueueRunner(begin=storage.begin, read=storage.read, handlers=handlers)
        await self.worker.run(claims=storage.claims, queue_runner=queue_runner, resting=self.resting)

    async def enter(self, entry: AnyEntry, *, queue: str) -> None:
        """Store an entry as an edge does."""
        async with self.harness.storage.begin() as work:
            await work.inbox.put(NewEntry(entry=entry, key=f"key-{next(self.harness.entered)}", queue=queue))
            await work.commit()

    async def put(self, *some: OutboxMessage) -> None:
        """Store outbox messages."""
        async with self.harness.storage.begin() as work:
            await work.outbox.put(*some)
            await work.commit()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(SOON):
            while not true():  # noqa: ASYNC110 - what is waited for is plain state
                await asyncio.sleep(0.005)

    async def later(self, seconds: float) -> None:
        """Let what was postponed become due, and wake the worker for it."""
        self.harness.storage.pass_time(seconds)
        tables = self.harness.storage.tables
        for row in tables.inbox.values():
            self.worker.wake(Lane.DECISIONS, row.queue)
        for row in tables.outbox.values():
            self.worker.wake(row.what.lane, row.queue)

    def held(self, queue: str, box: Box = Box.OUTBOX) -> bool:
        """Whether the queue is somebody's now."""
        lease = self.harness.storage.claims.leases.get((box, queue))
        return lease is not None and lease.until is not None


@asynccontextmanager
async def at_work(
    harness: Harness, *, renew_every: float = 5.0, resting: Callable[[], bool] = lambda: False
) -> AsyncIterator[WorkerHarness]:
    """Run a worker; it is drained in the end."""
    bench = WorkerHarness(harness, renew_every=renew_every, resting=resting)
    running = asyncio.create_task(bench.run())
    try:
        yield bench
    finally:
        await bench.worker.drain(within=1)
        await running
