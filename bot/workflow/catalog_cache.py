"""The catalog copies at hand in this process: opened without waiting, renewed from the store when it has newer ones."""

from collections.abc import Collection
from dataclasses import replace

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.workflow.ports import BeginReading, ReadOnlyWork


class CatalogCache:
    """Holds one decoded catalog for each of these organisations; what is stored of others is history."""

    def __init__(self, read: BeginReading, organisations: Collection[Organisation]) -> None:
        self._read = read
        self._organisations = frozenset(organisations)
        self._catalogs: dict[Organisation, Catalog] = {}

    @property
    def catalogs(self) -> tuple[Catalog, ...]:
        """Return the copies at hand, ordered by organisation."""
        return tuple(self._catalogs[organisation] for organisation in sorted(self._catalogs))

    def holds(self, organisation: Organisation) -> bool:
        """Whether there is a copy of this organisation's catalog at all: without one nothing can be said to be gone."""
        return organisation in self._catalogs

    def catalog(self, organisation: Organisation) -> Catalog | None:
        """Return the copy of one organisation."""
        return self._catalogs.get(organisation)

    def find(self, identity: ClusterIdentity | None) -> tuple[Catalog, Cluster] | None:
        """Return a cluster and the catalog it stands in."""
        if identity is None:
            return None
        for catalog in self._catalogs.values():
            if cluster := catalog.by_identity.get(identity):
                return catalog, cluster
        return None

    def correct(self, cluster: Cluster, current: Cluster | None, versions: tuple[str, ...]) -> None:
        """Take over what was just read of one cluster; None: it is gone."""
        catalog = self._catalogs[cluster.organisation]
        if current == cluster and set(versions) == set(catalog.versions):
            return
        others = [one for one in catalog.clusters if one.identity != cluster.identity]
        clusters = sorted([*others, *([current] if current else [])], key=lambda one: (one.environment, one.slug))
        self._catalogs[cluster.organisation] = replace(catalog, clusters=tuple(clusters), versions=versions)

    async def renew(self) -> None:
        """Take over what the store has newer."""
        async with self._read() as work:
            await self.renew_from(work)

    async def renew_from(self, work: ReadOnlyWork) -> None:
        """Take over what the store has newer, as this Work sees it."""
        for organisation, fetched_at in (await work.catalogs.fetched()).items():
            held = self._catalogs.get(organisation)
            if organisation not in self._organisations or (held is not None and held.fetched_at >= fetched_at):
                continue
            catalog = await work.catalogs.read(organisation)
            if catalog is not None:
                self._catalogs[organisation] = catalog
