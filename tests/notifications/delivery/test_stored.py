"""Delivery over the real database: what the fake storage promises, both databases keep."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.domain.request import State, UpgradeRequest
from bot.notifications.delivery.delivery import Delivery, build_delivery
from bot.notifications.delivery.errors import Throttled, Transient
from bot.store.storage import Storage
from bot.workflow import outbox
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import OutboxMessage
from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from tests.builders import CHANNEL, NOON, SEM, a_policy, about, an_upgrade_request
from tests.notifications.delivery.recorder import FakeMessenger, a_line, an_announcement, drawn


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """Open a database with all tables."""
    opened = Storage.open(request.getfixturevalue(request.param))
    yield opened
    await opened.close()


def delivering(storage: Storage, slack: FakeMessenger) -> Delivery:
    """Build a delivery over a database."""
    return build_delivery(
        invite="/invite @bot",
        begin=storage.begin,
        read=storage.read,
        claims=storage.claims,
        messenger=slack,
        now=lambda: NOON,
        policy=a_policy(),
        home=drawn,
    )


async def stored(storage: Storage, request: UpgradeRequest, *told: OutboxMessage) -> None:
    """Store a request and errands."""
    async with storage.begin() as work:
        await work.requests.add(request)
        await work.outbox.put(*told)
        await work.commit()


async def worked(storage: Storage, delivered: Delivery, slack: FakeMessenger, *, sent: int) -> None:
    """Claim and deliver as a worker does, until Slack took so many and nothing more is due; a minute at most."""
    end = time.monotonic() + 60
    leases: tuple[Lease, ...] = ()
    while time.monotonic() < end and (leases or len(slack.sent) < sent):
        leases = await storage.claims.claim_due(Lane.DELIVERIES, limit=16)
        for lease in leases:
            await storage.claims.release(lease, again_in=await delivered.deliver(lease))


async def test_card_thread_and_answer_are_told_once_and_struck_off(storage: Storage) -> None:
    """In order, with the card's place remembered."""
    request = an_upgrade_request(id="r1")
    slack = FakeMessenger(seconds=time.monotonic)
    told = [outbox.repaint(request, because="x"), a_line(request, 1)]
    await stored(storage, request, *told, outbox.answer(SEM, "Counted.", key="1", about=about(request)))

    await worked(storage, delivering(storage, slack), slack, sent=3)

    assert sorted(one.how for one in slack.sent) == ["direct", "post", "thread"]
    async with storage.read() as work:
        assert await work.messages.card(request.id) == MessageRef(channel=CHANNEL, ts="1.0")


async def test_many_channel_messages_are_one_digest_also_after_a_failure(storage: Storage) -> None:
    """The digest is recorded before it is posted, so it is the same one when it is tried again."""
    request = an_upgrade_request(id="r1", state=State.SUBMITTED)
    slack = FakeMessenger(seconds=time.monotonic, before={"post": [Transient("timeout")]})
    await stored(storage, request, *(an_announcement(request, number) for number in range(7)))

    await worked(storage, delivering(storage, slack), slack, sent=1)

    (only,) = slack.sent
    assert only.message.text.startswith("7 notifications about upgrades.")


async def test_a_pause_that_slack_asked_for_is_kept_by_another_process(storage: Storage) -> None:
    """The pace is in the database."""
    request = an_upgrade_request(id="r1")
    slack = FakeMessenger(seconds=time.monotonic, before={"post": [Throttled(retry_after=1.5)]})
    await stored(storage, request, outbox.repaint(request, because="x"))
    began = time.monotonic()

    for lease in await storage.claims.claim_due(Lane.DELIVERIES, limit=16):
        await delivering(storage, slack).deliver(lease)
        await storage.claims.release(lease)
    await worked(storage, delivering(storage, slack), slack, sent=1)

    assert [one.how for one in slack.sent] == ["post"]
    assert slack.sent[0].at - began >= 1.4
