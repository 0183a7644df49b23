"""The repositories: what one transaction reads and writes. The store implements these shapes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.domain.cluster import Catalog, ClusterIdentity, Organisation
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.people import MemberId
from bot.domain.readiness import ReadinessReading
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.domain.rollout import Rollout, RolloutId
from bot.domain.scheduled import Move, ScheduledUpgrade, UpgradeIdentity
from bot.workflow.inbox import InboxEntry, MessageRef, NewEntry
from bot.workflow.outbox import DueMessage, OutboxMessage, StoredDigest


class ReadRequests(Protocol):
    """The requests people made. What returns several leaves out those that cannot be read. Reading only."""

    async def get(self, request_id: RequestId) -> UpgradeRequest:
        """Return a request; raises Missing, and UnreadableRequest."""

    async def of_cluster(
        self, cluster: ClusterIdentity, *states: State, limit: int | None = None
    ) -> tuple[UpgradeRequest, ...]:
        """Return the cluster's requests in these states, newest first; no states means all."""

    async def in_states(self, *states: State) -> tuple[UpgradeRequest, ...]:
        """Return all requests in these states, oldest first."""

    async def unacknowledged(self) -> tuple[UpgradeRequest, ...]:
        """Return the emergencies that nobody has acknowledged, oldest first."""

    async def these(self, *request_ids: RequestId) -> Mapping[RequestId, UpgradeRequest]:
        """Return those of these requests that there are."""

    async def by(self, requester: MemberId, *, limit: int) -> tuple[UpgradeRequest, ...]:
        """Return a person's own requests, newest first; those of rollouts are no such."""

    async def count_open(self, requester: MemberId) -> int:
        """Count a person's requests that are UNFINISHED, but for those of rollouts.

        Nobody else can add to them before this transaction has ended.
        """


class Requests(ReadRequests, Protocol):
    """The requests people made. What returns several leaves out those that cannot be read."""

    async def add(self, request: UpgradeRequest) -> UpgradeRequest:
        """Store a new one and return it as stored; raises Taken when another open one exists for the cluster."""

    async def save(self, request: UpgradeRequest) -> UpgradeRequest:
        """Write over the revision that was read and return what was stored; raises Stale, or Taken."""


class ReadRollouts(Protocol):
    """The rollouts. What returns several leaves out those that cannot be read. Reading only."""

    async def get(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout; raises Missing."""

    async def followed(self) -> tuple[RolloutId, ...]:
        """Return the ids of those of which more will become (`Rollout.is_followed`), oldest first; cheap."""

    async def unfinished(self) -> tuple[Rollout, ...]:
        """Return those that have not ended, oldest first."""

    async def newest(self, *, limit: int) -> tuple[Rollout, ...]:
        """Return those that have not ended, then those that have, each newest first."""

    async def taken(self) -> Mapping[ClusterIdentity, RolloutId]:
        """Return which clusters are in a rollout that has not ended, and in which."""

    async def of_cluster(self, cluster: ClusterIdentity) -> Rollout | None:
        """Return the rollout that has not ended and holds this cluster, if there is one."""


class Rollouts(ReadRollouts, Protocol):
    """The rollouts. What returns several leaves out those that cannot be read."""

    async def hold(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout that nobody else can change before this transaction has ended; raises Missing."""

    async def add(self, rollout: Rollout) -> Rollout:
        """Store a new one; raises Taken when its name or one of its clusters is another's that has not ended."""

    async def save(self, rollout: Rollout) -> Rollout:
        """Write over the revision that was read; one that has ended lets its clusters go. Raises Stale."""


class ReadFreezes(Protocol):
    """The freezes that people set. One that cannot be read raises: nothing is judged without it. Reading only."""

    async def get(self, freeze_id: FreezeId) -> UpgradeFreeze:
        """Return a freeze; raises Missing."""

    async def newest(self, *, limit: int) -> tuple[UpgradeFreeze, ...]:
        """Return the latest, over or not, newest first."""

    async def standing(self) -> tuple[UpgradeFreeze, ...]:
        """Return those that are not over, oldest first; cheap."""


class Freezes(ReadFreezes, Protocol):
    """The freezes that people set. One that cannot be read raises: nothing is judged without it."""

    async def before_submission(self, organisation: str, environment: str) -> tuple[UpgradeFreeze, ...]:
        """Return those that are not over, for a submission that this transaction begins in the environment.

        Nobody can freeze it before this transaction has ended; whoever is just freezing it is waited for.
        """

    async def keep_submissions_out(self, places: Collection[FrozenPlace]) -> None:
        """Let no submission begin there before this transaction has ended; those that just begin are waited for."""

    async def add(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Store a new one."""

    async def save(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Write over the revision that was read and return what was stored; raises Stale."""


class ReadUpgrades(Protocol):
    """The scheduled upgrades of the cloud, as stored. Reading only."""

    async def find(self, organisation: Organisation, identity: UpgradeIdentity) -> ScheduledUpgrade | None:
        """Return one, or None."""

    async def find_many(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ScheduledUpgrade]:
        """Return those that are stored."""

    async def followed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return all that are not final."""

    async def fingerprints(self, organisation: Organisation) -> dict[UpgradeIdentity, str]:
        """Return the fingerprint of each that is not final; cheap, however many there are."""

    async def clusters_of(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ClusterIdentity]:
        """Return whose cluster each is, of those that are stored."""

    async def unnamed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final that were stored without the name of an environment."""

    async def upcoming(
        self, organisations: Collection[Organisation], *, limit: int, environment: str | None = None
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades not final, all or of one environment's name, by window start, None last."""

    async def unfinished_of(self, clusters: Collection[ClusterIdentity]) -> tuple[ScheduledUpgrade, ...]:
        """Return those of these clusters that are not final, by window start, None last."""

    async def of_cluster(self, cluster: ClusterIdentity, *, limit: int) -> tuple[ScheduledUpgrade, ...]:
        """Return a cluster's, newest status first."""

    async def windows_between(self, first: datetime, last: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final whose window starts between the two moments."""

    async def requested_before(self, moment: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those that were requested here and are REQUESTED since then or longer."""

    async def with_windows(
        self, organisations: Collection[Organisation], *, since: datetime
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades, final or not, whose window starts at or after a moment, by window start."""

    async def moves(self, organisation: Organisation, identity: UpgradeIdentity) -> tuple[Move, ...]:
        """Return the moves of one, first to last."""

    async def first_success(
        self, organisation: Organisation, environments: Sequence[str], version: str
    ) -> Mapping[str, datetime]:
        """Return when an upgrade to the version first was done in each environment (SUCCEEDED, appears upgraded)."""


class Upgrades(ReadUpgrades, Protocol):
    """The scheduled upgrades of the cloud, as stored."""

    async def save(self, upgrade: ScheduledUpgrade, *moves: Move) -> ScheduledUpgrade:
        """Store a new or changed one together with its moves; raises Stale."""


class ReadInbox(Protocol):
    """Accepted from people, not yet decided. Reading only."""

    async def due(self, queue: str) -> InboxEntry | None:
        """Return the queue's oldest undone entry that is due and whose giver has no older one there; None without one.

        Raises UnreadableRow when that is one which cannot be read.
        """


class Inbox(ReadInbox, Protocol):
    """Accepted from people, not yet decided."""

    async def put(self, *new_entries: NewEntry) -> frozenset[str]:
        """Store them, but for those whose key is known already; returns the keys that were new."""

    async def done(self, number: int) -> None:
        """Note that it is done."""

    async def postpone(self, number: int, *, seconds: float, error: str) -> None:
        """Try it, and what the same person sent to this queue later, again later; counts the attempt."""

    async def dead_letter(self, number: int, *, error: str) -> None:
        """Give it up as a dead letter, which doctor, metrics and log show."""


class ReadOutbox(Protocol):
    """Decided, not yet sent or done. Reading only."""

    async def due(self, queue: str, *, limit: int) -> tuple[DueMessage, ...]:
        """Return the messages in the queue that are not done, in stored order, up to the first that has to wait.

        Raises UnreadableRow for the first of them that cannot be read.
        """

    async def set_aside(self, number: int, *, queue: str, seconds: float, error: str) -> None:
        """Try it again later in a queue of its own, so that it holds up nothing else; counts the attempt."""


class Outbox(ReadOutbox, Protocol):
    """Decided, not yet sent or done."""

    async def put(self, *outbox: OutboxMessage) -> None:
        """Store them; those whose key is known already are ignored."""

    async def done(self, *numbers: int) -> None:
        """Note that they are done."""

    async def postpone(self, *numbers: int, seconds: float, error: str) -> None:
        """Try them again later; counts the attempt."""

    async def dead_letter(self, *numbers: int, error: str) -> None:
        """Give them up as dead letters, which doctor, metrics and log show."""

    async def gather(self, digest: StoredDigest, *numbers: int) -> None:
        """Record that these are posted as one digest, before it is posted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """An audit event before it is chained: `kind` in the past tense, `facts` plain JSON values."""

    kind: str
    at: datetime
    request_id: str
    actor: str = ""
    organisation: str = ""
    cluster: str = ""
    facts: Mapping[str, object]


class ReadAudit(Protocol):
    """The append-only trail, one hash chain per request. Reading only."""

    async def append_refusal(self, fact: Fact, *, rule: str) -> None:
        """Add a refusal of its actor by a rule; one that repeats another within a minute is only counted."""

    async def has_counted(self, *, at: datetime) -> bool:
        """Whether refusals were counted whose minute has passed."""

    async def append_counted(self, *, at: datetime) -> None:
        """Add the refusals that were counted and whose minute has passed, one fact with a `count` for each."""


class Audit(ReadAudit, Protocol):
    """The append-only trail, one hash chain per request."""

    async def append(self, *facts: Fact) -> None:
        """Add facts to the chains of their requests."""


class ReadMessages(Protocol):
    """Where our messages are in Slack. Reading only."""

    async def card(self, request_id: RequestId) -> MessageRef | None:
        """Return where a request's card is."""

    async def cards(self, *request_ids: RequestId) -> Mapping[RequestId, MessageRef]:
        """Return where the cards of these requests are, those that have one."""


class Messages(ReadMessages, Protocol):
    """Where our messages are in Slack."""

    async def put_card(self, request_id: RequestId, message: MessageRef) -> None:
        """Remember where a request's card is; a newer place wins."""

    async def forget_card(self, request_id: RequestId) -> None:
        """Forget the place, because the message is gone."""


class ReadCatalogs(Protocol):
    """The stored copies of what the cloud offers. Reading only."""

    async def read(self, organisation: Organisation) -> Catalog | None:
        """Return the copy, None before the first."""

    async def fetched(self) -> Mapping[Organisation, datetime]:
        """Return when each stored copy was read; cheap, used to notice a newer copy."""


class Catalogs(ReadCatalogs, Protocol):
    """The stored copies of what the cloud offers."""

    async def put(self, catalog: Catalog) -> None:
        """Replace the copy."""


class Source(StrEnum):
    """Where statuses come from (contract, section 5)."""

    ORGANISATION = "organisation"
    CLUSTERS = "clusters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """How well an organisation's statuses can be read. `blind_told_at` is set while people know that they cannot."""

    organisation: Organisation
    source: Source | None = None
    probed_at: datetime | None = None
    baseline_at: datetime | None = None
    read_at: datetime | None = None
    blind_since: datetime | None = None
    blind_told_at: datetime | None = None
    error: str = ""


class ReadFeeds(Protocol):
    """The feeds, one for each organisation. Reading only."""

    async def get(self, organisation: Organisation) -> Feed:
        """Return the feed; a new one when nothing is stored."""


class Feeds(ReadFeeds, Protocol):
    """The feeds, one for each organisation."""

    async def save(self, feed: Feed) -> None:
        """Store it."""


class ReadHomes(Protocol):
    """Who opened App Home, at which page (counted from 0), and when it was last published (aware UTC). Reading only."""

    async def page(self, member: MemberId) -> int:
        """Return the page at which a person reads it."""

    async def to_publish(self, *, opened_after: datetime, published_before: datetime) -> tuple[MemberId, ...]:
        """Return whose Home is worth publishing again."""


class Homes(ReadHomes, Protocol):
    """Who opened App Home, at which page (counted from 0), and when it was last published (aware UTC)."""

    async def opened(self, member: MemberId, *, at: datetime, page: int = 0) -> None:
        """Note that a person opened it, or turned to a page."""

    async def published(self, member: MemberId, *, at: datetime) -> None:
        """Note that it was published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenDestination:
    """A channel that refuses our messages, since when and with which of Slack's codes."""

    channel: str
    error: str
    since: datetime


class ReadDestinations(Protocol):
    """Channels that refuse our messages. Reading only."""

    async def broken(self) -> tuple[BrokenDestination, ...]:
        """Return all that are broken now."""


class Destinations(ReadDestinations, Protocol):
    """Channels that refuse our messages."""

    async def note_broken(self, channel: str, *, error: str, at: datetime) -> bool:
        """Note it; True when it was not known to be broken."""

    async def note_mended(self, channel: str) -> bool:
        """Note it; True when it was known to be broken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyGeneration:
    """A policy that came into force: `number` rises from 1, `digest` is of all its rules, `since` is real time."""

    number: int
    digest: str
    since: datetime


class ReadPolicies(Protocol):
    """The policies that processes started with. The one of the highest number is in force. Reading only."""

    async def newest(self) -> PolicyGeneration | None:
        """Return the one in force, None before the first."""


class Policies(ReadPolicies, Protocol):
    """The policies that processes started with. The one of the highest number is in force."""

    async def add(self, generation: PolicyGeneration) -> None:
        """Put one in force; raises Stale when its number is another's."""


class ReadReadinessReadings(Protocol):
    """Readings of readiness, each of one request, numbered in stored order. Reading only."""

    async def latest(self, *request_ids: RequestId) -> Mapping[RequestId, ReadinessReading]:
        """Return the latest reading of each of these requests that has one."""

    async def first(self, request_id: RequestId) -> ReadinessReading | None:
        """Return the first reading of a request in which nothing was pending."""

    async def pending(self, *, among: int) -> tuple[RequestId, ...]:
        """Return the requests whose latest reading is one of the last so many, and has something pending."""

    async def numbered(self, request_id: RequestId, number: int) -> ReadinessReading | None:
        """Return a reading of a request by its number."""


class ReadinessReadings(ReadReadinessReadings, Protocol):
    """Readings of readiness, each of one request, numbered in stored order."""

    async def add(self, request_id: RequestId, reading: ReadinessReading) -> ReadinessReading:
        """Store a reading and return it with its number; the first in which nothing is pending is kept."""

    async def keep(self, request_id: RequestId, number: int) -> None:
        """Note that something refers to a reading, so that it is never pruned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertCheck:
    """An upgrade that succeeded, and when its alerts are compared with those before its start (aware UTC)."""

    organisation: Organisation
    upgrade: UpgradeIdentity
    due_at: datetime


class ReadAlertChecks(Protocol):
    """Comparisons of alerts that are still to be made. Reading only."""

    async def due(self, *, at: datetime) -> tuple[AlertCheck, ...]:
        """Return those due by now, the oldest first."""


class AlertChecks(ReadAlertChecks, Protocol):
    """Comparisons of alerts that are still to be made."""

    async def put(self, check: AlertCheck) -> None:
        """Store one; a later one of the same upgrade takes its place."""

    async def done(self, organisation: Organisation, *upgrades: UpgradeIdentity) -> None:
        """Remove them."""
