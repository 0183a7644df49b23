import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.people.seen import NotShownError
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.workspace import Person
from tests.sandbox.slack.blocks import actions, button, field, modal, select, text_input
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"


async def test_looking_waits_for_what_comes_later(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """A test need not sleep."""
    looking = asyncio.create_task(slack.person("U0ROOS").message(HERE, "Reminder"))
    await asyncio.sleep(0)

    await client.chat_postMessage(channel=HERE, text="Card")
    await client.chat_postMessage(channel=HERE, text="Reminder")

    assert (await looking).text == "Reminder"


async def test_what_never_comes_fails_with_what_was_there(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The failure can be read without looking further."""
    await client.chat_postMessage(channel=HERE, text="Card for acme")

    with pytest.raises(NotShownError, match="Card for acme"):
        await slack.person("U0ROOS").message(HERE, "Reminder", within=0.05)
    with pytest.raises(NotShownError, match="after all"):
        await slack.person("U0ROOS").no_message(HERE, "Card", within=0.05)
    await slack.person("U0ROOS").no_message(HERE, "Reminder", within=0.05)
    with pytest.raises(NotShownError, match="a modal"):
        await slack.person("U0ROOS").modal(within=0.05)


async def test_fields_and_options_are_found_by_what_a_person_reads(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """By label, and by text, value or an unmistakable part; else the failure lists what there is."""
    view = modal(field("Version", select("1.31.4 (recommended)", "1.30.9")), field("Reason", text_input()))
    await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=view)
    roos = slack.person("U0ROOS")

    assert (await roos.choose("Version", "recommended")).field("Version").shown == "1.31.4 (recommended)"
    assert (await roos.clear("Version")).field("Version").value is None
    for label, value, named in (("Version", "1.3", "1.30.9"), ("Cluster", "x", "Reason")):
        with pytest.raises(NotShownError, match=named):
            await roos.choose(label, value)


async def test_an_answer_can_be_put_into_the_thread(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """By thread_ts, in the channel."""
    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button())])
    await slack.person("U0SEM").press(HERE, str(posted["ts"]), "Approve")
    body = {"text": "In the thread", "response_type": "in_channel", "thread_ts": posted["ts"]}

    await AsyncWebhookClient(listening.last["response_url"]).send_dict(body)

    assert not (await slack.person("U0ROOS").reply(HERE, str(posted["ts"]), "In the thread")).private


async def test_the_workspace_can_be_changed_while_it_runs(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """People come and go, groups and channels change, and Slack's answers follow."""
    slack.workspace.add_person(Person(id="U0NEW", name="new", real_name="New"), channels=[HERE])
    slack.workspace.remove_from_group("S0PLATFORM", "U0SEM")
    slack.workspace.deactivate("U0KIM")
    await client.chat_postMessage(channel=HERE, text="Hello")

    assert len(slack.person("U0NEW").messages(HERE)) == 1
    assert (await client.usergroups_users_list(usergroup="S0PLATFORM"))["users"] == ["U0KIM"]
    assert (await client.users_info(user="U0KIM"))["user"]["deleted"] is True


async def test_socket_addresses_are_not_shown_on_the_wire(slack: SimulatedSlack) -> None:
    """They are secrets as tokens are."""
    client = AsyncWebClient(token=slack.app.app_token, base_url=slack.api_url)

    address = (await client.apps_connections_open(app_token=slack.app.app_token))["url"]

    assert str(address) not in str(slack.wire.entries)
    assert slack.wire.entries[-1]["response"] == {"ok": True, "url": "…"}
