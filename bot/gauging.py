"""Sets the gauges from what the store counts."""

from dataclasses import dataclass

from bot.observe import metrics
from bot.store.census import Census


@dataclass(frozen=True, slots=True)
class Gauging:
    """Reads the counts and shows them as metrics."""

    census: Census

    async def set(self) -> None:
        """Count everything once."""
        for box, depth in (("inbox", await self.census.inbox()), ("outbox", await self.census.outbox())):
            metrics.QUEUE_ENTRIES.labels(box).set(depth.waiting)
            metrics.QUEUE_OLDEST_SECONDS.labels(box).set(depth.oldest_seconds)
        metrics.DEAD_LETTERS.labels("outbox").set(await self.census.dead())
        metrics.LEASES.set(len(await self.census.leases()))
        metrics.UPGRADES.clear()
        for status, count in (await self.census.upgrades()).items():
            metrics.UPGRADES.labels(status).set(count)
        metrics.REQUESTS.clear()
        for state, count in (await self.census.requests()).items():
            metrics.REQUESTS.labels(state).set(count)
        for feed in await self.census.feeds():
            if feed.read_at:
                metrics.POLL_SUCCESS.labels(feed.organisation).set(feed.read_at.timestamp())
        for organisation, fetched_at in (await self.census.catalogs()).items():
            metrics.CATALOG_SUCCESS.labels(organisation).set(fetched_at.timestamp())
