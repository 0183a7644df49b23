import asyncio
from functools import partial
from typing import Any

from bot.domain.request import State
from bot.workflow.inbox import Press
from bot.workflow.ports import Lease
from bot.workflow.queues import Box, Lane
from tests.builders import (
    KIM,
    ROOS,
    SEM,
    a_policy,
    a_press,
    a_rule,
    a_submitted_form,
    an_outbox_message,
    an_upgrade_request,
)
from tests.fake_claims import FakeClaims
from tests.runner.harness import WorkerHarness, at_work
from tests.workflow.harness import OTTO, Harness, a_harness, decision


async def test_a_request_goes_all_the_way_through_the_worker() -> None:
    """Asked, approved, submitted, each step woken by the one before."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        await bench.enter(a_submitted_form(), queue="cluster:web")
        await bench.until(lambda: len(harness.storage.requests) == 1)
        (request,) = harness.storage.requests.values()
        await bench.enter(a_press(request), queue=f"request:{request.id}")

        await bench.until(lambda: harness.now_of(request).state is State.SUBMITTED)

    assert harness.storage.entries == []
    assert len(harness.cloud.submissions) == 1


async def test_a_clock_that_is_set_forward_lets_nobody_take_their_own_queue_again() -> None:
    """By the database's time every lease has run out; a delivery goes on all the same, and is told once."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        bench.recorder.held["slow"] = asyncio.Event()
        await bench.put(
            an_outbox_message("slow", queue="slow"), an_outbox_message("found by a look", queue="other", delay=30)
        )
        await bench.until(lambda: bench.held("slow"))

        harness.storage.pass_time(60)
        await bench.until(lambda: "found by a look" in bench.recorder.delivered)
        bench.recorder.held["slow"].set()
        await bench.until(lambda: "slow" in bench.recorder.delivered)

    assert bench.recorder.delivered.count("slow") == 1
    assert harness.storage.waiting == []


async def test_entries_of_one_queue_are_decided_in_stored_order() -> None:
    """The withdrawal came after the approval, so the approval counts first, however long Slack was away."""
    request = an_upgrade_request(required=2)
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2)))
    async with at_work(harness) as bench:
        harness.members.down = True
        for member, press in ((SEM, Press.APPROVE), (ROOS, Press.WITHDRAW), (KIM, Press.APPROVE)):
            await bench.enter(a_press(request, member=member, press=press), queue="request:1")
        await bench.until(lambda: len(harness.answers) == 1)
        harness.members.down = False
        await bench.later(60)

        await bench.until(lambda: not harness.storage.entries)

    told = [answer.removeprefix("*production/web*: ") for answer in harness.answers]
    assert told[0].startswith("Slack does not say just now who may do this.")
    assert told[1] == "Approved (1 of 2). 1 more needed."
    assert told[2] == "You withdrew this request."
    assert "already withdrawn" in told[3]


async def test_an_unreachable_slack_is_said_once_and_waited_for() -> None:
    """The press is kept; the person is told so at the first failure only."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    harness.members.down = True
    async with at_work(harness) as bench:
        await bench.enter(a_press(request), queue="request:1")
        for tries in range(1, 15):
            await bench.until(lambda tries=tries: len(harness.members.asked) == tries)  # type: ignore[misc]
            await bench.until(lambda: not bench.held("request:1", Box.INBOX))
            await bench.later(60)
        harness.members.down = False
        await bench.later(60)

        await bench.until(lambda: harness.now_of(request).state is not State.PENDING_APPROVAL)

    kept, counted = harness.answers
    assert kept.endswith("What you did is kept, and decided as soon as Slack answers.")
    assert "Approved (" in counted


async def test_a_new_request_is_taken_once_the_older_one_was_submitted() -> None:
    """It waits two seconds at a time, and its requester is told why once it takes longer."""
    older = an_upgrade_request(state=State.SUBMITTING)
    harness = await a_harness(older)
    async with at_work(harness) as bench:
        await bench.enter(a_submitted_form(), queue="cluster:web")
        for tries in range(1, 15):
            await bench.until(lambda tries=tries: lease_number(harness, "cluster:web") == tries)  # type: ignore[misc]
            await bench.until(lambda: not bench.held("cluster:web", Box.INBOX))
            await bench.later(2)
        async with harness.storage.begin() as work:
            await work.requests.save(harness.now_of(older).fail("no", at=harness.clock()))
            await work.commit()
        await bench.later(2)

        await bench.until(lambda: len(harness.storage.requests) == 2)

    assert harness.now_of(older).state is State.REPLACED
    assert [answer.split(".")[0] for answer in harness.answers] == [
        "An earlier request for this cluster is being submitted just now"
    ]


def lease_number(harness: Harness, queue: str) -> int:
    """Return how often a queue of the inbox was claimed."""
    lease = harness.storage.claims.leases.get((Box.INBOX, queue))
    return lease.number if lease else 0


async def tried(bench: WorkerHarness, times: int, number: int = 1, box: Box = Box.INBOX) -> None:
    """Let an inbox or outbox row be tried so often."""
    tables = bench.harness.storage.tables
    for count in range(1, times + 1):

        def is_so(count: int = count) -> bool:
            rows = bench.harness.storage.tables.inbox if box is Box.INBOX else bench.harness.storage.tables.outbox
            return rows[number].attempts == count

        await bench.until(is_so)
        await bench.later(60)
    assert tables


async def test_somebody_whom_slack_cannot_look_up_holds_up_nobody_else() -> None:
    """An outsider presses, and nobody can tell who that is: approval and withdrawal of others are decided at once."""
    request = an_upgrade_request(required=2)
    harness = await a_harness(request, policy=a_policy(a_rule(required_approvals=2)))
    harness.members.troubled = {OTTO}
    async with at_work(harness) as bench:
        await bench.enter(a_press(request, member=OTTO), queue="request:1")
        await bench.until(lambda: harness.storage.tables.inbox[1].attempts == 1)
        await bench.enter(a_press(request, member=SEM), queue="request:1")
        await bench.enter(a_press(request, member=ROOS, press=Press.WITHDRAW), queue="request:1")

        await bench.until(lambda: harness.now_of(request).state is State.WITHDRAWN)

    assert harness.now_of(request).voters == {SEM}
    assert [row.ended for row in harness.storage.tables.inbox.values()] == [False, True, True]


async def test_an_entry_of_somebody_who_can_never_be_looked_up_is_given_up_and_they_are_told(
    logged: list[dict[str, Any]],
) -> None:
    """After ten tries, with a loud line; what the same person sent later waits for that, and is then decided."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    harness.members.troubled = {SEM}
    async with at_work(harness) as bench:
        await bench.enter(a_press(request, member=SEM, press=Press.WITHDRAW), queue="request:1")
        await bench.enter(a_press(request, member=SEM), queue="request:1")
        await tried(bench, 9)
        waiting = [row.attempts for row in harness.storage.tables.inbox.values()]
        await bench.until(lambda: harness.storage.tables.inbox[1].dead)
        harness.members.troubled = set()
        await bench.later(60)
        await bench.until(lambda: harness.now_of(request).state is State.SUBMITTED)

    kept, given_up, *_ = harness.answers
    (line,) = [line for line in logged if line["event"] == "dead_letter"]
    assert waiting == [9, 0]
    assert kept.startswith("Slack does not say just now who may do this.")
    assert given_up == (
        "Your press for production/web was given up after 10 tries: Slack could not say who may do this. "
        "Nothing was changed. Please press the button again."
    )
    assert (line["log_level"], line["box"], line["number"], line["member"]) == ("error", "inbox", 1, SEM)


async def test_a_fault_that_stays_ends_as_a_dead_letter_and_its_giver_is_told() -> None:
    """So does one that meets a form."""
    harness = await a_harness()

    async def broken(_: str) -> object:
        raise RuntimeError("A fault")

    harness.members.find = broken  # type: ignore[method-assign, assignment]
    async with at_work(harness) as bench:
        await bench.enter(a_submitted_form(), queue="cluster:web")
        await tried(bench, 9)
        await bench.until(lambda: harness.storage.tables.inbox[1].dead)

    assert harness.answers[-1] == (
        "Your request was given up after 10 tries: the bot made a mistake each time. Nothing was changed. "
        "Please send the form again."
    )


async def test_a_fault_of_ours_holds_up_nobody_else() -> None:
    """The entry is tried again later, with growing pauses, and its giver told once; other queues go on."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    find = harness.members.find

    async def broken(member: str) -> object:
        if member == KIM:
            raise RuntimeError("A fault")
        return await find(member)  # type: ignore[arg-type]

    harness.members.find = broken  # type: ignore[method-assign, assignment]
    async with at_work(harness) as bench:
        await bench.enter(a_press(request, member=KIM), queue="request:1")
        await bench.enter(a_press(request, member=SEM), queue="request:2")

        await bench.until(lambda: harness.now_of(request).state is not State.PENDING_APPROVAL)
        for tries in range(1, 6):
            await bench.until(lambda tries=tries: harness.storage.tables.inbox[1].attempts == tries)  # type: ignore[misc]
            await bench.later(60)

    assert [answer for answer in harness.answers if "went wrong here" in answer] == [harness.answers[-1]]
    assert harness.storage.tables.inbox[1].error == "RuntimeError('A fault')"


async def test_who_pressed_hears_of_it_when_what_is_stored_cannot_be_read() -> None:
    """A catalog that an older version cannot decode, say: the press is kept, and tried again."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    renew = harness.catalog_cache.renew_from

    async def broken(_: object) -> None:
        raise RuntimeError("A fault")

    harness.catalog_cache.renew_from = broken  # type: ignore[method-assign, assignment]
    async with at_work(harness) as bench:
        await bench.enter(a_press(request), queue="request:1")
        for tries in range(1, 5):
            await bench.until(lambda tries=tries: harness.storage.tables.inbox[1].attempts == tries)  # type: ignore[misc]
            await bench.later(60)
        harness.catalog_cache.renew_from = renew  # type: ignore[method-assign]
        await bench.later(60)

        await bench.until(lambda: harness.now_of(request).state is not State.PENDING_APPROVAL)

    assert len([answer for answer in harness.answers if "went wrong here" in answer]) == 1


async def test_a_submission_that_cannot_be_judged_waits() -> None:
    """Slack is away right before it: postponed, and nothing is sent."""
    harness = await a_harness()
    request = await harness.approved()
    harness.members.down = True
    async with at_work(harness) as bench:
        await bench.until(lambda: any(row.attempts for row in harness.storage.tables.outbox.values()))
        sent = list(harness.cloud.submissions)
        harness.members.down = False
        await bench.later(60)

        await bench.until(lambda: harness.now_of(request).state is State.SUBMITTED)

    assert sent == []


async def test_a_broken_queue_holds_up_no_other() -> None:
    """Its lease is given back and it is tried again a second later."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        bench.recorder.broken = {"channel:bad"}
        await bench.put(an_outbox_message("bad", queue="channel:bad"), an_outbox_message("good", queue="channel:good"))

        await bench.until(lambda: bench.recorder.delivered == ["good"])
        await bench.until(lambda: not bench.held("channel:bad"))
        bench.recorder.broken = set()
        await bench.later(1)

        await bench.until(lambda: bench.recorder.delivered == ["good", "bad"])


async def test_a_queue_that_stays_broken_rests_longer_each_time() -> None:
    """A fault of ours fills no log; a minute is the longest, and one success begins anew."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        bench.recorder.broken = {"channel:bad"}
        await bench.put(an_outbox_message("bad", queue="channel:bad"))
        rests = []

        def rests_after(failures: int) -> bool:
            return bench.recorder.failures == failures and not bench.held("channel:bad")

        for count in range(1, 9):
            await bench.until(partial(rests_after, count))
            rests.append(
                harness.storage.claims.leases[Box.OUTBOX, "channel:bad"].not_before - harness.storage.seconds()
            )
            await bench.later(60)

    assert [round(rest) for rest in rests] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_slow_delivery_holds_up_no_decision() -> None:
    """Queues are served side by side."""
    request = an_upgrade_request()
    harness = await a_harness(request)
    async with at_work(harness) as bench:
        bench.recorder.held["channel:slow"] = asyncio.Event()
        await bench.put(an_outbox_message("slow", queue="channel:slow"))
        await bench.until(lambda: bench.held("channel:slow"))
        await bench.enter(a_press(request), queue="request:1")

        await bench.until(lambda: harness.now_of(request).state is not State.PENDING_APPROVAL)
        bench.recorder.held["channel:slow"].set()


class Flaky(FakeClaims):
    """Leases whose first renewal fails."""

    failures = 0
    renewals = 0

    async def renew(self, lease: Lease) -> None:
        """Fail once, then prolong."""
        if self.failures == 0:
            self.failures += 1
            raise OSError("The database is away.")
        await super().renew(lease)
        self.renewals += 1


async def test_a_lease_is_kept_while_the_work_lasts() -> None:
    """Longer than it was given for, and through a renewal that fails."""
    harness = await a_harness()
    harness.storage.claims = claims = Flaky(harness.storage, lasting=60)
    async with at_work(harness, renew_every=0.05) as bench:
        bench.recorder.held["channel:slow"] = asyncio.Event()
        await bench.put(an_outbox_message("slow", queue="channel:slow"))
        await bench.until(lambda: bench.held("channel:slow"))

        for _ in range(3):
            harness.storage.pass_time(30)
            claims.renewals = 0
            await bench.until(lambda: claims.renewals > 0)
        taken = await harness.storage.claims.claim_due(Lane.DELIVERIES, limit=5)
        bench.recorder.held["channel:slow"].set()
        await bench.until(lambda: bench.recorder.delivered == ["slow"])

    assert (taken, claims.failures) == ((), 1)


async def test_whoever_lost_a_lease_records_nothing() -> None:
    """Another process took over; this one goes on with other work."""
    harness = await a_harness()
    async with at_work(harness) as bench:
        bench.recorder.held["channel:slow"] = asyncio.Event()
        await bench.put(an_outbox_message("slow", queue="channel:slow"))
        await bench.until(lambda: bench.held("channel:slow"))
        harness.storage.pass_time(60)
        (other,) = await harness.storage.claims.claim_due(Lane.DELIVERIES, limit=5)
        bench.recorder.held["channel:slow"].set()
        await bench.put(an_outbox_message("next", queue="channel:next"))

        await bench.until(lambda: "next" in bench.recorder.delivered)
        harness.storage.claims.check(other)

    assert [outgoing.key for outgoing in harness.storage.waiting] == ["slow"]


async def test_what_an_older_policy_must_not_judge_is_left_to_a_worker_with_the_newer_one() -> None:
    """The first finds out by the press itself: it is given back at once, uncounted, and nothing is claimed any more."""
    request = an_upgrade_request(required=1)
    harness = await a_harness(request)
    storage = harness.storage
    lax, strict = await harness.restarted(), await harness.restarted(policy=a_policy(a_rule(required_approvals=2)))
    older, newer = lax.in_force, strict.in_force
    await older.declare()
    async with at_work(lax, resting=lambda: older.superseded) as bench:
        await newer.declare()
        await bench.enter(a_press(request), queue=f"request:{request.id}")
        await bench.until(lambda: older.superseded and not bench.held(f"request:{request.id}", Box.INBOX))
        await bench.put(an_outbox_message("for others"))
        await bench.later(2)
        waiting = (list(storage.entries), "for others" in bench.recorder.delivered, storage.tables.inbox[1].attempts)

    async with at_work(strict) as bench:
        await bench.later(0)
        await bench.until(lambda: not storage.entries and "for others" in bench.recorder.delivered)

    assert waiting == ([a_press(request)], False, 0)
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM})
