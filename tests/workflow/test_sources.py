"""Where statuses come from: probing for the list, and outcomes that are concluded without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cluster import Catalog, Organisation
from bot.domain.events import StatusMoved, UpgradeSubmitted
from bot.domain.scheduled import APPEARS_UPGRADED, NOT_FOLLOWED, NOT_UPGRADED
from bot.workflow.catalog_cache import Cataloguing
from bot.workflow.errors import Broken, NoList
from bot.workflow.outbox import Kind
from bot.workflow.ports import Lease
from bot.workflow.repositories import Source
from tests.builders import (
    ACME,
    DATA,
    NEW,
    a_catalog,
    a_cluster,
    a_reading,
    a_scheduled_upgrade,
    a_window,
)
from tests.workflow.harness import a_harness
from tests.workflow.polling_harness import CLUSTERS, READ, ours, sees


async def test_no_list_means_the_clusters_are_the_source() -> None:
    """Probed at the first poll; the feed says so."""
    harness = await a_harness()
    harness.cloud.no_list = NoList("Not found")

    source = await harness.poll()

    assert source is Source.CLUSTERS
    assert harness.storage.tables.feeds[ACME].source is Source.CLUSTERS


async def test_the_list_is_looked_for_again_every_hour() -> None:
    """And once it is there, it is the source, with a baseline of its own."""
    harness = await a_harness(*ours(), CLUSTERS)
    harness.clock.advance(timedelta(minutes=57))
    others = [a_reading(identity="out", status="FAILED"), a_reading(identity="was", status="SCHEDULED_NOTIFIED")]
    await sees(harness, *others, a_reading(status="SCHEDULED_NOTIFIED"))
    before = list(harness.cloud.lists)

    await sees(harness, *harness.cloud.readings)
    await sees(harness, *harness.cloud.readings)

    assert before == []
    assert harness.storage.tables.feeds[ACME].source is Source.ORGANISATION
    assert [event.status for event in harness.told(StatusMoved, Kind.CHANNEL)] == ["SCHEDULED_NOTIFIED"]


async def test_one_answer_between_two_probes_does_not_show_that_the_list_is_gone() -> None:
    """Nothing is concluded from the clusters for it; the next poll reads the list again."""
    harness = await a_harness(*ours(), READ)
    harness.cloud.no_list = NoList("Not found")
    harness.clock.advance(timedelta(minutes=1))
    assert await harness.poll() is None

    harness.cloud.no_list = None

    assert await harness.poll() is Source.ORGANISATION


async def test_the_list_is_gone_when_a_probe_says_so() -> None:
    """It was there for a while: an hour later the clusters are the source."""
    harness = await a_harness(*ours(), READ)
    harness.cloud.no_list = NoList("Not found")
    harness.clock.advance(timedelta(hours=1))

    assert await harness.poll() is Source.CLUSTERS


async def test_a_probe_that_tells_neither_way_leaves_the_source_as_it_was() -> None:
    """An error there is no reason to see nothing here; the next poll probes again."""
    harness = await a_harness(CLUSTERS)
    harness.cloud.no_list = Broken("Avisi Cloud answered 500")
    harness.clock.advance(timedelta(hours=1))
    assert await harness.poll() is Source.CLUSTERS

    harness.cloud.no_list = None

    assert await harness.poll() is Source.ORGANISATION


async def test_a_configured_source_is_not_probed() -> None:
    """`BOT_STATUS_SOURCE=clusters` never asks for the list; `organisation` is blind without it."""
    clusters = await a_harness(forced=Source.CLUSTERS)
    organisation = await a_harness(forced=Source.ORGANISATION)
    organisation.cloud.no_list = NoList("Not found")

    assert await clusters.poll() is Source.CLUSTERS
    assert await organisation.poll() is None
    assert clusters.cloud.lists == []


@pytest.mark.parametrize(
    ("version", "status", "outcome"),
    [(NEW, "running", APPEARS_UPGRADED), (NEW, "updating", NOT_UPGRADED), ("v1.30.6-u-ame.3", "running", NOT_UPGRADED)],
)
async def test_without_statuses_the_outcome_is_concluded_after_the_window(
    version: str, status: str, outcome: str
) -> None:
    """Half an hour after its end, from the version the cluster runs; once, and said to be concluded."""
    harness = await a_harness(*ours(), CLUSTERS, forced=Source.CLUSTERS)
    harness.cloud.catalogs[ACME] = a_catalog(a_cluster(version=version, status=status))
    harness.clock.now = a_window().end + timedelta(minutes=28)
    await sees(harness)
    early = list(harness.storage.told)

    await sees(harness)
    await sees(harness)

    (event,) = harness.told(StatusMoved, Kind.DIRECT)
    assert early == []
    assert (event.status, event.inferred) == (outcome, True)
    assert len(harness.channel()) == (outcome == NOT_UPGRADED)
    assert len(harness.told(StatusMoved)) == (outcome == APPEARS_UPGRADED)


async def test_one_outcome_that_somebody_else_just_stored_holds_up_no_other() -> None:
    """A submission was confirmed at the same moment: the rest is concluded all the same."""
    mine, other = a_scheduled_upgrade(identity="a"), a_scheduled_upgrade(identity="b", cluster_identity=DATA)
    harness = await a_harness(mine, other, CLUSTERS, forced=Source.CLUSTERS)
    harness.clock.now = a_window().end + timedelta(minutes=30)

    class Meanwhile(Cataloguing):
        """Somebody else writes while the clusters are read."""

        async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
            harness.storage.tables.upgrades[ACME, mine.identity] = replace(mine, revision=7)
            return await super().refresh(organisation, lease)

    meanwhile = Meanwhile(begin=harness.storage.begin, cloud=harness.cloud, catalog_cache=harness.catalog_cache)
    concluding = replace(harness.polling.concluding, cataloguing=meanwhile)
    harness.polling = replace(harness.polling, concluding=concluding)

    await harness.poll()

    assert [event.about.upgrade for event in harness.channel()] == ["b"]


async def test_without_statuses_and_without_a_window_nothing_can_be_followed() -> None:
    """The card says so, and nothing is concluded later."""
    harness = await a_harness(CLUSTERS, forced=Source.CLUSTERS)
    harness.cloud.answers = [a_reading(window=None)]
    await harness.submitted()

    harness.clock.advance(timedelta(days=30))
    await harness.poll()

    assert harness.upgrades[str(a_reading().identity)].status == NOT_FOLLOWED
    assert harness.told(UpgradeSubmitted)[0].followed is False
    assert harness.told(StatusMoved) == []
