"""Assembles the bot: the only place that sees every part. `wired` touches nothing outside; `Bot.start` does."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.avisi.client import AvisiClient
from bot.domain.cluster import Organisation
from bot.domain.naming import Naming
from bot.domain.policy import Policy
from bot.feeds.serving import CalendarRequests
from bot.feeds.upgrades import UpgradeCalendar
from bot.gauges import Gauges
from bot.observe import metrics
from bot.observe.build import DISTRIBUTION, version_of
from bot.readyz import ReadyChecks
from bot.runner.clockwatch import ClockWatch
from bot.runner.interruptible_sleep import InterruptibleSleep
from bot.runner.jobs import Jobs
from bot.runner.outage import Outage
from bot.runner.queue_runner import Handlers, QueueRunner
from bot.runner.schedule import Schedule
from bot.runner.worker import Worker
from bot.server import Handler, Server
from bot.settings import Settings
from bot.slack.form import filling
from bot.slack.listeners import Edge
from bot.slack.supervisor import Supervisor
from bot.slack.transport.http import SlackRequests
from bot.slack.transport.socket import SocketMode
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity, SlackUnreachable
from bot.slack.web.members import People
from bot.slack.web.messenger import SlackMessenger
from bot.store.storage import Storage
from bot.wiring import UseCases, use_cases
from bot.workflow.ports import Clock
from bot.workflow.repositories import Source

log = structlog.get_logger("bot.app")

_DRAIN = 4.0
"""Seconds; with the three that server and socket may take, and the two and a half to give leases and connections back,
all ends within ten."""
_LONGEST_STOP = 10.0
_LONGEST_CATALOG_PAUSE = 300.0


def real_time() -> datetime:
    """Return the time now, aware UTC: the one Clock of production."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that knows the real clock


class Bot:
    """The whole bot. Start it once, stop it once."""

    def __init__(self, settings: Settings, policy: Policy, *, now: Clock) -> None:
        self.settings = settings
        self.policy = policy
        self.port = settings.bot_port
        self._now = now
        self._organisations = tuple(Organisation(slug) for slug in settings.acloud_organisation)
        self._cleanup = AsyncExitStack()
        self._sleeper = InterruptibleSleep()
        self._outage = Outage()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.died = asyncio.Event()
        """Set when a part that has to run for as long as the bot does has ended by itself."""
        self._worker = Worker(outage=self._outage)
        self.storage = Storage.open(settings.bot_database_url.get_secret_value(), local_worker=self._worker)

    async def start(self) -> None:
        """Open the database, reach out to Slack and the cloud, and go to work.

        Raises DatabaseLocked, DatabaseUnavailable, OSError (the port is taken), TokenRefused. A Slack or a cloud that
        cannot be reached is waited for.
        """
        try:
            await self._start()
        except BaseException:
            await self._cleanup.aclose()
            raise

    async def _start(self) -> None:
        settings, storage, worker = self.settings, self.storage, self._worker
        self._cleanup.push_async_callback(storage.close)
        await storage.take()
        session = await self._cleanup.enter_async_context(open_session(settings.slack_api_url))
        token = settings.slack_bot_token.get_secret_value()
        client = web_client(token=token, base_url=settings.slack_api_url, session=session)
        cloud = await self._cleanup.enter_async_context(self._cloud())
        identity = Identity(client=client)
        people = People(client=client, identity=identity)
        self._cleanup.push_async_callback(people.close)
        messenger = SlackMessenger(client=client, session=session)
        tasks = Supervisor()
        await _unless_unreachable(identity.learn())
        built = use_cases(
            self.policy,
            organisations=self._organisations,
            zone=ZoneInfo(settings.bot_window_timezone),
            poll_every=timedelta(seconds=settings.bot_poll_seconds),
            status_source=None if settings.bot_status_source == "auto" else Source(settings.bot_status_source),
            invite=f"/invite <@{identity.known.bot_user_id}>" if identity.known else "/invite and the bot's name",
            begin=storage.begin,
            read=storage.read,
            claims=storage.claims,
            cloud=cloud,
            members=people,
            messenger=messenger,
            now=self._now,
            real_time=real_time,
            console_url=settings.bot_console_url or "",
            workspace=lambda: identity.known.url if identity.known else "",
            sleep=self._sleeper.sleep,
        )
        queue_runner = QueueRunner(
            begin=storage.begin,
            read=storage.read,
            handlers=Handlers(
                requesting=built.requesting,
                deciding=built.deciding,
                submitting=built.submitting,
                rollouts=built.rollouts,
                freezing=built.freezing,
                deliver=built.delivery.deliver,
                slack_answers=people.answers,
            ),
        )
        await built.catalog_cache.renew()
        schedule = Schedule()
        jobs = self._join(schedule, built)
        slack = Edge(
            command=settings.bot_command,
            client=client,
            identity=identity,
            viewing=built.viewing,
            readiness_check=built.readiness_check,
            rollouts=built.rollouts,
            freezing=built.freezing,
            fleet=built.fleet,
            begin=storage.begin,
            members=people,
            messenger=messenger,
            judge=built.deciding.check_may_open,
            draw_home=built.draw_home,
            links=built.links,
            tasks=tasks,
            real_time=real_time,
            stored=lambda: storage.commits,
            trouble=lambda: built.cataloguing.problem,
        ).bolt()
        socket = self._socket(slack, client, identity)
        ready_checks = ReadyChecks(
            storage=storage,
            identity=identity,
            people=people,
            socket=socket,
            cloud=cloud,
            in_force=built.in_force,
            outage=self._outage,
            organisations=self._organisations,
            now=self._now,
        )
        gauges = Gauges(storage.stats, self._organisations, ready_checks.checks())
        schedule.every(timedelta(seconds=15), "gauges", jobs.guarded("gauges", gauges.set))
        if socket:
            await _unless_unreachable(socket.preflight())
        server = Server(
            host=settings.bot_host,
            port=settings.bot_port,
            checks=ready_checks.checks(),
            registry=metrics.REGISTRY,
            slack=None if socket else self._requests(slack, identity).answer,
            calendar=self._calendar(built, identity),
        )
        self.port = await server.start()
        await built.in_force.declare()
        self._run("server", server.serve())
        self._run("identity", identity.keep())
        self._run(
            "worker",
            worker.run(claims=storage.claims, queue_runner=queue_runner, resting=lambda: built.in_force.superseded),
        )
        self._run("clock-watch", schedule.follow(ClockWatch(real_time)))
        if socket:
            self._run("socket", socket.keep())
        schedule.start()
        self._cleanup.push_async_callback(partial(self._wind_down, server, socket, schedule, worker, tasks))
        await asyncio.to_thread(filling.load)
        version, transport = version_of(DISTRIBUTION), "socket" if socket else "http"
        log.info("bot.started", version=version, port=self.port, transport=transport)

    async def stop(self) -> None:
        """Finish the work in progress, release every lease, and close everything."""
        await self._cleanup.aclose()
        log.info("bot.stopped")

    async def _wind_down(
        self, server: Server, socket: SocketMode | None, schedule: Schedule, worker: Worker, tasks: Supervisor
    ) -> None:
        self._stopping = server.stopping = True
        schedule.stop()
        await asyncio.gather(server.stop(), *([socket.close()] if socket else []))
        self._sleeper.end()
        await asyncio.gather(tasks.drain(within=_DRAIN), worker.drain(within=_DRAIN), schedule.drain(within=_DRAIN))
        schedule.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cloud(self) -> AvisiClient:
        settings = self.settings
        return AvisiClient(
            settings.acloud_api_endpoint,
            settings.acloud_personal_access_token,
            user_agent=f"{DISTRIBUTION}/{version_of(DISTRIBUTION)}",
            now=self._now,
            on_call=_count_cloud_call,
        )

    def _socket(self, slack: AsyncApp, client: AsyncWebClient, identity: Identity) -> SocketMode | None:
        token = self.settings.slack_app_token
        if token is None:
            return None
        return SocketMode(bolt=slack, client=client, app_token=token.get_secret_value(), identity=identity)

    def _requests(self, slack: AsyncApp, identity: Identity) -> SlackRequests:
        secrets = tuple(secret.get_secret_value() for secret in self.settings.slack_signing_secret or ())
        return SlackRequests(bolt=slack, secrets=secrets, identity=identity)

    def _calendar(self, built: UseCases, identity: Identity) -> Handler | None:
        token = self.settings.bot_calendar_token
        if token is None:
            return None
        calendar = UpgradeCalendar(
            read=self.storage.read,
            catalog_cache=built.catalog_cache,
            policy=self.policy,
            organisations=self._organisations,
            naming=Naming.among(self._organisations),
            now=self._now,
            workspace=lambda: identity.known.url if identity.known else "",
        )
        return CalendarRequests(calendar=calendar, token=token.get_secret_value()).answer

    def _join(self, schedule: Schedule, built: UseCases) -> Jobs:
        poll = self.settings.bot_poll_seconds
        jobs = Jobs(
            claims=self.storage.claims,
            polling=built.polling,
            cataloguing=built.cataloguing,
            reminding=built.reminding,
            rollouts=built.rollouts,
            freezing=built.freezing,
            readiness=built.readiness_keeping,
            catalog_cache=built.catalog_cache,
            in_force=built.in_force,
            prune=self._prune,
            polled=_polled,
            organisations=self._organisations,
            poll_every=poll,
            catalog_every=min(_LONGEST_CATALOG_PAUSE, 5 * poll),
            outage=self._outage,
        )
        jobs.join(schedule)
        return jobs

    async def _prune(self) -> None:
        await self.storage.prune()

    def _run(self, name: str, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self._stopping:
            error = None if task.cancelled() else task.exception()
            log.critical("bot.part_died", part=task.get_name(), exc_info=error)
            self.died.set()


def wired(settings: Settings, policy: Policy, *, now: Clock = real_time) -> Bot:
    """Put the bot together, touching nothing outside."""
    return Bot(settings, policy, now=now)


async def run(settings: Settings, policy: Policy) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. Raises what Bot.start raises.

    When a part of the bot dies the process ends with 1, so that whoever runs it starts it again.
    """
    bot = wired(settings, policy)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    starting = asyncio.create_task(bot.start())
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 0
    await starting
    spare_collections()
    dying = asyncio.create_task(bot.died.wait())
    await asyncio.wait({stopping, dying}, return_when=asyncio.FIRST_COMPLETED)
    if not bot.died.is_set():
        await bot.stop()
        return 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_STOP):  # whatever died may have left others waiting for it
            await bot.stop()
    return 1


def spare_collections() -> None:
    """Exempt what was built at the start, which stays, from garbage collection: a full collection took 80 ms."""
    gc.collect()
    gc.freeze()


async def _unless_unreachable(meeting: Awaitable[object]) -> None:
    """Learn at start whether Slack takes a token; raises TokenRefused, and goes on when Slack is away."""
    try:
        await meeting
    except SlackUnreachable as error:
        log.warning("slack.unreachable", error=str(error))


def _polled(organisation: str, seconds: float) -> None:
    metrics.POLL_SECONDS.labels(organisation).observe(seconds)


def _count_cloud_call(method: str, template: str, outcome: str, seconds: float) -> None:
    level = "debug" if method == "GET" else "info"
    getattr(log, level)("cloud.called", call=f"{method} {template}", outcome=outcome, seconds=round(seconds, 3))
    metrics.CLOUD_CALLS.labels(f"{method} {template}", outcome).inc()
    if outcome == "overloaded":
        metrics.RATE_LIMITED.labels("cloud").inc()
