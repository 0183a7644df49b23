"""Taking turns: how fast may be posted, and who goes ahead. Slots are shared by all processes through Claims.

Only what is about to be sent has a slot, so that a process that dies leaves no line behind in which others stand.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.workflow.ports import Claims, Lease

EVERY: Final = 1.0
"""Slack takes about one message a second and channel."""
_SOON: Final = 1.0
_AHEAD: Final = 2.0
"""Within so many seconds a slot has to begin; what goes ahead may take a later one, and so finds the line short."""
_LOOK_AGAIN: Final = 1.0
_STALLED: Final = 8.0
"""Seconds after which a turn is not used any more: another process may soon hold the lease, and send it too."""


class NotYet(Exception):
    """It is not this queue's turn: try again in so many seconds. No attempt was made."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Pacing:
    """Waits for turns, in real seconds."""

    claims: Claims
    sleep: Callable[[float], Awaitable[None]]
    seconds: Callable[[], float]

    async def turn(self, pace: str, lease: Lease, *, ahead: bool) -> None:
        """Return when something of this queue may be sent; raises NotYet, and LeaseLost when another process sends it.

        `ahead` goes before those who wait.
        """
        asked = self.seconds()
        wait = await self.claims.next_slot(pace, lease, every=EVERY, within=_AHEAD if ahead else _SOON)
        if wait is None:
            raise NotYet(_LOOK_AGAIN)
        if wait > 0:
            await self.sleep(wait)
        if self.seconds() - asked > wait + _STALLED:
            raise NotYet(0.0)

    async def pass_by(self, pace: str, lease: Lease) -> None:
        """Take no turn; raises NotYet only while Slack asked for a pause, whichever process it asked, and LeaseLost."""
        wait = await self.claims.wait(pace, lease)
        if wait > 0:
            raise NotYet(min(wait, _LOOK_AGAIN))

    async def hold(self, pace: str, *, seconds: float) -> None:
        """Send nothing at this pace for so long, as Slack asked."""
        await self.claims.hold(pace, seconds=seconds)


def posts(destination: str) -> str:
    """Name the pace of new messages in a channel or to a person."""
    return f"post:{destination}"


def repaints(channel: str) -> str:
    """Name the pace of changed messages in a channel."""
    return f"update:{channel}"
