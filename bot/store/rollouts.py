"""Rollouts, each with its clusters and votes in one row; a table of its own says which clusters are taken."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.domain.cluster import ClusterIdentity
from bot.domain.rollout import Rollout, RolloutId
from bot.store.coding import UNREADABLE, Codec, note_unreadable
from bot.store.tables import RolloutClusterRow, RolloutRow
from bot.store.transaction import Transaction
from bot.workflow.errors import Missing, Stale, Taken

CODEC = Codec(Rollout, without=frozenset({"revision"}))
_READ = select(RolloutRow.id, RolloutRow.body, RolloutRow.revision)
_ONE = _READ.where(RolloutRow.id == bindparam("rollout_id"))
_FOLLOWED = select(RolloutRow.id).where(RolloutRow.followed == 1).order_by(RolloutRow.number)
_OVER = update(RolloutRow).where(
    RolloutRow.id == bindparam("rollout_id"), RolloutRow.revision == bindparam("read_revision")
)


class StoredRollouts:
    """Rollouts in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout; raises Missing."""
        return await self._one(_ONE, rollout_id)

    async def hold(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout that nobody else can change before this transaction has ended; raises Missing."""
        return await self._one(_ONE.with_for_update(), rollout_id)

    async def followed(self) -> tuple[RolloutId, ...]:
        """Return the ids of those of which more will become, oldest first."""
        return tuple(RolloutId(row.id) for row in await self._transaction.all(_FOLLOWED))

    async def newest(self, *, limit: int) -> tuple[Rollout, ...]:
        """Return the latest, those that have not ended first."""
        query = _READ.order_by(RolloutRow.open_name.is_(None), RolloutRow.number.desc()).limit(limit)
        return await self._read(query)

    async def unfinished(self) -> tuple[Rollout, ...]:
        """Return those that have not ended, oldest first."""
        return await self._read(_READ.where(RolloutRow.open_name.is_not(None)).order_by(RolloutRow.number))

    async def taken(self) -> dict[ClusterIdentity, RolloutId]:
        """Return which clusters are in a rollout that has not ended, and in which."""
        rows = await self._transaction.all(select(RolloutClusterRow.cluster_identity, RolloutClusterRow.rollout_id))
        return {ClusterIdentity(cluster): RolloutId(rollout) for cluster, rollout in rows}

    async def of_cluster(self, cluster: ClusterIdentity) -> Rollout | None:
        """Return the rollout that has not ended and holds this cluster, if there is one."""
        query = select(RolloutClusterRow.rollout_id).where(RolloutClusterRow.cluster_identity == cluster)
        row = await self._transaction.first(query)
        return None if row is None else await self.get(RolloutId(row.rollout_id))

    async def add(self, rollout: Rollout) -> Rollout:
        """Store a new one; raises Taken when its name or one of its clusters is another's that has not ended."""
        stored = replace(rollout, revision=1)
        clusters = [{"cluster_identity": one.identity, "rollout_id": stored.id} for one in stored.clusters]
        try:
            async with self._transaction.savepoint():
                await self._transaction.run(insert(RolloutRow).values(id=stored.id, **_columns(stored)))
                await self._transaction.run(insert(RolloutClusterRow), *clusters)
        except IntegrityError as error:
            raise Taken("Another rollout has this name, or one of these clusters.") from error
        return stored

    async def save(self, rollout: Rollout) -> Rollout:
        """Write only over the revision that was read; one that has ended lets its clusters go. Raises Stale."""
        stored = replace(rollout, revision=rollout.revision + 1)
        row = {"rollout_id": rollout.id, "read_revision": rollout.revision, **_columns(stored)}
        if not await self._transaction.run(_OVER, row):
            raise Stale("Somebody else changed this rollout in the meantime.")
        if stored.has_ended:
            await self._transaction.run(delete(RolloutClusterRow).where(RolloutClusterRow.rollout_id == stored.id))
        return stored

    async def _one(self, query: Select[str, dict[str, Any], int], rollout_id: RolloutId) -> Rollout:
        row = await self._transaction.first(query, rollout_id=rollout_id)
        if row is None:
            raise Missing(f"There is no rollout {rollout_id}.")
        return CODEC.decode(row.body, revision=row.revision)

    async def _read(self, query: Select[str, dict[str, Any], int]) -> tuple[Rollout, ...]:
        """Return what can be read of it: a rollout that cannot be holds up only itself."""
        found: list[Rollout] = []
        for rollout_id, body, revision in await self._transaction.all(query):
            try:
                found.append(CODEC.decode(body, revision=revision))
            except UNREADABLE as error:
                note_unreadable("rollout", rollout_id, repr(error))
        return tuple(found)


def name_key(name: str) -> str:
    """Return what of a name counts: case and outer white space do not."""
    return name.strip().casefold()


def _columns(rollout: Rollout) -> dict[str, Any]:
    return {
        "organisation": rollout.plan.organisation,
        "state": rollout.state,
        "followed": int(rollout.is_followed),
        "open_name": None if rollout.has_ended else name_key(rollout.plan.name),
        "requested_at": rollout.requested_at,
        "revision": rollout.revision,
        "body": CODEC.encode(rollout),
    }
