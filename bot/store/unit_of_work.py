"""A unit of work: one transaction with all the repositories, committed as a whole or not at all."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.audit import StoredAudit
from bot.store.catalogs import Decoded, StoredCatalogs, StoredFeeds
from bot.store.freezes import StoredFreezes
from bot.store.places import StoredDestinations, StoredHomes, StoredMessages
from bot.store.policies import StoredPolicies
from bot.store.queues.boxes import StoredInbox, StoredOutbox
from bot.store.queues.leases import StoredClaims, check
from bot.store.readiness import StoredAlertChecks, StoredReadiness
from bot.store.requests import StoredRequests
from bot.store.rollouts import StoredRollouts
from bot.store.transaction import Transaction, transaction
from bot.store.upgrades import StoredUpgrades
from bot.workflow.ports import BeginWork, Lease, UnitOfWork


@dataclass(slots=True)
class Commits:
    """How many were made here."""

    count: int = 0


class StoredUnitOfWork:
    """One transaction. It ends with `commit`: nothing can be read or written with it afterwards."""

    def __init__(
        self, current: Transaction, lease: Lease | None, decoded: Decoded, *, claims: StoredClaims, commits: Commits
    ) -> None:
        self._transaction = current
        self._lease = lease
        self._claims = claims
        self._commits = commits
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
        self.policies = StoredPolicies(current)
        self.rollouts = StoredRollouts(current)
        self.freezes = StoredFreezes(current)
        self.readiness = StoredReadiness(current)
        self.alert_checks = StoredAlertChecks(current)

    async def commit(self) -> None:
        """Commit, release the lease if nothing is left in its queue, and start the work that was just stored.

        Raises LeaseLost when the lease that it was begun under is no longer ours.
        """
        claimed = await self._claims.claim_stored(self._transaction)
        held = None if self._lease is None else await check(self._transaction, self._lease)
        await self._transaction.commit()
        self._commits.count += 1
        if self._lease is not None:
            self._lease.held = bool(held)
        self._claims.begin(self._transaction.queues, claimed)


def beginner(
    engine: AsyncEngine,
    *,
    claims: StoredClaims,
    commits: Commits,
    turn: AbstractAsyncContextManager[object] | None = None,
) -> BeginWork:
    """Return what begins a unit of work on this engine; work under a lease takes its `turn` first."""
    decoded: Decoded = {}
    at_once = nullcontext()

    @asynccontextmanager
    async def working(lease: Lease | None) -> AsyncIterator[UnitOfWork]:
        async with turn if lease and turn else at_once, transaction(engine) as current:
            yield StoredUnitOfWork(current, lease, decoded, claims=claims, commits=commits)

    def begin(lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        return working(lease)

    return begin
