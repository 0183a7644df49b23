"""The fleet as it is drawn: the summary in words, one short line per cluster, whatever its size."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from time import perf_counter

import pytest

from bot.domain.cluster import Catalog, ClusterIdentity, Organisation
from bot.domain.fleet import Fleet, MinorCount
from bot.domain.naming import PLAIN, Naming
from bot.domain.scheduled import ScheduledUpgrade
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import fleet
from bot.notifications.blocks import Message, View
from bot.notifications.text import counted
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.fleet import EVERYWHERE, FleetLine, FleetPlace, FleetReading
from tests.builders import ACME, NOON, a_catalog, a_cluster, a_scheduled_upgrade
from tests.fakes import FakeClock, FakeStorage
from tests.notifications.checks import as_sent, complaints, labels, seen, view_complaints

TODAY = date(2026, 11, 30)
VERSIONS = ("v1.36.0-u-ame.1", "v1.35.4-u-ame.1", "v1.34.6-u-ame.2")
SIZES = pytest.mark.parametrize("size", [1, 8, 60, 500, 5000])


def many(size: int, organisation: str = "acme") -> Catalog:
    """Build a catalog of so many clusters in four environments, with names as long as the vendor allows."""
    clusters = [
        a_cluster(
            identity=ClusterIdentity(f"{organisation}-{number}"),
            organisation=Organisation(organisation),
            environment=("production", "staging", "development", "a-rather-long-environment-of-its-own")[number % 4],
            slug=f"cluster-{number}-{'x' * (number % 60)}",
            version=f"v1.{34 + number % 3}.{number % 7}-u-ame.{number % 5}",
        )
        for number in range(size)
    ]
    return a_catalog(*clusters, organisation=Organisation(organisation), versions=VERSIONS)


async def reading(*catalogs: Catalog, stored: Sequence[ScheduledUpgrade] = ()) -> FleetReading:
    """Build the reader of these catalogs."""
    storage = FakeStorage(*catalogs, *stored)
    cache = CatalogCache(storage.read, [catalog.organisation for catalog in catalogs])
    await cache.renew()
    return FleetReading(read=storage.read, catalog_cache=cache, facts=kubernetes_facts(), now=FakeClock(NOON), zone=UTC)


def a_fleet(*counts: MinorCount, organisations: Sequence[str] = ("acme",)) -> Fleet:
    """Build a fleet of which only the summary is drawn."""
    clusters = (a_cluster(),) * sum(one.clusters for one in counts)
    return Fleet(
        organisations=tuple(map(Organisation, organisations)), clusters=clusters, counts=tuple(counts), today=TODAY
    )


NEWEST = MinorCount(minor=(1, 35), clusters=30, ends=TODAY + timedelta(days=90))
ENDED = MinorCount(minor=(1, 34), clusters=12, ends=TODAY - timedelta(days=33))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (a_fleet(NEWEST, ENDED), "42 clusters: 30 on 1.35, 12 on 1.34, which ended 33 days ago"),
        (a_fleet(replace(NEWEST, clusters=1)), "1 cluster: 1 on 1.35"),
        (
            a_fleet(replace(NEWEST, ends=TODAY + timedelta(days=1)), replace(ENDED, ends=TODAY - timedelta(days=1))),
            "42 clusters: 30 on 1.35, which ends in 1 day; 12 on 1.34, which ended 1 day ago",
        ),
        (
            a_fleet(replace(ENDED, ends=TODAY), MinorCount(minor=None, clusters=2, ends=None)),
            "14 clusters: 12 on 1.34, which ends today; 2 on versions that cannot be compared",
        ),
        (a_fleet(NEWEST, organisations=("acme", "zebra")), "30 clusters of acme and zebra: 30 on 1.35"),
        (a_fleet(NEWEST, organisations="abcdefg"), "30 clusters of a, b, c and 4 more: 30 on 1.35"),
        (a_fleet(organisations=("acme",)), "There are no clusters."),
    ],
)
def test_the_summary_counts_by_minor_and_names_what_has_ended(found: Fleet, says: str) -> None:
    """Also what ends soon; organisations are named where there are several."""
    assert fleet.summary(found) == says


def test_what_was_never_read_is_not_said_to_be_empty() -> None:
    assert "have not been read" in fleet.summary(a_fleet(organisations=()))


@SIZES
async def test_the_answer_shows_the_twenty_most_pressing_whatever_the_size(size: int) -> None:
    """Under 11,000 characters as Slack counts them, with the button to all of them."""
    page = await (await reading(many(size))).page(EVERYWHERE, page=0, size=fleet.PRESSING)

    answer = fleet.answer(page, naming=PLAIN)

    assert complaints(answer) == []
    assert counted(json.dumps(as_sent(answer), ensure_ascii=False)) < 11_000
    assert labels(answer) == ["Show fleet", "Plan rollout"]
    lines = [line for block in answer.blocks for line in str(block.get("text")).split("\\n") if "next window" in line]
    assert len(lines) == min(size, 20)
    assert f"{size} cluster" in answer.text


@SIZES
async def test_every_cluster_is_on_exactly_one_page_of_the_modal(size: int) -> None:
    """And each page keeps Slack's limits, and is quick."""
    reader = await reading(many(size))
    pages = (await reader.page(EVERYWHERE, page=0, size=fleet.A_PAGE)).pages
    shown: list[str] = []
    for number in sorted({0, 1, pages // 2, pages - 1} & set(range(pages))) if size > 500 else range(pages):
        began = perf_counter()
        page = await reader.page(EVERYWHERE, page=number, size=fleet.A_PAGE)
        view = fleet.modal(page, naming=Naming(several=True))
        took = perf_counter() - began

        assert view_complaints(view) == []
        assert counted(json.dumps(view.payload(), ensure_ascii=False)) < 11_000
        assert took < 1.0  # of three seconds; 40 ms where nothing else runs
        shown += [one.cluster.identity for one in page.lines]

    assert len(shown) == len(set(shown))
    if size <= 500:
        assert len(shown) == size


async def test_a_page_that_does_not_exist_is_the_last_one() -> None:
    """As after clusters were deleted while the modal was open."""
    page = await (await reading(many(61))).page(EVERYWHERE, page=99, size=fleet.A_PAGE)

    assert (page.page, page.pages, len(page.lines)) == (2, 3, 1)
    assert labels_of(fleet.modal(page, naming=PLAIN)) == ["First", "Previous", "Plan rollout"]


def labels_of(view: View) -> list[str]:
    """Return the labels of a view's buttons."""
    return labels(Message("-", view.blocks))


async def test_a_line_says_version_end_of_life_recommended_version_and_what_is_next() -> None:
    """The upgrade under way instead of the next window."""
    cluster = a_cluster(version="v1.34.1-u-ame.3", channel_version="v1.35.4-u-ame.1")
    catalog = a_catalog(cluster, versions=VERSIONS)
    at_rest = (await (await reading(catalog)).page(EVERYWHERE, page=0, size=1)).lines[0]
    upgrade = a_scheduled_upgrade(to_version="v1.35.4-u-ame.1")
    under_way = (await (await reading(catalog, stored=[upgrade])).page(EVERYWHERE, page=0, size=1)).lines[0]

    drawn, scheduled = (fleet.line(one, TODAY, PLAIN) for one in (at_rest, under_way))

    for words in ("*production/web* v1.34.1-u-ame.3 → v1.35.4-u-ame.1", "ended 27 Oct 2026"):
        assert words in drawn
    assert "next window <!date^1796522400^" in drawn
    assert "upgrade to v1.35.4-u-ame.1" in scheduled
    assert "next window" not in scheduled


def test_what_is_not_known_is_said() -> None:
    """A version that cannot be read, no window, and nothing on offer."""
    one = FleetLine(
        cluster=a_cluster(version="odd", status="stopped"), ends=None, recommended="", upgrade=None, window=None
    )

    for words in ("odd (stopped)", "end of life not known", "nothing newer on offer", "no maintenance window"):
        assert words in fleet.line(one, TODAY, PLAIN)


async def test_with_several_organisations_each_cluster_says_whose_it_is() -> None:
    """Both may have an environment and a cluster of one name."""
    reader = await reading(many(3), many(3, "zebra"))

    answer = fleet.answer(await reader.page(EVERYWHERE, page=0, size=20), naming=Naming(several=True))

    assert "6 clusters of acme and zebra" in answer.text
    assert "acme/production/" in seen(answer)
    assert "zebra/production/" in seen(answer)


async def test_a_part_of_the_fleet_is_counted_and_turned_by_itself() -> None:
    """The buttons lead to pages of the same part."""
    place = FleetPlace(organisation=ACME, environment="staging")
    page = await (await reading(many(400), many(400, "zebra"))).page(place, page=1, size=fleet.A_PAGE)

    assert len(page.fleet.clusters) == 100
    assert {(one.cluster.organisation, one.cluster.environment) for one in page.lines} == {("acme", "staging")}
    assert "100 clusters in acme/staging" in fleet.summary(page.fleet, where=place.name)
    assert fleet.read(fleet.carry(place, page=3)) == (place, 3)


def test_names_of_any_kind_and_length_are_carried_or_left_out() -> None:
    """A button's value takes 2,000 characters."""
    odd, long = FleetPlace(environment="a|b/\u0161\x07"), FleetPlace(organisation=ACME, environment="\u0161" * 900)

    assert fleet.read(fleet.carry(odd, page=2)) == (odd, 2)
    assert fleet.read(fleet.carry(long, page=2)) == (EVERYWHERE, 2)


@pytest.mark.parametrize("value", ["", "1", "1|a|b|c", "x||", "-1||", "99999||", "\u0661||"])
def test_a_value_that_cannot_be_read_leads_to_the_first_page(value: str) -> None:
    """A payload may hold anything."""
    assert fleet.read(value) == (EVERYWHERE, 0)
