"""The audit trail: only ever added to, one hash chain per request, so that replicas do not wait for each other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.coding import Codec, plain
from bot.store.tables import AuditRow, ChainRow, RefusalRow
from bot.store.transaction import InsertInto, Transaction
from bot.workflow.repositories import Fact

START = ""
"""What the first event of a chain has for the hash before it."""

MINUTE = timedelta(minutes=1)
"""For how long a refusal that repeats another is only counted."""

_FACT = Codec(Fact)
_ADD = insert(AuditRow)
_END = update(ChainRow).where(ChainRow.request_id == bindparam("chain")).values(hash=bindparam("end"))


_THIS = (
    (RefusalRow.request_id == bindparam("request"))
    & (RefusalRow.actor == bindparam("who"))
    & (RefusalRow.rule == bindparam("by"))
)
_COUNT = (
    update(RefusalRow)
    .where(_THIS, RefusalRow.since > bindparam("after"), RefusalRow.since <= bindparam("upto"))
    .values(repeats=RefusalRow.repeats + 1, body=bindparam("latest"))
    .returning(RefusalRow.repeats)
)
_ENDED = (RefusalRow.since, RefusalRow.repeats, RefusalRow.body)
_END_MINUTE = delete(RefusalRow).where(_THIS).returning(*_ENDED)
_END_OLD = delete(RefusalRow).where(RefusalRow.since <= bindparam("old")).returning(*_ENDED)
_HAS_OLD = select(RefusalRow.rule).where(RefusalRow.since <= bindparam("old")).limit(1)


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

    async def append_refusal(self, fact: Fact, *, rule: str) -> None:
        """Add a refusal of its actor by a rule; one that repeats another within a minute is only counted."""
        one = {"request": fact.request_id, "who": fact.actor, "by": rule}
        body = _FACT.encode(fact)
        again = await self._transaction.first(_COUNT, **one, after=fact.at - MINUTE, upto=fact.at, latest=body)
        if again is not None:
            return
        await self._append_counted(await self._transaction.all(_END_MINUTE, **one), at=fact.at)
        new = {"request_id": fact.request_id, "actor": fact.actor, "rule": rule, "since": fact.at, "body": body}
        await self._transaction.run(insert(RefusalRow), {**new, "repeats": 0})
        await self.append(fact)

    async def has_counted(self, *, at: datetime) -> bool:
        """Whether refusals were counted whose minute has passed."""
        return await self._transaction.first(_HAS_OLD, old=at - MINUTE) is not None

    async def append_counted(self, *, at: datetime) -> None:
        """Add the refusals that were counted and whose minute has passed, one fact with a `count` for each rule."""
        await self._append_counted(await self._transaction.all(_END_OLD, old=at - MINUTE), at=at)

    async def _append_counted(self, rows: Sequence[Row[Any]], *, at: datetime) -> None:
        for row in sorted(rows, key=lambda one: one.since):
            if row.repeats:
                fact = _FACT.decode(row.body)
                counted = {**fact.facts, "count": row.repeats, "since": row.since.isoformat()}
                await self.append(replace(fact, at=at, facts=counted))

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
