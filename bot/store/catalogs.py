"""The stored copies of what the cloud offers, and how well statuses can be read."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import Executable, bindparam, select

from bot.domain.cluster import Catalog, Organisation
from bot.store.coding import Codec
from bot.store.tables import CatalogRow, FeedRow
from bot.store.transaction import InsertInto, Transaction
from bot.workflow.errors import Missing
from bot.workflow.repositories import Feed

CATALOGS = TypeAdapter(Catalog)
FEEDS = Codec(Feed)
_SOMETIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Replaces the time of reading in the stored content, as that time has a column of its own."""
Decoded = dict[Organisation, tuple[str, Catalog]]
"""The catalogs that this process decoded last, with the digest of their content."""
_FETCHED = select(CatalogRow.organisation, CatalogRow.fetched_at)
_FEED = select(FeedRow.body).where(FeedRow.organisation == bindparam("organisation"))


@cache
def _save_feed(insert: InsertInto) -> Executable:
    new = insert(FeedRow)
    return new.on_conflict_do_update(index_elements=["organisation"], set_={"body": new.excluded.body})


class StoredCatalogs:
    """Catalogs in the database. What was decoded already is not decoded again: ten thousand clusters take time."""

    def __init__(self, transaction: Transaction, decoded: Decoded) -> None:
        self._transaction = transaction
        self._decoded = decoded

    async def read(self, organisation: Organisation) -> Catalog | None:
        """Return the copy, None before the first."""
        query = select(CatalogRow.digest, CatalogRow.fetched_at).where(CatalogRow.organisation == organisation)
        row = await self._transaction.first(query)
        if row is None:
            return None
        known = self._decoded.get(organisation)
        if known is None or known[0] != row.digest:
            known = row.digest, await self._decode(organisation)
            self._decoded[organisation] = known
        return replace(known[1], fetched_at=row.fetched_at)

    async def _decode(self, organisation: Organisation) -> Catalog:
        row = await self._transaction.first(select(CatalogRow.content).where(CatalogRow.organisation == organisation))
        if row is None:
            raise Missing(f"The catalog of {organisation} is gone.")
        return CATALOGS.validate_json(zlib.decompress(row.content))

    async def fetched(self) -> Mapping[Organisation, datetime]:
        """Return when each stored copy was read."""
        rows = await self._transaction.all(_FETCHED)
        return {Organisation(organisation): fetched_at for organisation, fetched_at in rows}

    async def put(self, catalog: Catalog) -> None:
        """Replace the copy; the same content is not written again."""
        content = CATALOGS.dump_json(replace(catalog, fetched_at=_SOMETIME))
        values = {"fetched_at": catalog.fetched_at, "digest": hashlib.sha256(content).hexdigest()}
        known = await self._transaction.first(
            select(CatalogRow.digest).where(CatalogRow.organisation == catalog.organisation)
        )
        if known is None or known.digest != values["digest"]:
            values["content"] = zlib.compress(content, level=1)
        statement = self._transaction.insert(CatalogRow)
        await self._transaction.run(
            statement.values(organisation=catalog.organisation, **{"content": b"", **values}).on_conflict_do_update(
                index_elements=["organisation"], set_=values
            )
        )


class StoredFeeds:
    """Feeds in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, organisation: Organisation) -> Feed:
        """Return the feed; a new one when nothing is stored."""
        row = await self._transaction.first(_FEED, organisation=organisation)
        return Feed(organisation=organisation) if row is None else FEEDS.decode(row.body)

    async def save(self, feed: Feed) -> None:
        """Store it."""
        row = {"organisation": feed.organisation, "body": FEEDS.encode(feed)}
        await self._transaction.run(_save_feed(self._transaction.insert), row)
