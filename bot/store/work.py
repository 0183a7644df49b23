"""Work: one transaction with all the repositories, committed as a whole or not at all."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.audit import StoredAudit
from bot.store.boxes import StoredInbox, StoredOutbox
from bot.store.catalogs import Decoded, StoredCatalogs, StoredFeeds
from bot.store.claims import check
from bot.store.places import StoredDestinations, StoredHomes, StoredMessages
from bot.store.requests import StoredRequests
from bot.store.transaction import Transaction, transaction
from bot.store.upgrades import StoredUpgrades
from bot.workflow.ports import BeginWork, Lease, Work


class StoredWork:
    """One transaction. It ends with `commit`: nothing can be read or written with it afterwards."""

    def __init__(self, current: Transaction, lease: Lease | None, decoded: Decoded) -> None:
        self._transaction = current
        self._lease = lease
        self.requests = StoredRequests(current)
        self.upgrades = StoredUpgrades(current)
        self.inbox = StoredInbox(current)
        self.outbox = StoredOutbox(current)
        self.audit = StoredAudit(current)
        self.messages = StoredMessages(current)
        self.catalogs = StoredCatalogs(current, decoded)
        self.feeds = StoredFeeds(current)
        self.homes = StoredHomes(current)
        self.destinations = StoredDestinations(current)

    async def commit(self) -> None:
        """Make it last; raises LeaseLost when it was begun under a lease that is no longer ours."""
        if self._lease is not None:
            await check(self._transaction, self._lease)
        await self._transaction.commit()


def beginner(engine: AsyncEngine) -> BeginWork:
    """Return what begins a Work on this engine."""
    decoded: Decoded = {}

    @asynccontextmanager
    async def working(lease: Lease | None) -> AsyncIterator[Work]:
        async with transaction(engine) as current:
            yield StoredWork(current, lease, decoded)

    def begin(lease: Lease | None = None) -> AbstractAsyncContextManager[Work]:
        return working(lease)

    return begin
