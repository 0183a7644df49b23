"""A quarter of a year of the whole bot without its tickers: each step of time is driven by hand."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from sqlalchemy import update

from bot.avisi.client import AvisiClient
from bot.avisi.reads import Retries
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.form import Form
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.readiness import Alert, NodePool
from bot.domain.scheduled import Reading, UpgradeIdentity
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.slack.seed import ON_CALL
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.settings import Settings
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity
from bot.slack.web.members import People
from bot.slack.web.messenger import SlackMessenger
from bot.store.queues.leases import StoredClaims
from bot.store.storage import Storage
from bot.store.tables import OutboxRow
from bot.store.transaction import transaction
from bot.wiring import UseCases, use_cases
from bot.workflow import queues
from bot.workflow.errors import AvisiError
from bot.workflow.inbox import AnyEntry, FormSubmitted, FreezeAsked, FreezeLiftPressed, NewEntry
from bot.workflow.ports import Lease, Page, Submission
from bot.workflow.queues import Box, Lane
from tests.world.quarter_oracle import Oracle

ORGANISATIONS = (Organisation("acme"), Organisation("globex"))


class Unhurried(StoredClaims):
    """Claims whose turns come at once."""

    async def next_slot(self, name: str, lease: Lease, *, every: float, within: float) -> float | None:  # noqa: ARG002 - as the port says
        """Give a slot that begins now."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Watched:
    """The real client; the oracle notes what stood at the cloud in each list answer."""

    client: AvisiClient
    cloud: SimulatedCloud
    oracle: Oracle

    async def catalog(self, organisation: Organisation) -> Catalog:
        """Read the catalog."""
        return await self.client.catalog(organisation)

    async def current(self, cluster: Cluster) -> tuple[Cluster | None, tuple[str, ...]]:
        """Read one cluster."""
        return await self.client.current(cluster)

    async def pools(self, cluster: Cluster) -> tuple[NodePool, ...]:
        """Read node pools."""
        return await self.client.pools(cluster)

    async def alerts(self, organisation: Organisation, tenant: str) -> tuple[Alert, ...] | None:
        """Read alerts."""
        return await self.client.alerts(organisation, tenant)

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Schedule an upgrade, and note what the answer showed."""
        reading = await self.client.submit(organisation, submission)
        self.oracle.answered(self.cloud.upgrade(str(reading.identity)))
        return reading

    async def scheduled(
        self,
        organisation: Organisation,
        *,
        clusters: Sequence[ClusterIdentity] = (),
        statuses: Sequence[str] = (),
        known: Mapping[UpgradeIdentity, str] | None = None,
    ) -> AsyncIterator[Page]:
        """Read the list, and note what its pages showed."""
        async for page in self.client.scheduled(organisation, clusters=clusters, statuses=statuses, known=known):
            listed = [*page.unmoved, *(one.identity for one in page.readings if one.identity)]
            shown = [self.cloud.upgrade(identity) for identity in listed]
            self.oracle.listed(organisation, shown)
            yield page

    async def clock(self) -> datetime | None:
        """Give the cloud's own time."""
        return await self.client.clock()


@dataclass(kw_only=True)
class Quarter:
    """The world of the quarter. `chance` is seeded: every run is the same."""

    slack: SimulatedSlack
    cloud: SimulatedCloud
    clock: SimulatedClock
    settings: Settings
    policy: Policy
    oracle: Oracle
    chance: random.Random
    use_cases: UseCases | None = None
    storage: Storage | None = None
    asked: int = 0
    freezes: int = 0
    lifted: int = 0
    steps: int = 0
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Start the bot on the database that the last one left."""
        self.storage = storage = Storage.open(self.settings.bot_database_url.get_secret_value())
        self._open.push_async_callback(storage.close)
        await storage.take()
        session = await self._open.enter_async_context(open_session(self.slack.api_url))
        client = web_client(token=self.slack.app.bot_token, base_url=self.slack.api_url, session=session)
        identity = Identity(client=client)
        await identity.learn()
        people = People(client=client, identity=identity)
        self._open.push_async_callback(people.close)
        avisi = await self._open.enter_async_context(
            AvisiClient(
                self.cloud.url,
                SecretStr(self.cloud.token),
                user_agent="quarter",
                now=self.clock,
                retries=Retries(attempts=1),
            )
        )
        self.use_cases = use_cases(
            self.policy,
            organisations=ORGANISATIONS,
            zone=ZoneInfo(self.settings.bot_window_timezone),
            poll_every=timedelta(seconds=self.settings.bot_poll_seconds),
            status_source=None,
            invite="/invite",
            begin=storage.begin,
            read=storage.read,
            claims=Unhurried(engines=storage.claims.engines, owner=storage.claims.owner),
            cloud=Watched(avisi, self.cloud, self.oracle),
            members=people,
            messenger=SlackMessenger(client=client, session=session),
            now=self.clock,
            real_time=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )
        await self.use_cases.catalog_cache.renew()

    async def stop(self) -> None:
        """Stop the bot."""
        await self._open.aclose()
        self.use_cases = None

    async def step(self, ahead: timedelta) -> None:
        """Let time pass; then the cloud is polled, the clock looked at, and everything due is delivered."""
        self.clock.jump(self.clock() + ahead)
        self.cloud.settle()
        assert self.use_cases
        assert self.storage
        for organisation in ORGANISATIONS:
            lease = await self._lease(f"poll:{organisation}")
            if self.steps % 12 == 0:
                with suppress(AvisiError):
                    await self.use_cases.cataloguing.refresh(organisation, lease)
            self.oracle.poll_begins(organisation)
            readable = False
            with suppress(AvisiError):
                readable = await self.use_cases.polling.poll(organisation, lease) is not None
            self.oracle.polled(organisation, readable=readable, now=self.clock())
            await self.storage.claims.release(lease)
        if self.steps % 12 == 0:
            await self.use_cases.catalog_cache.renew()
        self.steps += 1
        await self.work_off(deliver=False)
        lease = await self._lease("reminding")
        await self.use_cases.freezing.end_due(lease)
        await self.use_cases.reminding.look_round(lease)
        self.oracle.looked_round(self.clock())
        await self.storage.claims.release(lease)
        await self.work_off(deliver=True)

    async def ask(self) -> None:
        """Let somebody ask for an upgrade; what may not be asked is refused, as on any day."""
        assert self.use_cases
        assert self.storage
        cluster = self.chance.choice(
            [one for catalog in self.use_cases.catalog_cache.catalogs for one in catalog.clusters]
        )
        catalog = next(one for one in self.use_cases.catalog_cache.catalogs if one.organisation == cluster.organisation)
        offered = catalog.offered_to(cluster, allow_downgrade=False)
        if not offered:
            return
        self.asked += 1
        form = Form(cluster_identity=cluster.identity, version=self.chance.choice(offered))
        entry = FormSubmitted(member=MemberId("U0ROOS"), organisation=cluster.organisation, form=form)
        await self._put(entry, key=f"asked:{self.asked}", queue=f"cluster:{cluster.identity}")

    async def freeze(self) -> None:
        """Let whoever is on call freeze an environment or two, for hours or days."""
        assert self.use_cases
        assert self.storage
        self.freezes += 1
        places = self.chance.sample(self.use_cases.freezing.places(), self.chance.randint(1, 2))
        until = self.clock() + timedelta(hours=self.chance.choice([5, 60, 400]))
        reason = f"Freeze {self.freezes}"
        entry = FreezeAsked(member=MemberId(ON_CALL), places=tuple(places), until=until, reason=reason)
        await self._put(entry, key=f"froze:{self.freezes}", queue=queues.FREEZES)
        self.oracle.froze(reason, [(one.organisation, one.environment) for one in places], until)

    async def lift(self) -> None:
        """Let somebody lift the oldest freeze."""
        assert self.storage
        async with self.storage.read() as work:
            standing = [one for one in await work.freezes.standing() if one.is_in_force(self.clock())]
        if standing:
            self.lifted += 1
            entry = FreezeLiftPressed(member=MemberId(ON_CALL), freeze_id=standing[0].id)
            await self._put(entry, key=f"lifted:{self.lifted}", queue=queues.FREEZES)
            self.oracle.lifted(standing[0].reason)

    async def _put(self, entry: AnyEntry, *, key: str, queue: str) -> None:
        assert self.storage
        async with self.storage.begin() as work:
            await work.inbox.put(NewEntry(entry=entry, key=key, queue=queue))
            await work.commit()
        await self.work_off(deliver=False)

    def console(self) -> None:
        """Let somebody schedule an upgrade in the console; what the platform will not take is refused."""
        owner = self.chance.choice(list(self.cloud.world.organisations.values()))
        cluster = self.chance.choice(list(owner.clusters.values()))
        with suppress(Problem):
            self.cloud.schedule_elsewhere(cluster.identity, self.chance.choice(self.cloud.world.versions))

    def channel_moves(self) -> None:
        """Let an update channel point at another version; clusters that upgrade by themselves follow."""
        owner = self.chance.choice(["acme", "globex"])
        with suppress(Problem):
            self.cloud.publish(
                self.chance.choice(["stable", "regular", "preview"]),
                self.chance.choice(self.cloud.world.versions),
                owner,
            )

    async def work_off(self, *, deliver: bool) -> None:
        """Take in what people sent, submit, and deliver if told to, until nothing is due."""
        assert self.use_cases
        assert self.storage
        claims, kept = self.storage.claims, list[Lease]()
        while leases := [(lane, one) for lane in Lane for one in await claims.claim_due(lane, limit=50)]:
            for lane, lease in leases:
                if lane is not Lane.DELIVERIES:
                    await self._take(lane.box, lease)
                elif deliver:
                    await self.use_cases.delivery.deliver(lease)
                else:
                    kept.append(lease)
                    continue
                await claims.release(lease)
        for lease in kept:
            await claims.release(lease)

    async def _take(self, box: Box, lease: Lease) -> None:
        assert self.use_cases
        assert self.storage
        async with self.storage.read() as work:
            received = await work.inbox.due(lease.queue) if box is Box.INBOX else None
            due = await work.outbox.due(lease.queue, limit=1) if box is Box.OUTBOX else ()
        if received:
            match received.entry:
                case FormSubmitted() as submitted:
                    await self.use_cases.requesting.request(received.number, submitted, lease)
                case FreezeAsked() as asked:
                    await self.use_cases.freezing.set(received.number, asked, lease)
                case FreezeLiftPressed() as pressed:
                    await self.use_cases.freezing.lift(received.number, pressed, lease)
                case other:
                    raise AssertionError(other)
        for one in due:
            await self.use_cases.submitting.submit(one, lease)

    async def waits_are_over(self) -> None:
        """Let the real seconds pass that the bot waits after a failure of Slack."""
        assert self.storage
        async with transaction(self.storage.engines.write) as working:
            await working.run(update(OutboxRow).where(OutboxRow.ended_at.is_(None)).values(due_at=0))
            await working.commit()
        await self.work_off(deliver=True)

    async def _lease(self, queue: str) -> Lease:
        assert self.storage
        lease = await self.storage.claims.claim(queue)
        assert lease is not None, queue
        return lease
