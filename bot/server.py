"""The aiohttp application: Slack's requests, and for operators health, readiness and metrics."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_AIOHTTP = logging.getLogger("aiohttp.server")
SLACK_PATH = "/slack/events"
_LARGEST = 2 * 1024 * 1024
_GRACE = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found. Only a `vital` one that is not well makes the bot not ready."""

    well: bool
    text: str
    vital: bool = True
    since: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as /readyz shows it."""
        since = {"since": self.since.isoformat()} if self.since else {}
        return {"ok": self.well, "detail": self.text, "vital": self.vital, **since}


Check = Callable[[], Awaitable[Finding]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Server:
    """Serves on a host and port (0 takes a free one). `slack` is the guarded handler, None in Socket Mode.

    `checks` are run for every /readyz; each has to be quick and may not raise.
    """

    host: str
    port: int
    checks: Mapping[str, Check]
    registry: CollectorRegistry
    slack: Handler | None = None
    stopping: bool = False
    _runner: web.AppRunner | None = field(default=None, init=False)

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        if self.slack is not None:
            app.router.add_post(SLACK_PATH, self.slack)
        return app

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        _AIOHTTP.addFilter(_is_our_fault)
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=_GRACE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError as error:
            await self.stop()
            raise OSError(f"BOT_HOST and BOT_PORT name {self.host}:{self.port}. {error.strerror or error}") from error
        address = self._runner.addresses[0]
        return int(address[1])

    async def stop(self) -> None:
        """Stop listening, and wait for requests in hand."""
        self.stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, _: web.Request) -> web.Response:
        found = await findings(self.checks)
        ready = not self.stopping and all(finding.well for finding in found.values() if finding.vital)
        body = {"ok": ready, "checks": {name: finding.as_json() for name, finding in found.items()}}
        if self.stopping:
            body["detail"] = "shutting down"
        return web.json_response(body, status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def findings(checks: Mapping[str, Check]) -> Mapping[str, Finding]:
    """Run every check, side by side."""
    return dict(zip(checks, await asyncio.gather(*(check() for check in checks.values())), strict=True))


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Whether it is not about bytes that are no HTTP: anybody may send those, and they get their 400."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)
