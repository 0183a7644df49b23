"""Stores what people sent before Slack gets its ack; what arrives at the same time is committed together."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field

import structlog

from bot.workflow.errors import StoreAway
from bot.workflow.inbox import AnyEntry, NewEntry
from bot.workflow.ports import BeginWork

_Waiting = tuple[NewEntry, "asyncio.Future[None]"]


@dataclass(kw_only=True, slots=True)
class Storing:
    """Commits together all entries that arrived during the previous commit; a key that is already stored is ignored."""

    begin: BeginWork
    _waiting: list[_Waiting] = field(default_factory=list)
    _task: "asyncio.Task[None] | None" = None

    async def put(self, entry: AnyEntry, *, key: str, queue: str) -> None:
        """Store an entry for the worker; raises StoreAway."""
        stored = asyncio.get_running_loop().create_future()
        context = structlog.contextvars.get_contextvars()
        self._waiting.append((NewEntry(entry=entry, key=key, queue=queue, context=context), stored))
        if self._task is None or self._task.done():
            # In a context of its own, so that log lines do not carry the reference of whichever delivery came first.
            self._task = asyncio.create_task(self._store_all(), name="storing", context=Context())
        await stored

    async def _store_all(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            try:
                await self._store(together)
            except Exception as error:  # noqa: BLE001 - raised to everybody who waits for it
                if len(together) > 1 and not isinstance(error, StoreAway):
                    await self._store_each(together)
                else:
                    _tell(together, error)

    async def _store_each(self, together: Sequence[_Waiting]) -> None:
        """Store each in a transaction of its own, so that one bad entry does not fail the others."""
        for one in together:
            try:
                await self._store([one])
            except Exception as error:  # noqa: BLE001 - as above
                _tell([one], error)

    async def _store(self, together: Sequence[_Waiting]) -> None:
        async with self.begin() as work:
            await work.inbox.put(*(new_entry for new_entry, _ in together))
            await work.commit()
        _tell(together, None)


def _tell(together: Sequence[_Waiting], error: Exception | None) -> None:
    for _, stored in together:
        if stored.done():
            continue  # nobody waits for it any more
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
