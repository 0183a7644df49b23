"""How many queues a worker serves at once, and what becomes of those for which it has no free slot."""

import asyncio
import math
from typing import Any

from bot.domain.request import State
from bot.workflow.outbox import Urgency
from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from tests.builders import a_press, an_outbox_message, an_upgrade_request
from tests.runner.harness import at_work
from tests.workflow.harness import a_harness


async def test_no_more_is_begun_at_once_than_there_are_hands() -> None:
    """Something is stored in forty queues: sixteen are started, the others follow as slots become free."""
    harness = await a_harness()
    queues = [f"queue {number}" for number in range(40)]
    async with at_work(harness) as bench:
        bench.recorder.held = {queue: asyncio.Event() for queue in queues}
        for queue in queues:
            await bench.put(an_outbox_message(queue, queue=queue))
        begun = [queue for queue in queues if bench.held(queue)]
        for queue in queues:
            bench.recorder.held[queue].set()

        await bench.until(lambda: not harness.storage.waiting)

    assert len(begun) == 16
    assert sorted(bench.recorder.delivered) == sorted(queues)


async def test_nothing_is_claimed_while_more_is_served_than_there_are_slots(logged: list[dict[str, Any]]) -> None:
    """Commits that end at the same moment may each count on the same slots."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        bench.recorder.held["slow"] = asyncio.Event()
        await asyncio.sleep(0)  # the worker runs
        for number in range(18):
            bench.recorder.held[f"queue {number}"] = bench.recorder.held["slow"]
            bench.worker.take(Lease(queue=f"queue {number}", number=1, lane=Lane.DELIVERIES))
        await bench.put(an_outbox_message("late", queue="late"))
        await bench.later(2)
        begun = bench.held("late")
        bench.recorder.held["slow"].set()
        await bench.until(lambda: "late" in bench.recorder.delivered)

    assert not begun
    assert not [entry for entry in logged if entry["event"] == "worker.claim_failed"]


async def test_what_is_stored_in_a_queue_in_hand_is_served_right_after() -> None:
    """It is not forgotten until the worker looks at everything."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        await bench.put(an_outbox_message("before", queue="channel:other"))
        await bench.until(lambda: bench.recorder.delivered == ["before"])
        bench.worker._look_again = math.inf
        bench.recorder.more = [an_outbox_message("second", queue="channel:one")]
        await bench.put(an_outbox_message("first", queue="channel:one"))

        await bench.until(lambda: bench.recorder.delivered == ["before", "first", "second"])


async def test_slots_are_kept_for_decisions_and_submissions() -> None:
    """However many messages cannot be delivered just now, a press is decided and its request submitted."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    async with at_work(harness) as bench:
        bench.recorder.held = {f"card:{number}": asyncio.Event() for number in range(20)}
        await bench.put(
            *(an_outbox_message(queue, queue=queue, urgency=Urgency.PERSON) for queue in bench.recorder.held)
        )
        await bench.until(lambda: sum(bench.held(queue) for queue in bench.recorder.held) == 16)
        await bench.enter(a_press(request), queue="request:1")

        await bench.until(lambda: harness.now_of(request).state is State.SUBMITTED)
        for held in bench.recorder.held.values():
            held.set()
