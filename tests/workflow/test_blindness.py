from dataclasses import replace
from datetime import timedelta

from bot.domain.cluster import Organisation
from bot.domain.events import SawAgain, StatusMoved, WentBlind
from bot.domain.policy import Policy
from bot.workflow.blindness import Blindness
from bot.workflow.errors import Broken, Unauthorised
from bot.workflow.outbox import Kind
from bot.workflow.repositories import Feed, Source
from tests.builders import ACME, CHANNEL, NOON, a_catalog, a_cluster, a_policy, a_reading, a_rule, a_scheduled_upgrade
from tests.workflow.harness import Harness, a_harness

GLOBEX = Organisation("globex")
READ = Feed(organisation=ACME, source=Source.ORGANISATION, probed_at=NOON, baseline_at=NOON, read_at=NOON)
TWO_CHANNELS = a_policy(environments={"staging": a_rule(environment="staging", channel="C0STAGING")})


async def polls(harness: Harness, *, minutes: int) -> None:
    """Poll once a minute."""
    for _ in range(minutes):
        harness.clock.advance(timedelta(minutes=1))
        await harness.poll()


async def a_blind_harness(policy: Policy | None = None, feed: Feed = READ) -> Harness:
    """Build a harness whose cloud fails from now on."""
    harness = await a_harness(feed, policy=policy)
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")
    return harness


async def test_ten_minutes_without_a_reading_are_told_once_in_each_channel() -> None:
    """Since when, in every channel that anything is posted to."""
    harness = await a_blind_harness(TWO_CHANNELS)

    await polls(harness, minutes=9)
    before = harness.storage.told
    await polls(harness, minutes=20)

    assert before == []
    assert [one.target for one in harness.outbox(Kind.CHANNEL, WentBlind)] == [CHANNEL, "C0STAGING"]
    assert {event.since for event in harness.told(WentBlind, Kind.CHANNEL)} == {NOON}


async def test_blindness_is_told_only_where_the_organisation_is_followed() -> None:
    """Of two organisations, the channels that only the other one uses stay quiet; so when it sees again."""
    policy = a_policy(
        environments={
            "staging": a_rule(environment="staging", channel="C0STAGING"),
            "globex/production": a_rule(environment="production", channel="C0GLOBEX"),
        }
    )
    theirs = a_catalog(a_cluster(identity="x", organisation=GLOBEX), organisation=GLOBEX, environments=())
    seen_before = replace(READ, organisation=GLOBEX)
    harness = await a_harness(seen_before, READ, theirs, policy=policy, organisations=(ACME, GLOBEX))
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")

    for _ in range(11):
        harness.clock.advance(timedelta(minutes=1))
        for organisation in harness.organisations:
            await harness.poll(organisation)
    harness.cloud.refusal = None
    for organisation in harness.organisations:
        await harness.poll(organisation)

    for event in (WentBlind, SawAgain):
        told = [(one.event.about.organisation, one.target) for one in harness.outbox(Kind.CHANNEL, event) if one.event]
        assert told == [("acme", CHANNEL), ("acme", "C0STAGING"), ("globex", "C0GLOBEX")]


async def test_seeing_again_is_told_once_in_each_channel() -> None:
    """Together with what moved meanwhile, as the state it is in now."""
    harness = await a_blind_harness(TWO_CHANNELS)
    await polls(harness, minutes=12)
    harness.cloud.refusal = None

    await polls(harness, minutes=3)

    assert [one.target for one in harness.outbox(Kind.CHANNEL, SawAgain)] == [CHANNEL, "C0STAGING"]
    (event, _) = harness.told(SawAgain, Kind.CHANNEL)
    assert (event.since, event.until) == (NOON, NOON + timedelta(minutes=13))


async def test_a_short_outage_is_not_worth_a_word() -> None:
    """Nine failed polls, then one that reads."""
    harness = await a_blind_harness()
    await polls(harness, minutes=9)
    harness.cloud.refusal = None

    await polls(harness, minutes=2)

    assert harness.storage.told == []
    assert harness.storage.tables.feeds[ACME].blind_since is None


async def test_a_second_outage_is_told_like_the_first() -> None:
    """Each has its own beginning."""
    harness = await a_blind_harness()
    for refusal in (harness.cloud.refusal, None) * 2:
        harness.cloud.refusal = refusal
        await polls(harness, minutes=12)

    assert len(harness.told(WentBlind, Kind.CHANNEL)) == len(harness.told(SawAgain, Kind.CHANNEL)) == 2


async def test_long_pauses_between_polls_make_it_more_patient() -> None:
    """Five polls, if that is longer than ten minutes."""
    harness = await a_blind_harness()
    blindness = Blindness(
        begin=harness.storage.begin,
        catalog_cache=harness.catalog_cache,
        policy=harness.policy,
        organisations=harness.organisations,
        now=harness.clock,
        poll_every=timedelta(minutes=10),
    )
    told = []
    for minutes in (10, 40, 50):
        harness.clock.now = NOON + timedelta(minutes=minutes)
        await blindness.could_not_read(harness.storage.tables.feeds[ACME], "502", await harness.lease())
        told.append(len(harness.storage.told))

    assert told == [0, 0, 1]


async def test_clusters_that_cannot_be_read_are_blindness_too() -> None:
    """Where they are the source, no window has to be over for it; since when, and when it is over, are told."""
    harness = await a_blind_harness(feed=replace(READ, source=Source.CLUSTERS))

    await polls(harness, minutes=9)
    before = harness.storage.told
    await polls(harness, minutes=2)
    harness.cloud.refusal = None
    await polls(harness, minutes=1)

    assert before == []
    assert [event.since for event in harness.told(WentBlind, Kind.CHANNEL)] == [NOON]
    assert [event.until for event in harness.told(SawAgain, Kind.CHANNEL)] == [NOON + timedelta(minutes=12)]


async def test_clusters_are_read_no_oftener_than_their_catalog_is() -> None:
    """While the copy is renewed in time, no poll reads anything for it."""
    harness = await a_harness(replace(READ, source=Source.CLUSTERS))
    harness.cloud.refusal = Broken("No poll has to ask")

    for _ in range(5):
        harness.clock.advance(timedelta(minutes=5))
        async with harness.storage.begin() as work:
            await work.catalogs.put(a_catalog(fetched_at=harness.clock()))
            await work.commit()
        await polls(harness, minutes=5)
        harness.clock.advance(timedelta(minutes=-5))

    assert harness.storage.told == []
    assert harness.storage.tables.feeds[ACME].blind_since is None


async def test_a_bot_that_never_read_anything_says_so_too() -> None:
    """The token was refused from the start."""
    harness = await a_harness()
    harness.cloud.refusal = Unauthorised("The token is refused")

    await polls(harness, minutes=12)

    assert [event.since for event in harness.told(WentBlind, Kind.CHANNEL)] == [NOON + timedelta(minutes=1)]
    assert harness.storage.tables.feeds[ACME].error == "The token is refused"


async def test_a_bot_that_was_down_is_not_blind_at_its_first_failed_poll() -> None:
    """It begins to be blind when it fails to read, not while nobody tried."""
    harness = await a_blind_harness()
    harness.clock.advance(timedelta(hours=5))

    await polls(harness, minutes=5)
    early = list(harness.storage.told)
    await polls(harness, minutes=7)

    assert early == []
    assert [event.since for event in harness.told(WentBlind, Kind.CHANNEL)] == [NOON + timedelta(hours=5, minutes=1)]


async def test_what_happened_while_the_bot_was_down_is_told_once() -> None:
    """As the state it is in now; what it was before the gap is not told late."""
    upgrade = a_scheduled_upgrade(status="SCHEDULED")
    harness = await a_harness(upgrade, READ)
    harness.clock.advance(timedelta(hours=30))
    harness.cloud.readings = [a_reading(status="FAILED")]
    harness = await harness.restarted()

    await polls(harness, minutes=3)

    assert [(event.from_status, event.status) for event in harness.told(StatusMoved, Kind.CHANNEL)] == [
        ("SCHEDULED", "FAILED")
    ]
