"""Channel messages keep Slack's pace; many at once become one digest; alerts go ahead; nothing is told stale."""

from dataclasses import replace
from itertools import pairwise

from bot.domain.events import About, SawAgain, StatusMoved, UpgradeOverran, WentBlind
from bot.domain.request import State, UpgradeRequest
from bot.notifications.delivery.errors import (
    Transient,
)
from bot.workflow import outbox
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import OutboxMessage
from tests.builders import CHANNEL, NOON, a_scheduled_upgrade, a_window, about, an_upgrade_request
from tests.notifications.checks import complaints
from tests.notifications.delivery.recorder import RecordingMessenger, a_line, an_announcement


async def test_channel_messages_keep_a_second_between_them() -> None:
    """Slack takes about one a second and channel."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)

    await harness.put(*(an_announcement(request, number) for number in range(5)))
    await harness.work()

    times = [one.at for one in harness.sent("post")]
    assert len(times) == 5
    assert all(later - earlier > 0.98 for earlier, later in pairwise(times))


async def test_cards_of_many_requests_keep_the_pace_of_their_channel_too() -> None:
    """Cards, thread lines and channel messages share one channel."""
    requests = [an_upgrade_request() for _ in range(8)]
    harness = RecordingMessenger(*requests)

    await harness.put(*(outbox.repaint(one, because="x") for one in requests), *(a_line(one, 1) for one in requests))
    await harness.put(an_announcement(requests[0], 1, "FAILED"))
    await harness.work(60)

    times = sorted(one.at for one in harness.slack.sent)
    assert len(times) == 17
    assert all(later - earlier > 0.98 for earlier, later in pairwise(times))
    assert harness.storage.waiting == []


async def test_an_alert_does_not_stand_at_the_far_end_of_the_line() -> None:
    """Forty thread lines wait; the alert is among the first to be posted."""
    requests = [an_upgrade_request() for _ in range(40)]
    harness = RecordingMessenger(*requests)
    for number, one in enumerate(requests):
        await harness.place_card(one, ts=f"{number}.5")
    await harness.put(*(a_line(one, 1) for one in requests))
    await harness.round()

    before = len(harness.slack.sent)
    await harness.put(an_announcement(requests[0], 1, "FAILED"))
    await harness.work(20)

    assert before < 30
    assert [one.how for one in harness.slack.sent].index("post") - before < 5


async def test_more_than_five_channel_messages_become_one_digest() -> None:
    """What failed comes first and in full, with its mention and link; the others are counted."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request, a_scheduled_upgrade())
    await harness.place_card(request)
    failed = an_announcement(request, 9, "FAILED")

    await harness.put(*(an_announcement(request, number) for number in range(7)), failed)
    await harness.work()

    (only,) = harness.sent("post")
    assert complaints(only.message) == []
    assert only.message.text.startswith("8 notifications about upgrades.\n🔴 production/web: upgrade to ")
    assert "<@U0ROOS>" in only.message.text
    assert "https://team.slack.com/C0UPGRADES/77.0" in only.message.text
    assert "Done: 7" in only.message.text
    assert harness.storage.waiting == []


async def test_five_channel_messages_are_no_digest() -> None:
    """Few enough to be read one by one."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)

    await harness.put(*(an_announcement(request, number) for number in range(5)))
    await harness.work()

    assert len(harness.sent("post")) == 5


async def test_a_digest_that_failed_to_go_out_is_the_same_digest_later() -> None:
    """What comes in meanwhile is told after it, not in it."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)
    harness.slack.before["post"] = [Transient("timeout")]
    await harness.put(*(an_announcement(request, number) for number in range(6)))
    await harness.round()

    await harness.put(an_announcement(request, 99))
    await harness.work()

    assert [one.message.text.partition("\n")[0][:31] for one in harness.sent("post")] == [
        "6 notifications about upgrades.",
        "production/web: upgrade to v1.3",
    ]


async def test_a_long_digest_is_several_messages_and_tells_each_once() -> None:
    """Slack's limits split it; a failure in the middle repeats nothing that was posted."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)
    await harness.put(*(an_announcement(request, number, "MISSED") for number in range(40)))
    harness.slack.before["post"] = []

    await harness.work(1.5)
    harness.slack.before["post"] = [Transient("timeout")]
    await harness.work(60)

    pages = harness.sent("post")
    assert len(pages) > 2
    assert all(complaints(page.message) == [] for page in pages)
    assert sum(page.message.text.count("missed its window") for page in pages) == 40
    assert pages[0].message.text.startswith("40 notifications about upgrades.")
    assert pages[1].message.text.startswith("40 notifications about upgrades (continued).")


async def test_what_is_told_is_what_is_true_when_it_is_told() -> None:
    """An alert that waited through an outage does not claim what has passed."""
    request = an_upgrade_request(state=State.SUBMITTED)
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS", request_id=request.id)
    harness = RecordingMessenger(replace(request, upgrade=upgrade.identity), upgrade)
    event = StatusMoved(
        about=replace(about(request), upgrade=upgrade.identity),
        status="SCHEDULED_NOTIFIED",
        from_status="SCHEDULED",
        window=a_window(NOON),
    )

    await harness.put(outbox.in_channel(CHANNEL, event, key="1"))
    await harness.work()

    text = harness.sent("post")[0].message.text
    assert "By now: running." in text
    assert "Tue 1 Dec, 12:00–15:00 UTC" in text
    assert "2026-11-30" not in text


def overran(request: UpgradeRequest) -> OutboxMessage:
    """Build the alarm that an upgrade is still running after its window."""
    return outbox.in_channel(CHANNEL, UpgradeOverran(about=about(request), window=a_window()), key="overran")


def all_clear(request: UpgradeRequest, key: str = "clear") -> OutboxMessage:
    """Build the news that it succeeded after all."""
    done = StatusMoved(
        about=about(request), status="SUCCEEDED", from_status="IN_PROGRESS", window=a_window(), ends_alarm=True
    )
    return outbox.in_channel(CHANNEL, done, key=key)


async def test_an_all_clear_stands_under_its_alarm_and_in_the_channel() -> None:
    """Whoever reads the alarm sees how it ended; the next success is news of its own."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)

    await harness.put(overran(request))
    await harness.work()
    await harness.put(all_clear(request))
    await harness.work()
    await harness.put(all_clear(request, "again"))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "follow_up", "post"]
    assert harness.sent("follow_up")[0].thread_ts == "1.0"
    assert harness.sent("follow_up")[0].message.text.startswith("All clear: production/web now runs")


async def test_an_all_clear_whose_alarm_was_deleted_is_posted_by_itself() -> None:
    """It is told anyhow."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)
    await harness.put(overran(request))
    await harness.work()
    harness.slack.deleted.add(MessageRef(channel=CHANNEL, ts="1.0"))

    await harness.put(all_clear(request))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "post"]
    assert harness.storage.waiting == []


async def test_when_statuses_can_be_read_again_it_stands_under_the_message_that_they_cannot() -> None:
    """In each channel under its own."""
    nobody = About(organisation="acme", environment="", cluster="", from_version="", to_version="")
    blind, sees = WentBlind(about=nobody, since=NOON), SawAgain(about=nobody, since=NOON, until=NOON)
    harness = RecordingMessenger()

    await harness.put(*(outbox.in_channel(channel, blind, key="blind") for channel in (CHANNEL, "C0PROD")))
    await harness.work()
    await harness.put(*(outbox.in_channel(channel, sees, key="sees") for channel in (CHANNEL, "C0PROD")))
    await harness.work()

    posted = {one.to: index for index, one in enumerate(harness.sent("post"), 1)}
    assert {one.to: one.thread_ts for one in harness.sent("follow_up")} == {
        channel: f"{index}.0" for channel, index in posted.items()
    }


async def test_an_alarm_that_was_told_in_a_digest_has_its_all_clear_under_the_digest() -> None:
    """Where people read of it."""
    request = an_upgrade_request(state=State.SUBMITTED)
    harness = RecordingMessenger(request)
    await harness.put(
        *(an_announcement(request, number) for number in range(6)),
        overran(request),
    )
    await harness.work()

    await harness.put(all_clear(request))
    await harness.work()

    assert [(one.how, one.thread_ts) for one in harness.slack.sent] == [("post", None), ("follow_up", "1.0")]
