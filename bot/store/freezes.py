"""Freezes that people set, and the rows by which they and submissions keep out of each other's way."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Select, bindparam, insert, select, update

from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.store.coding import Codec
from bot.store.tables import FreezePlaceRow, FreezeRow
from bot.store.transaction import Transaction
from bot.workflow.errors import Missing, Stale

CODEC = Codec(UpgradeFreeze, without=frozenset({"revision"}))
_READ = select(FreezeRow.body, FreezeRow.revision)
_ONE = _READ.where(FreezeRow.id == bindparam("freeze_id"))
_OPEN = _READ.where(FreezeRow.over == 0).order_by(FreezeRow.number)
_OVER = update(FreezeRow).where(
    FreezeRow.id == bindparam("freeze_id"), FreezeRow.revision == bindparam("read_revision")
)
_PLACE = select(FreezePlaceRow.environment).where(
    FreezePlaceRow.organisation == bindparam("organisation"), FreezePlaceRow.environment == bindparam("environment")
)
_BESIDE_OTHERS = _PLACE.with_for_update(read=True)
_ALONE = _PLACE.with_for_update()


class StoredFreezes:
    """Freezes in the database. What cannot be read is not passed by: nothing may be judged without it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, freeze_id: FreezeId) -> UpgradeFreeze:
        """Return a freeze; raises Missing."""
        row = await self._transaction.first(_ONE, freeze_id=freeze_id)
        if row is None:
            raise Missing(f"There is no freeze {freeze_id}.")
        return CODEC.decode(row.body, revision=row.revision)

    async def newest(self, *, limit: int) -> tuple[UpgradeFreeze, ...]:
        """Return the latest, over or not, newest first."""
        rows = await self._transaction.all(_READ.order_by(FreezeRow.number.desc()).limit(limit))
        return tuple(CODEC.decode(row.body, revision=row.revision) for row in rows)

    async def standing(self) -> tuple[UpgradeFreeze, ...]:
        """Return those that are not over, oldest first."""
        return tuple(CODEC.decode(row.body, revision=row.revision) for row in await self._transaction.all(_OPEN))

    async def before_submission(self, organisation: str, environment: str) -> tuple[UpgradeFreeze, ...]:
        """Return those that are not over; nobody can freeze this environment until this transaction has ended."""
        await self._lock(_BESIDE_OTHERS, organisation, environment)
        return await self.standing()

    async def keep_submissions_out(self, places: Collection[FrozenPlace]) -> None:
        """Let nothing begin to be submitted there until this transaction has ended; waits for what does begin."""
        for place in sorted(places, key=lambda one: (one.organisation, one.environment)):
            await self._lock(_ALONE, place.organisation, place.environment)

    async def add(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Store a new one."""
        stored = replace(freeze, revision=1)
        values = {"id": stored.id, "over": 0, "revision": 1, "body": CODEC.encode(stored)}
        await self._transaction.run(insert(FreezeRow).values(values))
        return stored

    async def save(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Write over the revision that was read; raises Stale."""
        stored = replace(freeze, revision=freeze.revision + 1)
        row = {
            "freeze_id": freeze.id,
            "read_revision": freeze.revision,
            "over": int(stored.is_over),
            "revision": stored.revision,
            "body": CODEC.encode(stored),
        }
        if not await self._transaction.run(_OVER, row):
            raise Stale("Somebody else changed this freeze in the meantime.")
        return stored

    async def _lock(self, locking: Select[str], organisation: str, environment: str) -> None:
        """Lock the row of an environment, which is made when it is not there yet; SQLite has one writer anyway."""
        values = {"organisation": organisation, "environment": environment}
        if await self._transaction.first(locking, **values) is None:
            new = self._transaction.insert(FreezePlaceRow).values(values).on_conflict_do_nothing()
            await self._transaction.run(new)
            await self._transaction.first(locking, **values)
