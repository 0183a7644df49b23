"""Refusals that repeat each other within a minute."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table in which they are counted."""
    op.create_table(
        "refusals",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeats", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "actor", "rule", name=op.f("pk_refusals")),
    )
    op.create_index(op.f("ix_refusals_since"), "refusals", ["since"], unique=False)
