"""Turns are shared fairly: one a second, only those about to send have one, and Slack's pauses hold for everybody."""

import pytest

from bot.notifications.pacing import NotYet, Pacing
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import Lease
from tests.fakes import FakeStorage


class Office:
    """A pacing with a clock that only sleeping moves."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.slept: list[float] = []
        self.stalls = 0.0
        self.pacing = Pacing(claims=self.storage.claims, sleep=self._sleep, seconds=self.storage.seconds)

    async def lease(self, queue: str) -> Lease:
        """Claim a queue."""
        lease = await self.storage.claims.claim(queue)
        assert lease is not None
        return lease

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.storage.pass_time(seconds + self.stalls)


async def test_the_first_goes_at_once_and_the_second_sleeps_a_moment() -> None:
    """A short wait is slept through."""
    office = Office()

    await office.pacing.turn("post:C1", await office.lease("a"), ahead=False)
    await office.pacing.turn("post:C1", await office.lease("b"), ahead=False)

    assert office.slept == [pytest.approx(1.0, abs=0.05)]


async def test_who_has_to_wait_long_comes_back_and_reserves_nothing() -> None:
    """A worker does not stand still for others, and a process that dies leaves no line behind."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=3)
    leases = [await office.lease(queue) for queue in "abcde"]

    for lease in leases:
        with pytest.raises(NotYet):
            await office.pacing.turn("post:C1", lease, ahead=False)
    office.storage.pass_time(3)
    await office.pacing.turn("post:C1", leases[0], ahead=False)

    assert office.slept == []


async def test_what_goes_ahead_takes_a_later_slot_and_leaves_none_to_those_who_wait() -> None:
    """A person's press passes by all repaints but the one that is about to go."""
    office = Office()
    repaint, press = await office.lease("repaint"), await office.lease("press")
    await office.storage.claims.hold("post:C1", seconds=1.5)

    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", repaint, ahead=False)
    await office.pacing.turn("post:C1", press, ahead=True)

    assert office.slept == [pytest.approx(1.5, abs=0.05)]


async def test_a_pause_that_slack_asked_for_holds_everybody() -> None:
    """A 429 is answered by silence, not by the next in line."""
    office = Office()
    lease = await office.lease("a")

    await office.pacing.hold("update:C1", seconds=30)
    office.storage.pass_time(3)

    for ahead in (False, True):
        with pytest.raises(NotYet):
            await office.pacing.turn("update:C1", lease, ahead=ahead)
    with pytest.raises(NotYet):
        await office.pacing.pass_by("update:C1", lease)
    await office.pacing.pass_by("update:C2", lease)


async def test_a_pause_goes_for_other_processes_and_after_a_restart() -> None:
    """It is stored: those who pass by everybody else keep it too."""
    office = Office()
    lease = await office.lease("a")
    other = Pacing(claims=office.storage.claims, sleep=office.pacing.sleep, seconds=office.storage.seconds)

    await office.pacing.hold("chat.update", seconds=15)

    with pytest.raises(NotYet):
        await other.pass_by("chat.update", lease)
    office.storage.pass_time(15)
    await other.pass_by("chat.update", lease)


async def test_who_lost_the_queue_has_no_turn_any_more() -> None:
    """A process that stalled, and wakes up when another works on its queue, sends nothing."""
    office = Office()
    lease = await office.lease("a")
    office.storage.pass_time(21)
    await office.lease("a")

    with pytest.raises(LeaseLost):
        await office.pacing.turn("post:C1", lease, ahead=True)
    with pytest.raises(LeaseLost):
        await office.pacing.pass_by("chat.update", lease)


async def test_who_stalls_before_the_turn_comes_does_not_use_it() -> None:
    """By then another process may send the same."""
    office = Office()
    await office.pacing.turn("post:C1", await office.lease("a"), ahead=False)
    office.stalls = 15.0

    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", await office.lease("b"), ahead=False)
