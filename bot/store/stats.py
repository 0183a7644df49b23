"""Counts for metrics and doctor: what waits, since when, what was given up, and who works on what. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.cluster import Organisation
from bot.domain.request import UNFINISHED, State
from bot.store.catalogs import FEEDS
from bot.store.coding import UNREADABLE
from bot.store.columns import SET_BACK, DatabaseTime, is_past
from bot.store.queues import statements
from bot.store.requests import CODEC as REQUESTS
from bot.store.tables import (
    CatalogRow,
    FeedRow,
    InboxRow,
    LeaseRow,
    OutboxRow,
    PaceRow,
    RequestRow,
    RolloutRow,
    UpgradeRow,
)
from bot.store.transaction import Transaction, transaction
from bot.workflow.queues import Box
from bot.workflow.repositories import Feed


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """How much waits in a box: all of it, what is due now, and how long the oldest waits in seconds."""

    waiting: int
    due: int
    oldest_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """What was given up: `what` names an entry and whose it is, or a message and where it goes."""

    box: Box
    number: int
    what: str
    error: str
    attempts: int
    dead_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A lease that lives: queue (with its box in front), who holds it, and for how many more seconds."""

    name: str
    owner: str
    seconds_left: float


@dataclass(frozen=True, slots=True)
class StoreStats:
    """The counts."""

    engine: AsyncEngine

    async def inbox(self) -> Depth:
        """Count what people sent and nobody decided yet."""
        async with transaction(self.engine) as counting:
            return await _depth(counting, InboxRow)

    async def received(self, queue: str) -> bool:
        """Whether anything was ever stored in this queue of the inbox, decided by now or not."""
        async with transaction(self.engine) as counting:
            return await counting.first(select(InboxRow.number).where(InboxRow.queue == queue).limit(1)) is not None

    async def outbox(self) -> Depth:
        """Count what was decided and is not yet told or done."""
        async with transaction(self.engine) as counting:
            return await _depth(counting, OutboxRow)

    async def dead(self) -> Mapping[Box, int]:
        """Count what was given up."""
        counts: dict[Box, int] = {}
        async with transaction(self.engine) as counting:
            for box, table in ((Box.INBOX, InboxRow), (Box.OUTBOX, OutboxRow)):
                row = await counting.first(select(func.count()).select_from(table).where(table.dead == 1))
                counts[box] = row[0] if row else 0
        return counts

    async def dead_letters(self, *, limit: int = 20) -> tuple[DeadLetter, ...]:
        """Return what was given up, the newest of each box first."""
        found: list[DeadLetter] = []
        async with transaction(self.engine) as counting:
            for box, table in ((Box.INBOX, InboxRow), (Box.OUTBOX, OutboxRow)):
                dead_for = (DatabaseTime() - table.ended_at).label("dead_seconds")
                query = select(table.number, table.body, table.error, table.attempts, dead_for).where(table.dead == 1)
                rows = await counting.all(query.order_by(table.number.desc()).limit(limit))
                found += [
                    DeadLetter(
                        box=box,
                        number=row.number,
                        what=_named(row.body),
                        error=row.error,
                        attempts=row.attempts,
                        dead_seconds=float(row.dead_seconds or 0.0),
                    )
                    for row in rows
                ]
        return tuple(found)

    async def unreadable_requests(self) -> Mapping[str, str]:
        """Return the requests that are still under way and that this version cannot read, and why."""
        done = (state.value for state in State if state not in UNFINISHED)
        found: dict[str, str] = {}
        async with transaction(self.engine) as counting:
            query = select(RequestRow.id, RequestRow.body, RequestRow.revision)
            for request_id, body, revision in await counting.all(query.where(RequestRow.state.not_in(list(done)))):
                try:
                    REQUESTS.decode(body, revision=revision)
                except UNREADABLE as error:
                    found[request_id] = " ".join(str(error).split())
        return found

    async def requests(self) -> Mapping[str, int]:
        """Count the requests by state."""
        async with transaction(self.engine) as counting:
            rows = await counting.all(select(RequestRow.state, func.count()).group_by(RequestRow.state))
        return dict(rows)

    async def rollouts(self) -> Mapping[str, int]:
        """Count the rollouts by state."""
        async with transaction(self.engine) as counting:
            rows = await counting.all(select(RolloutRow.state, func.count()).group_by(RolloutRow.state))
        return dict(rows)

    async def upgrades(self) -> Mapping[str, int]:
        """Count the scheduled upgrades by status."""
        async with transaction(self.engine) as counting:
            rows = await counting.all(select(UpgradeRow.status, func.count()).group_by(UpgradeRow.status))
        return dict(rows)

    async def feeds(self) -> tuple[Feed, ...]:
        """Return every feed: when statuses were read last, from where, and what was wrong."""
        async with transaction(self.engine) as counting:
            rows = await counting.all(select(FeedRow.body).order_by(FeedRow.organisation))
        return tuple(FEEDS.decode(row.body) for row in rows)

    async def catalogs(self) -> Mapping[Organisation, datetime]:
        """Return when each catalog was read."""
        async with transaction(self.engine) as counting:
            rows = await counting.all(select(CatalogRow.organisation, CatalogRow.fetched_at))
        return {Organisation(organisation): at for organisation, at in rows}

    async def paces(self, *, beyond: float) -> Mapping[str, float]:
        """Return the paces whose next slot begins only after so many seconds, and in how many it does."""
        left = (statements.NEXT_AT - DatabaseTime()).label("left")
        query = select(PaceRow.name, left).where(left > beyond, PaceRow.set_at <= DatabaseTime() + SET_BACK)
        async with transaction(self.engine) as counting:
            return dict(await counting.all(query.order_by(PaceRow.name)))

    async def last_claim_seconds(self) -> float | None:
        """Return how long ago a queue was last claimed, and so something stored; None before the first."""
        async with transaction(self.engine) as counting:
            row = await counting.first(select(DatabaseTime() - func.max(LeaseRow.claimed_at)))
        return None if row is None or row[0] is None else max(0.0, float(row[0]))

    async def leases(self) -> tuple[Holding, ...]:
        """Return the leases that live."""
        left = (LeaseRow.leased_until - DatabaseTime()).label("seconds_left")
        query = select(LeaseRow.name, LeaseRow.owner, left).where(LeaseRow.leased_until > DatabaseTime())
        async with transaction(self.engine) as counting:
            rows = await counting.all(query.order_by(LeaseRow.name))
        return tuple(
            Holding(name=name, owner=owner, seconds_left=float(seconds or 0.0)) for name, owner, seconds in rows
        )


def _named(body: object) -> str:
    """Name the content of a row, even one that cannot be read."""
    if not isinstance(body, dict):
        return "something unreadable"
    entry = body.get("value")
    if isinstance(entry, dict):
        return f"{body.get('kind')} of {entry.get('member') or '?'}"
    return f"{body.get('kind')} to {body.get('target') or body.get('request_id') or '?'}"


async def _depth(counting: Transaction, table: type[InboxRow] | type[OutboxRow]) -> Depth:
    is_due = is_past(table.due_at, since=table.waits_since)
    row = await counting.first(
        select(
            func.count().label("waiting"),
            func.count().filter(is_due).label("due"),
            (DatabaseTime() - func.min(table.stored_at)).label("oldest"),
        ).where(table.ended_at.is_(None))
    )
    if row is None or not row.waiting:
        return Depth(waiting=0, due=0, oldest_seconds=0.0)
    return Depth(waiting=row.waiting, due=row.due, oldest_seconds=max(0.0, float(row.oldest or 0.0)))
