"""What the workflow needs from the world, in its own words. Stores, clients and Slack adapters fit these shapes."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.people import Member, MemberId
from bot.domain.readiness import Alert, NodePool
from bot.domain.scheduled import Reading, UpgradeIdentity
from bot.workflow.queues import Box, Lane, Queue
from bot.workflow.repositories import (
    AlertChecks,
    Audit,
    Catalogs,
    Destinations,
    Feeds,
    Freezes,
    Homes,
    Inbox,
    Messages,
    Outbox,
    Policies,
    ReadAlertChecks,
    ReadAudit,
    ReadCatalogs,
    ReadDestinations,
    ReadFeeds,
    ReadFreezes,
    ReadHomes,
    ReadInbox,
    ReadinessReadings,
    ReadMessages,
    ReadOutbox,
    ReadPolicies,
    ReadReadinessReadings,
    ReadRequests,
    ReadRollouts,
    ReadUpgrades,
    Requests,
    Rollouts,
    Upgrades,
)

Clock = Callable[[], datetime]
"""Returns the aware UTC time of everything about upgrades."""


class ReadOnlyWork(Protocol):
    """One transaction that only reads: what is stored, as it is at one moment."""

    @property
    def requests(self) -> ReadRequests: ...
    @property
    def upgrades(self) -> ReadUpgrades: ...
    @property
    def inbox(self) -> ReadInbox: ...
    @property
    def outbox(self) -> ReadOutbox: ...
    @property
    def audit(self) -> ReadAudit: ...
    @property
    def messages(self) -> ReadMessages: ...
    @property
    def catalogs(self) -> ReadCatalogs: ...
    @property
    def feeds(self) -> ReadFeeds: ...
    @property
    def homes(self) -> ReadHomes: ...
    @property
    def destinations(self) -> ReadDestinations: ...
    @property
    def policies(self) -> ReadPolicies: ...
    @property
    def rollouts(self) -> ReadRollouts: ...
    @property
    def freezes(self) -> ReadFreezes: ...
    @property
    def readiness(self) -> ReadReadinessReadings: ...
    @property
    def alert_checks(self) -> ReadAlertChecks: ...


class UnitOfWork(ReadOnlyWork, Protocol):
    """One transaction: everything or nothing. Leaving without `commit` rolls back."""

    @property
    def requests(self) -> Requests: ...
    @property
    def upgrades(self) -> Upgrades: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def catalogs(self) -> Catalogs: ...
    @property
    def feeds(self) -> Feeds: ...
    @property
    def homes(self) -> Homes: ...
    @property
    def destinations(self) -> Destinations: ...
    @property
    def policies(self) -> Policies: ...
    @property
    def rollouts(self) -> Rollouts: ...
    @property
    def freezes(self) -> Freezes: ...
    @property
    def readiness(self) -> ReadinessReadings: ...
    @property
    def alert_checks(self) -> AlertChecks: ...

    async def commit(self) -> None:
        """Store everything and start the work that was stored: the same commit claims it when a worker is free.

        Raises LeaseLost when it was begun under a lease that is no longer ours.
        """


@dataclass(kw_only=True, slots=True)
class Lease:
    """A queue that is ours for a while. Only the holder of the current `number` may record a result.

    `lane` is the kind of work in the queue, None for a named one such as `poll:acme`. The commit that ends the last
    thing in a queue with work gives the lease back, and then it is no longer `held`.
    """

    queue: str
    number: int
    lane: Lane | None = None
    held: bool = True

    @property
    def box(self) -> Box | None:
        """Return where the queue is, None for a named one."""
        return self.lane.box if self.lane else None


class BeginReading(Protocol):
    """Begins a transaction that only reads."""

    def __call__(self) -> AbstractAsyncContextManager[ReadOnlyWork]:
        """Begin."""


class BeginWork(Protocol):
    """Begins a transaction that may write. Never await the outside world inside one."""

    def __call__(self, lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin; with a lease, `commit` checks that it still is ours."""


LONGEST_PAUSE: Final = 3600.0
"""Seconds. However long Slack wants to be left alone, it is tried again after that."""


class Claims(Protocol):
    """Leases by database time; queues are claimed whole. Times are real time, in seconds."""

    async def claim_due(
        self, lane: Lane, *, limit: int, among: Collection[str] | None = None, besides: Collection[str] = ()
    ) -> tuple[Lease, ...]:
        """Claim queues that have something due and are nobody's, the most urgent and oldest first.

        With `among`, only queues of these names, also those that were given back for a while; never those in `besides`.
        """

    async def claim(self, queue: str) -> Lease | None:
        """Claim a named queue such as `poll:acme`; None when it is somebody's or not due yet."""

    async def renew(self, lease: Lease) -> None:
        """Prolong it; raises LeaseLost."""

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:
        """Give it back; nobody can claim it again within so many seconds."""

    async def next_slot(self, name: str, lease: Lease, *, every: float, within: float) -> float | None:
        """Reserve the next slot of a pace, such as one message a second and channel, for a lease, which is renewed.

        Returns seconds to wait for it; None when it begins later than `within`. Raises LeaseLost.
        """

    async def hold(self, name: str, *, seconds: float) -> None:
        """Let no slot of a pace begin for so long, as Slack's Retry-After asks; for LONGEST_PAUSE at most."""

    async def wait(self, name: str, lease: Lease) -> float:
        """Return in how many seconds the next slot of a pace begins, and reserve none; raises LeaseLost."""


# --- the outside world ----------------------------------------------------------------------------------------


class Members(Protocol):
    """Who people are, looked up live; answers may be reused for 30 s. Look-ups raise MembersUnavailable."""

    async def find(self, member: MemberId) -> Member:
        """Return a person; one that Slack does not know has the standing UNKNOWN."""

    async def group(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group, None when there is no such group."""

    def group_at_hand(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group by an answer that may be reused, None when there is none; asks nobody."""

    def recently_full(self, member: MemberId) -> Member | None:
        """Return a person who was seen as a full member within the last hour, else None; asks nobody."""

    @property
    def refusal(self) -> str:
        """Why Slack refuses to say who people are, and who can change that; empty while it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What is sent to the cloud (docs.avisi.cloud, requestScheduledClusterUpgrade)."""

    cluster_identity: ClusterIdentity
    version: str
    start: datetime | None
    ignore_windows: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of a list of scheduled upgrades; `cloud_time` is the answer's Date header, aware UTC.

    `unmoved` are those that are as they were known to be; they are not read any further.
    """

    readings: tuple[Reading, ...]
    cloud_time: datetime | None
    unmoved: tuple[UpgradeIdentity, ...] = ()


class AvisiCloud(Protocol):
    """Avisi Cloud. Every call raises AvisiError; reads are retried inside, the submission never is."""

    async def catalog(self, organisation: Organisation) -> Catalog:
        """Read clusters, environments, versions, channels and maintenance schedules."""

    async def current(self, cluster: Cluster) -> tuple[Cluster | None, tuple[str, ...]]:
        """Read one cluster and the versions on offer as they are now; None when the cluster is gone."""

    async def pools(self, cluster: Cluster) -> tuple[NodePool, ...]:
        """Read a cluster's node pools. Asked once, within two seconds."""

    async def alerts(self, organisation: Organisation, tenant: str) -> tuple[Alert, ...] | None:
        """Read what fires in an observability tenant, None when it is not monitored. Asked once, within two seconds."""

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Schedule or reschedule an upgrade; raises Declined, Waiting or Unclear."""

    def scheduled(
        self,
        organisation: Organisation,
        *,
        clusters: Sequence[ClusterIdentity] = (),
        statuses: Sequence[str] = (),
        known: Mapping[UpgradeIdentity, str] | None = None,
    ) -> AsyncIterator[Page]:
        """Read the list of scheduled upgrades page by page; raises NoList. The server may ignore the filters.

        `known` are the fingerprints of the upgrades as we know them.
        """

    async def clock(self) -> datetime | None:
        """Return the cloud's own time as its last answer showed it (aware UTC), None before the first."""


class LocalWorker(Protocol):
    """Whoever works, in this process, on what is stored."""

    def free_for(self, queues: Collection[Queue]) -> Collection[Queue]:
        """Return those of these queues that could be begun at once."""

    def take(self, lease: Lease) -> None:
        """Begin a queue, which was claimed by the commit that stored something in it."""

    def wake(self, lane: Lane, queue: str) -> None:
        """Claim this queue as soon as that can be: something that is due was stored in it."""
