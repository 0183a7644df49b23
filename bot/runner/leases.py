"""Keeping a lease while the work under it lasts, and giving it back when that is broken off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Any

import structlog

from bot.workflow.errors import LeaseLost, StoreAway
from bot.workflow.ports import Claims, Lease

log = structlog.get_logger("bot.runner")

RENEW_EVERY = 5.0
"""Real seconds; a quarter of a lease, so that one failure or two to renew it lose nothing."""
_GIVING_BACK = 1.5
"""Real seconds; a lease that cannot be given back by then runs out by itself."""
_AT_ONCE = 0.1


@contextlib.asynccontextmanager
async def kept(claims: Claims, lease: Lease, *, renew_every: float = RENEW_EVERY) -> AsyncIterator[None]:
    """Renew the lease again and again. Whoever lost it finds out when they want to record something."""
    renewing = asyncio.create_task(_renew(claims, lease, renew_every))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def _renew(claims: Claims, lease: Lease, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            await claims.renew(lease)
        except LeaseLost:
            return
        except StoreAway as error:
            log.warning("lease.not_renewed", queue=lease.queue, error=str(error))
        except Exception:
            log.exception("lease.not_renewed", queue=lease.queue)


async def break_off(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and let them give their leases back; a database that does not answer is not waited for.

    A statement that is cancelled first hangs up, then the lease is given back over another connection: each may hang.
    """
    for patience in (_GIVING_BACK, _AT_ONCE, _AT_ONCE):
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=patience)
