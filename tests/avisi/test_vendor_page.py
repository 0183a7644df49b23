"""The examples on the vendor's page (docs.avisi.cloud, requestScheduledClusterUpgrade), word for word."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp import web
from pydantic import ValidationError

from bot.domain.cluster import ClusterIdentity
from bot.domain.scheduled import Reading, UpgradeIdentity
from bot.domain.windows import Window
from bot.workflow.errors import Declined
from bot.workflow.ports import Submission
from tests.avisi.conftest import ACME, a_client
from tests.avisi.scripted import scripted

REQUEST = """{
    "clusterIdentity": "5e08fe67-1274-475d-bd0c-a65b0330507f",
    "version": "string"
  }"""
ANSWER = """{
  "identity": "10a80a7a-1a32-4a74-b592-aa2a4ef691c5",
  "clusterIdentity": "5e08fe67-1274-475d-bd0c-a65b0330507f",
  "createdAt": "2019-08-24T14:15:22Z",
  "modifiedAt": "2019-08-24T14:15:22Z",
  "windowStart": "2019-08-24T14:15:22Z",
  "windowEnd": "2019-08-24T14:15:22Z",
  "reason": "string",
  "fromClusterVersion": "string",
  "toClusterVersion": "string",
  "status": "REQUESTED",
  "clusterSlug": "string",
  "environmentSlug": "string",
  "organisationSlug": "string",
  "scheduleRequestDate": "2019-08-24T14:15:22Z",
  "ignoreMaintenanceSchedule": true
}"""
ERROR = """{
  "message": "string",
  "details": [
    "string"
  ]
}"""
MOMENT = datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
CLUSTER = ClusterIdentity("5e08fe67-1274-475d-bd0c-a65b0330507f")


def a_submission(*, start: datetime | None = None, version: str = "string", cluster: str = CLUSTER) -> Submission:
    return Submission(
        cluster_identity=ClusterIdentity(cluster), version=version, start=start, ignore_windows=start is not None
    )


def answering(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json")


async def test_the_request_is_the_one_on_the_page_plus_the_flag() -> None:
    """What the page shows is sent as it is; the flag is always said; there is no date where none is wanted."""
    async with scripted(lambda _: answering(ANSWER)) as server, a_client(server.url) as client:
        await client.submit(ACME, a_submission())

    ((method, path, headers, body),) = server.seen
    assert (method, path) == ("POST", "/api/v1/orgs/acme/scheduled-cluster-upgrades")
    assert json.loads(body) == json.loads(REQUEST) | {"ignoreMaintenanceSchedule": False}
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept"] == "application/json"
    assert headers["Authorization"] == "Token acpat_a-token-for-tests"
    assert headers["User-Agent"] == "schedule-upgrade-bot/0.1.0"


async def test_the_answer_on_the_page_is_read_in_full() -> None:
    """Every field of the example arrives in our own words."""
    async with scripted(lambda _: answering(ANSWER)) as server, a_client(server.url) as client:
        reading = await client.submit(ACME, a_submission())

    assert reading == Reading(
        identity=UpgradeIdentity("10a80a7a-1a32-4a74-b592-aa2a4ef691c5"),
        cluster_identity=CLUSTER,
        status="REQUESTED",
        window=Window(start=MOMENT, end=MOMENT),
        reason="string",
        from_version="string",
        to_version="string",
        cluster="string",
        environment="string",
        created_at=MOMENT,
        modified_at=MOMENT,
        requested_start=MOMENT,
        ignore_windows=True,
    )


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_the_error_on_the_page_is_read_in_full(status: int) -> None:
    """Message and details are kept in the vendor's words."""
    async with scripted(lambda _: answering(ERROR, status)) as server, a_client(server.url) as client:
        with pytest.raises(Declined) as caught:
            await client.submit(ACME, a_submission())

    assert (caught.value.message, caught.value.details, caught.value.status) == ("string", ("string",), status)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC),
        datetime(2019, 8, 24, 14, 15, 22, 999_999, tzinfo=UTC),
        datetime(2019, 8, 24, 16, 15, 22, tzinfo=timezone(timedelta(hours=2))),
    ],
)
async def test_a_start_is_sent_as_on_the_page(start: datetime) -> None:
    """UTC, whole seconds, Z: whatever zone and precision it had here."""
    async with scripted(lambda _: answering(ANSWER)) as server, a_client(server.url) as client:
        await client.submit(ACME, a_submission(start=start))

    assert json.loads(server.seen[0][3]) == {
        "clusterIdentity": CLUSTER,
        "version": "string",
        "scheduleRequestDate": "2019-08-24T14:15:22Z",
        "ignoreMaintenanceSchedule": True,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        a_submission(version=""),
        a_submission(cluster=""),
        a_submission(start=datetime(2026, 1, 1)),  # noqa: DTZ001  a naive one is the point
    ],
)
async def test_nothing_wrong_is_ever_sent(wrong: Submission) -> None:
    """An empty version or cluster, or a start without a zone, is our own mistake and stays here."""
    async with scripted(lambda _: answering(ANSWER)) as server, a_client(server.url) as client:
        with pytest.raises(ValidationError):
            await client.submit(ACME, wrong)

    assert server.seen == []
