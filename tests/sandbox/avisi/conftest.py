"""A simulated cloud on loopback whose clock stands still, and a client that holds its token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock

MONDAY = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
UPGRADES = "/api/v1/orgs/acme/scheduled-cluster-upgrades"


@pytest.fixture
def clock() -> SimulatedClock:
    """Monday morning, standing still."""
    clock = SimulatedClock(MONDAY, 60)
    clock.pause()
    clock.jump(MONDAY)
    return clock


@pytest.fixture
async def cloud(clock: SimulatedClock) -> AsyncIterator[SimulatedCloud]:
    """Two organisations."""
    async with SimulatedCloud(clock, organisations=2) as cloud:
        yield cloud


@pytest.fixture
async def api(cloud: SimulatedCloud) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the cloud with its token."""
    headers = {"Authorization": f"Token {cloud.token}"}
    async with httpx.AsyncClient(base_url=cloud.url, headers=headers, trust_env=False) as api:
        yield api


def wish(cloud: SimulatedCloud, cluster: str = "staging/payments", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Write a body for the POST."""
    return {"clusterIdentity": cloud.cluster(cluster).identity, "version": "v1.31.6-u-ame.10"} | more
