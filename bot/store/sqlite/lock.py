"""SQLite's file: one process works on it, by a lock beside it that its death frees at once; nobody else may read it."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.store.engine import sqlite_file
from bot.store.errors import DatabaseLocked, DatabaseUnavailable

_PRIVATE: Final = 0o600
"""SQLite gives its files beside the database the database's own mode."""


@dataclass(slots=True)
class DatabaseLock:
    """Held until `release`, or until the process dies. `handle` is None where no lock is needed (PostgreSQL)."""

    handle: int | None

    def release(self) -> None:
        """Let another process in."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def hold_sqlite_lock(url: str) -> DatabaseLock:
    """Lock the SQLite file of a URL for this process, and close it to other users.

    Raises DatabaseLocked, DatabaseUnavailable.
    """
    file = sqlite_file(url)
    if file is None:
        return DatabaseLock(None)
    real = file.resolve()  # one lock for a file, by whichever of its names it is opened
    lock = real.with_name(f"{real.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    except OSError as error:
        raise DatabaseUnavailable(f"{lock} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise DatabaseLocked(
            f"Process {holder} works on {file} already. A SQLite database serves one process; "
            "use PostgreSQL to run several."
        ) from error
    with suppress(OSError):  # who holds it is only for the message; a full disk must not stop us here
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
    _close_to_others(real)
    return DatabaseLock(handle)


def _close_to_others(file: Path) -> None:
    """Make a new file readable for this user only, and an old one with what SQLite keeps beside it."""
    with suppress(OSError):  # SQLite says best why it cannot be made. An old one is not opened: closing it would free
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE))  # what SQLite has locked in this process
    for one in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        with suppress(OSError):  # it is not there, or not ours to change
            one.chmod(_PRIVATE)
