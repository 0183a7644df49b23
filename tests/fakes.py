"""In-memory stand-ins for our own ports. They pass the same contract tests as the database (tests/store).

storage = FakeStorage(an_upgrade_request())
await Decide(begin=storage.begin, ...)
assert storage.requests[...].state is State.APPROVED
assert [message.kind for message in storage.told] == [Kind.CARD]
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.people import AccountType, Member, MemberId
from bot.domain.readiness import Alert, NodePool
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.scheduled import Reading, ScheduledUpgrade, UpgradeIdentity
from bot.workflow.errors import AvisiError, MembersUnavailable
from bot.workflow.inbox import AnyEntry, MessageRef
from bot.workflow.outbox import OutboxMessage
from bot.workflow.ports import Lease, Page, Submission, UnitOfWork
from bot.workflow.repositories import Feed
from tests.fake_claims import FakeClaims
from tests.fake_tables import (
    FakeAlertChecks,
    FakeAudit,
    FakeCatalogs,
    FakeDestinations,
    FakeFeeds,
    FakeFreezes,
    FakeHomes,
    FakeInbox,
    FakeMessages,
    FakeOutbox,
    FakePolicies,
    FakeReadiness,
    FakeRequests,
    FakeRollouts,
    FakeTables,
    FakeUpgrades,
)


class FakeUnitOfWork:
    """One transaction over a snapshot; nothing of it is seen by others before `commit`."""

    def __init__(self, tables: FakeTables, seconds: Callable[[], float], commit: Callable[[FakeTables], None]) -> None:
        self._tables: FakeTables | None = tables
        self._seconds = seconds
        self._commit = commit

    @property
    def requests(self) -> FakeRequests:
        """The requests people made."""
        return FakeRequests(self._open)

    @property
    def upgrades(self) -> FakeUpgrades:
        """The scheduled upgrades."""
        return FakeUpgrades(self._open)

    @property
    def inbox(self) -> FakeInbox:
        """What people sent."""
        return FakeInbox(self._open, self._seconds)

    @property
    def outbox(self) -> FakeOutbox:
        """What is to be told or done."""
        return FakeOutbox(self._open, self._seconds)

    @property
    def audit(self) -> FakeAudit:
        """The trail."""
        return FakeAudit(self._open)

    @property
    def messages(self) -> FakeMessages:
        """Where cards were posted."""
        return FakeMessages(self._open)

    @property
    def catalogs(self) -> FakeCatalogs:
        """The copies of what the cloud offers."""
        return FakeCatalogs(self._open)

    @property
    def feeds(self) -> FakeFeeds:
        """How well statuses can be read."""
        return FakeFeeds(self._open)

    @property
    def homes(self) -> FakeHomes:
        """Who opened App Home."""
        return FakeHomes(self._open)

    @property
    def destinations(self) -> FakeDestinations:
        """Channels that refuse our messages."""
        return FakeDestinations(self._open)

    @property
    def policies(self) -> FakePolicies:
        """The policies that came into force."""
        return FakePolicies(self._open)

    @property
    def readiness(self) -> FakeReadiness:
        """Readings of readiness."""
        return FakeReadiness(self._open)

    @property
    def alert_checks(self) -> FakeAlertChecks:
        """Comparisons of alerts that are still to be made."""
        return FakeAlertChecks(self._open)

    @property
    def freezes(self) -> FakeFreezes:
        """The freezes."""
        return FakeFreezes(self._open)

    @property
    def rollouts(self) -> FakeRollouts:
        """The rollouts."""
        return FakeRollouts(self._open)

    async def commit(self) -> None:
        """Make it last; raises LeaseLost."""
        tables = self._open
        await asyncio.sleep(0)
        self._commit(tables)
        self._tables = None

    @property
    def _open(self) -> FakeTables:
        if self._tables is None:
            raise RuntimeError("This Work is committed already; begin another.")
        return self._tables


class FakeStorage:
    """A database in memory. Writers wait for each other, as with SQLite; readers see what is committed."""

    def __init__(self, *things: UpgradeRequest | ScheduledUpgrade | Catalog | Feed) -> None:
        self.tables = FakeTables()
        self.commits = 0
        self.claims = FakeClaims(self)
        self._ahead = 0.0
        self.looks = 0
        self.writing = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None
        for thing in things:
            self._seed(thing)

    def begin(self, lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin Work that writes."""
        return self._begin(lease)

    def read(self, lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin Work that only reads; `looks` counts these."""
        self.looks += 1
        return self._read(lease)

    def pass_time(self, seconds: float) -> None:
        """Let the database's clock, which leases and due times go by, be so many seconds later."""
        self._ahead += seconds

    def seconds(self) -> float:
        """Return the database's own time."""
        return time.monotonic() + self._ahead

    @property
    def requests(self) -> Mapping[RequestId, UpgradeRequest]:
        """Every request as committed."""
        return self.tables.requests

    @property
    def upgrades(self) -> Mapping[tuple[Organisation, UpgradeIdentity], ScheduledUpgrade]:
        """Every scheduled upgrade as committed."""
        return self.tables.upgrades

    @property
    def cards(self) -> Mapping[RequestId, MessageRef]:
        """Where cards were posted."""
        return self.tables.cards

    @property
    def entries(self) -> list[AnyEntry]:
        """What people sent and nobody decided yet, in stored order."""
        return [row.what for row in self.tables.inbox.values() if not row.ended]

    @property
    def told(self) -> list[OutboxMessage]:
        """Every outbox message ever committed, done or not, in stored order."""
        return [row.what for row in self.tables.outbox.values()]

    @property
    def waiting(self) -> list[OutboxMessage]:
        """The outbox messages that are not done, in stored order."""
        return [row.what for row in self.tables.outbox.values() if not row.ended]

    @property
    def dead(self) -> list[OutboxMessage]:
        """The outbox messages that were given up."""
        return [row.what for row in self.tables.outbox.values() if row.dead]

    @property
    def audited(self) -> list[dict[str, Any]]:
        """Every audit event as exported, chain by chain."""
        return [event for chain in self.tables.audit.values() for event in chain]

    @asynccontextmanager
    async def _begin(self, lease: Lease | None) -> AsyncIterator[UnitOfWork]:
        if self._writer is not None and self._writer is asyncio.current_task():
            raise RuntimeError("A Work within a Work waits for itself for ever.")
        async with self.writing:
            self._writer = asyncio.current_task()

            def commit(tables: FakeTables) -> None:
                if lease is not None:
                    self.claims.check(lease)
                    self.claims.ended(lease, tables)
                before, self.tables = self.tables, tables
                self.commits += 1
                self.claims.begin_stored(before)

            try:
                yield FakeUnitOfWork(self.tables.copy(), self.seconds, commit)
            finally:
                self._writer = None

    @asynccontextmanager
    async def _read(self, _lease: Lease | None) -> AsyncIterator[UnitOfWork]:
        snapshot = self.tables
        working = snapshot.copy()
        yield FakeUnitOfWork(working, self.seconds, lambda _: None)
        if working != snapshot:
            raise RuntimeError("Work that only looks has written something.")

    def _seed(self, thing: UpgradeRequest | ScheduledUpgrade | Catalog | Feed) -> None:
        match thing:
            case UpgradeRequest():
                self.tables.requests[thing.id] = replace(thing, revision=max(1, thing.revision))
            case ScheduledUpgrade():
                stored = replace(thing, revision=max(1, thing.revision))
                self.tables.upgrades[stored.organisation, stored.identity] = stored
            case Catalog():
                self.tables.catalogs[thing.organisation] = thing
            case Feed():
                self.tables.feeds[thing.organisation] = thing


class FakeMembers:
    """People of a workspace in memory. While `down`, every question raises MembersUnavailable.

    So does each about those who are `troubled`. `recent` were seen as full members within the last hour.
    """

    def __init__(self, *members: Member, groups: Mapping[str, frozenset[MemberId]] | None = None) -> None:
        self.members = {member.id: member for member in members}
        self.groups = dict(groups or {})
        self.down = False
        self.troubled: set[str] = set()
        self.recent: set[MemberId] = set()
        self.asked: list[str] = []

    async def answers(self) -> bool:
        """Whether anybody is looked up at all."""
        return not self.down

    async def find(self, member: MemberId) -> Member:
        """Return a person; one that nobody knows has the standing UNKNOWN."""
        self._ask(member)
        return self.members.get(member, Member(id=member, name=member, account_type=AccountType.UNKNOWN))

    async def group(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group, None when there is no such group."""
        self._ask(group)
        return self.groups.get(group)

    @property
    def refusal(self) -> str:
        """Return nothing: whoever is asked either answers or is down."""
        return ""

    def group_at_hand(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group that was asked for, else None."""
        return self.groups.get(group) if group in self.asked else None

    def recently_full(self, member: MemberId) -> Member | None:
        """Return a person who was seen lately, else None."""
        return self.members[member] if member in self.recent else None

    def _ask(self, who: str) -> None:
        self.asked.append(who)
        if self.down or who in self.troubled:
            raise MembersUnavailable("Slack does not answer.")


class FakeCloud:
    """Avisi Cloud in memory.

    `answers` are given to the next submissions, one each: a reading, or an error to raise; without one the cloud
    accepts. `refusal` is raised by every read while it is set, `no_list` only by the list of scheduled upgrades.
    `addressed` are clusters that have an address and are in no list; `mangled` is what the next readings show, one
    each, before they show the truth again. Whoever holds `reading_alerts` keeps every reading of alerts waiting.
    """

    def __init__(self, *catalogs: Catalog, readings: Sequence[Reading] = (), time: datetime | None = None) -> None:
        self.catalogs = {catalog.organisation: catalog for catalog in catalogs}
        self.readings = list(readings)
        self.answers: list[Reading | AvisiError] = []
        self.submissions: list[Submission] = []
        self.refusal: AvisiError | None = None
        self.no_list: AvisiError | None = None
        self.lists: list[tuple[tuple[ClusterIdentity, ...], tuple[str, ...]]] = []
        self.time = time
        self.page_size = 100
        self.ignores_filters = False
        self.addressed: list[Cluster] = []
        self.node_pools: dict[ClusterIdentity, tuple[NodePool, ...]] = {}
        self.firing: dict[str, tuple[Alert, ...] | AvisiError] = {}
        self.asked_alerts: list[str] = []
        self.reading_alerts = asyncio.Lock()
        self.mangled: list[Catalog] = []

    async def catalog(self, organisation: Organisation) -> Catalog:
        """Return the catalog."""
        await self._wire()
        return self.mangled.pop(0) if self.mangled else self.catalogs[organisation]

    async def current(self, cluster: Cluster) -> tuple[Cluster | None, tuple[str, ...]]:
        """Return the cluster and the versions on offer as they are now."""
        await self._wire()
        catalog = self.mangled.pop(0) if self.mangled else self.catalogs[cluster.organisation]
        addressed = {one.identity: one for one in self.addressed}
        return addressed.get(cluster.identity) or catalog.by_identity.get(cluster.identity), catalog.versions

    async def pools(self, cluster: Cluster) -> tuple[NodePool, ...]:
        """Return its node pools."""
        await self._wire()
        return self.node_pools.get(cluster.identity, ())

    async def alerts(self, organisation: Organisation, tenant: str) -> tuple[Alert, ...] | None:  # noqa: ARG002 - port
        """Return what fires; None for a tenant that nobody monitors."""
        self.asked_alerts.append(tenant)
        async with self.reading_alerts:
            await self._wire()
        firing = self.firing.get(tenant)
        if isinstance(firing, AvisiError):
            raise firing
        return firing

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:  # noqa: ARG002 - port
        """Accept it, or give the answer that was prepared."""
        await asyncio.sleep(0)
        self.submissions.append(submission)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, AvisiError):
                raise answer
        else:
            answer = Reading(
                identity=UpgradeIdentity(str(uuid4())),
                cluster_identity=submission.cluster_identity,
                status="SCHEDULED",
                to_version=submission.version,
                created_at=self.time,
                requested_start=submission.start,
                ignore_windows=submission.ignore_windows,
            )
        self.readings.append(answer)
        return answer

    async def scheduled(
        self,
        organisation: Organisation,  # noqa: ARG002 - port
        *,
        clusters: Sequence[ClusterIdentity] = (),
        statuses: Sequence[str] = (),
        known: Mapping[UpgradeIdentity, str] | None = None,
    ) -> AsyncIterator[Page]:
        """Yield the readings that match, page by page; of those that did not change only the identity is given."""
        await self._wire()
        self.lists.append((tuple(clusters), tuple(statuses)))
        if self.no_list is not None:
            raise self.no_list
        found = [
            reading
            for reading in self.readings
            if self.ignores_filters
            or ((not clusters or reading.cluster_identity in clusters) and (not statuses or reading.status in statuses))
        ]
        for first in range(0, max(1, len(found)), self.page_size):
            page = found[first : first + self.page_size]
            named = [
                one.identity for one in page if one.identity and (known or {}).get(one.identity) == one.fingerprint
            ]
            readings = tuple(one for one in page if one.identity not in named)
            yield Page(readings=readings, cloud_time=self.time, unmoved=tuple(named))

    async def clock(self) -> datetime | None:
        """Return the cloud's own time."""
        return self.time

    async def _wire(self) -> None:
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal


class FakeClock:
    """A clock that does not move until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by
