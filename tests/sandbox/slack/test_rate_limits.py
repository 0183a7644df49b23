import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.listening import ListeningApp


async def test_nothing_is_limited_until_asked_for(client: AsyncWebClient) -> None:
    """Tests may post as fast as they like."""
    for _ in range(5):
        await client.chat_postMessage(channel="C0UPGRADES", text="x")


async def test_a_channel_takes_one_message_a_second(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """429 with Retry-After, per channel; the refused one is not stored."""
    slack.limits.on = True
    await client.chat_postMessage(channel="C0UPGRADES", text="one")

    with pytest.raises(SlackApiError, match="ratelimited") as limited:
        await client.chat_postMessage(channel="C0UPGRADES", text="two")

    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel="C0PROD", text="elsewhere")
    assert len(slack.person("U0ROOS").messages("C0UPGRADES")) == 1


async def test_methods_have_their_tiers(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Tier 2 takes 20 a minute, tier 3 takes 50; they are counted apart."""
    slack.limits.on = True
    for _ in range(20):
        await client.usergroups_users_list(usergroup="S0PLATFORM")

    with pytest.raises(SlackApiError) as limited:
        await client.usergroups_users_list(usergroup="S0PLATFORM")

    assert 1 <= int(limited.value.response.headers["Retry-After"]) <= 60
    for _ in range(50):
        await client.conversations_info(channel="C0UPGRADES")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.conversations_info(channel="C0UPGRADES")


async def test_a_response_url_takes_one_answer_a_second(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """As incoming webhooks do."""
    slack.limits.on = True
    await slack.person("U0ROOS").command("C0UPGRADES", "/schedule-upgrade")
    webhook = AsyncWebhookClient(listening.last["response_url"])

    assert [(await webhook.send(text="x")).status_code for _ in range(2)] == [200, 429]
