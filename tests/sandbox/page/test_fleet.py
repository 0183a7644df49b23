"""Times that fit and the fleet in a browser, with the real bot behind the page."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from bot.sandbox.world import SandboxOptions, World
from tests.sandbox.page.test_story import form, send

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def world() -> AsyncIterator[World]:
    """Give a sandbox with a fleet of 60 clusters, whose clock stands still."""
    world = World.make(SandboxOptions(port=0, clusters=60))
    world.clock.pause()
    await world.start()
    yield world
    await world.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(world: World, context: BrowserContext) -> Page:
    """Give the page as Roos sees it."""
    page = await context.new_page()
    await page.goto(f"{world.slack.url}/#/U0ROOS/C0UPGRADES")
    await page.get_by_role("textbox", name="Message").wait_for()
    return page


async def test_a_time_that_fits_is_filled_in_by_one_press_and_the_rest_stays(desk: Page) -> None:
    """Reason and version are as they were; the press of another one fills in that."""
    dialog = await form(desk, typed="/schedule-upgrade production/orders")
    await dialog.get_by_role("combobox", name="Version").click()
    await dialog.get_by_role("option").first.click()
    version = await dialog.get_by_role("combobox", name="Version").input_value()
    await dialog.get_by_role("textbox", name="Reason").fill("CVE-2026-31337")
    times = dialog.get_by_role("button", name=re.compile(r"^\w{3} \d{1,2} \w{3}, \d\d:\d\d$"))
    await expect(times).to_have_count(3)
    start = dialog.get_by_label("Start date and time")
    await expect(start).to_have_value("")

    for number in (1, 0):
        wanted = (await times.nth(number).inner_text()).split(", ")[1]
        await times.nth(number).click()
        await expect(start).to_have_value(re.compile(rf"T{wanted}$"))

    await expect(dialog.get_by_role("textbox", name="Reason")).to_have_value("CVE-2026-31337")
    await expect(dialog.get_by_role("combobox", name="Version")).to_have_value(version)


async def test_the_fleet_is_turned_page_by_page(desk: Page) -> None:
    """From the private answer to the list of all, and on to planning a rollout."""
    dialog = await form(desk)  # opens once the clusters have been read
    await expect(dialog.get_by_role("combobox", name="Cluster")).to_be_visible()
    await dialog.get_by_role("button", name="Cancel").click()
    await send(desk, "/schedule-upgrade fleet")
    answer = desk.get_by_role("article").filter(has_text="60 clusters: ").last
    await expect(answer).to_contain_text("The 20 most pressing of 60")
    await answer.get_by_role("button", name="Show fleet").click()
    dialog = desk.get_by_role("dialog", name="Fleet")
    await expect(dialog).to_contain_text("Page 1 of 2.")
    await dialog.get_by_role("button", name="Next").click()
    await expect(dialog).to_contain_text("Page 2 of 2.")
    await dialog.get_by_role("button", name="Plan rollout").click()

    await expect(desk.get_by_role("dialog", name="Plan rollout")).to_be_visible()
