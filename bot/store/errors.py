"""What can be wrong with the database itself, sorted by what the caller does next."""

from bot.workflow.errors import StoreAway


class DatabaseProblem(Exception):
    """The database cannot be used; the message is for an operator and holds no secret."""


class DatabaseUnavailable(DatabaseProblem, StoreAway):
    """It cannot be reached, is too busy, or cannot write (a full disk): try again later."""


class DatabaseLocked(DatabaseProblem):
    """Another process works on this SQLite file; only one may."""
