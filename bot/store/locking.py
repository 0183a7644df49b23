"""The lock beside a SQLite file: one process works on it, and its death frees the lock at once."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass

from bot.store.engine import sqlite_file
from bot.store.errors import DatabaseLocked, DatabaseUnavailable


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
    """Lock the SQLite file of a URL for this process; raises DatabaseLocked, DatabaseUnavailable."""
    file = sqlite_file(url)
    if file is None:
        return DatabaseLock(None)
    real = file.resolve()  # one lock for a file, by whichever of its names it is opened
    lock = real.with_name(f"{real.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
    return DatabaseLock(handle)
