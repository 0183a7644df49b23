"""One database transaction: runs statements, and turns the drivers' errors into ours."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

import structlog
from sqlalchemy import Row, exc, func, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from bot.store.errors import SESSIONS_SHARED, DatabaseUnavailable
from bot.store.tables import Base
from bot.workflow.errors import Stale
from bot.workflow.queues import Queue

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Columns = TypeVarTuple("Columns")
Value = TypeVar("Value")
MANY = 500
InsertInto = Callable[[type[Base]], "postgresql.Insert | sqlite.Insert"]
"""Begins an insert that knows ON CONFLICT. There is one for each kind of database, so what it builds can be kept."""
_log = structlog.get_logger(__name__)

_COLLISIONS = ("40001", "40P01")
"""PostgreSQL: serialization failure, deadlock."""
_OUT_OF_ORDER = ("08", "25006", "25P03", "28", "3D", "3F", "42501", "53", "55P03", "57", "58")
"""PostgreSQL: no connection, a standby, held up too long, not let in, no database, no schema, no right, no room,
locked, shutting down or timed out, broken."""
_CANNOT_GO_ON = ("08", "25006", "25P03", "57P")
"""PostgreSQL: no connection, a server that has become a standby, a session that was ended, a server that shuts down."""
_PREPARED_ELSEWHERE = ("26000", "42P05")
"""PostgreSQL: a prepared statement is missing, or is another's: a pooler gave us another connection."""


class Transaction:
    """Statements within one transaction. After `commit` it takes no more of them: they would be lost."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._open: AsyncConnection | None = connection
        self._notes: list[tuple[str, dict[str, object]]] = []
        self.queues: set[Queue] = set()
        """Where something was stored that is due."""

    @property
    def _connection(self) -> AsyncConnection:
        if self._open is None:
            raise RuntimeError("This transaction is committed already; begin another.")
        return self._open

    async def run(self, statement: Executable, *rows: Mapping[str, Any]) -> int:
        """Run a statement, with each of these parameters if there are any; returns how many rows it touched."""
        with translated():
            result: CursorResult[Any] = await self._connection.execute(statement, rows or None)
            return result.rowcount

    async def all(
        self, statement: TypedReturnsRows[*Columns], *rows: Mapping[str, Any], **parameters: object
    ) -> Sequence[Row[*Columns]]:
        """Return every row; an insert of several `rows` returns what it returns of each."""
        with translated():
            return (await self._connection.execute(statement, rows or parameters)).all()

    async def first(self, statement: TypedReturnsRows[*Columns], **parameters: object) -> Row[*Columns] | None:
        """Return the first row, or None."""
        with translated():
            return (await self._connection.execute(statement, parameters)).first()

    @property
    def insert(self) -> InsertInto:
        """What begins an insert in this database; ON CONFLICT is spelt alike in both."""
        if self._connection.dialect.name == "sqlite":
            from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - only the one in use: PostgreSQL's weighs 2.5 MiB

            return sqlite.insert
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as above

        return postgresql.insert

    async def alone(self, what: str) -> None:
        """Wait until no other transaction that asked to be alone with this goes on; SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            await self.first(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only what is inside when it raises, so that the transaction can go on."""
        with translated():
            nested = await self._connection.begin_nested()
        try:
            yield
        except BaseException:
            with translated():
                await nested.rollback()
            raise
        with translated():
            await nested.commit()

    async def commit(self) -> None:
        """Make it last."""
        with translated():
            await self._connection.commit()
        self._open = None
        for event, fields in self._notes:
            _log.info(event, **fields)

    def note(self, event: str, **fields: object) -> None:
        """Log this once the transaction has lasted; what was rolled back never happened."""
        self._notes.append((event, fields))


def in_parts(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield as many values at a time as one statement takes as parameters."""
    return (values[first : first + MANY] for first in range(0, len(values), MANY))


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Transaction]:
    """Begin; leaving without a commit rolls back. Raises DatabaseUnavailable."""
    try:
        with translated():
            connection = await engine.connect()
    except exc.DBAPIError as error:  # whatever hinders a connection, there is no database to work with
        raise DatabaseUnavailable(f"The database cannot be reached: {first_line(error.orig)}") from error
    try:
        with translated():
            await connection.begin()
        yield Transaction(connection)
    finally:
        await connection.close()


@contextmanager
def translated() -> Iterator[None]:
    """Raise DatabaseUnavailable or Stale instead of the drivers' errors; a broken rule of a table passes as it is."""
    try:
        yield
    except exc.IntegrityError:
        raise
    except exc.DBAPIError as error:
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        if sqlstate in _COLLISIONS:
            raise Stale("Somebody else changed the same thing at the same moment.") from error
        if sqlstate in _PREPARED_ELSEWHERE:
            raise DatabaseUnavailable(SESSIONS_SHARED) from error
        damaged = type(error) is exc.DatabaseError or lost_track(error)  # SQLite: the file is broken, or no database
        unusable = isinstance(error, (exc.OperationalError, exc.InterfaceError)) or error.connection_invalidated
        if damaged or unusable or sqlstate.startswith(_OUT_OF_ORDER):
            raise DatabaseUnavailable(f"The database cannot be used: {first_line(error.orig)}") from error
        raise
    except (exc.TimeoutError, OSError, TimeoutError) as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {first_line(error)}") from error


def cannot_go_on(error: object) -> bool:
    """Whether another connection is needed before anything can be stored.

    After a failover the old ones may stay open and answer, but lead to a server that only reads from now on.
    """
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return lost_track(error) or sqlstate.startswith(_CANNOT_GO_ON)


def lost_track(error: object) -> bool:
    """Whether the driver no longer knows what its connection is at (asyncpg's InternalClientError)."""
    return isinstance(error, exc.InternalError) and not getattr(error.orig, "sqlstate", None)


def first_line(error: BaseException | None) -> str:
    """Return the first line of what a driver says, without the name of the error's class."""
    return (str(error) or type(error).__name__).splitlines()[0]
