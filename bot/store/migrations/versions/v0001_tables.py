"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
SECONDS = sa.Float(precision=53)
ENDED = sa.text("ended_at IS NOT NULL")
UNDONE = sa.text("ended_at IS NULL")
DEAD = sa.text("dead = 1")
OPEN = sa.text("state IN ('APPROVED', 'PENDING_APPROVAL', 'SUBMISSION_FAILED', 'SUBMITTING')")


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "audit_chains",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "audit_events",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_at"), "audit_events", ["at"])
    op.create_index(op.f("ix_audit_events_cluster_at"), "audit_events", ["cluster", "at"])
    op.create_table(
        "cards",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_cards")),
    )
    op.create_table(
        "catalogs",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("fetched_at", MOMENT, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_catalogs")),
    )
    op.create_table(
        "destinations",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_destinations")),
    )
    op.create_table(
        "feeds",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_feeds")),
    )
    op.create_table(
        "homes",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("page", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("member", name=op.f("pk_homes")),
    )
    op.create_index(op.f("ix_homes_opened_at"), "homes", ["opened_at"])
    op.create_table(
        "inbox",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("stored_at", SECONDS, nullable=False),
        sa.Column("waits_since", SECONDS, nullable=False),
        sa.Column("due_at", SECONDS, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("ended_at", SECONDS, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_inbox")),
        sa.UniqueConstraint("key", name=op.f("uq_inbox_key")),
    )
    op.create_index("ix_inbox_ended", "inbox", ["ended_at"], sqlite_where=ENDED, postgresql_where=ENDED)
    op.create_index("ix_inbox_undone", "inbox", ["queue", "number"], sqlite_where=UNDONE, postgresql_where=UNDONE)
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("claimed_at", SECONDS, nullable=False),
        sa.Column("leased_until", SECONDS, nullable=True),
        sa.Column("not_before", SECONDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "outbox",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("stored_at", SECONDS, nullable=False),
        sa.Column("waits_since", SECONDS, nullable=False),
        sa.Column("due_at", SECONDS, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("dead", NUMBER, nullable=False),
        sa.Column("ended_at", SECONDS, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index("ix_outbox_dead", "outbox", ["number"], sqlite_where=DEAD, postgresql_where=DEAD)
    op.create_index("ix_outbox_ended", "outbox", ["ended_at"], sqlite_where=ENDED, postgresql_where=ENDED)
    op.create_index(
        "ix_outbox_undone", "outbox", ["queue", "number", "urgency"], sqlite_where=UNDONE, postgresql_where=UNDONE
    )
    op.create_table(
        "paces",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("set_at", SECONDS, nullable=False),
        sa.Column("next_at", SECONDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_paces")),
    )
    op.create_table(
        "requests",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("cluster_identity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_requests")),
        sa.UniqueConstraint("id", name=op.f("uq_requests_id")),
    )
    op.create_index(op.f("ix_requests_cluster_identity_requested_at"), "requests", ["cluster_identity", "requested_at"])
    op.create_index(op.f("ix_requests_requester_requested_at"), "requests", ["requester", "requested_at"])
    op.create_index(op.f("ix_requests_state_requested_at"), "requests", ["state", "requested_at"])
    op.create_index(
        "uq_requests_open_cluster",
        "requests",
        ["cluster_identity"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "upgrades",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("cluster_identity", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("to_version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", MOMENT, nullable=False),
        sa.Column("final", NUMBER, nullable=False),
        sa.Column("window_start", MOMENT, nullable=True),
        sa.Column("stand", sa.Text(), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "identity", name=op.f("pk_upgrades")),
    )
    op.create_index(op.f("ix_upgrades_cluster_identity_status_since"), "upgrades", ["cluster_identity", "status_since"])
    op.create_index(op.f("ix_upgrades_final_window_start"), "upgrades", ["final", "window_start"])
    op.create_index(
        op.f("ix_upgrades_organisation_to_version_status"), "upgrades", ["organisation", "to_version", "status"]
    )
    op.create_table(
        "moves",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "identity"], ["upgrades.organisation", "upgrades.identity"], name=op.f("fk_moves_upgrades")
        ),
        sa.PrimaryKeyConstraint("organisation", "identity", "number", name=op.f("pk_moves")),
    )
