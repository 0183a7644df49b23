"""What can be wrong with the database itself, sorted by what the caller does next."""

from typing import Final

from bot.workflow.errors import StoreAway

SESSIONS_SHARED: Final = (
    "BOT_DATABASE_URL leads to a pooler that gives each transaction another connection, such as PgBouncer with "
    "pool_mode=transaction. The bot needs one connection for a whole session: pool_mode=session, or PostgreSQL itself"
)


class DatabaseProblem(Exception):
    """The database cannot be used; the message is for an operator and holds no secret."""


class DatabaseUnavailable(DatabaseProblem, StoreAway):
    """It cannot be reached, is too busy, or cannot write (a full disk): try again later."""


class SessionsShared(DatabaseProblem):
    """A pooler gives each transaction another connection."""

    def __init__(self) -> None:
        super().__init__(SESSIONS_SHARED)


class DatabaseLocked(DatabaseProblem):
    """Another process works on this SQLite file; only one may."""
