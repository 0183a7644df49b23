"""The HTTP server: Slack's requests, and health, readiness and metrics for operators."""

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
from bot.manifest import EVENTS_PATH

_AIOHTTP = logging.getLogger("aiohttp.server")
CALENDAR_PATH = "/calendar.ics"
_LARGEST = 2 * 1024 * 1024
_GRACE = 3.0
_KEPT = 1.5
"""Seconds for which findings and metrics are reused, however many clients ask."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found. A `vital` check that is not well makes the bot not ready.

    Anybody who reaches the port may read `text`. Names of organisations and channels, and errors of drivers, go into
    `private`, which only the log shows.
    """

    well: bool
    text: str
    private: str = ""
    vital: bool = True
    since: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """Return the finding as /readyz shows it."""
        since = {"since": self.since.isoformat()} if self.since else {}
        return {"ok": self.well, "detail": self.text, "vital": self.vital, **since}


Check = Callable[[], Awaitable[Finding]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SlackHandler = Callable[[web.Request, Callable[[], None]], Awaitable[web.StreamResponse]]
"""Answers a request of Slack, and calls the second argument once the signature has been verified."""


class CheckRunner:
    """Runs the checks for all who ask: one run at a time, whose findings are kept for a moment."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._running: asyncio.Task[Mapping[str, Finding]] | None = None
        self._until = 0.0

    async def read(self) -> Mapping[str, Finding]:
        """Return the finding of every check."""
        if self._running is None or (self._running.done() and time.monotonic() >= self._until):
            self._running = asyncio.create_task(self._read())
        return await asyncio.shield(self._running)

    async def stop(self) -> None:
        """Cancel a run that is still going on."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _read(self) -> Mapping[str, Finding]:
        found = await findings(self._checks)
        self._until = time.monotonic() + _KEPT
        return found


@dataclass(slots=True, kw_only=True)
class Server:
    """Serves on a host and port (0 chooses a free one). `slack` is the guarded handler, None in Socket Mode.

    `calendar` answers requests that carry its token, None where it is switched off.

    `checks` run for /readyz; each must be quick and must not raise.
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
    _check_runner: CheckRunner = field(init=False)
    _page: bytes = field(default=b"", init=False)
    _page_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._check_runner = CheckRunner(self.checks)

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application(client_max_size=_LARGEST, middlewares=[self._bounded])
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        if self.calendar is not None:
            app.router.add_get(CALENDAR_PATH, self.calendar)
        if self.slack is not None:
            app.router.add_post(EVENTS_PATH, partial(self._proving, self.slack))
        return app

    async def start(self) -> int:
        """Listen and return the port; raises OSError when it is in use."""
        _AIOHTTP.addFilter(_is_our_fault)
        self._runner = web.AppRunner(
            self.application(),
            access_log=None,
            shutdown_timeout=_GRACE,
            keepalive_timeout=PATIENCE,
            lingering_time=0,  # after a refusal nothing more is read: the connection is closed
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
        """Stop listening, and wait for requests that are being served."""
        self.stopping = True
        await self.connections.stop_listening()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._check_runner.stop()

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        async with self.connections.request(request.transport):
            if request.transport is None:  # closed meanwhile, so nobody reads an answer
                return web.Response()
            return await handler(request)

    async def _proving(self, slack: SlackHandler, request: web.Request) -> web.StreamResponse:
        return await slack(request, partial(self.connections.prove, request.transport))

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, _: web.Request) -> web.Response:
        found = await self._check_runner.read()
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
    """Run all checks at the same time."""
    return dict(zip(checks, await asyncio.gather(*(check() for check in checks.values())), strict=True))


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Drop records about requests that are not HTTP: anybody can send those, and they are answered with 400."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)
