"""A process that stores entries is killed in full flight: what it said was stored, is."""

import asyncio
import sys
from asyncio.subprocess import PIPE

from sqlalchemy import text

from bot.store.storage import Storage
from bot.workflow.queues import Lane

WRITER = """
import asyncio, sys
from bot.store.storage import Storage
from bot.workflow.inbox import NewEntry
from tests.builders import a_fact, a_submitted_form, an_outbox_message

async def write() -> None:
    storage = Storage.open(sys.argv[1])
    await storage.take()
    assert await storage.claims.claim("poll:acme")
    for number in range(100_000):
        async with storage.begin() as work:
            await work.inbox.put(NewEntry(entry=a_submitted_form(), key=str(number), queue=f"q{number}"))
            await work.outbox.put(an_outbox_message(str(number), queue=f"q{number}"))
            await work.audit.append(a_fact("a"))
            await work.commit()
        print("stored", number, flush=True)

asyncio.run(write())
"""
ENOUGH = 40
OTHERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")


async def test_what_was_stored_survives_the_process(stored: Storage) -> None:
    """Every entry that was reported is there, each with its message and its audit event, and the chain is whole."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, stored.url, stdout=PIPE)
    assert process.stdout is not None
    reported = 0
    async for line in process.stdout:
        word, _, number = line.partition(b" ")
        reported = int(number) + 1 if word == b"stored" else reported
        if reported == ENOUGH:
            process.kill()
    await process.wait()
    await gone(stored)

    found = 0
    async with stored.read() as work:
        while await work.inbox.due(f"q{found}") and await work.outbox.due(f"q{found}", limit=1):
            found += 1
        assert await work.inbox.due(f"q{found}") is None
        assert await work.outbox.due(f"q{found}", limit=1) == ()
    assert reported <= found <= reported + 1
    assert len([event async for event in stored.audit_trail.events()]) == found
    assert await stored.audit_trail.verify() == ()


async def gone(stored: Storage) -> None:
    """Wait until PostgreSQL has noticed that its client died: a commit that it was sent may still be on its way."""
    if stored.url.startswith("postgresql"):
        async with asyncio.timeout(60), stored.engines.write.connect() as connection:
            while (await connection.execute(OTHERS)).scalar():
                await connection.rollback()
                await asyncio.sleep(0.02)


async def test_work_goes_on_after_the_process_was_killed(stored: Storage) -> None:
    """At once in SQLite, as the file's lock is free; when the lease has run out in PostgreSQL."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, stored.url, stdout=PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    process.kill()
    await process.communicate()

    await stored.take()

    is_sqlite = stored.url.startswith("sqlite")
    assert (await stored.claims.claim("poll:acme") is not None) is is_sqlite
    assert len(await stored.claims.claim_due(Lane.DELIVERIES, limit=1)) == 1
