"""The Slack edge as it runs in production, between a simulated Slack and our in-memory ports."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Literal

from prometheus_client import CollectorRegistry
from slack_bolt.app.async_app import AsyncApp

from bot.domain.cluster import Catalog
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import blocks, freeze, rules
from bot.notifications.blocks import View
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.server import Server
from bot.slack.listeners import Edge
from bot.slack.supervisor import Supervisor
from bot.slack.transport.http import SlackRequests
from bot.slack.transport.socket import SocketMode
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity
from bot.slack.web.members import People
from bot.slack.web.messenger import SlackMessenger
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.fleet import FleetReading
from bot.workflow.freezing import Freezing
from bot.workflow.inbox import ButtonPressed
from bot.workflow.permissions import Permissions
from bot.workflow.readiness import CloudReadings, ReadinessCheck
from bot.workflow.requesting import new_request_id
from bot.workflow.rollout_turns import Turns
from bot.workflow.rollouts import Rollouts
from bot.workflow.rule_check import RuleCheck
from bot.workflow.viewing import Viewing
from tests.builders import NOON, a_catalog, a_policy
from tests.fakes import FakeClock, FakeCloud, FakeStorage

Transport = Literal["http", "socket"]


@dataclass(kw_only=True)
class SlackHarness:
    """A running bot edge. What it stored is in `storage`; `refuse` makes the judge refuse every press."""

    slack: SimulatedSlack
    storage: FakeStorage
    catalog_cache: CatalogCache
    cloud: FakeCloud
    clock: FakeClock
    tasks: Supervisor
    identity: Identity
    bolt: AsyncApp
    messenger: SlackMessenger
    people: People
    address: str = ""
    socket: SocketMode | None = None
    judged: list[ButtonPressed] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)

    async def judge(self, pressed: ButtonPressed) -> None:
        """Refuse with what a test prepared."""
        self.judged.append(pressed)
        if self.refuse:
            raise self.refuse[-1]

    async def settle(self) -> None:
        """Wait until nothing that a listener started is running."""
        await self.tasks.drain(within=60.0)


@asynccontextmanager
async def harness(
    transport: Transport,
    *,
    catalogs: Sequence[Catalog] | None = None,
    policy: Policy | None = None,
    stored: Sequence[Any] = (),
    patience: float = 10.0,
    beside: SlackHarness | None = None,
) -> AsyncIterator[SlackHarness]:
    """Start Slack and the edge; without `catalogs` there is acme's with two clusters.

    `beside` is another replica's, of which Slack and storage are used; what happens in Slack comes here from now on.
    """
    async with nullcontext(beside.slack) if beside else SimulatedSlack() as slack, open_session() as session:
        slack.be_patient(60.0)
        storage = (
            beside.storage if beside else FakeStorage(*(catalogs if catalogs is not None else [a_catalog()]), *stored)
        )
        organisations = tuple(catalog.organisation for catalog in catalogs or [a_catalog()])
        catalog_cache = CatalogCache(storage.read, organisations)
        await catalog_cache.renew()
        clock, cloud = FakeClock(NOON), FakeCloud(*(catalogs or [a_catalog()]))
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client)
        people = People(client=client, identity=identity)
        messenger, tasks = SlackMessenger(client=client, session=session), Supervisor()
        policy = policy or a_policy()
        rule_check = RuleCheck(
            policy=policy,
            catalog_cache=catalog_cache,
            permissions=Permissions(people),
            read=storage.read,
            now=clock,
            zone=UTC,
            words=rules,
        )
        readiness_check = ReadinessCheck(
            facts=kubernetes_facts(),
            catalog_cache=catalog_cache,
            cloud_readings=CloudReadings(cloud, now=clock),
            now=clock,
        )
        viewing = Viewing(
            read=storage.read,
            catalog_cache=catalog_cache,
            policy=policy,
            rule_check=rule_check,
            permissions=rule_check.permissions,
            readiness_check=readiness_check,
            organisations=organisations,
            now=clock,
        )
        here: SlackHarness

        async def draw_home(member: MemberId) -> View:
            page = storage.tables.pages[member]
            words = blocks.section(f"Home of {member}, page {page}")
            turn = blocks.button("Next", action_id="home_page", value="1")
            plan = blocks.button("Schedule upgrade", action_id="schedule")
            return blocks.view(words, blocks.actions(plan, turn), callback_id="home")

        async def judge(pressed: ButtonPressed) -> None:
            await here.judge(pressed)

        rollouts = Rollouts(
            begin=storage.begin,
            read=storage.read,
            policy=viewing.policy,
            catalog_cache=catalog_cache,
            permissions=Permissions(people),
            words=rules,
            turns=Turns(
                policy=viewing.policy,
                catalog_cache=catalog_cache,
                permissions=Permissions(people),
                now=clock,
                zone=UTC,
                new_request_id=new_request_id,
            ),
            now=clock,
        )
        edge = Edge(
            command="/schedule-upgrade",
            client=client,
            identity=identity,
            viewing=viewing,
            readiness_check=readiness_check,
            rollouts=rollouts,
            freezing=Freezing(
                begin=storage.begin,
                read=storage.read,
                policy=viewing.policy,
                catalog_cache=catalog_cache,
                permissions=Permissions(people),
                words=rules,
                freeze_words=freeze,
                now=clock,
            ),
            fleet=FleetReading(
                read=storage.read, catalog_cache=catalog_cache, facts=kubernetes_facts(), now=clock, zone=UTC
            ),
            begin=storage.begin,
            members=people,
            messenger=messenger,
            judge=judge,
            draw_home=draw_home,
            tasks=tasks,
            real_time=clock,
            stored=lambda: storage.commits,
            loading_patience=patience,
        )
        bolt = edge.bolt()
        here = SlackHarness(
            slack=slack,
            storage=storage,
            catalog_cache=catalog_cache,
            cloud=cloud,
            clock=clock,
            tasks=tasks,
            identity=identity,
            bolt=bolt,
            messenger=messenger,
            people=people,
        )
        guard = SlackRequests(bolt=bolt, secrets=(slack.app.signing_secret,), identity=identity)
        server = Server(host="127.0.0.1", port=0, checks={}, registry=CollectorRegistry(), slack=guard.answer)
        here.address = f"http://127.0.0.1:{await server.start()}"
        await identity.learn()
        if transport == "http":
            slack.deliver_over_http(f"{here.address}/slack/events")
        else:
            slack.deliver_over_socket()
            here.socket = SocketMode(
                bolt=bolt, client=client, app_token=slack.app.app_token, identity=identity, tick=0.05
            )
            tasks.start(here.socket.keep(), name="socket")
            await slack.connected()
        try:
            yield here
        finally:
            if here.socket is not None:
                await here.socket.close()
            await tasks.drain(within=0.1 if here.socket else 3.0)
            await people.close()
            await server.stop()
