"""Sets the gauges from what the checks of /readyz find and the store counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from bot.domain.cluster import Organisation
from bot.observe import metrics
from bot.server import Check, Finding, findings
from bot.store.stats import StoreStats

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Reads the counts and shows them as metrics; what is stored of other organisations is history.

    A check that begins to fail is logged with everything that it found, also what /readyz does not show.
    """

    stats: StoreStats
    organisations: tuple[Organisation, ...]
    checks: Mapping[str, Check]
    _failing: set[str] = field(default_factory=set, init=False)

    async def set(self) -> None:
        """Count everything once; raises DatabaseUnavailable, after the checks have been shown."""
        for name, finding in (await findings(self.checks)).items():
            metrics.CHECK_OK.labels(name).set(finding.well)
            self._say_once(name, finding)
        for box, depth in (("inbox", await self.stats.inbox()), ("outbox", await self.stats.outbox())):
            metrics.QUEUE_ENTRIES.labels(box).set(depth.waiting)
            metrics.QUEUE_OLDEST_SECONDS.labels(box).set(depth.oldest_seconds)
        for box, dead in (await self.stats.dead()).items():
            metrics.DEAD_LETTERS.labels(box).set(dead)
        metrics.DEAD_LETTERS.labels("requests").set(len(await self.stats.unreadable_requests()))
        metrics.LEASES.set(len(await self.stats.leases()))
        metrics.UPGRADES.clear()
        for status, count in (await self.stats.upgrades()).items():
            metrics.UPGRADES.labels(status).set(count)
        metrics.REQUESTS.clear()
        for state, count in (await self.stats.requests()).items():
            metrics.REQUESTS.labels(state).set(count)
        metrics.ROLLOUTS.clear()
        for state, count in (await self.stats.rollouts()).items():
            metrics.ROLLOUTS.labels(state).set(count)
        read = {feed.organisation: feed.read_at for feed in await self.stats.feeds()}
        fetched = await self.stats.catalogs()
        for organisation in self.organisations:
            metrics.POLL_SUCCESS.labels(organisation).set(_seconds(read.get(organisation)))
            metrics.CATALOG_SUCCESS.labels(organisation).set(_seconds(fetched.get(organisation)))

    def _say_once(self, name: str, finding: Finding) -> None:
        if finding.well and name in self._failing:
            self._failing.remove(name)
            _log.info("check.well_again", check=name)
        elif not finding.well and name not in self._failing:
            self._failing.add(name)
            _log.warning("check.failing", check=name, found=finding.text, details=finding.private)


def _seconds(moment: datetime | None) -> float:
    """Never is 0, so that an alert on the age also rings for what was never read."""
    return moment.timestamp() if moment else 0.0
