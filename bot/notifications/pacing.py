"""Taking turns: how fast may be posted, and who goes ahead. Slots are shared by all processes through Claims."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from bot.workflow.ports import Claims

EVERY: Final = 1.0
"""Slack takes about one message a second and channel."""
_LONGEST_SLEEP: Final = 1.0
_LOOK_AGAIN: Final = 1.0
_STALE: Final = 5.0
_RESERVED_AT_MOST: Final = 3


class NotYet(Exception):
    """It is not this queue's turn: try again in so many seconds. No attempt was made."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(slots=True)
class Pacing:
    """Waits for turns, in real seconds.

    Few queues of a pace reserve ahead, so that what is urgent never stands at the far end.
    """

    claims: Claims
    sleep: Callable[[float], Awaitable[None]]
    seconds: Callable[[], float]
    _reserved: dict[tuple[str, str], float] = field(default_factory=dict)

    async def turn(self, pace: str, *, queue: str, ahead: bool) -> None:
        """Return when this queue may send; raises NotYet. `ahead` may always reserve a slot."""
        now = self.seconds()
        begins = self._reserved.get((pace, queue))
        if begins is None:
            self._forget_stale(now)
            if not ahead and sum(name == pace for name, _ in self._reserved) >= _RESERVED_AT_MOST:
                raise NotYet(_LOOK_AGAIN)
            wait = await self.claims.next_slot(pace, every=EVERY)
            now = self.seconds()  # from the answer on: counted from the question, a slow database makes it too early
            begins = now + wait
        if begins - now > _LONGEST_SLEEP:
            self._reserved[pace, queue] = begins
            raise NotYet(min(begins - now, _LOOK_AGAIN))
        self._reserved.pop((pace, queue), None)
        if begins > now:
            await self.sleep(begins - now)

    async def pass_by(self, pace: str) -> None:
        """Take no turn; raises NotYet only while Slack asked for a pause, whichever process it asked."""
        wait = await self.claims.wait(pace)
        if wait > 0:
            raise NotYet(min(wait, _LOOK_AGAIN))

    async def hold(self, pace: str, *, seconds: float) -> None:
        """Send nothing at this pace for so long, as Slack asked."""
        self._reserved = {key: begins for key, begins in self._reserved.items() if key[0] != pace}
        await self.claims.hold(pace, seconds=seconds)

    def _forget_stale(self, now: float) -> None:
        self._reserved = {key: begins for key, begins in self._reserved.items() if begins > now - _STALE}


def posts(destination: str) -> str:
    """Name the pace of new messages in a channel or to a person."""
    return f"post:{destination}"


def repaints(channel: str) -> str:
    """Name the pace of changed messages in a channel."""
    return f"update:{channel}"
