"""What a PostgreSQL must allow: poolers in between, rights to the tables, what a session is set to."""

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from bot.store.errors import DatabaseUnavailable, SessionsShared
from bot.store.storage import Storage
from bot.store.transaction import transaction
from tests import postgresql


async def set_to(storage: Storage, *names: str) -> list[str]:
    async with storage.engines.write.connect() as connection:
        return [str(await connection.scalar(text(f"SHOW {name}"))) for name in names]


async def test_a_pooler_that_keeps_sessions_is_as_good_as_none(empty_postgresql_url: str, pooler_folder: Path) -> None:
    """Tables are made, and a session is set up as without a pooler, for every connection."""
    with postgresql.pooled(empty_postgresql_url, mode="session", folder=pooler_folder) as url:
        storage, other = Storage.open(url), Storage.open(url)

        await storage.take()
        await other.take()

        assert await storage.lacking_rights() == ()
        wanted = ["8s", "UTC", "upgrade-bot"]
        for one in (storage, other):
            assert await set_to(one, "idle_in_transaction_session_timeout", "timezone", "application_name") == wanted
            await one.close()


async def test_a_pooler_that_shares_sessions_is_named_at_start(empty_postgresql_url: str, pooler_folder: Path) -> None:
    with postgresql.pooled(empty_postgresql_url, mode="transaction", folder=pooler_folder) as url:
        storage = Storage.open(url)

        with pytest.raises(SessionsShared, match=r"pool_mode=transaction.*pool_mode=session"):
            await storage.take()

        await storage.close()


async def test_a_session_is_set_to_what_the_address_asks_for(empty_postgresql_url: str) -> None:
    asked = "&application_name=my-bot&options=-c%20search_path%3Dpublic,pg_temp%20--lock_timeout%3D3s&connect_timeout=5"
    storage = Storage.open(f"{empty_postgresql_url}{asked}&sslmode=disable&target_session_attrs=read-write")

    found = await set_to(storage, "application_name", "search_path", "lock_timeout")

    await storage.close()
    assert found == ["my-bot", "public,pg_temp", "3s"]


async def test_a_user_who_may_make_no_tables_finds_out_without_making_any(
    empty_postgresql_url: str, stranger: str
) -> None:
    storage = Storage.open(str(empty_postgresql_url).replace("postgres@", f"{stranger}@"))

    for attempt in (storage.rehearse, storage.take):
        with pytest.raises(DatabaseUnavailable, match="permission denied for schema public"):
            await attempt()

    await storage.close()


async def test_a_rehearsal_leaves_no_table_behind(empty_postgresql_url: str) -> None:
    storage = Storage.open(empty_postgresql_url)

    await storage.rehearse()

    assert await storage.version() is None
    await storage.close()


async def test_a_user_without_rights_to_the_tables_lacks_each(postgresql_url: str, stranger: str) -> None:
    owner = Storage.open(postgresql_url)
    storage = Storage.open(postgresql_url.replace("postgres@", f"{stranger}@"))
    async with transaction(owner.engines.write) as granting:
        await granting.run(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {stranger}"))
        await granting.run(text(f"REVOKE INSERT ON requests FROM {stranger}"))
        await granting.commit()

    lacking = await storage.lacking_rights()

    with pytest.raises(DatabaseUnavailable, match="permission denied for table requests"):
        async with transaction(storage.engines.write) as writing:
            await writing.run(text("INSERT INTO requests DEFAULT VALUES"))
    await storage.close()
    await owner.close()
    assert lacking == ("INSERT on requests",)


async def test_a_database_that_only_reads_lacks_the_right_to_write(postgresql_url: str) -> None:
    storage = Storage.open(f"{postgresql_url}&options=-c%20default_transaction_read_only%3Don")

    lacking = await storage.lacking_rights()

    await storage.close()
    assert lacking == ("write at all: it only reads, as a standby does",)


async def test_who_is_not_let_in_is_told_so_in_a_line(empty_postgresql_url: str) -> None:
    nobody = empty_postgresql_url.replace("postgres@", "nobody-of-this-name@")
    name = make_url(empty_postgresql_url).database
    for url in (nobody, empty_postgresql_url.replace(f"/{name}", "/no-such-database")):
        storage = Storage.open(url)
        with pytest.raises(DatabaseUnavailable, match=r"does not exist$"):
            await storage.take()
        await storage.close()


async def test_a_variable_of_libpq_that_cannot_be_read_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "postgres")
    storage = Storage.open("postgresql+asyncpg://bot@127.0.0.1/bot")

    with pytest.raises(DatabaseUnavailable, match=r"cannot be reached: .*'postgres'"):
        await storage.ping()

    await storage.close()
