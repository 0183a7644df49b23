"""A browser, and the page in it, served by a simulated Slack and a simulated cloud."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.panel import routes
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.page_files import page_routes
from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.page.toy_app import ToyApp

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENCE = 60_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The page's servers and the toy app behind them."""

    slack: SimulatedSlack
    cloud: SimulatedCloud
    app: ToyApp

    def at(self, person: str, place: str = "C0UPGRADES") -> str:
        """Give the address of a place, as somebody."""
        return f"{self.slack.url}/#/{person}/{place}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, without a window; without one the tests are skipped, except in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "there is no chromium to show the page in"
        if os.environ.get("CI") == "true":  # noqa: TID251 - whether this is CI is said by the environment alone
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """Give a fresh workspace and cloud; the simulated clock stands still on a Monday at 09:00 UTC."""
    clock = SimulatedClock(MONDAY, 60.0)
    clock.pause()
    slack, cloud = SimulatedSlack(clock=clock), SimulatedCloud(clock)
    app = ToyApp(slack)
    await cloud.start()
    await slack.start(routes=[*page_routes(), *routes(cloud)])
    await app.start()
    yield Site(slack=slack, cloud=cloud, app=app)
    await app.close()
    await slack.close()
    await cloud.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Give a browser profile of its own that has seen the tour; what goes wrong in the page fails the test."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="Asia/Tokyo")
    context.set_default_timeout(PATIENCE)
    await context.add_init_script("if (location.protocol === 'http:') localStorage.setItem('sandbox.tour', 'done')")
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda said: wrong.append(f"{said.text} {said.location}") if _is_complaint(said) else None)
    yield context
    await context.close()
    assert wrong == []


def _is_complaint(said: ConsoleMessage) -> bool:
    """Tell whether the page complained; a server that is away on purpose is no reason."""
    return said.type in {"error", "warning"} and "net::ERR_" not in said.text


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: Site, context: BrowserContext) -> Page:
    """Give the page as Roos, in the channel of upgrades."""
    page = await context.new_page()
    await page.goto(site.at("U0ROOS"))
    await page.get_by_role("textbox", name="Message").wait_for()
    return page
