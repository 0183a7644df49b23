"""A shutdown waits for nobody who only sleeps."""

import asyncio

import pytest

from bot.runner.interruptible_sleep import InterruptibleSleep
from tests.builders import an_outbox_message
from tests.runner.harness import SOON, Shift
from tests.workflow.harness import a_house


async def test_whoever_sleeps_is_broken_off() -> None:
    """Ten minutes end at once."""
    sleeper = InterruptibleSleep()
    asleep = asyncio.create_task(sleeper.sleep(600))
    await asyncio.sleep(0)

    sleeper.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asleep, SOON)


async def test_nobody_falls_asleep_afterwards() -> None:
    """What is in hand goes on to its next sleep, and no further."""
    sleeper = InterruptibleSleep()
    sleeper.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(sleeper.sleep(600)), SOON)


async def test_a_delivery_that_waits_for_its_turn_gives_its_lease_back_at_once() -> None:
    """Nothing of it was sent, so another process sends it."""
    house, sleeper = await a_house(), InterruptibleSleep()
    shift = Shift(house)
    shift.post.nap = sleeper.sleep
    running = asyncio.create_task(shift.worker.run())
    await shift.put(an_outbox_message("slow", queue="channel:slow"))
    await shift.until(lambda: shift.held("channel:slow"))

    sleeper.end()
    await shift.worker.drain(within=600)
    await running

    assert shift.post.delivered == []
    assert not any(held.until for held in house.storage.claims.leases.values())
