"""Socket Mode: a check of the token at start, one connection per process, a watchdog over it, and a graceful end.

Slack's client can retry a used address for ever and never gives up on a refused token (slack-platform.md 6.4), so the
watchdog first takes the address away from it, then builds a new connection.
"""

import asyncio
import contextlib
import time
from http import HTTPStatus

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.observe.metrics import SOCKET_CONNECTED
from bot.slack.transport.socket_client import Pace, PacedClient, not_opened
from bot.slack.web.calls import call
from bot.slack.web.identity import Identity, SlackUnreachable, TokenOfAnotherApp, TokenRefused

_log = structlog.get_logger(__name__)

_UNACKED = 3.0


class SocketMode:
    """The connection. It is checked every `tick` seconds; after `patience` seconds a dead address is taken away."""

    def __init__(
        self,
        *,
        bolt: AsyncApp,
        client: AsyncWebClient,
        app_token: str,
        identity: Identity,
        tick: float = 2.0,
        patience: float = 10.0,
        ping: float = 5.0,
        pace: Pace | None = None,
    ) -> None:
        self._bolt = bolt
        self._web = client
        self._app_token = app_token
        self._identity = identity
        self._tick = tick
        self._patience = patience
        self._ping = ping
        self._pace = pace or Pace()
        self._client: PacedClient | None = None
        self._unacked = 0
        self._connecting: asyncio.Task[None] | None = None
        self._up = False
        self._closing = False
        self._error = "not connected yet"

    @property
    def connected(self) -> bool:
        """Whether the connection was alive at the last check."""
        return self._up

    @property
    def error(self) -> str:
        """Return why there is no connection, empty while there is one."""
        return "" if self._up else self._error

    async def preflight(self) -> None:
        """Ask for an address to check the token; raises TokenRefused, SlackUnreachable.

        A token of another app gets an address too, but over that connection nothing from our app would arrive.
        """
        try:
            asked = self._web.apps_connections_open(app_token=self._app_token)
            await call("apps.connections.open", asked, error=not_opened)
        except (TokenRefused, SlackUnreachable) as error:
            self._error = str(error)
            raise
        if self._identity.known is not None:
            self._identity.known.check_app_token(self._app_token)

    async def keep(self) -> None:
        """Connect and stay connected for ever. Nothing is received before Slack has said who we are."""
        while (here := await self._identity.soon(within=10.0)) is None:  # noqa: ASYNC110 - Slack sets no event of ours
            await asyncio.sleep(self._tick)
        try:
            here.check_app_token(self._app_token)
        except TokenOfAnotherApp as error:  # Slack was unreachable at start, else `preflight` had raised
            self._note_error(f"SLACK_APP_TOKEN is wrong: {error.why}")
            await asyncio.Event().wait()
        await self._build()
        down_since: float | None = None
        while not self._closing:
            await asyncio.sleep(self._tick)
            alive = self._client is not None and await self._client.is_connected()
            self._note_state(alive=alive)
            if alive or self._closing:
                down_since = None
                continue
            down_since = down_since or time.monotonic()
            down_for = time.monotonic() - down_since
            if down_for >= self._patience * 2:
                await self._build()
                down_since = None
            elif down_for >= self._patience and self._client is not None:
                self._client.wss_uri = None

    async def close(self) -> None:
        """Wait a few seconds for acks that are still due, then disconnect."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNACKED):
                while self._unacked:  # noqa: ASYNC110 - a counter, checked for three seconds at most
                    await asyncio.sleep(0.02)
        if self._unacked:
            _log.warning("slack.envelopes_unacknowledged", count=self._unacked)
        await self._disconnect()

    async def _build(self) -> None:
        await self._disconnect()
        client = PacedClient(app_token=self._app_token, web_client=self._web, ping=self._ping, pace=self._pace)
        client.proxy = self._web.proxy  # its own reading of the environment ignores NO_PROXY
        client.socket_mode_request_listeners.append(self._receive)
        self._client = client
        self._connecting = asyncio.create_task(client.connect(), name="socket-mode-connect")  # type: ignore[no-untyped-call]

    async def _disconnect(self) -> None:
        self._up = False
        client, connecting = self._client, self._connecting
        self._client = self._connecting = None
        if client is not None:
            client.closed = True
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        if client is None:
            return
        rest = [client.message_processor, client.current_session_monitor, client.message_receiver]
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with asyncio.timeout(2.0):
                await client.close()  # type: ignore[no-untyped-call]
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await client.aiohttp_client_session.close()
        await asyncio.gather(*(task for task in rest if task is not None), return_exceptions=True)

    async def _receive(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self._unacked += 1
        started = time.time()
        try:
            here = self._identity.known
            if here is not None and not here.concerns(request.payload):
                _log.warning("slack.envelope_refused", why="another workspace or another app")
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
                return
            answer = await run_async_bolt_app(self._bolt, request)
            if answer.status != HTTPStatus.OK:
                _log.warning("slack.envelope_unreadable", status=answer.status)
            await send_async_response(client, request, answer, started)
        except (aiohttp.ClientError, ConnectionError, OSError) as error:
            _log.warning("slack.envelope_unanswered", error=type(error).__name__)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            _log.warning("slack.envelope_unreadable", error=type(error).__name__)
        finally:
            self._unacked -= 1

    def _note_state(self, *, alive: bool) -> None:
        if alive and not self._up:
            _log.info("slack.socket_connected")
        elif self._up and not alive:
            self._error = "the connection was lost"
            _log.warning("slack.socket_lost")
        if not alive and self._client is not None and self._client.failure is not None:
            self._note_error(str(self._client.failure))
        self._up = alive
        SOCKET_CONNECTED.set(alive)

    def _note_error(self, why: str) -> None:
        """Store why there is no connection, and log it once."""
        if why != self._error:
            self._error = why
            _log.warning("slack.socket_refused", error=why)
