"""Following upgrades: one poll of an organisation, from the source that its statuses come from."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.policy import Policy
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import FINAL, NAMELESS, OPEN, Reading, ScheduledUpgrade, Status, UpgradeIdentity
from bot.workflow.announcing import Announcing
from bot.workflow.blindness import Blindness
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.concluding import Concluding
from bot.workflow.errors import AvisiError, NoList, Stale
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease, Page, UnitOfWork
from bot.workflow.repositories import Feed, Source
from bot.workflow.transitions import Change, confirm, store_request

_NEWS_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Recording:
    """Compares readings with what is stored."""

    begin: BeginWork
    read: BeginReading
    catalog_cache: CatalogCache
    policy: Policy
    announcing: Announcing
    now: Clock

    async def take(
        self, readings: Iterable[Reading], feed: Feed, lease: Lease, *, baseline: datetime | None = None
    ) -> None:
        """Compare one page with the store; one transaction writes all its moves."""
        newest = {reading.identity: reading for reading in readings if reading.identity and reading.status}
        if not newest and baseline is None:
            return
        async with self.read() as work:
            stored = await work.upgrades.find_many(feed.organisation, list(newest))
        changed = [
            reading
            for identity, reading in newest.items()
            if identity not in stored or stored[identity].moved(reading, at=self.now()) is not stored[identity]
        ]
        if not changed and baseline is None:
            return
        async with self.begin(lease) as work:
            fresh = await work.upgrades.find_many(feed.organisation, [one.identity for one in changed if one.identity])
            for reading in changed:
                await self._take_one(work, reading, fresh, feed, baseline=baseline)
            if baseline:
                await work.feeds.save(replace(feed, source=Source.ORGANISATION, baseline_at=baseline))
            await work.commit()

    async def miss(self, identities: Sequence[UpgradeIdentity], organisation: Organisation, lease: Lease) -> None:
        """Note that a complete reading lacked these."""
        async with self.read() as work:
            stored = await work.upgrades.find_many(organisation, identities)
        now = self.now()
        noted = [(one, after) for one in stored.values() if (after := one.unlisted(at=now)) is not one]
        if not noted:
            return
        async with self.begin(lease) as work:
            for before, after in noted:
                await self._store(work, before, after)
            await work.commit()

    async def _store(self, work: UnitOfWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> None:
        if after.moves == before.moves:
            await work.upgrades.save(after)
        else:
            await self.announcing.moved(work, before, after)

    async def _take_one(
        self,
        work: UnitOfWork,
        reading: Reading,
        fresh: Mapping[UpgradeIdentity, ScheduledUpgrade],
        feed: Feed,
        *,
        baseline: datetime | None,
    ) -> None:
        known = fresh.get(reading.identity) if reading.identity else None
        if known is not None:
            after = known.moved(reading, at=self.now())
            if after is not known and not await work.requests.of_cluster(known.cluster_identity, State.SUBMITTING):
                await self._store(work, known, after)
            return
        if reading.cluster_identity is None or reading.identity is None:
            return
        requests = await work.requests.of_cluster(
            reading.cluster_identity, State.SUBMITTING, State.SUBMISSION_UNCLEAR, State.SUBMITTED
        )
        alike = [request for request in requests if request.to_version == reading.to_version]
        if any(request.state is State.SUBMITTING for request in alike):
            return  # the answer to it, which is on its way, says whether this is its record
        new = self._upgrade(reading, feed.organisation)
        if ours := next((request for request in alike if _is_of(reading, request)), None):
            await self._adopt(work, new, reading, ours)
        elif baseline is not None or self.policy.watch == "requested" or not _is_news(reading, feed):
            if self.policy.watch == "all":
                await work.upgrades.save(new)
        else:
            await self.announcing.appeared(work, new)

    async def _adopt(self, work: UnitOfWork, new: ScheduledUpgrade, reading: Reading, request: UpgradeRequest) -> None:
        """Take a record over as the upgrade of a request made here."""
        ours = replace(new, request_id=request.id)
        if request.state is State.SUBMISSION_UNCLEAR:
            await confirm(work, request, ours, reading, announcing=self.announcing, source=Source.ORGANISATION)
            return
        adopted = replace(request, upgrade=new.identity, window=new.window or request.window)
        facts = {
            "identity": new.identity,
            "status": new.status,
            "window_start": new.window.start.isoformat() if new.window else None,
            "window_end": new.window.end.isoformat() if new.window else None,
        }
        change = Change(audit="record adopted", at=self.now(), facts=facts, repaint="adopted")
        await store_request(work, request, adopted, change)
        nameless = await work.upgrades.find(new.organisation, _nameless(request))
        if nameless is None:
            await work.upgrades.save(ours)
            return
        await work.upgrades.save(replace(nameless, status=Status.SUPERSEDED, request_id=None))
        await self.announcing.moved(work, nameless, replace(ours, moves=nameless.moves + 1))

    def _upgrade(self, reading: Reading, organisation: Organisation) -> ScheduledUpgrade:
        cluster_identity = reading.cluster_identity or ClusterIdentity("")
        found = self.catalog_cache.find(cluster_identity)
        cluster = found[1] if found else None
        return ScheduledUpgrade(
            organisation=organisation,
            identity=reading.identity or UpgradeIdentity(""),
            cluster_identity=cluster_identity,
            environment=reading.environment or (cluster.environment if cluster else ""),
            cluster=reading.cluster or (cluster.slug if cluster else cluster_identity),
            from_version=reading.from_version or (cluster.version if cluster else ""),
            to_version=reading.to_version,
            status=reading.status,
            status_since=self.now(),
            window=reading.window,
            reason=reading.reason,
            modified_at=reading.modified_at,
        )


def _nameless(request: UpgradeRequest) -> UpgradeIdentity:
    """Return our own identity for a request's upgrade as long as the cloud gave none."""
    return UpgradeIdentity(f"{NAMELESS}{request.id}")


def _is_of(reading: Reading, request: UpgradeRequest) -> bool:
    """Whether a record is that of a request of which nobody knows the record yet."""
    unknown = request.state is State.SUBMISSION_UNCLEAR or request.upgrade == _nameless(request)
    changed = reading.modified_at or reading.created_at
    return unknown and changed is not None and request.attempted_at is not None and changed >= request.attempted_at


def _is_news(reading: Reading, feed: Feed) -> bool:
    """Tell an old final record, which a server that ignores filters also lists, from one that just ended."""
    if reading.status not in FINAL:
        return True
    changed = reading.modified_at or reading.created_at
    return changed is not None and feed.read_at is not None and changed > feed.read_at - _NEWS_FOR


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
        """Read what is not final, store and announce the moves; returns the source in use.

        Raises AvisiError when nothing could be read, after that was noted (blindness). The next poll sees what somebody
        else wrote at the same moment.
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
