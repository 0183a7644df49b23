"""Houses for whole-bot tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world.harness import Harness, Transport, harness


@pytest.fixture
def sqlite_file(tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"


@pytest.fixture(params=["http", "socket"])
async def anyhow(request: pytest.FixtureRequest, sqlite_file: str) -> AsyncIterator[Harness]:
    """Start a world with a bot in it, over each transport."""
    transport: Transport = request.param
    async with harness(sqlite_file, transport) as opened:
        await opened.open_bot()
        yield opened


@pytest.fixture
async def home(sqlite_file: str) -> AsyncIterator[Harness]:
    """Start a world with a bot in it, over HTTP."""
    async with harness(sqlite_file) as opened:
        await opened.open_bot()
        yield opened
