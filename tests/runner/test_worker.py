import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial

from bot.domain.request import State
from bot.runner.serving import Duties
from bot.runner.worker import Worker
from bot.workflow.entries import AnyEntry, Arrival, Errand, Press
from bot.workflow.ports import Box, Lease
from tests.builders import KIM, ROOS, SEM, a_policy, a_press, a_rule, a_submitted_form, an_errand, an_upgrade_request
from tests.fake_claims import FakeClaims
from tests.workflow.house import House, a_house

SOON = 30.0
"""Real seconds after which a test gives up."""


class Post:
    """Delivers by striking off; `held` keeps a queue's delivery in hand until it is set.

    `more` is stored between a look at what is due and the record of its delivery.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.delivered: list[str] = []
        self.held: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.failures = 0
        self.more: list[Errand] = []
        self.nap: Callable[[float], Awaitable[None]] | None = None

    async def deliver(self, lease: Lease) -> float:
        """Deliver everything that is due in a queue."""
        if lease.queue in self.broken:
            self.failures += 1
            raise RuntimeError("This queue is broken.")
        if lease.queue in self.held:
            await self.held[lease.queue].wait()
        if self.nap:
            await self.nap(600)
        async with self.house.storage.look() as work:
            found = await work.outbox.due(lease.queue, limit=100)
        async with self.house.storage.begin() as work:
            await work.outbox.put(*self.more)
            self.more = []
            await work.commit()
        async with self.house.storage.begin(lease) as work:
            for due in found:
                self.delivered.append(due.errand.key)
                await work.outbox.done(due.number)
            await work.commit()
        return 0.0


class Shift:
    """A worker at work over a house."""

    def __init__(self, house: House, *, renew_every: float = 5.0) -> None:
        self.house = house
        self.post = Post(house)
        self.worker = Worker(
            claims=house.storage.claims,
            begin=house.storage.begin,
            look=house.storage.look,
            duties=Duties(
                requesting=house.requesting,
                deciding=house.deciding,
                submitting=house.submitting,
                deliver=self.post.deliver,
            ),
            renew_every=renew_every,
        )
        house.storage.wakes.append(self.worker.wake)

    async def enter(self, entry: AnyEntry, *, queue: str) -> None:
        """Store an entry as an edge does."""
        async with self.house.storage.begin() as work:
            await work.inbox.put(Arrival(entry=entry, key=f"key-{next(self.house.entered)}", queue=queue))
            await work.commit()

    async def put(self, *some: Errand) -> None:
        """Store errands."""
        async with self.house.storage.begin() as work:
            await work.outbox.put(*some)
            await work.commit()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(SOON):
            while not true():  # noqa: ASYNC110 - what is waited for is plain state
                await asyncio.sleep(0.005)

    async def later(self, seconds: float) -> None:
        """Let what was postponed become due, and wake the worker for it."""
        self.house.storage.pass_time(seconds)
        rooms = self.house.storage.rooms
        for box, rows in ((Box.INBOX, rooms.inbox), (Box.OUTBOX, rooms.outbox)):
            for row in rows.values():
                self.worker.wake(box, row.queue)

    def held(self, queue: str, box: Box = Box.OUTBOX) -> bool:
        """Whether the queue is somebody's now."""
        lease = self.house.storage.claims.leases.get((box, queue))
        return lease is not None and lease.until is not None


@asynccontextmanager
async def at_work(house: House, *, renew_every: float = 5.0) -> AsyncIterator[Shift]:
    """Run a worker; it is drained in the end."""
    shift = Shift(house, renew_every=renew_every)
    running = asyncio.create_task(shift.worker.run())
    try:
        yield shift
    finally:
        await shift.worker.drain(within=1)
        await running


async def test_a_request_goes_all_the_way_through_the_worker() -> None:
    """Asked, approved, submitted, each step woken by the one before."""
    house = await a_house()
    async with at_work(house) as shift:
        await shift.enter(a_submitted_form(), queue="cluster:web")
        await shift.until(lambda: len(house.storage.requests) == 1)
        (request,) = house.storage.requests.values()
        await shift.enter(a_press(request), queue=f"request:{request.id}")

        await shift.until(lambda: house.now_of(request).state is State.SUBMITTED)

    assert house.storage.entries == []
    assert len(house.cloud.submissions) == 1


async def test_entries_of_one_queue_are_decided_in_stored_order() -> None:
    """The withdrawal came after the approval, so the approval counts first."""
    request = an_upgrade_request(required=2)
    house = await a_house(request, policy=a_policy(a_rule(required_approvals=2)))
    async with at_work(house) as shift:
        house.members.down = True
        for member, press in ((SEM, Press.APPROVE), (ROOS, Press.WITHDRAW), (KIM, Press.APPROVE)):
            await shift.enter(a_press(request, member=member, press=press), queue="request:1")
        await shift.until(lambda: len(house.answers) == 1)
        house.members.down = False
        await shift.later(2)

        await shift.until(lambda: not house.storage.entries)

    told = [answer.removeprefix("*production/web*: ") for answer in house.answers]
    assert told[0].startswith("Slack does not say just now who may do this.")
    assert told[1] == "Your approval counts: 1 of 2."
    assert told[2] == "You withdrew this request."
    assert "already withdrawn" in told[3]


async def test_an_unreachable_slack_is_said_once_and_waited_for() -> None:
    """The press is kept; the person is told so at the first failure only."""
    request = an_upgrade_request()
    house = await a_house(request)
    house.members.down = True
    async with at_work(house) as shift:
        await shift.enter(a_press(request), queue="request:1")
        for tries in (1, 2, 3):
            await shift.until(lambda tries=tries: house.storage.rooms.inbox[1].attempts == tries)  # type: ignore[misc]
            await shift.later(60)
        house.members.down = False
        await shift.later(60)

        await shift.until(lambda: house.now_of(request).state is not State.PENDING_APPROVAL)

    kept, counted = house.answers
    assert kept.endswith("What you did is kept, and decided as soon as Slack answers.")
    assert "Your approval counts" in counted


async def test_a_new_request_is_taken_once_the_older_one_was_submitted() -> None:
    """It waits two seconds at a time, and its requester is told why once it takes longer."""
    older = an_upgrade_request(state=State.SUBMITTING)
    house = await a_house(older)
    async with at_work(house) as shift:
        await shift.enter(a_submitted_form(), queue="cluster:web")
        for tries in range(1, 6):
            await shift.until(lambda tries=tries: house.storage.rooms.inbox[1].attempts == tries)  # type: ignore[misc]
            await shift.later(2)
        async with house.storage.begin() as work:
            await work.requests.save(house.now_of(older).fail("no", at=house.clock()))
            await work.commit()
        await shift.later(2)

        await shift.until(lambda: len(house.storage.requests) == 2)

    assert house.now_of(older).state is State.REPLACED
    assert [answer.split(".")[0] for answer in house.answers] == [
        "An earlier request for this cluster is being submitted just now"
    ]


async def test_a_fault_of_ours_holds_up_nobody_else() -> None:
    """The entry is tried again later, with growing pauses, and its giver told once; other queues go on."""
    request = an_upgrade_request()
    house = await a_house(request)
    find = house.members.find

    async def broken(member: str) -> object:
        if member == KIM:
            raise RuntimeError("A fault")
        return await find(member)  # type: ignore[arg-type]

    house.members.find = broken  # type: ignore[method-assign, assignment]
    async with at_work(house) as shift:
        await shift.enter(a_press(request, member=KIM), queue="request:1")
        await shift.enter(a_press(request, member=SEM), queue="request:2")

        await shift.until(lambda: house.now_of(request).state is not State.PENDING_APPROVAL)
        for tries in range(1, 6):
            await shift.until(lambda tries=tries: house.storage.rooms.inbox[1].attempts == tries)  # type: ignore[misc]
            await shift.later(60)

    assert [answer for answer in house.answers if "went wrong here" in answer] == [house.answers[-1]]
    assert house.storage.rooms.inbox[1].error == "RuntimeError('A fault')"


async def test_a_submission_that_cannot_be_judged_waits() -> None:
    """Slack is away right before it: postponed, and nothing is sent."""
    house = await a_house()
    request = await house.approved()
    house.members.down = True
    async with at_work(house) as shift:
        await shift.until(lambda: any(row.attempts for row in house.storage.rooms.outbox.values()))
        sent = list(house.cloud.submissions)
        house.members.down = False
        await shift.later(60)

        await shift.until(lambda: house.now_of(request).state is State.SUBMITTED)

    assert sent == []


async def test_a_broken_queue_holds_up_no_other() -> None:
    """Its lease is given back and it is tried again a second later."""
    house = await a_house()
    async with at_work(house) as shift:
        shift.post.broken = {"channel:bad"}
        await shift.put(an_errand("bad", queue="channel:bad"), an_errand("good", queue="channel:good"))

        await shift.until(lambda: shift.post.delivered == ["good"])
        await shift.until(lambda: not shift.held("channel:bad"))
        shift.post.broken = set()
        await shift.later(1)

        await shift.until(lambda: shift.post.delivered == ["good", "bad"])


async def test_a_queue_that_stays_broken_rests_longer_each_time() -> None:
    """A fault of ours fills no log; a minute is the longest, and one success begins anew."""
    house = await a_house()
    async with at_work(house) as shift:
        shift.post.broken = {"channel:bad"}
        await shift.put(an_errand("bad", queue="channel:bad"))
        rests = []

        def rests_after(failures: int) -> bool:
            return shift.post.failures == failures and not shift.held("channel:bad")

        for count in range(1, 9):
            await shift.until(partial(rests_after, count))
            rests.append(house.storage.claims.leases[Box.OUTBOX, "channel:bad"].not_before - house.storage.seconds())
            await shift.later(60)

    assert [round(rest) for rest in rests] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_slow_delivery_holds_up_no_decision() -> None:
    """Queues are served side by side."""
    request = an_upgrade_request()
    house = await a_house(request)
    async with at_work(house) as shift:
        shift.post.held["channel:slow"] = asyncio.Event()
        await shift.put(an_errand("slow", queue="channel:slow"))
        await shift.until(lambda: shift.held("channel:slow"))
        await shift.enter(a_press(request), queue="request:1")

        await shift.until(lambda: house.now_of(request).state is not State.PENDING_APPROVAL)
        shift.post.held["channel:slow"].set()


async def test_what_is_stored_in_a_queue_in_hand_is_served_right_after() -> None:
    """It is not forgotten until the worker looks at everything."""
    house = await a_house()
    async with at_work(house) as shift:
        await shift.put(an_errand("before", queue="channel:other"))
        await shift.until(lambda: shift.post.delivered == ["before"])
        shift.worker._look_again = math.inf
        shift.post.more = [an_errand("second", queue="channel:one")]
        await shift.put(an_errand("first", queue="channel:one"))

        await shift.until(lambda: shift.post.delivered == ["before", "first", "second"])


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
    house = await a_house()
    house.storage.claims = claims = Flaky(house.storage, lasting=60)
    async with at_work(house, renew_every=0.05) as shift:
        shift.post.held["channel:slow"] = asyncio.Event()
        await shift.put(an_errand("slow", queue="channel:slow"))
        await shift.until(lambda: shift.held("channel:slow"))

        for _ in range(3):
            house.storage.pass_time(30)
            claims.renewals = 0
            await shift.until(lambda: claims.renewals > 0)
        taken = await house.storage.claims.claim_due(Box.OUTBOX, limit=5)
        shift.post.held["channel:slow"].set()
        await shift.until(lambda: shift.post.delivered == ["slow"])

    assert (taken, claims.failures) == ((), 1)


async def test_whoever_lost_a_lease_records_nothing() -> None:
    """Another process took over; this one goes on with other work."""
    house = await a_house()
    async with at_work(house) as shift:
        shift.post.held["channel:slow"] = asyncio.Event()
        await shift.put(an_errand("slow", queue="channel:slow"))
        await shift.until(lambda: shift.held("channel:slow"))
        house.storage.pass_time(60)
        (other,) = await house.storage.claims.claim_due(Box.OUTBOX, limit=5)
        shift.post.held["channel:slow"].set()
        await shift.put(an_errand("next", queue="channel:next"))

        await shift.until(lambda: "next" in shift.post.delivered)
        house.storage.claims.check(other)

    assert [errand.key for errand in house.storage.waiting] == ["slow"]


async def test_draining_lets_what_is_in_hand_end_and_takes_nothing_more() -> None:
    """SIGTERM: the delivery ends, the next one stays, every lease is free."""
    house = await a_house()
    shift = Shift(house)
    running = asyncio.create_task(shift.worker.run())
    shift.post.held["channel:slow"] = asyncio.Event()
    await shift.put(an_errand("slow", queue="channel:slow"))
    await shift.until(lambda: shift.held("channel:slow"))

    draining = asyncio.create_task(shift.worker.drain(within=SOON))
    await asyncio.sleep(0.01)
    await shift.put(an_errand("next", queue="channel:next"))
    shift.post.held["channel:slow"].set()
    await asyncio.gather(draining, running)

    assert shift.post.delivered == ["slow"]
    assert not any(held.until for held in house.storage.claims.leases.values())


async def test_draining_breaks_off_what_does_not_end_and_frees_its_lease() -> None:
    """Another process can go on at once; nothing of it was recorded."""
    house = await a_house()
    shift = Shift(house)
    running = asyncio.create_task(shift.worker.run())
    shift.post.held["channel:slow"] = asyncio.Event()
    await shift.put(an_errand("slow", queue="channel:slow"))
    await shift.until(lambda: shift.held("channel:slow"))

    await shift.worker.drain(within=0.05)
    await running

    assert [lease.queue for lease in await house.storage.claims.claim_due(Box.OUTBOX, limit=5)] == ["channel:slow"]


class Slow(FakeClaims):
    """Leases that take their time to be claimed."""

    async def claim_due(self, box: Box, *, limit: int, among: Collection[str] | None = None) -> tuple[Lease, ...]:
        """Claim, then answer late."""
        leases = await super().claim_due(box, limit=limit, among=among)
        await asyncio.sleep(0.1 if leases else 0)
        return leases


async def test_draining_waits_for_what_is_being_claimed_right_now() -> None:
    """Otherwise its lease would outlive the process."""
    house = await a_house()
    house.storage.claims = Slow(house.storage)
    shift = Shift(house)
    await shift.put(an_errand("late", queue="channel:late"))
    running = asyncio.create_task(shift.worker.run())
    await shift.until(lambda: shift.held("channel:late"))

    await shift.worker.drain(within=SOON)
    await running

    assert not any(held.until for held in house.storage.claims.leases.values())


class Gone(FakeClaims):
    """Leases in a database that does not answer any more."""

    async def release(self, lease: Lease, *, again_in: float = 0.0) -> None:  # noqa: ARG002 - as Claims
        """Never end."""
        await asyncio.Event().wait()


async def test_draining_does_not_wait_for_a_database_that_does_not_answer() -> None:
    """The lease runs out by itself; the process has to end within ten seconds."""
    house = await a_house()
    house.storage.claims = Gone(house.storage)
    shift = Shift(house)
    running = asyncio.create_task(shift.worker.run())
    shift.post.held["channel:slow"] = asyncio.Event()
    await shift.put(an_errand("slow", queue="channel:slow"))
    await shift.until(lambda: shift.held("channel:slow"))

    await asyncio.wait_for(shift.worker.drain(within=0.05), SOON)
    await running
