"""The statements of leases. They are built once: building one takes longer than running it.

Parameters: `claimer` (who), `lasting` (seconds), `among` and `lease_queue` (queues), `names`, `lease_name` and
`lease_number` (rows of leases), `limit`.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Float,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from bot.store.columns import SET_BACK, DatabaseTime, is_past
from bot.store.tables import InboxRow, LeaseRow, OutboxRow, PaceRow
from bot.store.transaction import InsertInto
from bot.workflow.ports import LONGEST_PAUSE
from bot.workflow.queues import SUBMISSIONS, Box, Lane

ANY_TIME = 0.0
"""The `not_before` of a lease that may be taken without waiting."""
_LASTING: BindParameter[float] = bindparam("lasting", type_=Float)
CLAIM: dict[str, Any] = {
    "owner": bindparam("claimer"),
    "claimed_at": DatabaseTime(),
    "leased_until": DatabaseTime() + _LASTING,
}
"""What a claim writes."""
_TABLES: dict[Box, type[InboxRow] | type[OutboxRow]] = {Box.INBOX: InboxRow, Box.OUTBOX: OutboxRow}


def _is_nobodys() -> ColumnElement[bool]:
    """Given back, or run out, or so far ahead that the database's clock must have been set back since."""
    now = DatabaseTime()
    return or_(
        LeaseRow.leased_until.is_(None), LeaseRow.leased_until <= now, LeaseRow.leased_until > now + 2 * _LASTING
    )


def _is_free() -> ColumnElement[bool]:
    """Nobody's, and not to be left alone for a while."""
    return and_(is_past(LeaseRow.not_before, since=LeaseRow.claimed_at), _is_nobodys())


def _is_ours() -> ColumnElement[bool]:
    return and_(
        LeaseRow.name == bindparam("lease_name"),
        LeaseRow.number == bindparam("lease_number"),
        LeaseRow.leased_until.is_not(None),
    )


def is_next_of_member() -> ColumnElement[bool]:
    """Whether nothing older of the same person is undone in the queue: one who has to wait holds up nobody else."""
    older = aliased(InboxRow)
    return ~exists().where(
        older.queue == InboxRow.queue,
        older.ended_at.is_(None),
        older.number < InboxRow.number,
        older.member == InboxRow.member,
    )


def _considered(lane: Lane) -> tuple[ColumnElement[bool], ...]:
    """Which undone rows are looked at: of an inbox queue whatever can be decided, of an outbox queue the first."""
    match lane:
        case Lane.DECISIONS:
            return is_past(InboxRow.due_at, since=InboxRow.waits_since), is_next_of_member()
        case Lane.SUBMISSIONS:
            return (OutboxRow.queue.startswith(SUBMISSIONS),)
        case Lane.DELIVERIES:
            return (~OutboxRow.queue.startswith(SUBMISSIONS),)


def _due(lane: Lane, claimable: ColumnElement[bool], *only: ColumnElement[bool]) -> Select[str, bool]:
    """Queues in which something is due and that can be claimed. Built once: that takes longer than to run it."""
    box = lane.box
    table = _TABLES[box]
    urgency = func.min(OutboxRow.urgency) if box is Box.OUTBOX else literal("")
    undone = (
        select(table.queue, func.min(table.number).label("head"), urgency.label("urgency"))
        .where(table.ended_at.is_(None), *_considered(lane), *only)
        .group_by(table.queue)
        .subquery()
    )
    return (
        select(table.queue, LeaseRow.name.is_(None).label("is_new"))
        .select_from(table)
        .join(undone, table.number == undone.c.head)
        .outerjoin(LeaseRow, LeaseRow.name == literal(f"{box}:") + table.queue)
        .where(is_past(table.due_at, since=table.waits_since), or_(LeaseRow.name.is_(None), claimable))
        .order_by(undone.c.urgency, undone.c.head)
        .limit(bindparam("limit"))
    )


def _ours_while_undone(box: Box) -> ReturningUpdate[float | None]:
    table = _TABLES[box]
    undone = exists().where(table.queue == bindparam("lease_queue"), table.ended_at.is_(None))
    return (
        update(LeaseRow)
        .where(_is_ours())
        .values(leased_until=case((undone, LeaseRow.leased_until), else_=null()))
        .returning(LeaseRow.leased_until)
    )


def _take(takeable: ColumnElement[bool]) -> ReturningUpdate[str, int]:
    return (
        update(LeaseRow)
        .where(
            LeaseRow.name.in_(
                select(LeaseRow.name)
                .where(LeaseRow.name.in_(bindparam("names", expanding=True)), takeable)
                .with_for_update(skip_locked=True)
            )
        )
        .values(number=LeaseRow.number + 1, **CLAIM)
        .returning(LeaseRow.name, LeaseRow.number)
    )


AMONG: BindParameter[str] = bindparam("among", expanding=True)
DUE = {lane: _due(lane, _is_free()) for lane in Lane}
"""Queues that can be claimed, the most urgent and oldest first; `is_new` are those that never were."""
DUE_AMONG = {lane: _due(lane, _is_nobodys(), _TABLES[lane.box].queue.in_(AMONG)) for lane in Lane}
"""The same, only of these names, and also those that were to be left alone for a while."""
FREE = select(_is_free().label("free")).where(LeaseRow.name == bindparam("lease_name"))
"""Whether a lease can be taken; no row when it never was."""
TAKE = _take(_is_free())
"""Takes those that are free. A row that somebody has locked is somebody's, and not waited for."""
TAKE_AT_ONCE = _take(_is_nobodys())
"""The same, also of those that were to be left alone for a while: what was just stored in them may go ahead."""
RENEW = update(LeaseRow).where(_is_ours()).values(leased_until=DatabaseTime() + _LASTING)
RELEASE = update(LeaseRow).where(_is_ours())
"""Gives a lease back; the values are still to be said."""
IS_OURS = select(LeaseRow.leased_until).where(_is_ours())
"""No row when it is not ours any more."""
STILL_OURS = IS_OURS.with_for_update()
"""The same, and locks it until the transaction ends."""
OURS_WHILE_UNDONE = {box: _ours_while_undone(box) for box in Box}
"""The same, and gives it back (NULL is returned) when nothing is undone in its queue."""


@cache
def first(insert: InsertInto) -> ReturningInsert[str, int]:
    """Claim leases that never were anybody's; returns no row for one that was."""
    values = {"name": bindparam("name"), "number": 1, "not_before": ANY_TIME, **CLAIM}
    new = insert(LeaseRow).values(**values).on_conflict_do_nothing(index_elements=["name"])
    return new.returning(LeaseRow.name, LeaseRow.number)


_NOW = DatabaseTime()


def _next_at() -> ColumnElement[float]:
    """When the next slot begins: an hour after that was decided at the latest, whoever stored a longer pause."""
    latest = PaceRow.set_at + LONGEST_PAUSE
    return case((PaceRow.next_at > latest, latest), else_=PaceRow.next_at)


NEXT_AT = _next_at()
_WAIT = select(NEXT_AT - _NOW).where(PaceRow.name == bindparam("pace"), ~is_past(NEXT_AT, since=PaceRow.set_at))
WAIT = select(_WAIT.scalar_subquery().label("seconds")).select_from(IS_OURS.subquery())
"""In how many seconds the next slot begins, NULL when that is now; no row when the lease is not ours any more."""


@cache
def reserve(insert: InsertInto) -> ReturningInsert[float]:
    """Reserve the next slot and return how far off it is; no row when that is too far."""
    every, within = bindparam("every", type_=Float), bindparam("within", type_=Float)
    begins = case((is_past(NEXT_AT, since=PaceRow.set_at), _NOW), else_=NEXT_AT)
    return (
        insert(PaceRow)
        .values(name=bindparam("name"), next_at=_NOW + every)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"next_at": begins + every, "set_at": _NOW},
            where=begins <= _NOW + within,
        )
        .returning(PaceRow.next_at - every - _NOW)
    )


@cache
def hold(insert: InsertInto) -> Executable:
    """Let no slot begin for a while, unless a longer pause holds already."""
    until = _NOW + bindparam("seconds", type_=Float)
    is_longer = and_(until < NEXT_AT, PaceRow.set_at <= _NOW + SET_BACK)
    return (
        insert(PaceRow)
        .values(name=bindparam("name"), next_at=until)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={
                "next_at": case((is_longer, PaceRow.next_at), else_=until),
                "set_at": case((is_longer, PaceRow.set_at), else_=_NOW),
            },
        )
    )
