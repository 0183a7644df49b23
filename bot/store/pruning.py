"""Removes what ended long ago. Keys have to be known for a day after that, as Slack and people repeat themselves."""

from sqlalchemy import Delete, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.columns import DatabaseTime
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow
from bot.store.transaction import transaction

DAY_SECONDS = 86_400.0
FEWEST_DAYS = 2.0
AT_ONCE = 2000


async def prune(engine: AsyncEngine, *, days: float) -> int:
    """Remove ended rows, unused leases and paces older than so many days (2 at least); returns how many rows."""
    past = DatabaseTime() - max(days, FEWEST_DAYS) * DAY_SECONDS
    removed = 0
    for table, column, old in (
        (InboxRow, InboxRow.number, InboxRow.ended_at < past),
        (OutboxRow, OutboxRow.number, OutboxRow.ended_at < past),
        (PaceRow, PaceRow.name, PaceRow.next_at < past),
        (LeaseRow, LeaseRow.name, LeaseRow.claimed_at < past),
    ):
        statement = delete(table).where(column.in_(select(column).where(old).limit(AT_ONCE)))
        removed += await _remove(engine, statement)
    return removed


async def _remove(engine: AsyncEngine, statement: Delete) -> int:
    """Run it until it finds no more; others get in between, as SQLite has one writer at a time."""
    removed = 0
    while True:
        async with transaction(engine) as pruning:
            gone = await pruning.run(statement)
            await pruning.commit()
        removed += gone
        if gone < AT_ONCE:
            return removed
