"""Leases on queues by the database's clock, with a rising number as fencing token; and paces."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.sql.dml import ReturningUpdate

from bot.store.columns import DatabaseTime
from bot.store.engine import Engines
from bot.store.queues import statements
from bot.store.tables import LeaseRow
from bot.store.transaction import Transaction, transaction
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import LONGEST_PAUSE, Lease, LocalWorker
from bot.workflow.queues import Lane, Queue

Take = ReturningUpdate[str, int]
"""One of the statements that take leases."""
LEASE_SECONDS = 20.0
FEW = 8
"""Queues that a commit claims at most; with sixteen presses at once, their acknowledgements took a fifth longer."""


@dataclass(frozen=True, slots=True)
class StoredClaims:
    """Leases in the database. `owner` names this process; `lasting` is how long a lease lives unless it is renewed.

    `local_worker` does the work of this process, if there is one.
    """

    engines: Engines
    owner: str
    lasting: float = LEASE_SECONDS
    local_worker: LocalWorker | None = None

    async def claim_due(
        self, lane: Lane, *, limit: int, among: Collection[str] | None = None, besides: Collection[str] = ()
    ) -> tuple[Lease, ...]:
        """Claim queues that have something due and are nobody's, the most urgent and oldest first.

        Those in `besides` are served already, whatever a database whose clock was set says. Without names there is
        mostly nothing to claim, so that is looked at first, by reading only. Something new was stored in those that are
        named, so they are claimed even where nothing was to be done for a while.
        """
        if among is None:
            async with transaction(self.engines.read) as looking:
                rows = await looking.all(statements.DUE[lane], limit=limit + len(besides), lasting=self.lasting)
                among = [row.queue for row in rows]
        among = [queue for queue in among if queue not in besides]
        if not among:
            return ()
        async with self.engines.turn, transaction(self.engines.write) as claiming:
            rows = await claiming.all(statements.DUE_AMONG[lane], among=among, limit=limit, lasting=self.lasting)
            new = [_name(row.queue, lane) for row in rows if row.is_new]
            queues = [(lane, row.queue) for row in rows]
            leases = await self._claim(claiming, queues, statements.TAKE_AT_ONCE, new=new)
            await claiming.commit()
        return leases

    async def claim(self, queue: str) -> Lease | None:
        """Claim a named queue such as `poll:acme`; None when it is somebody's or not due yet.

        That is mostly so, and therefore looked at first, by reading only.
        """
        name = _name(queue, None)
        async with transaction(self.engines.read) as looking:
            known = await looking.first(statements.FREE, lease_name=name, lasting=self.lasting)
        if known is not None and not known.free:
            return None
        async with self.engines.turn, transaction(self.engines.write) as claiming:
            new = [name] if known is None else []
            numbers = await self._take(claiming, [name], statements.TAKE, new=new)
            await claiming.commit()
        return Lease(queue=queue, number=numbers[name]) if name in numbers else None

    async def claim_stored(self, storing: Transaction) -> tuple[Lease, ...]:
        """Claim the queues in which this transaction stored something due, as far as the local worker has free slots.

        The claim lasts once the transaction is committed, so no other process can get in between. Queues that somebody
        else has are left out; so are all of them when they are many, as people wait for this commit.
        """
        free = self.local_worker.free_for(storing.queues) if self.local_worker and len(storing.queues) <= FEW else ()
        new = [_name(queue, lane) for lane, queue in free]
        return await self._claim(storing, free, statements.TAKE_AT_ONCE, new=new)

    def begin(self, queues: Iterable[Queue], leases: Iterable[Lease]) -> None:
        """Start the work that was just stored: at once what was claimed, the rest as soon as it can be claimed."""
        if self.local_worker is None:
            return
        claimed = {(lease.lane, lease.queue) for lease in leases}
        for lease in leases:
            self.local_worker.take(lease)
        for lane, queue in queues:
            if (lane, queue) not in claimed:
                self.local_worker.wake(lane, queue)

    async def renew(self, lease: Lease) -> None:
        """Prolong it; raises LeaseLost."""
        async with self.engines.turn, transaction(self.engines.write) as renewing:
            await self._renew(renewing, lease)
            await renewing.commit()

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:
        """Give it back; nobody can claim it again within so many seconds. One that was lost stays the other's."""
        async with self.engines.turn, transaction(self.engines.write) as releasing:
            not_before = DatabaseTime() + again_in if again_in else statements.ANY_TIME
            await releasing.run(statements.RELEASE.values(leased_until=None, not_before=not_before), _ours(lease))
            await releasing.commit()

    async def free_all(self) -> None:
        """Free every lease: for SQLite, where whoever holds the file's lock knows that their owners are dead."""
        async with self.engines.turn, transaction(self.engines.write) as freeing:
            await freeing.run(update(LeaseRow).where(LeaseRow.leased_until.is_not(None)).values(leased_until=None))
            await freeing.commit()

    async def next_slot(self, name: str, lease: Lease, *, every: float, within: float) -> float | None:
        """Renew a lease and reserve the next slot of a pace for it; returns seconds to wait, None for one too far off.

        Raises LeaseLost.
        """
        async with self.engines.turn, transaction(self.engines.write) as pacing:
            await self._renew(pacing, lease)
            reserve = statements.reserve(pacing.insert)
            row = await pacing.first(reserve, name=name, every=every, within=within)
            await pacing.commit()
        return max(0.0, float(row[0])) if row else None

    async def hold(self, name: str, *, seconds: float) -> None:
        """Let no slot of a pace begin for so long, an hour at most."""
        held = {"name": name, "seconds": min(seconds, LONGEST_PAUSE)}
        async with self.engines.turn, transaction(self.engines.write) as pacing:
            await pacing.run(statements.hold(pacing.insert), held)
            await pacing.commit()

    async def wait(self, name: str, lease: Lease) -> float:
        """Return in how many seconds the next slot of a pace begins, and reserve none; raises LeaseLost."""
        async with transaction(self.engines.read) as looking:
            row = await looking.first(statements.WAIT, pace=name, **_ours(lease))
        if row is None:
            raise _lost(lease)
        return max(0.0, row.seconds or 0.0)

    async def _renew(self, renewing: Transaction, lease: Lease) -> None:
        if not await renewing.run(statements.RENEW, {**_ours(lease), "lasting": self.lasting}):
            raise _lost(lease)

    async def _claim(
        self, claiming: Transaction, queues: Collection[Queue], take: Take, *, new: Collection[str]
    ) -> tuple[Lease, ...]:
        numbers = await self._take(claiming, [_name(queue, lane) for lane, queue in queues], take, new=new)
        return tuple(
            Lease(queue=queue, number=numbers[name], lane=lane)
            for lane, queue in queues
            if (name := _name(queue, lane)) in numbers
        )

    async def _take(
        self, claiming: Transaction, names: Collection[str], take: Take, *, new: Collection[str]
    ) -> dict[str, int]:
        """Take those that are free; `new` are those that may never have been anybody's. Returns their numbers.

        A row that somebody has locked is somebody's: it is neither waited for nor inserted again.
        """
        claim = {"claimer": self.owner, "lasting": self.lasting}
        numbers: dict[str, int] = {}
        if new:
            rows = [{"name": name, **claim} for name in sorted(new)]  # sorted: two processes never wait for each other
            begun = await claiming.all(statements.first(claiming.insert), *rows)
            numbers |= {row.name: row.number for row in begun}
        if known := [name for name in names if name not in numbers]:
            taken = await claiming.all(take, names=known, **claim)
            numbers |= {row.name: row.number for row in taken}
        return numbers


async def check(working: Transaction, lease: Lease) -> bool:
    """Raise LeaseLost unless the lease is still ours; it cannot be taken before this transaction has ended.

    Returns whether it stays ours: it is given back when this transaction leaves nothing undone in its queue.
    """
    if lease.box is None:
        row = await working.first(statements.STILL_OURS, **_ours(lease))
    else:
        statement = statements.OURS_WHILE_UNDONE[lease.box]
        row = await working.first(statement, **_ours(lease), lease_queue=lease.queue)
    if row is None:
        raise _lost(lease)
    return row[0] is not None


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Another process works on {lease.queue} now.")


def _name(queue: str, lane: Lane | None) -> str:
    return f"{lane.box if lane else ''}:{queue}"


def _ours(lease: Lease) -> dict[str, object]:
    return {"lease_name": _name(lease.queue, lease.lane), "lease_number": lease.number}
