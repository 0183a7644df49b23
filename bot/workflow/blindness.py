"""Noticing that statuses cannot be read, and posting that once; and once more when they can be read again."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.cluster import Organisation
from bot.domain.events import About, SawAgain, WentBlind
from bot.domain.policy import Policy
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.ports import BeginWork, Clock, Lease
from bot.workflow.repositories import Feed

_AFTER = timedelta(minutes=10)
_POLLS = 5


@dataclass(frozen=True, slots=True)
class Blindness:
    """Watches how long an organisation's statuses could not be read. `poll_every` is the configured pause."""

    begin: BeginWork
    catalog_cache: CatalogCache
    policy: Policy
    organisations: tuple[Organisation, ...]
    now: Clock
    poll_every: timedelta

    async def could_not_read(self, feed: Feed, error: str, lease: Lease) -> None:
        """Note a failed reading; after 10 minutes, or 5 polls if longer, post that once in every channel concerned.

        A bot that was down has not been blind all that time: blindness begins with the first failed reading.
        """
        now, patience = self.now(), max(_AFTER, _POLLS * self.poll_every)
        last = feed.read_at if feed.read_at and now - feed.read_at < patience else now
        since = feed.blind_since or last
        blind = replace(feed, blind_since=since, error=error)
        told = []
        if feed.blind_told_at is None and now - since >= patience:
            blind = replace(blind, blind_told_at=now)
            event = WentBlind(about=_about(feed), since=since)
            told = [
                outbox.in_channel(channel, event, key=f"blind:{feed.organisation}:{since.isoformat()}")
                for channel in self._channels(feed)
            ]
        async with self.begin(lease) as work:
            await work.feeds.save(blind)
            await work.outbox.put(*told)
            await work.commit()

    async def could_read(self, feed: Feed, lease: Lease) -> None:
        """Note a complete reading, made at `read_at`; if blindness was posted, post that it is over."""
        seeing = replace(feed, blind_since=None, blind_told_at=None, error="")
        told = []
        if feed.blind_told_at is not None and feed.blind_since is not None:
            event = SawAgain(about=_about(feed), since=feed.blind_since, until=self.now())
            key = f"sees:{feed.organisation}:{feed.blind_since.isoformat()}"
            told = [outbox.in_channel(channel, event, key=key) for channel in self._channels(feed)]
        async with self.begin(lease) as work:
            await work.feeds.save(seeing)
            await work.outbox.put(*told)
            await work.commit()

    def _channels(self, feed: Feed) -> tuple[str, ...]:
        known = {catalog.organisation: catalog.environment_slugs for catalog in self.catalog_cache.catalogs}
        environments = {one: known.get(one, frozenset()) for one in self.organisations}
        return self.policy.channels_of(feed.organisation, environments)


def _about(feed: Feed) -> About:
    return About(organisation=feed.organisation, environment="", cluster="", from_version="", to_version="")
