"""Going back one version: the older program finds a database that a newer one has brought further."""

import sqlite3
from pathlib import Path

from bot.store.storage import Storage
from bot.workflow.entries import Errand, Kind


async def test_an_older_version_works_with_the_tables_of_a_newer_one(tmp_path: Path) -> None:
    """Migrations only add, so a revision that this version does not know is left alone and worked beside."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"
    first = Storage.open(url)
    await first.take()
    await first.close()
    with sqlite3.connect(tmp_path / "bot.db") as newer:
        newer.execute("UPDATE alembic_version SET version_num = 'from_a_newer_version'")
        newer.execute("ALTER TABLE outbox ADD COLUMN something_new TEXT DEFAULT ''")
    newer.close()

    older = Storage.open(url)
    await older.take()
    async with older.begin() as work:
        await work.outbox.put(Errand(queue="q", key="k", kind=Kind.CHANNEL, target="C1"))
        (due,) = await work.outbox.due("q", limit=1)
        await work.outbox.done(due.number)
        await work.commit()

    assert await older.pending() == ()
    await older.close()
