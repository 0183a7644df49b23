"""Both shapes of lists, and pages that leave something out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from bot.avisi import reads
from bot.avisi.client import AvisiClient
from bot.workflow.errors import Unreadable
from tests.avisi.conftest import ACME, a_client
from tests.avisi.scripted import scripted

SLUGS = ("a", "b", "c", "d", "e")


def a_page(number: int, *, size: int = 2) -> dict[str, Any]:
    shown = SLUGS[number * size : (number + 1) * size]
    return {"content": [{"slug": slug} for slug in shown], "last": number == 2, "totalPages": 3, "number": number}


def without(*names: str) -> Callable[[int], Any]:
    return lambda number: {name: value for name, value in a_page(number).items() if name not in names}


only_content = without("last", "totalPages", "number")


@pytest.mark.parametrize(
    ("page", "requests"),
    [
        (a_page, 3),
        (without("last"), 3),
        (without("totalPages"), 3),
        (without("last", "totalPages"), 4),
        (lambda number: a_page(number) | {"last": None, "totalPages": "three"}, 4),
        (lambda _: [{"slug": slug} for slug in SLUGS], 1),
        (lambda _: {"content": [{"slug": slug} for slug in SLUGS]}, 2),
        (lambda _: {"content": [{"slug": slug} for slug in SLUGS], "last": False, "totalPages": 9}, 2),
        (lambda number: a_page(number) | {"last": False}, 4),
        (lambda number: only_content(number) | {"page": {"size": 2, "totalElements": 5, "totalPages": 3}}, 3),
        (lambda number: only_content(number) | {"totalElements": 5}, 3),
        (lambda number: only_content(number) | {"size": 2}, 3),
        (lambda number: only_content(number) | {"pageable": {"pageSize": 2}}, 3),
        (lambda number: only_content(number) | {"page": number, "totalElements": True, "size": "2"}, 4),
        (lambda number: only_content(number) | {"totalPages": -1, "totalElements": 0}, 4),
    ],
    ids=[
        "paged",
        "no-last",
        "no-total",
        "neither",
        "both-odd",
        "array",
        "bare-page",
        "repeating",
        "never-last",
        "figures-apart",
        "total-of-items",
        "size",
        "size-apart",
        "odd-figures",
        "no-figures",
    ],
)
async def test_every_shape_of_list_is_read_to_its_end(page: Callable[[int], Any], requests: int) -> None:
    """Arrays, pages, pages that do not say which is the last, and a server that ignores the page.

    Whatever the page says of its size, or of how many there are, saves the call that would find nothing.
    """
    async with (
        scripted(lambda request: web.json_response(page(int(request.query["page"])))) as server,
        a_client(server.url) as client,
    ):
        found = await client.memberships()

    assert found == SLUGS
    assert len(server.seen) == requests


@pytest.mark.parametrize("text", ["{}", "null", "7", '{"content": null}', '{"content": {"a": 1}}', '"list"'])
async def test_what_is_no_list_is_unreadable(text: str) -> None:
    """Not an empty list: that would mean that there is nothing."""
    async with scripted(lambda _: web.json_response(text=text)) as server, a_client(server.url) as client:
        with pytest.raises(Unreadable):
            await client.memberships()


@pytest.mark.parametrize("text", ["[]", '{"content": []}', '{"content": [], "last": false, "totalPages": 7}'])
async def test_an_empty_list_is_read_once(text: str) -> None:
    """Whatever else it claims."""
    async with scripted(lambda _: web.json_response(text=text)) as server, a_client(server.url) as client:
        assert await client.memberships() == ()

    assert len(server.seen) == 1


async def test_what_is_documented_as_a_bare_array_is_asked_for_without_a_page() -> None:
    """A strict server knows no such parameter there; when it answers in pages all the same, the rest is asked for."""
    versions = ("v1.33.1-u-ame.0", "v1.34.1-u-ame.0")

    def answer(request: web.Request) -> web.Response:
        if not request.path.endswith("cluster-versions"):
            return web.json_response([])
        number = int(request.query.get("page", 0))
        return web.json_response({"content": [{"version": versions[number]}], "last": number == 1})

    async with scripted(answer) as server, a_client(server.url) as client:
        catalog = await client.catalog(ACME)

    unpaged = [path for _, path, *_ in server.seen if "cluster-versions" in path or "maintenance-schedule" in path]
    assert sorted(unpaged) == [
        "/api/v1/cluster-versions",
        "/api/v1/cluster-versions?page=1",
        "/api/v1/organisations/acme/maintenance-schedule",
    ]
    assert catalog.versions == versions


async def test_an_endless_list_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    """A server that always has one more page does not hold us forever."""
    async with (
        scripted(lambda request: web.json_response({"content": [{"slug": request.query["page"]}]})) as server,
        a_client(server.url) as client,
    ):
        found = await client.memberships()

    assert len(found) == len(server.seen) == reads.MOST_PAGES
    assert "cloud.list_cut" in caplog.text


async def test_an_item_that_cannot_be_read_does_not_break_the_list(caplog: pytest.LogCaptureFixture) -> None:
    """It is passed over, and counted in the log."""
    good = {"identity": "u1", "clusterIdentity": "c1", "status": "SCHEDULED"}
    items: list[object] = [
        good,
        None,
        7,
        "text",
        [],
        {},
        {"identity": "u2"},
        {"status": "FAILED"},
        {"identity": {}, "status": 3},
    ]
    async with scripted(lambda _: web.json_response(items)) as server, a_client(server.url) as client:
        found = await _identities(client)

    assert found == ["u1"]
    (record,) = [record for record in caplog.records if record.message == "cloud.items_skipped"]
    assert vars(record)["skipped"] == len(items) - 1
    assert json.dumps(good) not in caplog.text


async def test_an_unchanged_upgrade_is_only_named(caplog: pytest.LogCaptureFixture) -> None:
    """A window that moved, another status, another version, a new one: these are read, whatever else they carry."""
    same = {"identity": "same", "clusterIdentity": "c1", "status": "SCHEDULED", "toClusterVersion": "v1.32.1"}
    window = {"windowStart": "2026-12-05T22:00:00Z", "windowEnd": "2026-12-06T02:00:00Z"}
    before = [{**same, "identity": name, **window} for name in ("same", "window", "status", "version", "odd", "gone")]
    after = [
        {**before[0], "reason": "nobody compares this", "windowStart": "2026-12-05T23:00:00+01:00"},
        {**before[1], "windowEnd": None},
        {**before[2], "status": "SCHEDULED_NOTIFIED"},
        {**before[3], "toClusterVersion": "v1.33.0"},
        {**before[4], "status": ""},
        {**before[0], "identity": "new"},
    ]
    async with scripted(lambda _: web.json_response(before)) as server, a_client(server.url) as client:
        listed = [reading async for page in client.scheduled(ACME) for reading in page.readings]
    known = {reading.identity: reading.fingerprint for reading in listed if reading.identity}

    async with scripted(lambda _: web.json_response(after)) as server, a_client(server.url) as client:
        (page,) = [page async for page in client.scheduled(ACME, known=known)]

    assert page.unmoved == ("same",)
    assert [reading.identity for reading in page.readings] == ["window", "status", "version", "new"]
    (record,) = [record for record in caplog.records if record.message == "cloud.items_skipped"]
    assert vars(record)["skipped"] == 1


async def _identities(client: AvisiClient) -> list[str | None]:
    return [reading.identity async for page in client.scheduled(ACME) for reading in page.readings]
