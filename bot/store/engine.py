"""Engines for BOT_DATABASE_URL: one to write with, one that can only read. Nothing is opened until it is used."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.database_url import POSTGRESQL, postgresql
from bot.store.errors import DatabaseUnavailable
from bot.store.sqlite.driver import WholeStatements
from bot.store.transaction import cannot_go_on

if TYPE_CHECKING:
    import asyncpg

BUSY_SECONDS = 30
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
_CLOSING = 1.0
IDLE_SECONDS = 8
"""A process that stalls within a transaction, or whose network is gone, holds its rows no longer than this."""


@dataclass(frozen=True, slots=True)
class Engines:
    """`write` begins transactions that may write; `read` ones that cannot and see one state throughout.

    `turn` is taken before `write` by what nobody waits for. SQLite has one writer, and so a person's press, which takes
    no turn, waits for one such transaction at most.
    """

    write: AsyncEngine
    read: AsyncEngine
    turn: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    opened: WeakSet[WholeStatements] = field(default_factory=WeakSet)
    """SQLite's connections."""
    dial: Callable[[], Awaitable["asyncpg.Connection"]] | None = None
    """PostgreSQL: opens a connection outside every pool of ours."""

    async def close(self) -> None:
        """Close every connection; a database that does not answer is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await self.write.dispose()
                await self.read.dispose()
        for connection in list(self.opened):
            connection.leave()  # one that somebody still uses, too


def engines(url: str) -> Engines:
    """Make the engines for a URL; raises ValueError for a database that we do not speak."""
    if url.startswith(POSTGRESQL):
        return _postgresql(url)
    parsed = make_url(url)
    if parsed.drivername != "sqlite+aiosqlite":
        raise ValueError(f"{parsed.drivername} is neither sqlite+aiosqlite nor postgresql+asyncpg.")
    sqlite_file(url)
    opened = WeakSet[WholeStatements]()
    write, read = _sqlite_writer(parsed, opened), _sqlite_reader(parsed, opened)
    return Engines(write=write, read=read, turn=asyncio.Lock(), opened=opened)


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite URL, None for another database; raises ValueError when it names no file."""
    if not url.startswith("sqlite"):
        return None  # what is right for PostgreSQL is not for SQLAlchemy to read
    parsed = make_url(url)
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("A SQLite URL has to name a file, such as sqlite+aiosqlite:///upgrade-bot.db.")
    return Path(parsed.database)


def _sqlite_writer(url: URL, opened: WeakSet[WholeStatements]) -> AsyncEngine:
    """One connection: writers of this process queue up in order instead of finding the file busy."""
    engine = create_async_engine(
        url,
        async_creator=partial(_sqlite, url, opened),
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_reset_on_return=None,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: DBAPIConnection, _record: object) -> None:
        _prepare(connection, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_reader(url: URL, opened: WeakSet[WholeStatements]) -> AsyncEngine:
    # No overflow: SQLite keeps the file of a closed connection open, and a connection is a thread to start. Four: more
    # of them take turns in Python anyway, so that a hundred lists at once take as long with eight, and 1.3 MiB more.
    engine = create_async_engine(
        url, async_creator=partial(_sqlite, url, opened), pool_size=4, max_overflow=0, pool_timeout=BUSY_SECONDS
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: DBAPIConnection, _record: object) -> None:
        _prepare(connection, "query_only = ON")

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN DEFERRED")

    return engine


async def _sqlite(url: URL, opened: WeakSet[WholeStatements]) -> WholeStatements:
    connection = WholeStatements(Path(url.database or ""), timeout=BUSY_SECONDS)
    opened.add(connection)
    await connection
    return connection


def _prepare(connection: DBAPIConnection, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _postgresql(url: str) -> Engines:
    address = postgresql(url)
    arguments = {
        "timeout": CONNECT_SECONDS,
        "command_timeout": STATEMENT_SECONDS,
        # Both are understood by poolers, which refuse a connection that begins with anything else.
        "server_settings": {"application_name": address.application_name, "timezone": "UTC"},
        **address.arguments,
    }
    settings = {
        "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000),
        "tcp_keepalives_idle": str(IDLE_SECONDS),
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        **address.settings,
    }
    engine = create_async_engine(
        POSTGRESQL,
        pool_pre_ping=True,
        pool_use_lifo=True,  # the one used last has the statements prepared
        pool_size=10,
        max_overflow=10,
        pool_timeout=BUSY_SECONDS,
        pool_recycle=1800,
        connect_args={**arguments, "async_creator_fn": partial(_connected, settings)},
    )
    arguments.pop("prepared_statement_cache_size", None)

    @event.listens_for(engine.sync_engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        """Throw away a connection that leads nowhere, and those opened before; SQLAlchemy would use them again."""
        if cannot_go_on(context.sqlalchemy_exception):
            context.is_disconnect = True

    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(write=engine, read=reader, dial=partial(_connected, settings, **arguments))


async def _connected(settings: Mapping[str, str], **arguments: Any) -> "asyncpg.Connection":  # noqa: ANN401 - asyncpg's
    """Connect, and set what belongs to the session; raises DatabaseUnavailable for what cannot even be tried."""
    import asyncpg  # noqa: PLC0415 - only who has a PostgreSQL needs it

    try:
        connection = await asyncpg.connect(**arguments)
    except (ValueError, KeyError, RuntimeError) as error:  # one of libpq's variables (PGPORT, …), or a file it names
        raise DatabaseUnavailable(f"The database cannot be reached: {' '.join(str(error).split())}") from error
    try:
        await connection.execute(f"SELECT {', '.join(map(_setting, settings.items()))}", timeout=CONNECT_SECONDS)
    except BaseException:
        connection.terminate()
        raise
    return connection


def _setting(item: tuple[str, str]) -> str:
    name, value = (part.replace("'", "''") for part in item)
    return f"set_config('{name}', '{value}', false)"
