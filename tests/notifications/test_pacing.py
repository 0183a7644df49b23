"""Turns are shared fairly: one a second, few reserve ahead, and Slack's pauses hold for everybody."""

import pytest

from bot.notifications.pacing import NotYet, Pacing
from tests.fakes import FakeStorage


class Office:
    """A pacing with a clock that only sleeping moves."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.slept: list[float] = []
        self.pacing = Pacing(claims=self.storage.claims, sleep=self._sleep, seconds=self.storage.seconds)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.storage.pass_time(seconds)


async def test_the_first_goes_at_once_and_the_second_sleeps_a_moment() -> None:
    """A short wait is slept through."""
    office = Office()

    await office.pacing.turn("post:C1", queue="a", ahead=False)
    await office.pacing.turn("post:C1", queue="b", ahead=False)

    assert office.slept == [pytest.approx(1.0, abs=0.05)]


async def test_a_long_wait_is_left_and_comes_back_to_its_own_slot() -> None:
    """A worker does not stand still for others; the slot stays reserved."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=3)

    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", queue="a", ahead=False)
    office.storage.pass_time(3)
    await office.pacing.turn("post:C1", queue="a", ahead=False)

    assert office.slept == []


async def test_a_reserved_slot_is_used_once() -> None:
    """The next message of the same queue waits for a slot of its own."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=3)
    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", queue="a", ahead=False)
    office.storage.pass_time(3)

    await office.pacing.turn("post:C1", queue="a", ahead=False)
    await office.pacing.turn("post:C1", queue="a", ahead=False)

    assert office.slept == [pytest.approx(1.0, abs=0.05)]


async def test_who_comes_a_moment_late_still_has_the_slot() -> None:
    """Others who ask meanwhile do not take it away."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=3)
    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", queue="a", ahead=False)
    office.storage.pass_time(3.2)
    await office.pacing.turn("post:C1", queue="b", ahead=False)
    before = list(office.slept)

    await office.pacing.turn("post:C1", queue="a", ahead=False)

    assert office.slept == before


async def test_only_three_reserve_ahead_unless_they_are_urgent() -> None:
    """So what is urgent finds the line short."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=10)
    for queue in "abcde":
        with pytest.raises(NotYet):
            await office.pacing.turn("post:C1", queue=queue, ahead=False)

    with pytest.raises(NotYet):
        await office.pacing.turn("post:C1", queue="urgent", ahead=True)

    assert office.storage.claims.paces["post:C1"] - office.storage.seconds() == pytest.approx(14, abs=0.1)


async def test_a_pause_that_slack_asked_for_holds_those_who_reserved_and_those_who_pass_by() -> None:
    """A 429 is answered by silence, not by the next in line."""
    office = Office()
    await office.storage.claims.hold("update:C1", seconds=2)
    with pytest.raises(NotYet):
        await office.pacing.turn("update:C1", queue="a", ahead=False)

    await office.pacing.hold("update:C1", seconds=30)
    office.storage.pass_time(3)

    with pytest.raises(NotYet):
        await office.pacing.turn("update:C1", queue="a", ahead=False)
    with pytest.raises(NotYet):
        await office.pacing.pass_by("update:C1")
    await office.pacing.pass_by("update:C2")


async def test_a_pause_goes_for_other_processes_and_after_a_restart() -> None:
    """It is stored: those who pass by everybody else keep it too."""
    office = Office()
    other = Pacing(claims=office.storage.claims, sleep=office.pacing.sleep, seconds=office.storage.seconds)

    await office.pacing.hold("chat.update", seconds=30)

    with pytest.raises(NotYet):
        await other.pass_by("chat.update")
    office.storage.pass_time(30)
    await other.pass_by("chat.update")


async def test_a_slot_that_was_not_used_is_forgotten() -> None:
    """Another process took the queue over; its slots do not block the line for ever."""
    office = Office()
    await office.storage.claims.hold("post:C1", seconds=2)
    for queue in "abc":
        with pytest.raises(NotYet):
            await office.pacing.turn("post:C1", queue=queue, ahead=False)

    office.storage.pass_time(20)

    await office.pacing.turn("post:C1", queue="d", ahead=False)
