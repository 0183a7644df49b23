"""A shutdown waits for nobody who only sleeps."""

import asyncio

import pytest

from bot.runner.interruptible_sleep import InterruptibleSleep
from tests.builders import an_outbox_message
from tests.runner.harness import SOON, WorkerHarness
from tests.workflow.harness import a_harness


async def test_whoever_sleeps_is_broken_off() -> None:
    """Ten minutes end at once."""
    sleeper = InterruptibleSleep()
    asleep = asyncio.create_task(sleeper.sleep(600))
    await asyncio.sleep(0)

    sleeper.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asleep, SOON)


async def test_nobody_falls_asleep_afterwards() -> None:
    """Work in progress goes on to its next sleep, and no further."""
    sleeper = InterruptibleSleep()
    sleeper.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(sleeper.sleep(600)), SOON)


async def test_a_delivery_that_waits_for_its_turn_gives_its_lease_back_at_once() -> None:
    """Nothing of it was sent, so another process sends it."""
    harness, sleeper = await a_harness(), InterruptibleSleep()
    bench = WorkerHarness(harness)
    bench.recorder.sleep = sleeper.sleep
    running = asyncio.create_task(bench.run())
    await bench.put(an_outbox_message("slow", queue="channel:slow"))
    await bench.until(lambda: bench.held("channel:slow"))

    sleeper.end()
    await bench.worker.drain(within=600)
    await running

    assert bench.recorder.delivered == []
    assert not any(held.until for held in harness.storage.claims.leases.values())
