"""How many queues a worker has in hand at once, and what comes of those for which it has no hand free."""

import asyncio
import math
from typing import Any

from bot.domain.request import State
from bot.workflow.outbox import Urgency
from bot.workflow.ports import Box, Lease
from tests.builders import a_press, an_outbox_message, an_upgrade_request
from tests.runner.harness import at_work
from tests.workflow.harness import a_house


async def test_no_more_is_begun_at_once_than_there_are_hands() -> None:
    """Something is stored in forty queues: sixteen are begun, the others follow as hands become free."""
    house = await a_house()
    queues = [f"queue {number}" for number in range(40)]
    async with at_work(house) as shift:
        shift.post.held = {queue: asyncio.Event() for queue in queues}
        for queue in queues:
            await shift.put(an_outbox_message(queue, queue=queue))
        begun = [queue for queue in queues if shift.held(queue)]
        for queue in queues:
            shift.post.held[queue].set()

        await shift.until(lambda: not house.storage.waiting)

    assert len(begun) == 16
    assert sorted(shift.post.delivered) == sorted(queues)


async def test_nothing_is_claimed_while_more_is_in_hand_than_there_are_hands(logged: list[dict[str, Any]]) -> None:
    """Commits that end at one moment may each count on the same hands."""
    house = await a_house()
    async with at_work(house) as shift:
        shift.post.held["slow"] = asyncio.Event()
        for number in range(18):
            shift.post.held[f"queue {number}"] = shift.post.held["slow"]
            shift.worker.take(Lease(queue=f"queue {number}", number=1, box=Box.OUTBOX))
        await shift.put(an_outbox_message("late", queue="late"))
        await shift.later(2)
        begun = shift.held("late")
        shift.post.held["slow"].set()
        await shift.until(lambda: "late" in shift.post.delivered)

    assert not begun
    assert not [entry for entry in logged if entry["event"] == "worker.claim_failed"]


async def test_what_is_stored_in_a_queue_in_hand_is_served_right_after() -> None:
    """It is not forgotten until the worker looks at everything."""
    house = await a_house()
    async with at_work(house) as shift:
        await shift.put(an_outbox_message("before", queue="channel:other"))
        await shift.until(lambda: shift.post.delivered == ["before"])
        shift.worker._look_again = math.inf
        shift.post.more = [an_outbox_message("second", queue="channel:one")]
        await shift.put(an_outbox_message("first", queue="channel:one"))

        await shift.until(lambda: shift.post.delivered == ["before", "first", "second"])


async def test_slots_are_kept_for_decisions_and_submissions() -> None:
    """However many messages cannot be delivered just now, a press is decided and its request submitted."""
    request = an_upgrade_request()
    house = await a_house(request)
    async with at_work(house) as shift:
        shift.post.held = {f"card:{number}": asyncio.Event() for number in range(20)}
        await shift.put(*(an_outbox_message(queue, queue=queue, urgency=Urgency.PERSON) for queue in shift.post.held))
        await shift.until(lambda: sum(shift.held(queue) for queue in shift.post.held) == 16)
        await shift.enter(a_press(request), queue="request:1")

        await shift.until(lambda: house.now_of(request).state is State.SUBMITTED)
        for held in shift.post.held.values():
            held.set()
