"""The worker: claims queues of the inbox and the outbox, serves them side by side, and drains them at shutdown."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection
from contextvars import Context
from dataclasses import dataclass

import structlog

from bot.observe.metrics import LEASES_LOST
from bot.runner.leases import RENEW_EVERY, break_off, kept
from bot.runner.outage import Outage
from bot.runner.queue_runner import QueueRunner
from bot.workflow.errors import LeaseLost, OlderPolicy, StoreAway
from bot.workflow.ports import Claims, Lease
from bot.workflow.queues import Lane, Queue
from bot.workflow.retrying import growing_pause

log = structlog.get_logger("bot.runner")

_AT_ONCE = 16
"""Slots of each lane: however many forms come in or messages wait, decisions and submissions go on."""
_IDLE = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    claims: Claims
    queue_runner: QueueRunner
    resting: Callable[[], bool]


class Worker:
    """Serves the queues that a commit claimed for it, and those that it claims itself.

    `wake` names a queue in which something is due; once a second the worker looks for everything else that is due. The
    store needs a worker before there is one that can run, so whatever it works with is passed to `run`.
    """

    def __init__(self, *, renew_every: float = RENEW_EVERY, outage: Outage | None = None) -> None:
        self._renew_every = renew_every
        self._outage = outage or Outage()
        self._running: _Running | None = None
        self._stopping = False
        self._named: dict[Lane, set[str]] = {lane: set() for lane in Lane}
        self._in_hand: dict[asyncio.Task[None], Queue] = {}
        self._failed: Counter[str] = Counter()
        self._claiming = asyncio.Lock()
        self._woken = asyncio.Event()
        self._look_again = 0.0

    def free_for(self, queues: Collection[Queue]) -> Collection[Queue]:
        """Return those of these queues that can be served at once."""
        if self._running is None or self._stopping or self._running.resting():
            return ()
        free = self._free()
        found: list[Queue] = []
        for lane, queue in sorted(set(queues).difference(self._in_hand.values())):
            if free[lane] > 0:
                free[lane] -= 1
                found.append((lane, queue))
        return found

    def take(self, lease: Lease) -> None:
        """Start serving a queue, which the commit that stored something in it has claimed."""
        if lease.lane is None:
            raise ValueError(f"{lease.queue} is no queue with work.")
        if self._running is None:
            raise RuntimeError("A worker that does not run takes nothing.")
        # In a context of its own: its log lines say nothing of the work that stored it.
        task = asyncio.create_task(self._serve(self._running, lease.lane, lease), context=Context())
        self._in_hand[task] = lease.lane, lease.queue
        task.add_done_callback(self._ended)

    def wake(self, lane: Lane, queue: str) -> None:
        """Claim this queue as soon as a slot is free."""
        if self._running is not None and self._running.resting():
            return
        self._named[lane].add(queue)
        self._woken.set()

    async def run(
        self, *, claims: Claims, queue_runner: QueueRunner, resting: Callable[[], bool] = lambda: False
    ) -> None:
        """Claim queues and serve them until drained; nothing is claimed while `resting`."""
        self._running = running = _Running(claims=claims, queue_runner=queue_runner, resting=resting)
        while not self._stopping:
            self._woken.clear()
            try:
                async with self._claiming:
                    await self._claim(running)
            except Exception as error:  # noqa: BLE001 - it is logged there
                self._outage.failed("worker.claim_failed", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE):
                    await self._woken.wait()

    async def drain(self, *, within: float) -> None:
        """Take no more work and let the rest end; after `within` seconds cancel it and release its lease."""
        self._stopping = True
        if self._running is not None:
            self._running.queue_runner.stopping = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                async with self._claiming:
                    pass  # what is being claimed right now is in progress too
                if self._in_hand:
                    await asyncio.wait(self._in_hand)
        await break_off(self._in_hand)

    async def _claim(self, running: _Running) -> None:
        """Claim what was named; and once a second whatever is due, or again when it was more than there are slots."""
        if running.resting():
            return
        ticks = asyncio.get_running_loop().time
        looks = ticks() >= self._look_again
        for lane in Lane:
            free = self._free()[lane]
            in_hand = {queue for of, queue in self._in_hand.values() if of is lane}
            among = self._named[lane] - in_hand
            if free < 1 or not (looks or among):
                continue
            self._named[lane] -= among
            leases = await running.claims.claim_due(lane, limit=free, among=None if looks else among, besides=in_hand)
            if len(leases) == free:
                self._named[lane] |= among - {lease.queue for lease in leases}
            for lease in leases:
                self.take(lease)
        if looks:
            self._look_again = ticks() + (_IDLE if min(self._free().values()) > 0 else 0.0)

    def _free(self) -> Counter[Lane]:
        """Count the free slots of each lane; commits that end at one moment may each count on the same ones."""
        free = Counter(dict.fromkeys(Lane, _AT_ONCE))
        free.subtract(lane for lane, _ in self._in_hand.values())
        return free

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._in_hand[task]
        self._woken.set()

    async def _serve(self, running: _Running, lane: Lane, lease: Lease) -> None:
        again_in = 0.0
        try:
            async with kept(running.claims, lease, renew_every=self._renew_every):
                again_in = await running.queue_runner.serve(lease)
        except LeaseLost:
            LEASES_LOST.inc()
            log.info("worker.taken_over", queue=lease.queue)
        except OlderPolicy:
            log.info("worker.left_to_others", queue=lease.queue)
            await self._release(running, lease)
        except asyncio.CancelledError:
            await self._release(running, lease)
            raise
        except Exception as error:  # noqa: BLE001 - it is logged there
            self._outage.failed("worker.failed", error, queue=lease.queue)
            await self._release(running, lease, again_in=self._rest(lease, error))
        else:
            self._failed.pop(lease.queue, None)
            await self._release(running, lease, again_in=again_in)
            if again_in:
                asyncio.get_running_loop().call_later(again_in, self.wake, lane, lease.queue)

    def _rest(self, lease: Lease, error: Exception) -> float:
        """Return for how long a queue rests in which something cannot be done: longer each time, if it is our fault."""
        if isinstance(error, StoreAway):
            return _IDLE
        self._failed[lease.queue] += 1
        return growing_pause(self._failed[lease.queue] - 1, first=_IDLE)

    async def _release(self, running: _Running, lease: Lease, *, again_in: float = 0.0) -> None:
        """Give the lease back, unless it went with the last thing in the queue."""
        try:
            if lease.held:
                await running.claims.release(lease, again_in=again_in)
            self._outage.over()
        except Exception as error:  # noqa: BLE001 - it is logged there, and the lease runs out by itself
            self._outage.failed("worker.not_released", error, queue=lease.queue)
