import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import actions, button, field, home, modal, option, section, select, text_input
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"


class Page:
    """What the page in a browser can ask."""

    def __init__(self, slack: SimulatedSlack, session: aiohttp.ClientSession) -> None:
        self._url, self._session = slack.url, session

    async def get(self, path: str) -> Any:  # noqa: ANN401
        """Give what is read."""
        async with self._session.get(self._url + path) as response:
            response.raise_for_status()
            return await response.json()

    async def post(self, path: str, **body: object) -> Any:  # noqa: ANN401
        """Do something, and give the answer."""
        async with self._session.post(self._url + path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def events(self, path: str) -> AsyncGenerator[dict[str, Any], None]:
        """Give what comes, as it comes."""
        async with self._session.get(self._url + path) as response:
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])


@pytest.fixture
def web_page(slack: SimulatedSlack, session: aiohttp.ClientSession) -> Page:
    return Page(slack, session)


async def test_there_are_six_people_in_six_zones(web_page: Page) -> None:
    """A requester, two approvers, somebody on call, a guest and a stranger."""
    people = await web_page.get("/people")

    assert [person["kind"] for person in people].count("member") == 4
    assert {person["kind"] for person in people} == {"member", "guest", "stranger"}
    assert len({person["tz"] for person in people}) == 6


async def test_everybody_sees_their_own_workspace(
    slack: SimulatedSlack, client: AsyncWebClient, web_page: Page
) -> None:
    """Channels, unread marks and mentions differ; reading clears them."""
    posted = await client.chat_postMessage(channel=HERE, text="<@U0SEM> look")
    sem = await web_page.get("/people/U0SEM/workspace")
    vera = await web_page.get("/people/U0VERA/workspace")

    here = next(channel for channel in sem["channels"] if channel["id"] == HERE)
    assert (here["unread"], here["mention"], here["member"]) == (1, True, True)
    assert [channel["id"] for channel in vera["channels"]] == ["C0PARTNER"]
    assert sem["app"]["command"] == "/schedule-upgrade"
    assert sem["users"][slack.app.bot_user_id]["bot"] is True
    assert sem["usergroups"]["S0ONCALL"]["handle"] == "on-call"
    assert sem["dms"][0]["user"] == slack.app.bot_user_id
    assert (vera["dms"], vera["app"]["command"]) == ([], "")

    await web_page.post("/people/U0SEM/read", channel=HERE, ts=posted["ts"])
    sem = await web_page.get("/people/U0SEM/workspace")
    assert next(channel for channel in sem["channels"] if channel["id"] == HERE)["unread"] == 0


async def test_a_conversation_comes_in_pages(client: AsyncWebClient, web_page: Page) -> None:
    """The newest ones, oldest first; threads apart."""
    for number in range(5):
        last = await client.chat_postMessage(channel=HERE, text=str(number))
    await client.chat_postMessage(channel=HERE, text="reply", thread_ts=last["ts"])

    newest = await web_page.get(f"/people/U0ROOS/conversations/{HERE}?limit=2")
    older = await web_page.get(f"/people/U0ROOS/conversations/{HERE}?limit=9&before={newest['messages'][0]['ts']}")
    thread = await web_page.get(f"/people/U0ROOS/conversations/{HERE}/thread/{last['ts']}")

    assert [message["text"] for message in newest["messages"]] == ["3", "4"]
    assert (newest["more"], older["more"]) == (True, False)
    assert [message["text"] for message in older["messages"]] == ["0", "1", "2"]
    assert [message["text"] for message in thread["messages"]] == ["4", "reply"]
    assert newest["messages"][-1]["reply_count"] == 1


@pytest.mark.parametrize("path", ["/people/U0NOBODY/workspace", f"/people/U0VERA/conversations/{HERE}"])
async def test_nobody_looks_where_they_are_not(web_page: Page, path: str) -> None:
    """Unknown people and conversations of others are not found."""
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await web_page.get(path)


async def test_other_pages_cannot_act_here(slack: SimulatedSlack, session: aiohttp.ClientSession) -> None:
    """A form of some web page can't send JSON, and nothing else is taken."""
    async with session.post(f"{slack.url}/people/U0ROOS/message", data='{"channel": "C0UPGRADES"}') as response:
        assert response.status == 415


async def test_the_whole_story_can_be_clicked(client: AsyncWebClient, listening: ListeningApp, web_page: Page) -> None:
    """Command, modal, choice, options, submission with errors, message, press."""
    me = "/people/U0ROOS"
    assert await web_page.post(f"{me}/command", channel=HERE, text="/schedule-upgrade") == {"ok": True}
    external = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    fields = (field("Version", select("1", "2"), dispatch_action=True), field("Cluster", external))
    view = (
        await client.views_open(
            trigger_id=listening.last["trigger_id"], view=modal(*fields, field("Reason", text_input()))
        )
    )["view"]
    (shown,) = (await web_page.get(f"{me}/workspace"))["modals"]
    assert shown["state"]["values"]["reason"] == {"text": {"type": "plain_text_input", "value": None}}

    one = {"text": {"type": "plain_text", "text": "2", "emoji": True}, "value": "2"}
    typed = {"reason": {"text": {"type": "plain_text_input", "value": "half"}}}
    chosen = await web_page.post(
        f"{me}/action",
        container={"type": "view", "view_id": view["id"]},
        block_id="version",
        action={"type": "static_select", "action_id": "pick", "selected_option": one},
        state={"values": typed},
    )
    assert chosen == {"ok": True}
    values = listening.last["view"]["state"]["values"]
    assert values["version"]["pick"]["selected_option"] == one
    assert values["reason"]["text"]["value"] == "half"

    listening.answers = [{"options": [option("acme")]}]
    offered = await web_page.post(f"{me}/options", view_id=view["id"], block_id="cluster", action_id="find", value="ac")
    assert (offered["ok"], offered["options"][0]["value"]) == (True, "acme")

    listening.answers = [{"response_action": "errors", "errors": {"reason": "No."}}]
    picked = {"cluster": {"find": {"type": "external_select", "selected_option": option("acme")}}}
    told = await web_page.post(f"{me}/submit", view_id=view["id"], state={"values": typed | picked})
    assert told == {"ok": True, "outcome": "errors", "errors": {"reason": "No."}}

    listening.answers = []
    told = await web_page.post(f"{me}/submit", view_id=view["id"], state={"values": {}})
    assert told == {"ok": True, "outcome": "closed", "errors": {}}

    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button(), block_id="b")])
    pressed = await web_page.post(
        "/people/U0SEM/action",
        container={"type": "message", "channel": HERE, "ts": posted["ts"]},
        block_id="b",
        action={"type": "button", "action_id": "approve", "value": "forged"},
        state={"values": {}},
    )
    assert pressed == {"ok": True}
    assert listening.last["actions"][0]["value"] == "1"


async def test_what_is_not_there_cannot_be_used(client: AsyncWebClient, slack: SimulatedSlack, web_page: Page) -> None:
    """Views of others, unknown blocks, unseen messages."""
    view = (await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=modal(section())))["view"]
    posted = await client.chat_postMessage(channel="C0PROD", text="Card", blocks=[actions(button(), block_id="b")])
    press = {"type": "button", "action_id": "approve"}

    for me, container in (
        ("U0SEM", {"type": "view", "view_id": view["id"]}),
        ("U0ROOS", {"type": "view", "view_id": view["id"]}),
        ("U0VERA", {"type": "message", "channel": "C0PROD", "ts": posted["ts"]}),
    ):
        told = await web_page.post(f"/people/{me}/action", container=container, block_id="b", action=press)
        assert told == {"ok": False, "error": "not_found"}


async def test_changes_come_as_events(slack: SimulatedSlack, client: AsyncWebClient, web_page: Page) -> None:
    """Messages, edits, deletions, modals and Homes, each to whom it concerns."""
    events = web_page.events("/people/U0ROOS/events")
    reading = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.1)

    posted = await client.chat_postMessage(channel=HERE, text="Card")
    first = await asyncio.wait_for(reading, 60)
    await client.chat_postEphemeral(channel=HERE, user="U0SEM", text="Only Sem")
    await client.chat_update(channel=HERE, ts=posted["ts"], text="Changed")
    await client.chat_delete(channel=HERE, ts=posted["ts"])
    await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=modal(section()))
    await client.views_publish(user_id="U0ROOS", view=home(section()))
    rest = [await asyncio.wait_for(anext(events), 60) for _ in range(4)]
    await events.aclose()

    assert (first["type"], first["message"]["text"]) == ("message", "Card")
    assert [event["type"] for event in rest] == ["message_changed", "message_deleted", "modals", "home"]


async def test_people_can_talk(web_page: Page) -> None:
    """In channels where they are, in threads too; not in archived ones."""
    said = await web_page.post("/people/U0ROOS/message", channel=HERE, text="Hello")
    replied = await web_page.post("/people/U0SEM/message", channel=HERE, text="Hi", thread_ts=said["ts"])
    refused = await web_page.post("/people/U0VERA/message", channel=HERE, text="Hi")
    archived = await web_page.post("/people/U0ROOS/message", channel="C0OLDNEWS", text="Hi")

    assert said["ok"]
    assert replied["ok"]
    assert refused == {"ok": False, "error": "not_in_channel"}
    assert archived == {"ok": False, "error": "is_archived"}


async def test_the_home_can_be_opened_and_read(client: AsyncWebClient, web_page: Page, listening: ListeningApp) -> None:
    """The bot hears of it and publishes."""
    assert await web_page.get("/people/U0ROOS/home") == {"view": None}
    assert await web_page.post("/people/U0ROOS/home") == {"ok": True}
    await client.views_publish(user_id=listening.last["event"]["user"], view=home(section("Upcoming")))

    assert (await web_page.get("/people/U0ROOS/home"))["view"]["blocks"][0]["text"]["text"] == "Upcoming"
    assert (await web_page.get("/people/U0ROOS/workspace"))["home_opened"] is True


async def test_the_wire_shows_both_directions_and_no_secret(
    slack: SimulatedSlack, client: AsyncWebClient, web_page: Page, listening: ListeningApp
) -> None:
    """Deliveries with the time to the ack, and calls; tokens, triggers and response URLs are hidden."""
    entries = web_page.events("/wire/events")
    reading = asyncio.ensure_future(anext(entries))
    await asyncio.sleep(0.1)

    await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")
    live = await asyncio.wait_for(reading, 60)
    await entries.aclose()
    await client.views_open(trigger_id=listening.last["trigger_id"], view=modal(section()))
    async with aiohttp.ClientSession() as other:
        await other.post(listening.last["response_url"], json={"text": f"token {slack.app.bot_token}"})
        await other.post(f"{slack.api_url}auth.test", data={"token": slack.app.bot_token})

    shown = (await web_page.get("/wire"))["entries"]
    assert [entry["kind"] for entry in shown] == ["command", "api", "response_url", "api"]
    assert live == shown[0]
    assert shown[0].items() >= {"direction": "to_bot", "who": "U0ROOS", "transport": "http", "ok": True}.items()
    assert shown[0]["ms"] > 0
    text = json.dumps(shown)
    for secret in (slack.app.bot_token, listening.last["trigger_id"], listening.last["response_url"]):
        assert secret not in text
