"""The checks behind /readyz: what has to work for the bot to be ready, and what is only good to know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain.cluster import Organisation
from bot.server import Finding
from bot.slack.identity import Identity
from bot.slack.socket import SocketMode
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.workflow.ports import Clock, Feed


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Database and Slack are vital; the cloud, the catalog and dead letters are named but never make it unready."""

    storage: Storage
    identity: Identity
    socket: SocketMode | None
    organisations: tuple[Organisation, ...]
    now: Clock

    def checks(self) -> Mapping[str, Callable[[], Awaitable[Finding]]]:
        """Return every check by its name."""
        return {
            "database": self._database,
            "slack": self._slack,
            "cloud": self._cloud,
            "catalog": self._catalog,
            "dead_letters": self._dead_letters,
        }

    async def _database(self) -> Finding:
        try:
            await self.storage.ping()
        except DatabaseUnavailable as error:
            return Finding(well=False, text=f"the database does not answer: {error}")
        return Finding(well=True, text="answers")

    async def _slack(self) -> Finding:
        if self.socket is not None:
            return Finding(well=self.socket.connected, text=self.socket.error or "the socket is connected")
        known = self.identity.known is not None
        return Finding(well=known, text=self.identity.error or "auth.test succeeded" if known else self.identity.error)

    async def _cloud(self) -> Finding:
        try:
            stored = {feed.organisation: feed for feed in await self.storage.census.feeds()}
        except DatabaseUnavailable:
            return _unknown()
        feeds = [stored.get(organisation) or Feed(organisation=organisation) for organisation in self.organisations]
        ill = [feed for feed in feeds if feed.error or not feed.read_at]
        said = [
            f"{feed.organisation}: {feed.error or ('read' if feed.read_at else 'no status has been read yet')} "
            f"(statuses from {feed.source or 'nowhere yet'}, "
            f"last read {feed.read_at.isoformat() if feed.read_at else 'never'})"
            for feed in feeds
        ]
        return Finding(well=not ill, text="; ".join(said), vital=False, since=ill[0].blind_since if ill else None)

    async def _catalog(self) -> Finding:
        try:
            fetched = await self.storage.census.catalogs()
        except DatabaseUnavailable:
            return _unknown()
        now = self.now()
        ages = [
            f"{one}: {(now - fetched[one]).total_seconds():.0f} s old" if one in fetched else f"{one}: not read yet"
            for one in self.organisations
        ]
        oldest = min((fetched[one] for one in self.organisations if one in fetched), default=None)
        well = all(one in fetched for one in self.organisations)
        return Finding(well=well, text="; ".join(ages), vital=False, since=oldest)

    async def _dead_letters(self) -> Finding:
        try:
            dead = await self.storage.census.dead()
        except DatabaseUnavailable:
            return _unknown()
        return Finding(well=dead == 0, text=f"{dead} given up", vital=False)


def _unknown() -> Finding:
    return Finding(well=False, text="unknown while the database does not answer", vital=False)
