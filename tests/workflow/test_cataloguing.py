"""A list that lacks most of what it had: it may be a fault of one answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cluster import Catalog, ClusterIdentity
from bot.domain.request import State
from bot.domain.scheduled import APPEARS_UPGRADED
from bot.workflow.errors import AvisiError
from bot.workflow.repositories import Feed, Source
from tests.builders import ACME, DATA, NEW, NOON, OLD, WEB, a_catalog, a_cluster, a_schedule, a_scheduled_upgrade
from tests.workflow.harness import Harness, a_harness

FLEET = tuple(a_cluster(identity=f"c{number}", slug=f"c{number}") for number in range(4))
WHOLE = a_catalog(*FLEET, versions=(OLD, NEW))
BARE = tuple(replace(cluster, schedule=None) for cluster in FLEET)


def _listing(*clusters: object, **changes: object) -> Catalog:
    return replace(WHOLE, clusters=clusters, **changes)  # type: ignore[arg-type]


async def _shown(harness: Harness, *catalogs: Catalog) -> list[Catalog | str]:
    """Read the catalog once for each of these; returns the copy at hand after each, or why it was not believed."""
    seen: list[Catalog | str] = []
    for number, catalog in enumerate(catalogs, start=1):
        harness.cloud.mangled = [replace(catalog, fetched_at=NOON + timedelta(seconds=number))]
        try:
            await harness.cataloguing.refresh(ACME)
        except AvisiError as error:
            seen.append(error.words())
        else:
            (held,) = harness.catalog_cache.catalogs
            seen.append(replace(held, fetched_at=NOON))
    return seen


@pytest.mark.parametrize(
    ("less", "lacks"),
    [
        (_listing(), "0 of 4 clusters"),
        (_listing(FLEET[0]), "1 of 4 clusters"),
        (
            _listing(*(replace(one, identity=ClusterIdentity(f"new-{one.identity}")) for one in FLEET)),
            "0 of 4 clusters",
        ),
        (_listing(*FLEET, versions=()), "0 of 2 versions"),
        (_listing(*BARE), "0 of 4 clusters with maintenance windows"),
    ],
    ids=["none", "one-left", "all-others", "no-versions", "no-windows"],
)
async def test_a_list_that_lacks_most_counts_only_when_it_is_read_twice(less: Catalog, lacks: str) -> None:
    """One empty answer with status 200 takes nothing away; what is really gone is gone at the next reading."""
    harness = await a_harness(catalog=WHOLE)

    once, again = await _shown(harness, less, less)

    assert isinstance(once, str)
    assert lacks in once
    assert again == less


async def test_the_old_copy_stays_in_between() -> None:
    """Also in the store, which the other processes read."""
    harness = await a_harness(catalog=WHOLE)

    await _shown(harness, _listing())

    assert harness.catalog_cache.catalogs == (WHOLE,)
    assert harness.storage.tables.catalogs[ACME] == WHOLE


async def test_two_faulty_readings_count_only_when_they_agree_and_follow_each_other() -> None:
    """A cloud that is just coming up lists a little more each time, and then everything."""
    harness = await a_harness(catalog=WHOLE)

    seen = await _shown(harness, _listing(), _listing(FLEET[0]), WHOLE, _listing(FLEET[0]))

    assert [isinstance(one, str) for one in seen] == [True, True, False, True]


@pytest.mark.parametrize("less", [_listing(*FLEET[:2]), _listing(*FLEET, versions=(OLD,))])
async def test_a_list_that_lacks_half_counts_at_once(less: Catalog) -> None:
    """Clusters are deleted and versions withdrawn every day."""
    harness = await a_harness(catalog=WHOLE)

    assert await _shown(harness, less) == [less]


async def test_the_first_reading_of_all_may_be_empty() -> None:
    """There is nothing that it could lack."""
    harness = await a_harness(catalog=_listing(versions=()))

    assert await _shown(harness, WHOLE) == [WHOLE]


async def test_a_process_that_just_started_knows_what_was_stored() -> None:
    """Its first reading is held against the copy that others stored, not against nothing."""
    harness = await a_harness(catalog=WHOLE)
    started = Harness(
        storage=harness.storage,
        cloud=harness.cloud,
        members=harness.members,
        clock=harness.clock,
        policy=harness.policy,
    )

    (seen,) = await _shown(started, _listing())

    assert isinstance(seen, str)


async def test_an_approved_request_survives_an_empty_list_and_is_submitted() -> None:
    """It used to fail, and to stay failed."""
    harness = await a_harness()
    request = await harness.approved()
    harness.cloud.mangled = [replace(a_catalog(), clusters=())]

    with pytest.raises(AvisiError):
        await harness.cataloguing.refresh(ACME)
    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED


async def test_a_cluster_that_no_list_has_is_looked_up_by_its_own_address() -> None:
    """The copy lacks it twice, yet the cloud has it."""
    harness = await a_harness()
    request = await harness.approved()
    await harness.recatalog(a_cluster(identity=DATA, environment="staging", slug="data"))
    harness.cloud.addressed = [a_cluster()]

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED
    assert [submission.cluster_identity for submission in harness.cloud.submissions] == [WEB]


async def test_a_cluster_that_is_in_no_list_and_at_no_address_is_gone() -> None:
    """Read twice, with a pause."""
    harness = await a_harness()
    request = await harness.approved()
    await harness.recatalog(a_cluster(identity=DATA, environment="staging", slug="data"))

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMISSION_FAILED
    assert "no longer in the catalog" in harness.now_of(request).outcome
    assert harness.slept == [2.0]


@pytest.mark.parametrize(
    "mangled", [replace(a_catalog(), clusters=()), replace(a_catalog(), versions=()), a_catalog(versions=(OLD,))]
)
async def test_one_odd_reading_right_before_submission_fails_nothing(mangled: Catalog) -> None:
    """That the cluster is gone, or the version withdrawn, counts when it is read twice."""
    harness = await a_harness()
    request = await harness.approved()
    harness.cloud.mangled = [mangled]

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMITTED


async def test_an_outcome_is_not_concluded_from_a_list_that_lacks_the_cluster() -> None:
    """Where the cloud gives no status, the cluster's own address is asked before anybody is alarmed."""
    upgrade = a_scheduled_upgrade()
    feed = Feed(organisation=ACME, source=Source.CLUSTERS, probed_at=NOON, baseline_at=NOON, read_at=NOON)
    harness = await a_harness(upgrade, feed, forced=Source.CLUSTERS)
    harness.cloud.addressed = [a_cluster(version=NEW, schedule=a_schedule())]
    harness.cloud.catalogs[ACME] = a_catalog(a_cluster(identity=DATA, environment="staging", slug="data"))
    harness.clock.advance(timedelta(days=1, hours=3, minutes=30))

    await harness.poll()

    assert harness.upgrades[upgrade.identity].status == APPEARS_UPGRADED
