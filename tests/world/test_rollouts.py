"""Rollouts with the whole bot over HTTP: planned in the modal, approved and followed on one card."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.seen import NotShownError, Seen
from tests.world.harness import CHANNEL, Harness

VERSION = "v1.32.3-u-ame.1"


async def form(home: Harness) -> None:
    """Open the modal, again while the bot says that it has read no clusters yet."""
    for _ in range(20):
        await home.roos.command(CHANNEL, "/schedule-upgrade rollout")
        with suppress(NotShownError):
            await home.roos.modal("Plan rollout", within=2)
            return
    raise NotShownError("the modal never opened")


async def plan(home: Harness, *waves: list[str], soak: str = "1 hour", at_once: str = "5") -> Seen:
    """Plan a rollout in the modal, and return its card."""
    await form(home)
    await home.roos.fill("Name", "Winter")
    await home.roos.choose("Version", VERSION)
    for number, wave in enumerate(waves, start=1):
        await home.roos.choose(f"Wave {number}", wave)
    await home.roos.choose("Soak", soak)
    await home.roos.fill("At once", at_once)
    await home.roos.modal("Plan rollout", containing="Wave 1: ")
    outcome = await home.roos.submit()
    assert outcome.ok, outcome
    return await home.sem.message(CHANNEL, "Rollout Winter to", "waits for approval")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - looks at another server's state
            await asyncio.sleep(0.02)


async def succeed(home: Harness, first: int) -> None:
    """Let the cloud finish every upgrade from this one on."""
    for upgrade in home.cloud.upgrades[first:]:
        home.cloud.move(upgrade.identity, "SUCCEEDED")


async def test_a_rollout_from_plan_to_done(home: Harness) -> None:
    """Plan, approve, wave, soak, approve the next wave, done: on one card, each cluster submitted once."""
    card = await plan(home, ["staging/payments", "staging/orders"], ["production/payments"])
    assert card.buttons == ("Approve wave", "Reject", "Stop", "Clusters")
    assert home.submissions() == 0

    await home.sem.press(CHANNEL, card.ts, "Approve wave")
    await home.card(card, "Wave 1 of 2 is open", "0 succeeded, 2 running")
    await until(lambda: len(home.cloud.upgrades) == 2)
    await succeed(home, 0)
    soaking = await home.card(card, "Wave 1 is done and soaks", "2 succeeded, 0 running")
    assert soaking.buttons == ("Pause", "Stop", "Clusters")

    home.clock.advance(timedelta(hours=1, minutes=1))
    await home.card(card, "Wave 2 waits for approval")
    assert home.submissions() == 2
    await home.kim.press(CHANNEL, card.ts, "Approve wave")
    await until(lambda: len(home.cloud.upgrades) == 3)
    await succeed(home, 2)
    done = await home.card(card, "Done. Every cluster has ended.")

    assert done.buttons == ("Clusters",)
    assert home.submissions() == 3
    await home.sem.reply(CHANNEL, card.ts, "approved wave 1", within=20)
    await home.sem.reply(CHANNEL, card.ts, "Succeeded: ", within=20)
    assert [one for one in home.sem.messages(CHANNEL) if "payments: upgrade to" in one] == []


async def test_a_failure_halts_it_and_a_stop_ends_it(home: Harness) -> None:
    """One cluster fails: nothing more is submitted, the channel is alerted, and an approver stops it."""
    card = await plan(home, ["staging/payments", "staging/orders"], at_once="1")
    await home.sem.press(CHANNEL, card.ts, "Approve wave")
    await until(lambda: len(home.cloud.upgrades) == 1)

    home.cloud.move(home.cloud.upgrades[0].identity, "FAILED", reason="Too busy")
    halted = await home.card(card, "Halted in wave 1", "1 failed")
    alert = await home.sem.message(CHANNEL, "Too busy")
    await home.sem.press(CHANNEL, card.ts, "Clusters")
    listed = await home.sem.modal("Clusters", containing="failed")
    await home.sem.press(CHANNEL, card.ts, "Stop")
    await home.card(card, "Stopped by <@U0SEM>")

    assert halted.buttons == ("Retry failed", "Go on without", "Stop", "Clusters")
    assert "U0ROOS" in alert.mentions.users
    assert "waiting" in str(listed.shown)
    assert home.submissions() == 1


async def test_what_is_wrong_with_a_plan_is_said_at_its_field(home: Harness) -> None:
    await plan(home, ["staging/payments"])
    await form(home)
    await home.roos.fill("Name", "winter")
    await home.roos.choose("Version", VERSION)
    await home.roos.choose("Wave 1", ["staging/orders"])

    taken = await home.roos.submit()
    await home.roos.check("Start at the chosen time, even outside maintenance windows")
    no_start = await home.roos.submit()
    await home.roos.close()
    await home.roos.command(CHANNEL, "/schedule-upgrade rollouts")
    listed = await home.roos.message(CHANNEL, "Winter", "waits for approval", VERSION)

    assert taken.errors == {"Name": "Another rollout that has not ended has this name."}
    assert no_start.errors["Not before"].startswith("Choose a start: it is required")
    assert listed


async def test_what_is_left_is_planned_again_from_the_card(home: Harness) -> None:
    """The form opens filled in; only the reason to stop is gone from the second attempt."""
    card = await plan(home, ["staging/payments"], ["production/payments"])
    await home.sem.press(CHANNEL, card.ts, "Approve wave")
    await until(lambda: len(home.cloud.upgrades) == 1)
    await succeed(home, 0)
    await home.card(card, "Wave 1 is done and soaks")
    await home.sem.press(CHANNEL, card.ts, "Stop")
    stopped = await home.card(card, "Stopped by <@U0SEM>")
    assert stopped.buttons == ("Plan again", "Clusters")

    await home.roos.press(CHANNEL, card.ts, "Plan again")
    shown = await home.roos.modal("Plan rollout", containing="Wave 1: 1 cluster,")
    outcome = await home.roos.submit()

    assert outcome.ok, outcome
    assert "Winter" in str(shown.shown)
    await home.sem.message(CHANNEL, "Rollout Winter to", "waits for approval", "production 0 of 1")
