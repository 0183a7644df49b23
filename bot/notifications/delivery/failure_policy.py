"""What is done when Slack did not take something: wait and try again, tell who can fix it, or give it up."""

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.events import About, AnyEvent
from bot.domain.people import MemberId
from bot.notifications.delivery.errors import (
    BadPayload,
    DestinationGone,
    MessageGone,
    MessengerError,
    OutcomeUnknown,
    Revoked,
    Throttled,
    TooLate,
)
from bot.workflow import outbox, queues
from bot.workflow.outbox import DueMessage, Kind, OutboxMessage
from bot.workflow.ports import LONGEST_PAUSE, BeginWork, Clock, Lease, ReadOnlyWork, UnitOfWork
from bot.workflow.retrying import MOST_TRIES, growing_pause

_log = logging.getLogger(__name__)

Report = Callable[[str, str], None]
"""Counts an outcome: kind of errand, and what became of it."""

ChannelContacts = Callable[[str], Awaitable[Sequence[MemberId]]]
"""Returns who can fix a channel, where nobody's own request is concerned."""

_NOTHING: Final = About(organisation="", environment="", cluster="", from_version="", to_version="")
_MOST_TRIES_TO_A_PERSON: Final = 10
_TO_ONE_PERSON: Final = frozenset({Kind.DIRECT, Kind.PRIVATE, Kind.HOME})
_FIXES: Final = {
    "is_archived": "Unarchive it, or name another channel in the bot's policy.",
    "is_inactive": "Unarchive it, or name another channel in the bot's policy.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePolicy:
    """Stores what is to happen after a failure. `invite` is what to type to let the bot into a channel."""

    begin: BeginWork
    now: Clock
    invite: str
    contacts: ChannelContacts
    report: Report
    chance: Callable[[], float] = random.random

    async def note(self, group: Sequence[DueMessage], error: MessengerError, lease: Lease) -> None:
        """Postpone the messages or give them up, and tell whoever can fix it."""
        first = group[0]
        outcome = _outcome(error, first)
        _log.log(
            logging.ERROR if isinstance(error, BadPayload | Revoked) else logging.WARNING,
            "delivery_failed",
            extra={
                "kind": first.outgoing.kind.value,
                "queue": lease.queue,
                "code": error.code,
                "outcome": outcome,
                "details": error.details if isinstance(error, BadPayload) else (),
            },
        )
        numbers = tuple(due.number for due in group)
        broken = isinstance(error, DestinationGone) and first.outgoing.kind not in _TO_ONE_PERSON
        contacts = await self.contacts(first.outgoing.target) if broken and not _is_somebodys(group) else ()
        async with self.begin(lease) as work:
            if outcome == "buried":
                await work.outbox.dead_letter(*numbers, error=error.code)
            else:
                await work.outbox.postpone(*numbers, seconds=self._pause(error, first.attempts), error=error.code)
            if isinstance(error, MessageGone) and first.outgoing.request_id:
                await work.messages.forget_card(first.outgoing.request_id)
            if broken:
                await self._report_broken(work, group, error.code, contacts)
            await work.commit()
        self.report(first.outgoing.kind.value, outcome)

    async def fault(self, group: Sequence[DueMessage], error: Exception, lease: Lease) -> None:
        """Try again what a mistake of ours spoils, and after some tries give it up; in a channel the rest goes on."""
        for due in group:
            given_up = due.attempts + 1 >= MOST_TRIES
            _log.error(
                "dead_letter" if given_up else "delivery_failed",
                exc_info=error,
                extra={"kind": due.outgoing.kind.value, "queue": lease.queue, "number": due.number, "code": "fault"},
            )
            self.report(due.outgoing.kind.value, "buried" if given_up else "fault")
        async with self.begin(lease) as work:
            for due in group:
                said, seconds = repr(error), self._growing(due.attempts)
                if due.attempts + 1 >= MOST_TRIES:
                    await work.outbox.dead_letter(due.number, error=said)
                elif due.outgoing.kind is Kind.CHANNEL:
                    queue = queues.aside(lease.queue, due.number)
                    await work.outbox.set_aside(due.number, queue=queue, seconds=seconds, error=said)
                else:
                    await work.outbox.postpone(due.number, seconds=seconds, error=said)
            await work.commit()

    def _growing(self, attempts: int) -> float:
        return growing_pause(attempts) * (0.5 + self.chance() / 2)

    def _pause(self, error: MessengerError, attempts: int) -> float:
        if isinstance(error, Throttled):
            return min(error.retry_after, LONGEST_PAUSE)
        if isinstance(error, DestinationGone | Revoked):
            return self._growing(10)
        return self._growing(attempts)

    async def _report_broken(
        self, work: UnitOfWork, group: Sequence[DueMessage], code: str, contacts: Sequence[MemberId]
    ) -> None:
        channel = group[0].outgoing.target
        await work.destinations.note_broken(channel, error=code, at=self.now())
        since = next((one.since for one in await work.destinations.broken() if one.channel == channel), self.now())
        fix = _FIXES.get(code, f"Type {self.invite} in that channel, or name another one in the bot's policy.")
        text = (
            f"The bot cannot post in <#{channel}> ({code}), so upgrades do not show there. {fix} "
            f"Everything that waits is posted as soon as it can be."
        )
        told = [
            outbox.answer(member, text, key=f"broken:{channel}:{since.isoformat()}:{member}", about=event.about)
            for event in _events(group)
            for member in ([event.about.requester] if event.about.requester else contacts)
        ]
        await work.outbox.put(*told, *await self._to_card_requester(work, group, text, since.isoformat()))

    async def _to_card_requester(
        self, work: ReadOnlyWork, group: Sequence[DueMessage], text: str, since: str
    ) -> list[OutboxMessage]:
        """Tell whoever asked for a card or froze, where the errand names only the request or the freeze."""
        if freeze_id := group[0].outgoing.freeze_id:
            freeze, channel = await work.freezes.get(freeze_id), group[0].outgoing.target
            return [outbox.answer(freeze.by, text, key=f"broken:{channel}:{since}:{freeze.by}", about=_NOTHING)]
        request_id = group[0].outgoing.request_id
        if group[0].outgoing.event is not None or request_id is None:
            return []
        request = await work.requests.get(request_id)
        member, channel = MemberId(request.requester), group[0].outgoing.target
        return [outbox.answer(member, text, key=f"broken:{channel}:{since}:{member}", about=outbox.about(request))]


def _outcome(error: MessengerError, first: DueMessage) -> str:
    if isinstance(error, BadPayload):
        return "buried"
    if isinstance(error, DestinationGone | TooLate) and first.outgoing.kind in _TO_ONE_PERSON:
        return "buried" if first.attempts >= _MOST_TRIES_TO_A_PERSON else "destination_gone"
    if isinstance(error, DestinationGone):
        return "destination_gone"
    return "repeated" if isinstance(error, OutcomeUnknown) else "postponed"


def _events(group: Sequence[DueMessage]) -> list[AnyEvent]:
    return [due.outgoing.event for due in group if due.outgoing.event]


def _is_somebodys(group: Sequence[DueMessage]) -> bool:
    return any(due.outgoing.request_id or (due.outgoing.event and due.outgoing.event.about.requester) for due in group)
