import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
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
from bot.store.errors import DatabaseLocked, DatabaseUnavailable
from bot.store.locking import hold_sqlite_lock
from bot.store.storage import Storage
from bot.store.tables import Base, InboxRow, OutboxRow, RequestRow
from bot.store.transaction import transaction
from bot.workflow.entries import Arrival, Urgency
from bot.workflow.ports import Box, Feed
from tests.builders import (
    ACME,
    DATA,
    NOON,
    a_catalog,
    a_scheduled_upgrade,
    a_submitted_form,
    an_errand,
    an_upgrade_request,
)
from tests.store.conftest import make_older

DAY = 86_400.0
MIGRATIONS = Path(bot.store.migrating.__file__).parent / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of each database, without any tables."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


async def test_a_new_database_gets_its_tables(empty_url: str) -> None:
    """They are missing before, and can be read afterwards."""
    storage = Storage.open(empty_url)
    assert await storage.pending() == ("0001",)

    await storage.migrate()

    assert await storage.pending() == ()
    async with storage.look() as work:
        assert await work.requests.in_states(*State) == ()
    await storage.close()


async def test_many_processes_may_migrate_at_once(empty_postgresql_url: str) -> None:
    """One does it, the others find it done; a SQLite file is one process's anyway."""
    storages = [Storage.open(empty_postgresql_url) for _ in range(4)]

    await asyncio.gather(*(storage.migrate() for storage in storages))

    assert await storages[0].pending() == ()
    async with storages[3].look() as work:
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


def test_opening_touches_nothing(tmp_path: Path) -> None:
    """A storage is prepared before its database is reachable."""
    Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    Storage.open("postgresql+asyncpg://nobody:secret@127.0.0.1:1/nothing")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql+aiomysql://h/d", "sqlite:///x.db", "sqlite+aiosqlite://", "postgresql://h/d"])
def test_other_databases_are_refused(url: str) -> None:
    """With a sentence that says which ones there are."""
    with pytest.raises(ValueError, match=r"sqlite\+aiosqlite"):
        Storage.open(url)


async def test_looking_for_missing_migrations_makes_no_file(empty_sqlite_url: str, tmp_path: Path) -> None:
    """Doctor only looks."""
    storage = Storage.open(empty_sqlite_url)

    assert await storage.pending() == ("0001",)
    await storage.close()

    assert not (tmp_path / "empty.db").exists()


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////nowhere/at/all.db", "postgresql+asyncpg://somebody:secret@127.0.0.1:1/nothing"],
    ids=["sqlite", "postgresql"],
)
async def test_an_unreachable_database_is_unavailable(url: str) -> None:
    """One kind of error, and no password in it."""
    storage = Storage.open(url)

    with pytest.raises(DatabaseUnavailable) as refused:
        await storage.ping()
    with pytest.raises(DatabaseUnavailable):
        await storage.take()
    with pytest.raises(DatabaseUnavailable):
        async with storage.begin():
            pass
    await storage.close()
    await asyncio.sleep(0.05)  # the driver's threads end by themselves

    assert "secret" not in str(refused.value)


async def test_a_postgresql_that_comes_back_is_used_again(postgresql_url: str) -> None:
    """Connections that died are replaced without anybody noticing."""
    storage = Storage.open(postgresql_url)
    killer = Storage.open(postgresql_url)
    await storage.ping()
    async with killer.engines.write.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    await storage.ping()
    async with storage.begin() as work:
        await work.requests.add(an_upgrade_request())
        await work.commit()

    await storage.close()
    await killer.close()


async def test_a_connection_that_dies_within_work_makes_it_unavailable(postgresql_url: str) -> None:
    """Nothing of that Work is stored."""
    storage = Storage.open(postgresql_url)
    killer = Storage.open(postgresql_url)
    request = an_upgrade_request()

    async with storage.begin() as work:
        await work.requests.add(request)
        async with killer.engines.write.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        with pytest.raises(DatabaseUnavailable):
            await work.commit()

    async with storage.look() as work:
        assert await work.requests.in_states(*State) == ()
    await storage.close()
    await killer.close()


@pytest.mark.parametrize(
    "sqlstate", ["08006", "25006", "25P03", "53100", "53300", "55P03", "57014", "57P01", "57P03", "58030"]
)
async def test_a_postgresql_that_is_out_of_order_is_unavailable(postgresql_url: str, sqlstate: str) -> None:
    """Its disk is full, it shuts down or recovers, it is a standby: that is no fault of ours, and passes."""
    storage = Storage.open(postgresql_url)

    with pytest.raises(DatabaseUnavailable, match="out of order"):
        async with transaction(storage.engines.write) as working:
            await working.run(text(f"DO $$ BEGIN RAISE EXCEPTION 'out of order' USING ERRCODE = '{sqlstate}'; END $$"))
    await storage.close()


async def test_looking_cannot_write(stored: Storage) -> None:
    """The database itself refuses it."""
    async with stored.look() as work:
        with pytest.raises(Exception, match=r"(?i)read.?only"):
            await work.requests.add(an_upgrade_request())


async def test_sqlite_is_as_durable_as_promised(sqlite_url: str) -> None:
    """Write-ahead log, synced at every commit, foreign keys watched."""
    storage = Storage.open(sqlite_url)
    await storage.ping()

    async with storage.engines.write.connect() as connection:
        pragmas = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await storage.close()

    assert pragmas == ["wal", 2, 1]


async def test_a_second_process_is_refused_a_sqlite_file(sqlite_url: str) -> None:
    """It may look beside the first, and gets the file when the first is gone."""
    first, second = Storage.open(sqlite_url), Storage.open(sqlite_url)
    await first.take()

    with pytest.raises(DatabaseLocked, match="serves one process"):
        await second.take()
    assert await second.pending() == ()
    await second.ping()
    await first.close()
    await second.take()

    await second.close()


async def test_a_second_name_of_a_sqlite_file_is_no_way_around_its_lock(sqlite_url: str, tmp_path: Path) -> None:
    """A link leads to the same file, so it has the same lock."""
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_url.partition("///")[2])
    held = hold_sqlite_lock(sqlite_url)

    with pytest.raises(DatabaseLocked):
        hold_sqlite_lock(f"sqlite+aiosqlite:///{link}")
    held.release()


def test_a_dead_process_frees_the_lock_at_once(tmp_path: Path) -> None:
    """However it died."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'upgrade-bot.db'}"
    code = f"from bot.store.locking import hold_sqlite_lock; lock = hold_sqlite_lock({url!r}); print('held'); input()"
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseLocked, match=f"Process {holder.pid} "):
            hold_sqlite_lock(url)
        holder.kill()
        holder.wait()

        hold_sqlite_lock(url).release()


async def test_what_a_dead_process_held_in_sqlite_is_free_at_once(sqlite_url: str) -> None:
    """Whoever holds the file's lock knows that all earlier holders are gone."""
    dead = Storage.open(sqlite_url)
    stalled = await dead.claims.claim("poll:acme")
    await dead.close()
    storage = Storage.open(sqlite_url)

    await storage.take()

    lease = await storage.claims.claim("poll:acme")
    assert lease is not None
    assert stalled is not None
    assert lease.number > stalled.number
    await storage.close()


async def test_no_lock_is_needed_for_postgresql(postgresql_url: str) -> None:
    """Any number of processes may work on it, and one that starts takes nothing from another."""
    first, second = Storage.open(postgresql_url), Storage.open(postgresql_url)
    await first.take()
    assert await first.claims.claim("poll:acme") is not None

    await second.take()

    assert await second.claims.claim("poll:acme") is None
    await first.close()
    await second.close()


async def test_whoever_works_is_woken_once_it_is_stored_and_not_before(sqlite_url: str) -> None:
    """For each queue in which something new is due; what is rolled back wakes nobody."""
    storage, woken = Storage.open(sqlite_url), dict[tuple[Box, str], int]()

    def wake(box: Box, queue: str) -> None:
        with closing(sqlite3.connect(sqlite_url.partition("///")[2])) as beside:
            (woken[box, queue],) = beside.execute("SELECT count(*) FROM outbox").fetchone()

    storage.wakes.append(wake)
    async with storage.begin() as work:
        await work.outbox.put(an_errand("lost", queue="lost"))
    async with storage.begin() as work:
        await work.inbox.put(Arrival(entry=a_submitted_form(), key="1", queue="in"))
        await work.outbox.put(an_errand("1", queue="out"), an_errand("2", queue="out"))
        await work.commit()
    await storage.close()

    assert woken == {(Box.INBOX, "in"): 2, (Box.OUTBOX, "out"): 2}


async def test_pruning_spares_what_may_come_again(stored: Storage) -> None:
    """Ended rows go after 30 days and no earlier than after two; undone ones stay."""
    async with stored.begin() as work:
        await work.inbox.put(Arrival(entry=a_submitted_form(), key="old", queue="q"))
        await work.outbox.put(an_errand("old"), an_errand("undone"))
        (entry,), (errand, _) = [await work.inbox.due("q")], await work.outbox.due("card:1", limit=10)
        assert entry is not None
        await work.inbox.done(entry.number)
        await work.outbox.done(errand.number)
        await work.commit()
    await stored.claims.claim("poll:acme")

    await make_older(stored, 1.5 * DAY)
    assert await stored.prune(days=0) == 0
    await make_older(stored, 28 * DAY)
    assert await stored.prune() == 0
    await make_older(stored, 2 * DAY)
    removed = await stored.prune()

    assert removed == 3
    async with stored.look() as work:
        assert [due.errand.key for due in await work.outbox.due("card:1", limit=10)] == ["undone"]


async def test_the_census_counts(stored: Storage) -> None:
    """What waits and since when, what was given up, and how things stand."""
    async with stored.begin() as work:
        await work.inbox.put(Arrival(entry=a_submitted_form(), key="1", queue="q"))
        await work.outbox.put(an_errand("1"), an_errand("2", delay=100), an_errand("3", queue="dead"))
        (dead,) = await work.outbox.due("dead", limit=1)
        await work.outbox.bury(dead.number, error="channel_not_found")
        entry = await work.inbox.due("q")
        assert entry is not None
        await work.inbox.postpone(entry.number, seconds=0, error="no answer")
        await work.requests.add(an_upgrade_request())
        await work.requests.add(an_upgrade_request(cluster_identity=DATA))
        await work.upgrades.save(a_scheduled_upgrade())
        await work.feeds.save(Feed(organisation=ACME, read_at=NOON))
        await work.catalogs.put(a_catalog())
        await work.commit()
    await stored.claims.claim_due(Box.OUTBOX, limit=1)
    await make_older(stored, 10)

    census = stored.census
    inbox, outbox = await census.inbox(), await census.outbox()
    assert (inbox.waiting, inbox.due, inbox.most_attempts) == (1, 1, 1)
    assert (outbox.waiting, outbox.due, outbox.most_attempts) == (2, 1, 0)
    assert inbox.oldest_seconds == pytest.approx(10, abs=5)
    assert await census.received("q")
    assert not await census.received("another")
    assert await census.dead() == 1
    (letter,) = await census.dead_letters()
    assert (letter.errand.key, letter.error, letter.attempts) == ("3", "channel_not_found", 1)
    assert letter.dead_seconds == pytest.approx(10, abs=5)
    assert await census.requests() == {"PENDING_APPROVAL": 2}
    assert await census.upgrades() == {"SCHEDULED": 1}
    assert await census.feeds() == (Feed(organisation=ACME, read_at=NOON),)
    assert await census.catalogs() == {ACME: NOON}
    (holding,) = await census.leases()
    assert holding.name == "outbox:card:1"
    assert holding.seconds_left == pytest.approx(10, abs=5)


async def test_an_empty_storage_is_counted_too(stored: Storage) -> None:
    """Zero is a number."""
    assert (await stored.census.inbox()).waiting == 0
    assert (await stored.census.outbox()).oldest_seconds == 0.0
    assert await stored.census.dead_letters() == ()
    assert await stored.census.requests() == {}
    assert await stored.census.leases() == ()


async def test_rows_of_another_version_are_read(stored: Storage) -> None:
    """Fields that this version does not know are left alone, and those it misses get their default."""
    request = an_upgrade_request(reason="kept")
    async with stored.begin() as work:
        await work.requests.add(request)
        await work.outbox.put(an_errand("1", urgency=Urgency.PERSON))
        await work.commit()
    async with transaction(stored.engines.write) as newer:
        for table in (RequestRow, OutboxRow):
            (row,) = await newer.all(select(table.body))
            body = {**row.body, "from_the_future": [1]}
            body.pop("reminders", None)
            body.pop("delay", None)
            await newer.run(update(table).values(body=body))
        await newer.commit()

    async with stored.look() as work:
        assert await work.requests.get(request.id) == replace(request, revision=1)
        assert len(await work.outbox.due("card:1", limit=10)) == 1


async def test_a_clock_that_was_set_back_holds_up_nothing(stored: Storage) -> None:
    """Leases, rests, postponed rows and paces go on, instead of waiting for the old time to come again."""
    await stored.claims.claim("poll:acme")
    rested = await stored.claims.claim("catalog:acme")
    assert rested is not None
    await stored.claims.release(rested, again_in=300)
    async with stored.begin() as work:
        await work.outbox.put(an_errand("1", delay=300))
        await work.inbox.put(Arrival(entry=a_submitted_form(), key="1", queue="q"))
        entry = await work.inbox.due("q")
        assert entry is not None
        await work.inbox.postpone(entry.number, seconds=300, error="no answer")
        await work.commit()
    await stored.claims.hold("C1", seconds=300)
    await make_older(stored, -3600)

    assert await stored.claims.claim("poll:acme") is not None
    assert await stored.claims.claim("catalog:acme") is not None
    (lease,) = await stored.claims.claim_due(Box.OUTBOX, limit=9)
    assert len(await stored.claims.claim_due(Box.INBOX, limit=9)) == 1
    assert await stored.claims.next_slot("C1", lease, every=1.0, within=1.0) == 0.0
    await make_older(stored, -3600)
    await stored.claims.hold("C1", seconds=100)
    assert await stored.claims.wait("C1", lease) == pytest.approx(100, abs=25)


def test_keys_are_unique_in_both_boxes() -> None:
    """The promise that nothing is told twice stands in the tables themselves."""
    assert InboxRow.__table__.c.key.unique
    assert OutboxRow.__table__.c.key.unique


async def test_a_cancelled_writer_lets_the_next_one_in(stored: Storage) -> None:
    """Whatever it was doing, nothing of it is stored and nothing stays locked."""
    began = asyncio.Event()

    async def write(number: int) -> None:
        async with stored.begin() as work:
            await work.outbox.put(an_errand("lost"))
            began.set()
            for step in range(number):
                await work.outbox.put(an_errand(f"lost-{step}"))
            await asyncio.sleep(60)

    for number in range(6):
        began.clear()
        task = asyncio.create_task(write(number * 20))
        await began.wait()
        await asyncio.sleep(0.001 * number)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with stored.begin() as work:
        await work.outbox.put(an_errand("kept"))
        assert [due.errand.key for due in await work.outbox.due("card:1", limit=10)] == ["kept"]
        await work.commit()
