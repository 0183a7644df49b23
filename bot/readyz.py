"""The checks behind /readyz: what has to work for the bot to be ready, and what is only good to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain.cluster import Organisation
from bot.runner.outage import Outage
from bot.server import Finding
from bot.slack.transport.socket import SocketMode
from bot.slack.web.identity import Identity
from bot.slack.web.members import People
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.ports import AvisiCloud, Clock
from bot.workflow.repositories import Feed

_PATIENCE = 3.0
_WAITED_LONG = 60.0
_WRITTEN_LATELY = 15.0
_FAILS_LONG = 10.0
_TRIED = "readiness"
"""The name of a pace that nothing goes by."""
_SKEWED = 60.0
_PAUSED = 4.0
"""Seconds; a shorter wait comes of taking turns, with one message a second and channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyChecks:
    """Database, Slack and the policy in force are vital, and so is that something can be stored.

    Everything else is named but never makes it unready.
    """

    storage: Storage
    identity: Identity
    people: People
    socket: SocketMode | None
    cloud: AvisiCloud
    in_force: PolicyInForce
    outage: Outage
    organisations: tuple[Organisation, ...]
    now: Clock

    def checks(self) -> Mapping[str, Callable[[], Awaitable[Finding]]]:
        """Return every check by its name."""
        return {
            "database": self._database,
            "slack": self._slack,
            "policy": self._policy,
            "slack_token": self._slack_token,
            "people": self._people,
            "clock": self._clock,
            "writes": self._writes,
            "waiting": _named(self._waiting),
            "rate_limits": _named(self._rate_limits),
            "cloud": _named(self._cloud),
            "catalog": _named(self._catalog),
            "dead_letters": _named(self._dead_letters),
        }

    async def _database(self) -> Finding:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.storage.ping()
        except DatabaseUnavailable as error:
            return Finding(well=False, text="the database does not answer", private=str(error))
        except TimeoutError:
            return Finding(well=False, text=f"the database does not answer within {_PATIENCE:.0f} s")
        return Finding(well=True, text="answers")

    async def _slack(self) -> Finding:
        if self.socket is not None:
            return Finding(well=self.socket.connected, text=self.socket.error or "the socket is connected")
        known = self.identity.known is not None
        return Finding(well=known, text="auth.test succeeded since start" if known else self.identity.error)

    async def _policy(self) -> Finding:
        """Tell a process that another one started after with a newer policy: it decides and submits nothing."""
        return Finding(well=not self.in_force.superseded, text=self.in_force.words)

    async def _slack_token(self) -> Finding:
        """Tell a token that was revoked since start; in HTTP mode the bot stays ready, so that people are answered."""
        return Finding(well=not self.identity.error, text=self.identity.error or "auth.test succeeded", vital=False)

    async def _people(self) -> Finding:
        """Tell what Slack refuses to say about people and groups, and goes on refusing until somebody acts."""
        refusals = self.people.refusals
        return Finding(well=not refusals, text=" ".join(refusals) or "Slack refuses no look-up", vital=False)

    async def _clock(self) -> Finding:
        """Hold our clock against the cloud's: deadlines, reminders and countdowns go by ours."""
        theirs = await self.cloud.clock()
        if theirs is None:
            return Finding(well=True, text="the cloud has not told its time yet", vital=False)
        ahead = (self.now() - theirs).total_seconds()
        text = f"{abs(ahead):.0f} s {'ahead of' if ahead >= 0 else 'behind'} the cloud's"
        return Finding(well=abs(ahead) < _SKEWED, text=text, vital=False)

    async def _writes(self) -> Finding:
        """Tell a database that answers but stores nothing: its disk is full, or it has become a standby."""
        if self.outage.away:
            await self._try_writing()
        if self.outage.seconds >= _FAILS_LONG:
            text = f"nothing could be stored for {self.outage.seconds:.0f} s"
            return Finding(well=False, text=text, private=self.outage.error)
        return await _named(self._written)()

    async def _try_writing(self) -> None:
        """Store something that changes nothing: there may be nothing else to store while others do the work."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.storage.claims.hold(_TRIED, seconds=0)
        except (DatabaseUnavailable, TimeoutError):
            return
        self.outage.over()

    async def _written(self) -> Finding:
        """Notice what fails without an error: leases are stored all the time."""
        ago = await self.storage.stats.last_claim_seconds()
        text = "nothing was written yet" if ago is None else f"last written {ago:.0f} s ago"
        return Finding(well=ago is None or ago < _WRITTEN_LATELY, text=text, vital=False)

    async def _waiting(self) -> Finding:
        """Say how long people have waited for a decision or a message, whatever holds it up."""
        inbox, outbox = await self.storage.stats.inbox(), await self.storage.stats.outbox()
        waiting, oldest = inbox.waiting + outbox.waiting, max(inbox.oldest_seconds, outbox.oldest_seconds)
        text = f"{waiting} waiting, the oldest for {oldest:.0f} s" if waiting else "nothing waits"
        return Finding(well=oldest < _WAITED_LONG, text=text, vital=False)

    async def _rate_limits(self) -> Finding:
        """Name what Slack wants to be left alone with: a pause goes for every replica."""
        paces = await self.storage.stats.paces(beyond=_PAUSED)
        methods: dict[str, float] = {}
        for name, seconds in paces.items():
            method = name.partition(":")[0]  # the channel comes after it
            methods[method] = max(seconds, methods.get(method, 0.0))
        text = f"waits: {_waits(methods)}" if paces else "Slack asks for no pause"
        return Finding(well=not paces, text=text, private=_waits(paces), vital=False)

    async def _cloud(self) -> Finding:
        stored = {feed.organisation: feed for feed in await self.storage.stats.feeds()}
        feeds = [stored.get(organisation) or Feed(organisation=organisation) for organisation in self.organisations]
        ill = [feed for feed in feeds if feed.error or not feed.read_at]
        return Finding(
            well=not ill,
            text="; ".join(_feed_read(feed) for feed in feeds),
            private="; ".join(f"{feed.organisation}: {feed.error or _feed_read(feed)}" for feed in ill),
            vital=False,
            since=ill[0].blind_since if ill else None,
        )

    async def _catalog(self) -> Finding:
        fetched = await self.storage.stats.catalogs()
        now = self.now()
        ages = {
            one: f"{(now - fetched[one]).total_seconds():.0f} s old" if one in fetched else "not read yet"
            for one in self.organisations
        }
        missing = [one for one in self.organisations if one not in fetched]
        return Finding(
            well=not missing,
            text="; ".join(ages.values()),
            private="; ".join(f"{one}: {ages[one]}" for one in missing),
            vital=False,
            since=min((fetched[one] for one in self.organisations if one in fetched), default=None),
        )

    async def _dead_letters(self) -> Finding:
        dead = sum((await self.storage.stats.dead()).values())
        unreadable = len(await self.storage.stats.unreadable_requests())
        text = f"{dead} given up" + (f", {unreadable} requests that cannot be read" if unreadable else "")
        return Finding(well=dead + unreadable == 0, text=text, vital=False)


def _waits(paces: Mapping[str, float]) -> str:
    return ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in paces.items())


def _feed_read(feed: Feed) -> str:
    """Say what is known of an organisation's statuses without its name: whoever reaches the port may read it."""
    state = "cannot be read" if feed.error else "read" if feed.read_at else "no status has been read yet"
    last = feed.read_at.isoformat() if feed.read_at else "never"
    return f"{state} (statuses from {feed.source or 'nowhere yet'}, last read {last})"


def _named(check: Callable[[], Awaitable[Finding]]) -> Callable[[], Awaitable[Finding]]:
    """Let a check that reads the database say so while it cannot."""

    async def checked() -> Finding:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await check()
        except (DatabaseUnavailable, TimeoutError):
            return Finding(well=False, text="unknown while the database does not answer", vital=False)

    return checked
