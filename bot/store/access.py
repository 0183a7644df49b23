"""What has to hold for a PostgreSQL to be worked on: every right to the tables, and a session of our own."""

from contextlib import AsyncExitStack

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import Engines
from bot.store.errors import SessionsShared
from bot.store.tables import Base
from bot.store.transaction import translated

_PATIENCE = 5.0
_PROCESS = "SELECT pg_backend_pid()"
_NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE")
_LACKING = text(
    "SELECT tables.name, rights.name FROM unnest(CAST(:tables AS text[])) AS tables(name), "
    "unnest(CAST(:rights AS text[])) AS rights(name) "
    "WHERE NOT coalesce(has_table_privilege(to_regclass(tables.name), rights.name), false) ORDER BY 1, 2"
)


async def lacking_rights(engine: AsyncEngine) -> tuple[str, ...]:
    """Return what this user may not do with the tables, as `INSERT on requests`; SQLite knows no rights."""
    if engine.dialect.name != "postgresql":
        return ()
    with translated():
        async with engine.connect() as connection:
            if await connection.scalar(text("SHOW transaction_read_only")) == "on":
                return ("write at all: it only reads, as a standby does",)
            asked = {"tables": sorted(Base.metadata.tables), "rights": list(_NEEDED)}
            found = await connection.execute(_LACKING, asked)
            return tuple(f"{right} on {table}" for table, right in found)


async def check_sessions(engines: Engines) -> None:
    """Raise SessionsShared when a pooler gives each transaction another connection.

    A pooler makes up the process number that a connection begins with. Whether two connections of ours then meet in
    one process of the server, or one of ours in two, tells how it shares them.
    """
    if engines.dial is None:
        return
    import asyncpg  # noqa: PLC0415 - only who has a PostgreSQL needs it

    async with AsyncExitStack() as stack:
        try:
            one = await engines.dial()
            stack.callback(one.terminate)
            first = await one.fetchval(_PROCESS)
            if first == one.get_server_pid():
                return
            two = await engines.dial()
            stack.callback(two.terminate)
            met = await two.fetchval(_PROCESS, timeout=_PATIENCE) == first
            moved = await one.fetchval(_PROCESS, timeout=_PATIENCE) != first
        except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
            raise SessionsShared from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return  # a pooler that keeps the second one waiting shares nothing; all else is met again by who comes next
        if met or moved:
            raise SessionsShared
