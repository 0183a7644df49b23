"""Clusters, environments and the catalog: what there is to upgrade, as last read from the cloud."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NewType

from bot.domain.versions import offered
from bot.domain.windows import MaintenanceSchedule

ClusterIdentity = NewType("ClusterIdentity", str)
"""The UUID by which the API knows a cluster."""
_DOWN = frozenset({"stopping", "stopped", "deleting", "deleted"})
"""Statuses of clusters that do not run, or not for long; the vendor publishes no list of all."""
Organisation = NewType("Organisation", str)
"""An organisation's slug."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A cluster as the catalog knows it. `version` is what it runs, or is being upgraded to.

    `follows` is the `environment/slug` of its upstream cluster, `tenant` the slug of its observability tenant.
    """

    identity: ClusterIdentity
    organisation: Organisation
    environment: str
    slug: str
    name: str
    version: str
    status: str = ""
    channel: str | None = None
    channel_version: str | None = None
    auto_upgrade: bool = False
    schedule: MaintenanceSchedule | None = None
    follows: str = ""
    tenant: str | None = None

    @property
    def full_name(self) -> str:
        """Return `environment/slug`: how people tell clusters apart."""
        return f"{self.environment}/{self.slug}"

    @property
    def is_down(self) -> bool:
        """Whether it is stopped or about to go, so that an upgrade of it may never start."""
        return self.status.lower() in _DOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An environment of an organisation; `kind` is the vendor's `type` (production, staging, ...)."""

    organisation: Organisation
    slug: str
    name: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything of one organisation that the bot offers, and when it was read (aware UTC)."""

    organisation: Organisation
    fetched_at: datetime
    clusters: tuple[Cluster, ...] = ()
    environments: tuple[Environment, ...] = ()
    versions: tuple[str, ...] = field(default=())

    @cached_property
    def by_identity(self) -> dict[ClusterIdentity, Cluster]:
        """Index the clusters by their identity."""
        return {cluster.identity: cluster for cluster in self.clusters}

    @property
    def environment_slugs(self) -> frozenset[str]:
        """Return the slugs of all environments, with clusters or without."""
        return frozenset({*(one.slug for one in self.environments), *(one.environment for one in self.clusters)})

    def offered_to(self, cluster: Cluster, *, allow_downgrade: bool) -> tuple[str, ...]:
        """Return the versions this cluster may go to, newest first."""
        return offered(cluster.version, self.versions, allow_downgrade=allow_downgrade)
