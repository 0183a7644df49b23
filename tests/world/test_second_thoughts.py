"""Second thoughts, end to end: comments, approvals taken back, the brake after the quorum, asking again."""

import asyncio
from datetime import timedelta
from pathlib import Path

from bot.sandbox.avisi.faults import Fault
from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.approving import TWO, answered, events, new_answer, reject, under
from tests.world.harness import CHANNEL, Harness

POST = "*/scheduled-cluster-upgrades"


async def test_a_comment_is_read_by_everybody_and_an_approval_is_taken_back(tmp_path: Path) -> None:
    """The card shows the comment, the thread both; the tally goes up and down, and nothing is submitted."""
    async with under(TWO, tmp_path) as home:
        card = await home.request()

        await home.sem.choose_from_menu(CHANNEL, card.ts, "Approve with a comment")
        await home.sem.modal("Approve upgrade")
        await home.sem.fill("Comment", "Staging has run it for a week.")
        assert (await home.sem.submit()).ok
        commented = await home.card(card, "1 of 2", "Staging has run it for a week.")
        before = {message.ts for message in home.sem.messages(CHANNEL)}
        await home.sem.choose_from_menu(CHANNEL, card.ts, "Take back my approval")
        answer = await new_answer(home.sem, before)
        taken = await home.card(card, "0 of 2", without="Staging has run it")

        assert "<@U0SEM>" in commented
        assert "Approve" in taken.buttons
        assert answer == "You took back your approval: 0 of 2."
        assert await home.sem.reply(CHANNEL, card.ts, "took back their approval (0 of 2)")
        assert [event["facts"].get("comment") for event in await events(home, "vote cast")] == [
            "Staging has run it for a week."
        ]
        assert home.submissions() == 0


async def test_what_waits_for_the_cloud_can_still_be_rejected(home: Harness) -> None:
    """The quorum is there, the cloud is away: any approver stops it, and it is never sent."""
    card = await home.request()
    await home.cloud.go_down()
    await home.sem.press(CHANNEL, card.ts, "Approve")
    waiting = await home.card(card, "Not through yet")

    await reject(home.kim, card, "Not in this outage")
    rejected = await home.card(card, "Rejected")
    await home.cloud.come_back()
    await asyncio.sleep(3)

    assert "Reject" in waiting.buttons
    assert rejected.buttons == ("Ask again",)
    assert home.submissions() == 0


async def test_what_was_withdrawn_is_asked_for_again_from_its_card(home: Harness) -> None:
    """The form is filled in, and a new card comes of it."""
    card = await home.request(reason="it is due")
    await answered(home.roos, card, "Withdraw")
    await home.card(card, "Withdrawn")

    await home.kim.press(CHANNEL, card.ts, "Ask again")
    modal = await home.kim.modal("Schedule upgrade", containing="Version")
    await home.sent(by=home.kim)
    again = await home.sem.message(CHANNEL, "Requested by", "<@U0KIM>")

    assert modal.field("Reason").value == "it is due"
    assert again.ts != card.ts
    assert (await home.card(card, "Withdrawn")).buttons == ("Ask again",)


async def test_an_approver_vouches_that_the_cloud_has_it(home: Harness) -> None:
    """Nobody can look, so the approver states the window; it was sent once."""
    home.cloud.quirks.list_status = 404
    card = await home.request(version="v1.31.6-u-ame.10")
    home.cloud.faults.add(Fault(method="POST", path=POST, status=500, work=True))
    await home.sem.press(CHANNEL, card.ts, "Approve")
    await home.card(card, "could not confirm")

    await home.kim.press(CHANNEL, card.ts, "It is there")
    modal = await home.kim.modal("It is there", within=PATIENCE)
    start = home.clock() + timedelta(days=1)
    await home.kim.choose("Window start", start)
    await home.kim.choose("Window end", start + timedelta(hours=3))
    assert (await home.kim.submit()).ok
    done = await home.card(card, "The window was stated by <@U0KIM>")

    assert modal.submit == "Confirm"
    assert done.buttons[0] == "Reschedule"
    assert home.submissions() == 1


async def test_people_of_a_request_that_somebody_else_replaces_are_told_by_whom(tmp_path: Path) -> None:
    """The requester and who approved get one message each."""
    async with under(TWO.replace('"S0PLATFORM"', '"S0PLATFORM", "U0ROOS"'), tmp_path) as home:
        card = await home.request()
        await home.sem.press(CHANNEL, card.ts, "Approve")
        await home.card(card, "1 of 2")
        await home.request(by=home.kim)
        asked = await home.roos.direct("newer request")
        voted = await home.sem.direct("newer request")

        assert "<@U0KIM>" in asked.text
        assert "<@U0KIM>" in voted.text
        assert "Your approval" in voted.text
        assert "Your approval" not in asked.text
