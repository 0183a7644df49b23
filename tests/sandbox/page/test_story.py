"""The whole product in a browser: people ask, decide and read, with the real bot between Slack and the cloud."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect

from bot.sandbox.avisi.content import fleet
from bot.sandbox.world import SandboxOptions, World

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIELDS = ("Cluster", "Version", "Start date and time", "Ignore maintenance windows", "Reason")


@pytest_asyncio.fixture(loop_scope="session")
async def world() -> AsyncIterator[World]:
    """Give a sandbox whose clock stands still until it is stepped."""
    world = World.make(SandboxOptions(port=0))
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


async def be(page: Page, person: str) -> None:
    """Become somebody, and wait until the page is theirs."""
    switch = page.get_by_role("combobox", name="You are")
    await switch.select_option(person)
    name = await switch.locator("option:checked").inner_text()
    await expect(page).to_have_title(re.compile(name.split(" · ")[0]))


async def send(page: Page, text: str) -> None:
    """Write in the message box and send it."""
    box = page.get_by_role("textbox", name="Message")
    await box.fill(text)
    await box.press("Enter")


async def form(page: Page, *, typed: str = "/schedule-upgrade") -> Locator:
    """Open the bot's form."""
    await send(page, typed)
    dialog = page.get_by_role("dialog", name="Schedule upgrade")
    await expect(dialog).to_be_visible()
    return dialog


async def request(page: Page, cluster: str) -> Locator:
    """Ask for the newest version for a cluster (`environment/slug`), and give the card."""
    dialog = await form(page, typed=f"/schedule-upgrade {cluster}")
    await dialog.get_by_role("combobox", name="Version").click()
    await dialog.get_by_role("option").first.click()
    await dialog.get_by_role("button", name="Request").click()
    await expect(dialog).to_be_hidden()
    slug = cluster.rsplit("/", 1)[-1]
    card = page.get_by_role("article").filter(has=page.get_by_role("heading", name=f"{slug}: upgrade to"))
    await expect(card.last).to_be_visible()
    return card.last


async def approve(beside: Locator) -> None:
    """Press Approve on a card, or in App Home, and say yes to what Slack asks."""
    await beside.get_by_role("button", name="Approve").click()
    dialog = beside.page.get_by_role("dialog", name="Approve?")
    await expect(dialog).to_contain_text("Avisi Cloud offers no way to cancel.")
    await dialog.get_by_role("button", name="Approve").click()


async def step_until(page: Page, status: str) -> None:
    """Press Step until the newest upgrade in the panel has a status."""
    pill = page.get_by_role("complementary", name="Cloud").locator(".upgrade .pill").first
    for _ in range(8):
        before = await pill.inner_text()
        if before == status:
            return
        await page.get_by_role("button", name="Step").click()
        await expect(pill).not_to_have_text(before)
    await expect(pill).to_have_text(status)


async def test_two_people_carry_an_upgrade_through(desk: Page) -> None:
    """Roos asks, may not approve, Sem approves; the reminder comes; it succeeds; the thread and the DM tell it all.

    Each field of the form is the only one on the page with its label.
    """
    page = desk
    dialog = await form(page)
    await dialog.get_by_role("combobox", name="Cluster").click()
    await dialog.get_by_role("group", name="production").get_by_role("option", name="orders").click()
    await expect(dialog.get_by_text("Current version")).to_be_visible()
    for label in FIELDS:
        await expect(page.get_by_label(label)).to_have_count(1)
    await dialog.get_by_role("button", name="Request").click()
    await expect(dialog.get_by_role("combobox", name="Version")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_role("combobox", name="Version").click()
    await dialog.get_by_role("option").first.click()
    await dialog.get_by_role("textbox", name="Reason").fill("Fixes <!channel> & more")
    await dialog.get_by_role("button", name="Request").click()
    card = page.get_by_role("article").filter(has=page.get_by_role("heading", name="production/orders: upgrade to"))
    await expect(card).to_contain_text("Fixes <!channel> & more")

    await approve(card)
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await be(page, "U0SEM")
    await approve(card)
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page.locator(".upgrade .pill")).to_be_visible()

    await step_until(page, "SCHEDULED_NOTIFIED")
    reminder = page.get_by_role("article").filter(has_text="Upcoming")
    await expect(reminder.first).to_contain_text("production/orders")
    await step_until(page, "SUCCEEDED")
    await expect(card).to_contain_text("Done: the cluster now runs")

    await card.get_by_role("button", name="replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("Sem Bakker approved")
    await be(page, "U0ROOS")
    await page.get_by_role("link", name="Upgrade Bot").click()
    await expect(page.get_by_text(re.compile(r"production/orders: upgrade to \S+ is done"))).to_be_visible()
    await page.get_by_role("link", name="Open the card").last.click()
    await expect(card).to_be_in_viewport()


async def test_readiness_follows_what_the_panel_does_to_the_cloud(desk: Page) -> None:
    """In the form, behind the button of the card, and for a cluster that is stopped or upgrades itself."""
    panel = desk.get_by_role("complementary", name="Cloud")
    dialog = await form(desk, typed="/schedule-upgrade production/payments 1.31")
    await expect(dialog).to_contain_text("Alerts: none firing")
    await expect(dialog).to_contain_text("system (eu-west-1a): nodes are upgraded in place")
    await dialog.get_by_role("button", name="Cancel").click()
    card = await request(desk, "production/payments")

    await panel.get_by_text("Alerts", exact=True).click()
    payments = panel.get_by_role("group", name="acme-payments")
    await payments.get_by_role("checkbox", name="KubeNodeNotReady").check()
    await panel.get_by_role("button", name="1 hour").click()
    await card.get_by_role("button", name="Readiness").click()
    shown = desk.get_by_role("dialog", name="Readiness")
    await expect(shown).to_contain_text("1 alert is firing: KubeNodeNotReady")
    await shown.get_by_role("button", name="Close").last.click()

    for cluster, line in (
        ("development/archive", "It is stopped, so an upgrade of it cannot run."),
        ("development/ci-runners", "Auto-upgrade is on"),
        ("development/ci-runners", "could not be read (403)"),
        ("production/orders", "It follows staging/orders"),
    ):
        await send(desk, f"/schedule-upgrade status {cluster}")
        told = desk.get_by_role("article").filter(has_text=cluster).filter(has_text=line)
        await expect(told.last).to_be_visible()


async def test_the_tour_leads_through_the_story(desk: Page) -> None:
    """Five steps, each waiting for what it asks for: the form, the request, a colleague's approval, the reminder."""
    await desk.get_by_role("button", name="Guided tour").click()
    tour = desk.get_by_role("complementary", name="Guided tour")
    await tour.get_by_role("button", name="Type it for me").click()
    card = await request(desk, "production/orders")
    await expect(tour).to_contain_text("Step 3 of 5")
    await approve(card)
    await expect(desk.get_by_text("Only visible to you")).to_be_visible()
    await expect(tour).to_contain_text("Step 3 of 5")
    await be(desk, "U0SEM")
    await approve(card)
    await expect(tour).to_contain_text("Step 4 of 5")
    await expect(desk.locator(".upgrade .pill")).to_be_visible()
    await step_until(desk, "SCHEDULED_NOTIFIED")
    await expect(tour).to_contain_text("Step 5 of 5")
    await tour.get_by_role("button", name="Done").click()
    await expect(tour).to_be_hidden()


async def test_a_rejection_carries_its_reason(desk: Page) -> None:
    """Kim rejects with a reason; the card says so and loses its buttons."""
    card = await request(desk, "production/webshop")
    await be(desk, "U0KIM")
    await card.get_by_role("button", name="Reject").click()
    dialog = desk.get_by_role("dialog", name="Reject upgrade")
    await dialog.get_by_role("button", name="Reject").click()
    await expect(dialog.get_by_role("textbox", name="Reason")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_role("textbox", name="Reason").fill("Not during the sale")
    await dialog.get_by_role("button", name="Reject").click()

    await expect(card).to_contain_text("Not during the sale")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_failed_upgrade_is_an_alert(desk: Page) -> None:
    """In the dark theme: the cloud is told to fail, and the channel gets an alert that mentions who is on call."""
    await desk.emulate_media(color_scheme="dark")
    card = await request(desk, "production/orders")
    await desk.get_by_label("The next upgrade").select_option("fails")
    await be(desk, "U0SEM")
    await approve(card)
    await expect(desk.locator(".upgrade .pill")).to_be_visible()

    await step_until(desk, "FAILED")

    alert = desk.get_by_role("article").filter(has_text="No further attempt is scheduled.")
    await expect(alert).to_contain_text("@on-call")
    await expect(alert.get_by_role("button", name="Reschedule")).to_be_visible()


async def test_home_shows_what_waits_for_a_decision(desk: Page) -> None:
    """Sem finds the request in App Home and approves it there; the next look at it shows that nothing waits."""
    await request(desk, "production/orders")
    await be(desk, "U0SEM")
    await desk.get_by_role("link", name="Upgrade Bot").click()
    home = desk.get_by_role("tabpanel", name="Home")
    await expect(home).to_contain_text("production/orders")
    await approve(home)
    await expect(desk.get_by_role("link", name="Upgrade Bot")).to_contain_text("1 unread")
    await desk.get_by_role("tab", name="Messages").click()
    await expect(desk.get_by_text("Approved (1 of 1).")).to_be_visible()
    await desk.get_by_role("tab", name="Home").click()
    await expect(home).to_contain_text("Waiting for your decision")
    await expect(home.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_guest_is_refused(desk: Page) -> None:
    """The guest gets a private answer and no form."""
    await be(desk, "U0GIJS")
    await send(desk, "/schedule-upgrade")
    await expect(desk.get_by_text("Only visible to you")).to_be_visible()
    await expect(desk.get_by_role("dialog")).to_have_count(0)


async def test_150_clusters_are_searched(context: BrowserContext) -> None:
    """With more clusters than a menu holds, the form asks the bot while one types."""
    world = World.make(SandboxOptions(port=0))
    fleet(world.cloud.organisation(), 150)
    await world.start()
    page = await context.new_page()
    await page.goto(f"{world.slack.url}/#/U0ROOS/C0UPGRADES")
    await page.get_by_role("textbox", name="Message").wait_for()
    dialog = await form(page)
    await dialog.get_by_role("combobox", name="Cluster").press_sequentially("fleet-147")
    await dialog.get_by_role("option", name="fleet-147").click()
    await expect(dialog.get_by_text("Current version")).to_be_visible()
    await expect(dialog.get_by_role("combobox", name="Cluster")).to_have_value("production/fleet-147")
    await page.close()
    await world.close()


async def test_a_change_number_is_filled_in_and_leads_to_its_page(context: BrowserContext, tmp_path: Path) -> None:
    """The field says what a number looks like, what is wrong stands at it, and the card links it."""
    policy = tmp_path / "policy.toml"
    change = 'change = { pattern = "CHG[0-9]{7}", url = "https://itsm.example.com/{change}" }'
    policy.write_text(f'[defaults]\nchannel = "C0UPGRADES"\napprovers = ["S0PLATFORM"]\n{change}\n', encoding="utf-8")
    world = World.make(SandboxOptions(port=0, policy=policy))
    world.clock.pause()
    await world.start()
    page = await context.new_page()
    await page.goto(f"{world.slack.url}/#/U0ROOS/C0UPGRADES")
    dialog = await form(page, typed="/schedule-upgrade production/orders")
    await dialog.get_by_role("combobox", name="Version").click()
    await dialog.get_by_role("option").first.click()
    number = dialog.get_by_role("textbox", name="Change")
    await expect(number).to_have_accessible_description("such as CHG0000000")
    await number.fill("CHG12")
    await dialog.get_by_role("button", name="Request").click()
    await expect(number).to_have_attribute("aria-invalid", "true")
    await number.fill("CHG0012345")
    await dialog.get_by_role("button", name="Request").click()

    await expect(dialog).to_be_hidden()
    link = page.get_by_role("article").get_by_role("link", name="CHG0012345")
    await expect(link).to_have_attribute("href", "https://itsm.example.com/CHG0012345")
    await page.close()
    await world.close()
