"""Bare commits: one row of about the size of an inbox entry, by the driver alone, as durable as the bot's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
import asyncpg

_BODY = "x" * 400
Commit = Callable[[], Awaitable[None]]


@asynccontextmanager
async def committing(url: str) -> AsyncIterator[Commit]:
    """Open a database of its own beside that of the URL, and yield what commits one row."""
    opened = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
    async with opened as commit:
        yield commit


async def bare_commits(commit: Commit, *, at_once: int, number: int) -> list[float]:
    """Commit so often, in bursts of so many at once; returns how long each took."""
    took: list[float] = []

    async def one() -> None:
        began = time.monotonic()
        await commit()
        took.append(time.monotonic() - began)

    for _ in range(max(1, number // at_once)):
        await asyncio.gather(*(one() for _ in range(at_once)))
    return took


@asynccontextmanager
async def _sqlite(url: str) -> AsyncIterator[Commit]:
    file = Path(url.partition("///")[2]).with_suffix(".bare.db")
    turn = asyncio.Lock()
    async with aiosqlite.connect(file, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("CREATE TABLE bare (number INTEGER PRIMARY KEY, body TEXT)")

        async def commit() -> None:
            async with turn:
                await connection.execute("INSERT INTO bare (body) VALUES (?)", (_BODY,))

        yield commit


@asynccontextmanager
async def _postgresql(url: str) -> AsyncIterator[Commit]:
    async with asyncpg.create_pool(url.replace("+asyncpg", ""), min_size=10, max_size=10) as pool:
        await pool.execute("CREATE TABLE bare (number BIGSERIAL PRIMARY KEY, body TEXT)")

        async def commit() -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("INSERT INTO bare (body) VALUES ($1)", _BODY)

        yield commit
