"""A shutdown waits for nobody who only sleeps."""

import asyncio

import pytest

from bot.runner.interruptible_sleep import Naps
from tests.builders import an_errand
from tests.runner.harness import SOON, Shift
from tests.workflow.harness import a_house


async def test_whoever_sleeps_is_broken_off() -> None:
    """Ten minutes end at once."""
    naps = Naps()
    sleeper = asyncio.create_task(naps.sleep(600))
    await asyncio.sleep(0)

    naps.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(sleeper, SOON)


async def test_nobody_falls_asleep_afterwards() -> None:
    """What is in hand goes on to its next sleep, and no further."""
    naps = Naps()
    naps.end()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(naps.sleep(600)), SOON)


async def test_a_delivery_that_waits_for_its_turn_gives_its_lease_back_at_once() -> None:
    """Nothing of it was sent, so another process sends it."""
    house, naps = await a_house(), Naps()
    shift = Shift(house)
    shift.post.nap = naps.sleep
    running = asyncio.create_task(shift.worker.run())
    await shift.put(an_errand("slow", queue="channel:slow"))
    await shift.until(lambda: shift.held("channel:slow"))

    naps.end()
    await shift.worker.drain(within=600)
    await running

    assert shift.post.delivered == []
    assert not any(held.until for held in house.storage.claims.leases.values())
