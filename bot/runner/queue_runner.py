"""Serves one claimed queue in stored order: decides inbox entries, makes submissions, delivers the rest."""

import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.domain.events import About
from bot.domain.people import MemberId
from bot.domain.request import UpgradeRequest
from bot.observe.reference import referenced
from bot.workflow import outbox, queues
from bot.workflow.deciding import Deciding
from bot.workflow.errors import (
    LeaseLost,
    LookUpRefused,
    MembersUnavailable,
    OlderPolicy,
    StoreAway,
    UnreadableRequest,
    UnreadableRow,
)
from bot.workflow.freezing import Freezing
from bot.workflow.inbox import (
    AnyEntry,
    ApprovalCommented,
    ButtonPressed,
    Decided,
    FormSubmitted,
    FreezeAsked,
    FreezeLiftPressed,
    InboxEntry,
    RejectionGiven,
    RolloutPlanned,
    RolloutPressed,
    WindowStated,
)
from bot.workflow.lookups import find_request
from bot.workflow.outbox import DueMessage, OutboxMessage
from bot.workflow.ports import BeginReading, BeginWork, Lease, ReadOnlyWork, UnitOfWork
from bot.workflow.queues import Box, Lane
from bot.workflow.requesting import Later, Requesting
from bot.workflow.retrying import MOST_TRIES, growing_pause
from bot.workflow.rollouts import Rollouts
from bot.workflow.submitting import Submitting

log = structlog.get_logger("bot.runner")

_LONGEST_WAIT_FOR_SLACK = 30.0
_NOTHING = About(organisation="", environment="", cluster="", from_version="", to_version="")
_KEPT = "Slack does not say just now who may do this. What you did is kept, and decided as soon as Slack answers."
_KEPT_UNTIL = "What you did is kept, and decided once that is done."
_TAKES_ITS_TURN = (
    "An earlier request for this cluster is being submitted just now. Yours is kept, and made as soon as that is done."
)
_APPROVED_UNTIL = "Your approved upgrade waits for that, because its votes are checked before it is submitted."
_FAULT = "Something went wrong here. What you did is kept, and tried again until it works."
_A_WHILE = 3
"""Tries after which people are told why they still wait."""
_A_WHILE_SECONDS = 6.0
"""Seconds after which they are, when something else has to end first."""
_UNKNOWN_PERSON = "Slack could not say who may do this"
_OWN_FAULT = "the bot made a mistake each time"
_UNREADABLE = "this version of the bot cannot read it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Handlers:
    """What the worker calls for each kind of work.

    `slack_answers` says whether Slack answers look-ups at all: if it does, only this one person cannot be looked up.
    """

    requesting: Requesting
    deciding: Deciding
    submitting: Submitting
    rollouts: Rollouts
    freezing: Freezing
    deliver: Callable[[Lease], Awaitable[float]]
    slack_answers: Callable[[], Awaitable[bool]]


@dataclass(kw_only=True, slots=True)
class QueueRunner:
    """Works a queue off until nothing in it is due, or until `stopping`: then only the current entry is finished."""

    begin: BeginWork
    read: BeginReading
    handlers: Handlers
    stopping: bool = False

    async def serve(self, lease: Lease) -> float:
        """Work it off; returns for how many seconds it need not be looked at again. Raises LeaseLost.

        What cannot be read is passed by: the rest goes on.
        """
        while True:
            try:
                match lease.lane:
                    case Lane.DECISIONS:
                        return await self._take_in(lease)
                    case Lane.SUBMISSIONS:
                        await self._submit(lease)
                        return 0.0
                    case _:
                        return await self.handlers.deliver(lease)
            except UnreadableRow as unreadable:
                await self._pass_by(unreadable, lease)

    async def _pass_by(self, row: UnreadableRow, lease: Lease) -> None:
        """Try it again later, as another version may be able to read it; after some tries give it up."""
        seconds, error = growing_pause(row.attempts), str(row)
        given_up = row.attempts + 1 >= MOST_TRIES
        about = {"box": lease.box, "queue": lease.queue, "number": row.number, "attempts": row.attempts + 1}
        log.error("dead_letter" if given_up else "row.unreadable", error=error, **about)
        async with self.begin(lease) as work:
            if lease.box is not Box.INBOX:
                if given_up:
                    await work.outbox.dead_letter(row.number, error=error)
                else:
                    queue = queues.aside(lease.queue, row.number)
                    await work.outbox.set_aside(row.number, queue=queue, seconds=seconds, error=error)
            elif given_up:
                await work.inbox.dead_letter(row.number, error=error)
                if row.member:
                    told = f"Something that you did was given up: {_UNREADABLE}. Nothing was changed. Please try again."
                    key = f"given up:{row.number}"
                    await work.outbox.put(outbox.answer(MemberId(row.member), told, key=key, about=_NOTHING))
            else:
                await work.inbox.postpone(row.number, seconds=seconds, error=error)
            await work.commit()

    async def _take_in(self, lease: Lease) -> float:
        """Decide what can be decided; returns for how many seconds nothing can.

        Somebody who has to wait because of their own trouble holds up nobody else.
        """
        while lease.held and not self.stopping:
            async with self.read() as work:
                received = await work.inbox.due(lease.queue)
            if received is None:
                return 0.0
            try:
                with referenced(received.reference or None, queue=lease.queue):
                    await self._take(received, lease)
            except Later as later:
                if received.waited > _A_WHILE_SECONDS:
                    await self._tell(received, _TAKES_ITS_TURN, lease)
                return later.seconds
            except LookUpRefused as error:
                await self._tell(received, f"{error} {_KEPT_UNTIL}", lease)
                return _until_slack_can(received)
            except MembersUnavailable as error:
                if not await self.handlers.slack_answers():
                    await self._tell(received, _KEPT, lease)
                    return _until_slack_can(received)
                told = _KEPT if received.attempts == 0 else None
                await self._failed(received, lease, why=_UNKNOWN_PERSON, error=str(error), tell=told)
            except (LeaseLost, StoreAway, OlderPolicy):
                raise
            except Exception as error:
                log.exception("inbox.failed", number=received.number, attempts=received.attempts)
                told = _FAULT if received.attempts == _A_WHILE else None
                await self._failed(received, lease, why=_OWN_FAULT, error=repr(error), tell=told)
        return 0.0

    async def _take(self, received: InboxEntry, lease: Lease) -> None:
        match received.entry:
            case FormSubmitted() as submitted:
                await self.handlers.requesting.request(received.number, submitted, lease)
            case RolloutPlanned() as planned:
                await self.handlers.rollouts.plan(received.number, planned, lease)
            case RolloutPressed() as rollout_pressed:
                await self.handlers.rollouts.press(received.number, rollout_pressed, lease)
            case FreezeAsked() as asked:
                await self.handlers.freezing.set(received.number, asked, lease)
            case FreezeLiftPressed() as lift:
                await self.handlers.freezing.lift(received.number, lift, lease)
            case decided:
                await self.handlers.deciding.decide(received.number, decided, lease)

    async def _failed(self, received: InboxEntry, lease: Lease, *, why: str, error: str, tell: str | None) -> None:
        """Try an entry again later; after some tries give it up, and tell who sent it."""
        if received.attempts + 1 < MOST_TRIES:
            async with self.begin(lease) as work:
                await work.inbox.postpone(received.number, seconds=growing_pause(received.attempts), error=error)
                if tell:
                    await work.outbox.put(_answer(received, tell))
                await work.commit()
            return
        about = {"number": received.number, "member": received.entry.member, "entry": type(received.entry).__name__}
        log.error("dead_letter", box=Box.INBOX, queue=lease.queue, attempts=MOST_TRIES, error=error, **about)
        async with self.begin(lease) as work:
            await work.inbox.dead_letter(received.number, error=error)
            await work.outbox.put(_answer(received, _given_up(received, why, await _request_of(work, received))))
            await work.commit()

    async def _tell(self, received: InboxEntry, text: str, lease: Lease) -> None:
        """Tell somebody once why they still wait."""
        async with self.begin(lease) as work:
            await work.outbox.put(_answer(received, text))
            await work.commit()

    async def _submit(self, lease: Lease) -> None:
        while lease.held and not self.stopping:
            async with self.read() as work:
                due = await work.outbox.due(lease.queue, limit=1)
            if not due:
                return
            try:
                with referenced(due[0].reference or None, queue=lease.queue):
                    await self.handlers.submitting.submit(due[0], lease)
            except (LeaseLost, StoreAway, OlderPolicy):
                raise
            except Exception as error:
                if isinstance(error, UnreadableRequest):
                    unreadable = UnreadableRow(due[0].number, attempts=due[0].attempts, error=error)
                    await self._pass_by(unreadable, lease)
                    continue
                unknown = not isinstance(error, MembersUnavailable)
                log.warning("submission.postponed", queue=lease.queue, error=repr(error), exc_info=unknown)
                async with self.begin(lease) as work:
                    pause = growing_pause(due[0].attempts, first=2.0)
                    await work.outbox.postpone(due[0].number, seconds=pause, error=repr(error))
                    if isinstance(error, LookUpRefused):
                        await self._tell_requester(work, due[0], f"{error} {_APPROVED_UNTIL}")
                    await work.commit()

    async def _tell_requester(self, work: UnitOfWork, due: DueMessage, text: str) -> None:
        """Tell whoever asked for an upgrade why it is not submitted, once."""
        request = await find_request(work, due.outgoing.request_id)
        if request is None:
            return
        about = outbox.about(request)
        await work.outbox.put(outbox.answer(request.requester, text, key=f"refused:{due.number}", about=about))


def _until_slack_can(received: InboxEntry) -> float:
    """Return for how long a whole queue waits when nobody can be looked up: nothing is out of order afterwards."""
    return min(_LONGEST_WAIT_FOR_SLACK, max(1.0, received.waited))


def _answer(received: InboxEntry, text: str) -> OutboxMessage:
    """Answer who sent an entry; each text once."""
    entry = received.entry
    url = entry.response_url if isinstance(entry, ButtonPressed | RolloutPressed | FreezeLiftPressed) else None
    key = f"kept:{received.number}:{zlib.crc32(text.encode()):x}"
    return outbox.answer(entry.member, text, key=key, about=_NOTHING, response_url=url)


async def _request_of(work: ReadOnlyWork, received: InboxEntry) -> UpgradeRequest | None:
    """Return the request that an entry is about, None when there is none that can be read."""
    if not isinstance(received.entry, Decided):
        return None
    try:
        return await find_request(work, received.entry.request_id)
    except UnreadableRequest:
        return None


def _given_up(received: InboxEntry, why: str, request: UpgradeRequest | None) -> str:
    what, again = _named(received.entry)
    where = f" for {request.full_name}" if request else ""
    reference = f" The log has more under reference {received.reference}." if received.reference else ""
    return f"Your {what}{where} was given up after {MOST_TRIES} tries: {why}. Nothing was changed. {again}{reference}"


def _named(entry: AnyEntry) -> tuple[str, str]:  # noqa: PLR0911 - one for each entry
    """Say what an entry is, and how it is done again."""
    match entry:
        case FormSubmitted():
            return "request", "Please send the form again."
        case RejectionGiven():
            return "rejection", "Please press Reject again."
        case ApprovalCommented():
            return "approval", "Please approve again."
        case WindowStated():
            return "statement", "Please press It is there again."
        case RolloutPlanned():
            return "rollout", "Please send the form again."
        case FreezeAsked():
            return "freeze", "Please send the form again."
        case ButtonPressed() | RolloutPressed() | FreezeLiftPressed():
            return "press", "Please press the button again."
