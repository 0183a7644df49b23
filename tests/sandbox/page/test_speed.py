"""The page stays quick with 500 messages and 200 scheduled upgrades. `pytest -s` prints what was measured.

On two busy cores without a graphics card: opening a conversation 200 to 300 ms, 200 older messages 140 ms,
a live message or an edit among 500 messages 50 to 90 ms, a live status among 200 upgrades 35 ms, each until painted.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack.messages import Message
from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import Payload, button, mrkdwn, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")
MESSAGES, UPGRADES = 500, 200
STATUSES = ("SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED")

# Waits until two frames have been drawn, so that layout and paint are part of what is measured.
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"

WATCH = f"""(where) => {{
    window.seen = new Promise((done) => new MutationObserver(async (_, watching) => {{
        watching.disconnect();
        const begun = performance.now();
        done((await {DRAWN}) - begun);
    }}).observe(document.querySelector(where), {{ childList: true, subtree: true }}));
}}"""
TRIES = 3


def card(number: int) -> list[Payload]:
    """Give blocks as the bot's card has them."""
    facts = [mrkdwn(f"*{name}*\n<@U0ROOS> `v1.{number}`") for name in ("Environment", "Version", "Start", "Requester")]
    return [
        {"type": "header", "block_id": "head", "text": plain(f"Upgrade cluster {number}")},
        {"type": "section", "block_id": "facts", "fields": facts},
        {"type": "actions", "block_id": "doors", "elements": [button("Approve"), button("Reject")]},
    ]


def _timed(do: str, *, until: str) -> str:
    return f"""async () => {{
        const shown = () => document.querySelectorAll('#main article').length;
        const begun = performance.now();
        {do}
        while (!({until})) await new Promise((go) => setTimeout(go, 2));
        return (await {DRAWN}) - begun;
    }}"""


async def test_500_messages_and_200_upgrades_without_visible_delay(site: Site, page: Page) -> None:
    """Opening, live messages, edits in place and live statuses: each well under what a person notices as waiting."""
    state, start = site.slack.state, site.cloud.clock()
    for number in range(MESSAGES):
        ts = f"{start.timestamp() - 9000 + number * 10:.0f}.{number:06}"
        blocks = card(number) if number % 5 == 0 else []
        bot = state.app.bot_user_id
        state.messages.put(
            Message(channel="C0PROD", ts=ts, user=bot, text=f"Number {number}", blocks=blocks, from_app=True)
        )
    clusters = list(site.cloud.organisation().clusters.values())
    for number in range(UPGRADES):
        cluster, begin = clusters[number % len(clusters)], start + timedelta(hours=number)
        site.cloud.record(
            f"{cluster.environment}/{cluster.slug}",
            f"v1.40.{number}",
            status=STATUSES[number % len(STATUSES)],
            window=(begin, begin + timedelta(hours=3)),
        )
    measured: dict[str, float] = {}
    opening = _timed("location.hash = '#/U0ROOS/C0PROD';", until="shown() >= 200")
    measured["open a conversation (the newest 200)"] = await page.evaluate(opening)
    while await page.locator(".older").count():
        before = await page.locator("#main article").count()
        older = _timed("document.querySelector('.older').click();", until=f"shown() > {before}")
        measured[f"show older ones after {before}"] = await page.evaluate(older)
    assert await page.locator("#main article").count() == MESSAGES

    async def drawn(where: str, change: Callable[[], Awaitable[object]]) -> float:
        """Make a change so often and return the quickest, so that a stall of the machine is none of the page."""
        took = []
        for _ in range(TRIES):
            await page.evaluate(WATCH, where)
            await change()
            took.append(float(await page.evaluate("window.seen")))
        return min(took)

    said: list[str] = []

    async def say() -> None:
        said.append(await site.app.say("C0PROD", "Live", blocks=card(1)))

    async def edit() -> None:
        await site.app.call("chat.update", channel="C0PROD", ts=said.pop(), text="Edited", blocks=card(2))

    waiting = iter(site.cloud.upgrades)

    async def fail_one() -> None:
        next(waiting).status = "FAILED"
        site.cloud.changes.bump()

    measured["a live message, drawn"] = await drawn("#main .feed", say)
    measured["an edit in place, drawn"] = await drawn("#main .feed", edit)
    await expect(page.locator(".upgrade")).to_have_count(UPGRADES)
    measured["a live status among the upgrades, drawn"] = await drawn(".upgrades", fail_one)

    for what, took in measured.items():
        print(f"{what}: {took:.0f} ms")  # noqa: T201 - this is what the test measures
    assert max(measured.values()) < 1500
    assert measured["a live message, drawn"] < 250
    assert measured["a live status among the upgrades, drawn"] < 250
