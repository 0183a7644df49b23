"""The aiohttp application: Slack's requests, and for operators health, readiness and metrics."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bot.connections import PATIENCE, Connections

_AIOHTTP = logging.getLogger("aiohttp.server")
SLACK_PATH = "/slack/events"
CALENDAR_PATH = "/calendar.ics"
_LARGEST = 2 * 1024 * 1024
_GRACE = 3.0
_KEPT = 1.5
"""Seconds for which findings and metrics are given out again, however many ask for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found. Only a `vital` one that is not well makes the bot not ready.

    Whoever reaches the port may read `text`. Names of organisations and channels, and what a driver said, stand in
    `private`, which only the log shows.
    """

    well: bool
    text: str
    private: str = ""
    vital: bool = True
    since: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as /readyz shows it."""
        since = {"since": self.since.isoformat()} if self.since else {}
        return {"ok": self.well, "detail": self.text, "vital": self.vital, **since}


Check = Callable[[], Awaitable[Finding]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SlackHandler = Callable[[web.Request, Callable[[], None]], Awaitable[web.StreamResponse]]
"""Answers a request of Slack's, and calls the second argument once the request has proven to be that."""


class Lookout:
    """Runs the checks for whoever asks: one look at a time, whose findings are kept for a moment."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._looking: asyncio.Task[Mapping[str, Finding]] | None = None
        self._until = 0.0

    async def read(self) -> Mapping[str, Finding]:
        """Return what every check finds."""
        if self._looking is None or (self._looking.done() and time.monotonic() >= self._until):
            self._looking = asyncio.create_task(self._read())
        return await asyncio.shield(self._looking)

    async def stop(self) -> None:
        """Break off a look that nobody is waiting for any more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _read(self) -> Mapping[str, Finding]:
        found = await findings(self._checks)
        self._until = time.monotonic() + _KEPT
        return found


@dataclass(slots=True, kw_only=True)
class Server:
    """Serves on a host and port (0 takes a free one). `slack` is the guarded handler, None in Socket Mode.

    `calendar` answers whoever has its token, None where nobody may.

    `checks` are run for /readyz; each has to be quick and may not raise.
    """

    host: str
    port: int
    checks: Mapping[str, Check]
    registry: CollectorRegistry
    slack: SlackHandler | None = None
    calendar: Handler | None = None
    connections: Connections = field(default_factory=Connections)
    stopping: bool = False
    _runner: web.AppRunner | None = field(default=None, init=False)
    _lookout: Lookout = field(init=False)
    _page: bytes = field(default=b"", init=False)
    _page_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._lookout = Lookout(self.checks)

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application(client_max_size=_LARGEST, middlewares=[self._bounded])
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        if self.calendar is not None:
            app.router.add_get(CALENDAR_PATH, self.calendar)
        if self.slack is not None:
            app.router.add_post(SLACK_PATH, partial(self._proving, self.slack))
        return app

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        _AIOHTTP.addFilter(_is_our_fault)
        self._runner = web.AppRunner(
            self.application(),
            access_log=None,
            shutdown_timeout=_GRACE,
            keepalive_timeout=PATIENCE,
            lingering_time=0,  # what comes after a refusal is not read: the connection is closed
            auto_decompress=False,  # Slack compresses nothing, and a few hundred bytes could become gigabytes
        )
        await self._runner.setup()
        try:
            return await self.connections.listen(cast("web.Server", self._runner.server), self.host, self.port)
        except OSError as error:
            await self.stop()
            raise OSError(f"BOT_HOST and BOT_PORT name {self.host}:{self.port}. {error.strerror or error}") from error

    async def serve(self) -> None:
        """Serve until `stop`; raises what ends that before."""
        await self.connections.serve()

    async def stop(self) -> None:
        """Stop listening, and wait for requests in hand."""
        self.stopping = True
        await self.connections.stop_listening()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._lookout.stop()

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        async with self.connections.request(request.transport):
            if request.transport is None:  # closed meanwhile, so nobody takes an answer
                return web.Response()
            return await handler(request)

    async def _proving(self, slack: SlackHandler, request: web.Request) -> web.StreamResponse:
        return await slack(request, partial(self.connections.prove, request.transport))

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, _: web.Request) -> web.Response:
        found = await self._lookout.read()
        ready = not self.stopping and all(finding.well for finding in found.values() if finding.vital)
        body = {"ok": ready, "checks": {name: finding.as_json() for name, finding in found.items()}}
        if self.stopping:
            body["detail"] = "shutting down"
        return web.json_response(body, status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        if time.monotonic() >= self._page_until:
            self._page = generate_latest(self.registry)
            self._page_until = time.monotonic() + _KEPT
        return web.Response(body=self._page, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def findings(checks: Mapping[str, Check]) -> Mapping[str, Finding]:
    """Run every check, side by side."""
    return dict(zip(checks, await asyncio.gather(*(check() for check in checks.values())), strict=True))


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Whether it is not about bytes that are no HTTP: anybody may send those, and they get their 400."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)
