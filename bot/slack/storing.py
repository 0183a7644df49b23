"""Stores what a person decided before Slack hears that it arrived."""

from dataclasses import dataclass

from bot.workflow.entries import AnyEntry
from bot.workflow.ports import BeginWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Storing:
    """One local commit; the same key a second time changes nothing."""

    begin: BeginWork

    async def put(self, entry: AnyEntry, *, key: str, queue: str) -> None:
        """Store an entry for the worker."""
        async with self.begin() as work:
            await work.inbox.put(entry, key=key, queue=queue)
            await work.commit()
