"""The SQLite driver's thread: what becomes of a statement that nobody waits for any more."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.store.engine import engines
from bot.store.sqlite.driver import WholeStatements

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n"


def test_a_statement_that_outlives_its_event_loop_ends_quietly(tmp_path: Path) -> None:
    """At shutdown a database that says nothing is not waited for; no traceback of a thread comes of it."""

    async def leave_it() -> WholeStatements:
        connection = WholeStatements(tmp_path / "bot.db", timeout=1)
        await connection
        left = asyncio.create_task(connection.whole(SLOW, [()]))
        await asyncio.sleep(0.05)
        assert not left.done()
        return connection

    connection = asyncio.run(leave_it())
    connection._thread.join(timeout=30)

    assert not connection._thread.is_alive()
    connection._connection = None  # closed with its thread; the library would warn of it


async def test_connections_that_cannot_be_closed_in_time_close_by_themselves(tmp_path: Path) -> None:
    """A file that somebody else holds does not hold up the end, and no connection is left open for ever."""
    made, busy = engines(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"), threading.Event()
    async with made.read.connect() as one, made.read.connect() as two:
        left = [(await each.get_raw_connection()).driver_connection for each in (one, two)]
    for connection in left:
        assert isinstance(connection, WholeStatements)
        connection._tx.put_nowait((None, busy.wait))

    async with asyncio.timeout(30):
        await made.close()

    busy.set()
    for connection in left:
        assert isinstance(connection, WholeStatements)
        await asyncio.to_thread(connection._thread.join, 30)
        assert connection._connection is None


async def test_what_is_still_in_use_when_the_store_closes_is_closed_after_that(sqlite_url: str) -> None:
    """No connection is left behind, and whoever uses it is not kept waiting."""
    opened = engines(sqlite_url)

    async def use() -> None:
        with suppress(OperationalError):
            async with opened.read.connect() as connection:
                await connection.execute(text(SLOW))

    using = asyncio.create_task(use())
    await asyncio.sleep(0.05)
    (connection,) = opened.opened
    await opened.close()
    await using
    await asyncio.to_thread(connection._thread.join)

    assert connection._connection is None
