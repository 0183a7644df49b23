import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, literal_column, select, text

from bot.domain.request import State
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.store.tables import InboxRow, OutboxRow
from bot.store.transaction import transaction
from bot.workflow.inbox import NewEntry
from bot.workflow.queues import Box, Lane
from bot.workflow.repositories import Feed
from tests import postgresql
from tests.builders import (
    ACME,
    DATA,
    NOON,
    a_catalog,
    a_scheduled_upgrade,
    a_submitted_form,
    an_outbox_message,
    an_upgrade_request,
)
from tests.store.conftest import Subject, make_older

DAY = 86_400.0


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

    async with storage.read() as work:
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


async def test_connections_that_a_failover_left_behind_are_all_thrown_away_at_once(postgresql_url: str) -> None:
    """They stay open and answer, but lead to a standby now; the first that fails takes all with it."""
    storage = Storage.open(postgresql_url)
    await postgresql.turn_read_only(storage.engines.write)
    old = await backends(storage)
    await storage.ping()

    with pytest.raises(DatabaseUnavailable, match="read-only"):
        await storage.claims.hold("anything", seconds=0)

    for _ in range(3):
        await storage.claims.hold("anything", seconds=0)
    assert not await backends(storage) & old
    await storage.close()


@pytest.mark.parametrize("sqlstate", ["08006", "25006", "25P03", "57P01", "57P03"])
async def test_a_connection_that_cannot_go_on_is_thrown_away(postgresql_url: str, sqlstate: str) -> None:
    """Whatever PostgreSQL calls it."""
    storage = Storage.open(postgresql_url)
    old = await backends(storage)
    with pytest.raises(DatabaseUnavailable):
        async with transaction(storage.engines.write) as working:
            await working.run(text(f"DO $$ BEGIN RAISE EXCEPTION 'over' USING ERRCODE = '{sqlstate}'; END $$"))

    assert not await backends(storage) & old
    await storage.close()


async def backends(storage: Storage) -> set[int]:
    """Return the processes of the server that this storage's connections lead to."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(storage.engines.write.connect()) for _ in range(10)]
        return {int(await connection.scalar(text("SELECT pg_backend_pid()")) or 0) for connection in opened}


async def test_a_driver_that_lost_track_is_unavailable_and_its_connection_thrown_away(postgresql_url: str) -> None:
    """Asyncpg raises its InternalClientError; here a type changed behind the connection's back."""
    storage, other = Storage.open(postgresql_url), Storage.open(postgresql_url)
    backend: Select[int] = select(func.pg_backend_pid())
    pair: Select[Any] = select(literal_column("'(1,2)'::pair").label("two"))
    pair_again: Select[Any] = select(literal_column("'(1,2,3)'::pair").label("three"))
    async with other.engines.write.begin() as connection:
        await connection.execute(text("CREATE TYPE pair AS (a int, b int)"))
    async with transaction(storage.engines.write) as working:
        first = (await working.all(backend))[0][0]
        await working.all(pair)
    async with other.engines.write.begin() as connection:
        await connection.execute(text("ALTER TYPE pair ADD ATTRIBUTE c int"))

    with pytest.raises(DatabaseUnavailable, match="cannot be used"):
        async with transaction(storage.engines.write) as working:
            await working.all(pair_again)

    async with transaction(storage.engines.write) as working:
        assert (await working.all(backend))[0][0] != first
    await storage.close()
    await other.close()


async def test_looking_cannot_write(stored: Storage) -> None:
    """The database itself refuses it."""
    async with stored.read() as work:
        with pytest.raises(Exception, match=r"(?i)read.?only"):
            await work.requests.add(an_upgrade_request())  # type: ignore[attr-defined]


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


async def test_what_was_stored_here_is_counted(subject: Subject) -> None:
    """Whoever keeps what they read knows by it whether that may be old; what is rolled back changes nothing."""
    counted = [subject.commits()]
    async with subject.begin() as work:
        await work.outbox.put(an_outbox_message("lost"))
    async with subject.read() as work:
        await work.outbox.due("card:1", limit=1)
    counted.append(subject.commits())
    async with subject.begin() as work:
        await work.outbox.put(an_outbox_message("kept"))
        await work.commit()
    counted.append(subject.commits())

    assert counted == [0, 0, 1]


async def test_pruning_spares_what_may_come_again(stored: Storage) -> None:
    """Ended rows go after 30 days and no earlier than after two; undone ones stay."""
    async with stored.begin() as work:
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="old", queue="q"))
        await work.outbox.put(an_outbox_message("old"), an_outbox_message("undone"))
        (entry,), (outgoing, _) = [await work.inbox.due("q")], await work.outbox.due("card:1", limit=10)
        assert entry is not None
        await work.inbox.done(entry.number)
        await work.outbox.done(outgoing.number)
        await work.commit()
    await stored.claims.claim("poll:acme")

    await make_older(stored, 1.5 * DAY)
    assert await stored.prune(days=0) == 0
    await make_older(stored, 28 * DAY)
    assert await stored.prune() == 0
    await make_older(stored, 2 * DAY)
    removed = await stored.prune()

    assert removed == 3
    async with stored.read() as work:
        assert [due.outgoing.key for due in await work.outbox.due("card:1", limit=10)] == ["undone"]


async def test_the_stats_count(stored: Storage) -> None:
    """What waits and since when, what was given up, and how many there are in each state."""
    async with stored.begin() as work:
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="1", queue="q"))
        await work.outbox.put(
            an_outbox_message("1"), an_outbox_message("2", delay=100), an_outbox_message("3", queue="dead")
        )
        (dead,) = await work.outbox.due("dead", limit=1)
        await work.outbox.dead_letter(dead.number, error="channel_not_found")
        entry = await work.inbox.due("q")
        assert entry is not None
        await work.inbox.postpone(entry.number, seconds=0, error="no answer")
        await work.requests.add(an_upgrade_request())
        await work.requests.add(an_upgrade_request(cluster_identity=DATA))
        await work.upgrades.save(a_scheduled_upgrade())
        await work.feeds.save(Feed(organisation=ACME, read_at=NOON))
        await work.catalogs.put(a_catalog())
        await work.commit()
    await stored.claims.claim_due(Lane.DELIVERIES, limit=1)
    await make_older(stored, 10)

    stats = stored.stats
    inbox, outbox = await stats.inbox(), await stats.outbox()
    assert (inbox.waiting, inbox.due) == (1, 1)
    assert (outbox.waiting, outbox.due) == (2, 1)
    assert inbox.oldest_seconds == pytest.approx(10, abs=5)
    assert await stats.received("q")
    assert not await stats.received("another")
    assert await stats.dead() == {Box.INBOX: 0, Box.OUTBOX: 1}
    (letter,) = await stats.dead_letters()
    assert (letter.box, letter.number, letter.error, letter.attempts) == (Box.OUTBOX, 3, "channel_not_found", 1)
    assert letter.dead_seconds == pytest.approx(10, abs=5)
    assert await stats.requests() == {"PENDING_APPROVAL": 2}
    assert await stats.upgrades() == {"SCHEDULED": 1}
    assert await stats.feeds() == (Feed(organisation=ACME, read_at=NOON),)
    assert await stats.catalogs() == {ACME: NOON}
    (holding,) = await stats.leases()
    assert holding.name == "outbox:card:1"
    assert holding.seconds_left == pytest.approx(10, abs=5)


async def test_an_empty_storage_is_counted_too(stored: Storage) -> None:
    """Zero is a number."""
    assert (await stored.stats.inbox()).waiting == 0
    assert (await stored.stats.outbox()).oldest_seconds == 0.0
    assert await stored.stats.dead_letters() == ()
    assert await stored.stats.requests() == {}
    assert await stored.stats.leases() == ()


async def test_a_clock_that_was_set_back_holds_up_nothing(stored: Storage) -> None:
    """Leases, rests, postponed rows and paces go on, instead of waiting for the old time to come again."""
    await stored.claims.claim("poll:acme")
    rested = await stored.claims.claim("catalog:acme")
    assert rested is not None
    await stored.claims.release(rested, again_in=300)
    async with stored.begin() as work:
        await work.outbox.put(an_outbox_message("1", delay=300))
        await work.inbox.put(NewEntry(entry=a_submitted_form(), key="1", queue="q"))
        entry = await work.inbox.due("q")
        assert entry is not None
        await work.inbox.postpone(entry.number, seconds=300, error="no answer")
        await work.commit()
    await stored.claims.hold("C1", seconds=300)
    await make_older(stored, -3600)

    assert await stored.claims.claim("poll:acme") is not None
    assert await stored.claims.claim("catalog:acme") is not None
    (lease,) = await stored.claims.claim_due(Lane.DELIVERIES, limit=9)
    assert len(await stored.claims.claim_due(Lane.DECISIONS, limit=9)) == 1
    assert await stored.claims.next_slot("C1", lease, every=1.0, within=1.0) == 0.0
    await make_older(stored, -3600)
    await stored.claims.hold("C1", seconds=100)
    assert await stored.claims.wait("C1", lease) == pytest.approx(100, abs=25)


def test_keys_are_unique_in_both_boxes() -> None:
    """The tables themselves keep the promise that nothing is told twice."""
    assert InboxRow.__table__.c.key.unique
    assert OutboxRow.__table__.c.key.unique


async def test_a_cancelled_writer_lets_the_next_one_in(stored: Storage) -> None:
    """Whatever it was doing, nothing of it is stored and nothing stays locked."""
    began = asyncio.Event()

    async def write(number: int) -> None:
        async with stored.begin() as work:
            await work.outbox.put(an_outbox_message("lost"))
            began.set()
            for step in range(number):
                await work.outbox.put(an_outbox_message(f"lost-{step}"))
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
        await work.outbox.put(an_outbox_message("kept"))
        assert [due.outgoing.key for due in await work.outbox.due("card:1", limit=10)] == ["kept"]
        await work.commit()
