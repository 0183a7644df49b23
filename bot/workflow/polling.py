"""Following upgrades: one poll of an organisation, from the source that its statuses come from."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.cluster import Organisation
from bot.domain.scheduled import NAMELESS, OPEN, ScheduledUpgrade, UpgradeIdentity
from bot.workflow.blindness import Blindness
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.concluding import Concluding
from bot.workflow.errors import AvisiError, NoList, Stale
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease, Page
from bot.workflow.recording import Recording
from bot.workflow.repositories import Feed, Source

_PROBE_EVERY = timedelta(hours=1)
_NAMED_AT_MOST = 100
"""More clusters than fit into one address: then the whole list is read, which is still one list."""


@dataclass(frozen=True, slots=True)
class Polling:
    """Polls one organisation at a time. `forced` is the configured source, None for `auto`."""

    begin: BeginWork
    read: BeginReading
    cloud: AvisiCloud
    catalog_cache: CatalogCache
    recording: Recording
    concluding: Concluding
    blindness: Blindness
    now: Clock
    forced: Source | None = None

    async def poll(self, organisation: Organisation, lease: Lease) -> Source | None:
        """Read what is not final, store and tell the moves; returns the source in use.

        Raises AvisiError when nothing could be read, once that is noted (blindness). What somebody else wrote at the
        same moment is seen by the next poll.
        """
        async with self.read() as work:
            feed = await work.feeds.get(organisation)
        try:
            feed = await self._read(feed, lease)
        except AvisiError as error:
            await self.blindness.could_not_read(feed, error.words(), lease)
            raise
        except Stale:
            return feed.source
        await self.blindness.could_read(feed, lease)
        return feed.source

    async def _read(self, feed: Feed, lease: Lease) -> Feed:
        now = read_at = self.now()
        source = self.forced
        if source is None and (feed.source is None or _is_old(feed.probed_at, now)):
            feed = replace(feed, probed_at=now)
            source = Source.ORGANISATION
        source = source or feed.source
        if source is Source.ORGANISATION:
            try:
                await self._read_list(feed, lease)
            except NoList:
                if self.forced or (feed.source is Source.ORGANISATION and feed.probed_at != now):
                    raise  # one answer between two probes does not show that the list is gone for good
                source = Source.CLUSTERS
            except AvisiError:
                if self.forced or feed.source is not Source.CLUSTERS:
                    raise
                source, feed = Source.CLUSTERS, replace(feed, probed_at=None)  # that told neither way: probe again
        if source is Source.CLUSTERS:
            read_at = await self.concluding.conclude(feed.organisation, lease)
        baselined = feed.baseline_at if feed.source is source else None
        return replace(feed, source=source, baseline_at=baselined or now, read_at=read_at)

    async def _read_list(self, feed: Feed, lease: Lease) -> None:
        organisation = feed.organisation
        async with self.read() as work:
            fingerprints = await work.upgrades.fingerprints(organisation)
            unnamed = await work.upgrades.unnamed(organisation)
        await self._name(unnamed, lease)
        if feed.baseline_at is None or feed.source is not Source.ORGANISATION:
            readings = [reading async for page in self._pages(organisation) for reading in page.readings]
            await self.recording.take(readings, feed, lease, baseline=self.now())
            return
        unseen = set(fingerprints)
        async for page in self._pages(organisation, known=fingerprints):
            unseen.difference_update(page.unmoved, (one.identity for one in page.readings if one.identity))
            await self.recording.take(page.readings, feed, lease)
        if unseen:
            await self._ask_for(sorted(unseen), feed, lease)

    async def _ask_for(self, unseen: Sequence[UpgradeIdentity], feed: Feed, lease: Lease) -> None:
        """Read those that are open for us and not for the cloud: mostly they have just ended.

        Absence from a list means nothing by itself; only what stays away from both for long is given up.
        """
        organisation = feed.organisation
        async with self.read() as work:
            missing = await work.upgrades.clusters_of(organisation, unseen)
        nameless = {cluster for identity, cluster in missing.items() if identity.startswith(NAMELESS)}
        clusters = sorted(set(missing.values()))
        asked = clusters if len(clusters) <= _NAMED_AT_MOST else []
        listed: set[UpgradeIdentity] = set()
        async for page in self.cloud.scheduled(organisation, clusters=asked):
            wanted = [one for one in page.readings if one.identity in missing or one.cluster_identity in nameless]
            listed.update(one.identity for one in wanted if one.identity)
            await self.recording.take(wanted, feed, lease)
        await self.recording.miss(sorted(missing.keys() - listed), organisation, lease)

    async def _name(self, unnamed: Iterable[ScheduledUpgrade], lease: Lease) -> None:
        """Name the clusters that neither the cloud's list nor a catalog had named when they were stored."""
        named = [
            replace(upgrade, environment=found[1].environment, cluster=found[1].slug)
            for upgrade in unnamed
            if (found := self.catalog_cache.find(upgrade.cluster_identity))
        ]
        if not named:
            return
        async with self.begin(lease) as work:
            for upgrade in named:
                await work.upgrades.save(upgrade)
            await work.commit()

    def _pages(
        self, organisation: Organisation, *, known: Mapping[UpgradeIdentity, str] | None = None
    ) -> AsyncIterator[Page]:
        return self.cloud.scheduled(organisation, statuses=OPEN, known=known)


def _is_old(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now - moment >= _PROBE_EVERY
