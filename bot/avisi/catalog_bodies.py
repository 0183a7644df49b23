"""The API's clusters, environments, versions, channels and maintenance schedules, read tolerantly."""

from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from bot.avisi.lenient import Body, ClockTime, Flag, Moment, Name, Number, Text, read_objects
from bot.domain.cluster import Cluster, ClusterIdentity, Environment, Organisation
from bot.domain.windows import WEEKDAYS, MaintenanceSchedule, WeeklyWindow

_RUNNING = "running"
_SAME_STATUS = {"started": _RUNNING}
"""As the vendor's own SDK maps them (FixStatus)."""


def _named(value: object) -> object:
    """Accept a channel that is only a name."""
    return {"name": value} if isinstance(value, str) and value else value if isinstance(value, dict) else None


def _identified(value: object) -> object:
    """Accept a schedule that is only an identity or only a list of windows."""
    if isinstance(value, str):
        return {"identity": value} if value else None
    return value if value is None or isinstance(value, dict) else {"windows": value}


def _object(value: object) -> object:
    """Read an object, or its slug alone."""
    return {"slug": value} if isinstance(value, str) and value else value if isinstance(value, dict) else None


class WindowBody(Body):
    """One weekly window; `duration` is minutes."""

    day: Text = ""
    start_time: ClockTime = None
    duration: Number = None

    def as_domain(self) -> WeeklyWindow | None:
        """Return the window, None when a part of it cannot be read."""
        day = self.day.lower()
        if day not in WEEKDAYS or self.start_time is None or self.duration is None:
            return None
        return WeeklyWindow(weekday=WEEKDAYS.index(day), start=self.start_time, minutes=self.duration)


class ScheduleBody(Body):
    """A maintenance schedule; `windows` is None where it is only a reference."""

    identity: Text = ""
    name: Name = ""
    windows: Annotated[tuple[WindowBody, ...] | None, BeforeValidator(read_objects)] = None

    def as_domain(self) -> MaintenanceSchedule | None:
        """Return the schedule, None when it is empty."""
        if not (self.identity or self.name or self.windows):
            return None
        read = [body.as_domain() for body in self.windows or ()]
        windows = tuple(window for window in read if window is not None)
        return MaintenanceSchedule(
            identity=self.identity,
            name=self.name,
            windows=windows,
            is_complete=self.windows is not None and len(windows) == len(read),
        )


class ChannelBody(Body):
    """An update channel and the version that it points to."""

    name: Name = ""
    kubernetes_cluster_version: Name = ""


class VersionBody(Body):
    """A version; the two fields of the admin API count when they are present."""

    version: Name = ""
    available: Flag = None
    deleted_at: Moment = None

    @property
    def is_offered(self) -> bool:
        """Whether people may choose it."""
        return bool(self.version) and self.available is not False and self.deleted_at is None


class EnvironmentBody(Body):
    """An environment."""

    slug: Name = ""
    name: Name = ""
    type: Name = ""
    deleted_at: Moment = None

    def as_domain(self, organisation: Organisation) -> Environment | None:
        """Return the environment, None without a slug."""
        if not self.slug:
            return None
        return Environment(
            organisation=organisation, slug=self.slug, name=self.name or self.slug, kind=self.type.lower()
        )


class UpstreamBody(Body):
    """The cluster that another one follows (avisi-cloud go-client, `upstreamCluster`)."""

    slug: Name = ""
    environment_slug: Name = ""
    identity: Text = ""

    @property
    def full_name(self) -> str:
        """Return `environment/slug`, or what there is of it."""
        return "/".join(part for part in (self.environment_slug, self.slug) if part) or self.identity


class TenantBody(Body):
    """An observability tenant; the vendor's client writes `DeletedAt` with a capital letter."""

    slug: Text = ""
    deleted_at: Annotated[Moment, Field(validation_alias=AliasChoices("DeletedAt", "deletedAt"))] = None


class ClusterBody(Body):
    """A cluster; `maintenance_schedule` is an object or absent."""

    identity: Text = ""
    slug: Name = ""
    name: Name = ""
    environment_slug: Name = ""
    version: Name = ""
    status: Text = ""
    auto_upgrade: Flag = None
    update_channel: Annotated[ChannelBody | None, BeforeValidator(_named)] = None
    maintenance_schedule: Annotated[ScheduleBody | None, BeforeValidator(_identified)] = None
    upstream_cluster: Annotated[UpstreamBody | None, BeforeValidator(_object)] = None
    observability_tenant: Annotated[TenantBody | None, BeforeValidator(_object)] = None
    deleted_at: Moment = None

    @property
    def is_live(self) -> bool:
        """Whether it has not been deleted; the API also lists deleted clusters."""
        return self.deleted_at is None

    @property
    def known_status(self) -> str:
        """Return the status under the name that is used everywhere."""
        return _SAME_STATUS.get(self.status.lower(), self.status)

    def as_domain(
        self, organisation: Organisation, *, channels: dict[str, str], schedules: dict[str, MaintenanceSchedule]
    ) -> Cluster | None:
        """Return the cluster, None without identity, slug or environment.

        `channels` (versions by name) and `schedules` (by identity) fill in what the cluster itself leaves out.
        """
        if not (self.identity and self.slug and self.environment_slug):
            return None
        channel = self.update_channel or ChannelBody()
        tenant = self.observability_tenant
        own = self.maintenance_schedule.as_domain() if self.maintenance_schedule is not None else None
        return Cluster(
            identity=ClusterIdentity(self.identity),
            organisation=organisation,
            environment=self.environment_slug,
            slug=self.slug,
            name=self.name or self.slug,
            version=self.version,
            status=self.known_status,
            channel=channel.name or None,
            channel_version=channel.kubernetes_cluster_version or channels.get(channel.name) or None,
            auto_upgrade=self.auto_upgrade is True,
            schedule=own if own is None or own.windows else schedules.get(own.identity, own),
            follows=self.upstream_cluster.full_name if self.upstream_cluster else "",
            tenant=(tenant.slug or None) if tenant and tenant.deleted_at is None else None,
        )
