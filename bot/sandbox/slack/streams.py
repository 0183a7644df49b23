"""Server-sent events, and the wire's routes."""

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.wire import Wire

_HEARTBEAT = 15.0


def wire_routes(wire: Wire) -> list[web.RouteDef]:
    """Serve the record of what was said, at once and as it comes."""

    async def entries(_: web.Request) -> web.StreamResponse:
        return web.json_response({"entries": wire.entries})

    async def events(request: web.Request) -> web.StreamResponse:
        with wire.listening() as queue:
            return await stream(request, queue)

    return [web.get("/wire", entries), web.get("/wire/events", events)]


async def stream(request: web.Request, queue: asyncio.Queue[Json | None]) -> web.StreamResponse:
    """Server-sent events until the queue ends or the page goes away."""
    response = web.StreamResponse(
        status=HTTPStatus.OK, headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(b": hello\n\n")
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), _HEARTBEAT)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if event is None:
                break
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
    return response
