"""Freezing on the page: the form with several environments, the message in the channel, lifting."""

import re

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.world import World
from tests.sandbox.page.test_story import approve, be, desk, request, send, world

__all__ = ["desk", "world"]
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_approver_freezes_and_another_lifts_it(desk: Page, world: World) -> None:  # noqa: ARG001 - runs the bot
    """What would run within it is refused until then, and the message says who lifted it."""
    card = await request(desk, "production/orders")
    await be(desk, "U0SEM")
    await send(desk, "/schedule-upgrade freeze production until in 20 days 18:00")
    form = desk.get_by_role("dialog", name="Freeze upgrades")
    await expect(form).to_contain_text("Until was read as")
    await form.get_by_role("combobox", name="Environments").click()
    await form.get_by_role("option", name="staging").click()
    await form.get_by_role("textbox", name="Reason").fill("Incident 4711: payments are down")
    await form.get_by_role("button", name="Freeze").click()
    await expect(form).to_be_hidden()

    message = desk.get_by_role("article").filter(has=desk.get_by_role("heading", name="Upgrades frozen"))
    await expect(message.last).to_contain_text("Incident 4711")
    await expect(message.last).to_contain_text(re.compile("production.*staging|staging.*production"))
    await expect(card).to_contain_text("is frozen until")

    await be(desk, "U0KIM")
    await message.last.get_by_role("button", name="Lift freeze").click()
    await desk.get_by_role("dialog", name="Lift freeze?").get_by_role("button", name="Lift freeze").click()
    lifted = desk.get_by_role("article").filter(has=desk.get_by_role("heading", name="Freeze lifted"))
    await expect(lifted).to_contain_text("lifted by")
    await expect(card).not_to_contain_text("is frozen until")
    await approve(card)
    await expect(card).to_contain_text("Submitted to Avisi Cloud")
