"""The repositories of the fake storage: they read and write the dictionaries of one transaction."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from bot.domain.cluster import Catalog, ClusterIdentity, Organisation
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.people import MemberId
from bot.domain.readiness import ReadinessReading
from bot.domain.request import OPEN, UNFINISHED, RequestId, State, UpgradeRequest
from bot.domain.rollout import Rollout, RolloutId
from bot.domain.scheduled import DONE, Move, ScheduledUpgrade, UpgradeIdentity
from bot.store.audit import MINUTE, START, exported
from bot.store.coding import plain
from bot.workflow.errors import Missing, Stale, Taken
from bot.workflow.inbox import InboxEntry, MessageRef, NewEntry
from bot.workflow.outbox import DueMessage, OutboxMessage, StoredDigest
from bot.workflow.repositories import AlertCheck, BrokenDestination, Fact, Feed, PolicyGeneration

Key = tuple[Organisation, UpgradeIdentity]
Seconds = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of inbox or outbox."""

    number: int
    key: str
    queue: str
    what: Any
    due_at: float
    stored_at: float = 0.0
    urgency: str = ""
    attempts: int = 0
    error: str = ""
    digest: StoredDigest | None = None
    ended: bool = False
    dead: bool = False


@dataclass(slots=True)
class FakeTables:
    """Everything that is stored; values are frozen, so a shallow copy is a snapshot."""

    requests: dict[RequestId, UpgradeRequest] = field(default_factory=dict)
    upgrades: dict[Key, ScheduledUpgrade] = field(default_factory=dict)
    moves: dict[tuple[Key, int], Move] = field(default_factory=dict)
    inbox: dict[int, Row] = field(default_factory=dict)
    outbox: dict[int, Row] = field(default_factory=dict)
    audit: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    refusals: dict[tuple[str, str, str], tuple[datetime, int, Fact]] = field(default_factory=dict)
    cards: dict[RequestId, MessageRef] = field(default_factory=dict)
    catalogs: dict[Organisation, Catalog] = field(default_factory=dict)
    feeds: dict[Organisation, Feed] = field(default_factory=dict)
    homes: dict[MemberId, tuple[datetime, datetime | None]] = field(default_factory=dict)
    pages: dict[MemberId, int] = field(default_factory=dict)
    destinations: dict[str, BrokenDestination] = field(default_factory=dict)
    policies: dict[int, PolicyGeneration] = field(default_factory=dict)
    rollouts: dict[RolloutId, Rollout] = field(default_factory=dict)
    freezes: dict[FreezeId, UpgradeFreeze] = field(default_factory=dict)

    readiness: dict[int, tuple[RequestId, ReadinessReading]] = field(default_factory=dict)
    kept_readiness: dict[int, bool] = field(default_factory=dict)
    alert_checks: dict[Key, AlertCheck] = field(default_factory=dict)

    def copy(self) -> "FakeTables":
        """Return a snapshot."""
        return FakeTables(**{one.name: dict(getattr(self, one.name)) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class FakeRequests:
    """Requests in memory."""

    tables: FakeTables

    async def get(self, request_id: RequestId) -> UpgradeRequest:
        """Return a request; raises Missing."""
        if request_id not in self.tables.requests:
            raise Missing(f"There is no request {request_id}.")
        return self.tables.requests[request_id]

    async def these(self, *request_ids: RequestId) -> Mapping[RequestId, UpgradeRequest]:
        """Return those of these requests that there are."""
        return {one: self.tables.requests[one] for one in request_ids if one in self.tables.requests}

    async def add(self, request: UpgradeRequest) -> UpgradeRequest:
        """Store a new one; raises Taken."""
        return self._put(replace(request, revision=1))

    async def save(self, request: UpgradeRequest) -> UpgradeRequest:
        """Write over the revision that was read; raises Stale, or Taken."""
        stored = self.tables.requests.get(request.id)
        if stored is None or stored.revision != request.revision:
            raise Stale("Somebody else changed this request in the meantime.")
        return self._put(replace(request, revision=request.revision + 1))

    async def of_cluster(
        self, cluster: ClusterIdentity, *states: State, limit: int | None = None
    ) -> tuple[UpgradeRequest, ...]:
        """Return the cluster's requests in these states, newest first."""
        found = self._newest(lambda one: one.cluster_identity == cluster and (not states or one.state in states))
        return found[:limit]

    async def in_states(self, *states: State) -> tuple[UpgradeRequest, ...]:
        """Return all requests in these states, oldest first."""
        return tuple(
            sorted(
                (one for one in self.tables.requests.values() if one.state in states), key=lambda one: one.requested_at
            )
        )

    async def unacknowledged(self) -> tuple[UpgradeRequest, ...]:
        """Return the emergencies that nobody has acknowledged, oldest first."""
        found = [one for one in self.tables.requests.values() if one.needs_acknowledgement]
        return tuple(sorted(found, key=lambda one: one.requested_at))

    async def by(self, requester: MemberId, *, limit: int) -> tuple[UpgradeRequest, ...]:
        """Return a person's own requests, newest first."""
        return self._newest(lambda one: one.requester == requester and one.rollout is None)[:limit]

    async def count_open(self, requester: MemberId) -> int:
        """Count a person's requests that are neither submitted nor ended."""
        return sum(
            one.requester == requester and one.state in UNFINISHED and one.rollout is None
            for one in self.tables.requests.values()
        )

    def _newest(self, wanted: Callable[[UpgradeRequest], bool]) -> tuple[UpgradeRequest, ...]:
        found = [one for one in reversed(self.tables.requests.values()) if wanted(one)]
        return tuple(sorted(found, key=lambda one: one.requested_at, reverse=True))

    def _put(self, request: UpgradeRequest) -> UpgradeRequest:
        plain(request)
        if request.state in OPEN and any(
            one.cluster_identity == request.cluster_identity and one.state in OPEN and one.id != request.id
            for one in self.tables.requests.values()
        ):
            raise Taken(f"{request.full_name} has an open request already.")
        self.tables.requests[request.id] = request
        return request


@dataclass(frozen=True, slots=True)
class FakeUpgrades:
    """Scheduled upgrades in memory."""

    tables: FakeTables

    async def find(self, organisation: Organisation, identity: UpgradeIdentity) -> ScheduledUpgrade | None:
        """Return one, or None."""
        return self.tables.upgrades.get((organisation, identity))

    async def find_many(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ScheduledUpgrade]:
        """Return those that are stored."""
        found = {identity: self.tables.upgrades.get((organisation, identity)) for identity in identities}
        return {identity: upgrade for identity, upgrade in found.items() if upgrade}

    async def save(self, upgrade: ScheduledUpgrade, *moves: Move) -> ScheduledUpgrade:
        """Store a new or changed one together with its moves; raises Stale."""
        plain((upgrade, moves))
        key = (upgrade.organisation, upgrade.identity)
        stored = self.tables.upgrades.get(key)
        if (stored.revision if stored else 0) != upgrade.revision:
            raise Stale("Somebody else changed this upgrade in the meantime.")
        if any((key, move.number) in self.tables.moves for move in moves):
            raise Stale("Somebody else stored this upgrade in the meantime.")
        self.tables.upgrades[key] = replace(upgrade, revision=upgrade.revision + 1)
        self.tables.moves.update({(key, move.number): move for move in moves})
        return self.tables.upgrades[key]

    async def followed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return all that are not final."""
        return tuple(one for one in self._unfinished() if one.organisation == organisation)

    async def fingerprints(self, organisation: Organisation) -> dict[UpgradeIdentity, str]:
        """Return the fingerprint of each that is not final."""
        return {one.identity: one.fingerprint for one in await self.followed(organisation)}

    async def clusters_of(
        self, organisation: Organisation, identities: Sequence[UpgradeIdentity]
    ) -> Mapping[UpgradeIdentity, ClusterIdentity]:
        """Return whose cluster each is."""
        found = await self.find_many(organisation, identities)
        return {identity: upgrade.cluster_identity for identity, upgrade in found.items()}

    async def unnamed(self, organisation: Organisation) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final that were stored without the name of an environment."""
        return tuple(one for one in await self.followed(organisation) if not one.environment)

    async def upcoming(
        self, organisations: Collection[Organisation], *, limit: int, environment: str | None = None
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades not final, all or of one environment's name, by window start, None last."""
        some = [
            one
            for one in self._unfinished()
            if one.organisation in organisations and environment in {None, one.environment}
        ]
        return _by_window(some)[:limit]

    async def unfinished_of(self, clusters: Collection[ClusterIdentity]) -> tuple[ScheduledUpgrade, ...]:
        """Return those of these clusters that are not final, by window start, None last."""
        return _by_window([one for one in self._unfinished() if one.cluster_identity in clusters])

    async def of_cluster(self, cluster: ClusterIdentity, *, limit: int) -> tuple[ScheduledUpgrade, ...]:
        """Return a cluster's, newest status first."""
        found = [one for one in self._all() if one.cluster_identity == cluster]
        return tuple(sorted(found, key=lambda one: one.status_since, reverse=True)[:limit])

    async def windows_between(self, first: datetime, last: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those not final whose window starts between the two moments."""
        some = [one for one in self._unfinished() if one.window and first <= one.window.start <= last]
        return tuple(sorted(some, key=lambda one: one.window.start if one.window else 0))

    async def requested_before(self, moment: datetime) -> tuple[ScheduledUpgrade, ...]:
        """Return those that were requested here and are REQUESTED since then or longer."""
        some = [
            one
            for one in self._unfinished()
            if one.request_id and one.status == "REQUESTED" and one.status_since <= moment
        ]
        return tuple(sorted(some, key=lambda one: one.status_since))

    async def with_windows(
        self, organisations: Collection[Organisation], *, since: datetime
    ) -> tuple[ScheduledUpgrade, ...]:
        """Return their upgrades whose window starts at or after a moment."""
        found = [
            one
            for one in self.tables.upgrades.values()
            if one.organisation in organisations and one.window and one.window.start >= since
        ]
        return tuple(sorted(found, key=lambda one: one.window.start if one.window else since))

    async def moves(self, organisation: Organisation, identity: UpgradeIdentity) -> tuple[Move, ...]:
        """Return the moves of one, first to last."""
        found = [move for (key, _), move in self.tables.moves.items() if key == (organisation, identity)]
        return tuple(sorted(found, key=lambda move: move.number))

    async def first_success(
        self, organisation: Organisation, environments: Sequence[str], version: str
    ) -> Mapping[str, datetime]:
        """Return when an upgrade to the version first was done in each environment."""
        firsts: dict[str, datetime] = {}
        for one in self._all():
            if one.organisation == organisation and one.to_version == version and one.status in DONE:
                firsts[one.environment] = min(firsts.get(one.environment, one.status_since), one.status_since)
        return {environment: at for environment, at in firsts.items() if environment in environments}

    def _all(self) -> list[ScheduledUpgrade]:
        return [self.tables.upgrades[key] for key in sorted(self.tables.upgrades)]

    def _unfinished(self) -> list[ScheduledUpgrade]:
        return [one for one in self._all() if not one.is_final]


@dataclass(frozen=True, slots=True)
class FakeInbox:
    """Entries in memory."""

    tables: FakeTables
    seconds: Seconds

    async def put(self, *new_entries: NewEntry) -> frozenset[str]:
        """Store them, but for those whose key is known already; returns the keys that were new."""
        new = set[str]()
        for one in new_entries:
            plain(one.entry)
            now = self.seconds()
            row = Row(number=0, key=one.key, queue=one.queue, what=one.entry, stored_at=now, due_at=now)
            if _add(self.tables.inbox, row):
                new.add(one.key)
        return frozenset(new)

    async def due(self, queue: str) -> InboxEntry | None:
        """Return the queue's oldest undone entry; None when there is none or it has to wait."""
        now = self.seconds()
        for row in next_of_members(self.tables.inbox):
            if row.queue == queue and row.due_at <= now:
                waited = now - row.stored_at
                return InboxEntry(number=row.number, entry=row.what, attempts=row.attempts, waited=waited)
        return None

    async def done(self, number: int) -> None:
        """Mark it done."""
        _change(self.tables.inbox, (number,), lambda _: {"ended": True})

    async def postpone(self, number: int, *, seconds: float, error: str) -> None:
        """Try it again later; counts the attempt."""
        _postpone(self.tables.inbox, (number,), until=self.seconds() + seconds, error=error)

    async def dead_letter(self, number: int, *, error: str) -> None:
        """Give it up as a dead letter."""
        _bury(self.tables.inbox, (number,), error=error)


@dataclass(frozen=True, slots=True)
class FakeOutbox:
    """Outbox messages in memory."""

    tables: FakeTables
    seconds: Seconds

    async def put(self, *outbox: OutboxMessage) -> None:
        """Store them; those whose key is known already are ignored."""
        for outgoing in outbox:
            plain(outgoing)
            row = Row(
                number=0,
                key=outgoing.key,
                queue=outgoing.queue,
                what=outgoing,
                due_at=self.seconds() + outgoing.delay,
                urgency=outgoing.urgency,
            )
            _add(self.tables.outbox, row)

    async def due(self, queue: str, *, limit: int) -> tuple[DueMessage, ...]:
        """Return the queue's undone messages in stored order, up to the first that has to wait."""
        due: list[DueMessage] = []
        for row in self.tables.outbox.values():
            if row.queue == queue and not row.ended:
                if row.due_at > self.seconds():
                    break
                due.append(DueMessage(number=row.number, outgoing=row.what, attempts=row.attempts, digest=row.digest))
        return tuple(due[:limit])

    async def done(self, *numbers: int) -> None:
        """Strike them off."""
        _change(self.tables.outbox, numbers, lambda _: {"ended": True})

    async def postpone(self, *numbers: int, seconds: float, error: str) -> None:
        """Try them again later; counts the attempt."""
        _postpone(self.tables.outbox, numbers, until=self.seconds() + seconds, error=error)

    async def set_aside(self, number: int, *, queue: str, seconds: float, error: str) -> None:
        """Try it again later in a queue of its own; counts the attempt."""
        _postpone(self.tables.outbox, (number,), until=self.seconds() + seconds, error=error)
        _change(self.tables.outbox, (number,), lambda _: {"queue": queue})

    async def dead_letter(self, *numbers: int, error: str) -> None:
        """Give them up as dead letters."""
        _bury(self.tables.outbox, numbers, error=error)

    async def gather(self, digest: StoredDigest, *numbers: int) -> None:
        """Record that these are told as one digest."""
        _change(self.tables.outbox, numbers, lambda _: {"digest": digest})


@dataclass(frozen=True, slots=True)
class FakeAudit:
    """The trail in memory."""

    tables: FakeTables

    async def append(self, *facts: Fact) -> None:
        """Add facts to the chains of their requests."""
        for fact in facts:
            chain = self.tables.audit.get(fact.request_id, ())
            previous = chain[-1]["hash"] if chain else START
            event = exported(fact, number=len(chain) + 1, previous=previous)
            self.tables.audit[fact.request_id] = (*chain, event)

    async def append_refusal(self, fact: Fact, *, rule: str) -> None:
        """Add a refusal; one that repeats another within a minute is only counted."""
        key = (fact.request_id, fact.actor, rule)
        since, repeats, _ = self.tables.refusals.get(key, (fact.at - 2 * MINUTE, 0, fact))
        if since > fact.at - MINUTE and since <= fact.at:
            self.tables.refusals[key] = (since, repeats + 1, fact)
            return
        await self._end(key, at=fact.at)
        self.tables.refusals[key] = (fact.at, 0, fact)
        await self.append(fact)

    async def has_counted(self, *, at: datetime) -> bool:
        """Whether refusals were counted whose minute has passed."""
        return any(since <= at - MINUTE for since, *_ in self.tables.refusals.values())

    async def append_counted(self, *, at: datetime) -> None:
        """Add the refusals that were counted and whose minute has passed."""
        old = [(since, key) for key, (since, *_) in self.tables.refusals.items() if since <= at - MINUTE]
        for _, key in sorted(old):
            await self._end(key, at=at)

    async def _end(self, key: tuple[str, str, str], *, at: datetime) -> None:
        since, repeats, fact = self.tables.refusals.pop(key, (at, 0, None))
        if fact and repeats:
            facts = {**fact.facts, "count": repeats, "since": since.isoformat()}
            await self.append(replace(fact, at=at, facts=facts))


@dataclass(frozen=True, slots=True)
class FakeMessages:
    """Where cards were posted, in memory."""

    tables: FakeTables

    async def card(self, request_id: RequestId) -> MessageRef | None:
        """Return where a request's card was posted."""
        return self.tables.cards.get(request_id)

    async def cards(self, *request_ids: RequestId) -> Mapping[RequestId, MessageRef]:
        """Return where the cards of these requests were posted."""
        return {one: self.tables.cards[one] for one in request_ids if one in self.tables.cards}

    async def put_card(self, request_id: RequestId, message: MessageRef) -> None:
        """Remember where a request's card was posted."""
        self.tables.cards[request_id] = message

    async def forget_card(self, request_id: RequestId) -> None:
        """Forget the place."""
        self.tables.cards.pop(request_id, None)


@dataclass(frozen=True, slots=True)
class FakeCatalogs:
    """Catalogs in memory."""

    tables: FakeTables

    async def read(self, organisation: Organisation) -> Catalog | None:
        """Return the copy, None before the first."""
        return self.tables.catalogs.get(organisation)

    async def fetched(self) -> Mapping[Organisation, datetime]:
        """Return when each stored copy was read."""
        return {organisation: catalog.fetched_at for organisation, catalog in self.tables.catalogs.items()}

    async def put(self, catalog: Catalog) -> None:
        """Replace the copy."""
        plain(catalog.fetched_at)
        self.tables.catalogs[catalog.organisation] = catalog


@dataclass(frozen=True, slots=True)
class FakeFeeds:
    """Feeds in memory."""

    tables: FakeTables

    async def get(self, organisation: Organisation) -> Feed:
        """Return the feed; a new one when nothing is stored."""
        return self.tables.feeds.get(organisation, Feed(organisation=organisation))

    async def save(self, feed: Feed) -> None:
        """Store it."""
        plain(feed)
        self.tables.feeds[feed.organisation] = feed


@dataclass(frozen=True, slots=True)
class FakeHomes:
    """Homes in memory."""

    tables: FakeTables

    async def opened(self, member: MemberId, *, at: datetime, page: int = 0) -> None:
        """Note that a person opened it, or turned to a page."""
        plain(at)
        self.tables.pages[member] = page
        self.tables.homes[member] = (at, self.tables.homes.get(member, (at, None))[1])

    async def page(self, member: MemberId) -> int:
        """Return the page at which a person reads it."""
        return self.tables.pages.get(member, 0)

    async def to_publish(self, *, opened_after: datetime, published_before: datetime) -> tuple[MemberId, ...]:
        """Return whose Home is worth publishing again, the first opened first."""
        found = [
            (opened, member)
            for member, (opened, published) in self.tables.homes.items()
            if opened > opened_after and (published is None or published < published_before)
        ]
        return tuple(member for _, member in sorted(found))

    async def published(self, member: MemberId, *, at: datetime) -> None:
        """Note that it was published."""
        if member in self.tables.homes:
            self.tables.homes[member] = (self.tables.homes[member][0], at)


@dataclass(frozen=True, slots=True)
class FakeDestinations:
    """Broken channels in memory."""

    tables: FakeTables

    async def broken(self) -> tuple[BrokenDestination, ...]:
        """Return all that are broken now."""
        return tuple(self.tables.destinations[channel] for channel in sorted(self.tables.destinations))

    async def note_broken(self, channel: str, *, error: str, at: datetime) -> bool:
        """Note it, with the latest error; True when it was not known to be broken."""
        known = self.tables.destinations.get(channel)
        since = known.since if known else at
        self.tables.destinations[channel] = BrokenDestination(channel=channel, error=error, since=since)
        return known is None

    async def note_mended(self, channel: str) -> bool:
        """Note it; True when it was known to be broken."""
        return self.tables.destinations.pop(channel, None) is not None


@dataclass(frozen=True, slots=True)
class FakePolicies:
    """Policies in memory."""

    tables: FakeTables

    async def newest(self) -> PolicyGeneration | None:
        """Return the one in force, None before the first."""
        return self.tables.policies[max(self.tables.policies)] if self.tables.policies else None

    async def add(self, generation: PolicyGeneration) -> None:
        """Put one in force; raises Stale."""
        if generation.number in self.tables.policies:
            raise Stale("Another process put its policy in force at the same moment.")
        self.tables.policies[generation.number] = generation


@dataclass(frozen=True, slots=True)
class FakeRollouts:
    """Rollouts in memory."""

    tables: FakeTables

    async def get(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout; raises Missing."""
        if rollout_id not in self.tables.rollouts:
            raise Missing(f"There is no rollout {rollout_id}.")
        return self.tables.rollouts[rollout_id]

    async def hold(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout; writers wait for each other anyway."""
        return await self.get(rollout_id)

    async def followed(self) -> tuple[RolloutId, ...]:
        """Return the ids of those of which more will become."""
        return tuple(one.id for one in self.tables.rollouts.values() if one.is_followed)

    async def unfinished(self) -> tuple[Rollout, ...]:
        """Return those that have not ended, oldest first."""
        return tuple(one for one in self.tables.rollouts.values() if not one.has_ended)

    async def newest(self, *, limit: int) -> tuple[Rollout, ...]:
        """Return the latest, those that have not ended first."""
        latest = reversed(self.tables.rollouts.values())
        return tuple(sorted(latest, key=lambda one: one.has_ended)[:limit])

    async def taken(self) -> dict[ClusterIdentity, RolloutId]:
        """Return which clusters are in a rollout that has not ended."""
        return {one.identity: rollout.id for rollout in await self.unfinished() for one in rollout.clusters}

    async def of_cluster(self, cluster: ClusterIdentity) -> Rollout | None:
        """Return the rollout that has not ended and holds this cluster."""
        return next((one for one in await self.unfinished() if one.find(cluster)), None)

    async def add(self, rollout: Rollout) -> Rollout:
        """Store a new one; raises Taken."""
        plain(rollout)
        names = {one.plan.name.strip().casefold() for one in await self.unfinished()}
        taken = await self.taken()
        if rollout.plan.name.strip().casefold() in names or any(one.identity in taken for one in rollout.clusters):
            raise Taken("Another rollout has this name, or one of these clusters.")
        self.tables.rollouts[rollout.id] = replace(rollout, revision=1)
        return self.tables.rollouts[rollout.id]

    async def save(self, rollout: Rollout) -> Rollout:
        """Write over the revision that was read; raises Stale."""
        plain(rollout)
        stored = self.tables.rollouts.get(rollout.id)
        if stored is None or stored.revision != rollout.revision:
            raise Stale("Somebody else changed this rollout in the meantime.")
        self.tables.rollouts[rollout.id] = replace(rollout, revision=rollout.revision + 1)
        return self.tables.rollouts[rollout.id]


@dataclass(frozen=True, slots=True)
class FakeFreezes:
    """Freezes in memory; writers wait for each other anyway."""

    tables: FakeTables

    async def get(self, freeze_id: FreezeId) -> UpgradeFreeze:
        """Return a freeze; raises Missing."""
        if freeze_id not in self.tables.freezes:
            raise Missing(f"There is no freeze {freeze_id}.")
        return self.tables.freezes[freeze_id]

    async def newest(self, *, limit: int) -> tuple[UpgradeFreeze, ...]:
        """Return the latest, over or not, newest first."""
        return tuple(reversed(self.tables.freezes.values()))[:limit]

    async def standing(self) -> tuple[UpgradeFreeze, ...]:
        """Return those that are not over, oldest first."""
        return tuple(one for one in self.tables.freezes.values() if not one.is_over)

    async def before_submission(self, organisation: str, environment: str) -> tuple[UpgradeFreeze, ...]:  # noqa: ARG002 - nobody has to be kept out
        """Return those that are not over."""
        return await self.standing()

    async def keep_submissions_out(self, places: Collection[FrozenPlace]) -> None:
        """Do nothing: there is one writer."""

    async def add(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Store a new one."""
        plain(freeze)
        self.tables.freezes[freeze.id] = replace(freeze, revision=1)
        return self.tables.freezes[freeze.id]

    async def save(self, freeze: UpgradeFreeze) -> UpgradeFreeze:
        """Write over the revision that was read; raises Stale."""
        plain(freeze)
        stored = self.tables.freezes.get(freeze.id)
        if stored is None or stored.revision != freeze.revision:
            raise Stale("Somebody else changed this freeze in the meantime.")
        self.tables.freezes[freeze.id] = replace(freeze, revision=freeze.revision + 1)
        return self.tables.freezes[freeze.id]


def next_of_members(inbox: Mapping[int, Row]) -> Iterator[Row]:
    """Yield the undone entries that have no older one of the same person in their queue, in stored order."""
    seen = set[tuple[str, MemberId]]()
    for row in inbox.values():
        key = (row.queue, row.what.member)
        if not row.ended and key not in seen:
            seen.add(key)
            yield row


def _bury(rows: dict[int, Row], numbers: Sequence[int], *, error: str) -> None:
    _change(rows, numbers, lambda row: {"ended": True, "dead": True, "attempts": row.attempts + 1, "error": error})


def _add(rows: dict[int, Row], row: Row) -> bool:
    if any(known.key == row.key for known in rows.values()):
        return False
    number = max(rows, default=0) + 1
    rows[number] = replace(row, number=number)
    return True


def _change(rows: dict[int, Row], numbers: Sequence[int], changes: Callable[[Row], dict[str, Any]]) -> None:
    for number in numbers:
        if number in rows:
            rows[number] = replace(rows[number], **changes(rows[number]))


def _postpone(rows: dict[int, Row], numbers: Sequence[int], *, until: float, error: str) -> None:
    _change(rows, numbers, lambda row: {"due_at": until, "attempts": row.attempts + 1, "error": error})


@dataclass(frozen=True, slots=True)
class FakeReadiness:
    """Readings of readiness in memory."""

    tables: FakeTables

    async def latest(self, *request_ids: RequestId) -> Mapping[RequestId, ReadinessReading]:
        """Return the latest reading of each of these requests that has one."""
        return {request_id: one for request_id, one in self.tables.readiness.values() if request_id in request_ids}

    async def first(self, request_id: RequestId) -> ReadinessReading | None:
        """Return the first reading of a request in which nothing was pending."""
        whole = (one for of, one in self.tables.readiness.values() if of == request_id and not one.readiness.is_pending)
        return next(whole, None)

    async def pending(self, *, among: int) -> tuple[RequestId, ...]:
        """Return the requests whose latest reading has something pending."""
        newest = dict(list(self.tables.readiness.values())[-among:])
        return tuple(request_id for request_id, one in newest.items() if one.readiness.is_pending)

    async def numbered(self, request_id: RequestId, number: int) -> ReadinessReading | None:
        """Return a reading of a request by its number."""
        of, found = self.tables.readiness.get(number, (None, None))
        return found if of == request_id else None

    async def add(self, request_id: RequestId, reading: ReadinessReading) -> ReadinessReading:
        """Store a reading and return it with its number."""
        first = not reading.readiness.is_pending and await self.first(request_id) is None
        number = len(self.tables.readiness) + 1
        self.tables.readiness[number] = (request_id, replace(reading, number=number))
        self.tables.kept_readiness[number] = first
        return self.tables.readiness[number][1]

    async def keep(self, request_id: RequestId, number: int) -> None:
        """Note that something refers to a reading."""
        if await self.numbered(request_id, number):
            self.tables.kept_readiness[number] = True


@dataclass(frozen=True, slots=True)
class FakeAlertChecks:
    """Comparisons of alerts in memory."""

    tables: FakeTables

    async def due(self, *, at: datetime) -> tuple[AlertCheck, ...]:
        """Return those due by now, the oldest first."""
        found = (one for one in self.tables.alert_checks.values() if one.due_at <= at)
        return tuple(sorted(found, key=lambda one: one.due_at))

    async def put(self, check: AlertCheck) -> None:
        """Store one."""
        self.tables.alert_checks[check.organisation, check.upgrade] = check

    async def done(self, organisation: Organisation, *upgrades: UpgradeIdentity) -> None:
        """Remove them."""
        for upgrade in upgrades:
            self.tables.alert_checks.pop((organisation, upgrade), None)


def _by_window(upgrades: Sequence[ScheduledUpgrade]) -> tuple[ScheduledUpgrade, ...]:
    dated = sorted((one for one in upgrades if one.window), key=lambda one: one.window.start if one.window else 0)
    return (*dated, *(one for one in upgrades if not one.window))
