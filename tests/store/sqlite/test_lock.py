"""A SQLite file belongs to one process; when that dies, its work is free at once. PostgreSQL is shared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.errors import DatabaseLocked
from bot.store.sqlite.lock import hold_sqlite_lock
from bot.store.storage import Storage


async def test_a_second_process_is_refused_a_sqlite_file(sqlite_url: str) -> None:
    """It may look beside the first, and gets the file when the first is gone."""
    first, second = Storage.open(sqlite_url), Storage.open(sqlite_url)
    await first.take()

    with pytest.raises(DatabaseLocked, match="serves one process"):
        await second.take()
    assert await second.pending() == ()
    await second.ping()
    await first.close()
    await second.take()

    await second.close()


def modes(file: str) -> list[int]:
    """Return the modes of a SQLite database and of the files beside it."""
    return [Path(f"{file}{end}").stat().st_mode & 0o777 for end in ("", "-wal", "-shm", ".lock")]


async def test_nobody_else_may_read_a_sqlite_database(tmp_path: Path) -> None:
    """Not what a new one is made of, and no longer one of an earlier version either."""
    file = str(tmp_path / "new.db")
    storage = Storage.open(f"sqlite+aiosqlite:///{file}")

    await storage.take()
    new = modes(file)
    storage._lock.release()
    for end in ("", "-wal", "-shm"):
        os.chmod(f"{file}{end}", 0o644)  # noqa: PTH101 - ruff wants no Path in what is asynchronous
    await storage.take()

    assert new == modes(file) == [0o600] * 4
    await storage.close()


async def test_a_second_name_of_a_sqlite_file_is_no_way_around_its_lock(sqlite_url: str, tmp_path: Path) -> None:
    """A link leads to the same file, so it has the same lock."""
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_url.partition("///")[2])
    held = hold_sqlite_lock(sqlite_url)

    with pytest.raises(DatabaseLocked):
        hold_sqlite_lock(f"sqlite+aiosqlite:///{link}")
    held.release()


def test_a_dead_process_frees_the_lock_at_once(tmp_path: Path) -> None:
    """However it died."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'upgrade-bot.db'}"
    code = (
        f"from bot.store.sqlite.lock import hold_sqlite_lock; lock = hold_sqlite_lock({url!r}); print('held'); input()"
    )
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseLocked, match=f"Process {holder.pid} "):
            hold_sqlite_lock(url)
        holder.kill()
        holder.wait()

        hold_sqlite_lock(url).release()


async def test_what_a_dead_process_held_in_sqlite_is_free_at_once(sqlite_url: str) -> None:
    """Whoever holds the file's lock knows that all earlier holders are gone."""
    dead = Storage.open(sqlite_url)
    stalled = await dead.claims.claim("poll:acme")
    await dead.close()
    storage = Storage.open(sqlite_url)

    await storage.take()

    lease = await storage.claims.claim("poll:acme")
    assert lease is not None
    assert stalled is not None
    assert lease.number > stalled.number
    await storage.close()


async def test_no_lock_is_needed_for_postgresql(postgresql_url: str) -> None:
    """Any number of processes may work on it, and one that starts takes nothing from another."""
    first, second = Storage.open(postgresql_url), Storage.open(postgresql_url)
    await first.take()
    assert await first.claims.claim("poll:acme") is not None

    await second.take()

    assert await second.claims.claim("poll:acme") is None
    await first.close()
    await second.close()
