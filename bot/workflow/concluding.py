"""Where the cloud gives no status: outcomes concluded from the versions that the clusters run."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.cluster import Catalog, Cluster, Organisation
from bot.domain.scheduled import APPEARS_UPGRADED, NOT_UPGRADED, ScheduledUpgrade
from bot.workflow.announcing import Announcing
from bot.workflow.catalog_cache import Cataloguing, remembered
from bot.workflow.errors import Declined, Stale
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease

_SETTLES_AFTER = timedelta(minutes=30)
_COPY_LASTS = timedelta(minutes=6)
"""The copy of the catalog is renewed every five minutes or sooner: an older one shows that it could not be read."""


@dataclass(frozen=True, slots=True)
class Concluding:
    """Compares upgrades whose window is over with the clusters."""

    begin: BeginWork
    read: BeginReading
    announcing: Announcing
    cataloguing: Cataloguing
    cloud: AvisiCloud
    now: Clock

    async def conclude(self, organisation: Organisation, lease: Lease) -> datetime:
        """Conclude what can be concluded by now; returns when the clusters were last read.

        Raises AvisiError when they were not read for a while, or are needed for an outcome, and cannot be read now.
        """
        now = self.now()
        async with self.read() as work:
            followed = await work.upgrades.followed(organisation)
            read_at = (await work.catalogs.fetched()).get(organisation)
        settled = [one for one in followed if one.window and one.window.end + _SETTLES_AFTER <= now]
        if read_at and not settled and now - read_at < _COPY_LASTS:
            return read_at
        catalog = await self.cataloguing.refresh(organisation, lease)
        if settled:
            clusters = [await self._cluster(upgrade, catalog) for upgrade in settled]
            async with self.begin(lease) as work:
                for upgrade, cluster in zip(settled, clusters, strict=True):
                    status = _outcome(upgrade, cluster)
                    try:
                        await self.announcing.moved(work, upgrade, upgrade.infer(status, at=now))
                    except Stale:
                        continue
                await work.commit()
        return now

    async def _cluster(self, upgrade: ScheduledUpgrade, catalog: Catalog) -> Cluster | None:
        """Return the cluster as it is now; one that the list lacks is looked up by its own address."""
        if cluster := catalog.by_identity.get(upgrade.cluster_identity):
            return cluster
        try:
            return (await self.cloud.current(remembered(upgrade)))[0]
        except Declined:
            return None


def _outcome(upgrade: ScheduledUpgrade, cluster: Cluster | None) -> str:
    reached = cluster is not None and cluster.version == upgrade.to_version
    rests = cluster is not None and cluster.status in {"running", "started", ""}
    return APPEARS_UPGRADED if reached and rests else NOT_UPGRADED
