"""A small Slack app for tests of the page: it remembers what Slack sent and answers as a test tells it to."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from aiohttp import ClientSession, web

from bot.sandbox.slack.simulated import SimulatedSlack

Payload = dict[str, Any]
Answer = Callable[[Payload], Awaitable[Payload | None]]


async def _nothing(_: Payload) -> Payload | None:
    return None


class ToyApp:
    """Set `on[kind]` to answer deliveries; call Slack's methods with `call`. `heard` is what came."""

    def __init__(self, slack: SimulatedSlack) -> None:
        self._slack = slack
        self.heard: list[Payload] = []
        self.on: dict[str, Answer] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port, and let Slack deliver there."""
        app = web.Application()
        app.add_routes([web.post("/slack/events", self._serve)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._slack.deliver_over_http(f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events")

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def call(self, method: str, **arguments: object) -> Payload:
        """Call a Web API method; an answer that is not ok fails the test."""
        headers = {"Authorization": f"Bearer {self._slack.app.bot_token}"}
        async with (
            ClientSession() as session,
            session.post(f"{self._slack.api_url}{method}", json=arguments, headers=headers) as response,
        ):
            answer: Payload = await response.json()
        assert answer["ok"], answer
        return answer

    async def say(self, channel: str, text: str, **more: object) -> str:
        """Post a message and give its stamp."""
        return str((await self.call("chat.postMessage", channel=channel, text=text, **more))["ts"])

    def last(self, kind: str) -> Payload:
        """Give the newest delivery of a kind: command, block_actions, view_submission, block_suggestion or event."""
        return [payload for payload in self.heard if kind_of(payload) == kind][-1]

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.text()
        if request.content_type == "application/json":
            payload = json.loads(body)
        else:
            form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            payload = json.loads(form["payload"]) if "payload" in form else form
        self.heard.append(payload)
        answer = await self.on.get(kind_of(payload), _nothing)(payload)
        return web.json_response(answer) if answer is not None else web.Response()


def kind_of(payload: Payload) -> str:
    """Tell what kind of delivery this is."""
    if "command" in payload:
        return "command"
    return "event" if payload["type"] == "event_callback" else str(payload["type"])


def plain(text: str) -> Payload:
    """Give a plain text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Payload:
    """Give a mrkdwn text object that is taken as it is."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def option(text: str) -> Payload:
    """Give an option whose value is its text."""
    return {"text": plain(text), "value": text}


def button(text: str, **more: object) -> Payload:
    """Give a button whose action_id is its text in small letters."""
    return {"type": "button", "text": plain(text), "action_id": text.lower(), "value": "1"} | more


def field(label: str, element: Payload, **more: object) -> Payload:
    """Give an input block; its ids are made of the label."""
    name = label.lower().replace(" ", "_")
    return {"type": "input", "block_id": name, "label": plain(label), "element": {"action_id": name} | element} | more


def modal(title: str, *blocks: Payload, **more: object) -> Payload:
    """Give a modal with the buttons Send and Cancel."""
    words = {"title": plain(title), "submit": plain("Send"), "close": plain("Cancel")}
    return {"type": "modal", "callback_id": "toy", "blocks": list(blocks)} | words | more
