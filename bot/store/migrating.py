"""Brings the tables up to date at start. Alembic's Config is built here; there is no alembic.ini.

Migrations only expand: they add tables, and columns with a default, so that the version before still runs beside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, exc, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import sqlite_file
from bot.store.errors import DatabaseUnavailable
from bot.store.transaction import first_line, translated

_MIGRATIONS = Path(__file__).parent / "migrations"
"""Its `versions` are files named by their revision: v0001_tables.py is "0001"."""
_PATIENCE = 5
_LOCK = 0x75706772
"""Any number; the same for every process that migrates this database."""


async def migrate(engine: AsyncEngine) -> None:
    """Apply what is missing, all or nothing; several processes may call it at once and one does it."""
    with _readable():
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_upgrade)


async def rehearse(engine: AsyncEngine) -> None:
    """Apply what is missing and undo it, to find out whether `migrate` can; raises DatabaseUnavailable.

    Only PostgreSQL undoes all of it, and only there a user may be short of a right.
    """
    if engine.dialect.name != "postgresql":
        return
    with _readable():
        async with engine.connect() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_upgrade)
            await connection.rollback()


async def pending(engine: AsyncEngine) -> tuple[str, ...]:
    """Return the migrations that the database still lacks, first to last; it is not created by looking."""
    file = sqlite_file(engine.url.render_as_string(hide_password=False))
    if file is not None and not file.exists():
        return _after(None)
    with translated():
        async with engine.connect() as connection:
            return _after(await connection.run_sync(_current))


async def version(engine: AsyncEngine) -> str | None:
    """Return the migration that the tables are at, None when there are none; the database has to be there."""
    with translated():
        async with engine.connect() as connection:
            return await connection.run_sync(_current)


@contextmanager
def _readable() -> Iterator[None]:
    """Whatever the database refuses while its tables are made is for an operator to fix."""
    try:
        with translated():
            yield
    except exc.DBAPIError as error:
        raise DatabaseUnavailable(f"The tables cannot be brought up to date: {first_line(error.orig)}") from error


def known() -> tuple[str, ...]:
    """Return the migrations of this version, first to last."""
    return tuple(sorted(file.stem[1:5] for file in (_MIGRATIONS / "versions").glob("v*.py")))


def _upgrade(connection: Connection) -> None:
    if not _after(_current(connection)):
        return
    from alembic import command  # noqa: PLC0415 - weighs 9 MiB, and there is mostly nothing for it to do
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _after(revision: str | None) -> tuple[str, ...]:
    """Return the revisions after this one; none when a newer version was here, as its migrations only added."""
    every = known()
    if revision is None:
        return every
    return every[every.index(revision) + 1 :] if revision in every else ()
