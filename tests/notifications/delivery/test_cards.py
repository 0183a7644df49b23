"""Cards and their threads get there: one message, always the same one, its history in order."""

import pytest

from bot.domain.events import Answered, RequestApproved
from bot.domain.request import State, UpgradeRequest
from bot.notifications.card import card
from bot.notifications.delivery.errors import BadPayload, MessageGone, MessengerError
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.web.client import open_session, web_client
from bot.slack.web.messenger import SlackMessenger
from bot.workflow import outbox
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import Urgency
from tests.builders import CHANNEL, a_scheduled_upgrade, about, an_upgrade_request
from tests.notifications.checks import complaints, labels
from tests.notifications.delivery.recorder import RecordingMessenger, a_line


async def test_a_new_card_is_posted_and_its_place_is_remembered() -> None:
    """Later repaints change that message."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)

    await harness.put(outbox.repaint(request, because="requested"))
    await harness.work()
    await harness.put(outbox.repaint(request, because="again"))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "update"]
    assert harness.card_of(request) == MessageRef(channel=CHANNEL, ts="1.0")
    assert harness.storage.waiting == []


async def test_the_card_comes_first_and_its_thread_keeps_its_order() -> None:
    """The thread holds the history, so it reads from top to bottom."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)

    await harness.put(a_line(request, 1), outbox.repaint(request, because="x"), a_line(request, 2), a_line(request, 3))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "thread", "thread", "thread"]
    assert [one.message.text.rpartition("approved (")[2] for one in harness.sent("thread")] == [
        "1 of 9).",
        "2 of 9).",
        "3 of 9).",
    ]
    assert {one.thread_ts for one in harness.sent("thread")} == {"1.0"}


async def test_a_thread_line_without_a_card_posts_the_card() -> None:
    """It never hangs in the channel alone."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)

    await harness.put(a_line(request, 1))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "thread"]


async def test_several_repaints_of_one_card_are_one() -> None:
    """It is drawn from what is stored now, so the others would show the same."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.place_card(request)

    await harness.put(*(outbox.repaint(request, because=str(number)) for number in range(7)))
    await harness.work()

    assert len(harness.sent("update")) == 1
    assert harness.storage.waiting == []


async def test_a_deleted_card_is_posted_again() -> None:
    """People can delete our messages; the request goes on."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.deleted.add(await harness.place_card(request))

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post"]
    assert harness.card_of(request) == MessageRef(channel=CHANNEL, ts="1.0")


async def test_a_thread_under_a_deleted_card_goes_on_under_a_new_one() -> None:
    """The line is not lost with the message above it."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.deleted.add(await harness.place_card(request))

    await harness.put(a_line(request, 1))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post", "thread"]


async def test_the_card_of_a_replaced_request_leads_to_the_new_one() -> None:
    """Whoever finds the old card gets to the one that counts."""
    newer = an_upgrade_request()
    older = an_upgrade_request(state=State.REPLACED, replaced_by=newer.id)
    harness = RecordingMessenger(newer, older)
    await harness.place_card(newer, ts="5.0")

    await harness.put(outbox.repaint(older, because="replaced"))
    await harness.work()

    assert "https://team.slack.com/C0UPGRADES/5.0" in harness.sent("post")[0].message.text


async def test_a_replaced_card_loses_its_buttons_at_once_and_gets_its_link_when_there_is_one() -> None:
    """Both cards are told of at the same moment, so the new one may come second."""
    newer = an_upgrade_request()
    older = an_upgrade_request(state=State.REPLACED, replaced_by=newer.id)
    harness = RecordingMessenger(newer, older)
    await harness.place_card(older, ts="4.0")

    await harness.put(outbox.repaint(older, because="replaced"))
    await harness.round()
    await harness.put(outbox.repaint(newer, because="requested"))
    await harness.work()

    first, *_, last = harness.sent("update")
    assert "Replaced by a newer request" in first.message.text
    assert "Replaced by" in last.message.text
    assert "https://team.slack.com/C0UPGRADES/1.0" in last.message.text


async def test_a_repaint_that_a_person_caused_passes_by_the_others() -> None:
    """Whoever pressed looks at the screen."""
    requests = [an_upgrade_request() for _ in range(12)]
    harness = RecordingMessenger(*requests)
    for number, one in enumerate(requests):
        await harness.place_card(one, ts=f"{number}.5")
    await harness.put(*(outbox.repaint(one, because="poll", urgency=Urgency.BACKGROUND) for one in requests))
    await harness.round()

    await harness.put(outbox.repaint(requests[11], because="pressed", urgency=Urgency.PERSON))
    await harness.work(2)

    assert "11.5" in {one.thread_ts for one in harness.sent("update")}


async def test_an_orphan_is_struck_out_with_a_link_and_the_card_never_is() -> None:
    """Only the card that is kept up to date keeps its buttons."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    card = await harness.place_card(request)
    orphan = MessageRef(channel=CHANNEL, ts="66.0")

    await harness.put(outbox.mark_duplicate(request.id, orphan), outbox.mark_duplicate(request.id, card))
    await harness.work()

    (only,) = harness.sent("update")
    assert only.thread_ts == "66.0"
    assert "posted twice" in only.message.text
    assert "https://team.slack.com/C0UPGRADES/77.0" in only.message.text


async def test_errands_about_requests_that_are_no_more_end() -> None:
    """Old ones are pruned; nothing waits for them for ever."""
    harness = RecordingMessenger()
    gone = an_upgrade_request()

    await harness.put(outbox.repaint(gone, because="x"), a_line(gone, 1))
    await harness.work()

    assert harness.storage.waiting == []
    assert harness.slack.sent == []


async def test_events_without_a_place_in_a_thread_are_told_plainly() -> None:
    """A private answer that is put into a thread by mistake is still readable."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.place_card(request)

    await harness.put(
        outbox.in_thread(request, Answered(about=about(request), text="Hello")),
        outbox.in_thread(request, RequestApproved(about=about(request))),
    )
    await harness.work()

    assert [complaints(one.message) for one in harness.sent("thread")] == [[], []]


async def test_a_line_whose_card_vanished_under_it_is_told_under_the_next_one() -> None:
    """The card was posted for it and deleted at once: the line is not done before it is posted itself."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.deleted.add(MessageRef(channel=CHANNEL, ts="1.0"))

    await harness.put(a_line(request, 1))
    await harness.work(60)

    assert [one.how for one in harness.slack.sent] == ["post", "post", "thread"]
    assert harness.storage.waiting == []


def long_words() -> UpgradeRequest:
    """Build a request whose card takes far more bytes than characters."""
    return an_upgrade_request(
        cluster="c" * 63, reason="_" * 500, blocked="_" * 500, outcome="_" * 500, state=State.PENDING_APPROVAL
    )


async def test_a_card_of_many_bytes_can_be_repainted() -> None:
    """Slack counts bytes, and a joiner that breaks a format takes three."""
    request = long_words()
    async with SimulatedSlack() as slack, open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        messenger = SlackMessenger(client=client, session=session)
        drawn = card(request, None)
        place = await messenger.post(CHANNEL, drawn)

        await messenger.update(place, drawn)

    assert len(drawn.text.encode()) <= 3900


@pytest.mark.parametrize("code", ["msg_too_long", "invalid_blocks"])
async def test_what_is_sent_instead_of_a_refused_message_is_shorter(code: str) -> None:
    """Otherwise Slack refuses it again, for the same reason."""
    request = long_words()
    harness = RecordingMessenger(request)
    await harness.place_card(request)
    harness.slack.before["update"] = [BadPayload(code)]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    (sent,) = harness.sent("update")
    assert [block["type"] for block in sent.message.blocks] == ["section", "actions"]
    assert len(sent.message.text.encode()) <= 2000 < len(card(request, None).text.encode())


async def test_a_card_that_cannot_be_repainted_is_replaced_by_a_new_one() -> None:
    """Nobody finds a live Approve beside what is not true any more."""
    request = an_upgrade_request(state=State.REJECTED)
    harness = RecordingMessenger(request)
    old = await harness.place_card(request)
    harness.slack.before["update"] = [BadPayload("invalid_blocks")] * 3

    await harness.put(outbox.repaint(request, because="x"), a_line(request, 1))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["update", "post", "thread"]
    struck, new, line = harness.slack.sent
    assert struck.thread_ts == old.ts
    assert "A new card for this request is posted" in struck.message.text
    assert labels(struck.message) == []
    assert "Rejected" in new.message.text
    assert harness.card_of(request) == MessageRef(channel=CHANNEL, ts=str(line.thread_ts))
    assert harness.storage.waiting == []


@pytest.mark.parametrize("error", [BadPayload("msg_too_long"), MessageGone("edit_window_closed")])
async def test_an_old_card_that_cannot_even_be_struck_out_is_deleted(error: MessengerError) -> None:
    """As far as Slack lets us; then the new one is posted all the same."""
    request = an_upgrade_request(state=State.REJECTED)
    harness = RecordingMessenger(request)
    old = await harness.place_card(request)
    harness.slack.before["update"] = [error] * 5

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    assert old in harness.slack.deleted
    assert [one.how for one in harness.slack.sent] == ["post"]


async def test_an_old_card_that_cannot_be_deleted_holds_up_nothing() -> None:
    """The seal of its buttons is what stands against a press of them then."""
    request = an_upgrade_request(state=State.REJECTED)
    harness = RecordingMessenger(request)
    await harness.place_card(request)
    harness.slack.before["update"] = [BadPayload("msg_too_long")] * 5
    harness.slack.before["remove"] = [BadPayload("cant_delete_message")]

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    assert [one.how for one in harness.slack.sent] == ["post"]
    assert ("strike", "kept:cant_delete_message") in harness.outcomes
    assert harness.storage.waiting == []


async def test_a_card_posted_twice_that_cannot_be_struck_out_is_deleted() -> None:
    """Like any card with buttons that mislead."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    await harness.place_card(request)
    orphan = MessageRef(channel=CHANNEL, ts="55.0")
    harness.slack.before["update"] = [BadPayload("invalid_blocks")] * 2

    await harness.put(outbox.mark_duplicate(request.id, orphan))
    await harness.work()

    assert harness.slack.deleted == {orphan}
    assert harness.storage.dead == []


async def test_a_card_says_what_else_is_scheduled_for_its_cluster() -> None:
    """It is read when the card is drawn."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request, a_scheduled_upgrade(to_version="v1.31.9-u-ame.9"))

    await harness.put(outbox.repaint(request, because="x"))
    await harness.work()

    assert "already has an upgrade to v1.31.9-u-ame.9" in harness.slack.sent[0].message.text
