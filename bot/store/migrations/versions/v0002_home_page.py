"""The page at which somebody reads App Home."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column."""
    op.add_column("homes", sa.Column("page", NUMBER, nullable=False, server_default="0"))
