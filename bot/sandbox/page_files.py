"""Serves the page's files; a browser asks each time whether they changed, so that no old module meets a new one."""

from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).parent / "page"
_ASK_AGAIN = {"Cache-Control": "no-cache"}


def page_routes() -> list[web.RouteDef]:
    """Give the routes of the page: itself at `/`, its parts under `/page/`."""
    return [web.get("/", _index), web.get("/page/{name}", _part)]


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers=_ASK_AGAIN)


async def _part(request: web.Request) -> web.FileResponse:
    path = PAGE / request.match_info["name"]
    if path.parent != PAGE or path.suffix not in {".js", ".css", ".svg"} or not path.is_file():
        raise web.HTTPNotFound(text="There is no such file.")
    return web.FileResponse(path, headers=_ASK_AGAIN)
