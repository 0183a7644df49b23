"""The message box: sending, commands, and what it offers while one types."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import Payload

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_only_the_command_itself_is_completed(page: Page) -> None:
    """As in Slack: Tab takes the command, and its words are the person's own."""
    box = page.get_by_role("textbox", name="Message")
    offers = page.get_by_role("listbox", name="Suggestions")
    await box.press_sequentially("/sch")
    await expect(offers.get_by_role("option")).to_have_count(1)
    await expect(offers.get_by_role("option")).to_contain_text("status cluster")
    await box.press("Tab")
    await expect(box).to_have_value("/schedule-upgrade ")
    await expect(offers).to_have_count(0)
    await box.press_sequentially("sta")
    await expect(offers).to_have_count(0)


async def test_a_command_begins_with_the_first_character(site: Site, page: Page) -> None:
    """A slash after a space is ordinary text."""
    box = page.get_by_role("textbox", name="Message")
    await box.fill(" /schedule-upgrade list")
    await box.press("Enter")

    await expect(page.get_by_role("article")).to_contain_text("/schedule-upgrade list")
    assert site.app.heard == []


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
