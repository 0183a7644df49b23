import asyncio

import pytest
from sqlalchemy import update

from bot.domain.events import StatusMoved, WentBlind, WindowMoved
from bot.store.queues import boxes
from bot.store.storage import Storage
from bot.store.tables import InboxRow, OutboxRow
from bot.store.transaction import transaction
from bot.workflow.errors import UnreadableRow
from bot.workflow.inbox import AnyEntry, MessageRef, NewEntry, Press, RejectionGiven
from bot.workflow.outbox import Kind, OutboxMessage, StoredDigest, Urgency
from bot.workflow.queues import Lane
from tests.builders import (
    KIM,
    NOON,
    ROOS,
    SEM,
    a_form,
    a_press,
    a_submitted_form,
    a_window,
    about,
    an_answer,
    an_outbox_message,
    an_upgrade_request,
)
from tests.store.conftest import Subject, make_older

REQUEST = an_upgrade_request()
ENTRIES: list[AnyEntry] = [
    a_submitted_form(form=a_form(start=NOON, ignore_windows=True, reason="\x00 & 🙂")),
    a_press(REQUEST, response_url="https://hooks.example/secret", message=MessageRef(channel="C1", ts="1.2")),
    RejectionGiven(member=SEM, request_id=REQUEST.id, seal=REQUEST.seal, reason="Not before the sale."),
]
OF_ONE_PERSON: list[AnyEntry] = [
    a_press(REQUEST, press=Press.APPROVE),
    RejectionGiven(member=SEM, request_id=REQUEST.id, seal=REQUEST.seal, reason="Not before the sale."),
]
OUTBOX_MESSAGES = [
    an_outbox_message("1", kind=Kind.CARD, target="C1", request_id=REQUEST.id, event=None, urgency=Urgency.BACKGROUND),
    an_outbox_message(
        "2", event=StatusMoved(about=about(), mention=(SEM,), status="ODD", from_status=None, window=a_window())
    ),
    an_outbox_message("3", event=WindowMoved(about=about(), status="SCHEDULED", window=None, from_window=a_window())),
    an_outbox_message("4", event=an_answer(), response_url="https://hooks.example/secret", urgency=Urgency.PERSON),
    an_outbox_message("5", event=WentBlind(about=about(), since=NOON), message=MessageRef(channel="C1", ts="1.2")),
]


async def put(subject: Subject, *outbox: OutboxMessage) -> None:
    async with subject.begin() as work:
        await work.outbox.put(*outbox)
        await work.commit()


async def keys(subject: Subject, queue: str = "card:1") -> list[str]:
    async with subject.read() as work:
        return [due.outgoing.key for due in await work.outbox.due(queue, limit=100)]


async def change(subject: Subject, name: str, *numbers: int | StoredDigest, **words: object) -> None:
    async with subject.begin() as work:
        await getattr(work.outbox, name)(*numbers, **words)
        await work.commit()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
async def test_an_entry_comes_back_as_it_was_put(subject: Subject, entry: AnyEntry) -> None:
    """Whatever a person sent is there when it is decided."""
    async with subject.begin() as work:
        assert await work.inbox.put(NewEntry(entry=entry, key="1", queue="cluster:web"))
        await work.commit()

    async with subject.read() as work:
        received = await work.inbox.due("cluster:web")
        assert await work.inbox.due("cluster:data") is None

    assert received is not None
    assert received.entry == entry
    assert received.attempts == 0


async def test_a_repeated_delivery_changes_nothing(subject: Subject) -> None:
    """The key is known, also long after the first was done."""
    async with subject.begin() as work:
        assert await work.inbox.put(NewEntry(entry=ENTRIES[0], key="event-1", queue="q"))
        assert not await work.inbox.put(NewEntry(entry=ENTRIES[1], key="event-1", queue="q"))
        received = await work.inbox.due("q")
        assert received is not None
        await work.inbox.done(received.number)
        await work.commit()
    await subject.pass_time(25 * 3600)

    async with subject.begin() as work:
        assert received.entry == ENTRIES[0]
        assert not await work.inbox.put(NewEntry(entry=ENTRIES[0], key="event-1", queue="q"))
        assert await work.inbox.due("q") is None


async def test_what_arrived_together_is_stored_together(subject: Subject) -> None:
    """In the order in which it came; of a key that is known, or comes twice, nothing but the first."""
    async with subject.begin() as work:
        await work.inbox.put(NewEntry(entry=ENTRIES[0], key="known", queue="q"))
        put = [(ENTRIES[0], "one"), (ENTRIES[1], "known"), (ENTRIES[2], "two"), (ENTRIES[1], "one")]
        new = await work.inbox.put(*(NewEntry(entry=entry, key=key, queue=key) for entry, key in put))
        await work.commit()

    assert new == {"one", "two"}
    async with subject.read() as work:
        found = [await work.inbox.due(queue) for queue in ("q", "one", "two", "known")]
    assert [one and one.entry for one in found] == [ENTRIES[0], ENTRIES[0], ENTRIES[2], None]
    assert [one.number for one in found if one] == sorted(one.number for one in found if one)


async def test_of_deliveries_at_the_same_moment_one_is_stored(subject: Subject) -> None:
    """Slack repeats itself while the first is still on its way."""

    async def deliver() -> bool:
        async with subject.begin() as work:
            is_new = await work.inbox.put(NewEntry(entry=ENTRIES[0], key="event-1", queue="q"))
            await work.commit()
        return bool(is_new)

    outcomes = await asyncio.gather(deliver(), deliver(), deliver())

    assert sorted(outcomes) == [False, False, True]


async def test_entries_of_one_person_are_taken_in_stored_order(subject: Subject) -> None:
    """One that has to wait holds up the later ones, as an earlier no must come before a later yes."""
    async with subject.begin() as work:
        for number, entry in enumerate(OF_ONE_PERSON):
            await work.inbox.put(NewEntry(entry=entry, key=str(number), queue="q"))
        first = await work.inbox.due("q")
        assert first is not None
        await work.inbox.postpone(first.number, seconds=10, error="Slack does not answer.")
        assert await work.inbox.due("q") is None
        await work.commit()

    await subject.pass_time(11)
    async with subject.begin() as work:
        again = await work.inbox.due("q")
        assert again is not None
        assert (again.number, again.attempts, again.entry) == (first.number, 1, OF_ONE_PERSON[0])
        assert again.waited == pytest.approx(11, abs=5)
        await work.inbox.done(again.number)
        second = await work.inbox.due("q")

    assert second is not None
    assert second.entry == OF_ONE_PERSON[1]


async def test_others_pass_by_somebody_whose_entry_has_to_wait(subject: Subject) -> None:
    """Theirs are decided in stored order, and their queue can be claimed for them."""
    async with subject.begin() as work:
        for number, member in enumerate((SEM, KIM, ROOS, SEM)):
            await work.inbox.put(NewEntry(entry=a_press(REQUEST, member=member), key=str(number), queue="q"))
        waits = await work.inbox.due("q")
        assert waits is not None
        await work.inbox.postpone(waits.number, seconds=60, error="Slack does not know.")
        await work.commit()

    decided = []
    for _ in range(2):
        (lease,) = await subject.claims.claim_due(Lane.DECISIONS, limit=5)
        async with subject.begin(lease) as work:
            received = await work.inbox.due("q")
            assert received is not None
            decided.append(received.entry.member)
            await work.inbox.done(received.number)
            await work.commit()
        await subject.claims.release(lease)

    assert decided == [KIM, ROOS]
    assert await subject.claims.claim_due(Lane.DECISIONS, limit=5) == ()
    await subject.pass_time(61)
    assert len(await subject.claims.claim_due(Lane.DECISIONS, limit=5)) == 1


async def test_an_entry_that_was_given_up_lets_the_same_persons_next_one_pass(subject: Subject) -> None:
    """A dead letter is not tried again."""
    async with subject.begin() as work:
        for number, entry in enumerate(OF_ONE_PERSON):
            await work.inbox.put(NewEntry(entry=entry, key=str(number), queue="q"))
        first = await work.inbox.due("q")
        assert first is not None
        await work.inbox.dead_letter(first.number, error="given up\x00")
        await work.commit()

    async with subject.read() as work:
        second = await work.inbox.due("q")
    assert second is not None
    assert second.entry == OF_ONE_PERSON[1]


async def test_an_entry_of_a_newer_version_is_named_and_passed_by(stored: Storage) -> None:
    """Whose it is is known all the same; others go on meanwhile."""
    async with stored.begin() as work:
        for number, member in enumerate((SEM, KIM)):
            await work.inbox.put(NewEntry(entry=a_press(REQUEST, member=member), key=str(number), queue="q"))
        await work.commit()
    await rewrite(stored, InboxRow, 1, {"kind": "EntryOfTomorrow", "value": {}})

    async with stored.begin() as work:
        with pytest.raises(UnreadableRow, match="EntryOfTomorrow") as raised:
            await work.inbox.due("q")
        await work.inbox.postpone(raised.value.number, seconds=60, error=str(raised.value))
        received = await work.inbox.due("q")

    assert (raised.value.number, raised.value.attempts, raised.value.member) == (1, 0, SEM)
    assert received is not None
    assert received.entry.member == KIM


@pytest.mark.parametrize(
    "body", [{"kind": "KindOfTomorrow"}, {"event": {"kind": "EventOfTomorrow", "value": {}}}, {"urgency": "0"}, None]
)
async def test_an_errand_of_a_newer_version_is_set_aside_and_the_rest_goes_on(
    stored: Storage, body: dict[str, object] | None
) -> None:
    """Its tries are counted in a queue of its own."""
    async with stored.begin() as work:
        await work.outbox.put(an_outbox_message("1"), an_outbox_message("2"))
        (first, _) = await work.outbox.due("card:1", limit=10)
        await work.commit()
    known = {**boxes.OUTBOX_MESSAGES.encode(first.outgoing), "event": None}
    await rewrite(stored, OutboxRow, first.number, body and {**known, **body})

    async with stored.begin() as work:
        with pytest.raises(UnreadableRow) as raised:
            await work.outbox.due("card:1", limit=10)
        await work.outbox.set_aside(raised.value.number, queue="card:1:aside:1", seconds=5, error=str(raised.value))
        await work.commit()

    async with stored.read() as work:
        assert [due.outgoing.key for due in await work.outbox.due("card:1", limit=10)] == ["2"]
        assert await work.outbox.due("card:1:aside:1", limit=10) == ()
    await make_older(stored, 6)
    async with stored.read() as work:
        with pytest.raises(UnreadableRow) as again:
            await work.outbox.due("card:1:aside:1", limit=10)
    assert (again.value.number, again.value.attempts) == (first.number, 1)


async def rewrite(stored: Storage, table: type[InboxRow | OutboxRow], number: int, body: object) -> None:
    async with transaction(stored.engines.write) as newer:
        await newer.run(update(table).where(table.number == number).values(body=body))
        await newer.commit()


@pytest.mark.parametrize("outgoing", OUTBOX_MESSAGES, ids=lambda outgoing: outgoing.key)
async def test_an_errand_comes_back_as_it_was_put(subject: Subject, outgoing: OutboxMessage) -> None:
    """With its event, whatever class that is."""
    await put(subject, outgoing)

    async with subject.read() as work:
        (due,) = await work.outbox.due(outgoing.queue, limit=10)

    assert due.outgoing == outgoing
    assert (due.attempts, due.digest) == (0, None)


async def test_an_errand_with_a_known_key_is_ignored(subject: Subject) -> None:
    """A move is announced once, however often it is put, also after it was told."""
    await put(
        subject,
        an_outbox_message("move-1"),
        an_outbox_message("move-1", target="elsewhere"),
        an_outbox_message("move-2"),
    )
    async with subject.read() as work:
        due = await work.outbox.due("card:1", limit=10)
    await change(subject, "done", *(one.number for one in due))
    await put(subject, an_outbox_message("move-1"))

    assert [one.outgoing.key for one in due] == ["move-1", "move-2"]
    assert due[0].outgoing.target == ""
    assert await keys(subject) == []


async def test_an_errand_waits_out_its_delay(subject: Subject) -> None:
    """It holds up what was stored after it in its queue, and nothing else."""
    await put(
        subject,
        an_outbox_message("1"),
        an_outbox_message("2", delay=10),
        an_outbox_message("3"),
        an_outbox_message("4", queue="channel:C1"),
    )

    assert await keys(subject) == ["1"]
    assert await keys(subject, "channel:C1") == ["4"]
    await subject.pass_time(11)
    assert await keys(subject) == ["1", "2", "3"]


async def test_no_more_errands_come_than_were_asked_for(subject: Subject) -> None:
    """In stored order, whatever their urgency: the order of a queue is its promise."""
    await put(
        subject, an_outbox_message("1", urgency=Urgency.BACKGROUND), an_outbox_message("2", urgency=Urgency.PERSON)
    )

    async with subject.read() as work:
        (first,) = await work.outbox.due("card:1", limit=1)

    assert first.outgoing.key == "1"


async def test_a_postponed_errand_comes_back_with_its_attempts(subject: Subject) -> None:
    """Backoff survives in the store."""
    await put(subject, an_outbox_message("1"), an_outbox_message("2"))
    async with subject.read() as work:
        first, second = await work.outbox.due("card:1", limit=10)

    await change(subject, "postpone", first.number, second.number, seconds=5, error="internal_error\x00")
    assert await keys(subject) == []
    await subject.pass_time(6)

    async with subject.read() as work:
        assert [one.attempts for one in await work.outbox.due("card:1", limit=10)] == [1, 1]


async def test_a_buried_errand_lets_the_next_one_pass(subject: Subject) -> None:
    """A dead letter is not tried again and holds up nothing."""
    await put(subject, an_outbox_message("1"), an_outbox_message("2"))
    async with subject.read() as work:
        first, _ = await work.outbox.due("card:1", limit=10)

    await change(subject, "dead_letter", first.number, error="channel_not_found")

    assert await keys(subject) == ["2"]


async def test_a_digest_is_remembered_on_all_its_errands(subject: Subject) -> None:
    """A digest that was interrupted is posted again as the same one."""
    await put(subject, an_outbox_message("1"), an_outbox_message("2"), an_outbox_message("3"))
    async with subject.read() as work:
        due = await work.outbox.due("card:1", limit=10)

    await change(subject, "gather", StoredDigest(first=1, total=2), due[0].number, due[1].number)

    async with subject.read() as work:
        digests = [one.digest for one in await work.outbox.due("card:1", limit=10)]

    assert digests == [StoredDigest(first=1, total=2)] * 2 + [None]
