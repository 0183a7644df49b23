"""The API's scheduled upgrades: the submission, written strictly, and the record, read tolerantly."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, PlainSerializer

from bot.avisi.lenient import Body, Flag, Moment, Name, Text
from bot.domain.cluster import ClusterIdentity
from bot.domain.scheduled import Reading, Status, UpgradeIdentity, fingerprint
from bot.domain.windows import Window
from bot.workflow.ports import Submission

FIRST_STATUS = Status.REQUESTED
"""The status of an accepted submission until the cloud says otherwise."""


def written(moment: datetime) -> str:
    """Write a moment as the vendor's samples do: UTC, whole seconds, `Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


Sent = Annotated[AwareDatetime, PlainSerializer(written)]


class SubmissionBody(Body):
    """The documented request body; the start is left out where none is wanted, the flag never is."""

    cluster_identity: str = Field(min_length=1)
    version: str = Field(min_length=1)
    schedule_request_date: Sent | None = None
    ignore_maintenance_schedule: bool

    @classmethod
    def of(cls, submission: Submission) -> "SubmissionBody":
        """Return the body for a submission."""
        return cls(
            cluster_identity=submission.cluster_identity,
            version=submission.version,
            schedule_request_date=submission.start,
            ignore_maintenance_schedule=submission.ignore_windows,
        )

    def as_json(self) -> bytes:
        """Return the bytes to send."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class FingerprintBody(Body):
    """The fields that show whether an upgrade changed; most listed upgrades are not read any further."""

    identity: Text = ""
    to_cluster_version: Name = ""
    status: Name = ""
    window_start: Moment = None
    window_end: Moment = None

    @property
    def fingerprint(self) -> str:
        """Return the same as Reading.fingerprint."""
        return fingerprint(self.status, self.to_cluster_version, self._window())

    def _window(self) -> Window | None:
        if self.window_start is None or self.window_end is None or self.window_end < self.window_start:
            return None
        return Window(start=self.window_start, end=self.window_end)


class UpgradeBody(FingerprintBody):
    """The documented answer; every field may be absent."""

    cluster_identity: Text = ""
    created_at: Moment = None
    modified_at: Moment = None
    reason: Text = ""
    from_cluster_version: Name = ""
    cluster_slug: Name = ""
    environment_slug: Name = ""
    schedule_request_date: Moment = None
    ignore_maintenance_schedule: Flag = None

    @property
    def says_something(self) -> bool:
        """Whether this can be the answer to a submission."""
        return bool(self.identity or self.status or self.cluster_identity or self.to_cluster_version)

    @property
    def is_listable(self) -> bool:
        """Whether this can be compared with stored upgrades."""
        return bool(self.status and (self.identity or self.cluster_identity))

    def as_domain(self) -> Reading:
        """Return the reading."""
        return Reading(
            identity=UpgradeIdentity(self.identity) if self.identity else None,
            cluster_identity=ClusterIdentity(self.cluster_identity) if self.cluster_identity else None,
            status=self.status or FIRST_STATUS,
            window=self._window(),
            reason=self.reason,
            from_version=self.from_cluster_version,
            to_version=self.to_cluster_version,
            cluster=self.cluster_slug,
            environment=self.environment_slug,
            created_at=self.created_at,
            modified_at=self.modified_at,
            requested_start=self.schedule_request_date,
            ignore_windows=self.ignore_maintenance_schedule,
        )
