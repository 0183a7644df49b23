"""Inbox and outbox. Undone rows are worked through in stored order; ended ones stay, so that their keys are known."""

from dataclasses import replace
from functools import cache
from typing import Any, get_args

from sqlalchemy import Executable, Float, bindparam, select, update
from sqlalchemy.sql.dml import ReturningInsert

from bot.domain.events import AnyEvent
from bot.observe.metrics import TOLD_SECONDS
from bot.observe.reference import current_reference
from bot.store.coding import UNREADABLE, Codec, KindCodec
from bot.store.columns import DatabaseTime, is_past
from bot.store.queues.statements import is_next_of_member
from bot.store.tables import InboxRow, OutboxRow
from bot.store.transaction import InsertInto, Transaction
from bot.workflow.errors import UnreadableRow
from bot.workflow.inbox import AnyEntry, InboxEntry, NewEntry
from bot.workflow.outbox import DueMessage, Kind, OutboxMessage, StoredDigest
from bot.workflow.queues import Lane

ENTRIES: KindCodec[Any] = KindCodec(*get_args(AnyEntry))
EVENTS: KindCodec[Any] = KindCodec(*get_args(AnyEvent))
OUTBOX_MESSAGES = Codec(OutboxMessage, without=frozenset({"event"}))
LONGEST_ERROR = 1000

# Built once: building one takes longer than running it.
_ENTRY = (
    select(
        InboxRow.number,
        InboxRow.body,
        InboxRow.attempts,
        InboxRow.member,
        (DatabaseTime() - InboxRow.stored_at).label("waited"),
    )
    .where(
        InboxRow.queue == bindparam("of_queue"),
        InboxRow.ended_at.is_(None),
        is_past(InboxRow.due_at, since=InboxRow.waits_since),
        is_next_of_member(),
    )
    .order_by(InboxRow.number)
    .limit(1)
)
_TAKEN_IN = update(InboxRow).where(InboxRow.number == bindparam("done")).values(ended_at=DatabaseTime())
_DUE = (
    select(
        OutboxRow.number,
        OutboxRow.body,
        OutboxRow.attempts,
        OutboxRow.digest,
        is_past(OutboxRow.due_at, since=OutboxRow.waits_since),
    )
    .where(OutboxRow.queue == bindparam("of_queue"), OutboxRow.ended_at.is_(None))
    .order_by(OutboxRow.number)
    .limit(bindparam("at_most"))
)
_TOLD = (
    update(OutboxRow)
    .where(OutboxRow.number.in_(bindparam("done", expanding=True)))
    .values(ended_at=DatabaseTime())
    .returning(OutboxRow.number, OutboxRow.body, OutboxRow.ended_at - OutboxRow.stored_at)
)


@cache
def _enter(insert: InsertInto) -> ReturningInsert[str]:
    return insert(InboxRow).on_conflict_do_nothing(index_elements=["key"]).returning(InboxRow.key)


@cache
def _put(insert: InsertInto) -> Executable:
    due_at = DatabaseTime() + bindparam("delay", type_=Float)
    return insert(OutboxRow).values(due_at=due_at).on_conflict_do_nothing(index_elements=["key"])


class StoredInbox:
    """Entries in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def put(self, *new_entries: NewEntry) -> frozenset[str]:
        """Store them, but for those whose key is known already; returns the keys that were new."""
        rows = [_entered(one) for one in new_entries]
        new = frozenset(key for (key,) in await self._transaction.all(_enter(self._transaction.insert), *rows))
        for one in new_entries:
            if one.key in new:
                self._transaction.queues.add((Lane.DECISIONS, one.queue))
            about = {**one.context, "key": one.key, "queue": one.queue, "entry": type(one.entry).__name__}
            self._transaction.note("inbox.stored" if one.key in new else "inbox.known", **about)
        return new

    async def due(self, queue: str) -> InboxEntry | None:
        """Return the queue's oldest undone entry that is due and whose giver has no older one there; None without one.

        Raises UnreadableRow when that is one which cannot be read.
        """
        row = await self._transaction.first(_ENTRY, of_queue=queue)
        if row is None:
            return None
        try:
            entry, reference = ENTRIES.decode(row.body), row.body.get("reference", "")
        except UNREADABLE as error:
            raise UnreadableRow(row.number, attempts=row.attempts, error=error, member=row.member) from error
        return InboxEntry(
            number=row.number, entry=entry, attempts=row.attempts, waited=float(row.waited), reference=reference
        )

    async def done(self, number: int) -> None:
        """Mark it done."""
        await self._transaction.run(_TAKEN_IN, {"done": number})

    async def postpone(self, number: int, *, seconds: float, error: str) -> None:
        """Try it, and what the same person sent to this queue later, again later; counts the attempt."""
        await self._change(
            number,
            waits_since=DatabaseTime(),
            due_at=DatabaseTime() + seconds,
            attempts=InboxRow.attempts + 1,
            error=_readable(error),
        )

    async def dead_letter(self, number: int, *, error: str) -> None:
        """Give it up as a dead letter."""
        attempts = InboxRow.attempts + 1
        await self._change(number, ended_at=DatabaseTime(), dead=1, attempts=attempts, error=_readable(error))

    async def _change(self, number: int, **values: object) -> None:
        await self._transaction.run(update(InboxRow).where(InboxRow.number == number).values(**values))


class StoredOutbox:
    """Outbox messages in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def put(self, *outbox: OutboxMessage) -> None:
        """Store them; those whose key is known already are ignored."""
        if not outbox:
            return
        reference = current_reference()
        await self._transaction.run(_put(self._transaction.insert), *(_row(outgoing, reference) for outgoing in outbox))
        self._transaction.queues.update((outgoing.lane, outgoing.queue) for outgoing in outbox if not outgoing.delay)

    async def due(self, queue: str, *, limit: int) -> tuple[DueMessage, ...]:
        """Return the queue's undone messages in stored order, up to the first that has to wait.

        Raises UnreadableRow for the first of them that cannot be read.
        """
        rows = await self._transaction.all(_DUE, of_queue=queue, at_most=limit)
        due: list[DueMessage] = []
        for number, body, attempts, digest, is_due in rows:
            if not is_due:
                break
            try:
                outgoing, reference = decode_outbox_message(body), body.get("reference", "")
                told_in = decode_digest(digest)
            except UNREADABLE as error:
                raise UnreadableRow(number, attempts=attempts, error=error) from error
            due.append(
                DueMessage(number=number, outgoing=outgoing, attempts=attempts, digest=told_in, reference=reference)
            )
        return tuple(due)

    async def done(self, *numbers: int) -> None:
        """Mark them done; how long what was delivered had waited goes into the metrics."""
        for number, body, seconds in await self._transaction.all(_TOLD, done=numbers):
            if body["kind"] != Kind.SUBMIT and seconds is not None:
                TOLD_SECONDS.labels(body["kind"]).observe(max(0.0, float(seconds)))
                about = {name: body.get(name) or "" for name in ("kind", "target", "request_id", "reference")}
                self._transaction.note("outbox.told", number=number, seconds=round(float(seconds), 3), **about)

    async def postpone(self, *numbers: int, seconds: float, error: str) -> None:
        """Try them again later; counts the attempt."""
        await self._change(
            numbers,
            waits_since=DatabaseTime(),
            due_at=DatabaseTime() + seconds,
            attempts=OutboxRow.attempts + 1,
            error=_readable(error),
        )

    async def set_aside(self, number: int, *, queue: str, seconds: float, error: str) -> None:
        """Try it again later in a queue of its own; counts the attempt."""
        await self._change(
            (number,),
            queue=queue,
            waits_since=DatabaseTime(),
            due_at=DatabaseTime() + seconds,
            attempts=OutboxRow.attempts + 1,
            error=_readable(error),
        )

    async def dead_letter(self, *numbers: int, error: str) -> None:
        """Give them up as dead letters."""
        await self._change(
            numbers, ended_at=DatabaseTime(), dead=1, attempts=OutboxRow.attempts + 1, error=_readable(error)
        )

    async def gather(self, digest: StoredDigest, *numbers: int) -> None:
        """Record that these are told as one digest."""
        await self._change(numbers, digest=f"{digest.first}/{digest.total}")

    async def _change(self, numbers: tuple[int, ...], **values: object) -> None:
        await self._transaction.run(update(OutboxRow).where(OutboxRow.number.in_(numbers)).values(**values))


def _entered(new_entry: NewEntry) -> dict[str, Any]:
    body = {**ENTRIES.encode(new_entry.entry), "reference": new_entry.context.get("reference", "")}
    return {"key": new_entry.key, "queue": new_entry.queue, "body": body, "member": new_entry.entry.member}


def decode_outbox_message(body: dict[str, Any]) -> OutboxMessage:
    """Read a stored outbox message."""
    event = body.get("event")
    outgoing = OUTBOX_MESSAGES.decode({**body, "event": None})
    return outgoing if event is None else replace(outgoing, event=EVENTS.decode(event))


def decode_digest(stored: str | None) -> StoredDigest | None:
    """Read which digest a message is told in, such as `12/7`: version 0.1.0 writes and reads the same."""
    if stored is None:
        return None
    first, _, total = stored.partition("/")
    return StoredDigest(first=int(first), total=int(total))


def _row(outgoing: OutboxMessage, reference: str) -> dict[str, Any]:
    event = None if outgoing.event is None else EVENTS.encode(outgoing.event)
    return {
        "key": outgoing.key,
        "queue": outgoing.queue,
        "urgency": outgoing.urgency,
        "body": {**OUTBOX_MESSAGES.encode(outgoing), "event": event, "reference": reference},
        "delay": outgoing.delay,
    }


def _readable(error: str) -> str:
    return error.replace("\x00", "").encode(errors="replace").decode()[:LONGEST_ERROR]
