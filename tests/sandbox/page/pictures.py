"""Takes the pictures of the README and the documentation: `python -m tests.sandbox.page.pictures [FOLDER]`.

The folder is `docs/pictures` unless another is named.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

from bot.audit_output import write_report
from bot.domain.people import MemberId
from bot.observe import logs
from bot.sandbox.world import SandboxOptions, World
from bot.slack.web.names import slack_names
from tests.sandbox.page.conftest import FLAGS, PATIENCE
from tests.sandbox.page.test_story import approve, be, form, step_until

SHEET: ViewportSize = {"width": 760, "height": 1370}
SIZE: ViewportSize = {"width": 1440, "height": 900}
TALL: ViewportSize = {"width": 1500, "height": 1060}


async def main(folder: Path) -> None:
    """Play the story once and keep what it shows."""
    world = World.make(SandboxOptions(port=0))
    world.clock.pause()
    await world.start()
    world.cloud.fire("acme-production", "KubePersistentVolumeFillingUp")
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = await browser.new_page(
                viewport=SIZE, device_scale_factor=1.5, locale="en-GB", reduced_motion="reduce"
            )
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            await page.add_init_script(
                "if (location.protocol === 'http:') localStorage.setItem('sandbox.tour', 'done')"
            )
            await page.goto(f"{world.slack.url}/#/U0ROOS/C0UPGRADES")
            await page.get_by_role("textbox", name="Message").wait_for()
            await _succeeding(page, folder)
            await _evidence(await browser.new_page(viewport=SHEET, device_scale_factor=1.5), world, folder)
            await _failing(page, folder)
            await browser.close()
    finally:
        await world.close()


async def _succeeding(page: Page, folder: Path) -> None:
    card = await _ask(page, "production/orders", reason="CVE-2026-31337 in the kubelet", picture=folder / "modal.png")
    await be(page, "U0SEM")
    await _of(card, folder / "card.png")
    await card.get_by_role("button", name="Readiness").click()
    shown = page.get_by_role("dialog", name="Readiness")
    await expect(shown).to_contain_text("The cluster was read")
    await shown.screenshot(path=folder / "readiness.png")
    await shown.get_by_role("button", name="Close").last.click()
    await page.get_by_role("link", name="Upgrade Bot").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("production/orders")
    await page.screenshot(path=folder / "home.png")
    await page.get_by_role("link", name="cluster-upgrades").click()
    await approve(card)
    await expect(page.locator(".upgrade .pill")).to_be_visible()
    await step_until(page, "SCHEDULED_NOTIFIED")
    reminder = page.get_by_role("article").filter(has_text="Upcoming").first
    await expect(reminder).to_be_visible()
    await expect(card).to_contain_text("contacts have been notified")
    await expect(card).to_contain_text("replies")
    await _of(reminder, folder / "reminder.png")
    await page.set_viewport_size(TALL)
    await page.get_by_text("Open the card").last.scroll_into_view_if_needed()
    await page.screenshot(path=folder / "page.png")
    await card.get_by_role("button", name="replies").click()
    await expect(page.get_by_role("textbox", name="Reply")).to_be_visible()
    await page.mouse.move(0, 0)
    await page.screenshot(path=folder / "thread.png")
    await page.set_viewport_size(SIZE)
    await page.get_by_role("button", name="Close thread").click()
    await step_until(page, "SUCCEEDED")


async def _evidence(page: Page, world: World, folder: Path) -> None:
    """Show the evidence of the upgrade that succeeded, as `audit report --names` writes it."""
    bot = world.bot
    assert bot is not None
    settings = bot.settings
    url, token = settings.bot_database_url.get_secret_value(), settings.slack_bot_token.get_secret_value()
    async with bot.storage.read() as work:
        (request, *_) = await work.requests.by(MemberId("U0ROOS"), limit=1)
    with tempfile.TemporaryDirectory() as place:
        written = Path(place) / "evidence.html"
        async with slack_names(token=token, base_url=settings.slack_api_url) as names:
            await write_report(url, request=request.id, output=written, at=world.clock(), name_of=names.of)
        await page.goto(written.as_uri())
        await page.screenshot(path=folder / "evidence.png")


async def _failing(page: Page, folder: Path) -> None:
    await be(page, "U0ROOS")
    card = await _ask(page, "production/webshop", reason="Out of support in January")
    await page.get_by_label("The next upgrade").select_option("fails")
    await be(page, "U0SEM")
    await approve(card)
    await expect(page.locator(".upgrade .pill")).to_have_count(2)
    await step_until(page, "FAILED")
    alert = page.get_by_role("article").filter(has_text="No further attempt is scheduled.").last
    await expect(alert).to_be_visible()
    await _of(alert, folder / "alert.png")
    await page.emulate_media(color_scheme="dark")
    await page.get_by_role("button", name="Wire").click()
    await page.mouse.move(0, 0)
    await page.screenshot(path=folder / "dark.png")


async def _ask(page: Page, cluster: str, *, reason: str, picture: Path | None = None) -> Locator:
    dialog = await form(page, typed=f"/schedule-upgrade {cluster}")
    await dialog.get_by_role("combobox", name="Version").click()
    await dialog.get_by_role("option").first.click()
    await dialog.get_by_role("textbox", name="Reason").fill(reason)
    if picture:
        await page.screenshot(path=picture)
    await dialog.get_by_role("button", name="Request").click()
    await expect(dialog).to_be_hidden()
    card = page.get_by_role("article").filter(has_text=reason)
    await expect(card).to_be_visible()
    await expect(card).to_contain_text("1 reply")
    return card


async def _of(message: Locator, path: Path) -> None:
    await message.scroll_into_view_if_needed()
    await message.page.mouse.move(0, 0)
    await message.screenshot(path=path)


if __name__ == "__main__":
    logs.set_up(form=None, level="warning")
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/pictures")
    place.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(place))
