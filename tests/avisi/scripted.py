"""A server that answers what a test tells it to, for what the simulated cloud never does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Answering = Callable[[web.Request], web.Response]


@dataclass(kw_only=True, slots=True)
class Scripted:
    """`answer` is called for every request; `seen` holds method, path with query, headers and body of each."""

    answer: Answering
    url: str = ""
    seen: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    async def respond(self, request: web.Request) -> web.Response:
        """Note the request, and answer as told."""
        self.seen.append((request.method, request.path_qs, dict(request.headers), await request.text()))
        return self.answer(request)


@asynccontextmanager
async def scripted(answer: Answering) -> AsyncIterator[Scripted]:
    """Listen on a free port of loopback."""
    script = Scripted(answer=answer)
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", script.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield script
    finally:
        await runner.cleanup()
