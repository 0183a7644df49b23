"""Whatever Slack does, what is to be told gets there: in order, at Slack's pace, and nothing twice without need."""

import itertools
from dataclasses import replace

import pytest

from bot.domain.events import Answered, RequestApproved, StatusMoved, UpgradeRequested, VoteCast
from bot.domain.request import State, UpgradeRequest
from bot.notifications.errors import (
    BadPayload,
    MessengerError,
    OutcomeUnknown,
    Revoked,
    Throttled,
    Transient,
)
from bot.workflow import errands
from bot.workflow.entries import Errand, Kind, MessageRef, Urgency
from bot.workflow.errors import LeaseLost
from bot.workflow.ports import Box
from tests.builders import CHANNEL, KIM, NOON, ROOS, SEM, a_scheduled_upgrade, a_window, about, an_upgrade_request
from tests.notifications.checks import complaints
from tests.notifications.post_office import PostOffice


def a_line(request: UpgradeRequest, count: int) -> Errand:
    """Build a thread line that tells a vote."""
    event = VoteCast(about=about(request), by=SEM, count=count, required=9)
    return errands.in_thread(request, event, key=str(count))


def an_announcement(request: UpgradeRequest, number: int, status: str = "SUCCEEDED") -> Errand:
    """Build a channel message about a status."""
    event = StatusMoved(about=about(request), status=status, from_status=None, window=a_window())
    return errands.in_channel(CHANNEL, event, key=str(number))


async def test_a_new_card_is_posted_and_its_place_is_remembered() -> None:
    """Later repaints change that message."""
    request = an_upgrade_request()
    office = PostOffice(request)

    await office.put(errands.repaint(request, because="requested"))
    await office.work()
    await office.put(errands.repaint(request, because="again"))
    await office.work()

    assert [one.how for one in office.slack.sent] == ["post", "update"]
    assert office.card_of(request) == MessageRef(channel=CHANNEL, ts="1.0")
    assert office.storage.waiting == []


async def test_the_card_comes_first_and_its_thread_keeps_its_order() -> None:
    """The thread holds the history, so it reads from top to bottom."""
    request = an_upgrade_request()
    office = PostOffice(request)

    await office.put(a_line(request, 1), errands.repaint(request, because="x"), a_line(request, 2), a_line(request, 3))
    await office.work()

    assert [one.how for one in office.slack.sent] == ["post", "thread", "thread", "thread"]
    assert [one.message.text.rpartition("approved: ")[2] for one in office.sent("thread")] == [
        "1 of 9.",
        "2 of 9.",
        "3 of 9.",
    ]
    assert {one.thread_ts for one in office.sent("thread")} == {"1.0"}


async def test_a_thread_line_without_a_card_posts_the_card() -> None:
    """It never hangs in the channel alone."""
    request = an_upgrade_request()
    office = PostOffice(request)

    await office.put(a_line(request, 1))
    await office.work()

    assert [one.how for one in office.slack.sent] == ["post", "thread"]


async def test_several_repaints_of_one_card_are_one() -> None:
    """It is drawn from what is stored now, so the others would show the same."""
    request = an_upgrade_request()
    office = PostOffice(request)
    await office.place_card(request)

    await office.put(*(errands.repaint(request, because=str(number)) for number in range(7)))
    await office.work()

    assert len(office.sent("update")) == 1
    assert office.storage.waiting == []


async def test_a_deleted_card_is_posted_again() -> None:
    """People can delete our messages; the request goes on."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.deleted.add(await office.place_card(request))

    await office.put(errands.repaint(request, because="x"))
    await office.work()

    assert [one.how for one in office.slack.sent] == ["post"]
    assert office.card_of(request) == MessageRef(channel=CHANNEL, ts="1.0")


async def test_a_thread_under_a_deleted_card_goes_on_under_a_new_one() -> None:
    """The line is not lost with the message above it."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.deleted.add(await office.place_card(request))

    await office.put(a_line(request, 1))
    await office.work()

    assert [one.how for one in office.slack.sent] == ["post", "thread"]


async def test_the_card_of_a_replaced_request_leads_to_the_new_one() -> None:
    """Whoever finds the old card gets to the one that counts."""
    newer = an_upgrade_request()
    older = an_upgrade_request(state=State.REPLACED, replaced_by=newer.id)
    office = PostOffice(newer, older)
    await office.place_card(newer, ts="5.0")

    await office.put(errands.repaint(older, because="replaced"))
    await office.work()

    assert "https://team.slack.com/C0UPGRADES/5.0" in office.sent("post")[0].message.text


async def test_channel_messages_keep_a_second_between_them() -> None:
    """Slack takes about one a second and channel."""
    request = an_upgrade_request(state=State.SUBMITTED)
    office = PostOffice(request)

    await office.put(*(an_announcement(request, number) for number in range(5)))
    await office.work()

    times = [one.at for one in office.sent("post")]
    assert len(times) == 5
    assert all(later - earlier > 0.98 for earlier, later in itertools.pairwise(times))


async def test_cards_of_many_requests_keep_the_pace_of_their_channel_too() -> None:
    """Cards, thread lines and channel messages share one channel."""
    requests = [an_upgrade_request() for _ in range(8)]
    office = PostOffice(*requests)

    await office.put(*(errands.repaint(one, because="x") for one in requests), *(a_line(one, 1) for one in requests))
    await office.put(an_announcement(requests[0], 1, "FAILED"))
    await office.work(60)

    times = sorted(one.at for one in office.slack.sent)
    assert len(times) == 17
    assert all(later - earlier > 0.98 for earlier, later in itertools.pairwise(times))
    assert office.storage.waiting == []


async def test_an_alert_does_not_stand_at_the_far_end_of_the_line() -> None:
    """Forty thread lines wait; the alert is among the first to be posted."""
    requests = [an_upgrade_request() for _ in range(40)]
    office = PostOffice(*requests)
    for number, one in enumerate(requests):
        await office.place_card(one, ts=f"{number}.5")
    await office.put(*(a_line(one, 1) for one in requests))
    await office.round()

    before = len(office.slack.sent)
    await office.put(an_announcement(requests[0], 1, "FAILED"))
    await office.work(20)

    assert before < 30
    assert [one.how for one in office.slack.sent].index("post") - before < 5


async def test_a_repaint_that_a_person_caused_passes_by_the_others() -> None:
    """Whoever pressed looks at the screen."""
    requests = [an_upgrade_request() for _ in range(12)]
    office = PostOffice(*requests)
    for number, one in enumerate(requests):
        await office.place_card(one, ts=f"{number}.5")
    await office.put(*(errands.repaint(one, because="poll", urgency=Urgency.BACKGROUND) for one in requests))
    await office.round()

    await office.put(errands.repaint(requests[11], because="pressed", urgency=Urgency.PERSON))
    await office.work(2)

    assert "11.5" in {one.thread_ts for one in office.sent("update")}


async def test_more_than_five_channel_messages_become_one_digest() -> None:
    """What failed comes first and in full, with its mention and link; the others are counted."""
    request = an_upgrade_request(state=State.SUBMITTED)
    office = PostOffice(request, a_scheduled_upgrade())
    await office.place_card(request)
    failed = an_announcement(request, 9, "FAILED")

    await office.put(*(an_announcement(request, number) for number in range(7)), failed)
    await office.work()

    (only,) = office.sent("post")
    assert complaints(only.message) == []
    assert only.message.text.startswith("8 notifications about upgrades.\nUpgrade failed: production/web")
    assert "<@U0ROOS>" in only.message.text
    assert "https://team.slack.com/C0UPGRADES/77.0" in only.message.text
    assert "Succeeded: 7" in only.message.text
    assert office.storage.waiting == []


async def test_five_channel_messages_are_no_digest() -> None:
    """Few enough to be read one by one."""
    request = an_upgrade_request(state=State.SUBMITTED)
    office = PostOffice(request)

    await office.put(*(an_announcement(request, number) for number in range(5)))
    await office.work()

    assert len(office.sent("post")) == 5


async def test_a_digest_that_failed_to_go_out_is_the_same_digest_later() -> None:
    """What comes in meanwhile is told after it, not in it."""
    request = an_upgrade_request(state=State.SUBMITTED)
    office = PostOffice(request)
    office.slack.before["post"] = [Transient("timeout")]
    await office.put(*(an_announcement(request, number) for number in range(6)))
    await office.round()

    await office.put(an_announcement(request, 99))
    await office.work()

    assert [one.message.text.partition("\n")[0][:31] for one in office.sent("post")] == [
        "6 notifications about upgrades.",
        "Upgrade succeeded: production/w",
    ]


async def test_a_long_digest_is_several_messages_and_tells_each_once() -> None:
    """Slack's limits split it; a failure in the middle repeats nothing that was posted."""
    request = an_upgrade_request(state=State.SUBMITTED)
    office = PostOffice(request)
    await office.put(*(an_announcement(request, number, "MISSED") for number in range(40)))
    office.slack.before["post"] = []

    await office.work(1.5)
    office.slack.before["post"] = [Transient("timeout")]
    await office.work(60)

    pages = office.sent("post")
    assert len(pages) > 2
    assert all(complaints(page.message) == [] for page in pages)
    assert sum(page.message.text.count("Upgrade missed its window") for page in pages) == 40
    assert pages[0].message.text.startswith("40 notifications about upgrades.")
    assert pages[1].message.text.startswith("40 notifications about upgrades (continued).")


@pytest.mark.parametrize(
    "error", [Transient("timeout"), OutcomeUnknown("internal_error"), Revoked("invalid_auth"), Throttled(retry_after=7)]
)
async def test_whatever_passes_is_waited_out(error: MessengerError) -> None:
    """Nothing is lost, however often it fails."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.before["post"] = [error, error, error]

    await office.put(errands.repaint(request, because="x"), a_line(request, 1))
    await office.work(300)

    assert [one.how for one in office.slack.sent] == ["post", "thread"]
    assert office.storage.waiting == []
    assert office.storage.dead == []


async def test_an_outage_of_hours_ends_by_itself() -> None:
    """The pauses grow to about five minutes, and no further."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.before["post"] = [Transient("timeout") for _ in range(60)]

    await office.put(errands.repaint(request, because="x"))
    await office.work(5 * 3600)

    assert len(office.sent("post")) == 1
    tries = sum(outcome == ("card", "postponed") for outcome in office.outcomes)
    assert tries == 60


async def test_a_post_of_unknown_outcome_is_repeated_and_counted() -> None:
    """It may be there twice; it is never missing."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.after["post"] = [OutcomeUnknown("fatal_error")]

    await office.put(errands.repaint(request, because="x"))
    await office.work()

    assert len(office.sent("post")) == 2
    assert office.outcomes.count(("card", "repeated")) == 1
    assert office.card_of(request) == MessageRef(channel=CHANNEL, ts="2.0")


async def test_slacks_retry_after_holds_the_whole_channel() -> None:
    """Other queues of the channel wait too; other channels do not."""
    here, there = an_upgrade_request(), an_upgrade_request(channel="C0OTHER")
    neighbour = an_upgrade_request()
    office = PostOffice(here, there, neighbour)
    office.slack.before["post"] = [Throttled(retry_after=20)]
    began = office.storage.seconds()

    await office.put(errands.repaint(here, because="x"))
    await office.round()
    await office.put(errands.repaint(neighbour, because="x"), errands.repaint(there, because="x"))
    await office.work(40)

    waited = {one.to: one.at - began for one in reversed(office.sent("post"))}
    assert waited[CHANNEL] >= 19.9
    assert waited["C0OTHER"] < 2
    assert len(office.sent("post")) == 3


async def test_a_closed_channel_is_reported_once_and_mends_by_itself() -> None:
    """The requester is told what to type; what waited is posted when the bot was invited."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.closed[CHANNEL] = "not_in_channel"

    await office.put(errands.repaint(request, because="x"), a_line(request, 1))
    await office.work(300)
    told = office.sent("direct")
    office.slack.closed.clear()
    await office.work(120)

    assert [one.to for one in told] == [ROOS]
    assert "<#C0UPGRADES> (not_in_channel)" in told[0].message.text
    assert "/invite @upgrades" in told[0].message.text
    assert [one.how for one in office.slack.sent if one.to == CHANNEL] == ["post", "thread"]
    assert office.storage.rooms.destinations == {}
    assert office.storage.waiting == []


async def test_a_closed_channel_holds_up_nobody_else() -> None:
    """Each channel and each card is a queue of its own."""
    lost, fine = an_upgrade_request(channel="C0GONE"), an_upgrade_request()
    office = PostOffice(lost, fine)
    office.slack.closed["C0GONE"] = "is_archived"

    await office.put(errands.repaint(lost, because="x"), errands.repaint(fine, because="x"))
    await office.work(3)

    assert [one.to for one in office.sent("post")] == [CHANNEL]
    assert "Unarchive it" in office.sent("direct")[0].message.text


async def test_what_slack_refuses_is_said_in_plain_words() -> None:
    """Our fault must not silence a message."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.before["post"] = [BadPayload("invalid_blocks")]

    await office.put(errands.repaint(request, because="x"))
    await office.work()

    (only,) = office.sent("post")
    assert only.message.blocks == ()
    assert "Upgrade web to" in only.message.text


async def test_what_slack_refuses_twice_is_a_dead_letter_and_holds_up_nothing() -> None:
    """It is shown to operators; the queue goes on."""
    request = an_upgrade_request()
    office = PostOffice(request)
    await office.place_card(request)
    office.slack.before["post"] = [BadPayload("invalid_blocks"), BadPayload("no_text")]

    await office.put(a_line(request, 1), a_line(request, 2))
    await office.work()

    assert [one.key for one in office.storage.dead] == [a_line(request, 1).key]
    assert len(office.sent("thread")) == 1


async def test_a_private_answer_goes_where_the_person_pressed() -> None:
    """Only they see it."""
    office = PostOffice()
    answer = errands.answer(SEM, "Your approval counts: 1 of 2.", key="1", about=about(), response_url="https://hook")

    await office.put(answer)
    await office.work()

    assert [(one.how, one.to, one.message.text) for one in office.slack.sent] == [
        ("respond", "https://hook", "Your approval counts: 1 of 2.")
    ]


async def test_a_private_answer_that_comes_too_late_is_a_direct_message() -> None:
    """After 30 minutes or 5 uses Slack takes no more answers there."""
    office = PostOffice()
    office.slack.spent.add("https://hook")

    await office.put(errands.answer(SEM, "Counted.", key="1", about=about(), response_url="https://hook"))
    await office.work()

    assert [(one.how, one.to) for one in office.slack.sent] == [("direct", SEM)]


async def test_a_private_answer_without_an_address_is_a_direct_message() -> None:
    """From App Home and modals there is nowhere else to answer."""
    office = PostOffice()

    await office.put(errands.answer(SEM, "Counted.", key="1", about=about()))
    await office.work()

    assert [(one.how, one.to) for one in office.slack.sent] == [("direct", SEM)]


async def test_an_answer_is_tried_four_times_at_its_address_then_directly() -> None:
    """Slack allows five uses, and a use whose outcome is unknown may have counted."""
    office = PostOffice()
    office.slack.before["respond"] = [OutcomeUnknown("timeout") for _ in range(9)]

    await office.put(errands.answer(SEM, "Counted.", key="1", about=about(), response_url="https://hook"))
    await office.work(120)

    assert [one.how for one in office.slack.sent] == ["direct"]
    assert len(office.slack.before["respond"]) == 5


async def test_a_person_who_cannot_be_written_to_becomes_a_dead_letter() -> None:
    """They left, perhaps; nobody else waits for that."""
    office = PostOffice()
    office.slack.closed[SEM] = "channel_not_found"

    await office.put(errands.answer(SEM, "Counted.", key="1", about=about()))
    await office.work(3600)

    assert [one.kind for one in office.storage.dead] == [Kind.PRIVATE]


async def test_the_requester_gets_the_address_of_the_card() -> None:
    """The direct message waits a moment for the card to be posted."""
    request = an_upgrade_request()
    office = PostOffice(request)
    received = UpgradeRequested(about=about(request), required=1, deadline=request.deadline)

    await office.put(errands.to_requester(request, received), errands.repaint(request, because="requested"))
    await office.work()

    (only,) = office.sent("direct")
    assert only.message.text.startswith("Your request was received: production/web")
    assert "Open the card: https://team.slack.com/C0UPGRADES/1.0" in only.message.text


async def test_the_requester_is_told_without_an_address_when_the_channel_is_closed() -> None:
    """The card cannot be posted, but the request was received."""
    request = an_upgrade_request()
    office = PostOffice(request)
    office.slack.closed[CHANNEL] = "not_in_channel"
    received = UpgradeRequested(about=about(request), required=1, deadline=request.deadline)

    await office.put(errands.repaint(request, because="requested"), errands.to_requester(request, received))
    await office.work(20)

    texts = [one.message.text for one in office.sent("direct")]
    assert any("Your request was received" in text for text in texts)
    assert any("/invite @upgrades" in text for text in texts)


async def test_an_orphan_is_struck_out_with_a_link_and_the_card_never_is() -> None:
    """Only the card that is kept up to date keeps its buttons."""
    request = an_upgrade_request()
    office = PostOffice(request)
    card = await office.place_card(request)
    orphan = MessageRef(channel=CHANNEL, ts="66.0")

    await office.put(errands.strike_out(request.id, orphan), errands.strike_out(request.id, card))
    await office.work()

    (only,) = office.sent("update")
    assert only.thread_ts == "66.0"
    assert "posted twice" in only.message.text
    assert "https://team.slack.com/C0UPGRADES/77.0" in only.message.text


async def test_homes_that_wait_are_published_once() -> None:
    """Two reasons to publish are one publication of what is true now."""
    office = PostOffice()
    async with office.storage.begin() as work:
        await work.homes.opened(SEM, at=NOON)
        await work.commit()

    await office.put(errands.publish_home(SEM, key="1"), errands.publish_home(SEM, key="2"))
    await office.work()

    assert list(office.slack.homes) == [SEM]
    assert office.storage.waiting == []


async def test_a_lost_lease_records_nothing() -> None:
    """Another process has taken over; it will tell it, perhaps once more, and never not at all."""
    request = an_upgrade_request()
    office = PostOffice(request)
    await office.put(errands.repaint(request, because="x"))
    (stale,) = await office.storage.claims.claim_due(Box.OUTBOX, limit=1)
    office.storage.pass_time(60)
    await office.storage.claims.claim_due(Box.OUTBOX, limit=1)

    with pytest.raises(LeaseLost):
        await office.delivery.deliver(stale)

    assert office.card_of(request) is None
    assert len(office.storage.waiting) == 1


async def test_what_is_told_is_what_is_true_when_it_is_told() -> None:
    """An alert that waited through an outage does not claim what has passed."""
    request = an_upgrade_request(state=State.SUBMITTED)
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS", request_id=request.id)
    office = PostOffice(replace(request, upgrade=upgrade.identity), upgrade)
    event = StatusMoved(
        about=replace(about(request), upgrade=upgrade.identity),
        status="SCHEDULED_NOTIFIED",
        from_status="SCHEDULED",
        window=a_window(NOON),
    )

    await office.put(errands.in_channel(CHANNEL, event, key="1"))
    await office.work()

    text = office.sent("post")[0].message.text
    assert "By now its status is in progress." in text
    assert "2026-12-01 12:00 UTC" in text
    assert "2026-11-30" not in text


async def test_errands_about_requests_that_are_no_more_end() -> None:
    """Old ones are pruned; nothing waits for them for ever."""
    office = PostOffice()
    gone = an_upgrade_request()

    await office.put(errands.repaint(gone, because="x"), a_line(gone, 1))
    await office.work()

    assert office.storage.waiting == []
    assert office.slack.sent == []


async def test_words_for_a_person_are_kept_as_they_are_and_mention_no_channel() -> None:
    """What an answer quotes does nothing."""
    office = PostOffice()
    text = f"<@{KIM}> could. Not <!channel> nor <https://evil.example|this>."

    await office.put(errands.answer(SEM, text, key="1", about=about()))
    await office.work()

    assert office.sent("direct")[0].message.text == (
        f"<@{KIM}> could. Not &lt;!channel&gt; nor &lt;https://evil.example|this&gt;."
    )


async def test_events_without_a_place_in_a_thread_are_told_plainly() -> None:
    """A private answer that is put into a thread by mistake is still readable."""
    request = an_upgrade_request()
    office = PostOffice(request)
    await office.place_card(request)

    await office.put(
        errands.in_thread(request, Answered(about=about(request), text="Hello")),
        errands.in_thread(request, RequestApproved(about=about(request))),
    )
    await office.work()

    assert [complaints(one.message) for one in office.sent("thread")] == [[], []]
