"""Leases on queues by the database's clock, with a rising number as fencing token; and paces."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, update

from bot.store.columns import SET_BACK, DatabaseTime, is_past
from bot.store.engine import Engines
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow
from bot.store.transaction import Transaction, transaction
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import Box, Lease

LEASE_SECONDS = 20.0
FREE = 0.0


@dataclass(frozen=True, slots=True)
class StoredClaims:
    """Leases in the database. `owner` names this process; `lasting` is how long a lease lives unless it is renewed."""

    engines: Engines
    owner: str
    lasting: float = LEASE_SECONDS

    async def claim_due(self, box: Box, *, limit: int) -> tuple[Lease, ...]:
        """Claim queues that have something due and are nobody's, the most urgent and oldest first."""
        async with transaction(self.engines.read) as looking:
            rows = await looking.all(self._due(box, limit=limit))
        queues = [row.queue for row in rows]
        if not queues:
            return ()
        names = {_name(queue, box): queue for queue in queues}
        numbers = await self._take(*names)
        return tuple(
            Lease(queue=queue, number=numbers[name], box=box) for name, queue in names.items() if name in numbers
        )

    async def claim(self, queue: str) -> Lease | None:
        """Claim a named queue such as `poll:acme`; None when it is somebody's or not due yet."""
        name = _name(queue, None)
        numbers = await self._take(name)
        return Lease(queue=queue, number=numbers[name]) if name in numbers else None

    async def renew(self, lease: Lease) -> None:
        """Prolong it; raises LeaseLost."""
        async with transaction(self.engines.write) as renewing:
            until = DatabaseTime() + self.lasting
            if not await renewing.run(update(LeaseRow).where(_is(lease)).values(leased_until=until)):
                raise LeaseLost(f"Another process works on {lease.queue} now.")
            await renewing.commit()

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:
        """Give it back; nobody can claim it again within so many seconds. One that was lost stays the other's."""
        async with transaction(self.engines.write) as releasing:
            await releasing.run(
                update(LeaseRow)
                .where(_is(lease))
                .values(leased_until=None, not_before=DatabaseTime() + again_in if again_in else FREE)
            )
            await releasing.commit()

    async def free_all(self) -> None:
        """Free every lease: for SQLite, where whoever holds the file's lock knows that their owners are dead."""
        async with transaction(self.engines.write) as freeing:
            await freeing.run(update(LeaseRow).where(LeaseRow.leased_until.is_not(None)).values(leased_until=None))
            await freeing.commit()

    async def next_slot(self, name: str, *, every: float) -> float:
        """Reserve the next slot of a pace; returns seconds to wait for it."""
        now = DatabaseTime()
        begins = case((is_past(PaceRow.next_at, since=PaceRow.set_at), now), else_=PaceRow.next_at)
        async with transaction(self.engines.write) as pacing:
            statement = pacing.insert(PaceRow).values(name=name, next_at=now + every)
            row = await pacing.first(
                statement.on_conflict_do_update(
                    index_elements=["name"], set_={"next_at": begins + every, "set_at": now}
                ).returning(PaceRow.next_at - every - now)
            )
            await pacing.commit()
        return max(0.0, float(row[0])) if row else 0.0

    async def hold(self, name: str, *, seconds: float) -> None:
        """Let no slot of a pace begin for so long."""
        now = DatabaseTime()
        until = now + seconds
        is_longer = and_(PaceRow.next_at > until, PaceRow.set_at <= now + SET_BACK)
        async with transaction(self.engines.write) as pacing:
            statement = pacing.insert(PaceRow).values(name=name, next_at=until)
            await pacing.run(
                statement.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"next_at": case((is_longer, PaceRow.next_at), else_=until), "set_at": now},
                )
            )
            await pacing.commit()

    async def _take(self, *names: str) -> dict[str, int]:
        """Take those that are free; returns their new numbers. A row that somebody has locked is somebody's."""
        claim: dict[str, object] = {
            "owner": self.owner,
            "claimed_at": DatabaseTime(),
            "leased_until": DatabaseTime() + self.lasting,
        }
        free = select(LeaseRow.name).where(LeaseRow.name.in_(names), self._is_free()).with_for_update(skip_locked=True)
        async with transaction(self.engines.write) as claiming:
            taken = await claiming.all(
                update(LeaseRow)
                .where(LeaseRow.name.in_(free))
                .values(number=LeaseRow.number + 1, **claim)
                .returning(LeaseRow.name, LeaseRow.number)
            )
            numbers = dict(taken)
            for name in sorted(set(names) - numbers.keys()):  # sorted: two processes never wait in a circle
                statement = claiming.insert(LeaseRow).values(name=name, number=1, not_before=FREE, **claim)
                if await claiming.run(statement.on_conflict_do_nothing(index_elements=["name"])):
                    numbers[name] = 1
            await claiming.commit()
        return numbers

    def _due(self, box: Box, *, limit: int) -> Select[str]:
        table = InboxRow if box is Box.INBOX else OutboxRow
        undone = (
            select(table.queue, func.min(table.number).label("head"), _urgency(table).label("urgency"))
            .where(table.ended_at.is_(None))
            .group_by(table.queue)
            .subquery()
        )
        return (
            select(table.queue)
            .join(undone, table.number == undone.c.head)
            .outerjoin(LeaseRow, LeaseRow.name == literal(f"{box}:") + table.queue)
            .where(is_past(table.due_at, since=table.waits_since), or_(LeaseRow.name.is_(None), self._is_free()))
            .order_by(undone.c.urgency, undone.c.head)
            .limit(limit)
        )

    def _is_free(self) -> ColumnElement[bool]:
        """Nobody's, or run out, or so far ahead that the database's clock must have been set back since."""
        now = DatabaseTime()
        return and_(
            is_past(LeaseRow.not_before, since=LeaseRow.claimed_at),
            or_(
                LeaseRow.leased_until.is_(None),
                LeaseRow.leased_until <= now,
                LeaseRow.leased_until > now + 2 * self.lasting,
            ),
        )


async def check(working: Transaction, lease: Lease) -> None:
    """Raise LeaseLost unless the lease is still ours; it cannot be taken before this transaction has ended."""
    if await working.first(select(LeaseRow.number).where(_is(lease)).with_for_update()) is None:
        raise LeaseLost(f"Another process works on {lease.queue} now.")


def _name(queue: str, box: Box | None) -> str:
    return f"{box or ''}:{queue}"


def _is(lease: Lease) -> ColumnElement[bool]:
    return and_(
        LeaseRow.name == _name(lease.queue, lease.box),
        LeaseRow.number == lease.number,
        LeaseRow.leased_until.is_not(None),
    )


def _urgency(table: type[InboxRow] | type[OutboxRow]) -> ColumnElement[str]:
    return func.min(OutboxRow.urgency) if table is OutboxRow else literal("")
