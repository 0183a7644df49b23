"""Node pools and alerts, from the simulated cloud and from servers that answer anything."""

import pytest
from aiohttp import web

from bot.avisi.calls import Timeouts
from bot.avisi.client import AvisiClient
from bot.domain.cluster import Cluster
from bot.domain.readiness import Alert, NodePool
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from bot.sandbox.avisi.world import Pool
from bot.workflow.errors import AvisiError, Declined, NoAnswer, Unauthorised, Unreadable
from tests.avisi.conftest import ACME, NOON, CallSeen, a_client
from tests.avisi.scripted import scripted

ALERTS_PATH = "/api/v1/orgs/{org}/alerts/{}"


async def the_cluster(client: AvisiClient, name: str) -> Cluster:
    catalog = await client.catalog(ACME)
    return next(one for one in catalog.clusters if one.full_name == name)


async def test_a_cluster_knows_its_tenant_and_the_one_it_follows(client: AvisiClient) -> None:
    assert (await the_cluster(client, "production/payments")).tenant == "acme-payments"
    assert (await the_cluster(client, "production/orders")).follows == "staging/orders"
    assert (await the_cluster(client, "development/playground")).tenant is None


async def test_the_pools_of_a_cluster_come_with_strategy_and_zone(client: AvisiClient, cloud: SimulatedCloud) -> None:
    cloud.cluster("production/payments").pools = [Pool(name="db", strategy="INPLACE", zone="a")]

    pools = await client.pools(await the_cluster(client, "production/payments"))

    assert pools == (NodePool(name="db", strategy="INPLACE", zone="a"),)


async def test_what_fires_is_named_and_keeps_its_key(client: AvisiClient, cloud: SimulatedCloud) -> None:
    cloud.fire("acme-payments", "KubeNodeNotReady")

    first, again = await client.alerts(ACME, "acme-payments"), await client.alerts(ACME, "acme-payments")

    assert first is not None
    assert [(alert.name, alert.active_at) for alert in first] == [("KubeNodeNotReady", NOON)]
    assert first == again
    cloud.fire("acme-payments", "KubeNodeNotReady", firing=False)
    assert await client.alerts(ACME, "acme-payments") == ()


async def test_a_tenant_that_is_not_found_is_not_monitored(client: AvisiClient) -> None:
    assert await client.alerts(ACME, "nobody") is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(path="*/alerts/*", status=401), Unauthorised),
        (Fault(path="*/alerts/*", status=403), Declined),
        (Fault(path="*/alerts/*", body="html"), Unreadable),
        (Fault(path="*/alerts/*", body="garbage"), Unreadable),
    ],
)
async def test_what_goes_wrong_is_raised_and_asked_once(
    client: AvisiClient, cloud: SimulatedCloud, calls: list[CallSeen], fault: Fault, error: type[AvisiError]
) -> None:
    cloud.faults.add(fault)

    with pytest.raises(error):
        await client.alerts(ACME, "acme-payments")

    assert len([one for one in calls if one[1] == ALERTS_PATH]) == 1


async def test_a_tenant_that_refuses_is_declined(client: AvisiClient) -> None:
    with pytest.raises(Declined) as refused:
        await client.alerts(ACME, "acme-development")

    assert refused.value.status == 403


async def test_a_cloud_that_hangs_is_left_after_the_short_limit(cloud: SimulatedCloud) -> None:
    """The limit of other reads does not count here, and nothing is repeated."""
    cloud.faults.add(Fault(path="*/alerts/*", delay=5, times=None))

    async with a_client(cloud.url, timeouts=Timeouts(quick_read=0.1)) as client:
        with pytest.raises(NoAnswer):
            await client.alerts(ACME, "acme-payments")

    assert len(cloud.requests.of("alerts")) == 1
    assert Timeouts().quick_read == 2.0


@pytest.mark.parametrize("body", [[3], [None], [{}], ["a"], [{"labels": None}], {"alerts": []}, "no"])
async def test_an_alert_of_another_shape_is_not_passed_over(body: object) -> None:
    """It may be one that fires."""
    async with scripted(lambda _: web.json_response(body)) as server, a_client(server.url) as client:
        with pytest.raises(Unreadable):
            await client.alerts(ACME, "a")


@pytest.mark.parametrize("body", [[3], [{}], [{"size": 3}], {"pools": []}])
async def test_a_pool_of_another_shape_is_not_passed_over(body: object, cloud: SimulatedCloud) -> None:
    async with a_client(cloud.url) as client:
        cluster = await the_cluster(client, "production/payments")
    async with scripted(lambda _: web.json_response(body)) as server, a_client(server.url) as client:
        with pytest.raises(Unreadable):
            await client.pools(cluster)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"labels": {"alertname": "A"}, "state": "firing"}, "A"),
        ({"labels": {"alertname": "A"}, "state": "suppressed"}, "A (suppressed)"),
        (
            {"labels": {"alertname": "<!channel>"}},
            "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}!channel\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        ),
        ({"labels": {"severity": 3}, "state": "firing"}, "unnamed alert"),
        ({"labels": {"alertname": "x" * 200}}, "x" * 79 + "…"),
        ({"labels": {"alertname": "A"}, "state": "pending"}, None),
    ],
)
async def test_an_alert_is_named_as_it_is(item: object, name: str | None) -> None:
    async with scripted(lambda _: web.json_response([item])) as server, a_client(server.url) as client:
        alerts = await client.alerts(ACME, "a")

    assert alerts is not None
    assert [one.name for one in alerts] == ([name] if name else [])
    assert all(isinstance(one, Alert) and one.active_at is None for one in alerts)
