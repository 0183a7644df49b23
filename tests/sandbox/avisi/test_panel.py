"""The cloud panel's API: what it shows, what it can push, and how it tells of changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.sandbox.avisi import panel as panel_module
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.panel import routes
from bot.sandbox.clock import SimulatedClock


@pytest.fixture
async def panel(cloud: SimulatedCloud) -> AsyncIterator[httpx.AsyncClient]:
    """Mount the panel on another port, as the sandbox does."""
    app = web.Application()
    app.add_routes(routes(cloud))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}", trust_env=False) as client:
        yield client
    await runner.cleanup()


async def shown(panel: httpx.AsyncClient) -> dict[str, Any]:
    """Ask for the whole state."""
    state: dict[str, Any] = (await panel.get("/cloud")).json()
    return state


async def test_the_panel_shows_everything(cloud: SimulatedCloud, panel: httpx.AsyncClient) -> None:
    """Clock, clusters without the deleted, upgrades, choices and faults."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    state = await shown(panel)

    assert (state["now"], state["speed"], state["paused"]) == ("2026-12-07T09:00:00Z", 60, True)
    assert state["organisations"] == ["acme", "globex"]
    assert "legacy" not in {cluster["slug"] for cluster in state["clusters"]}
    assert state["clusters"][0] == {
        "identity": cloud.cluster("production/payments").identity,
        "slug": "payments",
        "name": "Payments",
        "environment": "production",
        "organisation": "acme",
        "version": "v1.31.4-u-ame.2",
        "channel": "stable",
        "auto_upgrade": False,
        "status": "running",
        "windows": [
            {"day": "SATURDAY", "startTime": "02:00", "duration": 180},
            {"day": "SUNDAY", "startTime": "02:00", "duration": 180},
        ],
    }
    assert state["upgrades"] == [
        {
            "identity": upgrade.identity,
            "cluster": "payments",
            "environment": "staging",
            "organisation": "acme",
            "from": "v1.31.4-u-ame.2",
            "to": "v1.31.6-u-ame.10",
            "status": "REQUESTED",
            "window_start": "2026-12-07T20:00:00Z",
            "window_end": "2026-12-07T22:00:00Z",
            "reason": None,
            "requested_by": "console",
        }
    ]
    assert (state["next_outcome"], state["reschedule"], state["requests"]) == ("succeed", "move", 0)
    assert state["faults"] == {
        "delay_seconds": 0,
        "status": None,
        "drop": None,
        "html": False,
        "down": False,
        "no_list": False,
        "waiting": [],
    }


async def test_a_step_stops_at_each_status(
    cloud: SimulatedCloud, panel: httpx.AsyncClient, clock: SimulatedClock
) -> None:
    """The clock stands at the moment of the move, also when it ran before."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    clock.resume()
    statuses = []

    for _ in range(4):
        answer = (await panel.post("/cloud/clock", json={"step": True})).json()
        assert answer["ok"]
        statuses.append(upgrade.status)

    assert statuses == ["SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED"]
    assert clock.paused
    nothing = await panel.post("/cloud/clock", json={"step": True})
    assert nothing.status_code == 400
    assert "no next event" in nothing.json()["error"]


async def test_the_clock_obeys(panel: httpx.AsyncClient, clock: SimulatedClock) -> None:
    """Speed, pause and an advance, alone or together."""
    await panel.post("/cloud/clock", json={"speed": 600, "advance_seconds": 3600})

    assert (await shown(panel))["now"] == "2026-12-07T10:00:00Z"
    assert clock.speed == 600
    await panel.post("/cloud/clock", json={"paused": False})
    assert not clock.paused
    await panel.post("/cloud/clock", json={"paused": True})
    assert clock.paused


async def test_outcome_and_rescheduling_can_be_chosen(cloud: SimulatedCloud, panel: httpx.AsyncClient) -> None:
    """And are shown."""
    await panel.post("/cloud/outcome", json={"outcome": "miss"})
    await panel.post("/cloud/reschedule", json={"kind": "supersede"})

    state = await shown(panel)
    assert (state["next_outcome"], state["reschedule"]) == ("miss", "supersede")
    assert cloud.lifecycle.next_outcome == "miss"


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"status": 503}, 503), ({"html": True}, 502), ({"no_list": True}, 200), ({"delay_seconds": 0.01}, 200)],
)
async def test_faults_stay_until_they_are_taken_back(
    panel: httpx.AsyncClient, api: httpx.AsyncClient, fault: dict[str, Any], status: int
) -> None:
    """For every request, shown as they are."""
    await panel.post("/cloud/faults", json=fault)
    broken = [(await api.get("/api/v1/memberships")).status_code for _ in range(2)]
    seen = (await shown(panel))["faults"]

    await panel.post(
        "/cloud/faults", json={"status": None, "html": False, "no_list": False, "delay_seconds": 0, "drop": None}
    )

    assert broken == [status, status]
    assert {name: seen[name] for name in fault} == fault
    assert (await api.get("/api/v1/memberships")).status_code == 200
    assert (await api.get("/api/v1/orgs/acme/scheduled-cluster-upgrades")).status_code == 200


async def test_the_api_goes_down_and_comes_back(panel: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    """While the panel itself goes on working."""
    await panel.post("/cloud/faults", json={"down": True})
    with pytest.raises(httpx.ConnectError):
        await api.get("/api/v1/memberships")
    assert (await shown(panel))["faults"]["down"]

    await panel.post("/cloud/faults", json={"down": False, "drop": "after"})
    with pytest.raises(httpx.RemoteProtocolError):
        await api.get("/api/v1/memberships")


async def test_an_upgrade_can_be_scheduled_from_outside_slack(cloud: SimulatedCloud, panel: httpx.AsyncClient) -> None:
    """What the platform refuses is said in its own words."""
    body = {"clusterIdentity": cloud.cluster("staging/orders").identity, "version": "v1.32.3-u-ame.1"}

    made = (await panel.post("/cloud/upgrades", json=body)).json()
    refused = await panel.post("/cloud/upgrades", json=body | {"version": "v1.33.1-u-ame.0"})
    nowhere = await panel.post("/cloud/upgrades", json=body | {"clusterIdentity": "x"})

    assert cloud.upgrade(made["identity"]).requested_by == "console"
    assert "one minor version at a time" in refused.json()["error"]
    assert (refused.status_code, nowhere.status_code) == (400, 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cloud/clock", {"speed": 0}),
        ("/cloud/clock", {"speed": "fast"}),
        ("/cloud/clock", {"advance_seconds": -1}),
        ("/cloud/outcome", {"outcome": "explode"}),
        ("/cloud/faults", {"drop": "sideways"}),
        ("/cloud/faults", {"status": 7}),
        ("/cloud/reschedule", {"kind": "twice"}),
        ("/cloud/clock", []),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(panel: httpx.AsyncClient, path: str, body: object) -> None:
    """With a sentence that says what would."""
    answer = await panel.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert answer.json()["error"]


async def test_another_sites_form_cannot_push_the_cloud(panel: httpx.AsyncClient, clock: SimulatedClock) -> None:
    """Only JSON is read, which a browser does not send across origins unasked."""
    answer = await panel.post("/cloud/clock", data={"paused": "false"})

    assert answer.status_code == 400
    assert clock.paused


async def test_changes_are_told_at_once_and_requests_apart(
    cloud: SimulatedCloud, panel: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    """So that a bot that polls every second does not redraw the panel every second."""
    async with panel.stream("GET", "/cloud/events") as stream, asyncio.timeout(60):
        lines = stream.aiter_lines()
        await anext(lines)
        cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
        first = await _event(lines)
        await asyncio.sleep(0.2)
        await api.get("/api/v1/memberships")
        second = await _event(lines)

    assert first == {"type": "changed"}
    assert second == {"type": "requests", "requests": 1}


async def test_a_stream_of_requests_does_not_hold_up_a_change(
    cloud: SimulatedCloud, panel: httpx.AsyncClient, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count is told at most once a second, here once a minute; a change within a blink, also in between."""
    monkeypatch.setattr(panel_module, "REQUESTS_EVERY", 60.0)
    async with panel.stream("GET", "/cloud/events") as stream, asyncio.timeout(60):
        lines = stream.aiter_lines()
        await anext(lines)
        for _ in range(5):
            await api.get("/api/v1/memberships")
        first = await _event(lines)
        await api.get("/api/v1/memberships")
        began = asyncio.get_running_loop().time()
        cloud.outcome("fail")
        second = await _event(lines)
        took = asyncio.get_running_loop().time() - began

    assert first["type"] == "requests"
    assert second == {"type": "changed"}
    assert took < 30


async def _event(lines: AsyncIterator[str]) -> dict[str, Any]:
    async for line in lines:
        if line.startswith("data: "):
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return event
    return {}


async def test_one_kind_of_call_is_broken_and_all_faults_are_reset(
    panel: httpx.AsyncClient, cloud: SimulatedCloud
) -> None:
    """Method and path are patterns; a reset also brings the cloud and its list back."""
    add = {"method": "post", "path": "*/scheduled-cluster-upgrades", "times": None, "status": 409, "work": True}
    assert (await panel.post("/cloud/faults", json={"add": add, "no_list": True})).json() == {"ok": True}

    (waiting,) = (await panel.get("/cloud")).json()["faults"]["waiting"]
    assert (waiting["method"], waiting["path"], waiting["times"]) == ("POST", "*/scheduled-cluster-upgrades", None)
    assert (waiting["status"], waiting["work"]) == (409, True)
    assert cloud.faults.take("GET", "/api/v1/orgs/acme/scheduled-cluster-upgrades").status is None
    assert cloud.faults.take("POST", "/api/v1/orgs/acme/scheduled-cluster-upgrades").status == 409

    await panel.post("/cloud/faults", json={"down": True, "delay_seconds": 3})
    await panel.post("/cloud/faults", json={"reset": True})
    faults = (await panel.get("/cloud")).json()["faults"]
    assert not any(faults.values()), faults


@pytest.mark.parametrize(
    "add", [None, {"method": 1}, {"path": ""}, {"drop": "sideways"}, {"times": 0}, {"status": 7}, {"delay_seconds": -1}]
)
async def test_a_fault_that_makes_no_sense_is_refused(
    panel: httpx.AsyncClient, cloud: SimulatedCloud, add: object
) -> None:
    """With the reason, and nothing is broken."""
    answer = await panel.post("/cloud/faults", json={"add": add})

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert cloud.faults.waiting == []
