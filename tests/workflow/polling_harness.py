"""A poll of the organisation's list as tests see it: what is stored before, and what the cloud shows."""

from datetime import timedelta

from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow.repositories import Feed, Source
from tests.builders import (
    ACME,
    NOON,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import Harness

READ = Feed(organisation=ACME, source=Source.ORGANISATION, probed_at=NOON, baseline_at=NOON, read_at=NOON)
CLUSTERS = Feed(organisation=ACME, source=Source.CLUSTERS, probed_at=NOON, baseline_at=NOON, read_at=NOON)
LATER = a_window(NOON + timedelta(days=2))
EVE = a_window(NOON + timedelta(hours=34))
"""Begins in one day and ends in the next."""


def ours(**changes: object) -> tuple[UpgradeRequest, ScheduledUpgrade]:
    """Build a request that was submitted, and its upgrade as stored."""
    upgrade = a_scheduled_upgrade(**({"request_id": "ours", "moves": 1} | changes))
    request = an_upgrade_request(id="ours", state=State.SUBMITTED, upgrade=upgrade.identity, attempted_at=NOON)
    return request, upgrade


async def sees(harness: Harness, *readings: object) -> None:
    """Poll once, a minute later, with these in the cloud's list."""
    harness.cloud.readings = list(readings)  # type: ignore[arg-type]
    harness.clock.advance(timedelta(minutes=1))
    await harness.poll()
