"""Readings of readiness, and which upgrades' alerts are still to be compared."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "readiness_readings",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kept", NUMBER, nullable=False),
        sa.Column("pending", NUMBER, nullable=False),
        sa.Column("stored_at", sa.Float(53), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_readiness_readings")),
    )
    op.create_index(
        op.f("ix_readiness_readings_request_id_number"), "readiness_readings", ["request_id", "number"], unique=False
    )
    op.create_table(
        "alert_checks",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "identity", name=op.f("pk_alert_checks")),
    )
    op.create_index(op.f("ix_alert_checks_due_at"), "alert_checks", ["due_at"], unique=False)
