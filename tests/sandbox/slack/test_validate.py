import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import Json, button, field, home, modal, plain, section, text_input

ALERT = {"type": "alert", "text": plain("Frozen"), "level": "warning"}


async def problems(client: AsyncWebClient, name: str, value: object) -> list[Json]:
    """Ask blocks.validate and give its errors."""
    with pytest.raises(SlackApiError, match=f"invalid_{name}") as refused:
        await client.api_call("blocks.validate", json={name: json.dumps(value)})
    found: list[Json] = refused.value.response["errors"]
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blocks", [section()]),
        ("message", {"text": "Hello", "blocks": [section()]}),
        ("view", modal(section(), ALERT)),
        ("view", home(section())),
    ],
)
async def test_what_slack_would_take_is_valid(slack: SimulatedSlack, name: str, value: object) -> None:
    """No token is needed; the argument is JSON text or JSON."""
    client = AsyncWebClient(base_url=slack.api_url)

    assert (await client.api_call("blocks.validate", json={name: json.dumps(value)}))["ok"]
    assert (await client.api_call("blocks.validate", json={name: value}))["ok"]


async def test_each_problem_has_a_pointer_into_the_argument(client: AsyncWebClient) -> None:
    """Its code tells a missing field from a broken limit."""
    (long,) = await problems(client, "blocks", [section(), section("x" * 3001)])
    assert (long["code"], long["pointer"]) == ("failed_constraint", "/1/text/text")
    (missing,) = await problems(client, "view", modal(field("A", text_input()), title="A") | {"title": None})
    assert (missing["code"], missing["field"], missing["pointer"]) == ("missing_field", "title", "")
    (inside,) = await problems(client, "message", {"blocks": [section(accessory=button("x" * 76))]})
    assert inside["pointer"] == "/blocks/0/accessory/text/text"


async def test_exactly_one_argument_is_checked(client: AsyncWebClient) -> None:
    """None, two, too much and what is not JSON are refused."""
    for arguments in ({}, {"blocks": [section()], "view": home()}, {"blocks": [section("x" * 100_000)]}):
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("blocks.validate", json=arguments)
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await client.api_call("blocks.validate", json={"blocks": "["})


async def test_a_long_argument_does_not_fit_into_a_query_string(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    """A server refuses the long request line that the SDK's own asynchronous method makes."""
    client = AsyncWebClient(base_url=slack.api_url, session=session, retry_handlers=[])

    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await client.blocks_validate(blocks=[section("x" * 2000) for _ in range(10)])


async def test_a_workspace_may_not_know_the_alert_block_yet(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Views that hold it are refused as a whole, when they are opened, updated and validated."""
    opened = await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=modal(section()))
    slack.state.unsupported_blocks.add("alert")

    assert [one["pointer"] for one in await problems(client, "view", modal(ALERT))] == ["/blocks/0/type"]
    with pytest.raises(SlackApiError, match="invalid_arguments") as refused:
        await client.views_update(view_id=opened["view"]["id"], view=modal(ALERT))
    assert "unsupported type: alert" in str(refused.value.response["response_metadata"]["messages"])

    slack.state.unsupported_blocks.clear()
    await client.views_update(view_id=opened["view"]["id"], view=modal(ALERT))
    assert "Frozen" in await slack.person("U0ROOS").modal("Form")
