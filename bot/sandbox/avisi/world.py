"""What exists in the simulated cloud: organisations and what is in them. Plain values that tests may edit."""

from dataclasses import dataclass, field
from datetime import datetime

PENDING = ("REQUESTED", "SCHEDULED", "SCHEDULED_NOTIFIED")
FINAL = ("SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED")


@dataclass(kw_only=True, slots=True)
class Window:
    """A weekly window: uppercase English day, `HH:mm` or `HH:mm:ss`, minutes."""

    day: str
    start_time: str
    duration: int


@dataclass(kw_only=True, slots=True)
class MaintenanceSchedule:
    """Windows under a name, shared by clusters of one organisation."""

    identity: str
    name: str
    windows: list[Window] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Channel:
    """An update channel and the version that it points at."""

    name: str
    version: str
    available: bool = True


@dataclass(kw_only=True, slots=True)
class Environment:
    """A group of clusters; `kind` is the API's `type`."""

    number: int
    identity: str
    slug: str
    name: str
    kind: str
    created_at: datetime


@dataclass(kw_only=True, slots=True)
class Pool:
    """A node pool."""

    name: str
    strategy: str
    zone: str = ""


@dataclass(kw_only=True, slots=True)
class Alert:
    """An alert that fires."""

    name: str
    active_at: datetime
    state: str = "firing"


@dataclass(kw_only=True, slots=True)
class Tenant:
    """An observability tenant; with a `status` it answers that instead of its alerts."""

    identity: str
    slug: str
    status: int | None = None
    alerts: list[Alert] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Cluster:
    """A cluster; `channel`, `schedule` and `tenant` are of the same organisation, or None.

    `follows` is the `environment/slug` of its upstream cluster; without `pools` it has two usual ones.
    """

    identity: str
    slug: str
    name: str
    environment: str
    version: str
    created_at: datetime
    modified_at: datetime
    deleted_at: datetime | None = None
    channel: str | None = None
    schedule: str | None = None
    auto_upgrade: bool = False
    status: str = "running"
    region: str = "eu-west-1"
    cloud_provider: str = "aws"
    highly_available: bool = False
    tenant: str | None = None
    follows: str | None = None
    pools: list[Pool] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class ScheduledUpgrade:
    """The cloud's record of an upgrade.

    `outcome` is what will become of it once it is decided; `due` is when it moves next by itself.
    """

    identity: str
    organisation: str
    cluster_identity: str
    cluster: str
    environment: str
    from_version: str
    to_version: str
    status: str
    created_at: datetime
    modified_at: datetime
    window_start: datetime | None = None
    window_end: datetime | None = None
    reason: str | None = None
    schedule_request_date: datetime | None = None
    ignore_maintenance_schedule: bool = False
    requested_by: str = "bot"
    outcome: str | None = None
    due: datetime | None = None


@dataclass(kw_only=True, slots=True)
class Organisation:
    """Everything of one organisation; clusters and upgrades by identity, oldest first."""

    number: int
    identity: str
    slug: str
    name: str
    role: str = "developer"
    environments: dict[str, Environment] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    schedules: dict[str, MaintenanceSchedule] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    upgrades: dict[str, ScheduledUpgrade] = field(default_factory=dict)
    upgrades_of: dict[str, list[str]] = field(default_factory=dict)

    def add(self, upgrade: ScheduledUpgrade) -> ScheduledUpgrade:
        """Take in a record."""
        self.upgrades[upgrade.identity] = upgrade
        self.upgrades_of.setdefault(upgrade.cluster_identity, []).append(upgrade.identity)
        return upgrade

    def history(self, cluster_identity: str) -> list[ScheduledUpgrade]:
        """Every upgrade of one cluster, oldest first."""
        return [self.upgrades[identity] for identity in self.upgrades_of.get(cluster_identity, [])]

    def windows(self, cluster: Cluster) -> list[Window]:
        """When this cluster may be maintained; empty without a schedule."""
        schedule = self.schedules.get(cluster.schedule or "")
        return schedule.windows if schedule else []


@dataclass(kw_only=True, slots=True)
class World:
    """All organisations by slug, the versions on offer, and which token sees which organisations."""

    organisations: dict[str, Organisation]
    versions: list[str]
    tokens: dict[str, list[str]]
