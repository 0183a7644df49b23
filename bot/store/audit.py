"""The audit trail: only ever added to, one hash chain per request, so that replicas do not wait for each other."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.coding import plain
from bot.store.tables import AuditRow, ChainRow
from bot.store.transaction import InsertInto, Transaction
from bot.workflow.rooms import Fact

START = ""
"""What the first event of a chain has for the hash before it."""

_ADD = insert(AuditRow)
_END = update(ChainRow).where(ChainRow.request_id == bindparam("chain")).values(hash=bindparam("end"))


@cache
def _lengthen(insert: InsertInto) -> ReturningInsert[int, str]:
    return (
        insert(ChainRow)
        .on_conflict_do_update(index_elements=["request_id"], set_={"number": ChainRow.number + 1})
        .returning(ChainRow.number, ChainRow.hash)
    )


class StoredAudit:
    """Writes the trail."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def append(self, *facts: Fact) -> None:
        """Add facts to the chains of their requests."""
        for fact in facts:
            name = f"audit.{fact.kind.replace(' ', '_')}"
            self._transaction.note(name, request_id=fact.request_id, cluster=fact.cluster, actor=fact.actor)
            number, previous = await self._next(fact.request_id)
            event = exported(fact, number=number, previous=previous)
            await self._transaction.run(_ADD, {**event, "at": fact.at})
            await self._transaction.run(_END, {"chain": fact.request_id, "end": event["hash"]})

    async def _next(self, request_id: str) -> tuple[int, str]:
        """Return the next number and the hash before it; the chain is ours until this transaction ends."""
        lengthen = _lengthen(self._transaction.insert)
        row = await self._transaction.first(lengthen, request_id=request_id, number=1, hash=START)
        if row is None:
            raise RuntimeError(f"The chain of {request_id} has no end.")
        return row.number, row.hash


def exported(fact: Fact, *, number: int, previous: str) -> dict[str, Any]:
    """Return the event as it is stored, exported and hashed."""
    event = {
        "request_id": fact.request_id,
        "number": number,
        "at": moment(fact.at),
        "kind": fact.kind,
        "actor": fact.actor,
        "organisation": fact.organisation,
        "cluster": fact.cluster,
        "facts": json.loads(_canonical(plain(fact.facts))),
        "previous": previous,
    }
    return {**event, "hash": digest(event)}


def digest(event: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything in the event but its own hash."""
    return hashlib.sha256(_canonical({name: event[name] for name in event if name != "hash"}).encode()).hexdigest()


def moment(at: datetime) -> str:
    """Write a moment the one way in which it is hashed; raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone, so nobody can tell which moment it is.")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
