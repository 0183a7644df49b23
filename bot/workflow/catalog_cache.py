"""The copies of the catalog in this process: read without waiting, renewed when the store has newer ones."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow.errors import AvisiError
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Lease, ReadOnlyWork


class CatalogCache:
    """Holds one decoded catalog for each of these organisations; what is stored of others is history."""

    def __init__(self, read: BeginReading, organisations: Collection[Organisation]) -> None:
        self._read = read
        self._organisations = frozenset(organisations)
        self._catalogs: dict[Organisation, Catalog] = {}

    @property
    def catalogs(self) -> tuple[Catalog, ...]:
        """Return the copies, ordered by organisation."""
        return tuple(self._catalogs[organisation] for organisation in sorted(self._catalogs))

    def holds(self, organisation: Organisation) -> bool:
        """Whether there is a copy of this organisation's catalog at all: without one nothing can be said to be gone."""
        return organisation in self._catalogs

    def catalog(self, organisation: Organisation) -> Catalog | None:
        """Return the copy of one organisation."""
        return self._catalogs.get(organisation)

    def find(self, identity: ClusterIdentity | None) -> tuple[Catalog, Cluster] | None:
        """Return a cluster and the catalog that lists it."""
        if identity is None:
            return None
        for catalog in self._catalogs.values():
            if cluster := catalog.by_identity.get(identity):
                return catalog, cluster
        return None

    async def find_or_renew(self, identity: ClusterIdentity | None) -> tuple[Catalog, Cluster] | None:
        """Return a cluster and its catalog; one that is not at hand may have been read by another process just now."""
        found = self.find(identity)
        if found is None and identity is not None:
            await self.renew()
            found = self.find(identity)
        return found

    def correct(self, cluster: Cluster, current: Cluster | None, versions: tuple[str, ...]) -> None:
        """Take over what was just read about one cluster; None means that it is gone."""
        catalog = self._catalogs[cluster.organisation]
        if current == cluster and set(versions) == set(catalog.versions):
            return
        others = [one for one in catalog.clusters if one.identity != cluster.identity]
        clusters = sorted([*others, *([current] if current else [])], key=lambda one: (one.environment, one.slug))
        self._catalogs[cluster.organisation] = replace(catalog, clusters=tuple(clusters), versions=versions)

    async def renew(self) -> None:
        """Take over newer copies from the store."""
        async with self._read() as work:
            await self.renew_from(work)

    async def renew_from(self, work: ReadOnlyWork) -> None:
        """Take over newer copies from the store, as this transaction sees it."""
        for organisation, fetched_at in (await work.catalogs.fetched()).items():
            held = self._catalogs.get(organisation)
            if organisation not in self._organisations or (held is not None and held.fetched_at >= fetched_at):
                continue
            catalog = await work.catalogs.read(organisation)
            if catalog is not None:
                self._catalogs[organisation] = catalog


Parts = Mapping[str, frozenset[str]]
"""What a catalog lists, by what it is called."""


class Cataloguing:
    """Reads what the cloud offers and replaces the copy."""

    def __init__(self, *, begin: BeginWork, cloud: AvisiCloud, catalog_cache: CatalogCache) -> None:
        self._begin = begin
        self._cloud = cloud
        self._catalog_cache = catalog_cache
        self._doubted: dict[Organisation, Parts] = {}
        """What the last reading showed, of each organisation in which it lacked too much."""
        self._problems: dict[Organisation, str] = {}

    @property
    def problem(self) -> str:
        """Return why catalogs cannot be read, empty while all of them can."""
        return " ".join(self._problems.values())

    async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
        """Read the organisation's catalog and store it; raises AvisiError, and then the old copy stays.

        That most of a list is gone may be a fault of one answer: it counts when the next reading shows the same.
        """
        await self._catalog_cache.renew()
        try:
            catalog = await self._cloud.catalog(organisation)
            self._doubt(catalog)
        except AvisiError as error:
            self._problems[organisation] = error.words()
            raise
        self._problems.pop(organisation, None)
        async with self._begin(lease) as work:
            await work.catalogs.put(catalog)
            await work.commit()
        await self._catalog_cache.renew()
        return catalog

    def _doubt(self, catalog: Catalog) -> None:
        held = self._catalog_cache.catalog(catalog.organisation)
        last = self._doubted.pop(catalog.organisation, None)
        before, now = _parts(held) if held else {}, _parts(catalog)
        lost = [what for what, listed in before.items() if 2 * len(listed - now[what]) > len(listed)]
        if lost and last != now:
            self._doubted[catalog.organisation] = now
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
