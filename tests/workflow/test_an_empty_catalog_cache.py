"""A process that has just come up, or has not renewed its shelf yet, judges by the store and not by what it lacks."""

from bot.domain.request import State
from tests.builders import a_cluster, a_form, a_reading
from tests.workflow.harness import House, a_house


async def newcomer(house: House) -> House:
    """Return another process over the same store whose shelf is still empty."""
    other = await house.restarted()
    other.catalog_cache._catalogs.clear()
    return other


async def test_a_vote_that_reaches_a_process_with_an_empty_shelf_counts() -> None:
    """The store has the catalog, so the cluster is not gone."""
    house = await a_house()
    request = await house.ask()

    answer = await (await newcomer(house)).press(request)

    assert "Your approval counts" in answer
    assert house.now_of(request).state is State.APPROVED


async def test_a_request_that_reaches_a_process_with_an_empty_shelf_is_made() -> None:
    """What was filled in elsewhere is judged by the same catalog here."""
    house = await a_house()

    request = await (await newcomer(house)).ask()

    assert house.now_of(request).state is State.PENDING_APPROVAL


async def test_a_process_with_an_empty_shelf_submits_what_was_approved_elsewhere() -> None:
    """It is not failed as a cluster that nobody knows."""
    house = await a_house()
    request = await house.approved()

    await (await newcomer(house)).submit(request)

    assert house.now_of(request).state is State.SUBMITTED


async def test_a_process_with_an_empty_shelf_sees_that_a_cluster_has_drifted() -> None:
    """Votes are void there too: an empty shelf never hides a change."""
    house = await a_house()
    request = await house.ask()
    other = await newcomer(house)
    await house.recatalog(a_cluster(version="v1.30.6-u-ame.4"))

    await other.press(request)

    assert house.now_of(request).votes == ()
    assert house.now_of(request).round == 2


async def test_a_request_is_of_what_the_cluster_runs_now_also_where_the_shelf_is_old() -> None:
    """The card would otherwise show a version that was left meanwhile."""
    house = await a_house()
    other = await house.restarted()
    await house.recatalog(a_cluster(version="v1.30.6-u-ame.4"))

    request = await other.ask()

    assert request.from_version == "v1.30.6-u-ame.4"


async def test_the_form_knows_a_cluster_that_another_process_has_read() -> None:
    """A refresh or a submission of the modal may reach any process."""
    house = await a_house()
    other = await newcomer(house)

    shown = await other.viewing.form(a_form())
    other.catalog_cache._catalogs.clear()
    wrong = await other.viewing.problems(a_form())

    assert shown.cluster is not None
    assert wrong == ()


async def test_an_upgrade_read_before_any_catalog_is_named_once_there_is_one() -> None:
    """The vendor's own client knows no slugs in the list, and a bot reads that as early as its catalog."""
    house = await a_house()
    other = await newcomer(house)
    house.cloud.readings = [a_reading(cluster="", environment="")]
    await other.poll()
    (before,) = house.upgrades.values()

    await other.catalog_cache.renew()
    await other.poll()
    (named,) = house.upgrades.values()
    house.cloud.readings = [a_reading(cluster="", environment="", status="FAILED")]
    await other.poll()

    assert (before.environment, named.full_name, named.moves) == ("", "production/web", before.moves)
    assert [event.about.cluster for event in house.channel()] == ["web"]


async def test_a_process_without_a_catalog_says_of_no_request_that_its_cluster_is_gone() -> None:
    """Nothing was read yet, so nothing is known to be missing."""
    house = await a_house()
    request = await house.ask()
    other = await newcomer(house)

    await other.look_round()

    assert house.now_of(request).blocked == ""
