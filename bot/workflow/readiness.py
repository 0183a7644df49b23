"""Readiness of upgrades: reading what it depends on, judging it, and keeping the reading of each request up to date."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from bot.domain.cluster import Cluster, Organisation
from bot.domain.events import AlertsBegan
from bot.domain.policy import Policy
from bot.domain.readiness import (
    Alert,
    Alerts,
    KubernetesFacts,
    NotMonitored,
    Pools,
    Readiness,
    ReadinessReading,
    Unread,
    readiness,
)
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade, Status
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache, remembered
from bot.workflow.errors import AvisiError, Missing, NoAnswer, UnreadableRequest, brief
from bot.workflow.lookups import request_of
from bot.workflow.outbox import Urgency
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.repositories import AlertCheck
from bot.workflow.transitions import alert_words, fact

_REUSED_FOR = timedelta(minutes=1)
_TRIED_FOR = timedelta(hours=1)
_TOLD_WITHIN = timedelta(hours=24)
"""An alert that is seen later than this after an upgrade says little about it."""
_TURNS = 10
"""Readings at the same time, so that a cloud that hangs on them leaves connections for everything else."""
_AT_ONCE = 5
_SHOWN = (State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED, State.SUBMISSION_UNCLEAR)
"""In these states people may still decide by what the card says."""
_LATELY = 200
"""Readings among which those are looked for that lack something."""
_NOT_YET = Unread(why="not read yet", pending=True)

Value = TypeVar("Value")
Current = tuple[Cluster, tuple[str, ...], datetime]
"""A cluster, the versions on offer, and when both were read."""


class _Reused(Generic[Value]):
    """Values that are read at most once a minute for each key, whatever was read."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], tuple[datetime, Value]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    def at_hand(self, key: tuple[str, str]) -> Value | None:
        """Return what was read within the last minute."""
        found = self._kept.get(key)
        return found[1] if found and abs(self._now() - found[0]) < _REUSED_FOR else None

    async def get(self, key: tuple[str, str], read: Callable[[], Awaitable[Value]]) -> Value:
        """Return what was read within the last minute, or read it; one at a time for each key."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            found = self.at_hand(key)
            if found is None:
                found = await read()
                self._kept[key] = (self._now(), found)
            return found


class CloudReadings:
    """Clusters, node pools and alerts. Each of them is asked for at most once a minute; a failure is a value too.

    What is not answered within `seconds` is one that could not be read.
    """

    def __init__(self, cloud: AvisiCloud, *, now: Clock, seconds: float = 2.0) -> None:
        self._cloud = cloud
        self._now = now
        self._seconds = seconds  # real ones
        self._turns = asyncio.Semaphore(_TURNS)
        self._clusters: _Reused[Current | Unread] = _Reused(now)
        self._pools: _Reused[Pools] = _Reused(now)
        self._alerts: _Reused[Alerts] = _Reused(now)

    def at_hand(self, cluster: Cluster) -> tuple[Pools, Alerts]:
        """Return what was read within the last minute, pending where nothing was; asks nobody."""
        pools = self._pools.at_hand((cluster.organisation, cluster.identity))
        alerts: Alerts | None = NotMonitored()
        if cluster.tenant:
            alerts = self._alerts.at_hand((cluster.organisation, cluster.tenant))
        return _NOT_YET if pools is None else pools, _NOT_YET if alerts is None else alerts

    async def read(self, cluster: Cluster) -> tuple[Pools, Alerts]:
        """Return both as they are now, both read at the same time; takes two seconds at most and never fails."""
        pools, alerts = await asyncio.gather(
            self._pools.get((cluster.organisation, cluster.identity), lambda: self._read_pools(cluster)),
            self.alerts(cluster),
        )
        return pools, alerts

    async def current(self, cluster: Cluster) -> Current | Unread:
        """Return a cluster as it is now; one that is gone counts as deleted. As above."""
        return await self._clusters.get((cluster.organisation, cluster.identity), lambda: self._read_cluster(cluster))

    async def alerts(self, cluster: Cluster) -> Alerts:
        """Return what fires in the cluster's tenant; as above."""
        tenant = cluster.tenant
        if not tenant:
            return NotMonitored()
        return await self._alerts.get(
            (cluster.organisation, tenant), lambda: self._read_alerts(cluster.organisation, tenant)
        )

    async def _read_cluster(self, cluster: Cluster) -> Current | Unread:
        read = await self._read(self._cloud.current(cluster))
        if isinstance(read, Unread):
            return read
        found, versions = read
        return found or replace(cluster, status="deleted"), versions, self._now()

    async def _read_pools(self, cluster: Cluster) -> Pools:
        return await self._read(self._cloud.pools(cluster))

    async def _read_alerts(self, organisation: Organisation, tenant: str) -> Alerts:
        alerts = await self._read(self._cloud.alerts(organisation, tenant))
        if isinstance(alerts, Unread):
            return alerts
        return NotMonitored() if alerts is None else tuple(sorted(alerts, key=lambda one: (one.name, one.key)))

    async def _read(self, reading: Coroutine[Any, Any, Value]) -> Value | Unread:
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                return await reading
        except TimeoutError:
            return Unread(why=brief(NoAnswer("")))
        except AvisiError as error:
            return Unread(why=brief(error))
        finally:
            reading.close()  # one that never had its turn


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessCheck:
    """Judges upgrades by the facts that ship with the program, the catalog, and what the cloud says."""

    facts: KubernetesFacts
    catalog_cache: CatalogCache
    cloud_readings: CloudReadings
    now: Clock

    def at_hand(self, cluster: Cluster, target: str) -> Readiness:
        """Judge an upgrade by what is at hand; no waiting."""
        return self._judged(cluster, target, *self.cloud_readings.at_hand(cluster))

    async def read(self, cluster: Cluster, target: str) -> Readiness:
        """Judge an upgrade by node pools and alerts as they are now; takes two seconds at most."""
        return self._judged(cluster, target, *await self.cloud_readings.read(cluster))

    async def read_all(self, cluster: Cluster, target: str) -> tuple[Readiness, datetime | None]:
        """Judge an upgrade by all that is true now, also the cluster's own state; takes two seconds at most.

        Returns when the cluster was read, too: by the catalog if it cannot be read now, None if it never was.
        """
        (pools, alerts), current = await asyncio.gather(
            self.cloud_readings.read(cluster), self.cloud_readings.current(cluster)
        )
        if isinstance(current, Unread):
            found = self.catalog_cache.find(cluster.identity)
            return self._judged(cluster, target, pools, alerts), found[0].fetched_at if found else None
        fresh, on_offer, read_at = current
        return self._judged(fresh, target, pools, alerts, on_offer=on_offer), read_at

    def cluster_of(self, request: UpgradeRequest) -> Cluster:
        """Return a request's cluster, or what is still known of one that no catalog lists."""
        found = self.catalog_cache.find(request.cluster_identity)
        return found[1] if found else remembered(request)

    def _judged(
        self,
        cluster: Cluster,
        target: str,
        pools: Pools,
        alerts: Alerts,
        *,
        on_offer: tuple[str, ...] | None = None,
    ) -> Readiness:
        if on_offer is None:
            catalog = self.catalog_cache.catalog(cluster.organisation)
            on_offer = catalog.versions if catalog else ()
        return readiness(
            self.facts, cluster, target=target, on_offer=on_offer, pools=pools, alerts=alerts, at=self.now()
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessKeeping:
    """Keeps the readings of waiting requests up to date, and compares alerts after an upgrade. Called again and again.

    `checked` is when each waiting request was looked at last.
    """

    begin: BeginWork
    read: BeginReading
    check: ReadinessCheck
    policy: Policy
    now: Clock
    checked: dict[RequestId, datetime] = field(default_factory=dict)

    async def refresh(self, lease: Lease) -> None:
        """Read once a minute what waiting requests depend on; store what is new, and draw their cards again.

        One that was handed over before all of it was read is read once more, so that its card does not lack it.
        """
        now = self.now()
        async with self.read() as work:
            waiting = await work.requests.in_states(*_SHOWN)
            waiting = tuple(one for one in waiting if not one.rollout)  # those have no card
            due = [one for one in waiting if self._is_due(one, now)]
            for request_id in set(await work.readiness.pending(among=_LATELY)) - {one.id for one in waiting}:
                with suppress(Missing, UnreadableRequest):
                    due.append(await work.requests.get(request_id))
            latest = await work.readiness.latest(*(one.id for one in due))
        for gone in self.checked.keys() - {one.id for one in waiting}:
            del self.checked[gone]
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(request: UpgradeRequest) -> None:
            async with limit:
                found = await self.check.read(self.check.cluster_of(request), request.to_version)
            await self._note(request, found, latest, lease)
            self.checked[request.id] = now

        await asyncio.gather(*(one(request) for request in due))

    def _is_due(self, request: UpgradeRequest, now: datetime) -> bool:
        checked = self.checked.get(request.id)
        return checked is None or now - checked >= _REUSED_FOR

    async def _note(
        self, request: UpgradeRequest, found: Readiness, latest: Mapping[RequestId, ReadinessReading], lease: Lease
    ) -> None:
        before = latest.get(request.id)
        if before is not None and before.readiness == found:
            return
        async with self.begin(lease) as work:
            stored = await work.readiness.add(request.id, ReadinessReading(at=self.now(), readiness=found))
            because = f"readiness:{stored.number}"
            await work.outbox.put(outbox.repaint(request, because=because, urgency=Urgency.BACKGROUND))
            await work.commit()

    async def compare_alerts(self, lease: Lease) -> None:
        """Compare alerts with those before the start, a quarter of an hour after an upgrade succeeded."""
        async with self.read() as work:
            due = await work.alert_checks.due(at=self.now())
        for check in due:
            await self._compare(check, lease)

    async def _compare(self, check: AlertCheck, lease: Lease) -> None:
        async with self.read() as work:
            upgrade = await work.upgrades.find(check.organisation, check.upgrade)
            moves = await work.upgrades.moves(check.organisation, check.upgrade)
        seen = next((move.seen_at for move in reversed(moves) if move.status == Status.IN_PROGRESS), None)
        late = self.now() - check.due_at
        cluster = self._cluster(upgrade)
        if cluster is None:
            if late < _TRIED_FOR:
                return
            began: Alerts = Unread(why="unknown cluster")
        else:
            began = await self.check.cloud_readings.alerts(cluster)
        if isinstance(began, Unread) and late < _TRIED_FOR:
            return
        async with self.begin(lease) as work:
            if upgrade is not None and upgrade.status == Status.SUCCEEDED and late < _TOLD_WITHIN:
                await self._tell(work, upgrade, cluster, began, seen)
            await work.alert_checks.done(check.organisation, check.upgrade)
            await work.commit()

    def _cluster(self, upgrade: ScheduledUpgrade | None) -> Cluster | None:
        found = self.check.catalog_cache.find(upgrade.cluster_identity) if upgrade else None
        return found[1] if found else None

    async def _tell(
        self,
        work: UnitOfWork,
        upgrade: ScheduledUpgrade,
        cluster: Cluster | None,
        firing: Alerts,
        seen: datetime | None,
    ) -> None:
        request = await request_of(work, upgrade)
        before = (await work.readiness.latest(request.id)).get(request.id) if request else None
        begun = _begun(firing, before.readiness.alerts if before else (), since=_start(upgrade, seen))
        names = tuple(alert.name for alert in begun)
        if request is not None:
            facts = {"alerts": alert_words(firing), "began_since_start": list(names)}
            await work.audit.append(fact(request, "alerts compared", at=self.now(), facts=facts))
        if not begun:
            return
        rule = self.policy.rule_of(upgrade)
        on_call = tuple(dict.fromkeys((*([request.requester] if request else []), *rule.on_call)))
        event = AlertsBegan(about=outbox.about_upgrade(upgrade, request), alerts=names)
        key = f"alerts:{upgrade.organisation}:{upgrade.identity}:{upgrade.moves}"
        if request is not None and not request.rollout:
            await work.outbox.put(outbox.in_thread(request, event, key=key))
        if rule.channel and not self._shares_tenant(cluster):
            loud = AlertsBegan(about=event.about, alerts=names, mention=on_call)
            await work.outbox.put(outbox.in_channel(rule.channel, loud, key=key))

    def _shares_tenant(self, cluster: Cluster | None) -> bool:
        catalog = self.check.catalog_cache.catalog(cluster.organisation) if cluster else None
        if cluster is None or catalog is None:
            return True
        return sum(one.tenant == cluster.tenant for one in catalog.clusters) > 1


def _start(upgrade: ScheduledUpgrade, seen: datetime | None) -> datetime | None:
    """Return when an upgrade began, at the earliest; a poll may have seen it later."""
    known = [moment for moment in (upgrade.window.start if upgrade.window else None, seen) if moment]
    return min(known, default=None)


def _begun(firing: Alerts, before: Alerts, *, since: datetime | None) -> tuple[Alert, ...]:
    """Return which alerts began since a moment; one without a time is new when it did not fire before."""
    if isinstance(firing, NotMonitored | Unread):
        return ()
    known = {alert.key for alert in before} if isinstance(before, tuple) else None
    return tuple(alert for alert in firing if _is_new(alert, known, since))


def _is_new(alert: Alert, known: set[str] | None, since: datetime | None) -> bool:
    if alert.active_at is not None and since is not None:
        return alert.active_at >= since
    return known is not None and alert.key not in known
