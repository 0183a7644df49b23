"""The statements of paces. They are built once, as those of leases.

Parameters: `name` and `pace` (which), `every`, `within` and `seconds` (seconds), and those of leases.
"""

from functools import cache

from sqlalchemy import Executable, Float, and_, bindparam, case, select
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.columns import SET_BACK, DatabaseTime, is_past
from bot.store.lease_statements import IS_OURS
from bot.store.tables import PaceRow
from bot.store.transaction import InsertInto

_NOW = DatabaseTime()

_WAIT = select(PaceRow.next_at - _NOW).where(
    PaceRow.name == bindparam("pace"), ~is_past(PaceRow.next_at, since=PaceRow.set_at)
)
WAIT = select(_WAIT.scalar_subquery().label("seconds")).select_from(IS_OURS.subquery())
"""In how many seconds the next slot begins, NULL when that is now; no row when the lease is not ours any more."""


@cache
def reserve(insert: InsertInto) -> ReturningInsert[float]:
    """Reserve the next slot and return how far off it is; no row when that is too far."""
    every, within = bindparam("every", type_=Float), bindparam("within", type_=Float)
    begins = case((is_past(PaceRow.next_at, since=PaceRow.set_at), _NOW), else_=PaceRow.next_at)
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
    is_longer = and_(PaceRow.next_at > until, PaceRow.set_at <= _NOW + SET_BACK)
    return (
        insert(PaceRow)
        .values(name=bindparam("name"), next_at=until)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"next_at": case((is_longer, PaceRow.next_at), else_=until), "set_at": _NOW},
        )
    )
