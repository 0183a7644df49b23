"""A database gets this version's tables, whoever starts first, and loses nothing that another version wrote."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text, update

import bot.store.migrating
from bot.domain.request import State
from bot.store.migrating import known
from bot.store.storage import Storage
from bot.store.tables import Base, InboxRow, OutboxRow, RequestRow
from bot.store.transaction import transaction
from bot.workflow.inbox import NewEntry
from bot.workflow.outbox import Urgency
from tests.builders import (
    SEM,
    a_press,
    an_outbox_message,
    an_upgrade_request,
)

MIGRATIONS = Path(bot.store.migrating.__file__).parent / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of each database, without any tables."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


async def test_a_new_database_gets_its_tables(empty_url: str) -> None:
    """They are missing before, and can be read afterwards."""
    storage = Storage.open(empty_url)
    assert await storage.pending() == known()

    await storage.migrate()

    assert await storage.pending() == ()
    async with storage.read() as work:
        assert await work.requests.in_states(*State) == ()
    await storage.close()


async def test_many_processes_may_migrate_at_once(empty_postgresql_url: str) -> None:
    """One does it, the others find it done; a SQLite file is one process's anyway."""
    storages = [Storage.open(empty_postgresql_url) for _ in range(4)]

    await asyncio.gather(*(storage.migrate() for storage in storages))

    assert await storages[0].pending() == ()
    async with storages[3].read() as work:
        assert await work.requests.in_states(*State) == ()
    await asyncio.gather(*(storage.close() for storage in storages))


async def test_migrations_lead_to_the_tables_of_the_code(stored: Storage) -> None:
    """Alembic finds no difference."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))

    async with stored.engines.read.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_files_of_migrations_are_named_by_their_revisions() -> None:
    """So that nobody has to load Alembic to see that nothing is missing."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = [*reversed([*ScriptDirectory.from_config(config).walk_revisions()])]

    assert [script.revision for script in scripts] == [
        file.stem[1:5] for file in sorted((MIGRATIONS / "versions").glob("v*.py"))
    ]


async def test_a_start_over_tables_that_are_up_to_date_loads_no_alembic(sqlite_url: str) -> None:
    """It weighs 9 MiB; `take` is what a start does."""
    code = (
        "import asyncio, sys; from bot.store.storage import Storage\n"
        f"asyncio.run(Storage.open({sqlite_url!r}).take())\n"
        "assert 'alembic' not in sys.modules"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code)

    assert await child.wait() == 0


async def test_looking_for_missing_migrations_makes_no_file(empty_sqlite_url: str, tmp_path: Path) -> None:
    """Doctor only looks."""
    storage = Storage.open(empty_sqlite_url)

    assert await storage.pending() == known()
    await storage.close()

    assert not (tmp_path / "empty.db").exists()


async def test_rows_of_another_version_are_read(stored: Storage) -> None:
    """Fields that this version does not know are left alone, and those it misses get their default."""
    request = an_upgrade_request(reason="kept")
    async with stored.begin() as work:
        await work.requests.add(request)
        await work.outbox.put(an_outbox_message("1", urgency=Urgency.PERSON))
        await work.commit()
    async with transaction(stored.engines.write) as newer:
        for table in (RequestRow, OutboxRow):
            (row,) = await newer.all(select(table.body))
            body = {**row.body, "from_the_future": [1]}
            body.pop("reminders", None)
            body.pop("delay", None)
            await newer.run(update(table).values(body=body))
        await newer.commit()

    async with stored.read() as work:
        assert await work.requests.get(request.id) == replace(request, revision=1)
        assert len(await work.outbox.due("card:1", limit=10)) == 1


async def test_entries_that_waited_when_the_tables_changed_are_known_by_their_giver(stored: Storage) -> None:
    """What an older version stores beside this one belongs to nobody, and is decided all the same."""
    async with stored.begin() as work:
        await work.inbox.put(NewEntry(entry=a_press(), key="1", queue="q"))
        await work.commit()
    async with transaction(stored.engines.write) as older:
        await older.run(text("UPDATE inbox SET member = ''"))
        await older.commit()
    async with stored.read() as work:
        received = await work.inbox.due("q")
    async with transaction(stored.engines.write) as older:
        await older.run(text("DROP TABLE freezes"))
        await older.run(text("DROP TABLE freeze_places"))
        await older.run(text("DROP TABLE readiness_readings"))
        await older.run(text("DROP TABLE alert_checks"))
        await older.run(text("DROP TABLE rollouts"))
        await older.run(text("DROP TABLE rollout_clusters"))
        await older.run(text("DROP INDEX ix_requests_unacknowledged"))
        await older.run(text("ALTER TABLE requests DROP COLUMN unacknowledged"))
        await older.run(text("ALTER TABLE requests DROP COLUMN rollout"))
        await older.run(text("DROP INDEX ix_inbox_dead"))
        await older.run(text("ALTER TABLE inbox DROP COLUMN member"))
        await older.run(text("ALTER TABLE inbox DROP COLUMN dead"))
        await older.run(text("UPDATE alembic_version SET version_num = '0003'"))
        await older.commit()

    await stored.migrate()

    assert received is not None
    async with transaction(stored.engines.read) as looking:
        assert [row.member for row in await looking.all(select(InboxRow.member))] == [SEM]
