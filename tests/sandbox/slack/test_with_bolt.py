from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import actions, button, field, home, modal, option, section, text_input

HERE = "C0UPGRADES"
FORM = modal(
    field("Cluster", {"type": "external_select", "action_id": "cluster", "min_query_length": 0}, dispatch_action=True),
    field("Reason", text_input()),
    title="Schedule upgrade",
)


def small_bot(client: AsyncWebClient, signing_secret: str) -> AsyncApp:
    """Give a bot that asks for a cluster and a reason, posts a card, and thanks whoever approves."""
    app = AsyncApp(client=client, signing_secret=signing_secret)

    async def command(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def options(ack: AsyncAck) -> None:
        await ack(options=[option("acme-prod"), option("acme-test")])

    async def chosen(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        view, picked = body["view"], body["actions"][0]["selected_option"]["value"]
        with_line = modal(*FORM["blocks"], section(f"Chosen: {picked}"), title="Schedule upgrade")
        await client.views_update(view_id=view["id"], hash=view["hash"], view=with_line)

    async def submitted(ack: AsyncAck, view: dict[str, Any], client: AsyncWebClient) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if reason == "no":
            await ack(response_action="errors", errors={"reason": "Say why."})
            return
        await ack()
        await client.chat_postMessage(channel=HERE, text=f"Card: {reason}", blocks=[section(reason), actions(button())])

    async def approved(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond("Thank you", response_type="ephemeral", replace_original=False)

    async def opened(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view=home(section("Nothing yet")))

    app.command("/schedule-upgrade")(command)
    app.options("cluster")(options)
    app.action("cluster")(chosen)
    app.view("form")(submitted)
    app.action("approve")(approved)
    app.event("app_home_opened")(opened)
    return app


@pytest.fixture(params=["http", "socket"])
async def connected(
    request: pytest.FixtureRequest, slack: SimulatedSlack, session: aiohttp.ClientSession
) -> AsyncIterator[SimulatedSlack]:
    """Give the workspace with the small bot behind it, over either transport."""
    client = AsyncWebClient(token=slack.app.bot_token, base_url=slack.api_url, session=session)
    app = small_bot(client, slack.app.signing_secret)
    if request.param == "socket":
        app_client = AsyncWebClient(token=slack.app.app_token, base_url=slack.api_url, session=session)
        handler = AsyncSocketModeHandler(app, slack.app.app_token, web_client=app_client)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        yield slack
        await handler.close_async()  # type: ignore[no-untyped-call]
        return
    runner = web.AppRunner(app.web_app(path="/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_over_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield slack
    await runner.cleanup()


async def test_a_bolt_app_lives_here_as_in_slack(connected: SimulatedSlack) -> None:
    """From the command to the thanks, over real HTTP and Socket Mode."""
    roos, sem = connected.person("U0ROOS"), connected.person("U0SEM")

    await roos.command(HERE, "/schedule-upgrade")
    await roos.modal("Schedule upgrade")
    await roos.fill("Reason", "no")
    await roos.choose("Cluster", "acme-prod")
    shown = await roos.modal(containing="Chosen: acme-prod")
    assert (shown.field("Reason").value, shown.field("Cluster").shown) == ("no", "acme-prod")

    assert (await roos.submit()).errors == {"Reason": "Say why."}
    await roos.fill("Reason", "security fix")
    assert (await roos.submit()).result == "closed"

    card = await sem.message(HERE, "security fix")
    assert (await sem.press(HERE, card.ts, "Approve")).ok
    assert (await sem.private(HERE, "Thank you")).private
    assert "Nothing yet" in await roos.home("Nothing yet")
