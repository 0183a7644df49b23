"""Turns are shared fairly: one a second, only those about to send have one, and Slack's pauses hold for everybody."""

import pytest

from bot.notifications.delivery.rate_limiter import NotYet, RateLimiter
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import Lease
from tests.fakes import FakeStorage


class SlackHarness:
    """A pacing with a clock that only sleeping moves."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.slept: list[float] = []
        self.leases: dict[str, Lease] = {}
        self.stalls = 0.0
        self.rate_limiter = RateLimiter(claims=self.storage.claims, sleep=self._sleep, seconds=self.storage.seconds)

    async def lease(self, queue: str) -> Lease:
        """Claim a queue."""
        lease = await self.storage.claims.claim(queue)
        assert lease is not None
        return lease

    async def told_to_wait(self, queue: str, *, ahead: bool = False) -> float:
        """Ask for a turn that is not to be had yet; returns after how many seconds to come back."""
        if queue not in self.leases:
            self.leases[queue] = await self.lease(queue)
        with pytest.raises(NotYet) as waits:
            await self.rate_limiter.turn("post:C1", self.leases[queue], ahead=ahead)
        return waits.value.seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.storage.pass_time(seconds + self.stalls)


async def test_the_first_goes_at_once_and_the_second_comes_back_a_second_later() -> None:
    """Nobody stands still for it, which would keep a worker from something else."""
    harness = SlackHarness()

    await harness.rate_limiter.turn("post:C1", await harness.lease("a"), ahead=False)
    second = await harness.told_to_wait("b")
    harness.storage.pass_time(second)
    await harness.rate_limiter.turn("post:C1", harness.leases["b"], ahead=False)

    assert second == pytest.approx(1.0, abs=0.05)
    assert sum(harness.slept) < 0.1


async def test_those_who_wait_come_back_one_after_the_other_in_the_order_in_which_they_came() -> None:
    """Each is told its own second, and who comes later takes nobody's place."""
    harness = SlackHarness()
    await harness.storage.claims.hold("post:C1", seconds=1)
    waits = [await harness.told_to_wait(queue) for queue in "abc"]
    harness.storage.pass_time(1)

    late = await harness.told_to_wait("d")
    for queue in "abcd":
        await harness.rate_limiter.turn("post:C1", harness.leases[queue], ahead=False)
        harness.storage.pass_time(1)

    assert waits == [pytest.approx(seconds, abs=0.05) for seconds in (1, 2, 3)]
    assert late == pytest.approx(3, abs=0.05)
    assert not harness.rate_limiter.lines


async def test_who_stands_far_behind_looks_again_after_five_seconds_and_keeps_the_place() -> None:
    """Something more urgent may have come into the queue meanwhile."""
    harness = SlackHarness()
    await harness.storage.claims.hold("post:C1", seconds=1)
    waits = [await harness.told_to_wait(f"{number}") for number in range(10)]
    harness.storage.pass_time(5)

    again = await harness.told_to_wait("9")

    assert waits[-1] == pytest.approx(5, abs=0.05)
    assert again == pytest.approx(5, abs=0.05)


async def test_nobody_waits_for_one_who_does_not_come_back() -> None:
    """Another process may have taken over that queue."""
    harness = SlackHarness()
    await harness.storage.claims.hold("post:C1", seconds=1)
    await harness.told_to_wait("gone")
    await harness.told_to_wait("b")
    harness.storage.pass_time(3.5)

    await harness.rate_limiter.turn("post:C1", harness.leases["b"], ahead=False)


async def test_what_goes_ahead_comes_before_those_who_wait() -> None:
    """A person's press passes by all repaints."""
    harness = SlackHarness()
    await harness.storage.claims.hold("post:C1", seconds=1.5)
    await harness.told_to_wait("repaint")
    await harness.told_to_wait("press", ahead=True)
    harness.storage.pass_time(1.5)

    behind = await harness.told_to_wait("repaint")
    await harness.rate_limiter.turn("post:C1", harness.leases["press"], ahead=True)

    assert behind == pytest.approx(1.0, abs=0.05)


async def test_a_pause_that_slack_asked_for_holds_everybody() -> None:
    """A 429 is answered by silence, not by the next in line."""
    harness = SlackHarness()
    lease = await harness.lease("a")

    await harness.rate_limiter.hold("update:C1", seconds=30)
    harness.storage.pass_time(3)

    for ahead in (False, True):
        with pytest.raises(NotYet):
            await harness.rate_limiter.turn("update:C1", lease, ahead=ahead)
    with pytest.raises(NotYet):
        await harness.rate_limiter.pass_by("update:C1", lease)
    await harness.rate_limiter.pass_by("update:C2", lease)


async def test_a_pause_goes_for_other_processes_and_after_a_restart() -> None:
    """It is stored: those who pass by everybody else keep it too."""
    harness = SlackHarness()
    lease = await harness.lease("a")
    other = RateLimiter(
        claims=harness.storage.claims, sleep=harness.rate_limiter.sleep, seconds=harness.storage.seconds
    )

    await harness.rate_limiter.hold("chat.update", seconds=15)

    with pytest.raises(NotYet):
        await other.pass_by("chat.update", lease)
    harness.storage.pass_time(15)
    await other.pass_by("chat.update", lease)


async def test_who_lost_the_queue_has_no_turn_any_more() -> None:
    """A process that stalled, and wakes up when another works on its queue, sends nothing."""
    harness = SlackHarness()
    lease = await harness.lease("a")
    harness.storage.pass_time(21)
    await harness.lease("a")

    with pytest.raises(LeaseLost):
        await harness.rate_limiter.turn("post:C1", lease, ahead=True)
    with pytest.raises(LeaseLost):
        await harness.rate_limiter.pass_by("chat.update", lease)


async def test_who_stalls_before_the_turn_comes_does_not_use_it() -> None:
    """By then another process may send the same."""
    harness = SlackHarness()
    await harness.rate_limiter.turn("post:C1", await harness.lease("a"), ahead=False)
    harness.storage.pass_time(0.97)
    harness.stalls = 15.0

    with pytest.raises(NotYet):
        await harness.rate_limiter.turn("post:C1", await harness.lease("b"), ahead=False)
