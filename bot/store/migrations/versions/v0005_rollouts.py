"""Rollouts, the clusters that they hold, and which rollout a request belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables and the column."""
    op.create_table(
        "rollouts",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("followed", NUMBER, nullable=False),
        sa.Column("open_name", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rollouts")),
        sa.UniqueConstraint("id", name=op.f("uq_rollouts_id")),
        sa.UniqueConstraint("open_name", name=op.f("uq_rollouts_open_name")),
    )
    op.create_index(op.f("ix_rollouts_followed_number"), "rollouts", ["followed", "number"], unique=False)
    op.create_table(
        "rollout_clusters",
        sa.Column("cluster_identity", sa.Text(), nullable=False),
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_identity", name=op.f("pk_rollout_clusters")),
    )
    op.create_index(op.f("ix_rollout_clusters_rollout_id"), "rollout_clusters", ["rollout_id"], unique=False)
    op.add_column("requests", sa.Column("rollout", sa.Text(), nullable=True))
