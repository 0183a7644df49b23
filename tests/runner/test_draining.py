"""At shutdown the work in progress ends, nothing more is taken, and every lease is given back."""

import asyncio
from collections.abc import Collection

from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from tests.builders import an_outbox_message
from tests.fake_claims import FakeClaims
from tests.runner.harness import SOON, WorkerHarness
from tests.workflow.harness import Harness, a_harness


async def with_something_slow_in_hand(harness: Harness) -> tuple[WorkerHarness, asyncio.Task[None]]:
    """Start a worker, and wait until it delivers what does not end before it may."""
    bench = WorkerHarness(harness)
    running = asyncio.create_task(bench.run())
    bench.recorder.held["channel:slow"] = asyncio.Event()
    await bench.put(an_outbox_message("slow", queue="channel:slow"))
    await bench.until(lambda: bench.held("channel:slow"))
    return bench, running


async def test_draining_lets_what_is_in_hand_end_and_takes_nothing_more() -> None:
    """SIGTERM: the delivery ends, the next one stays, every lease is free."""
    harness = await a_harness()
    bench, running = await with_something_slow_in_hand(harness)

    draining = asyncio.create_task(bench.worker.drain(within=SOON))
    await asyncio.sleep(0.01)
    await bench.put(an_outbox_message("next", queue="channel:next"))
    bench.recorder.held["channel:slow"].set()
    await asyncio.gather(draining, running)

    assert bench.recorder.delivered == ["slow"]
    assert not any(held.until for held in harness.storage.claims.leases.values())


async def test_draining_breaks_off_what_does_not_end_and_frees_its_lease() -> None:
    """Another process can go on at once; nothing of it was recorded."""
    harness = await a_harness()
    bench, running = await with_something_slow_in_hand(harness)

    await bench.worker.drain(within=0.05)
    await running

    assert [lease.queue for lease in await harness.storage.claims.claim_due(Lane.DELIVERIES, limit=5)] == [
        "channel:slow"
    ]


class Slow(FakeClaims):
    """Leases that take their time to be claimed."""

    async def claim_due(
        self, lane: Lane, *, limit: int, among: Collection[str] | None = None, besides: Collection[str] = ()
    ) -> tuple[Lease, ...]:
        """Claim, then answer late."""
        leases = await super().claim_due(lane, limit=limit, among=among, besides=besides)
        await asyncio.sleep(0.1 if leases else 0)
        return leases


async def test_draining_waits_for_what_is_being_claimed_right_now() -> None:
    """Otherwise its lease would outlive the process."""
    harness = await a_harness()
    harness.storage.claims = Slow(harness.storage)
    bench = WorkerHarness(harness)
    await bench.put(an_outbox_message("late", queue="channel:late"))
    running = asyncio.create_task(bench.run())
    await bench.until(lambda: bench.held("channel:late"))

    await bench.worker.drain(within=SOON)
    await running

    assert not any(held.until for held in harness.storage.claims.leases.values())


class Gone(FakeClaims):
    """Leases in a database that does not answer any more."""

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:  # noqa: ARG002 - as Claims
        """Never end."""
        await asyncio.Event().wait()


async def test_draining_does_not_wait_for_a_database_that_does_not_answer() -> None:
    """The lease runs out by itself; the process has to end within ten seconds."""
    harness = await a_harness()
    harness.storage.claims = Gone(harness.storage)
    bench, running = await with_something_slow_in_hand(harness)

    await asyncio.wait_for(bench.worker.drain(within=0.05), SOON)
    await running
