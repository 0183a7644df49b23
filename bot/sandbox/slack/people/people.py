"""The people API: what the page needs to act as each person, over JSON and server-sent events."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.slack.blockkit.formstate import entered
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.people import seeing
from bot.sandbox.slack.people.interactions import Interactions, Outcome, find_used, with_chosen
from bot.sandbox.slack.state import State
from bot.sandbox.slack.streams import stream
from bot.sandbox.slack.views import View

_PAGE = 200
Deed = Callable[[str, Json], Awaitable[Json]]


class PeopleApi:
    """Routes under ``/people``."""

    def __init__(self, state: State, interactions: Interactions) -> None:
        self._state = state
        self._interactions = interactions

    def routes(self) -> list[web.RouteDef]:
        """Mount these."""
        deeds: dict[str, Deed] = {
            "command": self._command,
            "message": self._message,
            "action": self._action,
            "options": self._options,
            "submit": self._submit,
            "close": self._close,
            "home": self._open_home,
            "read": self._read,
        }
        me = "/people/{me}"
        return [
            web.get("/people", self._people),
            web.get(f"{me}/workspace", self._workspace),
            web.get(me + "/conversations/{channel}", self._conversation),
            web.get(me + "/conversations/{channel}/thread/{ts}", self._thread),
            web.get(f"{me}/home", self._home),
            web.get(f"{me}/events", self._events),
            *(web.post(f"{me}/{name}", self._doing(deed)) for name, deed in deeds.items()),
        ]

    def _me(self, request: web.Request) -> str:
        me = request.match_info["me"]
        if me not in self._state.workspace.people:
            raise _not_found("user_not_found")
        return me

    def _doing(self, deed: Deed) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            me = self._me(request)
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="Send JSON.")
            try:
                given = await request.json()
            except json.JSONDecodeError as problem:
                raise web.HTTPBadRequest(text="This is not JSON.") from problem
            if not isinstance(given, dict):
                raise web.HTTPBadRequest(text="Send a JSON object.")
            return web.json_response(await deed(me, given))

        return serve

    async def _people(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(seeing.people(self._state))

    async def _workspace(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(seeing.workspace(self._state, self._me(request)))

    def _channel(self, request: web.Request) -> str:
        channel = request.match_info["channel"]
        if not seeing.may_see(self._state, self._me(request), channel):
            raise _not_found("channel_not_found")
        return channel

    async def _conversation(self, request: web.Request) -> web.StreamResponse:
        asked = request.query.get("limit", "")
        limit = int(asked) if asked.isdigit() and int(asked) else _PAGE
        before = request.query.get("before")
        me, channel = self._me(request), self._channel(request)
        return web.json_response(seeing.conversation(self._state, me, channel, limit=limit, before=before))

    async def _thread(self, request: web.Request) -> web.StreamResponse:
        messages = self._state.messages.thread(self._channel(request), request.match_info["ts"], self._me(request))
        return web.json_response({"messages": [self._state.seen(message) for message in messages]})

    async def _home(self, request: web.Request) -> web.StreamResponse:
        home = self._state.views.homes.get(self._me(request))
        return web.json_response({"view": self._state.views.as_slack(home) if home else None})

    async def _command(self, me: str, given: Json) -> Json:
        outcome = await self._interactions.command(me, str(given.get("channel")), str(given.get("text")))
        return _told(outcome)

    async def _message(self, me: str, given: Json) -> Json:
        channel = str(given.get("channel"))
        found = self._state.channel(channel)
        text = str(given.get("text") or "")
        if found is None or me not in found.members or found.archived or not text:
            return {"ok": False, "error": "is_archived" if found and found.archived else "not_in_channel"}
        thread = str(given["thread_ts"]) if given.get("thread_ts") else None
        stamp = self._state.stamps.next()
        self._state.post(Message(channel=found.id, ts=stamp, user=me, text=text, thread_ts=thread))
        return {"ok": True, "ts": stamp}

    async def _action(self, me: str, given: Json) -> Json:
        container, used = given.get("container"), given.get("action")
        state = given.get("state")
        values = state.get("values") if isinstance(state, dict) else {}
        if not isinstance(container, dict) or not isinstance(used, dict):
            return {"ok": False, "error": "invalid_arguments"}
        if container.get("type") == "view":
            view = self._view(me, container.get("view_id"))
            one = find_used(view.blocks, given.get("block_id"), used) if view else None
            if view is None or one is None:
                return {"ok": False, "error": "not_found"}
            view.values = with_chosen(entered(view.blocks, view.values, values), one, used, view.blocks)
            if not one.dispatches:
                return {"ok": True}
            return _told(await self._interactions.act_on_view(me, view, one, used=used))
        channel = str(container.get("channel"))
        message = self._state.messages.find(channel, str(container.get("ts")))
        one = find_used(message.blocks, given.get("block_id"), used) if message else None
        seen = message is not None and seeing.may_see(self._state, me, channel) and message.only_for in {None, me}
        if message is None or one is None or not seen:
            return {"ok": False, "error": "not_found"}
        held = with_chosen(entered(message.blocks, {}, values), one, used, message.blocks)
        return _told(await self._interactions.act_on_message(me, message, one, used=used, values=held))

    async def _options(self, me: str, given: Json) -> Json:
        view = self._view(me, given.get("view_id"))
        one = find_used(view.blocks, given.get("block_id"), given) if view else None
        if view is None or one is None:
            return {"ok": False, "error": "not_found"}
        outcome = await self._interactions.options(me, view, one, str(given.get("value") or ""))
        return _told(outcome) | outcome.options

    async def _submit(self, me: str, given: Json) -> Json:
        view = self._view(me, given.get("view_id"))
        if view is None or view.sent["type"] != "modal":
            return {"ok": False, "error": "not_found"}
        state = given.get("state")
        view.values = entered(view.blocks, view.values, state.get("values") if isinstance(state, dict) else {})
        outcome = await self._interactions.submit(me, view)
        told = _told(outcome)
        return told | {"outcome": outcome.result, "errors": outcome.errors} if outcome.ok else told

    async def _close(self, me: str, given: Json) -> Json:
        view = self._view(me, given.get("view_id"))
        if view is not None and view.sent["type"] == "modal":
            await self._interactions.close(me, view)
        return {"ok": True}

    async def _open_home(self, me: str, given: Json) -> Json:
        if given.get("tab") == "messages":
            return _told(await self._interactions.open_messages(me))
        return _told(await self._interactions.open_home(me))

    async def _read(self, me: str, given: Json) -> Json:
        seeing.mark_read(self._state, me, str(given.get("channel")), str(given.get("ts")))
        return {"ok": True}

    def _view(self, me: str, view_id: object) -> View | None:
        view = self._state.views.find(view_id=view_id)
        return view if view is not None and view.owner == me else None

    async def _events(self, request: web.Request) -> web.StreamResponse:
        with self._state.broadcaster.listening(self._me(request)) as queue:
            return await stream(request, queue)


def _not_found(error: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=json.dumps({"ok": False, "error": error}), content_type="application/json")


def _told(outcome: Outcome) -> Json:
    return {"ok": True} if outcome.ok else {"ok": False, "error": outcome.error}
