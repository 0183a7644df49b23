"""Taking over what the cloud's list shows: moves stored and told, records of requests made here adopted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.policy import Policy
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import FINAL, NAMELESS, Reading, ScheduledUpgrade, UpgradeIdentity
from bot.workflow.announcing import Announcing
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.outcomes import take_over
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.repositories import Feed, Source

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
            await take_over(work, request, ours, reading, announcing=self.announcing, source=Source.ORGANISATION)
            return
        stored = await work.requests.save(replace(request, upgrade=new.identity, window=new.window or request.window))
        await self.announcing.repaint(work, stored, because="adopted")
        nameless = await work.upgrades.find(new.organisation, _nameless(request))
        if nameless is None:
            await work.upgrades.save(ours)
            return
        await work.upgrades.save(replace(nameless, status="SUPERSEDED", request_id=None))
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
    """Return the identity of ours under which a request's upgrade stands while the cloud gave none."""
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
