"""App Home and lists with the whole bot, at 0, 1, 20 and 200 upgrades."""

import asyncio
from contextlib import suppress

import pytest

from bot.sandbox.avisi.problems import Problem
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.seen import Seen
from tests.world.harness import CHANNEL, Harness, harness


async def test_home_shows_what_waits_for_my_decision_and_decides_it(home: Harness) -> None:
    """The approver's Home has Approve; pressing it there submits."""
    card = await home.request("staging/payments")

    await home.sem.home("Waiting for your decision")
    await home.sem.press_in_home("Approve", beside="staging/payments")

    await home.card(card, "Submitted to Avisi Cloud")
    assert home.submissions() == 1


async def test_home_shows_how_finished_requests_ended(home: Harness) -> None:
    """Not only that they are over."""
    await home.approved("staging/payments")
    home.cloud.move(home.cloud.upgrades[-1].identity, "FAILED", reason="Too busy")

    await home.roos.direct("failed")
    await home.roos.open_home()

    await home.roos.home("The upgrade failed. Avisi Cloud: Too busy.")


@pytest.mark.parametrize("many", [0, 1, 20, 200])
async def test_list_and_home_answer_at_every_size(sqlite_file: str, many: int) -> None:
    """A command's ack is one message within Slack's limits, which the simulated Slack enforces; a Home has pages."""
    async with harness(sqlite_file) as home:
        made = 0
        for cluster in home.cloud.many_clusters(2 * many):
            with suppress(Problem):
                if made < many:
                    home.cloud.schedule_elsewhere(cluster.identity, "v1.31.6-u-ame.10")
                    made += 1
        await home.open_bot()

        answer = await _listed_once_read(home)
        page = await home.roos.home("Upcoming and running")

    assert made == many
    assert (f"{many} scheduled" if many else "No upgrade is scheduled") in answer
    shown = answer.shown.count("fleet-")
    assert shown == many or (shown > 10 and f"and {many - shown} more: `list ENVIRONMENT`" in answer.shown)
    assert ("Next" in page.buttons) == (many > 20)


@pytest.mark.parametrize("many", [8, 60, 500, 5000])
async def test_a_fleet_of_every_size_is_shown_in_the_answer_in_home_and_in_pages(sqlite_file: str, many: int) -> None:
    """The same summary in all three, and pages that turn however many clusters there are."""
    pages = -(-many // 30)
    async with harness(sqlite_file) as home:
        home.cloud.resize_fleet(many)
        await home.open_bot()
        answer = await _fleet_once_read(home)
        await home.roos.open_home()
        page = await home.roos.home("Show fleet")
        await home.roos.press_in_home("Show fleet")
        first = await home.roos.modal("Fleet", containing=f"{many} clusters: ")
        if pages > 1:
            await home.roos.press_in_modal("Last")
            await home.roos.modal("Fleet", containing=f"Page {pages} of {pages}.")
        await home.roos.press_in_modal("Plan rollout")
        plan = await home.roos.modal("Plan rollout")

    assert answer.buttons == ("Show fleet", "Plan rollout")
    assert f"{many} clusters: " in answer
    assert answer.shown.count("→") == min(many, 20) + 1  # and once in the legend
    assert f"{many} clusters: " in page
    assert (first.depth, plan.depth) == (1, 2)


async def _fleet_once_read(home: Harness) -> Seen:
    """Ask for the fleet again and again until the bot has read the clusters once, however long that takes here."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await home.roos.command(CHANNEL, "/schedule-upgrade fleet")
            answer = await home.roos.private(CHANNEL)
            if "have not been read" not in answer:
                return answer
            await asyncio.sleep(0.2)


async def _listed_once_read(home: Harness) -> Seen:
    """Ask for the list again and again until the bot has read the statuses once, however long that takes here."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await home.roos.command(CHANNEL, "/schedule-upgrade list")
            answer = await home.roos.private(CHANNEL)
            if "no status has been read yet" not in answer:
                return answer
            await asyncio.sleep(0.2)
