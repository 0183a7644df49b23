"""Node pools and alerts of the simulated cloud, and the panel's switches for them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.panel import routes

TENANT = "/api/v1/orgs/acme/alerts/acme-payments"


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


async def test_pools_are_a_bare_array(api: httpx.AsyncClient) -> None:
    pools = (await api.get("/api/v1/orgs/acme/clusters/production/payments/pools")).json()

    assert [(pool["name"], pool["upgradeStrategy"]) for pool in pools] == [
        ("system", "REPLACE_MINOR_INPLACE_PATCH_WITHOUT_DRAIN"),
        ("workers", "REPLACE"),
    ]
    assert (await api.get("/api/v1/orgs/acme/clusters/production/nobody/pools")).status_code == 404


async def test_the_panel_switches_alerts_on_and_off(panel: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    where = {"organisation": "acme", "tenant": "acme-payments"}

    await panel.post("/cloud/alerts", json={**where, "alert": "KubeNodeNotReady", "firing": True})

    (alert,) = (await api.get(TENANT)).json()
    assert (alert["labels"]["alertname"], alert["state"], alert["value"]) == ("KubeNodeNotReady", "firing", "1e+00")
    shown = (await panel.get("/cloud")).json()["tenants"]
    tenant = next(one for one in shown if one["slug"] == "acme-payments")
    assert {"name": "KubeNodeNotReady", "firing": True} in tenant["alerts"]
    assert tenant["clusters"] == ["production/payments"]
    await panel.post("/cloud/alerts", json={**where, "alert": "KubeNodeNotReady", "firing": False})
    assert (await api.get(TENANT)).json() == []


async def test_a_tenant_can_refuse_and_stop_refusing(panel: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    where = {"organisation": "acme", "tenant": "acme-payments"}

    await panel.post("/cloud/alerts", json={**where, "refuses": 403})
    refused = await api.get(TENANT)
    await panel.post("/cloud/alerts", json={**where, "refuses": None})

    assert (refused.status_code, (await api.get(TENANT)).status_code) == (403, 200)
    assert (await api.get("/api/v1/orgs/acme/alerts/nobody")).status_code == 404
    assert (await panel.post("/cloud/alerts", json={"organisation": "acme", "tenant": "none"})).status_code == 400
