"""Brings the tables up to date at start. Alembic's Config is built here; there is no alembic.ini.

Migrations only expand: they add tables, and columns with a default, so that the version before still runs beside.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import sqlite_file
from bot.store.transaction import translated

_LOCK = 0x75706772
"""Any number; the same for every process that migrates this database."""


async def migrate(engine: AsyncEngine) -> None:
    """Apply what is missing, all or nothing; several processes may call it at once and one does it."""
    with translated():
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_upgrade)


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


def _upgrade(connection: Connection) -> None:
    if _is_from_the_future(_current(connection)):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_from_the_future(revision: str | None) -> bool:
    """Whether a newer version was here already: its migrations only added, so there is nothing to do or undo."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return revision is not None and revision not in known


def _after(revision: str | None) -> tuple[str, ...]:
    if _is_from_the_future(revision):
        return ()
    scripts = ScriptDirectory.from_config(_config())
    missing = [script.revision for script in scripts.iterate_revisions("head", revision or "base")]
    return tuple(reversed(missing))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
