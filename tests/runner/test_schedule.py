import asyncio
from datetime import timedelta
from functools import partial
from time import monotonic

import pytest

from bot.runner.clockwatch import ClockWatch
from bot.runner.schedule import Schedule
from tests.builders import NOON
from tests.fakes import FakeClock

TICK = timedelta(milliseconds=30)
SOON = 30.0
"""Real seconds after which a test gives up."""


async def test_a_job_never_runs_twice_at_once() -> None:
    """A slow run swallows the ticks that fall into it."""
    running, most, runs = 0, 0, 0
    enough = asyncio.Event()
    schedule = Schedule()

    async def slow() -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        if runs == 3:
            enough.set()

    schedule.every(TICK, "slow", slow)
    schedule.start()
    await asyncio.wait_for(enough.wait(), SOON)
    schedule.close()

    assert most == 1


async def test_the_pause_begins_when_a_run_ends() -> None:
    """So what a run puts off by the pause is due at the very next tick, not at the one after."""
    begun: list[float] = []
    ended: list[float] = []
    enough = asyncio.Event()
    schedule = Schedule()

    async def job() -> None:
        begun.append(monotonic())
        await asyncio.sleep(TICK.total_seconds() / 2)
        ended.append(monotonic())
        if len(begun) == 4:
            enough.set()

    schedule.every(TICK, "job", job)
    schedule.start()
    await enough.wait()
    schedule.close()

    pauses = [start - end for end, start in zip(ended, begun[1:], strict=False)]
    assert all(pause >= TICK.total_seconds() for pause in pauses)


async def test_a_job_that_failed_runs_again() -> None:
    """A tick knows nothing of the one before."""
    failed, again = False, asyncio.Event()
    schedule = Schedule()

    async def failing() -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise RuntimeError("The first one fails.")
        again.set()

    schedule.every(TICK, "failing", failing)
    schedule.start()

    await asyncio.wait_for(again.wait(), SOON)
    schedule.close()


async def test_a_stopped_schedule_starts_nothing_more() -> None:
    """What runs may end."""
    runs = 0
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    schedule = Schedule()

    async def job() -> None:
        nonlocal runs
        runs += 1
        begun.set()
        await may_end.wait()
        ended.set()

    schedule.every(TICK, "job", job)
    schedule.start()
    await asyncio.wait_for(begun.wait(), SOON)
    schedule.stop()
    may_end.set()
    await asyncio.wait_for(ended.wait(), SOON)
    await asyncio.sleep(5 * TICK.total_seconds())
    schedule.close()

    assert runs == 1


async def test_draining_waits_for_runs_and_breaks_off_what_does_not_end() -> None:
    """Both give back what they hold before anything is closed."""
    schedule, ended = Schedule(), []
    begun = asyncio.Semaphore(0)

    async def job(name: str, seconds: float) -> None:
        begun.release()
        try:
            await asyncio.sleep(seconds)
            ended.append(name)
        finally:
            await asyncio.sleep(0.01)
            ended.append(f"{name} gave back")

    schedule.every(TICK, "quick", partial(job, "quick", 0.1))
    schedule.every(TICK, "slow", partial(job, "slow", 60.0))
    schedule.start()
    for _ in range(2):
        await asyncio.wait_for(begun.acquire(), SOON)

    await schedule.drain(within=1.0)
    schedule.close()

    assert ended == ["quick", "quick gave back", "slow gave back"]


async def test_a_clock_that_is_set_back_stops_nothing() -> None:
    """What would be due only when the clock has caught up runs at once."""
    ran, clock = asyncio.Event(), FakeClock(NOON)
    schedule = Schedule()

    async def job() -> None:
        ran.set()

    schedule.every(timedelta(hours=1), "job", job)
    schedule.start()
    following = asyncio.create_task(schedule.follow(ClockWatch(clock)))
    await asyncio.sleep(0)
    clock.advance(timedelta(days=-3650))

    await asyncio.wait_for(ran.wait(), SOON)
    following.cancel()
    schedule.close()


@pytest.mark.parametrize(("seconds", "was_set"), [(-3600, True), (3600, True), (-1, False), (1, False)])
def test_a_clock_is_set_when_it_leaves_the_one_that_only_counts(seconds: int, *, was_set: bool) -> None:
    """A correction of a second is none, and each jump is noticed once."""
    clock, counted = FakeClock(NOON), [100.0]
    watch = ClockWatch(clock, seconds=lambda: counted[0])

    clock.advance(timedelta(seconds=60 + seconds))
    counted[0] += 60

    assert watch.was_set() is was_set
    assert watch.was_set() is False
