"""Slack delivers at least once, and people press twice: each thing counts once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from benchmarks.reliability.counting import cards, rows, settled
from benchmarks.reliability.matrix import quietly
from benchmarks.reliability.posting_cases import repeated
from tests.world.harness import CHANNEL, Harness, Transport, harness


@pytest.fixture(params=["http", "socket"])
async def opened(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Harness]:
    transport: Transport = request.param
    with quietly():
        async with harness(sqlite_url, transport) as one:
            await one.open_bot()
            yield one


async def test_everything_delivered_three_times_counts_once(opened: Harness) -> None:
    """The very same command, submission and press again, at once and later, change nothing and post nothing."""
    card = await opened.request("staging/payments")
    await again(opened, "view_submission")
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    await again(opened, "block_actions")
    await opened.card(card, "Submitted to Avisi Cloud")
    await again(opened, "block_actions")
    await again(opened, "view_submission")
    await settled(opened.url)

    assert len(cards(opened, "payments")) == 1
    assert repeated(opened) == 0
    assert opened.submissions() == 1
    assert [state for (state,) in await rows(opened.url, "SELECT state FROM requests")] == ["SUBMITTED"]


async def test_two_people_who_press_at_once_produce_one_decision(opened: Harness) -> None:
    """Approve by one and Reject by the other, each many times: one of them holds, and both are answered."""
    card = await opened.request("staging/payments")
    presses = [
        person.press(CHANNEL, card.ts, "Approve") for _ in range(4) for person in (opened.sem, opened.kim, opened.roos)
    ]
    await asyncio.gather(*presses, opened.roos.press(CHANNEL, card.ts, "Withdraw"))
    await settled(opened.url)

    (state,) = (await rows(opened.url, "SELECT state FROM requests"))[0]
    votes = await rows(opened.url, "SELECT count(*) FROM audit_events WHERE kind = 'vote cast'")
    assert (state, opened.submissions(), votes[0][0]) in {("SUBMITTED", 1, 1), ("WITHDRAWN", 0, 0), ("WITHDRAWN", 0, 1)}


async def again(opened: Harness, kind: str) -> None:
    """Deliver everything of a kind twice more, at the same moment."""
    deliveries = opened.slack.deliveries
    same = [one for one in deliveries.sent if one.kind == kind]
    await asyncio.gather(*(deliveries.again(one) for one in same for _ in range(2)))
