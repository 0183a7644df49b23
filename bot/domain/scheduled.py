"""Scheduled upgrades: Avisi Cloud's view of an upgrade, and the moves that polls saw in it.

`status` is the vendor's word, kept verbatim, also when the enum does not know it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.windows import Window

UpgradeIdentity = NewType("UpgradeIdentity", str)
"""The UUID of a scheduled upgrade; for what the cloud gave no identity, one of ours that starts with `request:`."""
NAMELESS = "request:"


class Status(StrEnum):
    """The statuses that the vendor documents. The field stays text, as the API may send others."""

    REQUESTED = "REQUESTED"
    SCHEDULED = "SCHEDULED"
    SCHEDULED_NOTIFIED = "SCHEDULED_NOTIFIED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    SUPERSEDED = "SUPERSEDED"
    FAILED = "FAILED"
    MISSED = "MISSED"


PENDING = frozenset({Status.REQUESTED, Status.SCHEDULED, Status.SCHEDULED_NOTIFIED})
FINAL = frozenset({Status.SUCCEEDED, Status.SUPERSEDED, Status.FAILED, Status.MISSED})
OPEN = (*sorted(PENDING), Status.IN_PROGRESS)
"""Statuses that a poll asks for."""
APPEARS_UPGRADED = "APPEARS_UPGRADED"
NOT_UPGRADED = "NOT_UPGRADED"
NOT_FOLLOWED = "NOT_FOLLOWED"
NOT_REPORTED = "NOT_REPORTED"
INFERRED = frozenset({APPEARS_UPGRADED, NOT_UPGRADED, NOT_FOLLOWED, NOT_REPORTED})
"""Our own words where the cloud gives no status: the outcome as far as the cluster's version tells, or none at all."""
MISSING_FOR = timedelta(minutes=30)
"""An upgrade that no list has shown for so long is taken for forgotten."""
ALARMING = frozenset({Status.FAILED, Status.MISSED, NOT_UPGRADED})
DONE = frozenset({Status.SUCCEEDED, APPEARS_UPGRADED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A scheduled upgrade as one answer of the API showed it; every field may be absent there."""

    identity: UpgradeIdentity | None
    cluster_identity: ClusterIdentity | None
    status: str
    window: Window | None = None
    reason: str = ""
    from_version: str = ""
    to_version: str = ""
    cluster: str = ""
    environment: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    requested_start: datetime | None = None
    ignore_windows: bool | None = None

    @property
    def fingerprint(self) -> str:
        """Return where it stands: whatever is compared to tell a move, in one text."""
        return fingerprint(self.status, self.to_version, self.window)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledUpgrade:
    """What we stored of a scheduled upgrade. `moves` counts its moves; `request_id` is set for those asked for here.

    `modified_at` is the cloud's own, by which an older answer that arrives late is told apart. A final status ends
    it, until a reschedule of the same record revives it. `missing_since` is when a complete reading first lacked it,
    None while it is listed.
    """

    organisation: Organisation
    identity: UpgradeIdentity
    cluster_identity: ClusterIdentity
    environment: str
    cluster: str
    from_version: str
    to_version: str
    status: str
    status_since: datetime
    window: Window | None = None
    reason: str = ""
    moves: int = 0
    request_id: str | None = None
    overrun_told: bool = False
    modified_at: datetime | None = None
    missing_since: datetime | None = None
    revision: int = 0

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.status in FINAL or self.status in INFERRED

    @property
    def is_nameless(self) -> bool:
        """Whether the cloud gave it no identity when it confirmed it."""
        return self.identity.startswith(NAMELESS)

    @property
    def fingerprint(self) -> str:
        """Return where it stands. A reading that stands there too is no move; another one may be.

        One that is missing stands nowhere, so that any reading of it is looked at.
        """
        return "" if self.missing_since else fingerprint(self.status, self.to_version, self.window)

    @property
    def full_name(self) -> str:
        """Return `environment/slug`."""
        return f"{self.environment}/{self.cluster}"

    def moved(self, reading: Reading, *, at: datetime) -> "ScheduledUpgrade":
        """Take over a reading. The same value comes back when nothing changed, or the reading is older than this.

        `moves` rises only when status, window or version changed.
        """
        listed = self if self.missing_since is None else replace(self, missing_since=None)
        if reading.modified_at and self.modified_at and reading.modified_at < self.modified_at:
            return listed
        window = reading.window
        if window is None and reading.status != Status.REQUESTED:
            window = self.window  # only an upgrade that is to be scheduled anew has lost its window
        if (reading.status, window) == (self.status, self.window) and (reading.to_version or self.to_version) == (
            self.to_version
        ):
            return listed
        changed = reading.status != self.status
        return replace(
            listed,
            status=reading.status,
            status_since=at if changed else self.status_since,
            window=window,
            reason=reading.reason,
            from_version=reading.from_version or self.from_version,
            to_version=reading.to_version or self.to_version,
            moves=self.moves + 1,
            overrun_told=self.overrun_told and not changed and window == self.window,
            modified_at=reading.modified_at or self.modified_at,
        )

    def unlisted(self, *, at: datetime) -> "ScheduledUpgrade":
        """Note that a complete reading lacked it; after a while it is no longer followed."""
        if self.is_final:
            return self
        if self.missing_since is None:
            return replace(self, missing_since=at)
        if at - self.missing_since < MISSING_FOR:
            return self
        return replace(self.infer(NOT_REPORTED, at=at), reason="")

    def infer(self, status: str, *, at: datetime) -> "ScheduledUpgrade":
        """Take over an outcome that we concluded ourselves."""
        return replace(self, status=status, status_since=at, moves=self.moves + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One change of status or window that a poll saw; `number` rises from 1 for each scheduled upgrade."""

    number: int
    seen_at: datetime
    status: str
    from_status: str | None
    window: Window | None
    from_window: Window | None
    reason: str = ""

    @property
    def changed_status(self) -> bool:
        """Whether the status changed, not only the window."""
        return self.status != self.from_status


def fingerprint(status: str, to_version: str, window: Window | None) -> str:
    """Return in one text where an upgrade stands."""
    when = f"{window.start.timestamp()} {window.end.timestamp()}" if window else ""
    return f"{status!r} {to_version!r} {when}"
