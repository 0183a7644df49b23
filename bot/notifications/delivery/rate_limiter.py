"""Limits how fast messages are posted, and decides which goes first. Slots are shared by all processes through Claims.

Only what is sent at once has a slot, so that a process that dies leaves no line behind in which others stand. Nobody
waits here for a turn, which would keep the worker from something else: each process keeps a line for every pace, and
who stands in it is told when to come back.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from bot.workflow.ports import Claims, Lease

EVERY: Final = 1.0
"""Slack takes about one message a second and channel."""
_AT_ONCE: Final = 0.05
"""Within so many seconds a slot has to begin: a timer that rings a moment too early loses no turn."""
_LONGEST: Final = 5.0
"""Seconds after which who waits comes back at the latest: something more urgent may wait behind it."""
_LATE: Final = 2.0
"""Seconds after which who does not come back loses their place in the line."""
_STALLED: Final = 8.0
"""Seconds after which a turn is not used any more: another process may soon hold the lease, and send it too."""


class NotYet(Exception):
    """It is not this queue's turn: try again in so many seconds. No attempt was made."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(slots=True)
class Line:
    """Who waits for a pace in this process, in the order in which they came, and when each is to come back."""

    _ahead: dict[str, float] = field(default_factory=dict)
    _others: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._ahead or self._others)

    def before(self, queue: str, *, ahead: bool, now: float) -> int:
        """Count those whose turn comes before that of a queue; who is late is not waited for."""
        for some in (self._ahead, self._others):
            for one in [one for one, until in some.items() if until + _LATE < now and one != queue]:
                del some[one]
        mine = self._ahead if ahead else self._others
        place = list(mine).index(queue) if queue in mine else len(mine)
        return place if ahead else place + len(self._ahead.keys() - {queue})

    def join(self, queue: str, *, ahead: bool, until: float) -> None:
        """Keep a place for a queue, at the end unless it has one."""
        (self._others if ahead else self._ahead).pop(queue, None)
        (self._ahead if ahead else self._others)[queue] = until

    def leave(self, queue: str) -> None:
        """Give the place up."""
        self._ahead.pop(queue, None)
        self._others.pop(queue, None)


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Gives turns, in real seconds."""

    claims: Claims
    sleep: Callable[[float], Awaitable[None]]
    seconds: Callable[[], float]
    lines: dict[str, Line] = field(default_factory=dict)

    async def turn(self, pace: str, lease: Lease, *, ahead: bool, every: float = EVERY) -> None:
        """Return when something of this queue may be sent; raises NotYet, and LeaseLost when another process sends it.

        `ahead` goes before those who wait.
        """
        asked = self.seconds()
        line = self.lines.setdefault(pace, Line())
        before = line.before(lease.queue, ahead=ahead, now=asked)
        wait = None if before else await self.claims.next_slot(pace, lease, every=every, within=_AT_ONCE)
        if wait is None:
            next_slot = await self.claims.wait(pace, lease)
            seconds = min(next_slot + before * every, _LONGEST)
            line.join(lease.queue, ahead=ahead, until=asked + seconds)
            raise NotYet(seconds)
        line.leave(lease.queue)
        if not line:
            self.lines.pop(pace, None)
        if wait > 0:
            await self.sleep(wait)
        if self.seconds() - asked > wait + _STALLED:
            raise NotYet(0.0)

    async def pass_by(self, pace: str, lease: Lease) -> None:
        """Take no turn; raises NotYet only while Slack asked for a pause, whichever process it asked, and LeaseLost."""
        wait = await self.claims.wait(pace, lease)
        if wait > 0:
            raise NotYet(min(wait, _LONGEST))

    async def hold(self, pace: str, *, seconds: float) -> None:
        """Send nothing at this pace for so long, as Slack asked."""
        await self.claims.hold(pace, seconds=seconds)


def posts(destination: str) -> str:
    """Name the pace of new messages in a channel or to a person."""
    return f"post:{destination}"


def repaints(channel: str) -> str:
    """Name the pace of changed messages in a channel."""
    return f"update:{channel}"
