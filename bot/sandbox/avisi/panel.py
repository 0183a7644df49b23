"""The cloud panel's own API, mounted beside the page: look at the simulated cloud, push it, break it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.sandbox.avisi.bodies import stamp, window_body
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from bot.sandbox.avisi.monitoring import AlertPanel, tenants_state
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.world import Cluster, Organisation, ScheduledUpgrade

COALESCE = 0.1
REQUESTS_EVERY = 1.0
HEARTBEAT = 15.0
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
        web.post("/cloud/alerts", AlertPanel(cloud).switch),
    ]


class Panel:
    """One method per route. A wish that cannot be met answers 400 with {ok: false, error}."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud = cloud

    async def show(self, _: web.Request) -> web.Response:
        """`GET /cloud`."""
        return web.json_response(_state(self._cloud))

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
        """`POST /cloud/faults`: any of {delay_seconds, status, drop, html, down, no_list, add, reset}.

        `add` is a fault of some calls: {method, path, times, delay_seconds, status, drop, html, work}, where `method`
        and `path` are patterns and `times` may be null: until the faults are reset.
        """
        wish = await _wish(request)
        if wish.get("reset"):
            await self._reset()
        if "add" in wish:
            self._cloud.faults.add(_fault(wish["add"]))
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

    async def _reset(self) -> None:
        self._cloud.faults.clear()
        self._cloud.quirks.list_status = None
        await self._cloud.come_back()

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
            await _tell(self._cloud, response)
        return response


def _fault(wish: object) -> Fault:
    """Read the fault of some calls."""
    if not isinstance(wish, dict):
        raise _refused("add is an object")
    method, path, drop = wish.get("method", "*"), wish.get("path", "*"), wish.get("drop")
    if not (isinstance(method, str) and isinstance(path, str) and method and path):
        raise _refused("method and path are patterns, such as POST and */scheduled-cluster-upgrades")
    if drop not in {"before", "during", "after", None}:
        raise _refused("drop is before, during, after or null")
    return Fault(
        method=method.upper(),
        path=path,
        times=None if wish.get("times", 1) is None else int(_number({"times": 1} | wish, "times", above=0)),
        delay=_number({"delay_seconds": 0} | wish, "delay_seconds"),
        drop=drop,
        status=int(_number(wish, "status", above=99)) if wish.get("status") else None,
        body="html" if wish.get("html") else "json",
        work=bool(wish.get("work")),
    )


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


def _state(cloud: SimulatedCloud) -> dict[str, Any]:
    """Draw everything that the panel shows; deleted clusters are left out."""
    upgrades = cloud.upgrades
    owners = list(cloud.world.organisations.values())
    standing = cloud.faults.standing
    return {
        "now": stamp(cloud.clock()),
        "speed": cloud.clock.speed,
        "paused": cloud.clock.paused,
        "organisations": [owner.slug for owner in owners],
        "clusters": [
            _cluster(cluster, owner)
            for owner in owners
            for cluster in owner.clusters.values()
            if cluster.deleted_at is None
        ],
        "tenants": tenants_state(cloud),
        "versions": list(cloud.world.versions),
        "upgrades": [_upgrade(upgrade) for upgrade in upgrades],
        "next_outcome": cloud.lifecycle.next_outcome,
        "reschedule": cloud.quirks.reschedule,
        "window_zone": cloud.quirks.window_zone,
        "faults": {
            "delay_seconds": standing.delay,
            "status": standing.status if standing.body == "json" else None,
            "drop": standing.drop,
            "html": standing.body == "html",
            "down": cloud.faults.down is not None,
            "no_list": cloud.quirks.list_status is not None,
            "waiting": [
                {
                    "method": fault.method,
                    "path": fault.path,
                    "times": fault.times,
                    "delay_seconds": fault.delay,
                    "status": fault.status,
                    "drop": fault.drop,
                    "html": fault.body == "html",
                    "work": fault.work,
                }
                for fault in cloud.faults.waiting
            ],
        },
        "requests": cloud.requests.total,
    }


def _cluster(cluster: Cluster, owner: Organisation) -> dict[str, Any]:
    return {
        "identity": cluster.identity,
        "slug": cluster.slug,
        "name": cluster.name,
        "environment": cluster.environment,
        "organisation": owner.slug,
        "version": cluster.version,
        "status": cluster.status,
        "channel": cluster.channel,
        "auto_upgrade": cluster.auto_upgrade,
        "windows": [window_body(window) for window in owner.windows(cluster)],
    }


def _upgrade(upgrade: ScheduledUpgrade) -> dict[str, Any]:
    return {
        "identity": upgrade.identity,
        "cluster": upgrade.cluster,
        "environment": upgrade.environment,
        "organisation": upgrade.organisation,
        "from": upgrade.from_version,
        "to": upgrade.to_version,
        "status": upgrade.status,
        "window_start": stamp(upgrade.window_start),
        "window_end": stamp(upgrade.window_end),
        "reason": upgrade.reason,
        "requested_by": upgrade.requested_by,
    }


async def _tell(cloud: SimulatedCloud, response: web.StreamResponse) -> None:
    """Write events until the reader is gone; ConnectionError then."""
    changes, now = cloud.changes, asyncio.get_running_loop().time
    shown, counted, next_count = changes.number, changes.requests, now()
    await response.write(b": here\n\n")
    while True:
        changed = changes.next()
        if changes.number != shown:
            shown = changes.number
            await _send(response, {"type": "changed"})
            await asyncio.sleep(COALESCE)
        elif changes.requests != counted and now() >= next_count:
            counted, next_count = changes.requests, now() + REQUESTS_EVERY
            await _send(response, {"type": "requests", "requests": cloud.requests.total})
        else:
            wait = HEARTBEAT if changes.requests == counted else next_count - now()
            try:
                await asyncio.wait_for(changed.wait(), wait)
            except TimeoutError:
                await response.write(b": still here\n\n")


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())
