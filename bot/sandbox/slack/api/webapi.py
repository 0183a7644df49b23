"""``/api/METHOD``: faults, token, scopes and rate limits around each method of the Web API."""

import asyncio
import json
import time
from http import HTTPStatus

from aiohttp import web

from bot.sandbox.slack.api import chat, directory, lookups, validate, view_methods
from bot.sandbox.slack.api.arguments import Arguments, read_arguments
from bot.sandbox.slack.api.faults import Fault, wait_out
from bot.sandbox.slack.api.methods import Call, Method, RateLimitedError, missing_scope, too_many
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.state import State
from bot.sandbox.slack.wire import Exchange

METHODS: dict[str, Method] = {
    **chat.METHODS,
    **directory.METHODS,
    **lookups.METHODS,
    **validate.METHODS,
    **view_methods.METHODS,
}


class WebApi:
    """Answers the bot's calls."""

    def __init__(self, state: State, more: dict[str, Method]) -> None:
        self._state = state
        self._methods = METHODS | more

    def routes(self) -> list[web.RouteDef]:
        """Mount these."""
        return [web.route("*", "/api/{method}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        started = time.monotonic()
        fault = self._state.faults.met_by(name, about=request.query.get("user", ""))
        await request.read()  # it has arrived, whatever becomes of the connection while we are slow
        await wait_out(fault)
        given: Json = {}
        if fault is not None and fault.spoils_answer and not fault.after:
            response = spoiled(request, fault)
        else:
            try:
                given, is_json = await read_arguments(request)
                response = self._answered(name, request, given, is_json=is_json)
            except SlackError as refusal:
                response = self._refused(refusal)
            if fault is not None and fault.spoils_answer:
                response = spoiled(request, fault)
        self._record(name, given, response, fault, ms=(time.monotonic() - started) * 1000)
        return response

    def _answered(self, name: str, request: web.Request, given: Json, *, is_json: bool) -> web.Response:
        method = self._methods.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        if method.token:
            self._check_token(method, request, given)
            self._check_scopes(method)
        wait = self._state.limits.wait(name, method.tier)
        if wait is not None:
            return too_many(wait)
        arguments = Arguments(given if method.json or not is_json else dict(request.query))
        try:
            answer = method.work(Call(self._state, arguments))
        except RateLimitedError as limited:
            return too_many(limited.wait)
        return web.json_response({"ok": True, **answer}, headers=self._headers(method))

    def _check_token(self, method: Method, request: web.Request, given: Json) -> None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = bearer.strip() if scheme == "Bearer" else str(given.get("token") or "")
        app = self._state.app
        if not token:
            raise SlackError("not_authed")
        if token not in {app.bot_token, app.app_token}:
            raise SlackError("invalid_auth")
        if app.revoked:
            raise SlackError("token_revoked")
        if (token == app.app_token) != method.app_token:
            raise SlackError("not_allowed_token_type")

    def _check_scopes(self, method: Method) -> None:
        provided = self._state.app.app_scopes if method.app_token else self._state.app.scopes
        if method.scopes and not set(method.scopes) & set(provided):
            raise missing_scope(method.scopes, provided)

    def _headers(self, method: Method) -> dict[str, str]:
        scopes = self._state.app.app_scopes if method.app_token else self._state.app.scopes
        return {"x-oauth-scopes": ",".join(scopes), "x-accepted-oauth-scopes": ",".join(method.scopes)}

    @staticmethod
    def _refused(refusal: SlackError) -> web.Response:
        return web.json_response(refusal.as_answer())

    def _record(self, name: str, given: Json, response: web.StreamResponse, fault: Fault | None, *, ms: float) -> None:
        body = _shown(response)
        error = "" if body.get("ok") else str(body.get("error") or "no answer")
        if fault is not None and fault.drop:
            body, error = {}, "connection dropped"
        self._state.wire.record(
            Exchange(
                direction="from_bot",
                kind="api",
                name=name,
                who=str(given.get("user_id") or given.get("user") or given.get("channel") or ""),
                transport="http",
                request=given,
                response=body,
                ms=ms,
                status=response.status,
                error=error,
            )
        )


def spoiled(request: web.Request, fault: Fault) -> web.Response:
    """Give the answer that a fault makes of any answer."""
    if fault.drop:
        drop(request)
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if fault.retry_after is not None:
        return too_many(fault.retry_after)
    if fault.garbage:
        return web.Response(status=fault.status, text="<html><body>upstream connect error</body></html>")
    if fault.status != HTTPStatus.OK and not fault.error:
        return web.Response(status=fault.status, text="", content_type="text/html")
    return web.json_response({"ok": False, "error": fault.error}, status=fault.status)


def drop(request: web.Request) -> None:
    """Close the connection under a request."""
    transport = request.transport
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def _shown(response: web.StreamResponse) -> Json:
    """Give the JSON body of an answer, for the record."""
    if not isinstance(response, web.Response) or not response.text:
        return {}
    try:
        body = json.loads(response.text)
    except json.JSONDecodeError:
        return {"text": response.text[:200]}
    return body if isinstance(body, dict) else {}
