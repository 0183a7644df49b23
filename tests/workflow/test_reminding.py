import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.events import ApproversReminded, RequestExpired, StatusMoved, UpgradeOverran, VotesVoided, WindowNear
from bot.domain.request import State, Vote
from bot.domain.scheduled import Reading
from bot.workflow.errors import Broken, NoList
from bot.workflow.outbox import Kind
from tests.builders import (
    ACME,
    KIM,
    NOON,
    ROOS,
    SEM,
    a_cluster,
    a_policy,
    a_reading,
    a_rule,
    a_schedule,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import Harness, a_harness
from tests.workflow.polling_harness import CLUSTERS, READ

OLD_PATCH = "v1.30.8-u-ame.1"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def at(harness: Harness, *moments: timedelta) -> None:
    """Look round at these times after noon."""
    for moment in moments:
        harness.clock.now = NOON + moment
        await harness.look_round()


async def polled(harness: Harness, moment: timedelta, *readings: Reading) -> None:
    """Poll at a time after noon, with these in the cloud's list, and look round."""
    harness.clock.now = NOON + moment
    harness.cloud.readings = list(readings)
    await harness.poll()
    await harness.look_round()


def near(harness: Harness) -> list[tuple[float, timedelta]]:
    """Return each countdown: how many hours ahead it is for, and when after noon its window begins."""
    return [(event.hours, event.window.start - NOON) for event in harness.told(WindowNear, Kind.CHANNEL)]


async def test_each_countdown_comes_once_and_in_time() -> None:
    """24 hours and 1 hour before the window, whatever the number of rounds."""
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + 3 * DAY)))

    await at(harness, DAY, 2 * DAY - HOUR)
    before = near(harness)
    await at(harness, 2 * DAY, 2 * DAY + HOUR, 3 * DAY - HOUR, 3 * DAY - HOUR / 2, 3 * DAY, 3 * DAY + HOUR)

    assert before == []
    assert near(harness) == [(24.0, 3 * DAY), (1.0, 3 * DAY)]


async def test_a_countdown_says_when_its_window_was_read_while_nothing_can_be_read() -> None:
    """The window may have moved since."""
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + 3 * DAY)), READ)
    await polled(harness, 2 * DAY - HOUR, a_reading(window=a_window(NOON + 3 * DAY)))
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")
    await polled(harness, 2 * DAY - timedelta(minutes=1))

    await at(harness, 2 * DAY)
    harness.cloud.refusal = None
    await polled(harness, 3 * DAY - HOUR, a_reading(window=a_window(NOON + 3 * DAY)))

    countdowns = harness.told(WindowNear, Kind.CHANNEL)
    assert [event.unread_since for event in countdowns] == [NOON + 2 * DAY - HOUR, None]


async def test_a_countdown_whose_moment_passed_long_ago_is_dropped() -> None:
    """The bot was down: the next one comes in its own time."""
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + 3 * DAY)))

    await at(harness, 2 * DAY + 7 * HOUR, 3 * DAY - HOUR / 2)
    late = near(harness)

    assert late == []


async def test_only_the_nearest_of_several_missed_countdowns_is_told() -> None:
    """One message, of what is true now."""
    rule = a_rule(reminders=(2 * HOUR, 1.9 * HOUR))
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + 2 * HOUR)), policy=a_policy(rule))

    await at(harness, 0.15 * HOUR)

    assert near(harness) == [(1.9, 2 * HOUR)]


async def test_what_was_rescheduled_is_not_counted_down_to() -> None:
    """A newer request took its place; that the cloud has not said so yet, or never will, changes nothing."""
    replaced = an_upgrade_request(state=State.REPLACED)
    upgrade = a_scheduled_upgrade(request_id=replaced.id, window=a_window(NOON + DAY))
    harness = await a_harness(replaced, upgrade)

    await at(harness, HOUR)

    assert near(harness) == []


async def test_what_is_not_watched_is_neither_counted_down_to_nor_reported() -> None:
    """Known from a time when `BOT_WATCH` was `all`."""
    running = a_scheduled_upgrade(identity="r", status="IN_PROGRESS", window=a_window(NOON - DAY))
    harness = await a_harness(
        a_scheduled_upgrade(window=a_window(NOON + DAY)), running, policy=a_policy(watch="requested")
    )

    await at(harness, HOUR)

    assert harness.channel() == []


async def test_each_environment_counts_down_in_its_own_time() -> None:
    """Also one whose lead is longer than that of all others; an empty list counts down to nothing."""
    staging = a_rule(environment="staging", reminders=(7 * DAY,))
    policy = a_policy(a_rule(reminders=()), environments={"staging": staging})
    upgrades = [
        a_scheduled_upgrade(identity=name, environment=name, window=a_window(NOON + 7 * DAY))
        for name in ("staging", "production")
    ]
    harness = await a_harness(*upgrades, policy=policy)

    await at(harness, HOUR, 6 * DAY, 7 * DAY - HOUR)

    assert [event.about.environment for event in harness.told(WindowNear, Kind.CHANNEL)] == ["staging"]


async def test_countdowns_move_with_the_window() -> None:
    """A window that moved is counted down to anew, and the old one no more."""
    upgrade = a_scheduled_upgrade(window=a_window(NOON + 2 * DAY))
    harness = await a_harness(upgrade)
    await at(harness, DAY)
    harness.storage.tables.upgrades[upgrade.organisation, upgrade.identity] = a_scheduled_upgrade(
        window=a_window(NOON + 4 * DAY), revision=5
    )

    await at(harness, 2 * DAY - HOUR, 3 * DAY)

    assert near(harness) == [(24.0, 2 * DAY), (24.0, 4 * DAY)]


@pytest.mark.parametrize("status", ["IN_PROGRESS", "SUPERSEDED", "SUCCEEDED", "NOT_FOLLOWED"])
async def test_nothing_is_counted_down_that_has_begun_or_ended(status: str) -> None:
    """Only a known window that has not begun."""
    harness = await a_harness(a_scheduled_upgrade(status=status, window=a_window(NOON + DAY)))

    await at(harness, timedelta(0), 23 * HOUR)

    assert harness.storage.told == []


async def test_counting_down_writes_nothing_twice() -> None:
    """A look round each second must not be a transaction each second."""
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + DAY)))
    await at(harness, timedelta(0))
    before = harness.storage.commits

    await at(harness, HOUR, 2 * HOUR)

    assert harness.storage.commits == before


async def test_a_countdown_is_left_out_when_the_window_begins_within_it_already_at_submission() -> None:
    """Whoever approved has just seen when it runs; the next countdown comes."""
    request = an_upgrade_request(id="ours", state=State.SUBMITTED, attempted_at=NOON)
    upgrade = a_scheduled_upgrade(request_id="ours", window=a_window(NOON + 20 * HOUR))
    harness = await a_harness(request, upgrade)

    await at(harness, timedelta(minutes=1), 19 * HOUR)

    assert near(harness) == [(1.0, 20 * HOUR)]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (timedelta(0), [StatusMoved]),
        (-timedelta(seconds=50), [StatusMoved]),
        (2 * HOUR, [StatusMoved]),
        (-timedelta(minutes=5), [StatusMoved, WindowNear]),
    ],
)
async def test_a_reminder_and_a_countdown_of_the_same_minute_are_one_message(seen: timedelta, told: list[type]) -> None:
    """So is a reminder that comes so late that nothing was counted down before it."""
    upgrade = a_scheduled_upgrade(window=a_window(NOON + 2 * DAY))
    harness = await a_harness(upgrade, READ)

    await polled(harness, DAY + seen, a_reading(status="SCHEDULED_NOTIFIED", window=upgrade.window))
    await at(harness, DAY + max(seen, timedelta(0)), DAY + 3 * HOUR)

    assert [type(event) for event in harness.channel()] == told


@pytest.mark.parametrize(("later", "told"), [(50, [WindowNear]), (70, [WindowNear, StatusMoved])])
async def test_a_reminder_within_a_minute_after_a_countdown_says_nothing_new(later: int, told: list[type]) -> None:
    """It has the same words; after that it is news that contacts were notified."""
    upgrade = a_scheduled_upgrade(window=a_window(NOON + 2 * DAY))
    harness = await a_harness(upgrade, READ)
    await at(harness, DAY)

    moment = DAY + timedelta(seconds=later)
    await polled(harness, moment, a_reading(status="SCHEDULED_NOTIFIED", window=upgrade.window))

    assert [type(event) for event in harness.channel()] == told


async def test_a_countdown_to_an_upgrade_from_outside_calls_upon_those_who_would_have_been_asked() -> None:
    """One that was requested here calls upon nobody."""
    policy = a_policy(a_rule(notify=("S0PLATFORM",)))
    request = an_upgrade_request(id="ours", state=State.SUBMITTED)
    for ours, mention in ((None, ("S0PLATFORM",)), ("ours", ())):
        upgrade = a_scheduled_upgrade(request_id=ours, window=a_window(NOON + DAY))
        harness = await a_harness(request, upgrade, policy=policy)

        await at(harness, timedelta(0))

        assert [event.mention for event in harness.told(WindowNear, Kind.CHANNEL)] == [mention]


async def test_a_restarted_bot_does_not_count_down_again() -> None:
    """What was told is known by its key."""
    harness = await a_harness(a_scheduled_upgrade(window=a_window(NOON + DAY)))
    await at(harness, timedelta(0))

    await at(await harness.restarted(), HOUR)

    assert len(near(harness)) == 1


async def test_an_overrun_is_reported_once() -> None:
    """Still in progress past the end of its window; another window may be overrun again."""
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS")
    harness = await a_harness(upgrade, READ)

    await polled(harness, DAY + 3 * HOUR, a_reading(status="IN_PROGRESS"))
    on_time = list(harness.channel())
    await polled(harness, DAY + 3.1 * HOUR, a_reading(status="IN_PROGRESS"))
    before = harness.storage.commits
    await at(harness, DAY + 4 * HOUR)

    assert (on_time, harness.storage.commits) == ([], before)
    assert [event.window for event in harness.told(UpgradeOverran, Kind.CHANNEL)] == [upgrade.window]


async def test_the_card_of_an_upgrade_that_overruns_is_drawn_again() -> None:
    """It says so."""
    request = an_upgrade_request(id="ours", state=State.SUBMITTED)
    harness = await a_harness(request, a_scheduled_upgrade(status="IN_PROGRESS", request_id="ours"), READ)

    await polled(harness, DAY + 3.1 * HOUR, a_reading(status="IN_PROGRESS"))

    assert len(harness.outbox(Kind.CARD)) == 1


async def test_an_overrun_is_not_told_from_a_reading_of_before_the_window_s_end() -> None:
    """The cloud was away over the end, in which the upgrade succeeded: nothing is claimed that nobody read."""
    harness = await a_harness(a_scheduled_upgrade(status="IN_PROGRESS"), READ)
    await polled(harness, DAY + 2 * HOUR, a_reading(status="IN_PROGRESS"))
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")

    await polled(harness, DAY + 4 * HOUR, a_reading(status="IN_PROGRESS"))
    away = harness.told(UpgradeOverran, Kind.CHANNEL)
    harness.cloud.refusal = None
    await polled(harness, DAY + 5 * HOUR, a_reading(status="SUCCEEDED"))

    assert (away, harness.told(UpgradeOverran, Kind.CHANNEL)) == ([], [])


async def test_an_overrun_is_told_when_the_cloud_is_back_and_says_so() -> None:
    """Late, and once."""
    harness = await a_harness(a_scheduled_upgrade(status="IN_PROGRESS"), READ)

    await at(harness, DAY + 4 * HOUR)
    before = harness.told(UpgradeOverran, Kind.CHANNEL)
    await polled(harness, DAY + 5 * HOUR, a_reading(status="IN_PROGRESS"))

    assert (len(before), len(harness.told(UpgradeOverran, Kind.CHANNEL))) == (0, 1)


async def test_a_reading_that_lacks_an_upgrade_does_not_say_that_it_overruns() -> None:
    """The list answers, and has it no more: absence means nothing, and no alarm comes of it."""
    harness = await a_harness(a_scheduled_upgrade(status="IN_PROGRESS"), READ)

    await polled(harness, DAY + 4 * HOUR)

    assert harness.told(UpgradeOverran, Kind.CHANNEL) == []


async def test_a_reading_of_clusters_says_nothing_of_a_status() -> None:
    """There is no list any more: what it last said is old, however fresh the catalog is."""
    harness = await a_harness(a_scheduled_upgrade(status="IN_PROGRESS"), CLUSTERS)
    harness.cloud.no_list = NoList("Avisi Cloud offers no list")

    await polled(harness, DAY + 3.2 * HOUR)

    assert harness.storage.tables.feeds[ACME].read_at == NOON + DAY + 3.2 * HOUR
    assert harness.told(UpgradeOverran, Kind.CHANNEL) == []


async def test_an_estimate_that_has_passed_is_computed_again() -> None:
    """Nobody is asked to approve beside the window of yesterday; the card is drawn once for each window."""
    harness = await a_harness(now=NOON + 5 * DAY)
    request = await harness.ask()
    repaints = len(harness.outbox(Kind.CARD))
    first = harness.now_of(request).estimate

    assert first is not None
    await at(harness, 5.2 * DAY, first.end - timedelta(seconds=1) - NOON)
    before = harness.now_of(request)
    await at(harness, first.end - NOON, first.end + HOUR - NOON)
    after = harness.now_of(request)

    assert before.estimate == first
    assert after.estimate == replace(first, start=first.start + 7 * DAY, end=first.end + 7 * DAY)
    assert (after.state, after.seal) == (State.PENDING_APPROVAL, request.seal)
    assert len(harness.outbox(Kind.CARD)) == repaints + 1
    assert harness.facts(request)[-1] == "window estimated again"


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED])
async def test_whatever_still_waits_shows_no_estimate_of_the_past(state: State) -> None:
    """What failed may be tried again, what is approved waits for the cloud."""
    harness = await a_harness(an_upgrade_request(state=state, estimate=a_window(NOON - DAY)))

    await at(harness, timedelta(0))

    (request,) = harness.storage.requests.values()
    assert (request.state, request.estimate) == (state, a_window(NOON + 5.5 * DAY + 2 * HOUR))


async def test_an_estimate_follows_the_cluster_s_windows() -> None:
    """They were moved while the request waits: next Sunday's is not the next one any more."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(a_cluster(schedule=a_schedule(windows=())))

    await at(harness, HOUR)

    assert harness.now_of(request).estimate is None


async def test_an_estimate_that_has_passed_is_dropped_while_there_is_no_catalog() -> None:
    """A bot that was down over the window starts while the cloud is away."""
    request = an_upgrade_request(estimate=a_window(NOON - DAY))
    harness = await a_harness(request)
    harness.storage.tables.catalogs.clear()
    harness = await harness.restarted()

    await at(harness, timedelta(0))

    assert harness.now_of(request).estimate is None


@pytest.mark.parametrize("status", ["SCHEDULED", "SUCCEEDED", "FAILED"])
async def test_only_what_is_in_progress_can_overrun(status: str) -> None:
    """The rest has statuses of its own."""
    harness = await a_harness(a_scheduled_upgrade(status=status))

    await at(harness, DAY + 5 * HOUR)

    assert harness.channel() == []


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED])
async def test_a_request_expires_at_its_deadline(state: State) -> None:
    """Card repainted, thread and requester told, recorded; once."""
    request = an_upgrade_request(state=state)
    harness = await a_harness(request)

    await at(harness, 2 * DAY - timedelta(seconds=1))
    before = harness.now_of(request).state
    await at(harness, 2 * DAY, 2 * DAY + HOUR)

    assert (before, harness.now_of(request).state) == (state, State.EXPIRED)
    assert len(harness.told(RequestExpired)) == len(harness.told(RequestExpired, Kind.DIRECT)) == 1
    assert harness.facts(request)[-1] == "request expired"


@pytest.mark.parametrize("state", [State.SUBMITTING, State.SUBMISSION_UNCLEAR, State.SUBMITTED, State.REJECTED])
async def test_what_was_sent_or_ended_does_not_expire(state: State) -> None:
    """Nobody can take back what the cloud may have."""
    request = an_upgrade_request(state=state)
    harness = await a_harness(request)

    await at(harness, 3 * DAY)

    assert harness.now_of(request).state is state


async def test_approvers_are_reminded_with_growing_gaps() -> None:
    """After 4 hours, 8 more, 16 more; under the card, with count and deadline."""
    request = an_upgrade_request()
    harness = await a_harness(request, policy=a_policy(a_rule(notify=("S0TEAM",))))
    reminded: list[int] = []
    for hour in range(48):
        await at(harness, hour * HOUR)
        if len(harness.told(ApproversReminded)) > len(reminded):
            reminded.append(hour)

    assert reminded == [4, 12, 28]
    event = harness.told(ApproversReminded)[0]
    assert (event.count, event.required, event.deadline, event.mention) == (0, 1, request.deadline, ("S0TEAM",))


async def test_two_processes_that_remind_at_the_same_moment_remind_once() -> None:
    """Both saw that it is due; the second sees in its transaction that the first has done it."""
    harness = await a_harness(an_upgrade_request(), policy=a_policy(a_rule(notify=("S0TEAM",))))
    harness.clock.advance(4 * HOUR)

    await asyncio.gather(harness.look_round(), (await harness.restarted()).look_round())

    assert len(harness.told(ApproversReminded)) == 1


async def test_only_those_who_can_still_decide_are_mentioned() -> None:
    """Neither who approved already nor the requester."""
    request = an_upgrade_request(required=2, votes=(Vote(member=SEM, at=NOON),))
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2, notify=(SEM, KIM, ROOS))))

    await at(harness, 4 * HOUR)

    assert harness.told(ApproversReminded)[0].mention == (KIM,)


async def test_of_a_group_only_those_who_can_still_decide_are_mentioned() -> None:
    """By name, once somebody in it has approved; the whole group while nobody has."""
    request = an_upgrade_request(required=2, votes=(Vote(member=SEM, at=NOON),))
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2, notify=("S0TEAM", "*", "S0GONE"))))

    await at(harness, 4 * HOUR)

    assert harness.told(ApproversReminded)[0].mention == (KIM,)


async def test_nobody_is_reminded_of_what_is_decided() -> None:
    """Nor of what waits for the cloud."""
    harness = await a_harness(an_upgrade_request(state=State.APPROVED))

    await at(harness, 5 * HOUR)

    assert harness.told(ApproversReminded) == []


async def test_drift_is_noticed_without_anybody_pressing() -> None:
    """The card shows what changed as soon as the catalog does; once."""
    request = an_upgrade_request(required=2, votes=(Vote(member=SEM, at=NOON),))
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2)))
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    await at(harness, HOUR, 2 * HOUR)

    assert (harness.now_of(request).votes, harness.now_of(request).from_version) == ((), OLD_PATCH)
    assert len(harness.told(VotesVoided)) == 1


async def test_a_vote_started_again_is_not_followed_by_a_reminder_at_once() -> None:
    """The news of it mentions the same people."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    await at(harness, 4 * HOUR)
    harness.clock.now = NOON + 11 * HOUR
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    await at(harness, 11.5 * HOUR, 12 * HOUR, 15 * HOUR)
    early = len(harness.told(ApproversReminded))
    await at(harness, 15.6 * HOUR)

    assert (early, len(harness.told(ApproversReminded))) == (1, 2)


async def test_a_look_round_goes_on_while_slack_is_away() -> None:
    """Deadlines and countdowns need nobody's name."""
    policy = a_policy(a_rule(required_approvals=1))
    voted = an_upgrade_request(required=2, votes=(Vote(member=SEM, at=NOON),), cluster_identity="c2")
    late = an_upgrade_request(deadline=NOON)
    harness = await a_harness(voted, late, a_scheduled_upgrade(window=a_window(NOON + DAY)), policy=policy)
    harness.members.down = True

    await at(harness, timedelta(0))

    assert harness.now_of(voted).state is State.PENDING_APPROVAL
    assert harness.now_of(late).state is State.EXPIRED
    assert len(near(harness)) == 1


async def test_homes_opened_lately_are_published_again() -> None:
    """For an hour after they were opened, at most every 30 seconds."""
    harness = await a_harness()
    async with harness.storage.begin() as work:
        await work.homes.opened(ROOS, at=NOON)
        await work.commit()
    published = []
    for seconds in (0, 20, 29, 31, 50, 63, 3599, 3601, 4000):
        harness.clock.now = NOON + timedelta(seconds=seconds)
        before = len(harness.outbox(Kind.HOME))
        await harness.reminding.homes(await harness.lease())
        published += [seconds] * (len(harness.outbox(Kind.HOME)) - before)

    assert published == [0, 31, 63, 3599]
