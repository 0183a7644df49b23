"""A world on loopback: simulated Slack, simulated cloud, and between them the real bot, all on one simulated clock."""

import json
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from bot.app import Bot, real_time, wired
from bot.domain.people import EVERYONE
from bot.domain.policy import Policy, Rule
from bot.manifest import manifest
from bot.policy.file import load_policy
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.content import add_stopped_cluster
from bot.sandbox.avisi.panel import routes as panel_routes
from bot.sandbox.avisi.requests import Seen
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.guide import find_guide
from bot.sandbox.page_files import page_routes
from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.seed import add_unknown
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.wire import Exchange
from bot.settings import Settings

POLICY = Path(__file__).parent / "policy.toml"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxOptions:
    """What `upgrade-bot sandbox` takes.

    `speed` is simulated seconds per real second; without `data` nothing is kept; `clusters` is the size of the fleet
    that a new world has, None the few clusters of the tour.
    """

    host: str = LOOPBACK
    port: int = 8080
    data: Path | None = None
    speed: float = 60.0
    policy: Path | None = None
    clusters: int | None = None
    script: bool = False
    open_page: bool = False


class World:
    """Starts everything and stops it again; its parts are there to be looked at and pushed."""

    def __init__(
        self, options: SandboxOptions, *, slack: SimulatedSlack, cloud: SimulatedCloud, policy: Policy
    ) -> None:
        self.options = options
        self.slack = slack
        self.cloud = cloud
        self.clock = cloud.clock
        self.policy = policy
        self.stand_ins: list[str] = []
        """The IDs that the policy names and the workspace did not have."""
        self.bot: Bot | None = None
        self._cleanup = AsyncExitStack()
        self._folder = Path()
        self._restored = False

    @classmethod
    def make(cls, options: SandboxOptions) -> Self:
        """Put a world together, touching nothing yet; raises SettingsProblems for a policy that cannot be used."""
        clock = SimulatedClock(start=real_time().replace(microsecond=0), speed=options.speed)
        slack = SimulatedSlack(app=InstalledApp.from_manifest(manifest(url="http://127.0.0.1")), clock=clock)
        cloud = SimulatedCloud(clock, heard=lambda seen: slack.wire.record(_exchange(seen)))
        add_stopped_cluster(cloud.organisation())
        if options.clusters is not None:
            cloud.resize_fleet(options.clusters)
        settings = _settings(slack, cloud, database=Path("unused"), slack_url="http://127.0.0.1/api/")
        policy = load_policy(options.policy or POLICY, settings)
        world = cls(options, slack=slack, cloud=cloud, policy=policy)
        people = {one for rule in policy.rules for one in _people_of(rule)}
        world.stand_ins = add_unknown(slack.workspace, people=people - {EVERYONE}, channels=policy.channels)
        return world

    async def start(self) -> None:
        """Start clouds first, the bot last; the simulated Slack serves the page. Raises OSError in plain words."""
        if self.options.data:
            self._folder = self.options.data
            self._folder.mkdir(parents=True, exist_ok=True)
        else:
            self._folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="upgrade-bot-")))
        self._restore()
        await self.cloud.start(LOOPBACK)
        self._cleanup.push_async_callback(self.cloud.close)
        await self._serve_page()
        self._cleanup.push_async_callback(self.slack.close)
        await self.start_bot()

    async def _serve_page(self) -> None:
        host, port = self.options.host, self.options.port
        guide = find_guide(self.policy, self.slack.workspace, self.cloud.organisation())
        routes = [*page_routes(guide.as_json() if guide else {}), *panel_routes(self.cloud)]
        try:
            await self.slack.start(host, port, routes=routes)
        except OSError as error:
            why = str(error.strerror).rpartition(": ")[2]
            raise OSError(f"the page cannot be served at {host}:{port}, {why}. Example: --port {port + 1}") from error

    async def start_bot(self) -> None:
        """Start the bot, for the first time or again."""
        database = self._folder / "upgrade-bot.db"
        settings = _settings(self.slack, self.cloud, database=database, slack_url=self.slack.api_url)
        self.bot = wired(settings, self.policy, now=self.clock)
        await self.bot.start()
        self.slack.deliver_over_http(f"http://{LOOPBACK}:{self.bot.port}/slack/events")

    async def stop_bot(self) -> None:
        """Stop the bot as SIGTERM does; the world goes on without it."""
        if self.bot is not None:
            await self.bot.stop()
            self.bot = None

    async def close(self) -> None:
        """Stop everything and keep what is to be kept."""
        await self.stop_bot()
        self.save()
        await self._cleanup.aclose()

    def save(self) -> None:
        """Keep Slack and the cloud for the next start, if a folder was given and what was in it is known."""
        if not (self.options.data and self._restored):
            return
        kept = {"slack": self.slack.snapshot(), "cloud": self.cloud.snapshot()}
        new = self._folder / "world.json.new"
        new.write_text(json.dumps(kept), encoding="utf-8")
        new.replace(self._folder / "world.json")

    def _restore(self) -> None:
        file = self._folder / "world.json"
        if self.options.data and file.exists():
            try:
                kept = json.loads(file.read_text(encoding="utf-8"))
                self.slack.restore(kept["slack"])
                self.cloud.restore(kept["cloud"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise OSError(
                    f"{file} holds no sandbox that can be read. Example: --data with another folder"
                ) from error
        self._restored = True


def _people_of(rule: Rule) -> tuple[str, ...]:
    return (*rule.requesters, *rule.approvers, *rule.notify, *rule.on_call)


def _exchange(seen: Seen) -> Exchange:
    """Give a call to the cloud as the wire shows it."""
    return Exchange(
        direction="to_cloud",
        kind=seen.name,
        name=f"{seen.method} {seen.path}",
        who="",
        transport="http",
        request={"query": dict(seen.query), "body": seen.body},
        response=seen.answer,
        ms=seen.ms,
        status=seen.status,
        error="" if 0 < seen.status < HTTPStatus.BAD_REQUEST else "refused" if seen.status else "no answer",
    )


def _settings(slack: SimulatedSlack, cloud: SimulatedCloud, *, database: Path, slack_url: str) -> Settings:
    return Settings(
        slack_bot_token=SecretStr(slack.app.bot_token),
        slack_signing_secret=(SecretStr(slack.app.signing_secret),),
        slack_api_url=slack_url,
        acloud_personal_access_token=SecretStr(cloud.token),
        acloud_api_endpoint=cloud.url if slack_url == slack.api_url else "http://127.0.0.1",
        acloud_organisation=("acme",),
        bot_host=LOOPBACK,
        bot_port=0,
        bot_poll_seconds=1,
        bot_database_url=SecretStr(f"sqlite+aiosqlite:///{database}"),
        bot_log_level="warning",
    )
