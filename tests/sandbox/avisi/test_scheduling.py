"""What the POST does to good and bad wishes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock
from tests.sandbox.avisi.conftest import UPGRADES, wish


async def test_the_answer_holds_every_documented_field(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Whole seconds in UTC, the next window, and the words of the cloud."""
    body = wish(cloud, scheduleRequestDate="2026-12-08T12:00:00+01:00", ignoreMaintenanceSchedule=False)

    answer = await api.post(UPGRADES, json=body)

    assert answer.status_code == 200
    upgrade = answer.json()
    assert upgrade.pop("identity")
    assert upgrade == {
        "clusterIdentity": cloud.cluster("staging/payments").identity,
        "createdAt": "2026-12-07T09:00:00Z",
        "modifiedAt": "2026-12-07T09:00:00Z",
        "windowStart": "2026-12-08T20:00:00Z",
        "windowEnd": "2026-12-08T22:00:00Z",
        "fromClusterVersion": "v1.31.4-u-ame.2",
        "toClusterVersion": "v1.31.6-u-ame.10",
        "status": "REQUESTED",
        "clusterSlug": "payments",
        "environmentSlug": "staging",
        "organisationSlug": "acme",
        "scheduleRequestDate": "2026-12-08T11:00:00Z",
        "ignoreMaintenanceSchedule": False,
    }


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"clusterIdentity": None}, "clusterIdentity"),
        ({"clusterIdentity": "payments"}, "clusterIdentity"),
        ({"clusterIdentity": 7}, "clusterIdentity"),
        ({"version": ""}, "version"),
        ({"version": None}, "version"),
        ({"version": "v1.31"}, "not available"),
        ({"version": "v1.31.4-u-ame.2"}, "already runs"),
        ({"version": "v1.33.1-u-ame.0"}, "one minor version at a time"),
        ({"version": "v1.30.8-u-ame.1"}, "downgrades stay within"),
        ({"scheduleRequestDate": "tomorrow"}, "scheduleRequestDate"),
        ({"scheduleRequestDate": "2026-12-08T12:00:00"}, "scheduleRequestDate"),
        ({"scheduleRequestDate": 7}, "scheduleRequestDate"),
        ({"ignoreMaintenanceSchedule": "true"}, "ignoreMaintenanceSchedule"),
    ],
)
async def test_a_bad_wish_is_refused_with_the_reason(
    cloud: SimulatedCloud, api: httpx.AsyncClient, more: dict[str, Any], fault: str
) -> None:
    """400 with message and details, and nothing is kept."""
    answer = await api.post(UPGRADES, json=wish(cloud, **more))

    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request parameters"
    assert fault in " ".join(answer.json()["details"])
    assert cloud.upgrades == []


async def test_a_body_that_is_no_json_object_is_refused(api: httpx.AsyncClient) -> None:
    """Neither garbage nor an array nor another content type is read."""
    headers = {"Content-Type": "application/json"}

    assert (await api.post(UPGRADES, content=b"{", headers=headers)).status_code == 400
    assert (await api.post(UPGRADES, content=b"[]", headers=headers)).status_code == 400
    assert (await api.post(UPGRADES, data={"version": "x"})).status_code == 415


async def test_a_patch_downgrade_and_a_newer_build_are_steps_too(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Within a minor both directions go; builds are compared as numbers."""
    down = await api.post(UPGRADES, json=wish(cloud, "staging/orders", version="v1.31.4-u-ame.2"))
    up = await api.post(UPGRADES, json=wish(cloud, "production/orders", version="v1.31.6-u-ame.10"))

    assert (down.status_code, up.status_code) == (200, 200)


async def test_unknown_and_deleted_clusters_are_not_found(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Also a cluster of another organisation."""
    for identity in (
        "5e08fe67-1274-475d-bd0c-a65b0330507f",
        cloud.cluster("development/legacy").identity,
        cloud.cluster("globex/production/core").identity,
    ):
        assert (await api.post(UPGRADES, json=wish(cloud, clusterIdentity=identity))).status_code == 404


async def test_a_viewer_may_not_schedule(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """The role of the token decides."""
    cloud.organisation().role = "viewer"

    answer = await api.post(UPGRADES, json=wish(cloud))

    assert answer.status_code == 403


async def test_a_cluster_without_windows_is_refused_or_waits(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Which of both the vendor does is not known, so the simulator can do either."""
    body = wish(cloud, "development/playground", version="v1.33.1-u-ame.0")

    refused = await api.post(UPGRADES, json=body)
    cloud.quirks.no_window = "stay"
    kept = await api.post(UPGRADES, json=body)
    cloud.clock.advance(timedelta(days=30))

    assert refused.status_code == 400
    assert "windowStart" not in kept.json()
    assert cloud.upgrade(kept.json()["identity"]).status == "REQUESTED"


async def test_ignoring_windows_starts_at_the_date_or_now(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """For a fixed length, also where there is no schedule."""
    at_once = wish(cloud, ignoreMaintenanceSchedule=True)
    dated = wish(
        cloud,
        "development/playground",
        version="v1.33.1-u-ame.0",
        ignoreMaintenanceSchedule=True,
        scheduleRequestDate="2026-12-09T03:30:00Z",
    )

    now = (await api.post(UPGRADES, json=at_once)).json()
    later = (await api.post(UPGRADES, json=dated)).json()

    assert (now["windowStart"], now["windowEnd"]) == ("2026-12-07T09:00:00Z", "2026-12-07T11:00:00Z")
    assert (later["windowStart"], later["windowEnd"]) == ("2026-12-09T03:30:00Z", "2026-12-09T05:30:00Z")


async def test_a_past_date_means_now(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Or 400 when so chosen."""
    body = wish(cloud, scheduleRequestDate="2026-12-01T00:00:00Z")

    taken = await api.post(UPGRADES, json=body)
    cloud.quirks.past_date = "refuse"
    refused = await api.post(UPGRADES, json=body)

    assert taken.json()["windowStart"] == "2026-12-07T20:00:00Z"
    assert refused.status_code == 400


async def test_rescheduling_moves_the_same_record(
    cloud: SimulatedCloud, api: httpx.AsyncClient, clock: SimulatedClock
) -> None:
    """Same identity, new window, back to REQUESTED."""
    first = (await api.post(UPGRADES, json=wish(cloud))).json()
    clock.advance(timedelta(hours=1))

    second = (await api.post(UPGRADES, json=wish(cloud, scheduleRequestDate="2026-12-09T00:00:00Z"))).json()

    assert second["identity"] == first["identity"]
    assert (second["createdAt"], second["modifiedAt"]) == ("2026-12-07T09:00:00Z", "2026-12-07T10:00:00Z")
    assert (second["status"], second["windowStart"]) == ("REQUESTED", "2026-12-09T20:00:00Z")
    assert len(cloud.upgrades) == 1


async def test_rescheduling_may_supersede_instead(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """A new record, and the old one says that it is superseded."""
    cloud.quirks.reschedule = "supersede"

    first = (await api.post(UPGRADES, json=wish(cloud))).json()
    second = (await api.post(UPGRADES, json=wish(cloud))).json()

    assert second["identity"] != first["identity"]
    assert cloud.upgrade(first["identity"]).status == "SUPERSEDED"
    assert cloud.upgrade(second["identity"]).status == "REQUESTED"


async def test_a_running_upgrade_refuses_another(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Nothing is rescheduled while it runs."""
    first = (await api.post(UPGRADES, json=wish(cloud))).json()
    cloud.move(first["identity"], "IN_PROGRESS")

    answer = await api.post(UPGRADES, json=wish(cloud, version="v1.32.3-u-ame.1"))

    assert answer.status_code == 400
    assert "in progress" in answer.json()["details"][0]


async def test_optional_fields_can_be_odd(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Fractions, offsets, nulls, missing and unknown fields: all within the schema."""
    cloud.quirks.fractions = True
    cloud.quirks.offset_hours = 1
    cloud.quirks.nulls = True
    cloud.quirks.leave_out = {"clusterSlug"}
    cloud.quirks.extra = {"note": {"new": True}}
    cloud.quirks.window_in_answer = False

    upgrade = (await api.post(UPGRADES, json=wish(cloud))).json()

    assert upgrade["createdAt"] == "2026-12-07T10:00:00.000000+01:00"
    assert upgrade["windowStart"] is None
    assert upgrade["reason"] is None
    assert "clusterSlug" not in upgrade
    assert upgrade["note"] == {"new": True}


async def test_windows_can_be_read_in_another_zone(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """The API never says which zone it is."""
    cloud.quirks.window_zone = "Europe/Amsterdam"

    upgrade = (await api.post(UPGRADES, json=wish(cloud))).json()

    assert upgrade["windowStart"] == "2026-12-07T19:00:00Z"


async def test_the_list_filters_by_cluster_and_status(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Comma-joined, and everything when the server ignores filters."""
    first = (await api.post(UPGRADES, json=wish(cloud))).json()
    second = cloud.schedule_elsewhere("production/payments", "v1.31.6-u-ame.10")
    cloud.move(second.identity, "MISSED", reason="Too late")

    async def listed(**query: str) -> list[str]:
        page = (await api.get(UPGRADES, params=query)).json()
        return [item["identity"] for item in page["content"]]

    assert await listed() == [first["identity"], second.identity]
    assert await listed(statuses="MISSED,FAILED") == [second.identity]
    assert await listed(statuses="REQUESTED,SCHEDULED") == [first["identity"]]
    assert await listed(clusterIdentities=second.cluster_identity) == [second.identity]
    assert await listed(clusterIdentities=second.cluster_identity, statuses="REQUESTED") == []
    cloud.quirks.ignore_filters = True
    assert len(await listed(statuses="FAILED")) == 2


@pytest.mark.parametrize("status", [404, 405, 403])
async def test_the_list_may_not_exist(cloud: SimulatedCloud, api: httpx.AsyncClient, status: int) -> None:
    """While the POST goes on working."""
    cloud.quirks.list_status = status

    listed = await api.get(UPGRADES)
    posted = await api.post(UPGRADES, json=wish(cloud))

    assert (listed.status_code, posted.status_code) == (status, 200)


async def test_two_posts_at_once_leave_one_pending_record(cloud: SimulatedCloud) -> None:
    """Whatever the kind of rescheduling, one upgrade of a cluster waits at a time."""
    cloud.quirks.reschedule = "supersede"
    cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    cloud.schedule_elsewhere("staging/payments", "v1.32.3-u-ame.1", date=datetime(2026, 12, 10, tzinfo=UTC))

    assert [upgrade.status for upgrade in cloud.upgrades] == ["SUPERSEDED", "REQUESTED"]
