"""Every outcome of a submission, against the simulated cloud over HTTP."""

import pytest
from aiohttp import web

from bot.avisi.client import AvisiClient
from bot.domain.cluster import ClusterIdentity
from bot.domain.scheduled import Reading
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Body, Drop, Fault
from bot.workflow.errors import (
    AvisiError,
    Broken,
    Declined,
    NoAnswer,
    NotConnected,
    Overloaded,
    Unauthorised,
    Unreadable,
)
from bot.workflow.ports import Submission
from tests.avisi.conftest import ACME, TOKEN, CallSeen, a_client
from tests.avisi.scripted import scripted

A_SUBMISSION = Submission(cluster_identity=ClusterIdentity("c"), version="v", start=None, ignore_windows=False)
TEMPLATE = "/api/v1/orgs/{org}/scheduled-cluster-upgrades"


async def ask(client: AvisiClient, cloud: SimulatedCloud) -> Reading:
    cluster = ClusterIdentity(cloud.cluster("production/payments").identity)
    return await client.submit(
        ACME, Submission(cluster_identity=cluster, version="v1.31.6-u-ame.10", start=None, ignore_windows=False)
    )


async def test_an_accepted_submission_is_the_cloud_s_own_record(
    client: AvisiClient, cloud: SimulatedCloud, calls: list[CallSeen]
) -> None:
    """Identity, versions and window come from the cloud."""
    reading = await ask(client, cloud)

    (upgrade,) = cloud.upgrades
    assert (reading.identity, reading.status) == (upgrade.identity, "REQUESTED")
    assert (reading.from_version, reading.to_version) == ("v1.31.4-u-ame.2", "v1.31.6-u-ame.10")
    assert reading.window is not None
    assert (reading.window.start, reading.window.end) == (upgrade.window_start, upgrade.window_end)
    assert calls == [("POST", TEMPLATE, "ok")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=400, message="no", details=("such step",)), Declined("no", details=("such step",), status=400)),
        (Fault(status=403, message="not yours"), Declined("not yours", status=403)),
        (Fault(status=404, message="where"), Declined("where", status=404)),
        (Fault(status=409, message="one is running"), Declined("one is running", status=409)),
        (Fault(status=422, message="odd"), Declined("odd", status=422)),
        (
            Fault(status=401, message="who"),
            Unauthorised("Avisi Cloud does not accept the token (401)", details=("who",)),
        ),
        (Fault(status=429), Overloaded("Avisi Cloud asks for fewer requests (429)")),
        (
            Fault(status=500, message="oops"),
            Broken("Avisi Cloud answered 500 (Internal Server Error)", details=("oops",)),
        ),
        (
            Fault(status=502, body="html"),
            Broken("Avisi Cloud answered 502 (Bad Gateway) with a web page instead of JSON"),
        ),
        (
            Fault(status=503, body="text"),
            Broken(
                "Avisi Cloud answered 503 (Service Unavailable)",
                details=("upstream connect error or disconnect/reset before headers",),
            ),
        ),
        (
            Fault(status=404, body="html"),
            Declined("Avisi Cloud answered 404 (Not Found) with a web page instead of JSON", status=404),
        ),
        (
            Fault(status=400, body="empty"),
            Declined("Avisi Cloud answered 400 (Bad Request) with no explanation", status=400),
        ),
        (Fault(body="html"), Unreadable("Avisi Cloud answered 200 with a web page instead of JSON")),
        (Fault(body="garbage"), Unreadable("Avisi Cloud answered 200 with something other than JSON")),
        (Fault(body="empty"), Unreadable("Avisi Cloud answered 200 with nothing in it")),
        (Fault(status=204, body="empty"), Unreadable("Avisi Cloud answered 204 with nothing in it")),
        (Fault(status=302, body="html"), Unreadable("Avisi Cloud answered 302 (Found) where an answer was expected")),
    ],
)
async def test_an_answer_is_sorted_by_what_follows_from_it(
    client: AvisiClient, cloud: SimulatedCloud, calls: list[CallSeen], fault: Fault, expected: AvisiError
) -> None:
    """A no, a wait or unclear; in the API's words where it has any, never a web page's."""
    cloud.faults.add(fault)

    with pytest.raises(AvisiError) as caught:
        await ask(client, cloud)

    assert type(caught.value) is type(expected)
    assert vars(caught.value) | {"retry_after": None} == vars(expected) | {"retry_after": None}
    assert cloud.upgrades == []
    assert calls == [("POST", TEMPLATE, type(expected).__name__.lower())]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("99999999", 3600.0),
        ("nan", None),
        ("soon", None),
        (None, None),
        ("Tue, 01 Dec 2026 12:00:30 GMT", 30.0),
        ("Tue, 01 Dec 2026 11:00:00 GMT", 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_in_seconds_and_as_a_date(
    client: AvisiClient, cloud: SimulatedCloud, status: int, asked: str | None, seconds: float | None
) -> None:
    """A date is measured against the cloud's own clock."""
    cloud.faults.add(Fault(status=status, retry_after=asked))

    with pytest.raises((Overloaded, Broken)) as caught:
        await ask(client, cloud)

    error = caught.value
    assert isinstance(error, Overloaded | Broken)
    assert error.retry_after == seconds


@pytest.mark.parametrize(("drop", "carried_out"), [("before", 0), ("after", 1), ("during", 1)])
async def test_a_dropped_connection_is_no_answer(
    client: AvisiClient, cloud: SimulatedCloud, drop: Drop, carried_out: int
) -> None:
    """Whether the work was done cannot be told apart, and it is never sent again."""
    cloud.faults.add(Fault(drop=drop))

    with pytest.raises(NoAnswer, match="broke before an answer came"):
        await ask(client, cloud)

    assert len(cloud.upgrades) == carried_out
    assert cloud.requests.counts["schedule"] == 1


async def test_a_slow_answer_is_no_answer(hasty: AvisiClient, cloud: SimulatedCloud) -> None:
    """The time-out is the submission's own, for the whole call."""
    cloud.faults.add(Fault(delay=2))

    with pytest.raises(NoAnswer, match=r"did not answer within 0\.5 s"):
        await ask(hasty, cloud)


async def test_a_refused_connection_was_never_made(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """Nothing was sent, so it may simply be sent later."""
    await cloud.go_down("refused")

    with pytest.raises(NotConnected, match="Could not reach Avisi Cloud"):
        await ask(client, cloud)


async def test_a_reset_connection_is_no_answer(client: AvisiClient, cloud: SimulatedCloud) -> None:
    """The request was on its way already."""
    await cloud.go_down("reset")

    with pytest.raises(NoAnswer):
        await ask(client, cloud)


async def test_a_name_that_does_not_resolve_was_never_connected(cloud: SimulatedCloud) -> None:
    """DNS comes before anything is sent."""
    async with a_client("http://nowhere.invalid") as client:
        with pytest.raises(NotConnected):
            await ask(client, cloud)


async def test_a_broken_tls_handshake_was_never_connected(cloud: SimulatedCloud) -> None:
    """TLS to a server that does not speak it ends before anything is sent."""
    async with a_client(cloud.url.replace("http:", "https:")) as client:
        with pytest.raises(NotConnected):
            await ask(client, cloud)


async def test_a_redirect_is_not_followed() -> None:
    """The token is sent to the configured address and nowhere else."""
    async with scripted(lambda _: web.Response(text="{}")) as elsewhere:
        moved = web.Response(status=307, headers={"Location": f"{elsewhere.url}/taken"})
        async with scripted(lambda _: moved) as server, a_client(server.url) as client:
            with pytest.raises(Unreadable):
                await client.submit(ACME, A_SUBMISSION)

    assert elsewhere.seen == []


@pytest.mark.parametrize(
    "text",
    ["[]", "null", '"REQUESTED"', "7", "{}", '{"message": "fine"}', '{"identity": null, "status": {}}', "[" * 100_000],
)
async def test_another_shape_is_unreadable(text: str) -> None:
    """A 2xx is a yes only when it describes an upgrade."""
    async with scripted(lambda _: web.json_response(text=text)) as server, a_client(server.url) as client:
        with pytest.raises(Unreadable):
            await client.submit(ACME, A_SUBMISSION)


@pytest.mark.parametrize(
    ("body", "message", "details"),
    [
        ('{"message": "a\n b\u0007", "details": "one"}', "a b", ("one",)),
        ('{"message": null, "error": "Bad Request", "details": null}', "Bad Request", ()),
        ('{"message": 7, "details": [1, null, "", "two", {}]}', "Avisi Cloud answered 400 (Bad Request)", ("two",)),
        ('["odd"]', "Avisi Cloud answered 400 (Bad Request)", ()),
        ("<!doctype html><p>Sorry</p>", "Avisi Cloud answered 400 (Bad Request) with a web page instead of JSON", ()),
    ],
)
async def test_an_error_is_shown_in_words_that_can_be_shown(body: str, message: str, details: tuple[str, ...]) -> None:
    """One line each, whatever the API put there."""
    answer = web.json_response(text=body, status=400)
    async with scripted(lambda _: answer) as server, a_client(server.url) as client:
        with pytest.raises(Declined) as caught:
            await client.submit(ACME, A_SUBMISSION)

    assert caught.value.message.startswith(message)
    assert caught.value.details == details


async def test_an_endless_error_is_not_read_to_its_end() -> None:
    """Its beginning is enough to know what it is, and its text is cut to a readable length."""
    answer = web.Response(status=400, text="x" * 5_000_000, content_type="text/plain")
    async with scripted(lambda _: answer) as server, a_client(server.url) as client:
        with pytest.raises(Declined) as caught:
            await client.submit(ACME, A_SUBMISSION)

    assert caught.value.message == "x" * 499 + "…"


async def test_an_answer_that_cannot_be_decoded_is_unreadable() -> None:
    """It says gzip and is not."""
    answer = web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})
    async with scripted(lambda _: answer) as server, a_client(server.url) as client:
        with pytest.raises(Unreadable):
            await client.submit(ACME, A_SUBMISSION)


@pytest.mark.parametrize("body", ["html", "text", "garbage"])
async def test_the_token_never_shows(cloud: SimulatedCloud, body: Body) -> None:
    """Neither client nor errors repeat it."""
    cloud.faults.add(Fault(status=401, body=body))
    async with a_client(cloud.url) as client:
        with pytest.raises(Unauthorised) as caught:
            await ask(client, cloud)
        shown = f"{client!r} {vars(client)!r} {caught.value!r} {caught.value.words()}"

    assert TOKEN not in shown
