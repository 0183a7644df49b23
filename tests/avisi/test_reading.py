"""Reads against the simulated cloud: the list of upgrades, repeats, the clock, the source."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.avisi.client import AvisiClient
from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.scheduled import OPEN, Reading
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from bot.workflow.errors import (
    AvisiError,
    Broken,
    Declined,
    NoAnswer,
    NoList,
    NotConnected,
    Overloaded,
    Unauthorised,
    Unreadable,
)
from bot.workflow.ports import AvisiCloud, Page, Submission
from tests.avisi.conftest import ACME, NOON, TOKEN, CallSeen, a_client
from tests.avisi.scripted import scripted

UPGRADES = "/api/v1/orgs/{org}/scheduled-cluster-upgrades"


async def pages(
    client: AvisiClient, *, clusters: tuple[ClusterIdentity, ...] = (), statuses: tuple[str, ...] = ()
) -> list[Page]:
    return [page async for page in client.scheduled(ACME, clusters=clusters, statuses=statuses)]


async def readings(client: AvisiClient) -> list[Reading]:
    return [reading for page in await pages(client) for reading in page.readings]


async def schedule(client: AvisiClient, cloud: SimulatedCloud, *names: str) -> None:
    for name in names:
        cluster = cloud.cluster(name)
        await client.submit(
            ACME,
            Submission(
                cluster_identity=ClusterIdentity(cluster.identity),
                version={"v1.31.4-u-ame.2": "v1.31.6-u-ame.10"}.get(cluster.version, "v1.32.3-u-ame.1"),
                start=NOON + timedelta(hours=1),
                ignore_windows=True,
            ),
        )


def test_the_client_fits_the_port(client: AvisiClient) -> None:
    """Checked by the type checker: what the workflow asks for is here."""
    port: AvisiCloud = client

    assert port


async def test_the_list_is_read_page_by_page(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Each page comes with the cloud's own time; together they hold every upgrade."""
    cloud.quirks.page_size = 1
    await schedule(client, cloud, "production/payments", "staging/payments", "staging/orders")

    found = await pages(client)

    assert [len(page.readings) for page in found] == [1, 1, 1]
    assert {page.cloud_time for page in found} == {NOON}
    assert {reading.identity for page in found for reading in page.readings} == {one.identity for one in cloud.upgrades}


async def test_the_filters_are_sent_as_the_admin_api_takes_them(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Comma-joined, and left out when there is nothing to filter by."""
    await schedule(client, cloud, "production/payments", "staging/payments")
    wanted = ClusterIdentity(cloud.cluster("staging/payments").identity)

    (filtered,) = await pages(client, clusters=(wanted,), statuses=OPEN)
    await pages(client)

    assert [reading.cluster_identity for reading in filtered.readings] == [wanted]
    assert [dict(seen.query) for seen in cloud.requests.of("upgrades")] == [
        {"clusterIdentities": wanted, "statuses": ",".join(OPEN), "page": "0"},
        {"page": "0"},
    ]


async def test_many_clusters_are_asked_for_in_addresses_that_servers_take(
    client: AvisiClient, cloud: SimulatedCloud
) -> None:
    """Two hundred and fifty identities become three lists."""
    many = tuple(ClusterIdentity(cluster.identity) for cluster in cloud.many_clusters(250))

    await pages(client, clusters=many)

    asked = [seen.query["clusterIdentities"].split(",") for seen in cloud.requests.of("upgrades")]
    assert [len(part) for part in asked] == [100, 100, 50]
    assert tuple(identity for part in asked for identity in part) == many


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "refuses the list of scheduled upgrades to this token"), (404, "offers no list"), (405, "offers no list")],
)
async def test_a_cloud_without_a_list_says_so(
    client: AvisiClient, cloud: SimulatedCloud, status: int, says: str
) -> None:
    """It is a fact about the cloud, told at once and not repeated."""
    cloud.quirks.list_status = status

    with pytest.raises(NoList) as caught:
        await pages(client)

    assert caught.value.words().startswith(f"Avisi Cloud {says}")
    assert cloud.requests.total == 1
    assert isinstance(await client.missing_list(ACME), NoList)


async def test_an_organisation_that_is_not_there_has_no_list(client: AvisiClient) -> None:
    """A 404 for the organisation cannot be told from a 404 for the list."""
    assert isinstance(await client.missing_list(Organisation("acme/../globex")), NoList)


async def test_a_list_that_vanishes_between_pages_is_an_error(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Only its first page can tell that there is no list."""
    cloud.quirks.page_size = 1
    await schedule(client, cloud, "production/payments", "staging/payments")
    stream = client.scheduled(ACME)
    await anext(stream)
    cloud.quirks.list_status = 404

    with pytest.raises(Declined):
        await anext(stream)


async def test_a_cloud_with_a_list_is_found_out_by_one_page(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Also when nothing is scheduled, and however many pages there are."""
    empty = await client.missing_list(ACME)
    cloud.quirks.page_size = 1
    await schedule(client, cloud, "production/payments", "staging/payments")
    cloud.requests.clear()

    assert (empty, await client.missing_list(ACME)) == (None, None)
    assert cloud.requests.total == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=401, times=None), Unauthorised),
        (Fault(status=500, times=None), Broken),
        (Fault(body="html", times=None), Unreadable),
        (Fault(body="garbage", times=None), Unreadable),
        (Fault(status=400, times=None), Declined),
    ],
)
async def test_what_tells_neither_way_is_an_error_of_the_probe(
    client: AvisiClient, cloud: SimulatedCloud, fault: Fault, expected: type[AvisiError]
) -> None:
    """A broken answer does not mean that there is no list."""
    cloud.faults.add(fault)

    with pytest.raises(expected):
        await client.missing_list(ACME)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=2, status=500),
        Fault(times=2, status=503, retry_after="0"),
        Fault(times=2, status=429, retry_after="0.01"),
        Fault(times=2, body="html"),
        Fault(times=2, drop="before"),
        Fault(times=2, drop="during"),
    ],
)
async def test_a_read_is_repeated_until_it_goes_through(
    client: AvisiClient, cloud: SimulatedCloud, calls: list[CallSeen], fault: Fault
) -> None:
    """Every attempt is counted with its outcome."""
    times = fault.times or 0
    cloud.faults.add(fault)

    await pages(client)

    assert len(calls) == times + 1
    assert calls[-1] == ("GET", UPGRADES, "ok")


async def test_a_read_without_an_answer_is_repeated(
    hasty: AvisiClient, cloud: SimulatedCloud, calls: list[CallSeen]
) -> None:
    cloud.faults.add(Fault(times=1, delay=1))

    await pages(hasty)

    assert [outcome for _, _, outcome in calls] == ["no_answer", "ok"]


@pytest.mark.parametrize(
    ("fault", "expected", "attempts"),
    [
        (Fault(times=None, status=502), Broken, 3),
        (Fault(times=None, status=429), Overloaded, 3),
        (Fault(times=None, drop="after"), NoAnswer, 3),
        (Fault(times=None, status=401), Unauthorised, 1),
        (Fault(times=None, status=400), Declined, 1),
        (Fault(times=None, status=429, retry_after="30"), Overloaded, 1),
        (Fault(times=None, status=503, retry_after="30"), Broken, 1),
    ],
)
async def test_a_read_is_given_up_as_the_error_it_is(
    client: AvisiClient, cloud: SimulatedCloud, fault: Fault, expected: type[AvisiError], attempts: int
) -> None:
    """A clear no is not repeated, nor is what asks for a longer wait than a read has."""
    cloud.faults.add(fault)

    with pytest.raises(expected):
        await pages(client)

    assert cloud.requests.total == attempts


@pytest.mark.parametrize("status", [429, 503])
async def test_the_cloud_is_left_alone_for_as_long_as_it_asks(
    client: AvisiClient, cloud: SimulatedCloud, status: int
) -> None:
    """Whoever asks for the same again meanwhile is told so, and nothing is sent; other addresses are not concerned."""
    cloud.faults.add(Fault(status=status, retry_after="1"))
    with pytest.raises(Overloaded if status == 429 else Broken):
        await pages(client)

    with pytest.raises(Overloaded, match=str(status)) as again:
        await pages(client)
    assert again.value.retry_after is not None
    assert 0 < again.value.retry_after <= 1
    await client.me(ACME)
    assert cloud.requests.total == 2

    await asyncio.sleep(again.value.retry_after)
    assert await readings(client) == []


async def test_a_read_of_a_cloud_that_is_down_was_never_connected(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """And it goes through once the cloud is back."""
    await cloud.go_down()
    with pytest.raises(NotConnected):
        await pages(client)

    await cloud.come_back()

    assert await pages(client) == [Page(readings=(), cloud_time=NOON)]


async def test_a_slow_cloud_is_read_all_the_same(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Slow is not broken."""
    cloud.faults.add(Fault(delay=0.2))

    assert await readings(client) == []


async def test_the_cloud_s_clock_goes_on_from_its_last_answer(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Unknown before the first answer; errors and their proxies do not set it."""
    before = await client.clock()
    cloud.faults.add(Fault(status=400))
    with pytest.raises(Declined):
        await pages(client)
    after_error = await client.clock()
    await pages(client)
    first = await client.clock()
    await asyncio.sleep(0.05)
    second = await client.clock()

    assert (before, after_error) == (None, None)
    assert first is not None
    assert second is not None
    assert NOON <= first < NOON + timedelta(seconds=5)
    assert timedelta(seconds=0.05) <= second - first < timedelta(seconds=5)


async def test_the_token_knows_its_organisations_and_its_role(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """What checks ask for."""
    cloud.world.organisations["acme"].role = "viewer"

    assert await client.memberships() == ("acme",)
    me = await client.me(ACME)

    assert (me.username, me.role, me.kubernetes_role) == ("upgrade-bot", "viewer", "view")


async def test_a_token_that_is_refused_says_so(cloud: SimulatedCloud) -> None:
    """At once, and without repeating it."""
    async with a_client(cloud.url, token="acpat_another") as client:
        with pytest.raises(Unauthorised):
            await client.memberships()

    assert cloud.requests.total == 1


@pytest.mark.parametrize("token", [f" {TOKEN}\n", TOKEN])
async def test_blanks_around_the_token_do_no_harm(cloud: SimulatedCloud, token: str) -> None:
    """A trailing line break is common in secrets that come from files."""
    async with a_client(cloud.url + "/", token=token) as client:
        assert await client.memberships() == ("acme",)


async def test_loopback_is_never_reached_through_a_proxy(
    cloud: SimulatedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual variables are honoured, but a proxy cannot know what this machine calls itself."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with a_client(cloud.url) as client:
        assert await client.memberships() == ("acme",)


async def test_the_usual_proxy_variables_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers sees the request for the cloud."""
    async with scripted(lambda _: web.json_response([])) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with a_client("http://cloud.invalid") as client:
            assert await client.memberships() == ()

    assert proxy.seen[0][2]["Host"] == "cloud.invalid"


async def test_a_proxy_that_wants_credentials_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cloud never heard of it."""
    async with scripted(lambda _: web.Response(status=407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with a_client("http://cloud.invalid") as client:
            with pytest.raises(NotConnected, match="credentials"):
                await client.memberships()


async def test_times_come_in_any_form(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Fractions and offsets mean the same moment."""
    cloud.quirks.fractions = True
    cloud.quirks.offset_hours = 2
    await schedule(client, cloud, "production/payments")

    (reading,) = await readings(client)

    assert reading.requested_start == datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    assert reading.window is not None
    assert reading.window.start == reading.requested_start


@pytest.mark.parametrize("nulls", [True, False])
async def test_absent_and_null_fields_are_the_same(client: AvisiClient, cloud: SimulatedCloud, *, nulls: bool) -> None:
    """And unknown fields and statuses pass."""
    cloud.quirks.nulls = nulls
    cloud.quirks.leave_out = {"clusterSlug", "environmentSlug", "organisationSlug"}
    cloud.quirks.extra = {"status": "PAUSED", "windowStart": None, "windowEnd": None, "brandNew": {"a": [1]}}
    await schedule(client, cloud, "production/payments")

    (reading,) = await readings(client)

    assert (reading.status, reading.window, reading.reason) == ("PAUSED", None, "")
    assert (reading.cluster, reading.environment) == ("", "")
