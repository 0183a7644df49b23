"""Counts, at the simulators, what really happened; and, in the database, what is still owed."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.seen import Seen
from tests.world.harness import Harness

STRUCK = "posted twice"


def accepted(cloud: SimulatedCloud) -> Counter[tuple[str, str]]:
    """Count what the cloud accepted from the bot, by cluster and version."""
    return Counter((wish.cluster_identity, wish.version) for by, wish in cloud.accepted if by == "bot")


def cards(opened: Harness, slug: str, channel: str = "C0UPGRADES") -> list[Seen]:
    """Return every message that looks like the card of a cluster, orphans included."""
    return [one for one in opened.sem.messages(channel) if is_card(one.text, slug)]


def is_card(text: str, slug: str) -> bool:
    """Whether the text of a message in a channel is that of a cluster's card, or of an orphan of it."""
    return re.match(rf"\S+/{slug}: upgrade to \S+\. ", text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a database still owes: rows nobody has dealt with, letters given up, leases somebody holds."""

    inbox: int
    outbox: int
    dead: int
    leased: int

    @property
    def nothing(self) -> bool:
        """Whether everything was done and nothing was given up."""
        return (self.inbox, self.outbox, self.dead) == (0, 0, 0)


async def owed(url: str) -> Owed:
    """Count what a database still owes."""
    found = await rows(
        url,
        "SELECT (SELECT count(*) FROM inbox WHERE ended_at IS NULL),"
        " (SELECT count(*) FROM outbox WHERE ended_at IS NULL),"
        " (SELECT count(*) FROM outbox WHERE dead = 1),"
        " (SELECT count(*) FROM leases WHERE leased_until IS NOT NULL)",
    )
    inbox, outbox, dead, leased = found[0]
    return Owed(inbox=inbox, outbox=outbox, dead=dead, leased=leased)


async def states(url: str) -> Counter[str]:
    """Count the requests by their state."""
    return Counter({str(state): number for state, number in await rows(url, _STATES)})


_STATES = "SELECT state, count(*) FROM requests GROUP BY state"


async def rows(url: str, statement: str) -> list[Any]:
    """Run a query beside the bot."""
    engine = _beside(url)
    try:
        async with engine.connect() as connection:
            return list((await connection.execute(text(statement))).all())
    finally:
        await engine.dispose()


def file_of(url: str) -> Path:
    """Return the file of a SQLite URL."""
    return Path(url.partition("///")[2])


async def polled(url: str, *, times: int = 1, within: float = PATIENCE) -> None:
    """Wait until so many polls have begun and ended, whether they could read anything or not."""

    async def begun() -> int:
        found = await rows(url, "SELECT number FROM leases WHERE name = ':poll:acme'")
        return int(found[0][0]) if found else 0

    first = await begun()
    async with asyncio.timeout(within):
        while await begun() <= first + times:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.1)


async def settled(url: str, *, within: float = PATIENCE) -> None:
    """Wait until nothing is owed any more, and look twice."""
    quiet = 0
    async with asyncio.timeout(within):
        while quiet < 2:
            now = await owed(url)
            quiet = quiet + 1 if (now.inbox, now.outbox) == (0, 0) else 0
            await asyncio.sleep(0.15)


async def tried(url: str, *, within: float = PATIENCE) -> None:
    """Wait until something that is still owed was tried, and put off."""
    async with asyncio.timeout(within):
        while not (await rows(url, _TRIED))[0][0]:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.1)


_TRIED = (
    "SELECT (SELECT count(*) FROM inbox WHERE ended_at IS NULL AND attempts > 0)"
    " + (SELECT count(*) FROM outbox WHERE ended_at IS NULL AND attempts > 0)"
)


def _beside(url: str) -> AsyncEngine:
    """Open the database beside the bot, and wait for one's turn as long as the bot takes."""
    return create_async_engine(url, connect_args={"timeout": PATIENCE})


async def hurry(url: str) -> None:
    """Let everything that waits be due at once, as if its pause had passed."""
    engine = _beside(url)
    try:
        async with engine.begin() as connection:
            for table in ("inbox", "outbox"):
                await connection.execute(text(f"UPDATE {table} SET due_at = 0 WHERE ended_at IS NULL"))  # noqa: S608 - two names of ours
    finally:
        await engine.dispose()
