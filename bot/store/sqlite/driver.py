"""SQLite for SQLAlchemy: aiosqlite, with one hand-over to its thread for each statement instead of four.

A statement is run, read to its end and closed in one go, and BEGIN goes along with the statement after it.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Self

import aiosqlite
from aiosqlite.core import _connection_worker_thread

Parameters = Sequence[Any]


class WholeStatements(aiosqlite.Connection):
    """A connection whose cursors hold what a statement gave, never an open statement."""

    def __init__(self, file: Path, *, timeout: float) -> None:
        # No isolation level: the driver begins nothing by itself.
        super().__init__(lambda: sqlite3.connect(file, timeout=timeout, isolation_level=None), iter_chunk_size=64)
        # A daemon, as SQLAlchemy has it: a connection left open does not keep the process alive.
        self._thread = Thread(target=_work, args=(self._tx,), daemon=True)
        self._begin = ""

    def cursor(self) -> "WholeCursor":  # type: ignore[override]  # all that SQLAlchemy asks of one
        """Return what runs a statement."""
        return WholeCursor(self)

    async def whole(self, sql: str, rows: Sequence[Parameters]) -> "Given":
        """Run a statement; a BEGIN is kept for the next one."""
        begin, self._begin = self._begin, ""
        if sql.startswith("BEGIN"):
            self._begin = sql
            return Given()
        given: Given = await self._execute(_whole, self._conn, begin, sql, rows)  # type: ignore[no-untyped-call]
        return given

    async def commit(self) -> None:
        """Commit, unless nothing was run since the BEGIN."""
        if not self._forget_begin():
            await super().commit()

    async def rollback(self) -> None:
        """Undo, unless nothing was run since the BEGIN."""
        if not self._forget_begin():
            await super().rollback()

    async def close(self) -> None:
        """Close it; when this is broken off, it is closed all the same."""
        closed = self.leave()
        if closed is not None:
            await closed

    def leave(self) -> asyncio.Future[Any] | None:
        """Let its thread close it after what it has to do; returns what can be waited for, None when that was said."""
        return self.stop() if self._connection is not None and self._running else None

    def _forget_begin(self) -> bool:
        begin, self._begin = self._begin, ""
        return bool(begin)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a statement gave. The names are those of the DB-API (PEP 249)."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: list[Any] = field(default_factory=list)


class WholeCursor:
    """Looks like an asynchronous cursor; only running a statement leaves the event loop."""

    arraysize = 1

    def __init__(self, connection: WholeStatements) -> None:
        self._connection = connection
        self._given = Given()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401 - as PEP 249 has it
        """Return the columns, None for a statement without any."""
        return self._given.description

    @property
    def rowcount(self) -> int:
        """Return how many rows were touched."""
        return self._given.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Return the number of the row that was inserted last."""
        return self._given.lastrowid

    async def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run a statement."""
        self._given = await self._connection.whole(sql, [parameters])

    async def executemany(self, sql: str, rows: Sequence[Parameters]) -> None:
        """Run a statement with each of these rows of parameters."""
        self._given = await self._connection.whole(sql, rows)

    async def fetchall(self) -> list[Any]:
        """Return the rows."""
        return self._given.rows

    async def close(self) -> None:
        """Nothing is open."""


def _work(queue: Any) -> None:  # noqa: ANN401 - the library's own
    """Work the connection's queue off; whoever was not waited for at shutdown has no event loop to hear the answer."""
    with suppress(RuntimeError):
        _connection_worker_thread(queue)


def _whole(connection: sqlite3.Connection, begin: str, sql: str, rows: Sequence[Parameters]) -> Given:
    cursor = connection.cursor()
    try:
        if begin:
            cursor.execute(begin)
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)
        found = cursor.fetchall() if cursor.description else []
        return Given(description=cursor.description, rowcount=cursor.rowcount, lastrowid=cursor.lastrowid, rows=found)
    finally:
        cursor.close()
