"""The tables. Rows never leave this folder: callers get the domain's own values.

What is searched for has a column; the whole value is in `body`, as JSON. Times of upgrades are moments (aware
UTC, by the passed-in clock); everything about queues and leases is in seconds of the database's own clock.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.domain.request import OPEN
from bot.store.columns import AwareDateTime, DatabaseTime

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only what is declared as INTEGER."""


class Base(DeclarativeBase):
    """What the tables share."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: Text(),
        int: Number,
        float: Float(53),
        bytes: LargeBinary(),
        datetime: AwareDateTime(),
        dict[str, Any]: JSON(),
    }


_OPEN = f"state IN ({', '.join(repr(state.value) for state in sorted(OPEN))})"
_UNDONE, _ENDED, _DEAD = "ended_at IS NULL", "ended_at IS NOT NULL", "dead = 1"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Declare an index over those rows of a table for which `where` holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class RequestRow(Base):
    """A request; `number` is the stored order. A cluster has one open request at most.

    `unacknowledged` is 1 for an emergency that nobody has acknowledged, else NULL.
    """

    __tablename__ = "requests"
    __table_args__ = (
        Index(None, "cluster_identity", "requested_at"),
        Index(None, "state", "requested_at"),
        Index(None, "requester", "requested_at"),
        _partial("uq_requests_open_cluster", "cluster_identity", where=_OPEN, unique=True),
        Index(None, "unacknowledged"),
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    organisation: Mapped[str]
    cluster_identity: Mapped[str]
    state: Mapped[str]
    requester: Mapped[str]
    requested_at: Mapped[datetime]
    revision: Mapped[int]
    body: Mapped[dict[str, Any]]
    rollout: Mapped[str | None]
    unacknowledged: Mapped[int | None]


class UpgradeRow(Base):
    """A scheduled upgrade of the cloud as last seen. `final` is 0 or 1; a poll compares `fingerprint`."""

    __tablename__ = "upgrades"
    __table_args__ = (
        Index(None, "final", "window_start"),
        Index(None, "cluster_identity", "status_since"),
        Index(None, "organisation", "to_version", "status"),
    )
    organisation: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(primary_key=True)
    cluster_identity: Mapped[str]
    environment: Mapped[str]
    to_version: Mapped[str]
    status: Mapped[str]
    status_since: Mapped[datetime]
    final: Mapped[int]
    window_start: Mapped[datetime | None]
    fingerprint: Mapped[str] = mapped_column("stand")
    revision: Mapped[int]
    body: Mapped[dict[str, Any]]


class MoveRow(Base):
    """A change of status or window that a poll saw."""

    __tablename__ = "moves"
    __table_args__ = (
        ForeignKeyConstraint(["organisation", "identity"], ["upgrades.organisation", "upgrades.identity"]),
    )
    organisation: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[dict[str, Any]]


class InboxRow(Base):
    """Accepted from a person, `member`. Undone until `ended_at`; `dead` (0 or 1) when it was given up."""

    __tablename__ = "inbox"
    __table_args__ = (
        _partial("ix_inbox_undone", "queue", "number", where=_UNDONE),
        _partial("ix_inbox_ended", "ended_at", where=_ENDED),
        _partial("ix_inbox_dead", "number", where=_DEAD),
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    queue: Mapped[str]
    body: Mapped[dict[str, Any]]
    stored_at: Mapped[float] = mapped_column(default=DatabaseTime())
    waits_since: Mapped[float] = mapped_column(default=DatabaseTime())
    due_at: Mapped[float] = mapped_column(default=DatabaseTime())
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[float | None]
    member: Mapped[str] = mapped_column(server_default=text("''"))
    dead: Mapped[int] = mapped_column(server_default="0")


class OutboxRow(Base):
    """Something to tell or to do. Undone until `ended_at`; `dead` (0 or 1) when it was given up."""

    __tablename__ = "outbox"
    __table_args__ = (
        _partial("ix_outbox_undone", "queue", "number", "urgency", where=_UNDONE),
        _partial("ix_outbox_dead", "number", where=_DEAD),
        _partial("ix_outbox_ended", "ended_at", where=_ENDED),
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    queue: Mapped[str]
    urgency: Mapped[str]
    body: Mapped[dict[str, Any]]
    stored_at: Mapped[float] = mapped_column(default=DatabaseTime())
    waits_since: Mapped[float] = mapped_column(default=DatabaseTime())
    due_at: Mapped[float] = mapped_column(default=DatabaseTime())
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    digest: Mapped[str | None]
    dead: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[float | None]


class LeaseRow(Base):
    """Who works on a queue. `number` rises with every claim; `leased_until` is None while it is nobody's."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    number: Mapped[int]
    claimed_at: Mapped[float] = mapped_column(default=DatabaseTime())
    leased_until: Mapped[float | None]
    not_before: Mapped[float]


class PaceRow(Base):
    """When the next slot of a pace may begin, and when that was decided."""

    __tablename__ = "paces"
    name: Mapped[str] = mapped_column(primary_key=True)
    set_at: Mapped[float] = mapped_column(default=DatabaseTime())
    next_at: Mapped[float]


class ChainRow(Base):
    """The end of a request's audit chain. Its lock keeps two writers from forging the same link."""

    __tablename__ = "audit_chains"
    request_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    hash: Mapped[str]


class AuditRow(Base):
    """An audit event; only ever added."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "at"), Index(None, "cluster", "at"))
    request_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str]
    actor: Mapped[str]
    organisation: Mapped[str]
    cluster: Mapped[str]
    facts: Mapped[dict[str, Any]]
    previous: Mapped[str]
    hash: Mapped[str]


class RefusalRow(Base):
    """Refusals of one person by one rule since a minute began: the first is in the trail, `repeats` are not yet.

    `body` is the latest of the repeats, as a fact.
    """

    __tablename__ = "refusals"
    __table_args__ = (Index(None, "since"),)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(default=0)
    body: Mapped[dict[str, Any]]


class CardRow(Base):
    """Where a request's card was posted in Slack."""

    __tablename__ = "cards"
    request_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    ts: Mapped[str]


class CatalogRow(Base):
    """The copy of what an organisation offers: compressed JSON, as it may hold thousands of clusters."""

    __tablename__ = "catalogs"
    organisation: Mapped[str] = mapped_column(primary_key=True)
    fetched_at: Mapped[datetime]
    digest: Mapped[str]
    content: Mapped[bytes]


class FeedRow(Base):
    """How well an organisation's statuses can be read."""

    __tablename__ = "feeds"
    organisation: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]]


class HomeRow(Base):
    """Who opened App Home."""

    __tablename__ = "homes"
    __table_args__ = (Index(None, "opened_at"),)
    member: Mapped[str] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    page: Mapped[int] = mapped_column(default=0)


class DestinationRow(Base):
    """A channel that refuses our messages."""

    __tablename__ = "destinations"
    channel: Mapped[str] = mapped_column(primary_key=True)
    error: Mapped[str]
    since: Mapped[datetime]


class RolloutRow(Base):
    """A rollout with everything in it. `followed` is 0 or 1; `open_name` is None once it has ended, else its own."""

    __tablename__ = "rollouts"
    __table_args__ = (Index(None, "followed", "number"),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    organisation: Mapped[str]
    state: Mapped[str]
    followed: Mapped[int]
    open_name: Mapped[str | None] = mapped_column(unique=True)
    requested_at: Mapped[datetime]
    revision: Mapped[int]
    body: Mapped[dict[str, Any]]


class RolloutClusterRow(Base):
    """A cluster of a rollout that has not ended: it can be in one only."""

    __tablename__ = "rollout_clusters"
    __table_args__ = (Index(None, "rollout_id"),)
    cluster_identity: Mapped[str] = mapped_column(primary_key=True)
    rollout_id: Mapped[str]


class FreezeRow(Base):
    """A freeze that somebody set; `over` is 0 or 1."""

    __tablename__ = "freezes"
    __table_args__ = (Index(None, "over", "number"),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    over: Mapped[int]
    revision: Mapped[int]
    body: Mapped[dict[str, Any]]


class FreezePlaceRow(Base):
    """An environment. Whoever freezes it and whoever submits there lock its row, so that one waits for the other."""

    __tablename__ = "freeze_places"
    organisation: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)


class PolicyRow(Base):
    """A policy that came into force; the one of the highest generation is."""

    __tablename__ = "policies"
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    since: Mapped[datetime]


class ReadinessRow(Base):
    """A reading of readiness for a request.

    `kept` (something refers to it) and `pending` (something was not read yet) are 0 or 1.
    """

    __tablename__ = "readiness_readings"
    __table_args__ = (Index(None, "request_id", "number"),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    request_id: Mapped[str]
    kept: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    stored_at: Mapped[float] = mapped_column(default=DatabaseTime())
    body: Mapped[dict[str, Any]]


class AlertCheckRow(Base):
    """An upgrade that succeeded, and when its alerts are compared with those before its start."""

    __tablename__ = "alert_checks"
    __table_args__ = (Index(None, "due_at"),)
    organisation: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
