"""Bare statements: as many, in as many transactions, by SQLAlchemy alone and as it comes, on one row of some size."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Integer, MetaData, Table, bindparam, event, insert, make_url, select, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_ROWS = Table("statements", MetaData(), Column("number", Integer, primary_key=True), Column("body", JSON))
_READ = select(_ROWS.c.body).where(_ROWS.c.number == bindparam("at"))
_WRITE = update(_ROWS).where(_ROWS.c.number == bindparam("at"))
_BODY: dict[str, Any] = {f"field {number}": "x" * 20 for number in range(15)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Statements:
    """How many statements each transaction has: those that read, and those that write."""

    reading: Sequence[int]
    writing: Sequence[int]


Run = Callable[[Statements], Awaitable[None]]


@asynccontextmanager
async def stating(url: str) -> AsyncIterator[Run]:
    """Open a table of its own, beside SQLite's file or in PostgreSQL's database, and yield what runs statements."""
    engine = _engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_ROWS.metadata.create_all)
        await connection.execute(insert(_ROWS), {"number": 1, "body": _BODY})

    async def run(statements: Statements) -> None:
        for number in statements.writing:
            async with engine.begin() as connection:
                for _ in range(number):
                    await connection.execute(_WRITE, {"at": 1, "body": _BODY})
        for number in statements.reading:
            async with engine.connect() as connection:
                for _ in range(number):
                    (await connection.execute(_READ, {"at": 1})).all()

    yield run
    await engine.dispose()


async def bare_statements(run: Run, statements: Statements, *, number: int) -> list[float]:
    """Run them so often; returns how long each time took."""
    took = []
    for _ in range(number):
        began = time.monotonic()
        await run(statements)
        took.append(time.monotonic() - began)
    return took


def _engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(url)
    beside = Path(make_url(url).database or "").with_suffix(".statements.db")
    engine = create_async_engine(f"sqlite+aiosqlite:///{beside}")

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: DBAPIConnection, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.cursor().execute(f"PRAGMA {pragma}")

    return engine
