"""The message of a freeze gets there: one in each channel, always the same one, and in its thread that it is over."""

from datetime import timedelta

from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.notifications.delivery.errors import Throttled
from bot.workflow import outbox
from bot.workflow.inbox import MessageRef
from bot.workflow.transitions import store_freeze
from tests.builders import ACME, KIM, NOON, SEM, an_upgrade_request
from tests.notifications.delivery.recorder import RecordingMessenger

PLACES = tuple(
    FrozenPlace(organisation=ACME, environment=name, channel=channel)
    for name, channel in (("production", "C1"), ("staging", "C2"), ("test", "C2"))
)
FREEZE = UpgradeFreeze(
    id=FreezeId("f1"), places=PLACES, by=SEM, since=NOON, until=NOON + timedelta(days=2), reason="Incident"
)


async def frozen(harness: RecordingMessenger) -> UpgradeFreeze:
    async with harness.storage.begin() as work:
        stored = await store_freeze(work, None, FREEZE, at=NOON)
        await work.commit()
    return stored


async def lifted(harness: RecordingMessenger, freeze: UpgradeFreeze) -> None:
    async with harness.storage.begin() as work:
        await store_freeze(work, freeze, freeze.lift(by=KIM, at=NOON), at=NOON, actor=KIM)
        await work.commit()


async def test_each_channel_gets_one_message_about_its_own_environments() -> None:
    harness = RecordingMessenger()

    await frozen(harness)
    await harness.work()

    assert {one.to: one.message.text.partition("\n")[0] for one in harness.sent("post")} == {
        "C1": "🟠 Upgrades frozen: production",
        "C2": "🟠 Upgrades frozen: staging, test",
    }


async def test_lifted_it_says_so_in_place_and_then_in_the_thread() -> None:
    harness = RecordingMessenger()
    freeze = await frozen(harness)
    await harness.work()

    await lifted(harness, freeze)
    await harness.work()

    assert [one.how for one in harness.slack.sent if one.to == "C1"] == ["post", "update", "thread"]
    assert all(f"lifted by <@{KIM}>" in one.message.text for one in harness.sent("thread"))
    assert {one.to for one in harness.sent("thread")} == {"C1", "C2"}


async def test_posted_late_it_says_what_is_true_then() -> None:
    """Slack was away while it was set and lifted: one message, which says that it is lifted, and its thread."""
    harness = RecordingMessenger()
    harness.slack.before["post"] = [Throttled(retry_after=30.0), Throttled(retry_after=30.0)]
    freeze = await frozen(harness)
    await harness.work()
    await lifted(harness, freeze)
    harness.storage.pass_time(60)

    await harness.work()

    assert [one.how for one in harness.slack.sent if one.to == "C2"] == ["post", "thread"]
    assert harness.sent("post")[0].message.text.startswith("⚪ Freeze lifted: ")


async def test_a_message_that_somebody_deleted_is_posted_again() -> None:
    harness = RecordingMessenger()
    freeze = await frozen(harness)
    await harness.work()
    posted = [one.to for one in harness.sent("post")]
    harness.slack.deleted |= {MessageRef(channel=channel, ts=f"{number}.0") for number, channel in enumerate(posted, 1)}

    await lifted(harness, freeze)
    await harness.work()

    assert [one.how for one in harness.slack.sent if one.to == "C1"] == ["post", "post", "thread"]


async def test_who_froze_is_told_when_a_channel_takes_no_messages() -> None:
    harness = RecordingMessenger()
    harness.slack.closed["C1"] = "not_in_channel"

    await frozen(harness)
    await harness.work()

    (told,) = [one for one in harness.slack.sent if one.how == "direct"]
    assert told.to == SEM
    assert "The bot cannot post in <#C1> (not_in_channel)" in told.message.text


async def test_the_card_of_a_request_that_overrides_it_names_it() -> None:
    request = an_upgrade_request(override=True, start=NOON + timedelta(hours=5), ignore_windows=True)
    harness = RecordingMessenger(request)
    await frozen(harness)

    await harness.put(outbox.repaint(request, because="requested"))
    await harness.work()

    (card,) = [one for one in harness.sent("post") if one.to == request.channel]
    assert "Overrides the freeze until Wed 2 Dec, 12:00 UTC (Incident)." in card.message.text
