"""Keeping a lease while the work under it lasts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from bot.workflow.errors import LeaseLost, StoreAway
from bot.workflow.ports import Claims, Lease

log = structlog.get_logger("bot.runner")

RENEW_EVERY = 5.0
"""Real seconds; a quarter of a lease, so that one failure or two to renew it lose nothing."""


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
