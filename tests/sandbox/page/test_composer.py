"""The message box: sending, commands, and what it offers while one types."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import Payload

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_command_and_its_words_are_offered(page: Page) -> None:
    """Tab takes the command, then its words and the clusters that exist."""
    box = page.get_by_role("textbox", name="Message")
    await box.press_sequentially("/sch")
    await expect(page.get_by_role("listbox", name="Suggestions").get_by_role("option")).to_have_count(1)
    await box.press("Tab")
    await expect(box).to_have_value("/schedule-upgrade ")

    words = ["list", "status", "help"]
    offered = page.get_by_role("listbox", name="Suggestions").get_by_role("option").locator("span")
    await expect(offered).to_have_text([*words, *[re.compile(".+/.+")] * 5])
    await box.press_sequentially("sta")
    await box.press("ArrowDown")
    await box.press("Enter")
    await expect(box).to_have_value("/schedule-upgrade status ")
    offered = page.get_by_role("listbox", name="Suggestions")
    await expect(offered.get_by_role("option", name="production/payments")).to_be_visible()
    await box.press("Escape")
    await expect(page.get_by_role("listbox", name="Suggestions")).to_have_count(0)


async def test_enter_sends_a_command_with_its_words(site: Site, page: Page) -> None:
    """Enter sends what stands there, also while words are offered."""

    async def answer(_: Payload) -> Payload:
        return {"text": "Nothing is scheduled."}

    site.app.on["command"] = answer
    box = page.get_by_role("textbox", name="Message")
    await box.fill("/schedule-upgrade list")
    await box.press("Enter")

    await expect(page.get_by_text("Nothing is scheduled.")).to_be_visible()
    await expect(box).to_have_value("")
    sent = site.app.last("command")
    assert (sent["command"], sent["text"], sent["user_id"]) == ("/schedule-upgrade", "list", "U0ROOS")


async def test_an_app_that_is_too_slow_is_told(site: Site, page: Page) -> None:
    """After three seconds the person reads that it timed out."""

    async def sleep(_: Payload) -> None:
        await asyncio.sleep(3.2)

    site.app.on["command"] = sleep
    box = page.get_by_role("textbox", name="Message")
    await box.fill("/schedule-upgrade")
    await box.press("Enter")

    await expect(page.get_by_text("operation_timeout")).to_be_visible()


async def test_an_unknown_command_stays_in_the_box(page: Page) -> None:
    """What is no command is not sent and not lost."""
    box = page.get_by_role("textbox", name="Message")
    await box.fill("/nonsense")
    await box.press("Enter")

    await expect(page.get_by_text("/nonsense is not a valid command.")).to_be_visible()
    await expect(box).to_have_value("/nonsense")


async def test_commands_do_not_work_in_threads(site: Site, page: Page) -> None:
    """As in Slack."""
    await site.app.say("C0UPGRADES", "Parent")
    await page.get_by_role("article").hover()
    await page.get_by_role("button", name="Reply in thread").click()
    await page.get_by_role("textbox", name="Reply").fill("/schedule-upgrade")
    await page.get_by_role("textbox", name="Reply").press("Enter")

    await expect(page.get_by_text("is not supported in threads")).to_be_visible()
    assert site.app.heard == []


async def test_what_one_was_writing_is_kept(site: Site, page: Page) -> None:
    """A draft waits in its conversation."""
    await page.get_by_role("textbox", name="Message").fill("Half a th")
    await page.goto(site.at("U0ROOS", "C0PROD"))
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("")
    await page.goto(site.at("U0ROOS"))
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("Half a th")
