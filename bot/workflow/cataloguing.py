"""Keeping the stored copy of the catalog fresh."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.cluster import Catalog, Cluster, Organisation
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import AvisiError
from bot.workflow.ports import AvisiCloud, BeginWork, Lease

Parts = Mapping[str, frozenset[str]]
"""What a catalog lists, by what it is called."""


@dataclass(frozen=True, slots=True)
class Cataloguing:
    """Reads what the cloud offers and replaces the copy.

    `doubted` holds what the last reading showed, of each organisation in which it lacked too much.
    """

    begin: BeginWork
    cloud: AvisiCloud
    catalog_cache: CatalogCache
    doubted: dict[Organisation, Parts] = field(default_factory=dict)

    async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
        """Read the organisation's catalog and store it; raises AvisiError, and then the old copy stays.

        That most of a list is gone may be a fault of one answer: it counts when the next reading shows the same.
        """
        await self.catalog_cache.renew()
        catalog = await self.cloud.catalog(organisation)
        self._doubt(catalog)
        async with self.begin(lease) as work:
            await work.catalogs.put(catalog)
            await work.commit()
        await self.catalog_cache.renew()
        return catalog

    def _doubt(self, catalog: Catalog) -> None:
        held = self.catalog_cache.catalog(catalog.organisation)
        last = self.doubted.pop(catalog.organisation, None)
        before, now = _parts(held) if held else {}, _parts(catalog)
        lost = [what for what, listed in before.items() if 2 * len(listed - now[what]) > len(listed)]
        if lost and last != now:
            self.doubted[catalog.organisation] = now
            shown = ", ".join(f"{len(before[what] & now[what])} of {len(before[what])} {what}" for what in lost)
            raise AvisiError(f"Avisi Cloud lists only {shown}. This counts when the next reading shows it too")


def remembered(one: UpgradeRequest | ScheduledUpgrade) -> Cluster:
    """Return what is still known of a cluster that no catalog lists: enough to look it up by its own address."""
    return Cluster(
        identity=one.cluster_identity,
        organisation=one.organisation,
        environment=one.environment,
        slug=one.cluster,
        name=one.cluster,
        version=one.from_version,
    )


def _parts(catalog: Catalog) -> Parts:
    return {
        "clusters": frozenset(catalog.by_identity),
        "versions": frozenset(catalog.versions),
        "clusters with maintenance windows": frozenset(
            one.identity for one in catalog.clusters if one.schedule and one.schedule.windows
        ),
    }
