"""Upgrades that the cloud has and does not schedule: told once, and only by a reading of after the time to wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.events import StatusMoved, UpgradeStale
from bot.domain.request import State
from bot.domain.scheduled import Reading, UpgradeIdentity
from bot.workflow.errors import Broken, NoList
from bot.workflow.outbox import Kind
from tests.builders import NOON, ROOS, a_policy, a_reading, a_rule, a_scheduled_upgrade, an_upgrade_request
from tests.workflow.harness import Harness, a_harness
from tests.workflow.polling_harness import CLUSTERS, READ

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REQUEST = an_upgrade_request(id="ours", state=State.SUBMITTED)
WAITS = a_scheduled_upgrade(status="REQUESTED", window=None, request_id="ours")
STILL = a_reading(status="REQUESTED", window=None)


async def polled(harness: Harness, after: timedelta, *readings: Reading) -> list[UpgradeStale]:
    """Poll and look round so long after noon, and return what the channel was told so far."""
    harness.clock.now = NOON + after
    harness.cloud.readings = list(readings)
    await harness.poll()
    await harness.look_round()
    return harness.told(UpgradeStale, Kind.CHANNEL)


async def test_it_is_told_once_with_mention_of_the_requester_and_never_again() -> None:
    """Also by another process over the same database, and after it was requested anew."""
    harness = await a_harness(REQUEST, WAITS, READ)

    early = await polled(harness, DAY - timedelta(seconds=1), STILL)
    told = await polled(harness, DAY, STILL)
    commits = harness.storage.commits
    await harness.look_round()
    idle = harness.storage.commits
    later = await harness.restarted()
    after = await polled(later, 3 * DAY, STILL)

    assert early == []
    (event,) = told
    assert (event.mention, event.since, event.about.request_id) == ((ROOS,), NOON, "ours")
    assert idle == commits
    assert len(after) == 1
    assert harness.facts(REQUEST) == ["still not scheduled"]


async def test_the_policy_says_after_how_long() -> None:
    """By the environment of each upgrade."""
    slow = a_rule(environment="staging", stale_after=timedelta(days=2))
    policy = a_policy(a_rule(stale_after=timedelta(hours=2)), environments={"staging": slow})
    other = replace(WAITS, identity=UpgradeIdentity("u2"), environment="staging", request_id="theirs")
    harness = await a_harness(
        REQUEST, an_upgrade_request(id="theirs", state=State.SUBMITTED), WAITS, other, READ, policy=policy
    )
    readings = (STILL, replace(STILL, identity=UpgradeIdentity("u2"), environment="staging"))

    after = [
        [event.about.request_id for event in await polled(harness, hours * HOUR, *readings)] for hours in (1, 2, 47, 48)
    ]

    assert after == [[], ["ours"], ["ours"], ["ours", "theirs"]]


async def test_while_nobody_can_read_nothing_is_claimed() -> None:
    """Told only by a reading that says so; the cloud may have scheduled it meanwhile."""
    harness = await a_harness(REQUEST, WAITS, READ)
    await polled(harness, 23 * HOUR, STILL)
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")

    away = await polled(harness, 30 * HOUR, STILL)
    harness.cloud.refusal = None
    back = await polled(harness, 31 * HOUR, a_reading(status="SCHEDULED"))

    assert (away, back) == ([], [])


async def test_a_failed_reading_after_a_good_one_holds_it_up() -> None:
    """The policy asks for less now, and the last reading is older than the trouble: it is told when that is over."""
    harness = await a_harness(REQUEST, WAITS, READ)
    await polled(harness, 5 * HOUR, STILL)
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")
    later = await harness.restarted(policy=a_policy(a_rule(stale_after=HOUR)))

    away = await polled(later, 6 * HOUR, STILL)
    later.cloud.refusal = None
    back = await polled(later, 7 * HOUR, STILL)

    assert (len(away), len(back)) == (0, 1)


async def test_a_reading_that_lacks_it_says_nothing() -> None:
    harness = await a_harness(REQUEST, WAITS, READ)

    assert await polled(harness, 2 * DAY) == []


async def test_without_a_list_nothing_is_said() -> None:
    harness = await a_harness(REQUEST, WAITS, CLUSTERS)
    harness.cloud.no_list = NoList("Avisi Cloud offers no list")

    assert await polled(harness, 2 * DAY, STILL) == []


@pytest.mark.parametrize("status", ["SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS"])
async def test_one_that_goes_on_or_that_nobody_requested_here_is_no_news(status: str) -> None:
    other = replace(WAITS, identity=UpgradeIdentity("u2"), request_id=None)
    harness = await a_harness(REQUEST, replace(WAITS, status=status), other, READ)

    readings = (replace(STILL, status=status), replace(STILL, identity=UpgradeIdentity("u2")))
    assert await polled(harness, 2 * DAY, *readings) == []


async def test_the_channel_that_was_told_hears_that_it_goes_on() -> None:
    """An alarm has an all-clear; one that was scheduled in time is told in the thread."""
    for told_before, in_channel in ((True, 1), (False, 0)):
        harness = await a_harness(replace(REQUEST, stale_told=told_before), WAITS, READ)

        await polled(harness, 26 * HOUR, a_reading(status="SCHEDULED"))

        assert [one.ends_alarm for one in harness.told(StatusMoved, Kind.CHANNEL)] == [True] * in_channel
        assert len(harness.told(StatusMoved)) == 1 - in_channel
