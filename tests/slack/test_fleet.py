"""`fleet` and the buttons of the fleet: who may look, what opens, and how pages are turned."""

import pytest

from bot.domain.cluster import ClusterIdentity
from bot.notifications import fleet
from bot.notifications.blocks import message
from bot.sandbox.slack.seed import GUEST
from bot.workflow.fleet import EVERYWHERE
from tests.builders import ROOS, a_catalog, a_cluster
from tests.slack.harness import SlackHarness, harness

CHANNEL = "C0UPGRADES"
FLEET = a_catalog(
    *(a_cluster(identity=ClusterIdentity(f"c{number}"), slug=f"c{number:03}") for number in range(70)),
    a_cluster(identity=ClusterIdentity("other"), environment="staging", slug="data"),
)


async def test_fleet_answers_privately_with_a_summary_and_the_most_pressing() -> None:
    """Whatever was typed after it names an environment."""
    async with harness("http", catalogs=[FLEET]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade fleet")
        everything = await roos.private(CHANNEL, "71 clusters")
        await roos.command(CHANNEL, "/schedule-upgrade fleet staging")
        staging = await roos.private(CHANNEL, "1 cluster in staging")

    assert "The 20 most pressing of 71" in everything
    assert everything.buttons == ("Show fleet", "Plan rollout")
    assert "staging/data" in staging
    assert "production" not in staging


async def test_an_environment_that_nobody_has_is_asked_back() -> None:
    """With the nearest choice."""
    async with harness("http", catalogs=[FLEET]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade fleet stagin")

        assert "Did you mean `staging`?" in await roos.private(CHANNEL, "No environment")


async def test_the_modal_turns_its_pages_in_place() -> None:
    """Forth and back, first and last, without anything kept in between."""
    async with harness("http", catalogs=[FLEET]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade fleet production")
        answer = await roos.private(CHANNEL, "70 clusters")
        await roos.press(CHANNEL, answer.ts, "Show fleet")
        first = await roos.modal("Fleet", containing="Page 1 of 3")
        await roos.press_in_modal("Last")
        last = await roos.modal("Fleet", containing="Page 3 of 3")
        await roos.press_in_modal("Previous")
        middle = await roos.modal("Fleet", containing="Page 2 of 3")

    assert first.id == last.id == middle.id
    assert first.buttons == ("Next", "Last", "Plan rollout")
    assert last.buttons == ("First", "Previous", "Plan rollout")
    assert "production/c069" in last
    assert "staging" not in first.shown + middle.shown + last.shown


async def test_a_rollout_is_planned_on_top_of_the_fleet() -> None:
    """Closing it leads back."""
    async with harness("http", catalogs=[FLEET]) as here:
        roos = here.slack.person(ROOS)
        card = await _with_buttons(here)
        await roos.press(CHANNEL, card, "Show fleet")
        await roos.modal("Fleet")
        await roos.press_in_modal("Plan rollout")
        plan = await roos.modal("Plan rollout")
        await roos.close()

        assert plan.depth == 2
        assert await roos.modal("Fleet")


@pytest.mark.parametrize("button", ["Show fleet", "Plan rollout"])
async def test_guests_are_refused_privately(button: str) -> None:
    """Nothing opens for them."""
    async with harness("http", catalogs=[FLEET]) as here:
        guest = here.slack.person(GUEST)
        card = await _with_buttons(here)
        await guest.press(CHANNEL, card, button)

        assert await guest.private(CHANNEL, "Only full members")
        await guest.no_modal()


async def test_before_the_clusters_have_been_read_nothing_is_counted() -> None:
    """Neither in the answer nor for a plan."""
    async with harness("http", catalogs=[]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade fleet")
        assert await roos.private(CHANNEL, "have not been read")
        card = await _with_buttons(here)
        await roos.press(CHANNEL, card, "Plan rollout")
        assert await roos.private(CHANNEL, "have not been read", "try again")


async def _with_buttons(here: SlackHarness) -> str:
    """Post a message with the fleet's buttons and return its timestamp."""
    posted = await here.messenger.post(CHANNEL, message("Fleet", fleet.buttons(EVERYWHERE)))
    return posted.ts
