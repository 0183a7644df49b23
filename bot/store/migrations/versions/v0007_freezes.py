"""Freezes that people set, and the environments that they and submissions lock."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "freezes",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("over", NUMBER, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_freezes")),
        sa.UniqueConstraint("id", name=op.f("uq_freezes_id")),
    )
    op.create_index(op.f("ix_freezes_over_number"), "freezes", ["over", "number"], unique=False)
    op.create_table(
        "freeze_places",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "environment", name=op.f("pk_freeze_places")),
    )
