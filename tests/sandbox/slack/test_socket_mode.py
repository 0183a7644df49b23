import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import modal, section

HERE = "C0UPGRADES"


class Socket:
    """One connection, opened by hand."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def hear(self) -> dict[str, Any]:
        """Give the next message."""
        heard: dict[str, Any] = json.loads(await self.raw.receive_str(timeout=60))
        return heard

    async def acknowledge(self, envelope: dict[str, Any], payload: object = None) -> None:
        """Acknowledge an envelope."""
        reply = {"envelope_id": envelope["envelope_id"]} | ({"payload": payload} if payload else {})
        await self.raw.send_str(json.dumps(reply))


class Opener:
    """Opens connections, each with an address of its own."""

    def __init__(self, slack: SimulatedSlack, session: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self._slack, self._session, self._stack = slack, session, stack

    async def address(self) -> str:
        """Ask for an address."""
        client = AsyncWebClient(token=self._slack.app.app_token, base_url=self._slack.api_url, session=self._session)
        return str((await client.apps_connections_open(app_token=self._slack.app.app_token))["url"])

    async def __call__(self) -> Socket:
        """Open a connection."""
        raw = await self._stack.enter_async_context(self._session.ws_connect(await self.address(), autoping=False))
        return Socket(raw)


@pytest.fixture
async def connect(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(slack, session, stack)


async def test_slack_greets_a_connection(slack: SimulatedSlack, connect: Opener) -> None:
    """With the number of connections and debug information."""
    first = await (await connect()).hear()
    second = await (await connect()).hear()

    assert (first["type"], first["num_connections"], second["num_connections"]) == ("hello", 1, 2)
    assert first["debug_info"]["approximate_connection_time"] > 0
    assert first["connection_info"] == {"app_id": slack.app.id}


async def test_a_command_is_an_envelope_and_its_ack_may_answer(slack: SimulatedSlack, connect: Opener) -> None:
    """The payload of the ack is shown to the person."""
    socket = await connect()
    await socket.hear()

    asked = asyncio.create_task(slack.person("U0ROOS").command(HERE, "/schedule-upgrade help"))
    envelope = await socket.hear()
    await socket.acknowledge(envelope, {"text": "Help"})

    assert (await asked).ok
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["text"] == "help"
    assert (await slack.person("U0ROOS").private(HERE, "Help")).private


async def test_without_an_ack_the_person_sees_a_time_out(slack: SimulatedSlack, connect: Opener) -> None:
    """Three seconds; here a tenth of one."""
    slack.deliveries.patience = 0.1
    socket = await connect()
    await socket.hear()

    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")).error == "operation_timeout"


async def test_without_a_connection_nothing_can_be_dispatched(slack: SimulatedSlack) -> None:
    """At once."""
    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")).error == "dispatch_failed"


async def test_each_payload_goes_to_one_connection(slack: SimulatedSlack, connect: Opener) -> None:
    """Both get some; any of them may acknowledge, as a refreshed client does."""
    one, two = await connect(), await connect()
    for socket in (one, two):
        await socket.hear()

    first = asyncio.create_task(slack.person("U0ROOS").command(HERE, "/schedule-upgrade 1"))
    heard_by_one = await one.hear()
    second = asyncio.create_task(slack.person("U0ROOS").command(HERE, "/schedule-upgrade 2"))
    heard_by_two = await two.hear()
    await one.acknowledge(heard_by_two)
    await two.acknowledge(heard_by_one)

    assert (await first).ok
    assert (await second).ok


async def test_an_event_without_ack_is_sent_again(slack: SimulatedSlack, connect: Opener) -> None:
    """With attempt and reason, and the same event."""
    slack.deliveries.patience, slack.deliveries.retries = 0.05, (0.0, 0.0, 0.0)
    socket = await connect()
    await socket.hear()

    opening = asyncio.create_task(slack.person("U0ROOS").open_home())
    first = await socket.hear()
    second = await socket.hear()
    await socket.acknowledge(second)
    await opening

    assert (first["type"], first["accepts_response_payload"], first["retry_attempt"]) == ("events_api", False, 0)
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "http_timeout")
    assert first["payload"]["event_id"] == second["payload"]["event_id"]


async def test_eleven_connections_are_one_too_many(connect: Opener) -> None:
    """The eleventh is sent away."""
    for _ in range(10):
        await (await connect()).hear()

    eleventh = await connect()

    assert (await eleventh.hear())["reason"] == "too_many_websockets"
    assert (await eleventh.raw.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_slack_ends_a_connection_with_a_reason(slack: SimulatedSlack, connect: Opener, reason: str) -> None:
    """And closes it; nothing is sent to it any more."""
    socket = await connect()
    await socket.hear()

    leaving = asyncio.create_task(slack.socket.disconnect(reason))

    assert (await socket.hear())["reason"] == reason
    assert (await socket.raw.receive()).type is aiohttp.WSMsgType.CLOSE
    await leaving
    assert slack.socket.alive == []


async def test_a_connection_goes_some_seconds_after_its_warning(slack: SimulatedSlack, connect: Opener) -> None:
    """About ten; until then it is used, and one that was opened in the meantime stays."""
    assert slack.socket.warning_seconds == 10
    slack.socket.warning_seconds = 0.3
    socket = await connect()
    await socket.hear()

    await slack.socket.disconnect("warning")

    assert (await socket.hear())["reason"] == "warning"
    assert len(slack.socket.alive) == 1
    later = await connect()
    await later.hear()
    assert (await socket.raw.receive()).type is aiohttp.WSMsgType.CLOSE
    await slack.connected(1)
    assert len(slack.socket.alive) == 1


async def test_an_address_is_good_for_one_handshake(
    slack: SimulatedSlack, session: aiohttp.ClientSession, connect: Opener
) -> None:
    """A used one is refused, and so is every one when Slack has trouble."""
    address = await connect.address()
    async with session.ws_connect(address):
        pass
    with pytest.raises(aiohttp.WSServerHandshakeError, match="408"):
        await session.ws_connect(address)

    slack.socket.refuse = 503
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await session.ws_connect(await connect.address())


async def test_pings_are_answered_until_the_connection_is_dead(slack: SimulatedSlack, connect: Opener) -> None:
    """A dead one stays open: what is sent to it is lost."""
    slack.deliveries.patience = 0.1
    socket = await connect()
    await socket.hear()
    await socket.raw.ping(b"still there?")
    assert (await socket.raw.receive(timeout=60)).type is aiohttp.WSMsgType.PONG

    slack.socket.freeze()
    await socket.raw.ping(b"still there?")
    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")

    assert outcome.error == "operation_timeout"
    assert not socket.raw.closed
    with pytest.raises(TimeoutError):
        await socket.raw.receive(timeout=0.1)


async def test_slack_pings_too(slack: SimulatedSlack, connect: Opener) -> None:
    """So that clients notice a dead line."""
    slack.socket.ping_every = 0.02
    socket = await connect()
    await socket.hear()

    assert (await socket.raw.receive(timeout=60)).type is aiohttp.WSMsgType.PING


async def test_the_app_token_needs_its_scope_and_the_switch(slack: SimulatedSlack, connect: Opener) -> None:
    """connections:write, and Socket Mode switched on."""
    slack.app.app_scopes = ()
    with pytest.raises(SlackApiError, match="missing_scope"):
        await connect.address()

    slack.app.app_scopes = ("connections:write",)
    slack.deliver_over_http("http://127.0.0.1:9/")
    with pytest.raises(SlackApiError):
        await connect.address()


async def test_slacks_own_client_stays_connected_over_a_refresh(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    """It gets a new address and hears the next command; in between nothing is left behind."""
    web = AsyncWebClient(token=slack.app.app_token, base_url=slack.api_url, session=session)
    client = SocketModeClient(app_token=slack.app.app_token, web_client=web, ping_interval=1)

    async def answer(asked: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        response = SocketModeResponse(envelope_id=request.envelope_id, payload={"text": "Heard"})
        await asked.send_socket_mode_response(response)

    client.socket_mode_request_listeners.append(answer)
    await client.connect()  # type: ignore[no-untyped-call]
    await slack.connected()

    await slack.socket.disconnect("refresh_requested")
    await slack.connected()
    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")
    await client.close()  # type: ignore[no-untyped-call]

    assert outcome.ok
    assert slack.socket.handshakes == 2


async def test_a_submission_is_answered_in_the_ack(
    slack: SimulatedSlack, client: AsyncWebClient, connect: Opener
) -> None:
    """Response actions come back as the payload."""
    socket = await connect()
    await socket.hear()
    await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=modal(section()))

    sending = asyncio.create_task(slack.person("U0ROOS").submit())
    envelope = await socket.hear()
    await socket.acknowledge(envelope, {"response_action": "clear"})

    assert (await sending).result == "cleared"
    assert (envelope["type"], envelope["payload"]["type"]) == ("interactive", "view_submission")
