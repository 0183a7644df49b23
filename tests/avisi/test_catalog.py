"""The catalog of an organisation, from the simulated cloud's five lists."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from aiohttp import web

from bot.avisi.client import AvisiClient
from bot.domain.cluster import Catalog, Cluster, Environment, Organisation
from bot.domain.windows import MaintenanceSchedule, WeeklyWindow
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from bot.workflow.errors import AvisiError, Broken, Declined, NotConnected, Unauthorised
from tests.avisi.conftest import ACME, NOON, a_client
from tests.avisi.scripted import scripted

OPTIONAL = ["update-channels", "environments", "maintenance-schedule"]


def cluster_of(catalog: Catalog, name: str) -> Cluster:
    (found,) = [cluster for cluster in catalog.clusters if cluster.full_name == name]
    return found


async def test_a_catalog_holds_what_there_is(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Clusters by name with channel and windows, environments, versions; deleted clusters are gone."""
    catalog = await client.catalog(ACME)

    assert (catalog.organisation, catalog.fetched_at) == (ACME, NOON)
    assert [cluster.full_name for cluster in catalog.clusters] == [
        "development/ci-runners",
        "development/playground",
        "production/orders",
        "production/payments",
        "production/webshop",
        "staging/orders",
        "staging/payments",
        "staging/webshop",
    ]
    webshop = cluster_of(catalog, "production/webshop")
    assert webshop.identity == cloud.cluster("production/webshop").identity
    assert (webshop.version, webshop.status, webshop.organisation) == ("v1.30.10-u-ame.4", "running", ACME)
    assert (webshop.channel, webshop.channel_version) == ("v1.31", "v1.31.6-u-ame.10")
    assert webshop.schedule is not None
    assert webshop.schedule.name == "Early Tuesday"
    assert webshop.schedule.windows == (WeeklyWindow(weekday=1, start=time(4, 30), minutes=90),)
    assert cluster_of(catalog, "staging/webshop").auto_upgrade
    assert cluster_of(catalog, "development/playground").schedule is None
    assert {environment.slug: environment.kind for environment in catalog.environments} == {
        one.slug: one.kind for one in cloud.organisation().environments.values()
    }
    assert set(catalog.versions) == set(cloud.world.versions)


async def test_every_list_is_read_to_its_end(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """A thousand clusters come in pages."""
    cloud.many_clusters(1000)

    catalog = await client.catalog(ACME)

    assert len(catalog.clusters) == 1008
    assert len(catalog.by_identity) == 1008


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("part", OPTIONAL)
async def test_a_catalog_does_without_what_the_token_may_not_see(
    client: AvisiClient, cloud: SimulatedCloud, part: str, status: int
) -> None:
    """Channels, windows and environments are then what the clusters themselves say."""
    cloud.faults.add(Fault(path=f"*/{part}", status=status))

    catalog = await client.catalog(ACME)

    payments = cluster_of(catalog, "production/payments")
    assert payments.channel_version == "v1.31.6-u-ame.10"
    assert payments.schedule is not None
    assert len(payments.schedule.windows) == 2
    assert [environment.slug for environment in catalog.environments] == ["development", "production", "staging"]


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("*/clusters", 403, Declined),
        ("*/clusters", 404, Declined),
        ("*/cluster-versions", 403, Declined),
        ("*/cluster-versions", 500, Broken),
        ("*/environments", 500, Broken),
        ("*/environments", 401, Unauthorised),
        ("*", 401, Unauthorised),
    ],
)
async def test_a_catalog_without_its_parts_is_an_error(
    client: AvisiClient, cloud: SimulatedCloud, path: str, status: int, expected: type[AvisiError]
) -> None:
    """One error of our own, never a group of them."""
    cloud.faults.add(Fault(path=path, status=status, times=None))

    with pytest.raises(expected):
        await client.catalog(ACME)


async def test_a_catalog_of_a_cloud_that_is_down_is_one_error(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Five lists fail at once, one reason is told."""
    await cloud.go_down()

    with pytest.raises(NotConnected):
        await client.catalog(ACME)


async def test_an_organisation_s_name_cannot_lead_elsewhere(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """A slug is one part of the path, whatever is in it."""
    with pytest.raises(Declined):
        await client.catalog(Organisation("../memberships?x="))

    assert "memberships" not in cloud.requests.counts


def serving(**parts: Any) -> Callable[[web.Request], web.Response]:  # noqa: ANN401  JSON of any shape
    """Answer each list by the last part of its path, empty where nothing is said."""
    return lambda request: web.json_response(parts.get(request.path.rsplit("/", 1)[1].replace("-", "_"), []))


async def catalog_of(**parts: Any) -> Catalog:  # noqa: ANN401  as above
    async with scripted(serving(**parts)) as server, a_client(server.url) as client:
        return await client.catalog(ACME)


A_CLUSTER = {"identity": "c1", "slug": "payments", "environmentSlug": "production", "version": "v1.31.4-u-ame.2"}


async def test_a_cluster_needs_little_more_than_a_name() -> None:
    """What is absent is empty."""
    catalog = await catalog_of(clusters=[A_CLUSTER])

    (cluster,) = catalog.clusters
    assert (cluster.name, cluster.status, cluster.channel, cluster.channel_version) == ("payments", "", None, None)
    assert (cluster.auto_upgrade, cluster.schedule) == (False, None)
    assert catalog.environments == (Environment(organisation=ACME, slug="production", name="production"),)


async def test_odd_clusters_do_not_break_the_catalog(caplog: pytest.LogCaptureFixture) -> None:
    """They are passed over and counted; a slug in its wrapper is a slug; deleted is no oddity."""
    wrapped = A_CLUSTER | {"identity": "c2", "slug": {"slugValue": "orders"}, "environmentSlug": {"slugValue": "test"}}
    deleted = A_CLUSTER | {"identity": "c3", "deletedAt": "2026-01-01T00:00:00Z"}
    living = A_CLUSTER | {"identity": "c4", "slug": "web", "deletedAt": "0001-01-01T00:00:00Z", "status": "started"}
    nameless = A_CLUSTER | {"slug": None}

    catalog = await catalog_of(clusters=[A_CLUSTER, wrapped, deleted, living, nameless, None, 7, A_CLUSTER])

    assert [cluster.full_name for cluster in catalog.clusters] == [
        "production/payments",
        "production/web",
        "test/orders",
    ]
    assert catalog.clusters[1].status == "running"
    (record,) = [record for record in caplog.records if record.message == "cloud.items_skipped"]
    assert vars(record)["skipped"] == 3


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ({"name": "stable", "kubernetesClusterVersion": "v1.31.9-u-ame.0"}, ("stable", "v1.31.9-u-ame.0")),
        ({"name": "stable"}, ("stable", "v1.31.6-u-ame.10")),
        ({"name": "stable", "kubernetesClusterVersion": None}, ("stable", "v1.31.6-u-ame.10")),
        ("stable", ("stable", "v1.31.6-u-ame.10")),
        ("gone", ("gone", None)),
        (None, (None, None)),
        ("", (None, None)),
        (7, (None, None)),
    ],
)
async def test_a_channel_s_version_is_its_own_or_the_list_s(
    channel: object, expected: tuple[str | None, str | None]
) -> None:
    """An object, as read, or a name, as written."""
    catalog = await catalog_of(
        clusters=[A_CLUSTER | {"updateChannel": channel}],
        update_channels=[{"name": "stable", "kubernetesClusterVersion": "v1.31.6-u-ame.10"}],
    )

    assert (catalog.clusters[0].channel, catalog.clusters[0].channel_version) == expected


async def test_windows_are_read_however_they_are_written() -> None:
    """Days in any case, times with or without seconds; a window that makes no sense is left out."""
    windows = [
        {"day": "sunday", "startTime": "02:00", "duration": 180},
        {"day": "MONDAY", "startTime": "22:30:00", "duration": "90"},
        {"day": "Tuesday", "startTime": "4:05", "duration": 0},
        {"day": "SOMEDAY", "startTime": "02:00", "duration": 180},
        {"day": "FRIDAY", "startTime": "25:00", "duration": 180},
        {"day": "FRIDAY", "startTime": None, "duration": 180},
        {"day": "FRIDAY", "startTime": "02:00", "duration": -1},
        {"day": "FRIDAY", "startTime": "02:00"},
        "FRIDAY",
    ]
    schedule = {"identity": "s1", "name": "Nights", "windows": windows}

    catalog = await catalog_of(clusters=[A_CLUSTER | {"maintenanceSchedule": schedule}])

    assert catalog.clusters[0].schedule == MaintenanceSchedule(
        identity="s1",
        name="Nights",
        windows=(
            WeeklyWindow(weekday=6, start=time(2), minutes=180),
            WeeklyWindow(weekday=0, start=time(22, 30), minutes=90),
            WeeklyWindow(weekday=1, start=time(4, 5), minutes=0),
        ),
        is_complete=False,
    )


@pytest.mark.parametrize(
    "own",
    [
        "s1",
        {"identity": "s1"},
        {"name": "Nights"},
        {"identity": "s1", "windows": None},
        {"identity": "s1", "windows": {"SUNDAY": "02:00"}},
        {"windows": [{"day": "SOMEDAY", "startTime": "02:00", "duration": 60}]},
        {"windows": ["SUNDAY 02:00"]},
        ["SUNDAY 02:00"],
        7,
    ],
)
async def test_windows_that_cannot_be_read_are_not_the_same_as_none(own: object) -> None:
    """The cluster has a schedule: it is only not known when it is."""
    catalog = await catalog_of(clusters=[A_CLUSTER | {"maintenanceSchedule": own}])

    schedule = catalog.clusters[0].schedule
    assert schedule is not None
    assert (schedule.windows, schedule.is_complete) == ((), False)


@pytest.mark.parametrize("own", [None, "", {}, {"identity": "s1", "windows": []}, []])
async def test_a_cluster_without_windows_has_none_for_sure(own: object) -> None:
    """Absent, or a schedule that says that it is empty."""
    catalog = await catalog_of(clusters=[A_CLUSTER | {"maintenanceSchedule": own}])

    schedule = catalog.clusters[0].schedule
    assert schedule is None or (schedule.windows, schedule.is_complete) == ((), True)


async def test_a_list_of_schedules_that_is_refused_leaves_windows_unread() -> None:
    """The token may not see them; that does not mean that there are none."""

    def answer(request: web.Request) -> web.Response:
        if request.path.endswith("maintenance-schedule"):
            return web.json_response({"message": "No permission"}, status=403)
        listed = [A_CLUSTER | {"maintenanceSchedule": "s1"}] if request.path.endswith("/clusters") else []
        return web.json_response(listed)

    async with scripted(answer) as server, a_client(server.url) as client:
        (cluster,) = (await client.catalog(ACME)).clusters

    assert cluster.schedule == MaintenanceSchedule(identity="s1", name="", windows=(), is_complete=False)


@pytest.mark.parametrize("own", [{"identity": "s1"}, "s1", {"identity": "s1", "name": "Old", "windows": []}])
async def test_a_cluster_s_schedule_is_looked_up_in_the_list(own: object) -> None:
    """The list is complete; what the cluster carries may be a reference only."""
    listed = {"identity": "s1", "name": "Nights", "windows": [{"day": "SUNDAY", "startTime": "02:00", "duration": 60}]}

    catalog = await catalog_of(clusters=[A_CLUSTER | {"maintenanceSchedule": own}], maintenance_schedule=[listed])

    assert catalog.clusters[0].schedule is not None
    assert catalog.clusters[0].schedule.name == "Nights"


async def test_versions_come_as_objects_or_bare_each_once() -> None:
    """What is no longer available is not offered."""
    catalog = await catalog_of(
        cluster_versions=[
            {"version": "v2"},
            {"version": "v1", "available": True},
            "v3",
            {"version": "v2"},
            {"version": "v4", "available": False},
            {"version": "v5", "deletedAt": "2026-01-01T00:00:00Z"},
            {"version": ""},
            {},
            None,
        ]
    )

    assert catalog.versions == ("v2", "v1", "v3")


async def test_environments_are_read_in_either_form(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """With the slug in its wrapper, as some of the vendor's samples have it, or plain."""
    plain = await client.catalog(ACME)
    cloud.quirks.slug_objects = True
    cloud.organisation().environments["production"].created_at = datetime(2020, 1, 1, tzinfo=UTC)

    assert (await client.catalog(ACME)).environments == plain.environments


async def test_one_cluster_is_read_as_it_is_now(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """An upgrade from elsewhere shows, with two requests however many clusters there are."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.cluster("production/payments").version = "v1.31.6-u-ame.9"
    cloud.world.versions = ["v1.31.6-u-ame.10"]
    cloud.requests.clear()

    fresh, versions = await client.current(known)

    assert fresh == replace(known, version="v1.31.6-u-ame.9")
    assert versions == ("v1.31.6-u-ame.10",)
    assert cloud.requests.counts == {"cluster": 1, "versions": 1}


async def test_a_deleted_cluster_is_gone(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Nothing is at its address, and it is not in the list either."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.cluster("production/payments").deleted_at = NOON

    assert (await client.current(known))[0] is None


async def test_a_renamed_cluster_is_found_by_its_identity(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """And one that took its name is not mistaken for it."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.cluster("production/payments").slug = "billing"

    renamed, _ = await client.current(known)
    looked_for_elsewhere, _ = await client.current(replace(known, slug="orders"))

    assert renamed is not None
    assert renamed.full_name == "production/billing"
    assert looked_for_elsewhere == renamed


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_cloud_without_single_clusters_is_asked_for_the_list(
    client: AvisiClient, cloud: SimulatedCloud, status: int
) -> None:
    """The address of one cluster is not in the public documentation, so nothing depends on it."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.faults.add(Fault(path="*/clusters/*", status=status, times=None))

    assert (await client.current(known))[0] == known


async def test_a_cluster_that_a_list_lacks_is_found_at_its_address(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """A list without items and with status 200 says nothing about it."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.faults.add(Fault(path="*/clusters", body="nothing", times=None))

    assert (await client.catalog(ACME)).clusters == ()
    assert (await client.current(known))[0] == known


async def test_a_cluster_that_cannot_be_read_is_an_error(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Not a cluster that is gone."""
    known = cluster_of(await client.catalog(ACME), "production/payments")
    cloud.faults.add(Fault(path="*/clusters/*", status=500, times=None))

    with pytest.raises(Broken):
        await client.current(known)
