import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack

HERE = "C0UPGRADES"


async def post(client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=HERE, text="x")


async def test_an_error_is_met_as_often_as_planned(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Two calls fail, the third goes through; every call is counted."""
    slack.faults.add("chat.postMessage", Fault(error="internal_error"), times=2)

    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            await post(client)
    await post(client)

    assert slack.faults.calls["chat.postMessage"] == 3
    assert len(slack.person("U0ROOS").messages(HERE)) == 1


async def test_a_standing_fault_stays_until_cleared(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """On every method, when it is planned for all."""
    slack.faults.add("*", Fault(status=503), times=None)

    for _ in range(3):
        with pytest.raises(SlackApiError):
            await client.auth_test()
    slack.faults.clear()

    assert (await client.auth_test())["ok"]


async def test_429_names_the_wait(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The header holds the seconds."""
    slack.faults.add("chat.postMessage", Fault(retry_after=7))

    with pytest.raises(SlackApiError) as limited:
        await post(client)

    assert limited.value.response.headers["Retry-After"] == "7"


async def test_a_connection_is_dropped_before_or_after_the_work(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Afterwards means that the message is there although nobody was told."""
    slack.faults.add("chat.postMessage", Fault(drop=True))
    with pytest.raises(aiohttp.ClientError):
        await post(client)
    assert slack.person("U0ROOS").messages(HERE) == []

    slack.faults.add("chat.postMessage", Fault(drop=True, after=True))
    with pytest.raises(aiohttp.ClientError):
        await post(client)
    assert len(slack.person("U0ROOS").messages(HERE)) == 1


async def test_an_error_may_follow_the_work(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Slack warns that internal errors may have succeeded partly."""
    slack.faults.add("chat.postMessage", Fault(status=500, error="fatal_error", after=True))

    with pytest.raises(SlackApiError, match="fatal_error"):
        await post(client)

    assert len(slack.person("U0ROOS").messages(HERE)) == 1


async def test_an_answer_may_be_garbage_or_late(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """HTML instead of JSON, or the right answer after a while."""
    slack.faults.add("auth.test", Fault(garbage=True))
    async with session.post(f"{slack.api_url}auth.test") as response:
        assert "<html>" in await response.text()

    slack.faults.add("auth.test", Fault(delay=0.2))
    started = time.monotonic()
    await client.auth_test()
    assert time.monotonic() - started >= 0.2


async def test_slack_can_be_down_as_a_whole(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Every call is dropped until it is back."""
    slack.faults.down = True
    with pytest.raises(aiohttp.ClientError):
        await client.auth_test()

    slack.faults.clear()
    assert (await client.auth_test())["ok"]
