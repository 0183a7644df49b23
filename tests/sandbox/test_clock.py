"""The simulated clock keeps time at any speed, and wakes whoever waits for a moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.clock import SimulatedClock

MONDAY = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)


class Seconds:
    """Real seconds that a test passes by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the seconds."""
        return self.now


def test_a_faster_clock_passes_more_time() -> None:
    """One real second is as many simulated seconds as the speed says."""
    seconds = Seconds()
    clock = SimulatedClock(MONDAY, 60, monotonic=seconds)

    seconds.now += 2

    assert clock() == MONDAY + timedelta(minutes=2)


def test_a_change_of_speed_keeps_the_moment() -> None:
    """What passed before passed at the old speed."""
    seconds = Seconds()
    clock = SimulatedClock(MONDAY, 60, monotonic=seconds)

    seconds.now += 1
    clock.set_speed(1)
    seconds.now += 1

    assert clock() == MONDAY + timedelta(seconds=61)
    assert clock.speed == 1


def test_a_paused_clock_stands_still_until_it_is_resumed() -> None:
    """The time spent in the pause never passed."""
    seconds = Seconds()
    clock = SimulatedClock(MONDAY, 1, monotonic=seconds)

    clock.pause()
    seconds.now += 50
    stood = clock()
    clock.resume()
    seconds.now += 5

    assert stood == MONDAY
    assert clock() == MONDAY + timedelta(seconds=5)


def test_a_paused_clock_can_be_set_forward_exactly() -> None:
    """Advance and jump land on the very moment, and the pause goes on."""
    clock = SimulatedClock(MONDAY, 60)
    clock.pause()
    clock.jump(MONDAY)

    clock.advance(timedelta(hours=3))
    later = clock()
    clock.jump(MONDAY + timedelta(days=1))

    assert later == MONDAY + timedelta(hours=3)
    assert clock() == MONDAY + timedelta(days=1)
    assert clock.paused


async def test_a_waiter_wakes_when_its_moment_comes_by_itself() -> None:
    """A simulated minute at speed 6000 is a hundredth of a second."""
    clock = SimulatedClock(MONDAY, 6000)

    async with asyncio.timeout(60):
        await clock.wait_until(MONDAY + timedelta(minutes=1))

    assert clock() >= MONDAY + timedelta(minutes=1)


async def test_a_waiter_wakes_when_the_clock_jumps_past_its_moment() -> None:
    """A jump is felt at once, also while the clock stands still."""
    clock = SimulatedClock(MONDAY, 1)
    clock.pause()
    waiter = asyncio.create_task(clock.wait_until(MONDAY + timedelta(days=1)))
    await asyncio.sleep(0)

    clock.advance(timedelta(hours=23))
    await asyncio.sleep(0.01)
    early = waiter.done()
    clock.advance(timedelta(hours=2))

    assert not early
    await asyncio.wait_for(waiter, 60)


async def test_a_waiter_feels_a_new_speed() -> None:
    """Who waits an hour at speed one is done in a moment when the speed rises."""
    clock = SimulatedClock(MONDAY, 1)
    waiter = asyncio.create_task(clock.sleep(timedelta(hours=1)))
    await asyncio.sleep(0)

    clock.set_speed(360_000)

    await asyncio.wait_for(waiter, 60)


def test_watchers_hear_of_changes_until_they_leave() -> None:
    """Pause, resume, speed and jump are told; after unwatching nothing is."""
    clock = SimulatedClock(MONDAY, 1)
    heard: list[datetime] = []

    def listen() -> None:
        heard.append(clock())

    clock.watch(listen)
    clock.pause()
    clock.jump(MONDAY)
    clock.set_speed(2)
    clock.resume()
    clock.unwatch(listen)
    clock.unwatch(listen)
    clock.pause()

    assert len(heard) == 4


def test_nonsense_is_refused() -> None:
    """No naive moments, no speed of zero, no negative advance."""
    clock = SimulatedClock(MONDAY, 1)

    with pytest.raises(ValueError, match="aware"):
        SimulatedClock(MONDAY.replace(tzinfo=None), 1)
    with pytest.raises(ValueError, match="aware"):
        clock.jump(MONDAY.replace(tzinfo=None))
    with pytest.raises(ValueError, match="above zero"):
        clock.set_speed(0)
    with pytest.raises(ValueError, match="only advances"):
        clock.advance(timedelta(seconds=-1))
