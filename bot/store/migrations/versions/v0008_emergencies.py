"""Which requests are emergencies that nobody has acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("requests", sa.Column("unacknowledged", NUMBER, nullable=True))
    op.create_index(op.f("ix_requests_unacknowledged"), "requests", ["unacknowledged"], unique=False)
