"""The scheduled upgrades of the cloud as they were seen last, and their moves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.scheduled import DONE, Move, ScheduledUpgrade, Status, UpgradeIdentity
from bot.store.coding import UNREADABLE, Codec, note_unreadable
from bot.store.tables import MoveRow, UpgradeRow
from bot.store.transaction import Transaction, in_parts
from bot.workflow.errors import Stale

CODEC = Codec(ScheduledUpgrade, without=frozenset({"revision"}))
MOVES = Codec(Move)
_READ = select(UpgradeRow.body, UpgradeRow.revision)
_THESE = (
    UpgradeRow.organisation == bindparam("organisation"),
    UpgradeRow.identity.in_(bindparam("identities", expanding=True)),
)
"""Compiled once: SQLAlchemy looks at each of the identities otherwise, and a poll names thousands."""
_NAMED = _READ.where(*_THESE)
_CLUSTERS = select(UpgradeRow.identity, UpgradeRow.cluster_identity).where(*_THESE)
_ADD, _ADD_MOVE = insert(UpgradeRow), insert(MoveRow)
_OVER = update(UpgradeRow).where(
    UpgradeRow.organisation == bindparam("read_organisation"),
    UpgradeRow.identity == bindparam("read_identity"),
    UpgradeRow.revision == bindparam("read_revision"),
)
_UNFINISHED = UpgradeRow.final == 0
_KEYS = (UpgradeRow.organisation, UpgradeRow.identity)


class StoredUpgrades:
    """Scheduled upgrades in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def find(self, organisation: Organisation, identity: UpgradeIdentity) -> ScheduledUpgrade | None:
        """Return one, or None."""
        return (await self.find_many(organisation, [identity])).get(identity)

    async def find_many(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ScheduledUpgrade]:
        """Return those that are stored."""
        found: dict[UpgradeIdentity, ScheduledUpgrade] = {}
        for some in in_parts(identities):
            named = await self._read(_NAMED, organisation=organisation, identities=some)
            found.update({upgrade.identity: upgrade for upgrade in named})
        return found

    async def save(self, upgrade: ScheduledUpgrade, *moves: Move) -> ScheduledUpgrade:
        """Store a new or changed one together with its moves; raises Stale."""
        stored = replace(upgrade, revision=upgrade.revision + 1)
        key = {"organisation": upgrade.organisation, "identity": upgrade.identity}
        read = {f"read_{name}": value for name, value in key.items()} | {"read_revision": upgrade.revision}
        try:
            async with self._transaction.savepoint():
                if upgrade.revision == 0:
                    await self._transaction.run(_ADD, {**key, **_columns(stored)})
                elif not await self._transaction.run(_OVER, {**read, **_columns(stored)}):
                    raise Stale("Somebody else changed this upgrade in the meantime.")
                if moves:
                    rows = [{**key, "number": move.number, "body": MOVES.encode(move)} for move in moves]
                    await self._transaction.run(_ADD_MOVE, *rows)
        except IntegrityError as error:
            raise Stale("Somebody else stored this upgrade in the meantime.") from error
        for move in moves:
            self._note(stored, move)
        return stored

    def _note(self, upgrade: ScheduledUpgrade, move: Move) -> None:
        self._transaction.note(
            "upgrade.moved",
            upgrade=upgrade.identity,
            cluster=upgrade.full_name,
            status=move.status,
            from_status=move.from_status,
            move=move.number,
        )

    async def followed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return all that are not final."""
        return await self._read(_READ.where(UpgradeRow.organisation == organisation, _UNFINISHED).order_by(*_KEYS))

    async def fingerprints(self, organisation: Organisation) -> dict[UpgradeIdentity, str]:
        """Return the fingerprint of each that is not final."""
        query = select(UpgradeRow.identity, UpgradeRow.fingerprint)
        rows = await self._transaction.all(query.where(UpgradeRow.organisation == organisation, _UNFINISHED))
        return {UpgradeIdentity(identity): fingerprint for identity, fingerprint in rows}

    async def clusters_of(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ClusterIdentity]:
        """Return whose cluster each is."""
        found: dict[UpgradeIdentity, ClusterIdentity] = {}
        for some in in_parts(identities):
            rows = await self._transaction.all(_CLUSTERS, organisation=organisation, identities=some)
            found.update({UpgradeIdentity(identity): ClusterIdentity(cluster) for identity, cluster in rows})
        return found

    async def unnamed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final that were stored without the name of an environment."""
        return await self._read(
            _READ.where(UpgradeRow.organisation == organisation, _UNFINISHED, UpgradeRow.environment == "")
        )

    async def upcoming(
        self, organisations: Collection[Organisation], *, limit: int, environment: str | None = None
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades not final, all or of one environment's name, by window start, None last."""
        query = _READ.where(_UNFINISHED, UpgradeRow.organisation.in_(organisations))
        if environment is not None:
            query = query.where(UpgradeRow.environment == environment)
        order = (UpgradeRow.window_start.is_(None), UpgradeRow.window_start, *_KEYS)
        return await self._read(query.order_by(*order).limit(limit))

    async def unfinished_of(self, clusters: Collection[ClusterIdentity]) -> tuple[ScheduledUpgrade, ...]:
        """Return those of these clusters that are not final, by window start, None last."""
        query = _READ.where(_UNFINISHED, UpgradeRow.cluster_identity.in_(clusters))
        order = (UpgradeRow.window_start.is_(None), UpgradeRow.window_start, *_KEYS)
        return await self._read(query.order_by(*order))

    async def of_cluster(self, cluster: ClusterIdentity, *, limit: int) -> tuple[ScheduledUpgrade, ...]:
        """Return a cluster's, newest status first."""
        query = _READ.where(UpgradeRow.cluster_identity == cluster)
        return await self._read(query.order_by(UpgradeRow.status_since.desc(), *_KEYS).limit(limit))

    async def windows_between(self, first: datetime, last: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final whose window starts between the two moments, both included."""
        query = _READ.where(_UNFINISHED, UpgradeRow.window_start >= first, UpgradeRow.window_start <= last)
        return await self._read(query.order_by(UpgradeRow.window_start, *_KEYS))

    async def requested_before(self, moment: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those that were requested here and are REQUESTED since then or longer."""
        query = _READ.where(_UNFINISHED, UpgradeRow.status == Status.REQUESTED, UpgradeRow.status_since <= moment)
        found = await self._read(query.order_by(UpgradeRow.status_since, *_KEYS))
        return tuple(upgrade for upgrade in found if upgrade.request_id)

    async def with_windows(
        self, organisations: Collection[Organisation], *, since: datetime
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades, final or not, whose window starts at or after a moment, by window start."""
        query = _READ.where(UpgradeRow.organisation.in_(organisations), UpgradeRow.window_start >= since)
        return await self._read(query.order_by(UpgradeRow.window_start, *_KEYS))

    async def moves(self, organisation: Organisation, identity: UpgradeIdentity) -> tuple[Move, ...]:
        """Return the moves of one, first to last."""
        query = select(MoveRow.body).where(MoveRow.organisation == organisation, MoveRow.identity == identity)
        rows = await self._transaction.all(query.order_by(MoveRow.number))
        return tuple(MOVES.decode(row.body) for row in rows)

    async def first_success(
        self, organisation: Organisation, environments: Sequence[str], version: str
    ) -> Mapping[str, datetime]:
        """Return when an upgrade to the version first was done in each environment."""
        query = select(UpgradeRow.environment, func.min(UpgradeRow.status_since, type_=UpgradeRow.status_since.type))
        rows = await self._transaction.all(
            query.where(
                UpgradeRow.organisation == organisation,
                UpgradeRow.environment.in_(environments),
                UpgradeRow.to_version == version,
                UpgradeRow.status.in_(DONE),
            ).group_by(UpgradeRow.environment)
        )
        return dict(rows)

    async def _read(self, query: Select[dict[str, Any], int], **parameters: object) -> tuple[ScheduledUpgrade, ...]:
        """Return what can be read of it: an upgrade that cannot be holds up only itself."""
        found: list[ScheduledUpgrade] = []
        for body, revision in await self._transaction.all(query, **parameters):
            try:
                found.append(CODEC.decode(body, revision=revision))
            except UNREADABLE as error:
                key = body.get("identity", "") if isinstance(body, dict) else ""
                note_unreadable("upgrade", str(key), repr(error))
        return tuple(found)


def _columns(upgrade: ScheduledUpgrade) -> dict[str, Any]:
    return {
        "cluster_identity": upgrade.cluster_identity,
        "environment": upgrade.environment,
        "to_version": upgrade.to_version,
        "status": upgrade.status,
        "status_since": upgrade.status_since,
        "final": int(upgrade.is_final),
        "window_start": upgrade.window.start if upgrade.window else None,
        "stand": upgrade.fingerprint,
        "revision": upgrade.revision,
        "body": CODEC.encode(upgrade),
    }
