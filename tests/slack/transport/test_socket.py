"""Socket Mode: found out about at start, kept up whatever happens to it, and ended without losing an answer."""

import asyncio
import io
import time
from collections.abc import AsyncIterator

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.bolt import bolt
from bot.slack.transport.socket import SocketMode
from bot.slack.transport.socket_client import Pace, PacedClient
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity, SlackUnreachable, TokenRefused
from tests.builders import ROOS
from tests.slack.harness import harness

CHANNEL = "C0UPGRADES"


@pytest.fixture
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy that does not exist."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    """Start a workspace that delivers through Socket Mode."""
    async with SimulatedSlack() as running:
        running.deliver_over_socket()
        yield running


@pytest.fixture
async def socket(slack: SimulatedSlack) -> AsyncIterator[SocketMode]:
    """Build a connection with short times, and have it kept up."""
    async with open_session(slack.api_url) as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client, pause=0.05)
        one = SocketMode(
            bolt=bolt(client=client, identity=identity, listeners=()),
            client=client,
            app_token=slack.app.app_token,
            identity=identity,
            tick=0.05,
            patience=0.3,
            ping=0.2,
            pace=Pace(shortest=0.1, longest=0.4),
        )
        keeping = asyncio.create_task(one.keep())
        yield one
        await one.close()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _until_connected(socket: SocketMode, *, within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        while not socket.connected:  # noqa: ASYNC110 - the connection sets no event
            await asyncio.sleep(0.02)


async def test_a_refused_token_is_known_before_anything_starts() -> None:
    """Slack's own client would try a refused token for ever, without a word."""
    async with SimulatedSlack() as slack, open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client)
        app = bolt(client=client, identity=identity, listeners=())
        refused = SocketMode(bolt=app, client=client, app_token="xapp-wrong", identity=identity)
        with pytest.raises(TokenRefused) as error:
            await refused.preflight()
        assert error.value.variable == "SLACK_APP_TOKEN"
        assert "xapp" not in str(error.value)

        accepted = SocketMode(bolt=app, client=client, app_token=slack.app.app_token, identity=identity)
        slack.deliver_over_socket()
        await accepted.preflight()
        slack.faults.add("apps.connections.open", Fault(status=503))
        with pytest.raises(SlackUnreachable):
            await accepted.preflight()


@pytest.mark.parametrize(
    ("token", "accepted"), [("xapp-1-A0OTHER-1-abc", False), ("xapp-1-A0UPGRADEBOT-1-abc", True), ("xapp-abc", True)]
)
async def test_a_token_of_another_app_is_known_before_anything_starts(
    slack: SimulatedSlack, token: str, *, accepted: bool
) -> None:
    """Slack opens a connection for it, over which nothing comes that people do here."""
    slack.app.app_token = token
    async with open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client)
        app = bolt(client=client, identity=identity, listeners=())
        socket = SocketMode(bolt=app, client=client, app_token=token, identity=identity, tick=0.05)
        await identity.learn()

        if accepted:
            await socket.preflight()
            return
        with pytest.raises(TokenRefused) as error:
            await socket.preflight()
        assert error.value.why == "the token belongs to the Slack app A0OTHER, and SLACK_BOT_TOKEN to A0UPGRADEBOT"

        keeping = asyncio.create_task(socket.keep())
        async with asyncio.timeout(60):
            while "A0OTHER" not in socket.error:  # noqa: ASYNC110 - the connection sets no event
                await asyncio.sleep(0.02)
        assert not keeping.done()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_it_connects_when_slack_is_back(slack: SimulatedSlack) -> None:
    """Slack away at start is waited for."""
    async with open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client, pause=0.05)
        app = bolt(client=client, identity=identity, listeners=())
        slack.faults.down = True
        socket = SocketMode(
            bolt=app, client=client, app_token=slack.app.app_token, identity=identity, tick=0.05, patience=0.2, ping=0.1
        )
        keeping = asyncio.create_task(socket.keep())
        async with asyncio.timeout(60):
            while not socket.error:  # noqa: ASYNC110 - the connection sets no event
                await asyncio.sleep(0.02)
        assert not socket.connected

        slack.faults.clear()
        await _until_connected(socket)

        assert socket.error == ""
        await socket.close()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_loopback_is_reached_without_the_environment_s_proxy(
    behind_a_proxy: None,  # noqa: ARG001 - for what it does before
    socket: SocketMode,
) -> None:
    """Slack's client looks into the environment by itself, and knows no exception."""
    async with asyncio.timeout(60):
        while not socket.connected:  # noqa: ASYNC110 - a socket sets no event
            await asyncio.sleep(0.01)


async def test_a_dead_address_is_given_up(slack: SimulatedSlack, socket: SocketMode) -> None:
    """A handshake that is refused uses the address up; the watchdog asks for another one."""
    await _until_connected(socket)
    slack.socket.refuse = 408
    await slack.socket.cut()
    async with asyncio.timeout(60):
        while socket.connected:  # noqa: ASYNC110 - the connection sets no event
            await asyncio.sleep(0.02)

    slack.socket.refuse = None
    await _until_connected(socket)
    await slack.connected()


async def test_an_app_token_that_is_revoked_while_running_is_named_until_it_works_again(
    slack: SimulatedSlack, socket: SocketMode, written: io.StringIO
) -> None:
    """Whoever looks at /readyz or the log learns which setting to change, not only that there is no connection."""
    await _until_connected(socket)
    slack.faults.add("apps.connections.open", Fault(error="token_revoked"), times=None)
    await slack.socket.cut()
    async with asyncio.timeout(60):
        while "SLACK_APP_TOKEN (token_revoked)" not in socket.error:  # noqa: ASYNC110 - a socket sets no event
            await asyncio.sleep(0.02)
    tried = slack.faults.calls["apps.connections.open"]
    async with asyncio.timeout(60):
        while slack.faults.calls["apps.connections.open"] < tried + 3:  # noqa: ASYNC110 - Slack sets no event of ours
            await asyncio.sleep(0.02)

    assert not socket.connected
    assert "upgrade-bot doctor" in socket.error
    assert written.getvalue().count("slack.socket_refused") == 1

    slack.faults.clear()
    await _until_connected(socket)
    assert socket.error == ""


async def test_a_socket_that_is_open_but_dead_is_noticed(slack: SimulatedSlack, socket: SocketMode) -> None:
    """Nothing is heard on it and no ping comes back: it is replaced."""
    await _until_connected(socket)
    handshakes = slack.socket.handshakes
    slack.socket.freeze()

    async with asyncio.timeout(60):
        while slack.socket.handshakes == handshakes:  # noqa: ASYNC110 - Slack sets no event of ours
            await asyncio.sleep(0.05)
    await _until_connected(socket)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets"])
async def test_a_refresh_leaves_one_connection(slack: SimulatedSlack, socket: SocketMode, reason: str) -> None:
    """Slack asks for a new connection every few hours."""
    await _until_connected(socket)
    await slack.socket.disconnect(reason)
    await asyncio.sleep(0.3)
    await _until_connected(socket)
    await slack.connected()

    async with asyncio.timeout(60):
        while len(slack.socket.connections) != 1:  # noqa: ASYNC110 - Slack sets no event of ours
            await asyncio.sleep(0.05)


async def test_two_words_of_goodbye_make_one_new_connection(slack: SimulatedSlack) -> None:
    """A second one would be heard by nobody, and swallow what Slack sends through it."""
    async with open_session() as session:
        web = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        client = PacedClient(app_token=slack.app.app_token, web_client=web, ping=5.0, pace=Pace(shortest=0.0))
        await client.connect()  # type: ignore[no-untyped-call]

        await asyncio.gather(client.connect_to_new_endpoint(force=True), client.connect_to_new_endpoint(force=True))
        handshakes = slack.socket.handshakes
        await client.close()  # type: ignore[no-untyped-call]

        assert handshakes == 2


async def test_connections_told_to_go_at_once_do_not_become_a_storm(slack: SimulatedSlack, socket: SocketMode) -> None:
    """While ten others hold every place, Slack is asked ever more seldom, and a free place is taken."""
    await _until_connected(socket)
    slack.socket.most = 0
    before, began = slack.socket.handshakes, time.monotonic()
    await slack.socket.cut()

    async with asyncio.timeout(60):
        while slack.socket.handshakes < before + 3:  # noqa: ASYNC110 - Slack sets no event of ours
            await asyncio.sleep(0.02)
    assert time.monotonic() - began >= 0.2 + 0.4

    slack.socket.most = 10
    await slack.connected()


async def test_answers_that_are_owed_are_given_before_the_end() -> None:
    """An envelope that is being worked on when the bot stops is still acknowledged."""
    async with harness("socket") as here:
        assert here.socket is not None
        here.slack.faults.add("users.info", Fault(delay=0.6))
        asking = asyncio.create_task(here.slack.person(ROOS).command(CHANNEL, "/schedule-upgrade help"))
        async with asyncio.timeout(60):
            while not here.slack.faults.calls["users.info"]:  # noqa: ASYNC110 - Slack sets no event of ours
                await asyncio.sleep(0.01)

        await here.socket.close()

        assert (await asking).ok


async def test_envelopes_for_another_workspace_are_ignored() -> None:
    """They are acknowledged, so that Slack does not repeat them, and nothing is done."""
    async with harness("socket") as here:
        here.slack.workspace.team_id, ours = "T0OTHER", here.slack.workspace.team_id
        outcome = await here.slack.person(ROOS).command(CHANNEL, "/schedule-upgrade help")
        here.slack.workspace.team_id = ours

        assert here.identity.known is not None
        assert here.identity.known.team_id == ours
        assert not [one for one in here.slack.state.messages.everything() if "opens the form" in str(one.text)]
        assert outcome is not None


async def test_both_ways_reach_the_same_listeners() -> None:
    """What Bolt answers does not depend on how it was asked."""
    async with harness("http") as here:
        body = {
            "command": "/schedule-upgrade",
            "text": "help",
            "user_id": ROOS,
            "team_id": here.slack.workspace.team_id,
        }
        answer = await here.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        assert answer.status == 200
        assert "opens the form" in str(answer.body)
