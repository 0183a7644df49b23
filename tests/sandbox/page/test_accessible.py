"""Everybody can use the page: axe finds nothing, the keyboard reaches everything, nothing is cut off."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.test_modals import grouped
from tests.sandbox.page.toy_app import Payload, button, field, modal, mrkdwn, option, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def violations(page: Page) -> list[str]:
    """Give what axe objects to, each with the elements it means."""
    results = await Axe().run(page)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in results.response["violations"]
        for node in one["nodes"]
    ]


async def filled(site: Site, page: Page) -> None:
    """Fill the workspace, with a modal ready to open."""
    text = "*Bold* `code` <@U0ROOS> <@U0SEM> <!here> <#C0PROD> <https://example.com|link>\n> quote\n```pre```"
    menu = {"type": "static_select", "action_id": "menu", "placeholder": plain("Pick"), "options": [option("One")]}
    overflow = {"type": "overflow", "action_id": "more", "options": [option("Open"), option("Drop")]}
    blocks = [
        {"type": "header", "text": plain("Upgrade")},
        {"type": "section", "text": mrkdwn(text), "accessory": overflow},
        {"type": "section", "fields": [mrkdwn("*From*\nv1"), mrkdwn("*To*\nv2")]},
        {"type": "context", "elements": [mrkdwn("Quiet words")]},
        {"type": "divider"},
        {"type": "actions", "elements": [button("Approve", style="primary"), button("Reject", style="danger"), menu]},
    ]
    ts = await site.app.say("C0UPGRADES", "Card", blocks=blocks)
    await site.app.call("chat.update", channel="C0UPGRADES", ts=ts, text="Card", blocks=blocks)
    await site.app.say("C0UPGRADES", "Reply", thread_ts=ts)
    await site.app.call("chat.postEphemeral", channel="C0UPGRADES", user="U0ROOS", text="Private")
    await site.app.say("C0PROD", "<@U0ROOS> look")
    payments = site.cloud.cluster("production/payments")
    site.cloud.schedule_elsewhere(payments.identity, "v1.31.6-u-ame.9")

    async def open_it(command: Payload) -> None:
        boxes = {"type": "checkboxes", "options": [option("Tick me")]}
        view = modal(
            "Ask",
            field("Cluster", grouped(), optional=True),
            field("Start", {"type": "datetimepicker"}, hint=plain("When")),
            field("Windows", boxes, optional=True),
            field("Reason", {"type": "plain_text_input", "multiline": True}),
        )
        await site.app.call("views.open", trigger_id=command["trigger_id"], view=view)

    site.app.on["command"] = open_it
    await expect(page.get_by_role("button", name="1 reply")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(site: Site, page: Page, scheme: str) -> None:
    """In either theme: the workspace, a thread, the panels, a modal with a list open and with errors, and Home."""
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await filled(site, page)
    for words in ("Schedule from outside Slack", "Break it", "Clusters (8)"):
        await page.get_by_role("complementary", name="Cloud").get_by_text(words, exact=True).click()
    await page.get_by_role("button", name="Wire").click()
    await page.get_by_role("button", name="Details of chat.update").click()
    await page.get_by_role("button", name="Guided tour").click()
    assert await violations(page) == []

    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("textbox", name="Reply")).to_be_visible()
    await page.get_by_role("textbox", name="Message").press_sequentially("/schedule-upgrade ")
    assert await violations(page) == []

    await page.get_by_role("textbox", name="Message").fill("/schedule-upgrade")
    await page.get_by_role("textbox", name="Message").press("Enter")
    await page.get_by_role("dialog", name="Ask").get_by_role("button", name="Send").click()
    await page.get_by_role("combobox", name="Cluster").click()
    assert await violations(page) == []

    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.goto(site.at("U0ROOS", "home"))
    await expect(page.get_by_role("tab", name="Home")).to_be_visible()
    assert await violations(page) == []


async def test_nothing_is_cut_off_at_1024(site: Site, browser: Browser) -> None:
    """At 1024 pixels nothing scrolls sideways, with every panel open."""
    context = await browser.new_context(viewport={"width": 1024, "height": 700})
    page = await context.new_page()
    await page.goto(site.at("U0ROOS"))
    await filled(site, page)
    wide = "[...document.querySelectorAll('html, #top, #main, .scroller, .panel, #thread, .dialog-body')]"
    wide += ".filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.id || node.className)"
    assert await page.evaluate(wide) == []
    await page.get_by_role("button", name="Wire").click()
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("textbox", name="Reply")).to_be_visible()
    assert await page.evaluate(wide) == []
    await context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (640, 400)])
async def test_a_narrow_page_shows_one_pane_at_a_time(site: Site, browser: Browser, width: int, height: int) -> None:
    """On a telephone, and at 200 % on a small screen: all is in reach, nothing scrolls sideways, axe is content."""
    context = await browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    await context.add_init_script("if (location.protocol === 'http:') localStorage.setItem('sandbox.tour', 'done')")
    page = await context.new_page()
    await page.goto(site.at("U0ROOS"))
    await filled(site, page)
    wide = "[...document.querySelectorAll('html, #top, #main, #sidebar, .scroller, .panel, #thread, .dialog-body')]"
    wide += ".filter((node) => node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1)"
    wide += ".map((node) => node.id || node.className)"
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
    assert await page.evaluate(wide) == []
    assert await violations(page) == []

    await page.get_by_role("button", name="Conversations").click()
    assert await violations(page) == []
    await page.get_by_role("link", name="production").click()
    await expect(page.get_by_role("heading", name="production")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    await page.goto(site.at("U0ROOS"))

    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("textbox", name="Reply")).to_be_visible()
    assert await page.evaluate(wide) == []
    assert await violations(page) == []
    await page.get_by_role("button", name="Close thread").click()

    for name in ("Cloud", "Wire"):
        await page.get_by_role("button", name=name).click()
        await expect(page.get_by_role("textbox", name="Message")).to_be_hidden()
        assert await page.evaluate(wide) == []
        assert await violations(page) == []
        await page.get_by_role("button", name=name).click()

    await page.get_by_role("button", name="Guided tour").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="Leave the tour").click()
    await page.get_by_role("textbox", name="Message").fill("/schedule-upgrade")
    await page.get_by_role("textbox", name="Message").press("Enter")
    await expect(page.get_by_role("dialog", name="Ask").get_by_role("button", name="Send")).to_be_in_viewport()
    assert await page.evaluate(wide) == []
    assert await violations(page) == []
    await context.close()


async def test_the_story_needs_no_mouse(site: Site, page: Page) -> None:
    """From the address bar on, Tab reaches the switch of person, the sidebar, a card's button and the message box."""
    await filled(site, page)
    seen: list[str] = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        seen.append(
            await page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.id || document.activeElement.textContent"
            )
        )
    for name in ("you-are", "step", "production", "Approve", "Message", "Reply in thread"):
        assert any(name in one for one in seen), (name, seen)
