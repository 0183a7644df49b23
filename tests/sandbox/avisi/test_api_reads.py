"""What the simulated cloud answers to reads, by shape and by who asks."""

from typing import Any

import httpx
import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from tests.sandbox.avisi.conftest import UPGRADES

EVERY_READ = (
    "/api/v1/orgs/acme/clusters",
    "/api/v1/orgs/acme/clusters/staging",
    "/api/v1/orgs/acme/clusters/staging/payments",
    "/api/v1/orgs/acme/update-channels",
    "/api/v1/orgs/acme/environments",
    "/api/v1/organisations/acme/maintenance-schedule",
    "/api/v1/organisations/acme/me",
    "/api/v1/cluster-versions",
    "/api/v1/memberships",
    UPGRADES,
)


@pytest.mark.parametrize("path", EVERY_READ)
async def test_every_read_needs_the_token_in_the_vendors_own_scheme(api: httpx.AsyncClient, path: str) -> None:
    """Token opens, Bearer and silence get 401 with the documented error body."""
    right = await api.get(path)
    bearer = await api.get(path, headers={"Authorization": api.headers["Authorization"].replace("Token", "Bearer")})
    wrong = await api.get(path, headers={"Authorization": "Token acpat_other"})

    assert right.status_code == 200
    assert (bearer.status_code, wrong.status_code) == (401, 401)
    assert set(bearer.json()) == {"message", "details"}


async def test_answers_carry_the_simulated_date(api: httpx.AsyncClient) -> None:
    """The Date header is the cloud's own clock, also on errors."""
    good = await api.get("/api/v1/memberships")
    bad = await api.get("/api/v1/nothing")

    assert good.headers["Date"] == bad.headers["Date"] == "Mon, 07 Dec 2026 09:00:00 GMT"


async def test_clusters_come_in_pages_of_fifty(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Following `last` from page zero sees every cluster once."""
    cloud.many_clusters(150)
    seen: list[str] = []
    number = 0

    while True:
        page = (await api.get("/api/v1/orgs/acme/clusters", params={"page": number})).json()
        seen += [item["identity"] for item in page["content"]]
        if page["last"]:
            break
        number += 1

    assert number == 3
    assert len(seen) == len(set(seen)) == page["totalElements"] == 159
    assert (page["size"], page["numberOfElements"], page["first"]) == (50, 9, False)


async def test_a_page_past_the_end_is_empty_and_the_last(api: httpx.AsyncClient) -> None:
    """Asking too far is no error."""
    page = (await api.get("/api/v1/orgs/acme/clusters", params={"page": 9})).json()

    assert (page["content"], page["empty"], page["last"]) == ([], True, True)


async def test_a_cluster_tells_version_channel_and_windows(api: httpx.AsyncClient) -> None:
    """The channel is an object, the schedule carries its windows."""
    cluster = (await api.get("/api/v1/orgs/acme/clusters/production/payments")).json()

    assert cluster["version"] == "v1.31.4-u-ame.2"
    assert cluster["updateChannel"] == {
        "name": "stable",
        "available": True,
        "kubernetesClusterVersion": "v1.31.6-u-ame.10",
    }
    assert cluster["maintenanceSchedule"]["windows"][0] == {"day": "SATURDAY", "startTime": "02:00", "duration": 180}
    assert "actualState" not in cluster


async def test_a_cluster_without_channel_or_schedule_says_so(api: httpx.AsyncClient) -> None:
    """No channel is null, no schedule is an absent field."""
    path = "/api/v1/orgs/acme/clusters/development/playground"

    cluster = (await api.get(path, params={"includeDetails": "true", "show-compute": "true"})).json()

    assert cluster["updateChannel"] is None
    assert "maintenanceSchedule" not in cluster
    assert cluster["actualState"] == "running"
    assert cluster["cpu"] > 0


async def test_deleted_clusters_are_listed_with_the_moment(api: httpx.AsyncClient) -> None:
    """The reader has to leave them out; asked for alone they are gone."""
    listed = (await api.get("/api/v1/orgs/acme/clusters/development")).json()["content"]
    alone = await api.get("/api/v1/orgs/acme/clusters/development/legacy")

    assert [item["slug"] for item in listed if item["deletedAt"]] == ["legacy"]
    assert alone.status_code == 404


async def test_clusters_can_be_asked_for_by_schedule(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """The documented filter `maintenanceSchedule`."""
    schedule = cloud.cluster("production/webshop").schedule

    page = (await api.get("/api/v1/orgs/acme/clusters", params={"maintenanceSchedule": schedule or ""})).json()

    assert [item["slug"] for item in page["content"]] == ["webshop"]


@pytest.mark.parametrize("path", ["/api/v1/cluster-versions", "/api/v1/organisations/acme/maintenance-schedule"])
async def test_versions_and_schedules_are_bare_arrays(api: httpx.AsyncClient, path: str) -> None:
    """Two lists are no pages."""
    answer: Any = (await api.get(path)).json()

    assert isinstance(answer, list)
    assert answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/orgs/nowhere/clusters", 404),
        ("/api/v1/orgs/acme/clusters/nowhere", 404),
        ("/api/v1/orgs/acme/clusters/staging/nowhere", 404),
        (UPGRADES + "/5e08fe67-1274-475d-bd0c-a65b0330507f", 404),
        ("/api/v1/orgs/acme/clusters?page=x", 400),
        (UPGRADES + "?clusterIdentities=x", 400),
    ],
)
async def test_what_is_not_there_is_a_json_error(api: httpx.AsyncClient, path: str, status: int) -> None:
    """Also one scheduled upgrade by itself, which the vendor does not offer."""
    answer = await api.get(path)

    assert answer.status_code == status
    assert set(answer.json()) == {"message", "details"}


async def test_cancelling_is_not_offered(api: httpx.AsyncClient) -> None:
    """DELETE and PATCH on the list are refused in JSON."""
    for method in ("DELETE", "PATCH", "PUT"):
        answer = await api.request(method, UPGRADES)
        assert answer.status_code == 405
        assert answer.json()["details"] == []


async def test_a_token_sees_only_its_own_organisations(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Another organisation is 403 and not among the memberships."""
    cloud.world.tokens[cloud.token] = ["acme"]

    other = await api.get("/api/v1/orgs/globex/clusters")
    memberships = (await api.get("/api/v1/memberships")).json()["content"]

    assert other.status_code == 403
    assert [item["slug"] for item in memberships] == ["acme"]


async def test_environments_may_write_their_slug_as_an_object(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """As in the documentation's samples; plain strings otherwise."""
    path = "/api/v1/orgs/acme/environments"

    plain = (await api.get(path)).json()["content"]
    cloud.quirks.slug_objects = True
    objects = (await api.get(path)).json()["content"]

    assert [(item["slug"], item["type"], item["totalClusters"]) for item in plain] == [
        ("production", "production", 3),
        ("staging", "staging", 3),
        ("development", "development", 2),
    ]
    assert objects[0]["slug"] == {"slugValue": "production"}


async def test_requests_are_counted_and_kept_without_the_token(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Tests can look at what was sent, nobody can read the token from it."""
    await api.get("/api/v1/orgs/acme/clusters", params={"page": 0})
    await api.post(UPGRADES, json={"version": ""})

    read, posted = cloud.requests.of("clusters")[0], cloud.requests.of("schedule")[0]
    assert cloud.requests.counts == {"clusters": 1, "schedule": 1}
    assert (read.method, read.query, read.status) == ("GET", {"page": "0"}, 200)
    assert (posted.body, posted.status) == ({"version": ""}, 400)
    assert cloud.token not in repr(list(cloud.requests.seen))


async def test_ten_thousand_clusters_can_be_read(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Big pages may be asked for."""
    cloud.many_clusters(10_000)

    page = (await api.get("/api/v1/orgs/acme/clusters", params={"page": 3, "size": 1000})).json()

    assert page["numberOfElements"] == 1000
    assert page["totalPages"] == 11
