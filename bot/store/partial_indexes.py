"""The indexes over part of a table, apart from the tables: to declare one loads PostgreSQL's dialect, 2.5 MiB.

Only migrations have a use for them; a running bot has none.
"""

from typing import Final

from sqlalchemy import Index, MetaData, text

from bot.domain.request import OPEN
from bot.store.tables import Base, InboxRow, OutboxRow, RequestRow

_OPEN = text(f"state IN ({', '.join(repr(state.value) for state in sorted(OPEN))})")
_UNDONE = text("ended_at IS NULL")
_ENDED = text("ended_at IS NOT NULL")
_DEAD = text("dead = 1")

Index(
    "uq_requests_open_cluster",
    RequestRow.cluster_identity,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
Index("ix_inbox_undone", InboxRow.queue, InboxRow.number, sqlite_where=_UNDONE, postgresql_where=_UNDONE)
Index("ix_inbox_ended", InboxRow.ended_at, sqlite_where=_ENDED, postgresql_where=_ENDED)
Index("ix_inbox_dead", InboxRow.number, sqlite_where=_DEAD, postgresql_where=_DEAD)
Index(
    "ix_outbox_undone",
    OutboxRow.queue,
    OutboxRow.number,
    OutboxRow.urgency,
    sqlite_where=_UNDONE,
    postgresql_where=_UNDONE,
)
Index("ix_outbox_dead", OutboxRow.number, sqlite_where=_DEAD, postgresql_where=_DEAD)
Index("ix_outbox_ended", OutboxRow.ended_at, sqlite_where=_ENDED, postgresql_where=_ENDED)

WHOLE_SCHEMA: Final[MetaData] = Base.metadata
"""The tables with all their indexes."""
