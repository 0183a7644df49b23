"""Socket Mode: connections opened by the bot, envelopes on any one of them, acknowledgements by envelope id."""

import asyncio
import itertools
import json
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import aiohttp
from aiohttp import web

from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.delivery.answers import ACK_SECONDS, ENVELOPES, FAILED, TIMED_OUT, Answer, Delivery
from bot.sandbox.slack.errors import Json, SlackError

MOST_CONNECTIONS = 10
WARNING_SECONDS = 10.0
_GOING_AWAY = 1001


class Connection:
    """One WebSocket that the bot opened. A dead one stays open, but nothing goes through it any more."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.id = secrets.token_hex(4)
        self.socket = socket
        self.dead = False
        self.leaving = False

    async def say(self, message: Json) -> bool:
        """Send a message; False when it could not be sent."""
        if self.dead:
            return True
        try:
            await self.socket.send_str(json.dumps(message))
        except (ConnectionError, RuntimeError):
            return False
        return True


class SocketDelivery:
    """All connections of the app."""

    name = "socket"

    def __init__(self, app: InstalledApp) -> None:
        self._app = app
        self._short_lived_tokens: set[str] = set()
        self._waiting: dict[str, asyncio.Future[object]] = {}
        self._turn = itertools.count()
        self.connections: list[Connection] = []
        self.patience = ACK_SECONDS
        self.ping_every = 10.0
        self.refuse: int | None = None
        """Answer every handshake with this HTTP status."""
        self.most = MOST_CONNECTIONS
        self.handshakes = 0
        self.life_seconds = 18060
        self.warning_seconds = WARNING_SECONDS
        self._closing: set[asyncio.Task[None]] = set()
        self.changed: Callable[[], None] = lambda: None
        """Called whenever a connection came or went."""

    def routes(self) -> list[web.RouteDef]:
        """Mount these."""
        return [web.get("/link/", self._serve)]

    def ticket(self, address: str) -> str:
        """Give a fresh WebSocket address, good for one handshake."""
        if not self._app.socket_mode:
            raise SlackError("forbidden_team")
        ticket = secrets.token_urlsafe(16)
        self._short_lived_tokens.add(ticket)
        return f"{address.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._app.id}"

    @property
    def alive(self) -> list[Connection]:
        """The connections that Slack would send to; it can't know which are dead."""
        return [connection for connection in self.connections if not connection.leaving]

    async def send(self, delivery: Delivery) -> Answer:
        """One attempt, on one of the connections."""
        alive = self.alive
        if not alive:
            return Answer(error=FAILED, reason="connection_failed")
        envelope_id = str(uuid.uuid4())
        reply = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            if not await alive[next(self._turn) % len(alive)].say(_envelope(delivery, envelope_id)):
                return Answer(error=FAILED, reason="connection_failed")
            body = await asyncio.wait_for(reply, self.patience)
        except TimeoutError:
            return Answer(error=TIMED_OUT, reason="http_timeout")
        finally:
            del self._waiting[envelope_id]
        return Answer(status=HTTPStatus.OK, body=body or None)

    async def disconnect(self, reason: str = "refresh_requested", *, grace: float = 0.0) -> None:
        """Ask every connection to go, and close it: after a ``warning`` by itself, in about ten seconds."""
        leaving = list(self.connections)
        for connection in leaving:
            await connection.say(_goodbye(reason))
            connection.leaving = reason != "warning"
        if reason == "warning":
            task = asyncio.create_task(self._close_later(leaving))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return
        await asyncio.sleep(grace)
        await self._close(leaving)

    def freeze(self) -> None:
        """Leave every connection open but dead: nothing is sent, nothing is heard, no ping is answered."""
        for connection in self.connections:
            connection.dead = True

    async def cut(self) -> None:
        """Close every connection without a word."""
        for task in self._closing:
            task.cancel()
        await self._close(list(self.connections))

    async def _close_later(self, connections: list[Connection]) -> None:
        await asyncio.sleep(self.warning_seconds)
        await self._close([one for one in connections if one in self.connections])

    async def _close(self, connections: list[Connection]) -> None:
        for connection in connections:
            connection.leaving = True
            if connection.dead:
                connection.dead = False
            with suppress(ConnectionError, RuntimeError, TimeoutError):
                async with asyncio.timeout(1):
                    await connection.socket.close(code=_GOING_AWAY)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        ticket = request.query.get("ticket", "")
        if self.refuse is not None:
            return web.Response(status=self.refuse)
        if ticket not in self._short_lived_tokens:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        self._short_lived_tokens.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket)
        if len(self.alive) >= self.most:
            await connection.say(_goodbye("too_many_websockets"))
            await socket.close()
            return socket
        self.connections.append(connection)
        self.changed()
        pinger = asyncio.create_task(self._ping(connection))
        try:
            await connection.say(_hello(self._app, connections=len(self.alive), life_seconds=self.life_seconds))
            async for message in socket:
                await self._hear(connection, message)
        finally:
            pinger.cancel()
            self.connections.remove(connection)
            self.changed()
        return socket

    async def _hear(self, connection: Connection, message: aiohttp.WSMessage) -> None:
        if connection.dead:
            return
        if message.type is aiohttp.WSMsgType.PING:
            await connection.socket.pong(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            with suppress(json.JSONDecodeError):
                self._acknowledge(json.loads(message.data))

    def _acknowledge(self, reply: object) -> None:
        if not isinstance(reply, dict):
            return
        waiting = self._waiting.get(str(reply.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(reply.get("payload"))

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self.ping_every)
            if not connection.dead:
                with suppress(ConnectionError):
                    await connection.socket.ping(b"Ping from simulated Slack")


def _hello(app: InstalledApp, *, connections: int, life_seconds: int) -> Json:
    """Greet a connection."""
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {"host": "simulated-slack", "build_number": 1, "approximate_connection_time": life_seconds},
        "connection_info": {"app_id": app.id},
    }


def _envelope(delivery: Delivery, envelope_id: str) -> Json:
    """Wrap a delivery; the bot acknowledges it by its id."""
    wrapped: Json = {
        "envelope_id": envelope_id,
        "type": ENVELOPES.get(delivery.kind, "interactive"),
        "accepts_response_payload": delivery.kind not in {"event", "view_closed"},
        "payload": delivery.payload,
    }
    if delivery.kind == "event":
        wrapped |= {"retry_attempt": delivery.retry, "retry_reason": delivery.retry_reason}
    return wrapped


def _goodbye(reason: str) -> Json:
    """Ask a connection to go."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "simulated-slack"}}
