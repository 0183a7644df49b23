"""An app with no framework: it keeps every request it gets and answers what the test wants."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk.signature import SignatureVerifier


class ListeningApp:
    """Hears Slack's deliveries. `answers` are given in turn, the last one again and again; `status` goes for all."""

    def __init__(self, signing_secret: str) -> None:
        self._verifier = SignatureVerifier(signing_secret)
        self.heard: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[object] = []
        self.status = 200
        self.delay = 0.0
        self._more = asyncio.Condition()
        self.more_headers: dict[str, str] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen; the request URL."""
        application = web.Application()
        application.router.add_post("/slack/events", self._serve)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"

    async def close(self) -> None:
        """Stop."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def has_heard(self, number: int) -> None:
        """Wait for so many payloads."""
        async with asyncio.timeout(60), self._more:
            await self._more.wait_for(lambda: len(self.heard) >= number)

    @property
    def last(self) -> dict[str, Any]:
        """The newest payload."""
        return self.heard[-1]

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self._verifier.is_valid_request(body, headers):
            return web.Response(status=401)
        self.headers.append(headers)
        self.heard.append(_read(request.content_type, body))
        async with self._more:
            self._more.notify_all()
        await asyncio.sleep(self.delay)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers else None
        if answer is None or isinstance(answer, str):
            return web.Response(status=self.status, text=answer or "", headers=self.more_headers)
        return web.json_response(answer, status=self.status, headers=self.more_headers)


def _read(content_type: str, body: str) -> dict[str, Any]:
    if content_type == "application/json":
        payload: dict[str, Any] = json.loads(body)
        return payload
    form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    if "payload" in form:
        inner: dict[str, Any] = json.loads(form["payload"])
        return inner
    return dict(form)
