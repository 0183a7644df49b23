"""A simulated cloud over real HTTP, and a client of it that does not wait long."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from bot.avisi.calls import Timeouts
from bot.avisi.client import AvisiClient
from bot.avisi.reads import Retries
from bot.domain.cluster import Organisation
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
ACME = Organisation("acme")
TOKEN = "acpat_a-token-for-tests"
SOON = Timeouts(submit=0.5, read=0.5)
"""For tests in which the cloud keeps silent; everywhere else a busy machine may take its time."""
QUICK = Retries(attempts=3, within=30, first_wait=0.001, longest_wait=0.05, jitter=0.001)

settings.register_profile("slow_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("slow_machine")

CallSeen = tuple[str, str, str]


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedCloud]:
    clock = SimulatedClock(NOON)
    clock.pause()
    async with SimulatedCloud(clock) as cloud:
        cloud.world.tokens = {TOKEN: list(cloud.world.organisations)}
        yield cloud


@pytest.fixture
def calls() -> list[CallSeen]:
    return []


@pytest.fixture
async def client(cloud: SimulatedCloud, calls: list[CallSeen]) -> AsyncIterator[AvisiClient]:
    async with a_client(cloud.url, calls=calls) as client:
        yield client


@pytest.fixture
async def hasty(cloud: SimulatedCloud, calls: list[CallSeen]) -> AsyncIterator[AvisiClient]:
    """Give a client that waits half a second for an answer."""
    async with a_client(cloud.url, calls=calls, timeouts=SOON) as client:
        yield client


def a_client(
    base_url: str,
    *,
    token: str = TOKEN,
    timeouts: Timeouts | None = None,
    retries: Retries = QUICK,
    calls: list[CallSeen] | None = None,
) -> AvisiClient:
    """Build a client of any address."""
    seen = calls if calls is not None else []
    return AvisiClient(
        base_url,
        SecretStr(token),
        user_agent="schedule-upgrade-bot/0.1.0",
        now=lambda: NOON,
        timeouts=timeouts,
        retries=retries,
        on_call=lambda method, template, outcome, _: seen.append((method, template, outcome)),
    )
