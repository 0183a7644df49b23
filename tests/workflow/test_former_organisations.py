"""What is stored of an organisation that is no longer configured is history."""

from datetime import timedelta

from bot.domain.cluster import ClusterIdentity
from tests.builders import ACME, NOON, a_catalog, a_cluster, a_scheduled_upgrade, a_window
from tests.workflow.harness import a_harness


async def test_its_clusters_are_not_offered() -> None:
    """Its copy is still stored, but nobody refreshes it."""
    theirs = a_catalog(a_cluster(identity="x", organisation="globex"), organisation="globex")

    harness = await a_harness(theirs)

    assert [catalog.organisation for catalog in harness.viewing.catalogs()] == [ACME]
    assert harness.viewing.find(ClusterIdentity("x")) is None


async def test_its_upgrades_are_neither_listed_nor_counted_down_to() -> None:
    """Nobody polls them, so nobody knows whether they are still scheduled."""
    window = a_window(NOON + timedelta(hours=1))
    harness = await a_harness(a_scheduled_upgrade(organisation="globex", cluster_identity="x", window=window))

    await harness.look_round()

    assert (await harness.viewing.overview()).upgrades == ()
    assert harness.channel() == []
