"""What people decided is stored before it is acknowledged; what comes in at once, together."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
import structlog

from bot.observe.reference import referenced
from bot.slack.storing import Storing
from bot.store.storage import Storage
from bot.workflow.errors import StoreAway
from bot.workflow.inbox import AnyEntry
from bot.workflow.ports import Lease, UnitOfWork
from tests.builders import a_press

BROKEN = cast("AnyEntry", object())
"""Nothing that can be written down."""


@dataclass
class Gate:
    """A real store that counts transactions, lets none begin before it opens, and may be away."""

    storage: Storage
    begun: int = 0
    away: bool = False
    knocked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def begin(self, lease: Lease | None = None) -> AsyncIterator[UnitOfWork]:
        """Begin a transaction once the gate is open."""
        self.begun += 1
        self.knocked.release()
        await self.opened.wait()
        if self.away:
            raise StoreAway("The database is away.")
        async with self.storage.begin(lease) as work:
            yield work

    async def stored(self, queues: Iterable[str]) -> dict[str, str]:
        """Return the reference of what is stored in each of the queues."""
        async with self.storage.read() as work:
            found = {queue: await work.inbox.due(queue) for queue in queues}
        return {queue: received.reference for queue, received in found.items() if received}


@pytest.fixture
async def gate(sqlite_url: str) -> AsyncIterator[Gate]:
    storage = Storage.open(sqlite_url)
    await storage.migrate()
    yield Gate(storage)
    await storage.close()


def arriving(storing: Storing, queue: str, entry: AnyEntry | None = None) -> "asyncio.Task[None]":
    async def deliver() -> None:
        with referenced(f"REF-{queue}"):
            await storing.put(entry or a_press(), key=queue, queue=queue)

    return asyncio.create_task(deliver())


async def test_what_arrives_during_a_commit_is_committed_together_after_it(gate: Gate) -> None:
    """Sixteen presses at once cost two commits; each is stored under the reference of its own delivery."""
    queues, storing = [f"q{number}" for number in range(16)], Storing(begin=gate.begin)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        first = arriving(storing, queues[0])
        await gate.knocked.acquire()
        others = [arriving(storing, queue) for queue in queues[1:]]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *others)

    assert gate.begun == 2
    assert await gate.stored(queues) == {queue: f"REF-{queue}" for queue in queues}
    logged = {line["queue"]: line["reference"] for line in lines if line["event"] == "inbox.stored"}
    assert logged == {queue: f"REF-{queue}" for queue in queues}


async def test_when_the_store_is_away_everybody_in_the_commit_hears_it_at_once(gate: Gate) -> None:
    """Nobody waits for a failure of their own; the next one is stored as soon as the store is back."""
    gate.away, storing = True, Storing(begin=gate.begin)
    new_entries = [arriving(storing, f"q{number}") for number in range(16)]
    await gate.knocked.acquire()
    gate.opened.set()
    heard = await asyncio.gather(*new_entries, return_exceptions=True)
    gate.away = False
    await arriving(storing, "later")

    assert {type(one) for one in heard} == {StoreAway}
    assert gate.begun == 2
    assert list(await gate.stored(["q0", "q15", "later"])) == ["later"]


async def test_what_cannot_be_stored_spoils_nothing_else(gate: Gate) -> None:
    """Only whoever sent it hears of it."""
    storing = Storing(begin=gate.begin)
    new_entries = [arriving(storing, queue, BROKEN if queue == "q2" else None) for queue in ("q0", "q1", "q2", "q3")]
    gate.opened.set()
    heard = await asyncio.gather(*new_entries, return_exceptions=True)

    assert [one is None for one in heard] == [True, True, False, True]
    assert list(await gate.stored(["q0", "q1", "q2", "q3"])) == ["q0", "q1", "q3"]


async def test_whoever_no_longer_waits_spoils_nothing(gate: Gate) -> None:
    """What a person pressed is stored all the same."""
    storing, queues = Storing(begin=gate.begin), ["q0", "q1", "q2", "q3"]
    first, second, *others = [arriving(storing, queue) for queue in queues]
    await gate.knocked.acquire()
    first.cancel()
    second.cancel()
    await asyncio.wait([first, second])
    gate.opened.set()
    await asyncio.gather(*others)

    assert first.cancelled()
    assert set(await gate.stored(queues)) == set(queues)
