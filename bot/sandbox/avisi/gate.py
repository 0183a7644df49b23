"""What every request to the simulated cloud passes: the record, the faults, the token. Not the work itself."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.sandbox.avisi.core import CloudCore
from bot.sandbox.avisi.faults import Fault, Faults
from bot.sandbox.avisi.listener import reset
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.requests import Requests, Seen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LONGEST_SHOWN = 20_000
TEXTS = {
    404: "The requested resource could not be found",
    405: "The method is not supported here",
    413: "The request is too large",
}


class Gate:
    """The middlewares, outermost first: `record`, `break_it`, `check_token`."""

    def __init__(self, cloud: CloudCore, faults: Faults, requests: Requests, heard: Callable[[Seen], None]) -> None:
        self._cloud = cloud
        self._faults = faults
        self._requests = requests
        self._heard = heard

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note the request, let it be answered, date the answer by the simulated clock."""
        seen, started = await self._note(request), time.monotonic()
        try:
            return await self._answer(request, handler, seen)
        finally:
            seen.ms = (time.monotonic() - started) * 1000
            self._heard(seen)

    async def _answer(self, request: web.Request, handler: Handler, seen: Seen) -> web.StreamResponse:
        if self._faults.down == "reset":
            reset(request.transport)
            return web.Response()
        response = await _worked(request, handler)
        cut = request.transport is None or request.transport.is_closing()
        seen.status = 0 if cut else response.status
        seen.answer = None if cut else _shown(response)
        if not response.prepared:
            response.headers["Date"] = self.date()
        return response

    @web.middleware
    async def break_it(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let go wrong what is to go wrong."""
        fault = self._faults.take(request.method, request.path)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            return self._cut(request)
        if fault.answers and not fault.work and not fault.drop:
            return _answer(fault)
        self._cloud.settle()
        response = await _worked(request, handler)
        if fault.drop == "after":
            return self._cut(request)
        if fault.drop == "during":
            return await self._cut_short(request, response)
        return _answer(fault) if fault.answers else response

    @web.middleware
    async def check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever brings no known token, and organisations that the token does not see."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        allowed = self._cloud.world.tokens.get(token.strip())
        if scheme != "Token" or allowed is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, "Full authentication is required to access this resource")
        slug = request.match_info.get("org")
        if slug is not None:
            if slug not in self._cloud.world.organisations:
                raise Problem(HTTPStatus.NOT_FOUND, "Organisation not found", f"no organisation {slug}")
            if slug not in allowed:
                raise Problem(HTTPStatus.FORBIDDEN, "You do not have permission to access this resource")
        return await handler(request)

    def date(self) -> str:
        """Write the simulated moment as HTTP writes dates."""
        return format_datetime(self._cloud.clock(), usegmt=True)

    async def _note(self, request: web.Request) -> Seen:
        raw = b""
        with contextlib.suppress(web.HTTPRequestEntityTooLarge):
            raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " …"
        seen = Seen(
            number=0,
            at=self._cloud.clock(),
            name=request.match_info.route.name or "unknown",
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=headers,
            body=_parsed(raw),
        )
        self._requests.note(seen)
        self._cloud.changes.bump_requests()
        return seen

    @staticmethod
    def _cut(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _cut_short(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        whole = response.body if isinstance(response, web.Response) else b""
        sent = whole if isinstance(whole, bytes) else b""
        partial = web.StreamResponse(
            status=response.status,
            headers={"Content-Type": "application/json", "Content-Length": str(len(sent)), "Date": self.date()},
        )
        await partial.prepare(request)
        await partial.write(sent[: len(sent) // 2])
        return self._cut(request) if request.transport is None else self._close_after(request, partial)

    @staticmethod
    def _close_after(request: web.Request, partial: web.StreamResponse) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.close()
        return partial


async def _worked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request be answered; a refusal is an answer too."""
    try:
        return await handler(request)
    except Problem as problem:
        return web.json_response(problem.body(), status=problem.status)
    except web.HTTPException as error:
        body = {"message": TEXTS.get(error.status, error.reason), "details": []}
        return web.json_response(body, status=error.status)


def _shown(response: web.StreamResponse) -> object:
    text = response.text if isinstance(response, web.Response) else None
    if not text or len(text) > LONGEST_SHOWN:
        return f"{text[:LONGEST_SHOWN]} …" if text else None
    return _parsed(text.encode())


def _parsed(raw: bytes) -> Any:  # noqa: ANN401  whatever JSON holds
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _answer(fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    status = fault.status or HTTPStatus.OK
    if fault.body == "json":
        problem = Problem(status, fault.message, *fault.details)
        return web.json_response(problem.body(), status=status, headers=headers)
    content_type, text = fault.content()
    return web.Response(status=status, text=text, content_type=content_type, headers=headers)
