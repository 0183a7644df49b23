"""Column types and SQL that SQLite and PostgreSQL share."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, DateTime, Dialect, Float, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import SQLColumnExpression
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

SET_BACK = 2.0
"""A moment that lies so many seconds ahead although it was already: the clock was set back."""


class AwareDateTime(TypeDecorator[datetime]):
    """A moment: naive ones are refused on the way in, and what comes out is always aware UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values; SQLite keeps no zone, so it gets UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone, so nobody can tell which moment it is.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Attach the zone that SQLite does not keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class DatabaseTime(FunctionElement[float]):
    """The database's own clock in seconds since 1970: the same for every process that uses it."""

    type = Float()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(_element: DatabaseTime, _compiler: object, **_options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(_element: DatabaseTime, _compiler: object, **_options: object) -> str:
    return "CAST(extract(epoch FROM statement_timestamp()) AS double precision)"


def is_past(moment: SQLColumnExpression[float], *, since: SQLColumnExpression[float]) -> ColumnElement[bool]:
    """Whether a moment has come that was set at `since`; also when the clock was set back since, so nothing hangs."""
    return or_(moment <= DatabaseTime(), since > DatabaseTime() + SET_BACK)
