"""Two replicas on PostgreSQL: each piece of work done by one, a dead one's work taken over, a stalled one harmless."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.reliability.counting import accepted, owed, rows, settled
from benchmarks.reliability.killing import CLUSTERS, Fleet, answering, rolled
from benchmarks.reliability.matrix import quietly
from bot.app import real_time
from bot.sandbox.slack.people.looking import PATIENCE
from bot.store.storage import Storage
from bot.workflow.errors import LeaseLost
from tests.ports import free_port
from tests.world.approving import answered
from tests.world.harness import CHANNEL, harness, start_process, stop_process

_SUBMITTER = "SELECT owner FROM leases WHERE name LIKE 'outbox:submit:%'"


async def test_presses_count_once_whichever_replica_they_reach_and_polls_are_not_doubled(postgresql_url: str) -> None:
    """Socket Mode spreads deliveries over both; the organisation is read as often as by one."""
    with quietly():
        async with harness(postgresql_url, "socket") as opened:
            for _ in range(2):
                await opened.open_bot()
            card = await opened.request("production/orders")
            await asyncio.gather(
                *(person.press(CHANNEL, card.ts, "Approve") for person in (opened.sem, opened.kim) for _ in range(3))
            )
            await opened.card(card, "Submitted to Avisi Cloud")
            await settled(opened.url)
            before = opened.cloud.requests.counts["upgrades"]
            began = time.monotonic()
            await asyncio.sleep(6)
            polls, took = opened.cloud.requests.counts["upgrades"] - before, time.monotonic() - began
            texts = [one.text for one in opened.sem.thread(CHANNEL, card.ts)]

    assert opened.submissions() == 1
    assert sum("approved (1 of 1). Submitting now." in words for words in texts) == 1
    assert polls <= 3 * took, f"{polls} calls in {took:.0f} seconds"  # a poll a second, at most two lists each


async def test_a_replica_killed_under_its_lease_is_followed_by_the_other(postgresql_url: str, tmp_path: Path) -> None:
    """Two processes; the one that works on a slow submission is killed, the other brings it to its end."""
    async with harness(postgresql_url, "socket") as opened:
        opened.clock.jump(real_time())
        fleet = Fleet(opened=opened, folder=tmp_path, size=2)
        try:
            await fleet.start()
            card = await opened.request("staging/payments")
            opened.cloud.faults.standing.delay = 7.0
            await opened.sem.press(CHANNEL, card.ts, "Approve")
            async with asyncio.timeout(PATIENCE):
                while not opened.submissions():  # noqa: ASYNC110 - looks at another server
                    await asyncio.sleep(0.05)
            opened.cloud.faults.standing.delay = 0.0
            owner = (await rows(opened.url, _SUBMITTER))[0][0]
            victim = next(one for one in fleet.processes if str(one.pid) == owner.split(":")[1])
            victim.kill()
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(PATIENCE):
                while (await rows(opened.url, _SUBMITTER))[0][0] == owner:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.2)
            took = asyncio.get_running_loop().time() - began
            await opened.card(card, "Submitted to Avisi Cloud")
            await settled(opened.url)
        finally:
            await fleet.stop()

    assert sum(accepted(opened.cloud).values()) == 1
    assert took < 60, f"{took:.0f} s"


async def test_a_stalled_replica_that_wakes_up_submits_and_records_nothing(postgresql_url: str, tmp_path: Path) -> None:
    """Stopped in the middle of a submission for longer than its lease: the other has finished, nothing is doubled."""
    async with harness(postgresql_url, "socket") as opened:
        opened.clock.jump(real_time())
        fleet = Fleet(opened=opened, folder=tmp_path, size=2)
        try:
            await fleet.start()
            card = await opened.request("staging/payments")
            opened.cloud.faults.standing.delay = 7.0
            await opened.sem.press(CHANNEL, card.ts, "Approve")
            async with asyncio.timeout(PATIENCE):
                while not await rows(opened.url, "SELECT id FROM requests WHERE state = 'SUBMITTING'"):  # noqa: ASYNC110 - looks at another process
                    await asyncio.sleep(0.02)
            owner = (await rows(opened.url, _SUBMITTER))[0][0]
            pid = int(owner.split(":")[1])
            os.kill(pid, signal.SIGSTOP)
            opened.cloud.faults.standing.delay = 0.0
            await opened.card(card, "Submitted to Avisi Cloud")
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(4)
            await settled(opened.url)
        finally:
            await fleet.stop()

    assert sum(accepted(opened.cloud).values()) == 1
    texts = [one.text for one in opened.sem.thread(CHANNEL, card.ts)]
    assert sum("approved (1 of 1). Submitting now." in words for words in texts) == 1


async def test_a_rolling_deploy_loses_nothing_and_repeats_nothing(postgresql_url: str, tmp_path: Path) -> None:
    """A process is replaced while people work; `python -m benchmarks.reliability` replaces more, and over HTTP too."""
    async with harness(postgresql_url, "socket") as opened:
        report = await rolled(opened, tmp_path, seed=1, size=1, clusters=CLUSTERS[:1])

    print(report)  # noqa: T201 - the counts are the proof
    assert not report.problems, report


async def test_the_holder_of_an_old_lease_can_record_nothing(postgresql_url: str) -> None:
    """Fencing: the number has risen, so its transaction is refused as a whole."""
    old, new = Storage.open(postgresql_url, lease_seconds=0.2), Storage.open(postgresql_url)
    lease = await old.claims.claim("poll:acme")
    assert lease is not None
    await asyncio.sleep(0.4)
    assert await new.claims.claim("poll:acme") is not None

    with pytest.raises(LeaseLost):
        async with old.begin(lease) as work:
            await work.commit()

    await old.close()
    await new.close()


async def test_sigterm_ends_it_within_ten_seconds_and_leaves_every_lease_free(
    postgresql_url: str, tmp_path: Path
) -> None:
    """In the middle of work: exit code 0, and the next replica need not wait for anything."""
    async with harness(postgresql_url) as opened:
        opened.clock.jump(real_time())
        port = free_port()
        process = await start_process("run", environment=opened.environment(BOT_PORT=port), folder=tmp_path)
        await answering(port)
        opened.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")
        card = await opened.request("staging/payments")
        opened.cloud.faults.standing.delay = 30.0
        await opened.sem.press(CHANNEL, card.ts, "Approve")
        await asyncio.sleep(2.5)
        began = asyncio.get_running_loop().time()
        code, log = await stop_process(process)
        took = asyncio.get_running_loop().time() - began
        left = await owed(opened.url)

    assert code == 0, log[-2000:]
    assert took < 20, f"{took:.1f} s"
    assert left.leased == 0


async def test_a_replica_with_an_older_policy_judges_nothing_any_more_and_says_so(postgresql_url: str) -> None:
    """It asks for one approval, the one that started later for two; the presses reach the one that is connected."""
    with quietly():
        async with harness(postgresql_url) as opened:
            lax = await opened.open_bot()
            card = await opened.request("production/orders")
            await opened.open_bot(bot_required_approvals=2)
            opened.slack.deliver_over_http(f"http://127.0.0.1:{lax.port}/slack/events")

            answer = await answered(opened.sem, card, "Approve")
            submitted = opened.submissions()
            status, checks = await ready(lax.port)
            await opened.kim.press(CHANNEL, card.ts, "Approve")
            await opened.card(card, "Submitted to Avisi Cloud")

    assert answer == "Approved (1 of 2). 1 more needed."
    assert submitted == 0
    assert (status, checks["policy"]["ok"]) == (503, False)
    assert "is older than the one in force, generation 2" in checks["policy"]["detail"]


async def ready(port: int) -> tuple[int, dict[str, Any]]:
    """Return the status of /readyz, and every check by its name."""
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"http://127.0.0.1:{port}/readyz")
    return reply.status_code, reply.json()["checks"]
