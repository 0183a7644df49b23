import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, text, update

from bot.domain.cluster import ClusterIdentity
from bot.domain.people import MemberId
from bot.domain.request import UpgradeRequest
from bot.store.audit import digest
from bot.store.storage import Storage
from bot.store.tables import AuditRow, ChainRow
from bot.store.trail import AuditTrail, Exported
from bot.store.transaction import transaction
from bot.workflow.transitions import fact
from tests.builders import KIM, NOON, SEM, a_fact, an_upgrade_request
from tests.store.conftest import Subject

HOUR = timedelta(hours=1)


async def written(storage: Storage, *requests: str) -> list[dict[str, Any]]:
    """Write three events for each request and return the export."""
    async with storage.begin() as work:
        for number in range(3):
            for request in requests:
                await work.audit.append(a_fact(request, at=NOON + number * HOUR, facts={"number": number}))
        await work.commit()
    return await exported(storage)


async def exported(storage: Storage, **filters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - passed on
    return [event async for event in storage.audit_trail.events(**filters)]


async def tampered(storage: Storage, *statements: Any) -> None:  # noqa: ANN401 - any statement
    async with transaction(storage.engines.write) as tampering:
        for statement in statements:
            await tampering.run(statement)
        await tampering.commit()


async def found(storage: Storage, expect: Iterable[Exported] = ()) -> list[tuple[str, int]]:
    return [(one.request_id, one.number) for one in await storage.audit_trail.verify(expect=expect)]


def event(number: int, request: str = "a") -> Any:  # noqa: ANN401 - a condition
    return (AuditRow.request_id == request) & (AuditRow.number == number)


async def test_facts_become_a_chain_for_each_request(stored: Storage) -> None:
    """Numbered from 1, each with the hash of the one before it; plain JSON throughout."""
    events = await written(stored, "a", "b")

    chain = [one for one in events if one["request_id"] == "a"]
    assert [one["number"] for one in chain] == [1, 2, 3]
    assert [one["previous"] for one in chain] == ["", chain[0]["hash"], chain[1]["hash"]]
    assert json.loads(json.dumps(chain)) == chain
    assert chain[0] == {
        "request_id": "a",
        "number": 1,
        "at": "2026-11-30T12:00:00.000000+00:00",
        "kind": "vote_cast",
        "actor": "U0SEM",
        "organisation": "acme",
        "cluster": "production/web",
        "facts": {"number": 0},
        "previous": "",
        "hash": chain[0]["hash"],
    }
    assert await found(stored) == []
    assert await found(stored, events) == []


async def test_fake_and_databases_count_refusals_alike(subject: Subject) -> None:
    """The first is an event at once, its repeats within a minute one more; another rule or person counts by itself."""

    async def refuse(at: int, *, actor: str = "U0OTTO", rule: str = "NotEntitled") -> None:
        fact = replace(a_fact(at=NOON + timedelta(seconds=at), facts={"rule": rule, "at": at}), actor=actor)
        async with subject.begin() as work:
            await work.audit.append_refusal(fact, rule=rule)
            await work.commit()

    async def write(at: int) -> None:
        async with subject.begin() as work:
            if await work.audit.has_counted(at=NOON + timedelta(seconds=at)):
                await work.audit.append_counted(at=NOON + timedelta(seconds=at))
            await work.commit()

    for at in (0, 1, 59):
        await refuse(at)
    await refuse(2, rule="WrongState")
    await refuse(3, actor="U0GIJS")
    await write(59)
    await refuse(60)
    await refuse(61)
    await write(63)
    await write(120)
    await write(121)

    trail = await subject.audited()
    assert [(one["actor"], one["facts"]["rule"], one["facts"]["at"], one["facts"].get("count")) for one in trail] == [
        ("U0OTTO", "NotEntitled", 0, None),
        ("U0OTTO", "WrongState", 2, None),
        ("U0GIJS", "NotEntitled", 3, None),
        ("U0OTTO", "NotEntitled", 59, 2),
        ("U0OTTO", "NotEntitled", 60, None),
        ("U0OTTO", "NotEntitled", 61, 1),
    ]


async def test_fake_and_databases_chain_alike(subject: Subject) -> None:
    """Any plain facts are taken, also within one Work; what is not JSON is refused."""
    async with subject.begin() as work:
        await work.audit.append(a_fact(facts={"nested": {"list": (1, 2.5, None, True)}, "text": "\x00 🙂 \ud800"}))
        await work.audit.append(a_fact(), a_fact("other"))
        with pytest.raises(Exception, match="no place in JSON"):
            await work.audit.append(a_fact(facts={"object": object()}))
        with pytest.raises(Exception, match="no time zone"):
            await work.audit.append(a_fact(at=NOON.replace(tzinfo=None)))


async def test_an_event_is_not_written_when_its_work_is_not(stored: Storage) -> None:
    """State and audit go together; the chain has no gap after that."""
    async with stored.begin() as work:
        await work.audit.append(a_fact("a"))
    events = await written(stored, "a")

    assert [one["number"] for one in events] == [1, 2, 3]
    assert await found(stored) == []


async def test_writers_at_the_same_moment_do_not_fork_a_chain(stored: Storage) -> None:
    """They wait for each other, for one request only."""
    other = Storage.open(stored.url)

    async def write(storage: Storage) -> None:
        async with storage.begin() as work:
            await work.audit.append(a_fact("a"))
            await work.commit()

    await asyncio.gather(*(write(storage) for storage in (stored, other) * 4))
    await other.close()

    assert [one["number"] for one in await exported(stored, request="a")] == list(range(1, 9))
    assert await found(stored) == []


async def test_the_trail_is_filtered(stored: Storage) -> None:
    """By moment, by request, by cluster with or without its environment and organisation."""
    await written(stored, "a")
    async with stored.begin() as work:
        await work.audit.append(a_fact("b", cluster="staging/web_1"), a_fact("c", cluster="staging/webX1"))
        await work.commit()

    assert [one["number"] for one in await exported(stored, since=NOON + HOUR)] == [2, 3]
    assert {one["request_id"] for one in await exported(stored, request="b")} == {"b"}
    assert {one["request_id"] for one in await exported(stored, cluster="production/web")} == {"a"}
    assert {one["request_id"] for one in await exported(stored, cluster="web_1")} == {"b"}
    assert {one["request_id"] for one in await exported(stored, cluster="acme/production/web")} == {"a"}
    assert await exported(stored, cluster="globex/production/web") == []
    assert await exported(stored, cluster="we") == []


async def test_the_trail_is_read_page_by_page(stored: Storage) -> None:
    """More events than fit on one page come each once, oldest first, and the chains are whole."""
    async with stored.begin() as work:
        await work.audit.append(*(a_fact(f"request-{number % 7}", facts={}) for number in range(50)))
        await work.commit()
    trail = AuditTrail(stored.engines.read, page=8)

    events = [event async for event in trail.events()]

    assert len({(one["request_id"], one["number"]) for one in events}) == len(events) == 50
    assert await trail.verify(expect=events) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"facts": {"number": 9}},
        {"actor": "U0EVIL"},
        {"kind": "request_approved"},
        {"cluster": "production/data"},
        {"organisation": "other"},
        {"at": NOON},
        {"previous": "0" * 64},
        {"hash": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_changed_event_is_found(stored: Storage, change: dict[str, Any]) -> None:
    """Whatever part of it was changed."""
    await written(stored, "a", "b")

    await tampered(stored, update(AuditRow).where(event(2)).values(**change))

    assert ("a", 2) in await found(stored)
    assert all(request == "a" for request, _ in await found(stored))


async def voted_on(storage: Storage, *voters: MemberId, told: bool = True) -> UpgradeRequest:
    """Store a request with a vote of each, and its trail; `told`: each event says whose approvals count."""
    request = an_upgrade_request(required=3, cluster_identity=ClusterIdentity(str(uuid4())))
    async with storage.begin() as work:
        await work.audit.append(fact(request, "upgrade requested", at=NOON, actor=request.requester))
        stored = await work.requests.add(request)
        for voter in voters:
            stored = await work.requests.save(stored.cast(by=voter, at=NOON))
            cast = fact(stored, "vote cast", at=NOON, actor=voter)
            await work.audit.append(cast if told else replace(cast, facts={"count": len(stored.votes)}))
        await work.commit()
    return stored


async def test_a_vote_that_nobody_gave_is_found(stored: Storage) -> None:
    """The requests decide what is submitted: a vote that somebody wrote into one is found, and one that was removed."""
    request, other = await voted_on(stored, SEM), await voted_on(stored, SEM, KIM)
    assert await found(stored) == []

    async with stored.begin() as work:
        await work.requests.save(request.cast(by=MemberId("U0EVIL"), at=NOON))
        await work.requests.save(other.keep_votes_of(frozenset({SEM})))
        await work.commit()

    assert {(one.request_id, one.number, one.problem) for one in await stored.audit_trail.verify()} == {
        (request.id, 2, "the stored request counts an approval of U0EVIL that the trail does not have"),
        (other.id, 3, f"the stored request lacks the approval of {KIM} that the trail has"),
    }


async def test_a_request_that_nobody_made_has_no_votes_to_show(stored: Storage) -> None:
    """A whole request written into the database, with its votes, has no chain."""
    async with stored.begin() as work:
        await work.requests.add(an_upgrade_request().cast(by=SEM, at=NOON))
        await work.commit()

    assert len(await found(stored)) == 1


async def test_votes_are_held_against_a_trail_of_the_first_version_too(stored: Storage) -> None:
    """It says who approved and whose votes were voided, but not who lost theirs otherwise: no alarm of that."""
    lost, voided = [await voted_on(stored, SEM, KIM, told=False) for _ in range(2)]
    async with stored.begin() as work:
        await work.requests.save(lost.keep_votes_of(frozenset({KIM})))
        gone = replace(fact(voided, "votes voided", at=NOON), facts={"voters": [SEM]})
        await work.audit.append(gone, a_fact(voided.id, kind="press refused", facts={}))
        await work.commit()

    assert await found(stored) == [(voided.id, 5)]


async def test_an_export_holds_no_transaction_open_while_it_is_written(postgresql_url: str) -> None:
    """PostgreSQL ends one that idles for 8 s, and a pager or a slow pipe may take hours; SQLite's log would grow."""
    storage = Storage.open(postgresql_url)
    async with storage.begin() as work:
        await work.audit.append(*(a_fact(facts={}) for _ in range(20)))
        await work.commit()
    open_ones = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
    )

    numbers, idle = [], 0
    async for event in AuditTrail(storage.engines.read, page=8).events():
        numbers.append(event["number"])
        async with storage.engines.write.connect() as asking:
            idle += (await asking.execute(open_ones)).scalar_one()

    assert (numbers, idle) == (list(range(1, 21)), 0)
    await storage.close()


async def test_a_removed_event_is_found(stored: Storage) -> None:
    """In the middle, at the beginning, and the last one."""
    events = await written(stored, "a", "b", "c")

    await tampered(stored, delete(AuditRow).where(event(2) | event(1, "b") | event(3, "c")))

    assert await found(stored) == [("a", 2), ("b", 1), ("c", 3)]
    assert ("c", 3) in await found(stored, events)
    said = {finding.problem for finding in await stored.audit_trail.verify()}
    assert "the chain ends here, but it once had 3 events" in said


async def test_reordered_events_are_found(stored: Storage) -> None:
    """Two events that changed places no longer follow from each other."""
    await written(stored, "a")

    await tampered(
        stored,
        update(AuditRow).where(event(2)).values(number=99),
        update(AuditRow).where(event(3)).values(number=2),
        update(AuditRow).where(event(99)).values(number=3),
    )

    assert {number for _, number in await found(stored)} == {2, 3}


async def test_an_event_forged_with_a_right_hash_is_found(stored: Storage) -> None:
    """The event after it no longer follows from it."""
    events = await written(stored, "a")
    forged = {**events[1], "actor": "U0EVIL"}

    await tampered(stored, update(AuditRow).where(event(2)).values(actor="U0EVIL", hash=digest(forged)))

    assert await found(stored) == [("a", 3)]
    assert await found(stored, events) == [("a", 2), ("a", 3)]


async def test_a_tail_cut_with_care_is_found_by_an_earlier_export(stored: Storage) -> None:
    """Whoever also mends the chain's end leaves no trace but the export."""
    events = await written(stored, "a", "b")
    second = next(one for one in events if one["request_id"] == "a" and one["number"] == 2)

    await tampered(
        stored,
        delete(AuditRow).where(event(3)),
        update(ChainRow).where(ChainRow.request_id == "a").values(number=2, hash=second["hash"]),
        delete(AuditRow).where(AuditRow.request_id == "b"),
        delete(ChainRow).where(ChainRow.request_id == "b"),
    )

    assert await found(stored) == []
    assert await found(stored, events) == [("a", 3), ("b", 1), ("b", 2), ("b", 3)]


async def test_a_chain_written_anew_is_found_by_an_earlier_export(stored: Storage) -> None:
    """Right hashes throughout do not help against one who kept the old ones."""
    events = await written(stored, "a")
    await tampered(stored, delete(AuditRow), delete(ChainRow))
    async with stored.begin() as work:
        await work.audit.append(*(a_fact("a", at=NOON + number * HOUR, actor="U0EVIL") for number in range(3)))
        await work.commit()

    assert await found(stored) == []
    assert await found(stored, events) == [("a", 1), ("a", 2), ("a", 3)]


async def test_events_after_the_export_are_no_finding(stored: Storage) -> None:
    """The trail goes on."""
    events = await written(stored, "a")
    await written(stored, "a", "b")

    assert await found(stored, events) == []


async def test_an_event_added_without_its_chain_is_found(stored: Storage) -> None:
    """A forged request, or one more event at the end of a chain, was not written by the bot."""
    await written(stored, "a", "b")

    await tampered(
        stored,
        update(AuditRow).where(event(1, "b")).values(request_id="forged"),
        update(ChainRow).where(ChainRow.request_id == "a").values(number=2),
    )

    requests = {request for request, _ in await found(stored)}
    assert requests == {"a", "b", "forged"}
