"""The cloud panel's own API, mounted beside the page: look at the simulated cloud, push it, break it."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.sandbox.avisi.bodies import stamp
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.panel_events import tell
from bot.sandbox.avisi.panel_state import state
from bot.sandbox.avisi.problems import Problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(cloud: SimulatedCloud) -> list[web.RouteDef]:
    """Give the routes under `/cloud`."""
    panel = Panel(cloud)
    return [
        web.get("/cloud", panel.show),
        web.get("/cloud/events", panel.events),
        web.post("/cloud/clock", panel.clock),
        web.post("/cloud/outcome", panel.outcome),
        web.post("/cloud/faults", panel.faults),
        web.post("/cloud/reschedule", panel.reschedule),
        web.post("/cloud/upgrades", panel.upgrades),
    ]


class Panel:
    """One method per route. A wish that cannot be met answers 400 with {ok: false, error}."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud = cloud

    async def show(self, _: web.Request) -> web.Response:
        """`GET /cloud`."""
        return web.json_response(state(self._cloud))

    async def clock(self, request: web.Request) -> web.Response:
        """`POST /cloud/clock`: {speed?, paused?, advance_seconds?, step?}."""
        wish = await _wish(request)
        clock = self._cloud.clock
        if "speed" in wish:
            clock.set_speed(_number(wish, "speed", above=0))
        if "paused" in wish:
            if wish["paused"]:
                clock.pause()
            else:
                clock.resume()
        if "advance_seconds" in wish:
            clock.advance(timedelta(seconds=_number(wish, "advance_seconds")))
        if wish.get("step") and self._cloud.step() is None:
            raise _refused("No upgrade is under way, so there is no next event.")
        return web.json_response({"ok": True, "now": stamp(clock())})

    async def outcome(self, request: web.Request) -> web.Response:
        """`POST /cloud/outcome`: {outcome}."""
        wish = await _wish(request)
        try:
            self._cloud.outcome(str(wish.get("outcome")))
        except ValueError as error:
            raise _refused(str(error)) from error
        return web.json_response({"ok": True})

    async def faults(self, request: web.Request) -> web.Response:
        """`POST /cloud/faults`: any of {delay_seconds, status, drop, html, down, no_list}."""
        wish = await _wish(request)
        standing = self._cloud.faults.standing
        if "delay_seconds" in wish:
            standing.delay = _number(wish | {"delay_seconds": wish["delay_seconds"] or 0}, "delay_seconds")
        if "html" in wish:
            standing.body = "html" if wish["html"] else "json"
            standing.status = 502 if wish["html"] else None
        if "status" in wish and not wish.get("html"):
            standing.status = int(_number(wish, "status", above=99)) if wish["status"] else None
        if "drop" in wish:
            if wish["drop"] not in {"before", "during", "after", None}:
                raise _refused("drop is before, during, after or null")
            standing.drop = wish["drop"]
        if "no_list" in wish:
            self._cloud.quirks.list_status = 404 if wish["no_list"] else None
        if "down" in wish:
            await (self._cloud.go_down() if wish["down"] else self._cloud.come_back())
        self._cloud.changes.bump()
        return web.json_response({"ok": True})

    async def reschedule(self, request: web.Request) -> web.Response:
        """`POST /cloud/reschedule`: {kind}."""
        kind = (await _wish(request)).get("kind")
        if kind not in {"move", "supersede"}:
            raise _refused("kind is move or supersede")
        self._cloud.quirks.reschedule = kind
        self._cloud.changes.bump()
        return web.json_response({"ok": True})

    async def upgrades(self, request: web.Request) -> web.Response:
        """`POST /cloud/upgrades`: {clusterIdentity, version, ignoreMaintenanceSchedule?}, from outside Slack."""
        wish = await _wish(request)
        ignore = wish.get("ignoreMaintenanceSchedule") is True
        try:
            upgrade = self._cloud.schedule_elsewhere(
                str(wish.get("clusterIdentity")), str(wish.get("version")), ignore=ignore
            )
        except KeyError as error:
            raise _refused("There is no such cluster.") from error
        except Problem as problem:
            raise _refused(": ".join([problem.message, *problem.details])) from problem
        return web.json_response({"ok": True, "identity": upgrade.identity})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """`GET /cloud/events`: {type: "changed"} for changes, {type: "requests", requests} for the count alone."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await tell(self._cloud, response)
        return response


async def _wish(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise _refused("Send application/json.")
    try:
        wish = await request.json()
    except ValueError as error:
        raise _refused("The body is not JSON.") from error
    if not isinstance(wish, dict):
        raise _refused("The body is not an object.")
    return wish


def _number(wish: dict[str, Any], name: str, *, above: float | None = None) -> float:
    value = wish[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _refused(f"{name} is a number from 0")
    if above is not None and value <= above:
        raise _refused(f"{name} is above {above}")
    return float(value)


def _refused(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"ok": False, "error": text}), content_type="application/json")
