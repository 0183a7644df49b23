"""Serves the page's files; a browser asks each time whether they changed, so that no old module meets a new one."""

from pathlib import Path
from typing import Any

from aiohttp import web

PAGE = Path(__file__).parent / "page"
_ASK_AGAIN = {"Cache-Control": "no-cache"}


def page_routes(guide: dict[str, Any] | None = None) -> list[web.RouteDef]:
    """Give the routes of the page: itself at `/`, its files under `/page/`, and whom the tour speaks of at `/guide`."""

    async def tell_guide(_: web.Request) -> web.Response:
        return web.json_response(guide or {})

    return [web.get("/", _index), web.get("/page/{name}", _part), web.get("/guide", tell_guide)]


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers=_ASK_AGAIN)


async def _part(request: web.Request) -> web.FileResponse:
    path = PAGE / request.match_info["name"]
    if path.parent != PAGE or path.suffix not in {".js", ".css", ".svg"} or not path.is_file():
        raise web.HTTPNotFound(text="There is no such file.")
    return web.FileResponse(path, headers=_ASK_AGAIN)
