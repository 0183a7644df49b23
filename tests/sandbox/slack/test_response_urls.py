import asyncio

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import actions, button, section
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"


async def url_of_a_command(slack: SimulatedSlack, listening: ListeningApp) -> str:
    await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")
    return str(listening.last["response_url"])


async def test_an_answer_is_private_by_default(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Unless it says in_channel."""
    webhook = AsyncWebhookClient(await url_of_a_command(slack, listening))

    assert (await webhook.send(text="Only you")).body == "ok"
    await webhook.send(text="Everybody", response_type="in_channel")

    assert (await slack.person("U0ROOS").message(HERE, "Only you")).private
    assert [one.text for one in slack.person("U0SEM").messages(HERE)] == ["Everybody"]


async def test_a_private_answer_is_replaced_or_deleted_through_the_url(
    slack: SimulatedSlack, listening: ListeningApp
) -> None:
    """The chain of one command knows its own message."""
    webhook = AsyncWebhookClient(await url_of_a_command(slack, listening))
    await webhook.send(text="One moment")

    await webhook.send(text="Done", replace_original=True)
    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["Done"]

    await webhook.send(delete_original=True)
    assert slack.person("U0ROOS").messages(HERE) == []


async def test_a_press_can_replace_the_message_it_came_from(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Without asking for it, the answer stands beside it."""
    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button("Approve"))])
    await slack.person("U0SEM").press(HERE, str(posted["ts"]), "Approve")
    webhook = AsyncWebhookClient(listening.last["response_url"])

    await webhook.send(text="Not you")
    assert slack.person("U0SEM").messages(HERE)[0].text == "Card"

    await webhook.send(text="Approved", replace_original=True)
    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["Approved"]


async def test_a_switch_may_come_as_text(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """The text "false" is false."""
    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button("Approve"))])
    await slack.person("U0SEM").press(HERE, str(posted["ts"]), "Approve")
    webhook = AsyncWebhookClient(listening.last["response_url"])

    await webhook.send_dict({"text": "Beside it", "replace_original": "false", "response_type": "in_channel"})
    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["Card", "Beside it"]

    await webhook.send_dict({"text": "In its place", "replace_original": "true"})
    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["In its place", "Beside it"]


async def test_a_message_can_be_deleted_and_followed_by_another(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """delete_original with a text posts the text as a new message."""
    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button("Approve"))])
    await slack.person("U0SEM").press(HERE, str(posted["ts"]), "Approve")

    webhook = AsyncWebhookClient(listening.last["response_url"])
    await webhook.send(text="Another", delete_original=True, response_type="in_channel")

    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["Another"]


async def test_a_url_works_where_the_bot_is_no_member(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """It needs no permission to post."""
    await slack.person("U0ROOS").command("C0GENERAL", "/schedule-upgrade help")

    await AsyncWebhookClient(listening.last["response_url"]).send(text="Help")

    assert (await slack.person("U0ROOS").private("C0GENERAL", "Help")).private


async def test_a_url_works_five_times(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The sixth is refused."""
    webhook = AsyncWebhookClient(await url_of_a_command(slack, listening))
    for number in range(5):
        assert (await webhook.send(text=str(number))).status_code == 200

    refused = await webhook.send(text="six")

    assert (refused.status_code, "used_url" in refused.body) == (404, True)


async def test_a_url_expires(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """After half an hour; here after a twentieth of a second."""
    assert slack.state.urls.life == 1800
    slack.state.urls.life = 0.05
    webhook = AsyncWebhookClient(await url_of_a_command(slack, listening))
    await asyncio.sleep(0.1)

    refused = await webhook.send(text="late")

    assert (refused.status_code, "expired_url" in refused.body) == (404, True)


@pytest.mark.parametrize(
    "refusal",
    [
        ("no json", 400, "invalid_payload"),
        ("[]", 400, "invalid_payload"),
        ('{"text": "x", "channel": "C0PROD"}', 400, "invalid_payload"),
        ('{"text": ""}', 500, "no_text"),
        ('{"text": "x", "blocks": [{"type": "carousel"}]}', 500, "invalid_blocks"),
    ],
)
async def test_what_cannot_be_read_is_refused(
    slack: SimulatedSlack, listening: ListeningApp, session: aiohttp.ClientSession, refusal: tuple[str, int, str]
) -> None:
    """With a name for each mistake."""
    body, status, error = refusal
    async with session.post(await url_of_a_command(slack, listening), data=body) as response:
        assert (response.status, (await response.json())["error"]) == (status, error)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("plain words", "plain words"),
        ({"text": "in JSON"}, "in JSON"),
        ({"text": "with blocks", "blocks": [section("drawn")]}, "drawn"),
    ],
)
async def test_the_ack_of_a_command_may_answer(
    slack: SimulatedSlack,
    listening: ListeningApp,
    answer: object,
    shown: str,
) -> None:
    """Text or a message in the answer's body is shown to that person only."""
    listening.answers = [answer]

    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade help")

    assert outcome.ok
    (message,) = slack.person("U0ROOS").messages(HERE)
    assert (message.shown, message.private) == (shown, True)
    assert slack.person("U0SEM").messages(HERE) == []


async def test_the_ack_of_a_command_may_answer_in_the_channel(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """When it says so; the command then stands there as its writer's message, alone when there is no text."""
    listening.answers = [{"text": "For all", "response_type": "in_channel"}, {"response_type": "in_channel"}]

    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade list")).ok
    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade help")).ok

    said = [(one.user, one.text) for one in slack.person("U0SEM").messages(HERE)]
    assert said == [
        ("U0ROOS", "/schedule-upgrade list"),
        (slack.app.bot_user_id, "For all"),
        ("U0ROOS", "/schedule-upgrade help"),
    ]


async def test_an_ack_that_slack_cannot_show_is_an_error(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The person sees that the command failed."""
    listening.answers = [{"text": "x", "blocks": [{"type": "carousel"}]}]

    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade list")

    assert not outcome.ok
    assert "failed" in await slack.person("U0ROOS").private(HERE)
