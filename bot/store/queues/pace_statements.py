"""The statements of paces. They are built once, as those of leases.

Parameters: `name` and `pace` (which), `every`, `within` and `seconds` (seconds), and those of leases.
"""

from functools import cache

from sqlalchemy import ColumnElement, Executable, Float, and_, bindparam, case, select
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.columns import SET_BACK, DatabaseTime, is_past
from bot.store.queues.lease_statements import IS_OURS
from bot.store.tables import PaceRow
from bot.store.transaction import InsertInto
from bot.workflow.ports import LONGEST_PAUSE

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
