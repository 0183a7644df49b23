"""Whose entry each row of the inbox is, and whether it was given up."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DEAD = sa.text("dead = 1")
OF_POSTGRESQL = sa.text("UPDATE inbox SET member = coalesce(body #>> '{value,member}', '') WHERE ended_at IS NULL")
OF_SQLITE = sa.text(
    "UPDATE inbox SET member = coalesce(json_extract(body, '$.value.member'), '') "
    "WHERE ended_at IS NULL AND json_valid(body)"
)


def upgrade() -> None:
    """Add both, and fill in whose the entries are that still wait."""
    op.add_column("inbox", sa.Column("member", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("inbox", sa.Column("dead", NUMBER, nullable=False, server_default="0"))
    op.create_index("ix_inbox_dead", "inbox", ["number"], sqlite_where=DEAD, postgresql_where=DEAD)
    op.execute(OF_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else OF_SQLITE)
