"""App Home, the cloud panel, the wire, the tour and the themes."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import Payload, button, mrkdwn, option, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _home(text: str) -> Payload:
    menu = {"type": "overflow", "action_id": "menu", "options": [option("Open"), option("Drop")]}
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("Upgrades")},
            {"type": "section", "text": mrkdwn(text), "accessory": menu},
            {"type": "actions", "elements": [button("Schedule upgrade", style="primary")]},
        ],
    }


async def test_home_is_published_and_used(site: Site, page: Page) -> None:
    """Opening Home tells the app; what it publishes is drawn at once, and its buttons and menus work."""

    async def publish(payload: Payload) -> None:
        await site.app.call("views.publish", user_id=payload["event"]["user"], view=_home("*Nothing* is due"))

    site.app.on["event"] = publish
    await page.get_by_role("link", name="Upgrade bot").click()
    await expect(page.get_by_role("heading", name="Upgrades", exact=True)).to_be_visible()
    await expect(page.get_by_text("Nothing is due")).to_be_visible()

    async with page.expect_response("**/action"):
        await page.get_by_role("button", name="Schedule upgrade").click()
    assert site.app.last("block_actions")["container"]["type"] == "view"
    await page.get_by_role("button", name="More").click()
    async with page.expect_response("**/action"):
        await page.get_by_role("menuitem", name="Drop").click()
    assert site.app.last("block_actions")["actions"][0]["selected_option"]["value"] == "Drop"

    await site.app.call("views.publish", user_id="U0ROOS", view=_home("One is due"))
    await expect(page.get_by_text("One is due")).to_be_visible()
    await page.get_by_role("tab", name="Messages").click()
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()


async def test_the_cloud_is_pushed_and_broken(site: Site, page: Page) -> None:
    """An upgrade scheduled outside Slack moves step by step to the chosen outcome; faults are set and reset."""
    panel = page.get_by_role("complementary", name="Cloud")
    await panel.get_by_text("Schedule from outside Slack").click()
    await panel.get_by_label("Upgrade", exact=True).select_option(label="production/payments")
    await panel.get_by_role("button", name="Schedule outside Slack").click()
    await expect(panel.get_by_text("outside Slack", exact=False).first).to_be_visible()
    await panel.get_by_label("The next upgrade").select_option("fails")

    for status in ("SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "FAILED"):
        if site.cloud.upgrades[0].status != status:
            await page.get_by_role("button", name="Step").click()
        await expect(panel.locator(".upgrade .pill")).to_have_text(status)

    await panel.get_by_text("Break it").click()
    await panel.get_by_label("Answer", exact=True).select_option("503 unavailable")
    await panel.get_by_role("checkbox", name="No list of scheduled upgrades").check()
    await expect(panel.get_by_text("Broken: it answers 503, it has no list.")).to_be_visible()
    await panel.get_by_role("button", name="Reset faults").click()
    await expect(panel.get_by_text("Broken:")).to_be_hidden()
    assert site.cloud.faults.standing.status is None


async def test_alerts_are_switched_on_and_off_and_a_tenant_refuses(site: Site, page: Page) -> None:
    """Each tenant is a group of its own that says which clusters it watches."""
    tenants = site.cloud.world.organisations["acme"].tenants
    panel = page.get_by_role("complementary", name="Cloud")
    await panel.get_by_text("Alerts", exact=True).click()
    payments = panel.get_by_role("group", name="acme-payments")
    await expect(payments).to_contain_text("Watches production/payments.")

    await payments.get_by_role("checkbox", name="KubeNodeNotReady").check()
    await expect(panel.get_by_text("Alerts (1 firing)")).to_be_visible()
    assert [alert.name for alert in tenants["acme-payments"].alerts] == ["KubeNodeNotReady"]
    await payments.get_by_role("checkbox", name="KubeNodeNotReady").uncheck()
    await expect(panel.get_by_text("Alerts", exact=True)).to_be_visible()
    assert tenants["acme-payments"].alerts == []

    await payments.get_by_role("checkbox", name="Refuse (403)").check()
    await expect(payments.get_by_role("checkbox", name="Refuse (403)")).to_be_checked()
    development = panel.get_by_role("group", name="acme-development")
    await expect(development.get_by_role("checkbox", name="Refuse (403)")).to_be_checked()
    assert tenants["acme-payments"].status == 403


async def test_one_kind_of_call_goes_wrong(site: Site, page: Page) -> None:
    """By method and path: a POST that is done while its answer is lost, until the faults are reset."""
    panel = page.get_by_role("complementary", name="Cloud")
    await panel.get_by_text("Break it").click()
    await panel.get_by_label("Path").fill("*/scheduled-cluster-upgrades")
    await panel.get_by_label("This call").select_option("is done, but the answer is lost")
    await panel.get_by_label("How often").select_option("until it is reset")
    await panel.get_by_role("button", name="Add this fault").click()

    await expect(panel.get_by_text("Broken: POST */scheduled-cluster-upgrades loses its answer.")).to_be_visible()
    (fault,) = site.cloud.faults.waiting
    assert (fault.method, fault.drop, fault.times) == ("POST", "after", None)
    await panel.get_by_role("button", name="Reset faults").click()
    await expect(panel.get_by_text("Broken:")).to_be_hidden()
    assert site.cloud.faults.waiting == []
    await panel.get_by_label("The next upgrade").select_option("runs past its window")
    await expect(panel.get_by_label("The next upgrade")).to_have_value("overrun")
    assert site.cloud.lifecycle.next_outcome == "overrun"


async def test_the_panel_speaks_in_the_zone_of_the_person_one_is(site: Site, page: Page) -> None:
    """A window is read in Amsterdam by Roos and in New York by Kim, at once after the switch."""
    payments = site.cloud.cluster("production/payments")
    site.cloud.schedule_elsewhere(payments.identity, "v1.31.6-u-ame.9")
    upgrade = page.get_by_role("complementary", name="Cloud").locator(".upgrade")
    await expect(upgrade).to_contain_text("03:00 to 06:00")

    await page.get_by_label("You are").select_option("U0KIM")

    await expect(upgrade).to_contain_text("21:00 to 00:00")


async def test_the_ids_for_a_policy_are_listed(page: Page) -> None:
    """People, user groups and channels, each with its ID."""
    panel = page.get_by_role("complementary", name="Cloud")
    await panel.get_by_text("People, groups and channels").click()
    for name, one in (("Sem Bakker", "U0SEM"), ("@platform", "S0PLATFORM"), ("#production", "C0PROD")):
        await expect(panel.get_by_role("listitem").filter(has_text=name).get_by_text(one)).to_be_visible()


async def test_the_messages_tab_is_told_to_the_app(site: Site, page: Page) -> None:
    """Opening it is the same event as opening Home, with another tab."""
    async with page.expect_response("**/home"):
        await page.goto(site.at("U0ROOS", "D0ROOS"))

    assert site.app.last("event")["event"]["tab"] == "messages"


async def test_the_clock_is_paused_and_set_forward(site: Site, page: Page) -> None:
    """The bar shows the simulated time in the person's zone; the panel moves it."""
    clock = page.get_by_role("group", name="Simulated clock")
    await expect(clock).to_contain_text("Mon 23 Nov 2026, 10:00 CET")
    await page.get_by_role("button", name="1 day").click()
    await expect(clock).to_contain_text("Tue 24 Nov 2026, 10:00 CET")
    await clock.get_by_role("button", name="Let time run").click()
    await expect(clock.get_by_role("button", name="Pause time")).to_be_visible()
    assert not site.cloud.clock.paused


async def test_the_wire_shows_what_is_said_and_no_secret(site: Site, page: Page) -> None:
    """Each delivery and each call stands there as it happens, opens to its request and answer, and hides secrets."""

    async def say(payload: Payload) -> Payload:
        await site.app.say(payload["channel_id"], "Hello")
        return {"text": "Done"}

    site.app.on["command"] = say
    await page.get_by_role("button", name="Wire").click()
    await page.get_by_role("textbox", name="Message").fill("/schedule-upgrade list")
    await page.get_by_role("textbox", name="Message").press("Enter")

    wire = page.get_by_role("region", name="Wire", exact=True)
    await expect(wire.get_by_role("row", name="/schedule-upgrade")).to_contain_text("Roos de Vries")
    await expect(wire.get_by_role("row", name="chat.postMessage")).to_contain_text("from the bot")
    await wire.get_by_role("button", name="Details of /schedule-upgrade").click()
    await expect(wire.locator("pre").first).to_contain_text('"text": "list"')
    text = await wire.inner_text()
    assert site.slack.app.bot_token not in text
    assert site.slack.app.verification_token not in text
    await wire.get_by_label("Show").select_option("From the bot to Slack")
    await expect(wire.get_by_role("row", name="/schedule-upgrade")).to_have_count(0)


async def test_the_tour_guides_and_stays_away_once_left(site: Site, browser: Browser) -> None:
    """A first visit gets the tour; it moves on by itself, can be left, and comes back only when asked for."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(site.at("U0ROOS"))
    tour = page.get_by_role("complementary", name="Guided tour")
    await expect(tour).to_contain_text("Step 1 of 5")
    await tour.get_by_role("button", name="Type it for me").click()
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("/schedule-upgrade")
    await tour.get_by_role("button", name="Next").click()
    await expect(tour).to_contain_text("Step 2 of 5")
    await tour.get_by_role("button", name="Leave the tour").click()
    await page.reload()
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(tour).to_be_hidden()
    await page.get_by_role("button", name="Guided tour").click()
    await expect(tour).to_contain_text("Step 1 of 5")
    await context.close()


async def test_the_theme_follows_the_system_until_one_chooses(page: Page) -> None:
    """Light and dark come from the system; the button overrules it, and the choice stays."""
    ground = "getComputedStyle(document.querySelector('#main')).backgroundColor"
    light = await page.evaluate(ground)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(ground)
    assert dark != light
    await page.get_by_role("button", name="Light theme").click()
    assert await page.evaluate(ground) == light
    await page.reload()
    await page.get_by_role("textbox", name="Message").wait_for()
    assert await page.evaluate(ground) == light


async def test_a_restart_is_survived(site: Site, page: Page) -> None:
    """While the sandbox is away the page says so, and when it is back the page shows what is there now."""
    await site.app.say("C0UPGRADES", "Before it went")
    await expect(page.get_by_text("Before it went")).to_be_visible()
    port, saved = int(site.slack.url.rsplit(":", 1)[1]), site.slack.snapshot()

    await site.slack.close()
    await expect(page.get_by_role("alert").filter(has_text="Trying again")).to_be_visible()

    saved["messages"][-1]["text"] = "After it came back"
    site.slack.restore(saved)
    await site.slack.start(port=port)
    await expect(page.get_by_text("After it came back")).to_be_visible()
