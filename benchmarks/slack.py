"""A bare Web API of Slack on loopback: answers at once, notes when calls arrive, takes one message a second."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

TEAM, APP, BOT = "T0ACME", "A0UPGRADEBOT", "U0UPGRADEBOT"
_SECOND = 0.95


@dataclass(slots=True)
class BareSlack:
    """What arrived: `opened` by trigger_id, `calls` by method, `posts` and `updates` with their time."""

    calls: Counter[str] = field(default_factory=Counter)
    opened: dict[str, float] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    posts: list[tuple[float, str, str]] = field(default_factory=list)
    updates: dict[str, float] = field(default_factory=dict)
    throttled: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _last: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _number: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Answer any method of the Web API, and any response URL."""
        method, now = request.match_info["method"], time.monotonic()
        self.calls[method] += 1
        body = _body(request.content_type, await request.text())
        response = self._answer(method, body, now)
        self.changed.set()
        return response

    def _answer(self, method: str, body: Mapping[str, Any], now: float) -> web.Response:  # noqa: PLR0911 - one a method
        match method:
            case "auth.test":
                me = {"team_id": TEAM, "team": "Acme", "user_id": BOT, "bot_id": "B0UPGRADEBOT", "url": self.url}
                return web.json_response({"ok": True, **me}, headers={"x-oauth-scopes": "chat:write,commands"})
            case "bots.info":
                return web.json_response({"ok": True, "bot": {"app_id": APP}})
            case "users.info":
                user = {"id": body.get("user"), "team_id": TEAM, "tz": "Europe/Amsterdam", "real_name": "Somebody"}
                return web.json_response({"ok": True, "user": user})
            case "views.open":
                trigger = str(body.get("trigger_id"))
                self.opened[trigger] = now
                view = body.get("view")
                self.views["last"] = view if isinstance(view, str) else json.dumps(view)
                return web.json_response({"ok": True, "view": {"id": f"V{trigger}", "hash": "1"}})
            case "chat.postMessage":
                return self._post(body, now)
            case "chat.update":
                self.updates[str(body.get("ts"))] = now
                return web.json_response({"ok": True, "channel": body.get("channel"), "ts": body.get("ts")})
            case "chat.getPermalink":
                address = f"https://acme.slack.com/archives/{body.get('channel')}/p{body.get('message_ts')}"
                return web.json_response({"ok": True, "permalink": address})
        return web.json_response({"ok": True})

    def _post(self, body: Mapping[str, Any], now: float) -> web.Response:
        channel = str(body.get("channel"))
        if now - self._last[channel] < _SECOND:
            self.throttled += 1
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
        self._last[channel] = now
        self._number += 1
        self.posts.append((now, channel, str(body.get("text"))))
        return web.json_response({"ok": True, "channel": channel, "ts": f"1764000000.{self._number:06d}"})

    async def until_opened(self, triggers: Iterable[str]) -> None:
        """Wait until a view was opened for each trigger_id; raises TimeoutError."""
        wanted = set(triggers)
        await self.until(lambda: wanted <= self.opened.keys(), within=240)

    async def until_updated(self, stamps: Iterable[str]) -> None:
        """Wait until each of these messages was changed; raises TimeoutError."""
        wanted = set(stamps)
        await self.until(lambda: wanted <= self.updates.keys(), within=240)

    async def until_posted(self, count: int) -> None:
        """Wait until so many messages were posted; raises TimeoutError."""
        await self.until(lambda: len(self.posts) >= count, within=240)

    async def until(self, done: Callable[[], bool], *, within: float) -> None:
        """Wait until `done()` holds; raises TimeoutError."""
        async with asyncio.timeout(within):
            while not done():
                self.changed.clear()
                await self.changed.wait()


def _body(content_type: str, text: str) -> dict[str, Any]:
    if content_type == "application/json":
        return dict(json.loads(text or "{}"))
    return {name: values[0] for name, values in parse_qs(text).items()}


@asynccontextmanager
async def bare_slack() -> AsyncIterator[BareSlack]:
    """Serve it on a free port."""
    slack = BareSlack()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/api/{method}", slack.answer)
    app.router.add_route("*", "/response/{method}", slack.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield slack
    finally:
        await runner.cleanup()
