"""What can be made to go wrong, as a client sees it."""

import time

import httpx
import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from tests.sandbox.avisi.conftest import UPGRADES, wish

MEMBERSHIPS = "/api/v1/memberships"


async def test_a_fault_happens_as_often_as_asked(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Then everything is well again."""
    cloud.faults.add(Fault(status=503, times=2, retry_after="7"))

    answers = [await api.get(MEMBERSHIPS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert set(answers[0].json()) == {"message", "details"}


async def test_a_fault_can_stay_until_it_is_cleared(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """And concern one method and path only."""
    cloud.faults.add(Fault(method="POST", path="*/scheduled-cluster-upgrades", status=500, times=None))

    posts = [(await api.post(UPGRADES, json=wish(cloud))).status_code for _ in range(3)]
    read = (await api.get(UPGRADES)).status_code
    cloud.faults.clear()

    assert posts == [500, 500, 500]
    assert read == 200
    assert (await api.post(UPGRADES, json=wish(cloud))).status_code == 200
    assert len(cloud.upgrades) == 1


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Fault(body="html"), 200, "text/html"),
        (Fault(body="html", status=502), 502, "text/html"),
        (Fault(body="garbage"), 200, "application/json"),
        (Fault(body="text", status=503), 503, "text/plain"),
        (Fault(body="empty", status=200), 200, "application/json"),
    ],
)
async def test_answers_can_be_no_json(
    cloud: SimulatedCloud, api: httpx.AsyncClient, fault: Fault, status: int, kind: str
) -> None:
    """Pages of proxies, half an object, nothing."""
    cloud.faults.add(fault)

    answer = await api.get(MEMBERSHIPS)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(kind)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


@pytest.mark.parametrize(("drop", "kept"), [("before", 0), ("during", 1), ("after", 1)])
async def test_a_connection_can_be_dropped_before_or_after_the_work(
    cloud: SimulatedCloud, api: httpx.AsyncClient, drop: str, kept: int
) -> None:
    """The client cannot tell which; the cloud knows."""
    cloud.faults.add(Fault(drop=drop))  # type: ignore[arg-type]

    with pytest.raises(httpx.TransportError):
        await api.post(UPGRADES, json=wish(cloud))

    assert len(cloud.upgrades) == kept


async def test_an_error_can_come_after_the_work(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """As when a gateway gives up on a slow answer."""
    cloud.faults.add(Fault(status=504, body="html", work=True))

    answer = await api.post(UPGRADES, json=wish(cloud))

    assert answer.status_code == 504
    assert len(cloud.upgrades) == 1


async def test_a_late_answer_does_its_work_though_nobody_waits(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """A time-out of the client undoes nothing."""
    cloud.faults.add(Fault(method="POST", delay=0.2))

    with pytest.raises(httpx.ReadTimeout):
        await api.post(UPGRADES, json=wish(cloud), timeout=httpx.Timeout(60, read=0.05))
    began = time.monotonic()
    while not cloud.upgrades and time.monotonic() < began + 60:
        await api.get(MEMBERSHIPS)

    assert len(cloud.upgrades) == 1


async def test_the_whole_api_can_refuse_connections_and_come_back(
    cloud: SimulatedCloud, api: httpx.AsyncClient
) -> None:
    """On the same port, also for clients that held a connection."""
    await api.get(MEMBERSHIPS)
    before = cloud.url

    await cloud.go_down()
    with pytest.raises(httpx.TransportError):
        await api.get(MEMBERSHIPS)
    with pytest.raises(httpx.ConnectError):
        await api.get(MEMBERSHIPS)
    await cloud.come_back()

    assert (await api.get(MEMBERSHIPS)).status_code == 200
    assert cloud.url == before


async def test_the_whole_api_can_reset_connections(cloud: SimulatedCloud, api: httpx.AsyncClient) -> None:
    """Accepted, then cut; also straight after it refused them."""
    await cloud.go_down()
    await cloud.go_down("reset")

    with pytest.raises(httpx.ReadError):
        await api.get(MEMBERSHIPS)
    await cloud.come_back()

    assert (await api.get(MEMBERSHIPS)).status_code == 200


async def test_a_cloud_that_is_down_can_be_closed(cloud: SimulatedCloud) -> None:
    """And going down twice is going down once."""
    await cloud.go_down()
    await cloud.go_down()
    await cloud.close()

    assert cloud.faults.down == "refused"
