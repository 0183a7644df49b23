from datetime import timedelta

import pytest

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.request import RequestId
from bot.workflow.errors import Stale
from bot.workflow.inbox import MessageRef
from bot.workflow.repositories import BrokenDestination, Feed, PolicyGeneration, Source
from tests.builders import ACME, KIM, NOON, ROOS, SEM, a_catalog, a_cluster
from tests.store.conftest import Subject

REQUEST = RequestId("request-1")
MINUTE = timedelta(minutes=1)


async def test_a_card_is_found_where_it_was_put_last(subject: Subject) -> None:
    """A newer place wins; a forgotten one is gone."""
    async with subject.begin() as work:
        assert await work.messages.card(REQUEST) is None
        await work.messages.put_card(REQUEST, MessageRef(channel="C1", ts="1.1"))
        await work.messages.put_card(REQUEST, MessageRef(channel="C1", ts="2.2"))
        await work.commit()

    async with subject.begin() as work:
        assert await work.messages.card(REQUEST) == MessageRef(channel="C1", ts="2.2")
        assert await work.messages.cards(RequestId("none"), REQUEST) == {REQUEST: MessageRef(channel="C1", ts="2.2")}
        await work.messages.forget_card(REQUEST)
        await work.messages.forget_card(RequestId("nobody's"))
        assert await work.messages.card(REQUEST) is None


async def test_the_catalog_is_replaced_as_a_whole(subject: Subject) -> None:
    """Each organisation has its own copy, and it says when it was read."""
    other = a_catalog(organisation=Organisation("other"), fetched_at=NOON - MINUTE)
    newer = a_catalog(a_cluster(slug="only", schedule=None), fetched_at=NOON + MINUTE)
    async with subject.begin() as work:
        assert await work.catalogs.read(ACME) is None
        assert await work.catalogs.fetched() == {}
        await work.catalogs.put(a_catalog())
        await work.catalogs.put(other)
        assert await work.catalogs.read(ACME) == a_catalog()
        await work.catalogs.put(newer)
        await work.commit()

    async with subject.read() as work:
        assert await work.catalogs.read(ACME) == newer
        assert await work.catalogs.read(other.organisation) == other
        assert await work.catalogs.fetched() == {ACME: NOON + MINUTE, other.organisation: NOON - MINUTE}


async def test_a_catalog_that_was_read_again_unchanged_is_only_newer(subject: Subject) -> None:
    """Its content is not written again, its moment is."""
    async with subject.begin() as work:
        await work.catalogs.put(a_catalog())
        await work.catalogs.put(a_catalog(fetched_at=NOON + MINUTE))
        await work.commit()

    async with subject.read() as work:
        assert await work.catalogs.read(ACME) == a_catalog(fetched_at=NOON + MINUTE)


async def test_a_large_catalog_fits(subject: Subject) -> None:
    """Ten thousand clusters come back as they went in."""
    clusters = [
        a_cluster(identity=ClusterIdentity(f"identity-{number}"), slug=f"cluster-{number}") for number in range(10_000)
    ]
    async with subject.begin() as work:
        await work.catalogs.put(a_catalog(*clusters))
        await work.commit()

    async with subject.read() as work:
        read = await work.catalogs.read(ACME)

    assert read is not None
    assert len(read.by_identity) == 10_000
    assert read.clusters[-1] == clusters[-1]


async def test_a_feed_is_new_until_it_is_stored(subject: Subject) -> None:
    """What is known about reading an organisation survives a restart."""
    feed = Feed(organisation=ACME, source=Source.CLUSTERS, probed_at=NOON, blind_since=NOON, error="401")
    async with subject.begin() as work:
        assert await work.feeds.get(ACME) == Feed(organisation=ACME)
        await work.feeds.save(Feed(organisation=ACME, read_at=NOON))
        await work.feeds.save(feed)
        await work.commit()

    async with subject.read() as work:
        assert await work.feeds.get(ACME) == feed
        assert await work.feeds.get(Organisation("other")) == Feed(organisation=Organisation("other"))


async def test_the_page_of_a_home_is_kept_until_it_is_opened_anew(subject: Subject) -> None:
    """Who turned to a page goes on reading there when it is published again."""
    async with subject.begin() as work:
        await work.homes.opened(KIM, at=NOON, page=3)
        await work.homes.published(KIM, at=NOON)
        await work.commit()
    async with subject.read() as work:
        assert (await work.homes.page(KIM), await work.homes.page(SEM)) == (3, 0)

    async with subject.begin() as work:
        await work.homes.opened(KIM, at=NOON)
        await work.commit()
    async with subject.read() as work:
        assert await work.homes.page(KIM) == 0


async def test_homes_worth_publishing_are_opened_lately_and_published_long_ago(subject: Subject) -> None:
    """Or never published at all; the first opened comes first."""
    async with subject.begin() as work:
        await work.homes.opened(ROOS, at=NOON - 90 * MINUTE)
        await work.homes.opened(KIM, at=NOON - 2 * MINUTE)
        await work.homes.opened(SEM, at=NOON - 3 * MINUTE)
        await work.homes.published(KIM, at=NOON - MINUTE)
        await work.commit()

    async with subject.begin() as work:
        hour_ago = NOON - 60 * MINUTE
        assert await work.homes.to_publish(opened_after=hour_ago, published_before=NOON) == (SEM, KIM)
        assert await work.homes.to_publish(opened_after=hour_ago, published_before=NOON - MINUTE) == (SEM,)
        await work.homes.opened(ROOS, at=NOON)
        await work.homes.opened(KIM, at=NOON)
        again = await work.homes.to_publish(opened_after=hour_ago, published_before=NOON - MINUTE)

    assert again == (SEM, ROOS)


async def test_a_channel_breaks_once_and_mends_once(subject: Subject) -> None:
    """People are told at the first and at the last, not in between."""
    async with subject.begin() as work:
        assert await work.destinations.note_broken("C1", error="is_archived", at=NOON)
        assert not await work.destinations.note_broken("C1", error="channel_not_found", at=NOON + MINUTE)
        assert await work.destinations.broken() == (
            BrokenDestination(channel="C1", error="channel_not_found", since=NOON),
        )
        assert await work.destinations.note_mended("C1")
        assert not await work.destinations.note_mended("C1")
        assert await work.destinations.broken() == ()


async def test_moments_without_a_zone_are_refused_here_too(subject: Subject) -> None:
    """Nobody could tell later which moment it was."""
    naive = NOON.replace(tzinfo=None)

    async with subject.begin() as work:
        with pytest.raises(Exception, match="no time zone"):
            await work.homes.opened(ROOS, at=naive)
        with pytest.raises(Exception, match="no time zone"):
            await work.catalogs.put(a_catalog(fetched_at=naive))


async def test_the_policy_of_the_highest_generation_is_in_force(subject: Subject) -> None:
    """A number that is taken is refused, so that of two processes that start at once one comes after the other."""
    first = PolicyGeneration(number=1, digest="lax", since=NOON)
    second = PolicyGeneration(number=2, digest="strict", since=NOON + MINUTE)
    async with subject.begin() as work:
        assert await work.policies.newest() is None
        await work.policies.add(first)
        await work.policies.add(second)
        await work.commit()

    async with subject.begin() as work:
        assert await work.policies.newest() == second
        with pytest.raises(Stale):
            await work.policies.add(PolicyGeneration(number=2, digest="another", since=NOON))
    async with subject.read() as work:
        assert await work.policies.newest() == second
