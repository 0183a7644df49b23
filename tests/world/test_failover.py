"""A failover of PostgreSQL that leaves the old connections open: they answer, but can only read."""

import asyncio
import time

from benchmarks.reliability.counting import settled
from bot.sandbox.slack.people.looking import PATIENCE
from tests import postgresql
from tests.world.harness import CHANNEL, Harness, harness
from tests.world.test_degraded_days import readyz


async def test_the_bot_writes_again_within_thirty_seconds_of_a_failover(postgresql_url: str) -> None:
    """While there is nowhere to write, /readyz says 503; then it goes on by itself, and nothing is lost or doubled."""
    async with harness(postgresql_url) as opened:
        bot = await opened.open_bot()
        card = await opened.request("staging/payments")
        await settled(opened.url)
        await postgresql.read_only(opened.url)
        await postgresql.turn_read_only(bot.storage.engines.write)
        began = time.monotonic()
        await answered(opened, 503)
        unready_after, checks = time.monotonic() - began, (await readyz(opened))[1]

        await postgresql.read_only(opened.url, off=True)
        await postgresql.turn_read_only(bot.storage.engines.write)
        began = time.monotonic()
        await answered(opened, 200)
        ready_after = time.monotonic() - began
        await opened.sem.press(CHANNEL, card.ts, "Approve")
        await opened.card(card, "Submitted to Avisi Cloud")
        await settled(opened.url)

    assert checks["database"]["ok"]
    assert "nothing could be stored" in checks["writes"]["detail"]
    assert 9 < unready_after < 20
    assert ready_after < 30
    assert opened.submissions() == 1


async def test_presses_are_heard_again_at_once_when_only_the_old_connections_lead_to_a_standby(
    postgresql_url: str,
) -> None:
    """The new server takes over at the same address: nobody has to wait, or to press for minutes."""
    async with harness(postgresql_url) as opened:
        bot = await opened.open_bot()
        card = await opened.request("staging/payments")
        await settled(opened.url)
        await postgresql.turn_read_only(bot.storage.engines.write)
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            while not opened.submissions():
                await opened.sem.press(CHANNEL, card.ts, "Approve")
                await asyncio.sleep(2.0)
        took = time.monotonic() - began
        await opened.card(card, "Submitted to Avisi Cloud")

    assert took < 30
    assert opened.submissions() == 1


async def answered(opened: Harness, status: int) -> None:
    """Wait until /readyz answers with this status."""
    async with asyncio.timeout(PATIENCE):
        while (await readyz(opened))[0] != status:  # noqa: ASYNC110 - asks over HTTP
            await asyncio.sleep(0.5)
