"""Private and public answers outside chat.postMessage: in the ack of a command, and through a response URL."""

import json
import time

from aiohttp import web

from bot.sandbox.slack.api.chat import read_content
from bot.sandbox.slack.api.faults import wait_out
from bot.sandbox.slack.api.methods import too_many
from bot.sandbox.slack.api.webapi import spoiled
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.short_lived_tokens import ResponseUrl
from bot.sandbox.slack.state import State
from bot.sandbox.slack.wire import Exchange

SLACKBOT = "USLACKBOT"
_KNOWN = frozenset(
    {"text", "blocks", "attachments", "response_type", "replace_original", "delete_original", "thread_ts"}
    | {"mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media", "metadata"}
)


def reply(state: State, url: ResponseUrl, body: Json) -> None:
    """Do what an answer says: post, replace or delete; private to one person unless it says in_channel."""
    answered = state.messages.find(url.channel, url.answers) if url.answers else None
    if is_true(body.get("delete_original")):
        if answered is None:
            raise SlackError("message_not_found")
        state.delete(answered)
        if not (body.get("text") or body.get("blocks")):
            return
        answered = None
    text, blocks = read_content(state, body, blocks=body.get("blocks"))
    if is_true(body.get("replace_original")) and answered is not None and answered.from_app:
        answered.text, answered.blocks = text, blocks
        answered.parse, answered.link_names = body.get("parse") or "client", is_true(body.get("link_names"))
        answered.edited = state.stamps.next()
        state.changed(answered)
        return
    thread = state.messages.thread_of(url.channel, body.get("thread_ts")) or (url.thread_ts if url.answers else None)
    message = state.post(
        Message(
            channel=url.channel,
            ts=state.stamps.next(),
            user=state.app.bot_user_id,
            text=text,
            blocks=blocks,
            thread_ts=thread,
            only_for=None if body.get("response_type") == "in_channel" else url.person,
            from_app=True,
            parse=body.get("parse"),
            link_names=is_true(body.get("link_names")),
        )
    )
    if url.answers is None:
        url.answers = message.ts


def is_true(value: object) -> bool:
    """Read a switch, which may come as text."""
    return str(value).lower() in {"true", "1"}


def slackbot(state: State, *, channel: str, person: str, text: str) -> None:
    """Slack itself says something to one person."""
    state.post(Message(channel=channel, ts=state.stamps.next(), user=SLACKBOT, text=text, only_for=person))


class ResponseUrlEndpoint:
    """Where response URLs lead."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Mount these."""
        return [web.post("/response/{team}/{name}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        wait = self._state.limits.wait_to_post(request.match_info["name"])
        if wait is not None:
            return too_many(wait)
        state, started = self._state, time.monotonic()
        fault = state.faults.met_by("response_url")
        await request.read()  # it has arrived, whatever becomes of the connection while we are slow
        await wait_out(fault)
        if fault is not None and fault.spoils_answer and not fault.after:
            return spoiled(request, fault)
        body: Json = {}
        who, error, status = "", "", 200
        try:
            body = await _read(request)
            url = state.urls.use(request.match_info["name"])
            who = url.person
            reply(state, url, body)
        except SlackError as refusal:
            error, status = refusal.error, _status(refusal.error)
        state.wire.record(
            Exchange(
                direction="from_bot",
                kind="response_url",
                name="response_url",
                who=who,
                transport="http",
                request=body,
                response={"error": error} if error else "ok",
                ms=(time.monotonic() - started) * 1000,
                status=status,
                error=error,
            )
        )
        if fault is not None and fault.spoils_answer:
            return spoiled(request, fault)
        return web.json_response({"ok": False, "error": error}, status=status) if error else web.Response(text="ok")


async def _read(request: web.Request) -> Json:
    try:
        body = json.loads(await request.text())
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise SlackError("invalid_payload") from problem
    if not isinstance(body, dict) or body.keys() - _KNOWN:
        raise SlackError("invalid_payload")
    if body.get("response_type") not in {None, "ephemeral", "in_channel"}:
        raise SlackError("invalid_payload")
    return body


def _status(error: str) -> int:
    return (
        404
        if error in {"invalid_url", "expired_url", "used_url"}
        else 400
        if error in {"invalid_payload", "msg_blocks_too_long"}
        else 500
    )
