"""Bad days: something is gone for a while, the bot says what, and finds its way back without a person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiosqlite
import asyncpg
import httpx
import pytest

from benchmarks.reliability.counting import cards, file_of, hurry, owed, polled, settled, tried
from benchmarks.reliability.matrix import quietly
from benchmarks.reliability.posting_cases import repeated
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.harness import CHANNEL, Harness, harness

BLIND, SEES = "Statuses of acme cannot be read", "can be read again"


@pytest.fixture
async def opened(sqlite_url: str) -> AsyncIterator[Harness]:
    with quietly():
        async with harness(sqlite_url) as one:
            await one.open_bot()
            yield one


async def readyz(opened: Harness) -> tuple[int, dict[str, Any]]:
    """Return status and checks."""
    async with httpx.AsyncClient(timeout=40) as client:
        answer = await client.get(f"http://127.0.0.1:{opened.bots[-1].port}/readyz")
    return answer.status_code, answer.json()["checks"]


async def test_a_cloud_that_is_down_for_hours_is_named_and_everything_goes_on_afterwards(opened: Harness) -> None:
    """One message says since when the bot is blind, one that it sees again; what was approved goes out once."""
    await opened.approved("staging/payments")
    other = await opened.request("staging/orders")
    await opened.cloud.go_down()
    await opened.sem.press(CHANNEL, other.ts, "Approve")
    await opened.card(other, "Not through yet")
    for _ in range(3):
        await polled(opened.url)
        opened.clock.advance(timedelta(hours=1))
    await polled(opened.url)
    await opened.sem.message(CHANNEL, BLIND)
    status, checks = await readyz(opened)
    assert status == httpx.codes.OK
    assert checks["cloud"]["ok"] is False
    assert "since" in checks["cloud"]

    await opened.cloud.come_back()
    await opened.sem.message(CHANNEL, SEES)
    await opened.sem.message(CHANNEL, "Upcoming: staging/payments will be upgraded")
    await hurry(opened.url)
    await opened.card(other, "Approved by", without="Not through yet")
    await settled(opened.url)

    said = [one.text for one in opened.sem.messages(CHANNEL)]
    assert sum(BLIND in words for words in said) == 1
    assert sum(SEES in words for words in said) == 1
    assert [by for by, _ in opened.cloud.accepted] == ["bot", "bot"]


async def test_a_slack_that_is_down_gets_everything_once_it_is_back(opened: Harness) -> None:
    """A failed upgrade is told as soon as somebody can hear it."""
    opened.cloud.outcome("fail")
    card = await opened.approved("staging/payments")
    await settled(opened.url)
    opened.slack.faults.down = True
    for _ in range(4):
        opened.cloud.step()
        await polled(opened.url)
    assert not (await owed(opened.url)).nothing

    opened.slack.faults.clear()
    await opened.sem.message(CHANNEL, "failed", "staging/payments", "No further attempt is scheduled.")
    await hurry(opened.url)
    await opened.card(card, "The upgrade failed")
    await settled(opened.url)

    assert repeated(opened) == 0


async def test_a_token_revoked_while_running_is_waited_for(opened: Harness) -> None:
    """Nothing is given up; when the token works again, everything is told."""
    card = await opened.request("staging/payments")
    opened.slack.app.revoked = True
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    await tried(opened.url)
    left = await owed(opened.url)
    named = (await readyz(opened))[1]["waiting"]
    assert left.dead == 0
    assert left.inbox + left.outbox > 0
    assert "waiting, the oldest for" in named["detail"]

    opened.slack.app.revoked = False
    async with asyncio.timeout(PATIENCE):
        while not opened.submissions():
            await hurry(opened.url)
            await asyncio.sleep(0.5)
    await hurry(opened.url)
    await opened.card(card, "Submitted to Avisi Cloud")
    await settled(opened.url)
    assert opened.submissions() == 1


async def test_a_storm_of_429_delays_everything_and_loses_nothing(opened: Harness) -> None:
    """Retry-After is honoured, nobody is told twice."""
    for method in ("chat.postMessage", "chat.update"):
        opened.slack.faults.add(method, Fault(retry_after=1), times=8)
    modal = await opened.form("staging/payments")
    await opened.roos.choose("Version", modal.field("Version").options[0])
    await opened.roos.submit()
    card = await opened.sem.message(CHANNEL, "payments: upgrade to")
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    await opened.card(card, "Submitted to Avisi Cloud")
    await settled(opened.url)

    assert repeated(opened) == 0
    assert len(cards(opened, "payments")) == 1
    assert opened.submissions() == 1


async def test_a_socket_that_is_dead_but_open_is_noticed_and_replaced(sqlite_url: str) -> None:
    """/readyz names it meanwhile, and presses are heard again without a person."""
    with quietly():
        async with harness(sqlite_url, "socket") as opened:
            await opened.open_bot()
            card = await opened.request("staging/payments")
            opened.slack.faults.add("apps.connections.open", Fault(status=503), times=None)
            opened.slack.socket.freeze()
            async with asyncio.timeout(PATIENCE):
                status, checks = await readyz(opened)
                while checks["slack"]["ok"]:
                    status, checks = await readyz(opened)
                assert status == httpx.codes.SERVICE_UNAVAILABLE
                opened.slack.faults.clear("apps.connections.open")
                while all(one.dead for one in opened.slack.socket.connections):  # noqa: ASYNC110 - it sets no event
                    await asyncio.sleep(0.3)
            for connection in list(opened.slack.socket.connections):
                connection.leaving = connection.leaving or connection.dead
            await opened.sem.press(CHANNEL, card.ts, "Approve")
            await opened.card(card, "Submitted to Avisi Cloud")

            assert opened.submissions() == 1


async def test_a_locked_sqlite_file_is_waited_for(opened: Harness) -> None:
    """Who pressed meanwhile learns that it did not count; pressed again, it counts once."""
    card = await opened.request("staging/payments")
    await settled(opened.url)
    async with aiosqlite.connect(file_of(opened.url), timeout=60, isolation_level=None) as beside:
        await beside.execute("BEGIN IMMEDIATE")
        await told_of_failure(opened, card.ts)
        await beside.execute("ROLLBACK")
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    await opened.card(card, "Submitted to Avisi Cloud")
    await settled(opened.url)

    assert opened.submissions() == 1


async def test_a_database_that_is_gone_for_a_while_is_named_and_comes_back(postgresql_url: str) -> None:
    """/readyz says 503 and names it; without a restart the bot goes on."""
    with quietly():
        async with harness(postgresql_url) as opened:
            await opened.open_bot()
            card = await opened.request("staging/payments")
            await _shut(postgresql_url, opened_again=False)
            status, checks = await readyz(opened)
            await told_of_failure(opened, card.ts)
            await asyncio.sleep(1)
            await _shut(postgresql_url, opened_again=True)

            assert status == httpx.codes.SERVICE_UNAVAILABLE
            assert checks["database"]["ok"] is False

            async with asyncio.timeout(PATIENCE):
                while (await readyz(opened))[0] != httpx.codes.OK:  # noqa: ASYNC110 - asks over HTTP
                    await asyncio.sleep(0.2)
            await opened.sem.press(CHANNEL, card.ts, "Approve")
            await opened.card(card, "Submitted to Avisi Cloud")
            assert opened.submissions() == 1


async def told_of_failure(opened: Harness, ts: str) -> None:
    """Press, and see that whoever pressed learns at once that it was not stored: from Slack or from the bot."""
    pressed = await opened.sem.press(CHANNEL, ts, "Approve")
    if pressed.ok:
        await opened.sem.private(CHANNEL, "Please try again in a moment (reference")


async def _shut(url: str, *, opened_again: bool) -> None:
    """Close a database to everybody and end all its connections, or open it again."""
    name = url.partition("@/")[2].partition("?")[0]
    server = url.partition("?host=")[2]
    connection = await asyncpg.connect(user="postgres", host=server, database="postgres")
    try:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(opened_again).lower()}")
        if not opened_again:
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    finally:
        await connection.close()
