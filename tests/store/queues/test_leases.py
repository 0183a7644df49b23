import asyncio

import pytest
from sqlalchemy import update

from bot.store.queues.leases import check
from bot.store.storage import Storage
from bot.store.tables import PaceRow
from bot.store.transaction import transaction
from bot.workflow.errors import LeaseLost
from bot.workflow.inbox import NewEntry
from bot.workflow.outbox import OutboxMessage, Urgency
from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from tests.builders import a_submitted_form as an_entry
from tests.builders import an_outbox_message, an_upgrade_request
from tests.store.conftest import Subject, make_older


async def put(subject: Subject, *outbox: OutboxMessage) -> None:
    async with subject.begin() as work:
        await work.outbox.put(*outbox)
        await work.commit()


async def claimed(subject: Subject, queue: str = "poll:acme") -> Lease:
    lease = await subject.claims.claim(queue)
    assert lease is not None
    return lease


def queues(leases: tuple[Lease, ...]) -> list[str]:
    return [lease.queue for lease in leases]


async def test_a_named_queue_is_one_holders(subject: Subject) -> None:
    """Nobody else gets it before it is released; each claim has a higher number."""
    lease = await claimed(subject)

    assert await subject.others.claim("poll:acme") is None
    assert await subject.others.claim("poll:other") is not None
    await subject.claims.release(lease)

    again = await subject.others.claim("poll:acme")
    assert again is not None
    assert again.number > lease.number


async def test_of_many_claims_at_the_same_moment_one_wins(subject: Subject) -> None:
    """Two processes with several workers each."""
    leases = await asyncio.gather(
        *(each.claim("poll:acme") for each in (subject.claims, subject.others) for _ in range(5))
    )

    assert sum(lease is not None for lease in leases) == 1


async def test_a_lease_runs_out(subject: Subject) -> None:
    """When its holder dies another goes on, and a renewed one lives longer."""
    await claimed(subject, "dies")
    lives = await claimed(subject, "lives")
    await subject.pass_time(15)
    await subject.claims.renew(lives)
    assert await subject.others.claim("dies") is None
    await subject.pass_time(6)

    assert await subject.others.claim("dies") is not None
    assert await subject.others.claim("lives") is None


async def test_a_queue_rests_after_its_release(subject: Subject) -> None:
    """The next poll begins so many seconds after the last one ended, whoever does it."""
    lease = await claimed(subject)
    await subject.claims.release(lease, again_in=600)

    assert await subject.others.claim("poll:acme") is None
    await subject.pass_time(500)
    assert await subject.others.claim("poll:acme") is None
    await subject.pass_time(101)
    assert await subject.others.claim("poll:acme") is not None


async def test_a_stalled_holder_can_record_nothing(subject: Subject) -> None:
    """It wakes up after another process claimed its queue: what it did is refused as a whole."""
    request = an_upgrade_request()
    stalled = await claimed(subject)
    await subject.pass_time(21)
    current = await subject.others.claim("poll:acme")
    assert current is not None

    async with subject.begin(stalled) as work:
        await work.requests.add(request)
        with pytest.raises(LeaseLost):
            await work.commit()
    with pytest.raises(LeaseLost):
        await subject.claims.renew(stalled)
    await subject.claims.release(stalled)

    assert await subject.claims.claim("poll:acme") is None, "the other's lease is untouched"
    async with subject.begin(current) as work:
        assert await work.requests.of_cluster(request.cluster_identity) == ()
        await work.requests.add(request)
        await work.commit()


async def test_a_lease_that_ran_out_but_was_not_taken_still_holds(subject: Subject) -> None:
    """Being slow harms nobody as long as nobody else began."""
    lease = await claimed(subject)
    await subject.pass_time(21)

    async with subject.begin(lease) as work:
        await work.requests.add(an_upgrade_request())
        await work.commit()
    await subject.claims.renew(lease)

    assert await subject.others.claim("poll:acme") is None


async def test_a_released_lease_records_nothing_more(subject: Subject) -> None:
    """Its holder gave it up, whether or not another took it."""
    lease = await claimed(subject)
    await subject.claims.release(lease)

    async with subject.begin(lease) as work:
        with pytest.raises(LeaseLost):
            await work.commit()
    with pytest.raises(LeaseLost):
        await subject.claims.renew(lease)


async def test_a_lease_of_nobody_is_lost(subject: Subject) -> None:
    """A made-up lease commits nothing."""
    async with subject.begin(Lease(queue="poll:acme", number=1)) as work:
        with pytest.raises(LeaseLost):
            await work.commit()


async def test_due_queues_are_claimed_once(subject: Subject) -> None:
    """Each queue with something due goes to one process, as a whole."""
    await put(subject, *(an_outbox_message(f"{number}", queue=f"card:{number % 4}") for number in range(12)))

    first, second = await asyncio.gather(
        subject.claims.claim_due(Lane.DELIVERIES, limit=10), subject.others.claim_due(Lane.DELIVERIES, limit=10)
    )

    assert sorted(queues(first) + queues(second)) == ["card:0", "card:1", "card:2", "card:3"]
    assert await subject.claims.claim_due(Lane.DELIVERIES, limit=10) == ()
    assert await subject.claims.claim_due(Lane.DECISIONS, limit=10) == ()


async def test_the_most_urgent_queue_goes_first(subject: Subject) -> None:
    """A person's press before alerts before repaints; the oldest first among equals."""
    await put(
        subject,
        an_outbox_message("1", queue="repaint", urgency=Urgency.BACKGROUND),
        an_outbox_message("2", queue="alert"),
        an_outbox_message("3", queue="later-alert"),
        an_outbox_message("4", queue="person", urgency=Urgency.BACKGROUND),
        an_outbox_message("5", queue="person", urgency=Urgency.PERSON),
    )

    assert queues(await subject.claims.claim_due(Lane.DELIVERIES, limit=2)) == ["person", "alert"]
    assert queues(await subject.claims.claim_due(Lane.DELIVERIES, limit=9)) == ["later-alert", "repaint"]


async def test_a_queue_whose_first_errand_waits_is_not_due(subject: Subject) -> None:
    """Order is kept, so nothing behind it can be done anyway."""
    await put(subject, an_outbox_message("1", delay=10), an_outbox_message("2"))

    assert await subject.claims.claim_due(Lane.DELIVERIES, limit=10) == ()
    await subject.pass_time(11)
    assert queues(await subject.claims.claim_due(Lane.DELIVERIES, limit=10)) == ["card:1"]


async def test_a_queue_is_claimed_again_while_it_has_something_due(subject: Subject) -> None:
    """After its release, once its rest is over; a queue with nothing left is not."""
    await put(subject, an_outbox_message("1"), an_outbox_message("2", queue="other"))
    leases = await subject.claims.claim_due(Lane.DELIVERIES, limit=10)
    lease, other = leases
    async with subject.begin(lease) as work:
        (due,) = await work.outbox.due(lease.queue, limit=10)
        await work.outbox.done(due.number)
        await work.commit()
    await subject.claims.release(lease)
    await subject.claims.release(other, again_in=50)

    assert await subject.others.claim_due(Lane.DELIVERIES, limit=10) == ()
    await subject.pass_time(51)
    assert queues(await subject.others.claim_due(Lane.DELIVERIES, limit=10)) == ["other"]


async def test_the_commit_that_ends_the_last_of_a_queue_gives_its_lease_back(subject: Subject) -> None:
    """Until then it stays, and afterwards nothing can be recorded under it."""
    await put(subject, an_outbox_message("1"), an_outbox_message("2"))
    (lease,) = await subject.claims.claim_due(Lane.DELIVERIES, limit=10)
    held = []
    for number in (1, 2):
        async with subject.begin(lease) as work:
            await work.outbox.done(number)
            await work.commit()
        held.append(lease.held)

    assert held == [True, False]
    await put(subject, an_outbox_message("3"))
    assert queues(await subject.others.claim_due(Lane.DELIVERIES, limit=10)) == ["card:1"]
    async with subject.begin(lease) as work:
        with pytest.raises(LeaseLost):
            await work.commit()


async def test_named_queues_are_claimed_and_no_others(subject: Subject) -> None:
    """Whoever knows what was stored need not look at everything; what is not due is not claimed by its name either."""
    await put(
        subject,
        an_outbox_message("1", queue="named"),
        an_outbox_message("2", queue="other"),
        an_outbox_message("3", queue="l", delay=9),
    )

    assert queues(await subject.claims.claim_due(Lane.DELIVERIES, limit=10, among=["named", "l", "never"])) == ["named"]
    assert await subject.claims.claim_due(Lane.DELIVERIES, limit=10, among=[]) == ()


async def test_queues_in_hand_are_not_claimed_though_their_leases_seem_to_have_run_out(subject: Subject) -> None:
    """The database's clock was set forward: whoever works on them knows better."""
    await put(
        subject,
        an_outbox_message("1", queue="in hand"),
        an_outbox_message("2", queue="other", urgency=Urgency.BACKGROUND),
    )
    (lease,) = await subject.claims.claim_due(Lane.DELIVERIES, limit=1)
    await subject.pass_time(60)

    for among in (None, ["in hand", "other"]):
        (other,) = await subject.claims.claim_due(Lane.DELIVERIES, limit=1, among=among, besides=["in hand"])
        assert other.queue == "other"
        await subject.claims.release(other)
    await subject.claims.renew(lease)


async def test_inbox_and_outbox_queues_of_one_name_are_two(subject: Subject) -> None:
    """Deciding on a request does not wait for its card to be drawn."""
    async with subject.begin() as work:
        await work.inbox.put(NewEntry(entry=an_entry(), key="1", queue="request:1"))
        await work.outbox.put(an_outbox_message("1", queue="request:1"))
        await work.commit()

    (deciding,) = await subject.claims.claim_due(Lane.DECISIONS, limit=10)
    (announcing,) = await subject.others.claim_due(Lane.DELIVERIES, limit=10)

    for lease in (deciding, announcing):
        async with subject.begin(lease) as work:
            await work.commit()


async def slots(subject: Subject, *, count: int, within: float = 400.0) -> list[float | None]:
    """Have two processes ask for slots at the same moment, each for a lease of its own."""
    leases = [await claimed(subject, f"card:{number}") for number in range(count)]
    asking = [subject.claims, subject.others] * count
    return await asyncio.gather(
        *(who.next_slot("C1", lease, every=60.0, within=within) for who, lease in zip(asking, leases, strict=False))
    )


async def test_a_pace_gives_one_slot_at_a_time(subject: Subject) -> None:
    """Several processes share one message in so many seconds and channel, and nobody gets the slot of another."""
    waits = [wait for wait in await slots(subject, count=6) if wait is not None]

    assert sorted(waits) == [pytest.approx(60.0 * number, abs=25) for number in range(6)]
    lease = await claimed(subject)
    assert await subject.claims.next_slot("C2", lease, every=1.0, within=1.0) == 0.0
    await subject.pass_time(400)
    assert await subject.claims.next_slot("C1", lease, every=1.0, within=1.0) == 0.0


async def test_a_slot_that_is_too_far_off_is_not_reserved(subject: Subject) -> None:
    """So whoever dies leaves no long line behind."""
    waits = await slots(subject, count=5, within=90.0)

    assert waits.count(None) == 3
    assert await subject.claims.wait("C1", await claimed(subject)) == pytest.approx(120, abs=25)


async def test_a_slot_is_given_only_under_a_lease_that_is_ours_and_renews_it(subject: Subject) -> None:
    """Whoever stalled until another took the queue over sends nothing; whoever has a turn has the time to use it."""
    stalled = await claimed(subject)
    await subject.pass_time(15)
    assert await subject.claims.next_slot("C1", stalled, every=1.0, within=1.0) == 0.0
    await subject.pass_time(8)
    assert await subject.others.claim("poll:acme") is None
    await subject.pass_time(13)
    assert await subject.others.claim("poll:acme") is not None

    with pytest.raises(LeaseLost):
        await subject.claims.next_slot("C1", stalled, every=1.0, within=1.0)
    with pytest.raises(LeaseLost):
        await subject.claims.wait("C1", stalled)


async def test_a_held_pace_waits(subject: Subject) -> None:
    """Retry-After goes for all processes; a shorter one does not cut it."""
    lease = await claimed(subject)
    await subject.claims.hold("C1", seconds=300)
    await subject.others.hold("C1", seconds=50)

    assert await subject.others.wait("C1", lease) == pytest.approx(300, abs=25)
    assert await subject.others.wait("C2", lease) == 0.0
    assert await subject.others.next_slot("C1", lease, every=60.0, within=400.0) == pytest.approx(300, abs=25)
    assert await subject.others.next_slot("C1", lease, every=60.0, within=400.0) == pytest.approx(360, abs=25)


async def test_a_pace_that_was_held_goes_on_afterwards(subject: Subject) -> None:
    """When the pause is over nobody waits any more."""
    lease = await claimed(subject)
    await subject.claims.hold("C1", seconds=30)
    await subject.pass_time(31)

    assert await subject.others.wait("C1", lease) == 0.0
    assert await subject.others.next_slot("C1", lease, every=1.0, within=1.0) == 0.0


async def test_a_process_that_stalls_within_a_transaction_holds_up_its_own_queue_only(postgresql_url: str) -> None:
    """Its row is locked until the server ends its session; the other queues go on at once."""
    stalled, other = Storage.open(postgresql_url), Storage.open(postgresql_url)
    async with stalled.begin() as work:
        await work.outbox.put(an_outbox_message("1", queue="stuck"), an_outbox_message("2", queue="free"))
        await work.commit()
    (lease,) = await stalled.claims.claim_due(Lane.DELIVERIES, limit=1)
    await make_older(stalled, 21)

    async with transaction(stalled.engines.write) as stuck:
        await check(stuck, lease)
        async with asyncio.timeout(60):
            assert queues(await other.claims.claim_due(Lane.DELIVERIES, limit=10)) == ["free"]

    assert queues(await other.claims.claim_due(Lane.DELIVERIES, limit=10)) == ["stuck"]
    await stalled.close()
    await other.close()


async def test_nothing_is_held_longer_than_an_hour(subject: Subject) -> None:
    """A Retry-After of ten days is cut to an hour, and another pause in the meantime does not make it longer."""
    lease = await claimed(subject)
    await subject.claims.hold("C1", seconds=864_000)
    assert await subject.claims.wait("C1", lease) == pytest.approx(3600, abs=25)
    await subject.pass_time(1800)
    lease = await claimed(subject, "card:2")
    await subject.others.hold("C1", seconds=30)

    assert await subject.claims.wait("C1", lease) == pytest.approx(1800, abs=25)


async def test_a_longer_pause_that_was_stored_by_another_version_ends_after_an_hour_too(stored: Storage) -> None:
    """Also over restarts: it counts from when it was stored."""
    for name, hours in (("new", 0.5), ("old", 2)):
        await stored.claims.hold(name, seconds=10)
        async with transaction(stored.engines.write) as storing:
            then = PaceRow.set_at - 3600 * hours
            await storing.run(update(PaceRow).where(PaceRow.name == name).values(set_at=then, next_at=then + 864_000))
            await storing.commit()
    lease = await stored.claims.claim("card:1")
    assert lease is not None

    assert await stored.claims.wait("new", lease) == pytest.approx(1800, abs=25)
    assert await stored.claims.wait("old", lease) == 0
    assert await stored.claims.next_slot("new", lease, every=1, within=1) is None
    assert await stored.claims.next_slot("old", lease, every=1, within=1) == 0
    assert list(await stored.stats.paces(beyond=5)) == ["new"]
