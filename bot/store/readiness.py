"""Readings of readiness, numbered as they are stored, and the comparisons of alerts that are still to be made."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from bot.domain.cluster import Organisation
from bot.domain.readiness import ReadinessReading
from bot.domain.request import RequestId
from bot.domain.scheduled import UpgradeIdentity
from bot.store.coding import UNREADABLE, Codec, note_unreadable
from bot.store.tables import AlertCheckRow, ReadinessRow
from bot.store.transaction import Transaction
from bot.workflow.repositories import AlertCheck

CODEC = Codec(ReadinessReading, without=frozenset({"number"}))
_READ = select(ReadinessRow.number, ReadinessRow.request_id, ReadinessRow.body)
_FIRST = (
    _READ.where(ReadinessRow.request_id == bindparam("request_id"), ReadinessRow.pending == 0)
    .order_by(ReadinessRow.number)
    .limit(1)
)
_LAST = select(ReadinessRow.request_id, ReadinessRow.pending).order_by(ReadinessRow.number.desc())


class StoredReadiness:
    """Readings in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def latest(self, *request_ids: RequestId) -> Mapping[RequestId, ReadinessReading]:
        """Return the latest reading of each of these requests that has one."""
        newest = (
            select(func.max(ReadinessRow.number))
            .where(ReadinessRow.request_id.in_(request_ids))
            .group_by(ReadinessRow.request_id)
        )
        rows = await self._transaction.all(_READ.where(ReadinessRow.number.in_(newest)))
        found = ((row.request_id, _reading(row.number, row.body)) for row in rows)
        return {RequestId(request_id): reading for request_id, reading in found if reading}

    async def first(self, request_id: RequestId) -> ReadinessReading | None:
        """Return the first reading of a request in which nothing was pending."""
        row = await self._transaction.first(_FIRST, request_id=request_id)
        return _reading(row.number, row.body) if row else None

    async def pending(self, *, among: int) -> tuple[RequestId, ...]:
        """Return the requests whose latest reading is one of the last so many, and has something pending."""
        rows = await self._transaction.all(_LAST.limit(among))
        newest = {RequestId(row.request_id): row.pending for row in reversed(rows)}
        return tuple(request_id for request_id, pending in newest.items() if pending)

    async def numbered(self, request_id: RequestId, number: int) -> ReadinessReading | None:
        """Return a reading of a request by its number."""
        query = _READ.where(ReadinessRow.number == number, ReadinessRow.request_id == request_id)
        row = await self._transaction.first(query)
        return _reading(row.number, row.body) if row else None

    async def add(self, request_id: RequestId, reading: ReadinessReading) -> ReadinessReading:
        """Store a reading and return it with its number; the first in which nothing is pending is kept."""
        pending = reading.readiness.is_pending
        first = not pending and await self._transaction.first(_FIRST, request_id=request_id) is None
        values = {
            "request_id": request_id,
            "kept": int(first),
            "pending": int(pending),
            "body": CODEC.encode(reading),
        }
        (row,) = await self._transaction.all(insert(ReadinessRow).returning(ReadinessRow.number), values)
        return ReadinessReading(number=row.number, at=reading.at, readiness=reading.readiness)

    async def keep(self, request_id: RequestId, number: int) -> None:
        """Note that something refers to a reading, so that it is never pruned."""
        statement = update(ReadinessRow).where(ReadinessRow.number == number, ReadinessRow.request_id == request_id)
        await self._transaction.run(statement.values(kept=1))


class StoredAlertChecks:
    """Comparisons in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def due(self, *, at: datetime) -> tuple[AlertCheck, ...]:
        """Return those due by now, the oldest first."""
        query = select(AlertCheckRow.organisation, AlertCheckRow.identity, AlertCheckRow.due_at)
        rows = await self._transaction.all(query.where(AlertCheckRow.due_at <= at).order_by(AlertCheckRow.due_at))
        return tuple(
            AlertCheck(organisation=Organisation(org), upgrade=UpgradeIdentity(identity), due_at=due_at)
            for org, identity, due_at in rows
        )

    async def put(self, check: AlertCheck) -> None:
        """Store one; a later one of the same upgrade takes its place."""
        statement = self._transaction.insert(AlertCheckRow).values(
            organisation=check.organisation, identity=check.upgrade, due_at=check.due_at
        )
        changed = {"due_at": statement.excluded.due_at}
        await self._transaction.run(
            statement.on_conflict_do_update(index_elements=["organisation", "identity"], set_=changed)
        )

    async def done(self, organisation: Organisation, *upgrades: UpgradeIdentity) -> None:
        """Remove them."""
        await self._transaction.run(
            delete(AlertCheckRow).where(
                AlertCheckRow.organisation == organisation, AlertCheckRow.identity.in_(upgrades)
            )
        )


def _reading(number: int, body: Mapping[str, object]) -> ReadinessReading | None:
    try:
        return CODEC.decode(body, number=number)
    except UNREADABLE as error:
        note_unreadable("reading", str(number), repr(error))
        return None
