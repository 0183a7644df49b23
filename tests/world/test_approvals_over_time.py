"""What time, newer requests, a changed policy and the cloud's no do to a request, end to end."""

import asyncio
from datetime import timedelta
from pathlib import Path

from benchmarks.reliability.counting import polled
from bot.sandbox.avisi.faults import Fault
from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.approving import BASE, TWO, answered, as_it_is, events, obey, press_old, told, told_often, under
from tests.world.harness import CHANNEL, Harness, harness

HOUR = timedelta(hours=1)
WAITING = "Still waiting for approval: 1 of 2."
POST = "*/scheduled-cluster-upgrades"


async def test_who_can_still_decide_is_reminded_with_growing_gaps_until_it_expires(tmp_path: Path) -> None:
    """Sem approved and is left out; the expired card has no buttons, and a late press is explained."""
    async with under(TWO, tmp_path) as home:
        card = await home.request()
        old = as_it_is(home, card)
        await answered(home.sem, card, "Approve")

        home.clock.advance(4 * HOUR)
        await home.sem.reply(CHANNEL, card.ts, WAITING)
        home.clock.advance(7 * HOUR)
        await asyncio.sleep(2.5)
        early = told(home, card, WAITING)
        home.clock.advance(HOUR)
        reminders = await told_often(home, card, WAITING, 2)
        home.clock.advance(48 * HOUR)
        expired = await home.card(card, "Expired: it was not approved by")
        late = await press_old(home.kim, old, "Approve")

        assert (len(early), len(reminders)) == (1, 2)
        assert all("<@U0KIM>" in one and "U0SEM" not in one.shown for one in reminders)
        assert expired.buttons == ("Ask again",)
        assert late.startswith("This request expired on ")
        assert late.endswith("so your press came too late and nothing was changed. It can be requested again.")
        await home.roos.direct("Expired: it was not submitted by", "It can be requested again.")
        assert home.submissions() == 0


async def test_a_newer_request_takes_the_place_of_one_that_waits(home: Harness) -> None:
    """By whoever may request; the older card says so, and a press on it counts for neither."""
    older = await home.request(version="v1.31.6-u-ame.9")
    old = as_it_is(home, older)
    newer = await home.request(by=home.slack.person("U0NOOR"), version="v1.31.6-u-ame.10")

    replaced = await home.card(older, "Replaced by", "a newer request")
    late = await press_old(home.sem, old, "Approve")

    assert replaced.buttons == ()
    assert late == "This request is already replaced, so nothing was changed."
    assert "0 of 1" in await home.card(newer, "v1.31.6-u-ame.10")
    await home.roos.direct("<@U0NOOR> made a newer request for this cluster, which takes its place.")
    assert home.submissions() == 0


async def test_after_a_no_of_the_cloud_it_can_be_tried_again_or_rescheduled(home: Harness) -> None:
    """By requester or approver, not by others; Reschedule opens the modal filled in."""
    card = await home.request(version="v1.31.6-u-ame.10", reason="it is due")
    home.cloud.faults.add(Fault(method="POST", path=POST, status=400, message="Not today"))
    await home.sem.press(CHANNEL, card.ts, "Approve")
    failed = await home.card(card, "Not scheduled", "Not today")
    noor = home.slack.person("U0NOOR")

    refused = await answered(noor, card, "Try again")
    await home.roos.press(CHANNEL, card.ts, "Reschedule")
    modal = await home.roos.modal("Schedule upgrade", containing="Version")
    again = await answered(home.roos, card, "Try again")
    await home.card(card, "Submitted to Avisi Cloud")

    assert failed.buttons == ("Try again", "Reject", "Withdraw", "Reschedule", "Readiness")
    assert refused == (
        "Only the requester, <@U0ROOS>, or an approver of staging may do this. "
        "These people can do it: <@U0KIM>, <@U0SEM>."
    )
    assert modal.field("Version").value["value"] == "v1.31.6-u-ame.10"
    assert modal.field("Reason").value == "it is due"
    assert again == "Submitting it again."
    assert home.submissions() == 2


async def test_where_nobody_can_look_an_approver_decides_whether_it_is_submitted_again(home: Harness) -> None:
    """The requester may not, and reads who can."""
    home.cloud.quirks.list_status = 404
    card = await home.request(version="v1.31.6-u-ame.10")
    home.cloud.faults.add(Fault(method="POST", path=POST, status=500))
    await home.sem.press(CHANNEL, card.ts, "Approve")
    unclear = await home.card(card, "could not confirm")

    refused = await answered(home.roos, card, "Submit again")
    again = await answered(home.kim, card, "Submit again")
    await home.card(card, "Submitted to Avisi Cloud")

    assert unclear.buttons == ("Submit again", "It is there", "Withdraw", "Reschedule", "Readiness")
    assert refused == ("Only approvers of staging may do this. These people can decide now: <@U0KIM>, <@U0SEM>.")
    assert again == "Submitting it again."
    assert home.submissions() == 2


async def test_a_changed_policy_judges_standing_votes_again(tmp_path: Path) -> None:
    """A higher quorum keeps a vote and asks for more; a lower one is reached by it."""
    async with under(TWO, tmp_path) as home:
        card = await home.request()
        await answered(home.sem, card, "Approve")

        await obey(home, TWO.replace("2", "3").replace('"S0PLATFORM"', '"S0PLATFORM", "U0NOOR"'), tmp_path)
        await home.card(card, "1 of 3", "<@U0SEM>")
        more = await answered(home.kim, card, "Approve")
        await obey(home, TWO, tmp_path)
        await home.card(card, "Submitted to Avisi Cloud", "<@U0SEM>, <@U0KIM>")

        assert more == "Approved (2 of 3). 1 more needed."
        assert home.submissions() == 1
        judged = await events(home, "votes judged again")
        assert [event["facts"]["required"] for event in judged] == [3, 2]
        assert judged[-1]["facts"]["policy"]["required_approvals"] == 2


async def test_a_rule_that_came_meanwhile_stops_an_approved_request(tmp_path: Path) -> None:
    """Approved while the cloud was away; when it is back the environment is frozen, and nothing is sent."""
    async with under(BASE, tmp_path) as home:
        card = await home.request()
        await home.cloud.go_down()
        await answered(home.sem, card, "Approve")
        await home.card(card, "Not through yet")

        frozen = f'{BASE}freeze = [{{ from = "2026-11-23", to = "2026-11-27", reason = "Audit" }}]\n'
        await obey(home, frozen, tmp_path)
        await home.cloud.come_back()
        failed = await home.card(card, "Not scheduled")

        assert "staging is frozen Nov 23 to Nov 27 (Audit)." in failed
        assert home.submissions() == 0
        line = await home.roos.reply(CHANNEL, card.ts, "The upgrade was not scheduled: staging is frozen")
        assert "U0ROOS" in line.mentions.users


async def test_one_empty_list_of_clusters_takes_nothing_away(sqlite_file: str) -> None:
    """The cloud answers once with status 200 and no clusters, while a request waits: it is approved and submitted."""
    async with harness(sqlite_file) as home:
        await home.open_bot()
        card = await home.request("staging/payments")
        await home.close_bot()
        home.cloud.faults.add(Fault(path="*/clusters", body="nothing"))

        await home.open_bot()
        async with asyncio.timeout(PATIENCE):
            while home.cloud.faults.waiting:  # noqa: ASYNC110 - looks at another server's state
                await asyncio.sleep(0.05)
        await polled(home.url)
        await home.sem.press(CHANNEL, card.ts, "Approve")

        await home.card(card, "Submitted to Avisi Cloud")
        assert home.submissions() == 1
