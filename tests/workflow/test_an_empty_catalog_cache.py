"""A process that has just come up, or has not renewed its catalog yet, decides by the store."""

from bot.domain.request import State
from tests.builders import a_cluster, a_form, a_reading
from tests.workflow.harness import Harness, a_harness


async def newcomer(harness: Harness) -> Harness:
    """Return another process over the same store whose catalog cache is still empty."""
    other = await harness.restarted()
    other.catalog_cache._catalogs.clear()
    return other


async def test_a_vote_that_reaches_a_process_with_an_empty_shelf_counts() -> None:
    """The store has the catalog, so the cluster is not gone."""
    harness = await a_harness()
    request = await harness.ask()

    answer = await (await newcomer(harness)).press(request)

    assert "Approved (" in answer
    assert harness.now_of(request).state is State.APPROVED


async def test_a_request_that_reaches_a_process_with_an_empty_shelf_is_made() -> None:
    """What was filled in elsewhere is checked against the same catalog here."""
    harness = await a_harness()

    request = await (await newcomer(harness)).ask()

    assert harness.now_of(request).state is State.PENDING_APPROVAL


async def test_a_process_with_an_empty_shelf_submits_what_was_approved_elsewhere() -> None:
    """It is not failed as a cluster that nobody knows."""
    harness = await a_harness()
    request = await harness.approved()

    await (await newcomer(harness)).submit(request)

    assert harness.now_of(request).state is State.SUBMITTED


async def test_a_process_with_an_empty_shelf_sees_that_a_cluster_has_drifted() -> None:
    """Votes are void there too: an empty cache never hides a change."""
    harness = await a_harness()
    request = await harness.ask()
    other = await newcomer(harness)
    await harness.recatalog(a_cluster(version="v1.30.6-u-ame.4"))

    await other.press(request)

    assert harness.now_of(request).votes == ()
    assert harness.now_of(request).round == 2


async def test_a_request_is_of_what_the_cluster_runs_now_also_where_the_shelf_is_old() -> None:
    """The card would otherwise show a version that was left meanwhile."""
    harness = await a_harness()
    other = await harness.restarted()
    await harness.recatalog(a_cluster(version="v1.30.6-u-ame.4"))

    request = await other.ask()

    assert request.from_version == "v1.30.6-u-ame.4"


async def test_the_form_knows_a_cluster_that_another_process_has_read() -> None:
    """A refresh or a submission of the modal may reach any process."""
    harness = await a_harness()
    other = await newcomer(harness)

    shown = await other.viewing.form(a_form())
    other.catalog_cache._catalogs.clear()
    wrong = await other.viewing.problems(a_form())

    assert shown.cluster is not None
    assert wrong == ()


async def test_an_upgrade_read_before_any_catalog_is_named_once_there_is_one() -> None:
    """The vendor's own client knows no slugs in the list, and a bot reads that as early as its catalog."""
    harness = await a_harness()
    other = await newcomer(harness)
    harness.cloud.readings = [a_reading(cluster="", environment="")]
    await other.poll()
    (before,) = harness.upgrades.values()

    await other.catalog_cache.renew()
    await other.poll()
    (named,) = harness.upgrades.values()
    harness.cloud.readings = [a_reading(cluster="", environment="", status="FAILED")]
    await other.poll()

    assert (before.environment, named.full_name, named.moves) == ("", "production/web", before.moves)
    assert [event.about.cluster for event in harness.channel()] == ["web"]


async def test_a_process_without_a_catalog_says_of_no_request_that_its_cluster_is_gone() -> None:
    """Nothing was read yet, so nothing is known to be missing."""
    harness = await a_harness()
    request = await harness.ask()
    other = await newcomer(harness)

    await other.look_round()

    assert harness.now_of(request).blocked == ""
