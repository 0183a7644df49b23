"""The statements of leases. They are built once: building one takes longer than running it.

Parameters: `claimer` (who), `lasting` (seconds), `among` and `lease_queue` (queues), `names`, `lease_name` and
`lease_number` (rows of leases), `limit`.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
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
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from bot.store.columns import DatabaseTime, is_past
from bot.store.tables import InboxRow, LeaseRow, OutboxRow
from bot.store.transaction import InsertInto
from bot.workflow.ports import Box

ANY_TIME = 0.0
"""Stands in a lease that may be taken without waiting."""
_LASTING: BindParameter[float] = bindparam("lasting", type_=Float)
_TABLES: dict[Box, type[InboxRow] | type[OutboxRow]] = {Box.INBOX: InboxRow, Box.OUTBOX: OutboxRow}


def _is_free() -> ColumnElement[bool]:
    """Nobody's, or run out, or so far ahead that the database's clock must have been set back since."""
    now = DatabaseTime()
    return and_(
        is_past(LeaseRow.not_before, since=LeaseRow.claimed_at),
        or_(LeaseRow.leased_until.is_(None), LeaseRow.leased_until <= now, LeaseRow.leased_until > now + 2 * _LASTING),
    )


def _is_ours() -> ColumnElement[bool]:
    return and_(
        LeaseRow.name == bindparam("lease_name"),
        LeaseRow.number == bindparam("lease_number"),
        LeaseRow.leased_until.is_not(None),
    )


def _due(box: Box, *only: ColumnElement[bool]) -> Select[str, bool]:
    """Queues whose first undone row is due and that are free. Built once: that takes longer than to run it."""
    table = _TABLES[box]
    urgency = func.min(OutboxRow.urgency) if box is Box.OUTBOX else literal("")
    undone = (
        select(table.queue, func.min(table.number).label("head"), urgency.label("urgency"))
        .where(table.ended_at.is_(None), *only)
        .group_by(table.queue)
        .subquery()
    )
    return (
        select(table.queue, LeaseRow.name.is_(None).label("is_new"))
        .select_from(table)
        .join(undone, table.number == undone.c.head)
        .outerjoin(LeaseRow, LeaseRow.name == literal(f"{box}:") + table.queue)
        .where(is_past(table.due_at, since=table.waits_since), or_(LeaseRow.name.is_(None), _is_free()))
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


AMONG: BindParameter[str] = bindparam("among", expanding=True)
DUE = {box: _due(box) for box in Box}
"""Queues that can be claimed, the most urgent and oldest first; `is_new` are those that never were."""
DUE_AMONG = {box: _due(box, table.queue.in_(AMONG)) for box, table in _TABLES.items()}
"""The same, only of these names."""
CLAIM: dict[str, Any] = {
    "owner": bindparam("claimer"),
    "claimed_at": DatabaseTime(),
    "leased_until": DatabaseTime() + _LASTING,
}
"""What a claim writes."""
FREE = select(_is_free().label("free")).where(LeaseRow.name == bindparam("lease_name"))
"""Whether a lease can be taken; no row when it never was."""
TAKE = (
    update(LeaseRow)
    .where(
        LeaseRow.name.in_(
            select(LeaseRow.name)
            .where(LeaseRow.name.in_(bindparam("names", expanding=True)), _is_free())
            .with_for_update(skip_locked=True)
        )
    )
    .values(number=LeaseRow.number + 1, **CLAIM)
    .returning(LeaseRow.name, LeaseRow.number)
)
"""Takes those that are free. A row that somebody has locked is somebody's, and not waited for."""
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
