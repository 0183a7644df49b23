"""Where statuses come from: probing for the list, and outcomes that are concluded without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cluster import Catalog, Organisation
from bot.domain.events import StatusMoved, UpgradeSubmitted
from bot.domain.scheduled import APPEARS_UPGRADED, NOT_FOLLOWED, NOT_UPGRADED
from bot.workflow.cataloguing import Cataloguing
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
from tests.workflow.harness import a_house
from tests.workflow.polling_harness import CLUSTERS, READ, ours, sees


async def test_no_list_means_the_clusters_are_the_source() -> None:
    """Probed at the first poll; the feed says so."""
    house = await a_house()
    house.cloud.no_list = NoList("Not found")

    source = await house.poll()

    assert source is Source.CLUSTERS
    assert house.storage.tables.feeds[ACME].source is Source.CLUSTERS


async def test_the_list_is_looked_for_again_every_hour() -> None:
    """And once it is there, it is the source, with a baseline of its own."""
    house = await a_house(*ours(), CLUSTERS)
    house.clock.advance(timedelta(minutes=57))
    others = [a_reading(identity="out", status="FAILED"), a_reading(identity="was", status="SCHEDULED_NOTIFIED")]
    await sees(house, *others, a_reading(status="SCHEDULED_NOTIFIED"))
    before = list(house.cloud.lists)

    await sees(house, *house.cloud.readings)
    await sees(house, *house.cloud.readings)

    assert before == []
    assert house.storage.tables.feeds[ACME].source is Source.ORGANISATION
    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == ["SCHEDULED_NOTIFIED"]


async def test_one_answer_between_two_probes_does_not_show_that_the_list_is_gone() -> None:
    """Nothing is concluded from the clusters for it; the next poll reads the list again."""
    house = await a_house(*ours(), READ)
    house.cloud.no_list = NoList("Not found")
    house.clock.advance(timedelta(minutes=1))
    assert await house.poll() is None

    house.cloud.no_list = None

    assert await house.poll() is Source.ORGANISATION


async def test_the_list_is_gone_when_a_probe_says_so() -> None:
    """It was there for a while: an hour later the clusters are the source."""
    house = await a_house(*ours(), READ)
    house.cloud.no_list = NoList("Not found")
    house.clock.advance(timedelta(hours=1))

    assert await house.poll() is Source.CLUSTERS


async def test_a_probe_that_tells_neither_way_leaves_the_source_as_it_was() -> None:
    """An error there is no reason to see nothing here; the next poll probes again."""
    house = await a_house(CLUSTERS)
    house.cloud.no_list = Broken("Avisi Cloud answered 500")
    house.clock.advance(timedelta(hours=1))
    assert await house.poll() is Source.CLUSTERS

    house.cloud.no_list = None

    assert await house.poll() is Source.ORGANISATION


async def test_a_configured_source_is_not_probed() -> None:
    """`BOT_STATUS_SOURCE=clusters` never asks for the list; `organisation` is blind without it."""
    clusters = await a_house(forced=Source.CLUSTERS)
    organisation = await a_house(forced=Source.ORGANISATION)
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
    house = await a_house(*ours(), CLUSTERS, forced=Source.CLUSTERS)
    house.cloud.catalogs[ACME] = a_catalog(a_cluster(version=version, status=status))
    house.clock.now = a_window().end + timedelta(minutes=28)
    await sees(house)
    early = list(house.storage.told)

    await sees(house)
    await sees(house)

    (event,) = house.told(StatusMoved)
    assert early == []
    assert (event.status, event.inferred) == (outcome, True)
    assert len(house.channel()) == (outcome == NOT_UPGRADED)
    assert len(house.told(StatusMoved, Kind.DIRECT)) == 1


async def test_one_outcome_that_somebody_else_just_stored_holds_up_no_other() -> None:
    """A submission was confirmed at the same moment: the rest is concluded all the same."""
    mine, other = a_scheduled_upgrade(identity="a"), a_scheduled_upgrade(identity="b", cluster_identity=DATA)
    house = await a_house(mine, other, CLUSTERS, forced=Source.CLUSTERS)
    house.clock.now = a_window().end + timedelta(minutes=30)

    class Meanwhile(Cataloguing):
        """Somebody else writes while the clusters are read."""

        async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
            house.storage.tables.upgrades[ACME, mine.identity] = replace(mine, revision=7)
            return await super().refresh(organisation, lease)

    meanwhile = Meanwhile(begin=house.storage.begin, cloud=house.cloud, catalog_cache=house.catalog_cache)
    concluding = replace(house.polling.concluding, cataloguing=meanwhile)
    house.polling = replace(house.polling, concluding=concluding)

    await house.poll()

    assert [event.about.upgrade for event in house.channel()] == ["b"]


async def test_without_statuses_and_without_a_window_nothing_can_be_followed() -> None:
    """The card says so, and nothing is concluded later."""
    house = await a_house(CLUSTERS, forced=Source.CLUSTERS)
    house.cloud.answers = [a_reading(window=None)]
    await house.submitted()

    house.clock.advance(timedelta(days=30))
    await house.poll()

    assert house.upgrades[str(a_reading().identity)].status == NOT_FOLLOWED
    assert house.told(UpgradeSubmitted)[0].followed is False
    assert house.told(StatusMoved) == []
