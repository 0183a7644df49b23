"""Freezes from Slack with the whole bot: set in the modal, told in each channel, lifted, ended by themselves."""

from contextlib import suppress
from datetime import timedelta

from benchmarks.reliability.counting import settled
from bot.sandbox.slack.people.seen import NotShownError, Seen
from tests.world.harness import CHANNEL, Harness, harness


async def form(home: Harness, words: str = "") -> None:
    """Open the modal, again while the bot says that it has read no clusters yet."""
    for _ in range(20):
        await home.sem.command(CHANNEL, f"/schedule-upgrade freeze {words}".strip())
        with suppress(NotShownError):
            await home.sem.modal("Freeze upgrades", within=2)
            return
    raise NotShownError("the modal never opened")


async def freeze(home: Harness, *environments: str, lasts: timedelta = timedelta(days=5)) -> Seen:
    """Freeze environments in the modal, and return the message."""
    await form(home)
    await home.sem.choose("Environments", list(environments))
    await home.sem.choose("Until", home.clock() + lasts)
    await home.sem.fill("Reason", "Incident 4711")
    outcome = await home.sem.submit()
    assert outcome.ok, outcome
    return await home.roos.message(CHANNEL, "Upgrades frozen:", "Incident 4711")


async def test_a_freeze_from_the_modal_to_its_end(anyhow: Harness) -> None:
    """Everything that would run within it is refused until somebody lifts it; the message says who did."""
    home = anyhow
    asked = await home.request("staging/payments")
    message = await freeze(home, "staging")

    await home.sem.press(CHANNEL, asked.ts, "Approve")
    await home.sem.private(CHANNEL, "is frozen until")
    assert message.buttons == ("Lift freeze",)
    assert "1 request will expire within it" in str(message.shown)
    assert home.submissions() == 0

    await home.kim.press(CHANNEL, message.ts, "Lift freeze")
    lifted = await home.card(message, "Freeze lifted", "<@U0KIM>")
    await home.sem.reply(CHANNEL, message.ts, "lifted by <@U0KIM>")
    assert lifted.buttons == ()
    await home.sem.press(CHANNEL, asked.ts, "Approve")
    await home.card(asked, "Submitted to Avisi Cloud")
    assert home.submissions() == 1


async def test_a_freeze_outlives_the_bot_and_ends_by_itself(home: Harness) -> None:
    """Its time is up while no bot runs: the next one says so, once."""
    message = await freeze(home, "staging", lasts=timedelta(hours=1))

    await home.close_bot()
    home.clock.advance(timedelta(hours=1, minutes=1))
    await home.open_bot()

    await home.card(message, "Freeze ended")
    await home.sem.reply(CHANNEL, message.ts, "ended by itself")


async def test_what_is_scheduled_within_it_is_shown_with_a_way_to_move_it(home: Harness) -> None:
    """Nothing can be cancelled, so the message offers Reschedule; only who may freeze may lift."""
    card = await home.approved("staging/payments")
    await home.card(card, "Submitted to Avisi Cloud")
    message = await freeze(home, "All environments", lasts=timedelta(days=20))
    assert message.buttons == ("Reschedule", "Lift freeze")
    assert "1 upgrade is already scheduled within it" in str(message.shown)

    await home.roos.press(CHANNEL, message.ts, "Reschedule")
    modal = await home.roos.modal("Schedule upgrade", containing="already scheduled")
    start = modal.field("Start date and time").value
    assert start is not None
    assert start >= int((home.clock() + timedelta(days=19)).timestamp())  # the first that fits is after the freeze
    await home.roos.close()
    await home.sem.command(CHANNEL, "/schedule-upgrade freezes")
    listed = await home.sem.private(CHANNEL, "1 freeze in force, 0 to come.")
    assert "Incident 4711" in str(listed.shown)
    await home.roos.press(CHANNEL, message.ts, "Lift freeze")
    await home.roos.private(CHANNEL, "You may not freeze upgrades in")
    await home.card(message, "Upgrades frozen")


async def test_on_two_replicas_it_holds_on_both_and_its_end_is_told_once(postgresql_url: str) -> None:
    """Whichever of them takes the press or notices the end."""
    async with harness(postgresql_url, "socket") as opened:
        for _ in range(2):
            await opened.open_bot()
        asked = await opened.request("staging/payments")
        message = await freeze(opened, "staging", lasts=timedelta(hours=12))
        for _ in range(4):
            await opened.sem.press(CHANNEL, asked.ts, "Approve")
        await opened.sem.private(CHANNEL, "is frozen until")
        await settled(opened.url)
        assert opened.submissions() == 0

        opened.clock.advance(timedelta(hours=12, minutes=1))
        await opened.card(message, "Freeze ended")
        await opened.sem.reply(CHANNEL, message.ts, "ended by itself")
        await settled(opened.url)
        replies = [one.shown for one in opened.sem.thread(CHANNEL, message.ts) if one.ts != message.ts]
        await opened.sem.press(CHANNEL, asked.ts, "Approve")
        await opened.card(asked, "Submitted to Avisi Cloud")

    assert len(replies) == 1
    assert opened.submissions() == 1
