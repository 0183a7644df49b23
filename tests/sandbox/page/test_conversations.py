"""Conversations: what is said, to whom, and how it is drawn."""

import asyncio
import re

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import button, mrkdwn, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")
CHANNEL = "C0UPGRADES"


async def test_a_message_reaches_everybody_who_looks(site: Site, page: Page, context: BrowserContext) -> None:
    """Tabs stay in step without reloading, and what looks like markup is only text."""
    other = await context.new_page()
    await other.goto(site.at("U0SEM"))

    await page.get_by_role("textbox", name="Message").fill("See <b>this</b> & *that*")
    await page.get_by_role("textbox", name="Message").press("Enter")

    message = other.get_by_role("article", name="Roos de Vries")
    await expect(message.locator(".text")).to_have_text("See <b>this</b> & that")
    await expect(message.locator("strong", has_text="that")).to_be_visible()


async def test_many_tabs_stay_in_step(site: Site, page: Page, context: BrowserContext) -> None:
    """Six people in six tabs of one browser, more than it has connections for: all see the same."""
    others = [await context.new_page() for _ in range(5)]
    for other, person in zip(others, ("U0SEM", "U0KIM", "U0NOOR", "U0GIJS", "U0ROOS"), strict=True):
        await other.goto(site.at(person))
        await expect(other.get_by_role("textbox", name="Message")).to_be_visible()

    await site.app.say(CHANNEL, "To everybody")

    for tab in (page, *others):
        await expect(tab.get_by_text("To everybody")).to_be_visible()


async def test_mrkdwn_is_drawn_for_the_reader(site: Site, page: Page) -> None:
    """Styles, mentions and dates come out as Slack shows them, in the reader's zone; escaped text stays text."""
    seconds = int(site.cloud.clock().timestamp()) + 26 * 3600
    text = (
        "*bold* _italic_ ~gone~ `a < b` SCHEDULED_NOTIFIED_X\n> quoted\n```one\ntwo```\n"
        f"<@U0ROOS> <@U0SEM> <!subteam^S0PLATFORM> <!here> <#C0PROD> &lt;!channel&gt; @channel\n"
        f"<https://example.com/a?b=1&amp;c=2|the page> <!date^{seconds}^{{date_short_pretty}} at {{time}}|soon>"
    ).replace("a < b", "a &lt; b")
    await site.app.say(CHANNEL, "x", blocks=[{"type": "section", "text": mrkdwn(text)}])

    body = page.get_by_role("article", name="Upgrade bot").locator(".text")
    await expect(body.locator("strong")).to_have_text("bold")
    await expect(body.locator("em")).to_have_text("italic")
    await expect(body.locator("s")).to_have_text("gone")
    await expect(body.locator("code")).to_have_text("a < b")
    await expect(body.locator("blockquote")).to_have_text("quoted")
    await expect(body.locator("pre")).to_have_text("one\ntwo")
    await expect(body.locator(".mention")).to_have_text(
        ["@Roos de Vries", "@Sem Bakker", "@platform", "@here", "#production"]
    )
    await expect(body).to_contain_text("<!channel> @channel")
    await expect(body).to_contain_text("SCHEDULED_NOTIFIED_X")
    await expect(body.get_by_role("link", name="the page")).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    await expect(body.locator("time")).to_have_text("tomorrow at 12:00")


async def test_each_person_reads_dates_in_their_own_zone(site: Site, page: Page) -> None:
    """Noor in Kolkata and Roos in Amsterdam see the same moment on their own clocks."""
    seconds = int(site.cloud.clock().timestamp())
    await site.app.say(CHANNEL, "x", blocks=[{"type": "section", "text": mrkdwn(f"<!date^{seconds}^{{time}}|x>")}])
    await expect(page.locator(".text time")).to_have_text("10:00")

    await page.get_by_role("combobox", name="You are").select_option("U0NOOR")

    await expect(page.locator(".text time")).to_have_text("14:30")


async def test_nothing_can_be_typed_as_somebody_before_their_conversation_is_there(page: Page) -> None:
    """What is typed right after becoming another person is said by that person, and not lost."""
    answer = asyncio.Event()

    async def slowly(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    await page.route("**/U0SEM/workspace", slowly)
    await page.get_by_role("combobox", name="You are").select_option("U0SEM")
    box = page.get_by_role("textbox", name="Message")
    await expect(box).to_have_count(0)
    answer.set()
    await box.fill("I am Sem")
    await box.press("Enter")

    await expect(page.get_by_role("article", name="Sem Bakker")).to_contain_text("I am Sem")


async def test_a_private_answer_is_seen_by_one_person_alone(site: Site, page: Page, context: BrowserContext) -> None:
    """An ephemeral message says that only its reader sees it, and nobody else gets it."""
    other = await context.new_page()
    await other.goto(site.at("U0SEM"))
    await expect(other.get_by_role("textbox", name="Message")).to_be_visible()

    await site.app.call("chat.postEphemeral", channel=CHANNEL, user="U0ROOS", text="Between us")
    await site.app.say(CHANNEL, "For all")

    await expect(page.get_by_role("article").filter(has_text="Between us")).to_contain_text("Only visible to you")
    await expect(other.get_by_text("For all")).to_be_visible()
    await expect(other.get_by_text("Between us")).to_have_count(0)


async def test_a_card_is_edited_in_place(site: Site, page: Page) -> None:
    """An update redraws the one message, marks it edited, and keeps the focus in it."""
    actions = {"type": "actions", "elements": [button("Approve", style="primary"), button("Reject", style="danger")]}
    ts = await site.app.say(CHANNEL, "Card", blocks=[{"type": "header", "text": plain("Upgrade orders")}, actions])
    await page.get_by_role("button", name="Approve").focus()

    await site.app.call(
        "chat.update", channel=CHANNEL, ts=ts, text="Done", blocks=[{"type": "section", "text": mrkdwn("Approved")}]
    )

    card = page.get_by_role("article", name="Upgrade bot")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("Approved(edited)")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(card).to_be_focused()


async def test_a_press_reaches_the_app_as_the_person_who_pressed(site: Site, page: Page) -> None:
    """Slack's own payload arrives: who, where, which element with its value."""
    blocks = [{"type": "actions", "block_id": "doors", "elements": [button("Approve", value="7:abc")]}]
    ts = await site.app.say(CHANNEL, "Card", blocks=blocks)

    async with page.expect_response("**/action"):
        await page.get_by_role("button", name="Approve").click()

    pressed = site.app.last("block_actions")
    assert pressed["user"]["id"] == "U0ROOS"
    assert pressed["container"]["message_ts"] == ts
    assert (pressed["actions"][0]["block_id"], pressed["actions"][0]["value"]) == ("doors", "7:abc")


async def test_a_button_with_a_question_asks_first(site: Site, page: Page) -> None:
    """Nothing is sent until the dialog is confirmed, and a no gives the focus back."""
    question = {
        "title": plain("Withdraw it?"),
        "text": plain("For good."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    await site.app.say(CHANNEL, "x", blocks=[{"type": "actions", "elements": [button("Withdraw", confirm=question)]}])

    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_role("dialog", name="Withdraw it?").get_by_role("button", name="No").click()
    await expect(page.get_by_role("button", name="Withdraw")).to_be_focused()
    assert site.app.heard == []

    await page.get_by_role("button", name="Withdraw").click()
    async with page.expect_response("**/action"):
        await page.get_by_role("dialog", name="Withdraw it?").get_by_role("button", name="Yes").click()
    assert site.app.last("block_actions")["actions"][0]["action_id"] == "withdraw"


async def test_a_thread_opens_at_the_side(site: Site, page: Page) -> None:
    """Replies stand in the thread and not in the channel, which counts them; one can answer there."""
    ts = await site.app.say(CHANNEL, "Parent")
    await site.app.say(CHANNEL, "First reply", thread_ts=ts)

    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("textbox", name="Reply").fill("Second reply")
    await thread.get_by_role("textbox", name="Reply").press("Enter")

    await expect(thread.get_by_role("article")).to_have_count(3)
    await expect(page.get_by_role("main").get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await thread.get_by_role("button", name="Close thread").click()
    await expect(thread).to_be_hidden()


async def test_what_was_not_read_is_marked(site: Site, page: Page) -> None:
    """A mention elsewhere counts in the sidebar; opening the channel shows where the new begins and clears the mark."""
    await site.app.say("C0PROD", "Read this")
    async with page.expect_response("**/read"):
        await page.goto(site.at("U0ROOS", "C0PROD"))
    await expect(page.get_by_text("Read this")).to_be_visible()
    await page.goto(site.at("U0ROOS"))

    await site.app.say("C0PROD", "<@U0ROOS> look")

    await expect(page.get_by_role("link", name="production")).to_contain_text("1 unread")
    await expect(page).to_have_title(re.compile(r"^\(1\)"))
    await page.get_by_role("link", name="production").click()
    await expect(page.locator(".new")).to_be_visible()
    await expect(page.get_by_role("link", name="production")).not_to_contain_text("unread")


async def test_people_see_what_they_may_see(page: Page) -> None:
    """The guest does not see the channel of production; the stranger sees the shared one alone, and no app to use."""
    channels = page.get_by_role("navigation", name="Conversations").get_by_role("link")
    await expect(channels.filter(has_text="production")).to_have_count(1)

    await page.get_by_role("combobox", name="You are").select_option("U0GIJS")
    await expect(channels.filter(has_text="with-partner")).to_have_count(1)
    await expect(channels.filter(has_text="production")).to_have_count(0)

    await page.get_by_role("combobox", name="You are").select_option("U0VERA")
    await expect(channels).to_have_text([re.compile("with-partner")])
    await expect(page.get_by_role("heading", name="with-partner")).to_be_visible()
    await page.get_by_role("textbox", name="Message").fill("/schedule-upgrade")
    await page.get_by_role("textbox", name="Message").press("Enter")
    await expect(page.get_by_text("/schedule-upgrade is not a valid command.")).to_be_visible()


async def test_a_link_to_a_message_shows_that_message(site: Site, page: Page) -> None:
    """A permalink of this workspace stays in the page and points at the message, however far back it is."""
    ts = await site.app.say("C0PROD", "The one")
    for number in range(230):
        await site.app.say("C0PROD", f"Later {number}")
    message = site.slack.state.messages.find("C0PROD", ts)
    assert message
    link = site.slack.state.permalink(message)
    await site.app.say(CHANNEL, "x", blocks=[{"type": "section", "text": mrkdwn(f"See <{link}|the card>")}])

    await page.get_by_role("link", name="the card").click()

    await expect(page.get_by_text("The one")).to_be_in_viewport()


async def test_what_has_just_come_can_be_read_at_once(site: Site, page: Page) -> None:
    """A program that reads the page finds the words of a message as soon as the message is there."""
    watch = """() => {
        window.read = new Promise((done) => new MutationObserver(() => {
            const last = [...document.querySelectorAll('#main article')].at(-1);
            if (last) done(last.innerText);
        }).observe(document.querySelector('#main .feed'), { childList: true }));
    }"""
    await page.evaluate(watch)

    await site.app.say(CHANNEL, "Just come")

    assert "Just come" in await page.evaluate("window.read")
