"""What is for one person gets to that person: privately where they pressed, else directly, and App Home."""

from bot.domain.events import UpgradeRequested
from bot.notifications.delivery.errors import OutcomeUnknown, Throttled
from bot.workflow import outbox
from bot.workflow.outbox import Kind
from tests.builders import CHANNEL, KIM, NOON, SEM, about, an_upgrade_request
from tests.notifications.delivery.recorder import RecordingMessenger


async def test_a_private_answer_goes_where_the_person_pressed() -> None:
    """Only they see it."""
    harness = RecordingMessenger()
    answer = outbox.answer(
        SEM, "Approved (1 of 2). 1 more needed.", key="1", about=about(), response_url="https://hook"
    )

    await harness.put(answer)
    await harness.work()

    assert [(one.how, one.to, one.message.text) for one in harness.slack.sent] == [
        ("respond", "https://hook", "Approved (1 of 2). 1 more needed.")
    ]


async def test_a_private_answer_that_comes_too_late_is_a_direct_message() -> None:
    """After 30 minutes or 5 uses Slack takes no more answers there."""
    harness = RecordingMessenger()
    harness.slack.spent.add("https://hook")

    await harness.put(outbox.answer(SEM, "Counted.", key="1", about=about(), response_url="https://hook"))
    await harness.work()

    assert [(one.how, one.to) for one in harness.slack.sent] == [("direct", SEM)]


async def test_a_private_answer_without_an_address_is_a_direct_message() -> None:
    """From App Home and modals there is nowhere else to answer."""
    harness = RecordingMessenger()

    await harness.put(outbox.answer(SEM, "Counted.", key="1", about=about()))
    await harness.work()

    assert [(one.how, one.to) for one in harness.slack.sent] == [("direct", SEM)]


async def test_an_answer_is_tried_four_times_at_its_address_then_directly() -> None:
    """Slack allows five uses, and a use whose outcome is unknown may have counted."""
    harness = RecordingMessenger()
    harness.slack.before["respond"] = [OutcomeUnknown("timeout") for _ in range(9)]

    await harness.put(outbox.answer(SEM, "Counted.", key="1", about=about(), response_url="https://hook"))
    await harness.work(120)

    assert [one.how for one in harness.slack.sent] == ["direct"]
    assert len(harness.slack.before["respond"]) == 5


async def test_a_person_who_cannot_be_written_to_becomes_a_dead_letter() -> None:
    """They left, perhaps; nobody else waits for that."""
    harness = RecordingMessenger()
    harness.slack.closed[SEM] = "channel_not_found"

    await harness.put(outbox.answer(SEM, "Counted.", key="1", about=about()))
    await harness.work(3600)

    assert [one.kind for one in harness.storage.dead] == [Kind.PRIVATE]


async def test_the_requester_gets_the_address_of_the_card() -> None:
    """The direct message waits a moment for the card to be posted."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    received = UpgradeRequested(about=about(request), required=1, deadline=request.deadline)

    await harness.put(outbox.to_requester(request, received), outbox.repaint(request, because="requested"))
    await harness.work()

    (only,) = harness.sent("direct")
    assert only.message.text.startswith("production/web: upgrade to ")
    assert "Your request was received." in only.message.text
    assert "Open the card: https://team.slack.com/C0UPGRADES/1.0" in only.message.text


async def test_the_requester_is_told_without_an_address_when_the_channel_is_closed() -> None:
    """The card cannot be posted, but the request was received."""
    request = an_upgrade_request()
    harness = RecordingMessenger(request)
    harness.slack.closed[CHANNEL] = "not_in_channel"
    received = UpgradeRequested(about=about(request), required=1, deadline=request.deadline)

    await harness.put(outbox.repaint(request, because="requested"), outbox.to_requester(request, received))
    await harness.work(20)

    texts = [one.message.text for one in harness.sent("direct")]
    assert any("Your request was received" in text for text in texts)
    assert any("/invite @upgrades" in text for text in texts)


async def test_homes_that_wait_are_published_once() -> None:
    """Two reasons to publish are one publication of what is true now."""
    harness = RecordingMessenger()
    async with harness.storage.begin() as work:
        await work.homes.opened(SEM, at=NOON)
        await work.commit()

    await harness.put(outbox.publish_home(SEM, key="1"), outbox.publish_home(SEM, key="2"))
    await harness.work()

    assert list(harness.slack.homes) == [SEM]
    assert harness.storage.waiting == []


async def test_a_pause_that_slack_asked_for_holds_one_persons_answers_and_home_only() -> None:
    """Somebody else's are tried."""
    harness = RecordingMessenger()
    first, second = (
        outbox.answer(member, "Counted.", key=member, about=about(), response_url=f"https://{member}")
        for member in (SEM, KIM)
    )
    harness.slack.before["respond"] = [Throttled(retry_after=20)]
    harness.slack.before["publish_home"] = [Throttled(retry_after=20)]
    began = harness.storage.seconds()
    await harness.put(first, outbox.publish_home(SEM, key="1"))
    await harness.round()

    await harness.put(second, outbox.publish_home(KIM, key="1"))
    await harness.work(10)
    early = (list(harness.slack.sent), list(harness.slack.homes))
    await harness.work(30)

    assert [[one.to for one in early[0]], early[1]] == [[f"https://{KIM}"], [KIM]]
    assert [one.at - began >= 19.9 for one in harness.sent("respond")] == [False, True]
    assert set(harness.slack.homes) == {SEM, KIM}


async def test_words_for_a_person_are_kept_as_they_are_and_mention_no_channel() -> None:
    """What an answer quotes does nothing."""
    harness = RecordingMessenger()
    text = f"<@{KIM}> could. Not <!channel> nor <https://evil.example|this>."

    await harness.put(outbox.answer(SEM, text, key="1", about=about()))
    await harness.work()

    assert harness.sent("direct")[0].message.text == (
        f"<@{KIM}> could. Not &lt;!channel&gt; nor &lt;https://evil.example|this&gt;."
    )
