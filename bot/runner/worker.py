"""The worker: claims queues of the inbox and the outbox, works them off in stored order, drains at shutdown."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.domain.events import About
from bot.observe.metrics import LEASES_LOST
from bot.observe.reference import referenced
from bot.runner.leases import RENEW_EVERY, kept
from bot.runner.outage import Outage
from bot.workflow import errands
from bot.workflow.deciding import Deciding
from bot.workflow.entries import ButtonPressed, FormSubmitted, Received, RejectionGiven
from bot.workflow.errors import LeaseLost, MembersUnavailable, StoreAway
from bot.workflow.ports import BeginWork, Box, Claims, Lease
from bot.workflow.requesting import Later, Requesting
from bot.workflow.submitting import Submitting

log = structlog.get_logger("bot.runner")

_AT_ONCE = 16
_IDLE = 1.0
_LONGEST_PAUSE = 60.0
_NOTHING = About(organisation="", environment="", cluster="", from_version="", to_version="")
_KEPT = "Slack does not say just now who may do this. What you did is kept, and decided as soon as Slack answers."
_TAKES_ITS_TURN = (
    "An earlier request for this cluster is being submitted just now. Yours is kept, and made as soon as that is done."
)
_FAULT = "Something went wrong here. What you did is kept, and tried again until it works."
_A_WHILE = 3
"""Tries after which people are told why they still wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Duties:
    """What the worker calls for each kind of work."""

    requesting: Requesting
    deciding: Deciding
    submitting: Submitting
    deliver: Callable[[Lease], Awaitable[float]]


class Worker:
    """Works until stopped; `wake` makes it look at once."""

    def __init__(
        self,
        *,
        claims: Claims,
        begin: BeginWork,
        look: BeginWork,
        duties: Duties,
        renew_every: float = RENEW_EVERY,
        outage: Outage | None = None,
    ) -> None:
        self._claims = claims
        self._begin = begin
        self._look = look
        self._duties = duties
        self._renew_every = renew_every
        self._outage = outage or Outage()
        self._claiming = asyncio.Lock()
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def wake(self) -> None:
        """Look for work at once."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and work until stopped."""
        while not self._stopping:
            self._woken.clear()
            try:
                async with self._claiming:
                    began = await self._claim()
            except Exception as error:  # noqa: BLE001 - it is logged there
                self._outage.failed("worker.claim_failed", error)
                began = 0
            if began == 0 or len(self._tasks) >= _AT_ONCE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _IDLE)

    async def drain(self, *, within: float) -> None:
        """Take no more work and let what is in hand end; what has not by then is broken off, its lease given back."""
        self._stopping = True
        self.wake()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                async with self._claiming:
                    pass  # what is being claimed right now is in hand too
                if self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _claim(self) -> int:
        began = 0
        for box in Box:
            free = _AT_ONCE - len(self._tasks)
            leases = await self._claims.claim_due(box, limit=free) if free > 0 else ()
            for lease in leases:
                self._start(box, lease)
            began += len(leases)
        return began

    def _start(self, box: Box, lease: Lease) -> None:
        task = asyncio.create_task(self._serve(box, lease))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.wake()

    async def _serve(self, box: Box, lease: Lease) -> None:
        again_in = 0.0
        try:
            async with kept(self._claims, lease, renew_every=self._renew_every):
                if box is Box.INBOX:
                    await self._take_in(lease)
                elif lease.queue.startswith("submit:"):
                    await self._submit(lease)
                else:
                    again_in = await self._duties.deliver(lease)
        except LeaseLost:
            LEASES_LOST.inc()
            log.info("worker.taken_over", queue=lease.queue)
        except asyncio.CancelledError:
            await self._release(lease)
            raise
        except Exception as error:  # noqa: BLE001 - it is logged there
            self._outage.failed("worker.failed", error, queue=lease.queue)
            await self._release(lease, again_in=_IDLE)
        else:
            await self._release(lease, again_in=again_in)

    async def _release(self, lease: Lease, *, again_in: float = 0.0) -> None:
        try:
            await self._claims.release(lease, again_in=again_in)
            self._outage.over()
        except Exception as error:  # noqa: BLE001 - it is logged there, and the lease runs out by itself
            self._outage.failed("worker.not_released", error, queue=lease.queue)

    async def _take_in(self, lease: Lease) -> None:
        while not self._stopping:
            async with self._look() as work:
                received = await work.inbox.due(lease.queue)
            if received is None:
                return
            try:
                with referenced(received.reference or None, queue=lease.queue):
                    await self._take(received, lease)
            except Later as later:
                told = _TAKES_ITS_TURN if received.attempts == _A_WHILE else None
                await self._postpone(received, lease, seconds=later.seconds, error=str(later), tell=told)
            except MembersUnavailable as error:
                told = _KEPT if received.attempts == 0 else None
                await self._postpone(received, lease, seconds=_pause(received), error=str(error), tell=told)
            except (LeaseLost, StoreAway):
                raise
            except Exception as error:
                log.exception("inbox.failed", number=received.number, attempts=received.attempts)
                told = _FAULT if received.attempts == _A_WHILE else None
                await self._postpone(received, lease, seconds=_pause(received), error=repr(error), tell=told)
            self.wake()

    async def _take(self, received: Received, lease: Lease) -> None:
        match received.entry:
            case FormSubmitted() as submitted:
                await self._duties.requesting.request(received.number, submitted, lease)
            case ButtonPressed() as pressed:
                await self._duties.deciding.press(received.number, pressed, lease)
            case RejectionGiven() as given:
                await self._duties.deciding.reject(received.number, given, lease)

    async def _postpone(
        self, received: Received, lease: Lease, *, seconds: float, error: str, tell: str | None = None
    ) -> None:
        async with self._begin(lease) as work:
            await work.inbox.postpone(received.number, seconds=seconds, error=error)
            if tell:
                url = received.entry.response_url if isinstance(received.entry, ButtonPressed) else None
                key = f"kept:{received.number}:{received.attempts}"
                await work.outbox.put(
                    errands.answer(received.entry.member, tell, key=key, about=_NOTHING, response_url=url)
                )
            await work.commit()

    async def _submit(self, lease: Lease) -> None:
        while not self._stopping:
            async with self._look() as work:
                due = await work.outbox.due(lease.queue, limit=1)
            if not due:
                return
            try:
                with referenced(due[0].reference or None, queue=lease.queue):
                    await self._duties.submitting.submit(due[0], lease)
            except (LeaseLost, StoreAway):
                raise
            except Exception as error:
                unknown = not isinstance(error, MembersUnavailable)
                log.warning("submission.postponed", queue=lease.queue, error=repr(error), exc_info=unknown)
                async with self._begin(lease) as work:
                    pause = min(_LONGEST_PAUSE, 2.0 * 2 ** min(due[0].attempts, 6))
                    await work.outbox.postpone(due[0].number, seconds=pause, error=repr(error))
                    await work.commit()
            self.wake()


def _pause(received: Received) -> float:
    return float(min(_LONGEST_PAUSE, 1 << min(received.attempts, 6)))
