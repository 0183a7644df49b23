"""Faults on demand and the count of every call, per Web API method; response URLs count as ``response_url``."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass

EVERY_METHOD = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong. With `after`, Slack does the work first and then fails to say so."""

    status: int = 200
    error: str = ""
    """An error name in an otherwise ordinary answer, or beside `status`."""
    delay: float = 0.0
    """Seconds before the answer, real time."""
    drop: bool = False
    """Close the connection without an answer."""
    garbage: bool = False
    """Answer with something that is not JSON."""
    retry_after: int | None = None
    """Answer 429 ``ratelimited`` with this Retry-After, in seconds."""
    after: bool = False

    @property
    def spoils_answer(self) -> bool:
        """Whether the caller gets anything else than the true answer."""
        return bool(self.status != 200 or self.error or self.drop or self.garbage or self.retry_after is not None)  # noqa: PLR2004 - OK


@dataclass(slots=True)
class _Planned:
    fault: Fault
    left: int | None


class Faults:
    """Which faults the next calls meet, and how often each method was called."""

    def __init__(self) -> None:
        self._planned: dict[str, list[_Planned]] = defaultdict(list)
        self.calls: Counter[str] = Counter()
        self.down = False
        """Slack as a whole does not answer: every call is dropped."""

    def add(self, method: str, fault: Fault, *, times: int | None = 1) -> None:
        """Let the next calls of a method ('*': any) meet a fault; `times` None: until cleared.

        `users.info:U0SEM` are the calls about one user.
        """
        self._planned[method].append(_Planned(fault, times))

    def clear(self, method: str | None = None) -> None:
        """End the faults of one method, or all."""
        if method is None:
            self._planned.clear()
            self.down = False
        else:
            self._planned.pop(method, None)

    def met_by(self, method: str, *, about: str = "") -> Fault | None:
        """Count a call, perhaps about some user, and take the fault that it meets, if any."""
        self.calls[method] += 1
        if self.down:
            return Fault(drop=True)
        for name in (f"{method}:{about}", method, EVERY_METHOD):
            for planned in self._planned[name]:
                if planned.left is None:
                    return planned.fault
                planned.left -= 1
                if planned.left == 0:
                    self._planned[name].remove(planned)
                return planned.fault
        return None

    def standing(self) -> dict[str, int]:
        """How many faults wait, by method."""
        return {name: len(planned) for name, planned in self._planned.items() if planned}


async def wait_out(fault: Fault | None) -> None:
    """Sleep a fault's delay."""
    if fault is not None and fault.delay:
        await asyncio.sleep(fault.delay)
