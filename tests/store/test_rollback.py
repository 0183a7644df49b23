"""Upgrading the bot itself: the older program finds a database that a newer one has brought further."""

import pytest
from sqlalchemy import text

from bot.store.storage import Storage
from bot.workflow.outbox import Kind, OutboxMessage


async def works(storage: Storage, key: str) -> None:
    """Claim a queue, store a message, take it and finish it."""
    async with storage.begin() as work:
        await work.outbox.put(OutboxMessage(queue="q", key=key, kind=Kind.CHANNEL, target="C1"))
        await work.commit()
    lease = await storage.claims.claim("q")
    assert lease
    async with storage.begin(lease) as work:
        (due,) = await work.outbox.due("q", limit=1)
        assert due.outgoing.key == key
        await work.outbox.done(due.number)
        await work.commit()
    await storage.claims.release(lease)


async def migrated_by_a_newer_version(storage: Storage) -> None:
    """Do what migrations may do: only add, columns with a default and tables."""
    async with storage.engines.write.begin() as newer:
        await newer.execute(text("UPDATE alembic_version SET version_num = 'from_a_newer_version'"))
        await newer.execute(text("CREATE TABLE something_new (number INTEGER PRIMARY KEY)"))
        for table in ("inbox", "outbox", "leases", "requests"):
            await newer.execute(text(f"ALTER TABLE {table} ADD COLUMN something_new TEXT NOT NULL DEFAULT ''"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_going_back_one_version_needs_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    """A revision that this version does not know is left alone and worked with."""
    url = request.getfixturevalue(f"{kind}_url")
    newer = Storage.open(url)
    await newer.take()
    await migrated_by_a_newer_version(newer)
    await newer.close()

    older = Storage.open(url)
    await older.take()
    await works(older, "k")

    assert await older.pending() == ()
    await older.close()


async def test_an_older_replica_goes_on_beside_a_newer_one(postgresql_url: str) -> None:
    """Its open connections, with the statements that they have prepared, survive the migration."""
    older, newer = Storage.open(postgresql_url), Storage.open(postgresql_url)
    await older.take()
    await works(older, "before")

    await migrated_by_a_newer_version(newer)
    await works(older, "after")
    await works(newer, "too")

    await older.close()
    await newer.close()
