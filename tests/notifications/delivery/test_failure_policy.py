"""Whatever Slack does, what is to be told gets there: waited out, repeated, reported, or a dead letter."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.events import StatusMoved
from bot.notifications.blocks import counted, in_short
from bot.notifications.card import card
from bot.notifications.delivery.errors import (
    BadPayload,
    MessengerError,
    OutcomeUnknown,
    Revoked,
    Throttled,
    Transient,
)
from bot.workflow import outbox
from bot.workflow.errors import LeaseLost
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import Kind, Urgency
from bot.workflow.queues import Lane
from tests.builders import CHANNEL, KIM, ROOS, SEM, about, an_upgrade_request
from tests.notifications.checks import labels
from tests.notifications.delivery.recorder import RecordingMessenger, a_line, an_announcement


@pytest.mark.parametrize(
    "error", [Transient("timeout"), OutcomeUnknown("internal_error"), Revoked("invalid_auth"), Throttled(retry_after=7)]
)
async def test_whatever_passes_is_waited_out(error: MessengerError) -> None:
    """Nothing is lost, however often it fails."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.before["post"] = [error, error, error]

    await harness.put(outbox.repaint(request, because="x"), a_line(request, 1))
    await harness.work(300)

    assert [one.how for one in harness.slack.sent] == ["post", "thread"]
    assert harness.storage.waiting == []
    assert harness.storage.dead == []


async def test_a_message_that_cannot_be_drawn_holds_up_nothing_else_in_its_channel() -> None:
    """The rest goes on at once; it is tried ten times and then given up."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    unreadable: Any = "no window"
    event = StatusMoved(about=about(request), status="SCHEDULED_NOTIFIED", from_status=None, window=unreadable)
    odd = outbox.in_channel(CHANNEL, event, key="odd")
    await harness.put(odd, an_announcement(request, 2, "FAILED"))
    await harness.work(3)
    posted = len(harness.sent("post"))
    await harness.work(600)

    assert posted == 1
    assert harness.storage.dead == [odd]
    assert harness.outcomes.count(("channel", "fault")) == 9
    assert harness.storage.waiting == []


async def test_a_card_that_cannot_be_drawn_is_given_up_after_some_tries() -> None:
    """It is a dead letter, and no queue that is tried for ever."""
    request = an_upgrade_request(deadline=None)
    harness = RecordingMessenger(request)
    await harness.put(outbox.repaint(request, because="x"))
    await harness.work(600)

    assert [one.kind for one in harness.storage.dead] == [Kind.CARD]


async def test_an_outage_of_hours_ends_by_itself() -> None:
    """The pauses grow to a minute and no further, so it is over within a minute of Slack's return."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.before["post"] = [Transient("timeout") for _ in range(60)]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work(60 * 60)

    assert len(harness.sent("post")) == 1
    tries = sum(outcome == ("card", "postponed") for outcome in harness.outcomes)
    assert tries == 60


async def test_a_post_of_unknown_outcome_is_repeated_and_counted() -> None:
    """It may be there twice; it is never missing."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.after["post"] = [OutcomeUnknown("fatal_error")]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    assert len(harness.sent("post")) == 2
    assert harness.outcomes.count(("card", "repeated")) == 1
    assert harness.card_of(request) == MessageRef(channel=CHANNEL, ts="2.0")


async def test_slacks_retry_after_holds_the_whole_channel() -> None:
    """Other queues of the channel wait too; other channels do not."""
    here, there = an_upgrade_request(), an_upgrade_request(channel="C0OTHER")
    neighbour = an_upgrade_request()
    harness = RecordingMessenger(here, there, neighbour)
    harness.slack.before["post"] = [Throttled(retry_after=20)]
    began = harness.storage.seconds()

    await harness.put(outbox.repaint(here, because="x"))
    await harness.round()
    await harness.put(outbox.repaint(neighbour, because="x"), outbox.repaint(there, because="x"))
    await harness.work(40)

    waited = {one.to: one.at - began for one in reversed(harness.sent("post"))}
    assert waited[CHANNEL] >= 19.9
    assert waited["C0OTHER"] < 2
    assert len(harness.sent("post")) == 3


async def test_slacks_retry_after_holds_the_repaints_of_one_channel() -> None:
    """Repaints in other channels go on, and so do posts in this one."""
    here, there, new = an_upgrade_request(), an_upgrade_request(channel="C0OTHER"), an_upgrade_request()
    harness = RecordingMessenger(here, there, new)
    for request in (here, there):
        await harness.place_card(request)
    harness.slack.before["update"] = [Throttled(retry_after=20)]
    began = harness.storage.seconds()

    await harness.put(outbox.repaint(here, because="x"))
    await harness.round()
    await harness.put(outbox.repaint(there, because="x", urgency=Urgency.PERSON), outbox.repaint(new, because="x"))
    await harness.work(40)

    waited = {one.to: one.at - began for one in harness.sent("update")}
    assert waited[CHANNEL] >= 19.9
    assert waited["C0OTHER"] < 2
    assert [one.at - began < 2 for one in harness.sent("post")] == [True]


async def test_however_long_slack_wants_to_be_left_alone_it_is_tried_again_after_an_hour() -> None:
    """A header that says ten days stops no card for ten days."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.place_card(request)
    harness.slack.before["update"] = [Throttled(retry_after=864_000)]
    began = harness.storage.seconds()

    await harness.put(outbox.repaint(request, because="x", urgency=Urgency.PERSON))
    await harness.work(3700)

    (update,) = harness.sent("update")
    assert 3600 <= update.at - began < 3610


async def test_a_closed_channel_is_reported_once_and_mends_by_itself() -> None:
    """The requester is told what to type; what waited is posted when the bot was invited."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.closed[CHANNEL] = "not_in_channel"

    await harness.put(outbox.repaint(request, because="x"), a_line(request, 1))
    await harness.work(300)
    told = harness.sent("direct")
    harness.slack.closed.clear()
    await harness.work(120)

    assert [one.to for one in told] == [ROOS]
    assert "<#C0UPGRADES> (not_in_channel)" in told[0].message.text
    assert "/invite @upgrades" in told[0].message.text
    assert [one.how for one in harness.slack.sent if one.to == CHANNEL] == ["post", "thread"]
    assert harness.storage.tables.destinations == {}
    assert harness.storage.waiting == []


async def test_a_channel_closed_to_what_nobody_asked_for_is_reported_to_those_who_can_mend_it() -> None:
    """An alert about an upgrade from outside has no requester: the approvers are told, once, and it is posted later."""
    harness = RecordingMessenger()
    harness.slack.closed[CHANNEL] = "not_in_channel"
    request = an_upgrade_request()
    alert = an_announcement(request, 1, "FAILED")
    assert alert.event
    outside = replace(alert.event, about=replace(alert.event.about, request_id=None, requester=None))

    await harness.put(replace(alert, event=outside, request_id=None))
    await harness.work(300)
    told = harness.sent("direct")
    harness.slack.closed.clear()
    await harness.work(120)

    assert [one.to for one in told] == [SEM, KIM]
    assert "/invite @upgrades" in told[0].message.text
    assert len(harness.sent("post")) == 1


async def test_a_closed_channel_holds_up_nobody_else() -> None:
    """Each channel and each card is a queue of its own."""
    lost, fine = an_upgrade_request(channel="C0GONE"), an_upgrade_request()
    harness = RecordingMessenger(lost, fine)
    harness.slack.closed["C0GONE"] = "is_archived"

    await harness.put(outbox.repaint(lost, because="x"), outbox.repaint(fine, because="x"))
    await harness.work(3)

    assert [one.to for one in harness.sent("post")] == [CHANNEL]
    assert "Unarchive it" in harness.sent("direct")[0].message.text


async def test_what_slack_refuses_is_said_in_plain_words() -> None:
    """Our fault must not silence a message; whoever decides can go on deciding."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.before["post"] = [BadPayload("invalid_blocks")]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    (only,) = harness.sent("post")
    assert [block["type"] for block in only.message.blocks] == ["section", "actions"]
    assert labels(only.message)[:2] == ["Approve", "Reject"]
    assert "production/web: upgrade to" in only.message.text


async def test_when_slack_refuses_the_buttons_too_the_words_are_sent_alone() -> None:
    """Something is better than silence."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.before["post"] = [BadPayload("invalid_blocks"), BadPayload("invalid_blocks")]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    (only,) = harness.sent("post")
    assert only.message.blocks == ()
    assert "production/web: upgrade to" in only.message.text


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "msg_too_long"])
def test_what_is_sent_instead_is_shorter_than_what_was_refused(code: str) -> None:
    """Else Slack would refuse it again, for the same reason."""
    refused = card(an_upgrade_request(reason="&" * 500), None)

    sizes = [counted(one.blocks) + len(one.text) for one in in_short(refused, code=code)]

    assert len(sizes) == 2
    assert sizes[1] < sizes[0] < counted(refused.blocks) + len(refused.text)


async def test_what_slack_refuses_twice_is_a_dead_letter_and_holds_up_nothing() -> None:
    """It is shown to operators; the queue goes on."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.place_card(request)
    harness.slack.before["post"] = [BadPayload("invalid_blocks"), BadPayload("no_text")]

    await harness.put(a_line(request, 1), a_line(request, 2))
    await harness.work()

    assert [one.key for one in harness.storage.dead] == [a_line(request, 1).key]
    assert len(harness.sent("thread")) == 1


async def test_under_a_lost_lease_nothing_is_sent_and_nothing_recorded() -> None:
    """A process that stalled wakes up: another has taken over, and tells it."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.put(outbox.repaint(request, because="x"))
    (stale,) = await harness.storage.claims.claim_due(Lane.DELIVERIES, limit=1)
    harness.storage.pass_time(60)
    await harness.storage.claims.claim_due(Lane.DELIVERIES, limit=1)

    with pytest.raises(LeaseLost):
        await harness.delivery.deliver(stale)

    assert harness.slack.sent == []
    assert harness.card_of(request) is None
    assert len(harness.storage.waiting) == 1
