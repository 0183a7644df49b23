"""The fake storage's leases and paces."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from bot.store.queues.leases import FEW
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import LONGEST_PAUSE, Lease, LocalWorker
from bot.workflow.queues import Box, Lane
from tests.fake_tables import FakeTables, Row, next_of_members


class Boxes(Protocol):
    """What leases need of the fake storage: its rows and its time."""

    @property
    def tables(self) -> FakeTables:
        """What is committed."""

    def seconds(self) -> float:
        """Return the database's own time."""


@dataclass(slots=True)
class HeldLease:
    """A lease in memory."""

    number: int = 0
    until: float | None = None
    not_before: float = 0.0


@dataclass(slots=True)
class FakeClaims:
    """Leases in memory, by the storage's own seconds."""

    storage: Boxes
    lasting: float = 20.0
    leases: dict[tuple[Box | None, str], HeldLease] = field(default_factory=dict)
    paces: dict[str, float] = field(default_factory=dict)
    local_worker: LocalWorker | None = None

    async def claim_due(
        self, lane: Lane, *, limit: int, among: Collection[str] | None = None, besides: Collection[str] = ()
    ) -> tuple[Lease, ...]:
        """Claim queues that have something due and are nobody's, the most urgent and oldest first."""
        if limit < 1:
            raise ValueError("PostgreSQL takes no negative LIMIT, and SQLite takes it for none at all.")
        heads: dict[str, Row] = {}
        urgencies: dict[str, str] = {}
        box, tables, now = lane.box, self.storage.tables, self.storage.seconds()
        rows = next_of_members(tables.inbox) if box is Box.INBOX else tables.outbox.values()
        for row in rows:
            waits = box is Box.INBOX and row.due_at > now
            if not row.ended and not waits and _lane(box, row) is lane:
                heads.setdefault(row.queue, row)
                urgencies[row.queue] = min(urgencies.get(row.queue, row.urgency), row.urgency)
        due = [queue for queue, head in heads.items() if head.due_at <= self.storage.seconds()]
        due.sort(key=lambda queue: (urgencies[queue], heads[queue].number))
        asked = [queue for queue in due if queue not in besides and (among is None or queue in among)]
        claimable = self._is_free if among is None else self._is_nobodys
        free = [queue for queue in asked if claimable((box, queue))]
        return tuple(self._take((box, queue), lane) for queue in free[:limit])

    async def claim(self, queue: str) -> Lease | None:
        """Claim a named queue; None when it is somebody's or not due yet."""
        return self._take((None, queue)) if self._is_free((None, queue)) else None

    async def renew(self, lease: Lease) -> None:
        """Prolong it; raises LeaseLost."""
        self.check(lease)
        self.leases[lease.box, lease.queue].until = self.storage.seconds() + self.lasting

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:
        """Give it back."""
        held = self.leases.get((lease.box, lease.queue))
        if held and held.until is not None and held.number == lease.number:
            held.until = None
            held.not_before = self.storage.seconds() + again_in

    async def next_slot(self, name: str, lease: Lease, *, every: float, within: float) -> float | None:
        """Renew a lease and reserve the next slot of a pace; returns seconds to wait for it, None if it is too far."""
        await self.renew(lease)
        now = self.storage.seconds()
        begins = max(self.paces.get(name, now), now)
        if begins > now + within:
            return None
        self.paces[name] = begins + every
        return begins - now

    async def hold(self, name: str, *, seconds: float) -> None:
        """Let no slot of a pace begin for so long."""
        self.paces[name] = max(self.paces.get(name, 0.0), self.storage.seconds() + min(seconds, LONGEST_PAUSE))

    async def wait(self, name: str, lease: Lease) -> float:
        """Return in how many seconds the next slot of a pace begins; raises LeaseLost."""
        self.check(lease)
        return max(0.0, self.paces.get(name, 0.0) - self.storage.seconds())

    def check(self, lease: Lease) -> None:
        """Raise LeaseLost unless the lease is still ours."""
        held = self.leases.get((lease.box, lease.queue))
        if held is None or held.until is None or held.number != lease.number:
            raise LeaseLost(f"Another process works on {lease.queue} now.")

    def ended(self, lease: Lease, tables: FakeTables) -> None:
        """Give the lease back when nothing in its queue is undone any more."""
        rows = {Box.INBOX: tables.inbox, Box.OUTBOX: tables.outbox}
        if lease.box and not any(row.queue == lease.queue and not row.ended for row in rows[lease.box].values()):
            self.leases[lease.box, lease.queue].until = None
            lease.held = False

    def begin_stored(self, before: FakeTables) -> None:
        """Start the work that was just committed: claimed where a slot and the queue are free."""
        if self.local_worker is None:
            return
        now, tables = self.storage.seconds(), self.storage.tables
        boxes = ((Box.INBOX, before.inbox, tables.inbox), (Box.OUTBOX, before.outbox, tables.outbox))
        queues = {
            (_lane(box, row), row.queue)
            for box, known, rows in boxes
            for number, row in rows.items()
            if number not in known and row.due_at <= now
        }
        free = self.local_worker.free_for(queues) if len(queues) <= FEW else ()
        claimed = {(lane, queue) for lane, queue in free if self._is_nobodys((lane.box, queue))}
        for lane, queue in claimed:
            self.local_worker.take(self._take((lane.box, queue), lane))
        for lane, queue in queues - claimed:
            self.local_worker.wake(lane, queue)

    def _is_free(self, key: tuple[Box | None, str]) -> bool:
        return self.leases.get(key, HeldLease()).not_before <= self.storage.seconds() and self._is_nobodys(key)

    def _is_nobodys(self, key: tuple[Box | None, str]) -> bool:
        until = self.leases.get(key, HeldLease()).until
        return until is None or until <= self.storage.seconds()

    def _take(self, key: tuple[Box | None, str], lane: Lane | None = None) -> Lease:
        held = self.leases.setdefault(key, HeldLease())
        held.number += 1
        held.until = self.storage.seconds() + self.lasting
        return Lease(queue=key[1], number=held.number, lane=lane)


def _lane(box: Box, row: Row) -> Lane:
    return Lane.DECISIONS if box is Box.INBOX else row.what.lane
