"""The harness of whole-bot tests: simulated Slack and cloud, and real bots in this process or in their own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import SecretStr

from bot.app import Bot, wired
from bot.domain.policy import Policy
from bot.manifest import manifest
from bot.policy.file import load_policy
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.person import PersonInSlack
from bot.sandbox.slack.people.seen import NotShownError, Seen
from bot.sandbox.slack.people.shown import Page
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.settings import Settings

Transport = Literal["http", "socket"]
CHANNEL = "C0UPGRADES"
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_FAILED = "Please try again in a moment (reference "


@dataclass(kw_only=True)
class Harness:
    """Everything a story needs. `url` is the database's; `clock` is shared by cloud and bot in this process."""

    slack: SimulatedSlack
    cloud: SimulatedCloud
    clock: SimulatedClock
    url: str
    transport: Transport
    policy_file: Path | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    bots: list[Bot] = field(default_factory=list)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever uses the requester's modals: a person has one screen."""

    @property
    def roos(self) -> PersonInSlack:
        """The requester."""
        return self.slack.person("U0ROOS")

    @property
    def sem(self) -> PersonInSlack:
        """An approver."""
        return self.slack.person("U0SEM")

    @property
    def kim(self) -> PersonInSlack:
        """Another approver."""
        return self.slack.person("U0KIM")

    def settings(self, **changes: Any) -> Settings:  # noqa: ANN401 - any setting
        """Return settings that point at the simulators."""
        over_socket = self.transport == "socket"
        given: dict[str, Any] = {
            "slack_bot_token": SecretStr(self.slack.app.bot_token),
            "slack_app_token": SecretStr(self.slack.app.app_token) if over_socket else None,
            "slack_signing_secret": (SecretStr(self.slack.app.signing_secret),),
            "slack_api_url": self.slack.api_url,
            "acloud_personal_access_token": SecretStr(self.cloud.token),
            "acloud_api_endpoint": self.cloud.url,
            "acloud_organisation": ("acme",),
            "bot_channel": CHANNEL,
            "bot_approvers": ("S0PLATFORM",),
            "bot_policy_file": self.policy_file,
            "bot_host": "127.0.0.1",
            "bot_port": 0,
            "bot_poll_seconds": 1,
            "bot_database_url": SecretStr(self.url),
        }
        return Settings(**(given | self.changes | changes))

    async def open_bot(self, **changes: Any) -> Bot:  # noqa: ANN401 - any setting
        """Start a bot in this process and let Slack talk to it."""
        settings = self.settings(**changes)
        policy: Policy = load_policy(settings.bot_policy_file, settings)
        bot = wired(settings, policy, now=self.clock)
        async with _starting():
            await bot.start()
        self.bots.append(bot)
        if self.transport == "http":
            self.slack.deliver_over_http(f"http://127.0.0.1:{bot.port}/slack/events")
        else:
            await self.slack.connected(len(self.bots))
        return bot

    async def close_bot(self, bot: Bot | None = None) -> None:
        """Stop a bot as SIGTERM does."""
        one = bot or self.bots[-1]
        self.bots.remove(one)
        await one.stop()

    async def form(self, words: str, *, by: PersonInSlack | None = None, channel: str = CHANNEL) -> Page:
        """Type the command, again when the bot says that it was too slow, and return the form that opens."""
        person = by or self.roos
        for _ in range(5):
            await person.command(channel, f"/schedule-upgrade {words}")
            with suppress(NotShownError):
                return await person.modal("Schedule upgrade", containing="Version", within=PATIENCE / 5)
        raise NotShownError(f"{person.id} sees no form for {words}")

    async def sent(self, *, by: PersonInSlack | None = None) -> None:
        """Submit the form, again when the bot says that it was too slow."""
        person = by or self.roos
        outcome = await person.submit()
        while _FAILED in str(outcome.errors):
            outcome = await person.submit()
        assert outcome.ok, outcome

    async def request(
        self,
        words: str = "staging/payments",
        *,
        by: PersonInSlack | None = None,
        version: str | None = None,
        start: datetime | None = None,
        ignore_windows: bool = False,
        reason: str = "",
    ) -> Seen:
        """Ask for an upgrade as a person does, and return the card."""
        person = by or self.roos
        modal = await self.form(words, by=person)
        if version or not modal.field("Version").value:
            await person.choose("Version", version or modal.field("Version").options[0])
        if start:
            await person.choose("Start date and time", start)
        if ignore_windows:
            await person.check("Ignore maintenance windows")
        if reason:
            await person.fill("Reason", reason)
        before = {message.ts for message in self.sem.messages(CHANNEL)}
        await self.sent(by=person)
        slug = words.split(maxsplit=1)[0].rpartition("/")[2]
        async with asyncio.timeout(PATIENCE):
            while True:
                card = await self.sem.message(CHANNEL, f"{slug}: upgrade to")
                if card.ts not in before:
                    return card
                await asyncio.sleep(0.02)

    async def approved(self, words: str = "staging/payments", **more: Any) -> Seen:  # noqa: ANN401 - as request
        """Ask, have Sem approve, and wait until the cloud has it; returns the card as it was."""
        card = await self.request(words, **more)
        count = len(self.cloud.upgrades)
        await self.sem.press(CHANNEL, card.ts, "Approve")
        async with asyncio.timeout(PATIENCE):
            while len(self.cloud.upgrades) == count:  # noqa: ASYNC110 - looks at another server's state
                await asyncio.sleep(0.02)
        await self.card(card, "Submitted to Avisi Cloud")
        return card

    async def card(self, card: Seen, *containing: str, without: str = "", within: float = PATIENCE) -> Seen:
        """Return the card once it shows these words."""
        async with asyncio.timeout(within):
            while True:
                now = next(one for one in self.sem.messages(CHANNEL) if one.ts == card.ts)
                if all(words in now for words in containing) and not (without and without in now):
                    return now
                await asyncio.sleep(0.02)

    def posts(self, method: str = "chat.postMessage") -> int:
        """Count the calls of a Web API method so far."""
        return int(self.slack.faults.calls[method])

    def submissions(self) -> int:
        """Count the POSTs that reached the cloud so far."""
        return int(self.cloud.requests.counts["schedule"])

    def environment(self, **changes: str) -> dict[str, str]:
        """Return the environment that points a bot of its own process at the simulators."""
        given = {
            "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs it
            "SLACK_BOT_TOKEN": self.slack.app.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.app.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "ACLOUD_PERSONAL_ACCESS_TOKEN": self.cloud.token,
            "ACLOUD_API_ENDPOINT": self.cloud.url,
            "ACLOUD_ORGANISATION": "acme",
            "BOT_CHANNEL": CHANNEL,
            "BOT_APPROVERS": "S0PLATFORM",
            "BOT_HOST": "127.0.0.1",
            "BOT_POLL_SECONDS": "1",
            "BOT_DATABASE_URL": self.url,
            "BOT_LOG_FORMAT": "json",
        }
        if self.transport == "socket":
            given["SLACK_APP_TOKEN"] = self.slack.app.app_token
        return {name: value for name, value in (given | changes).items() if value}


_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def _starting() -> asyncio.Lock:
    """Let bots of one loop start one after the other: Alembic keeps its state in the process."""
    return _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


@asynccontextmanager
async def harness(
    url: str,
    transport: Transport = "http",
    *,
    speed: float = 1.0,
    **changes: Any,  # noqa: ANN401 - any setting
) -> AsyncIterator[Harness]:
    """Start a world without a bot in it; bots that still run are stopped at the end."""
    clock = SimulatedClock(start=MONDAY, speed=speed)
    app = InstalledApp.from_manifest(manifest(url="http://127.0.0.1"))
    async with SimulatedSlack(app=app, clock=clock) as slack, SimulatedCloud(clock) as cloud:
        slack.be_patient(PATIENCE / 4)  # its three seconds are held elsewhere; here a busy machine fails nothing
        slack.deliver_over_socket() if transport == "socket" else None
        opened = Harness(slack=slack, cloud=cloud, clock=clock, url=url, transport=transport, changes=changes)
        try:
            yield opened
        finally:
            for bot in list(opened.bots):
                await opened.close_bot(bot)


async def start_process(*arguments: str, environment: dict[str, str], folder: Path, log: Path | None = None) -> Process:
    """Start `upgrade-bot` in a process of its own, in an empty folder, with nothing else in its environment.

    Its output is piped, or goes to the end of `log`.
    """
    root = Path(__file__).parents[2]
    if log is not None:
        with log.open("ab") as end:
            return await _started(*arguments, environment=environment, folder=folder, root=root, output=end)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env=environment | {"PYTHONPATH": str(root)},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _started(
    *arguments: str, environment: dict[str, str], folder: Path, root: Path, output: IO[bytes]
) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env=environment | {"PYTHONPATH": str(root)},
        cwd=folder,
        stdout=output,
        stderr=output,
    )


async def stop_process(process: Process) -> tuple[int, str]:
    """End it as an orchestrator does; returns exit code and everything it logged."""
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode or 0, errors.decode()


DAY = timedelta(days=1)
