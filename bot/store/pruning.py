"""Removes what ended long ago. Keys have to be known for a day after that, as Slack and people repeat themselves."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.columns import DatabaseTime
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow
from bot.store.transaction import transaction

DAY_SECONDS = 86_400.0
FEWEST_DAYS = 2.0


async def prune(engine: AsyncEngine, *, days: float) -> int:
    """Remove ended rows, unused leases and paces older than so many days (2 at least); returns how many rows."""
    past = DatabaseTime() - max(days, FEWEST_DAYS) * DAY_SECONDS
    async with transaction(engine) as pruning:
        removed = [
            await pruning.run(delete(InboxRow).where(InboxRow.ended_at < past)),
            await pruning.run(delete(OutboxRow).where(OutboxRow.ended_at < past)),
            await pruning.run(delete(PaceRow).where(PaceRow.next_at < past)),
            await pruning.run(delete(LeaseRow).where(LeaseRow.claimed_at < past)),
        ]
        await pruning.commit()
    return sum(removed)
