"""Storage: everything that is stored, behind one object. Nothing is opened until it is used."""

import os
import socket
from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy import ColumnElement, Delete, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.access import check_sessions, lacking_rights
from bot.store.columns import DatabaseTime
from bot.store.engine import Engines, engines
from bot.store.migrating import migrate, pending, rehearse, version
from bot.store.queues.leases import LEASE_SECONDS, StoredClaims
from bot.store.sqlite.lock import DatabaseLock, hold_sqlite_lock
from bot.store.stats import StoreStats
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow, ReadinessRow
from bot.store.trail import AuditTrail
from bot.store.transaction import transaction
from bot.store.unit_of_work import Commits, beginner
from bot.workflow.ports import BeginReading, BeginWork, LocalWorker


@dataclass(slots=True)
class Storage:
    """One database. `begin` begins a unit of work that writes, `read` one that only reads."""

    url: str
    engines: Engines
    begin: BeginWork
    read: BeginReading
    claims: StoredClaims
    audit_trail: AuditTrail
    stats: StoreStats
    _commits: Commits
    _lock: DatabaseLock = field(default_factory=lambda: DatabaseLock(None))

    @classmethod
    def open(
        cls, url: str, *, lease_seconds: float = LEASE_SECONDS, local_worker: LocalWorker | None = None
    ) -> "Storage":
        """Prepare the database of a URL, touching nothing yet; raises ValueError for a URL we do not speak.

        Each commit claims for `local_worker`, if it has free slots, the queues in which something was stored, and
        starts the work.
        """
        opened = engines(url)
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        claims = StoredClaims(engines=opened, owner=owner, lasting=lease_seconds, local_worker=local_worker)
        commits = Commits()
        return cls(
            url=url,
            engines=opened,
            begin=beginner(opened.write, claims=claims, commits=commits, turn=opened.turn),
            read=beginner(opened.read, claims=claims, commits=commits),
            claims=claims,
            audit_trail=AuditTrail(opened.read),
            stats=StoreStats(opened.read),
            _commits=commits,
        )

    @property
    def commits(self) -> int:
        """Return how often something was stored here: what was read before the latest time may not hold any more."""
        return self._commits.count

    async def take(self) -> None:
        """Make the database ready for this process to work on: locked if it is SQLite, its tables up to date.

        What a dead process left leased in SQLite is free at once. Raises DatabaseProblem.
        """
        if self._lock.handle is None:
            self._lock = hold_sqlite_lock(self.url)
        await self.check_sessions()
        await self.migrate()
        if self._lock.handle is not None:
            await self.claims.free_all()

    async def migrate(self) -> None:
        """Bring the tables up to date."""
        await migrate(self.engines.write)

    async def rehearse(self) -> None:
        """Find out whether the tables could be brought up to date, and leave them as they are."""
        await rehearse(self.engines.write)

    async def check_sessions(self) -> None:
        """Raise SessionsShared when a pooler gives each transaction another connection."""
        await check_sessions(self.engines)

    async def lacking_rights(self) -> tuple[str, ...]:
        """Return what this user may not do with the tables."""
        return await lacking_rights(self.engines.write)

    async def pending(self) -> tuple[str, ...]:
        """Return the migrations that are missing."""
        return await pending(self.engines.read)

    async def version(self) -> str | None:
        """Return the migration that the tables are at, None when there are none yet."""
        return await version(self.engines.read)

    async def ping(self) -> None:
        """Ask the database for its time; raises DatabaseUnavailable."""
        async with transaction(self.engines.read) as asking:
            await asking.first(select(DatabaseTime()))

    async def prune(self, *, days: float = 30.0) -> int:
        """Remove what ended so many days ago from inbox and outbox; returns how many rows."""
        return await prune(self.engines.write, days=days)

    async def close(self) -> None:
        """Close every connection and let another process in."""
        await self.engines.close()
        self._lock.release()


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
        (ReadinessRow, ReadinessRow.number, _unneeded(past)),
    ):
        statement = delete(table).where(column.in_(select(column).where(old).limit(AT_ONCE)))
        removed += await _remove(engine, statement)
    return removed


def _unneeded(past: ColumnElement[float]) -> ColumnElement[bool]:
    """Return which readings of readiness nothing refers to: not a vote, not the trail, and not the card."""
    newest = select(func.max(ReadinessRow.number)).group_by(ReadinessRow.request_id)
    return and_(ReadinessRow.kept == 0, ReadinessRow.stored_at < past, ReadinessRow.number.not_in(newest))


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
