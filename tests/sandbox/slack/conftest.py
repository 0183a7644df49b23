"""A simulated Slack that listens on loopback, and Slack's own client pointed at it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.listening import ListeningApp


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    """Give a workspace with people, groups and channels."""
    async with SimulatedSlack() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a plain HTTP client."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Slack's client with the bot token."""
    return AsyncWebClient(token=slack.app.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


@pytest.fixture
async def listening(slack: SimulatedSlack) -> AsyncIterator[ListeningApp]:
    """Give an app that hears everything over HTTP and answers as the test says."""
    app = ListeningApp(slack.app.signing_secret)
    slack.deliver_over_http(await app.start())
    yield app
    await app.close()
