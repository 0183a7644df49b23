"""A database that version 0.1.0 wrote is brought up to date, and everything in it is read back as it was."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from benchmarks.reliability.counting import rows
from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.request import RequestId, State
from bot.domain.scheduled import UpgradeIdentity
from bot.store.coding import plain
from bot.store.storage import Storage
from tests.builders import an_outbox_message
from tests.store.written import Written, write, written

ACME = Organisation("acme")


@pytest.fixture
def content() -> Written:
    """Return what 0.1.0 had written."""
    return written()


@pytest.fixture(params=["sqlite", "postgresql"])
async def migrated(request: pytest.FixtureRequest, content: Written) -> AsyncIterator[Storage]:
    """Open each database as a start of this version does."""
    url = request.getfixturevalue(f"empty_{request.param}_url")
    await write(url, content)
    storage = Storage.open(url)
    await storage.take()
    yield storage
    await storage.close()


def differences(read: Any, stored: Any, place: str = "") -> list[str]:  # noqa: ANN401 - any JSON
    """Name what was stored and is not read as it was; this version may have added to it."""
    if isinstance(stored, dict) and isinstance(read, dict):
        return [one for key in stored for one in differences(read.get(key), stored[key], f"{place}.{key}")]
    if isinstance(stored, list) and isinstance(read, list) and len(read) == len(stored):
        pairs = enumerate(zip(read, stored, strict=True))
        return [one for number, (now, then) in pairs for one in differences(now, then, f"{place}[{number}]")]
    return [] if read == stored else [f"{place}: {stored!r} is read as {read!r}"]


def test_the_file_holds_what_it_is_for(content: Written) -> None:
    """Every state, every kind of entry and of message, every event; nothing was lost when it was made."""
    entries = [row["body"] for row in content.tables["inbox"] if row["ended_at"] is None]
    messages = [row["body"] for row in content.tables["outbox"] if row["ended_at"] is None]

    assert {row["state"] for row in content.tables["requests"]} == set(State)
    assert {body["kind"] for body in entries} == {"FormSubmitted", "ButtonPressed", "RejectionGiven"}
    assert {body["value"].get("press") for body in entries} - {None} == {
        "approve",
        "reject",
        "reschedule",
        "submit_again",
        "try_again",
        "withdraw",
    }
    assert {body["kind"] for body in messages} == {
        "card",
        "channel",
        "direct",
        "home",
        "private",
        "strike",
        "submit",
        "thread",
    }
    assert len({body["event"]["kind"] for body in messages if body["event"]}) == 20
    assert [name for name, stored in content.tables.items() if not stored] == []


async def test_nothing_is_missing_after_the_migrations(migrated: Storage) -> None:
    """What a start does is enough."""
    assert await migrated.pending() == ()


async def test_every_request_is_read_back(migrated: Storage, content: Written) -> None:
    """With its votes, estimates, windows and changes; by whatever it is searched for."""
    stored = content.tables["requests"]
    async with migrated.read() as work:
        every = await work.requests.in_states(*State)
        for row in stored:
            read = await work.requests.get(RequestId(row["id"]))
            found = await work.requests.of_cluster(ClusterIdentity(row["cluster_identity"]), State(row["state"]))
            assert differences(plain(read), row["body"]) == []
            assert (read.revision, read.state) == (row["revision"], row["state"])
            assert read in found

    assert len(every) == len(stored)


async def test_every_upgrade_and_its_moves_are_read_back(migrated: Storage, content: Written) -> None:
    """The finished ones, and those that are followed."""
    stored = content.tables["upgrades"]
    async with migrated.read() as work:
        for row in stored:
            identity = UpgradeIdentity(row["identity"])
            read = await work.upgrades.find(ACME, identity)
            moves = await work.upgrades.moves(ACME, identity)
            then = sorted(
                (one for one in content.tables["moves"] if one["identity"] == identity), key=lambda one: one["number"]
            )
            assert differences(plain(read), row["body"]) == []
            assert differences([plain(move) for move in moves], [one["body"] for one in then]) == []
        followed = await work.upgrades.followed(ACME)

    assert len(followed) == len([row for row in stored if not row["final"]])


async def test_the_catalog_and_how_well_it_can_be_read_are_read_back(migrated: Storage, content: Written) -> None:
    """A start answers from this copy before it has read another."""
    (feed,) = content.tables["feeds"]
    async with migrated.read() as work:
        catalog = await work.catalogs.read(ACME)
        read = await work.feeds.get(ACME)

    assert catalog is not None
    assert {cluster.identity for cluster in catalog.clusters} >= {
        row["cluster_identity"] for row in content.tables["requests"]
    }
    assert differences(plain(read), feed["body"]) == []


async def test_places_in_slack_are_read_back(migrated: Storage, content: Written) -> None:
    """Where cards were posted, and which channel refuses messages."""
    async with migrated.read() as work:
        for row in content.tables["cards"]:
            place = await work.messages.card(RequestId(row["request_id"]))
            assert place is not None
            assert (place.channel, place.ts) == (row["channel"], row["ts"])
        broken = await work.destinations.broken()

    assert [one.channel for one in broken] == [row["channel"] for row in content.tables["destinations"]]


async def test_the_audit_trail_verifies(migrated: Storage, content: Written) -> None:
    """Every event is there, and no hash has changed."""
    events = [event async for event in migrated.audit_trail.events()]

    assert await migrated.audit_trail.verify() == ()
    assert len(events) == len(content.tables["audit_events"])


async def test_everything_that_waits_in_the_inbox_is_read_back(migrated: Storage, content: Written) -> None:
    """Forms, presses and rejections, in stored order."""
    async with migrated.begin() as work:
        for queue, stored in content.undone("inbox").items():
            for row in stored:
                read = await work.inbox.due(queue)
                assert read is not None, row
                assert differences(plain(read.entry), row["body"]["value"]) == []
                assert (read.number, read.attempts) == (row["number"], row["attempts"])
                await work.inbox.done(read.number)
            assert await work.inbox.due(queue) is None


async def test_everything_that_waits_in_the_outbox_is_read_back(migrated: Storage, content: Written) -> None:
    """Every kind of message with every event."""
    async with migrated.read() as work:
        for queue, stored in content.undone("outbox").items():
            read = await work.outbox.due(queue, limit=500)
            assert [due.number for due in read] == [row["number"] for row in stored], queue
            for due, row in zip(read, stored, strict=True):
                body = {name: value for name, value in row["body"].items() if name not in {"event", "reference"}}
                event = row["body"]["event"]
                message = plain(due.outgoing)
                assert differences(message, body) == []
                assert differences(message["event"], event and event["value"]) == []
                digest = f"{due.digest.first}/{due.digest.total}" if due.digest else None
                assert (due.attempts, digest) == (row["attempts"], row["digest"])


async def test_what_is_stored_next_comes_after_everything_that_waits(migrated: Storage, content: Written) -> None:
    """The numbers go on where 0.1.0 left off."""
    async with migrated.begin() as work:
        await work.outbox.put(an_outbox_message("new"))
        await work.commit()
    (found,) = await rows(migrated.url, "SELECT number FROM outbox WHERE key = 'new'")

    assert found[0] > max(row["number"] for row in content.tables["outbox"])
