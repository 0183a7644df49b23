"""The fleet as people look at it, a page at a time. Reads only what is at hand: catalog, facts, stored upgrades."""

from dataclasses import dataclass
from datetime import UTC, date, tzinfo

from bot.domain.cluster import Cluster, Organisation
from bot.domain.fleet import Fleet, fleet, recommended
from bot.domain.readiness import KubernetesFacts, end_of_life
from bot.domain.scheduled import ScheduledUpgrade
from bot.domain.versions import KubernetesVersion
from bot.domain.windows import Window, next_window
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.ports import BeginReading, Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetPlace:
    """What part of the fleet is looked at: of one organisation or of all, in the environments of one name or in all."""

    organisation: Organisation | None = None
    environment: str | None = None

    @property
    def name(self) -> str:
        """Return what it is called in front of people, empty for all of it."""
        return "/".join(filter(None, (self.organisation, self.environment)))


EVERYWHERE = FleetPlace()


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetLine:
    """A cluster, when its minor ends, the version recommended to it, and its upgrade under way or its next window."""

    cluster: Cluster
    ends: date | None
    recommended: str
    upgrade: ScheduledUpgrade | None
    window: Window | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetPage:
    """A page of a fleet, counted from 0; `first` is how many clusters stand on the pages before."""

    place: FleetPlace
    fleet: Fleet
    lines: tuple[FleetLine, ...]
    page: int
    pages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetReading:
    """Reads the fleet; `zone` is the one in which maintenance windows are read."""

    read: BeginReading
    catalog_cache: CatalogCache
    facts: KubernetesFacts
    now: Clock
    zone: tzinfo

    def fleet(self, place: FleetPlace = EVERYWHERE) -> Fleet:
        """Return the fleet, or a part of it; no waiting."""
        catalogs = [one for one in self.catalog_cache.catalogs if place.organisation in {None, one.organisation}]
        return fleet(catalogs, self.facts, today=self.now().astimezone(UTC).date(), environment=place.environment)

    async def page(self, place: FleetPlace, *, page: int, size: int) -> FleetPage:
        """Return a page of it, the most pressing clusters first; one that does not exist is the last one."""
        found = self.fleet(place)
        pages = max(1, -(-len(found.clusters) // size))
        page = min(max(page, 0), pages - 1)
        shown = found.clusters[page * size : (page + 1) * size]
        async with self.read() as work:
            upgrades = await work.upgrades.unfinished_of([cluster.identity for cluster in shown])
        under_way = {upgrade.cluster_identity: upgrade for upgrade in reversed(upgrades)}
        return FleetPage(
            place=place,
            fleet=found,
            lines=tuple(self._line(cluster, under_way.get(cluster.identity)) for cluster in shown),
            page=page,
            pages=pages,
        )

    def _line(self, cluster: Cluster, upgrade: ScheduledUpgrade | None) -> FleetLine:
        catalog = self.catalog_cache.catalog(cluster.organisation)
        schedule = cluster.schedule
        return FleetLine(
            cluster=cluster,
            ends=end_of_life(self.facts, KubernetesVersion.parse(cluster.version).minor),
            recommended=recommended(catalog, cluster) if catalog else "",
            upgrade=upgrade,
            window=next_window(schedule, after=self.now(), zone=self.zone) if schedule else None,
        )
