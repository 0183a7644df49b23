"""Serving one claimed queue: inbox entries are decided, submissions made, the rest delivered, in stored order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.domain.events import About
from bot.domain.request import RequestId, UpgradeRequest
from bot.observe.reference import referenced
from bot.workflow import errands
from bot.workflow.deciding import Deciding
from bot.workflow.entries import ButtonPressed, Due, FormSubmitted, Received, RejectionGiven
from bot.workflow.errors import LeaseLost, LookUpRefused, MembersUnavailable, Missing, OlderPolicy, StoreAway
from bot.workflow.ports import BeginWork, Box, Lease, Work
from bot.workflow.requesting import Later, Requesting
from bot.workflow.submitting import Submitting

log = structlog.get_logger("bot.runner")

_LONGEST_PAUSE = 60.0
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Duties:
    """What the worker calls for each kind of work."""

    requesting: Requesting
    deciding: Deciding
    submitting: Submitting
    deliver: Callable[[Lease], Awaitable[float]]


@dataclass(kw_only=True, slots=True)
class Serving:
    """Works a queue off until nothing in it is due, or `stopping`: then what is in hand still ends."""

    begin: BeginWork
    look: BeginWork
    duties: Duties
    stopping: bool = False

    async def serve(self, lease: Lease) -> float:
        """Work it off; returns for how many seconds it need not be looked at again. Raises LeaseLost."""
        if lease.box is Box.INBOX:
            await self._take_in(lease)
        elif lease.queue.startswith("submit:"):
            await self._submit(lease)
        else:
            return await self.duties.deliver(lease)
        return 0.0

    async def _take_in(self, lease: Lease) -> None:
        while lease.held and not self.stopping:
            async with self.look() as work:
                received = await work.inbox.due(lease.queue)
                if received is None:
                    return
                known = await self._known(work, received)
            try:
                with referenced(received.reference or None, queue=lease.queue):
                    await self._take(received, known, lease)
            except Later as later:
                told = _TAKES_ITS_TURN if received.attempts == _A_WHILE else None
                await self._postpone(received, lease, seconds=later.seconds, error=str(later), tell=told)
            except LookUpRefused as error:
                told, once = f"{error} {_KEPT_UNTIL}", f"kept:{received.number}:refused"
                await self._postpone(received, lease, seconds=_pause(received), error=str(error), tell=told, once=once)
            except MembersUnavailable as error:
                told = _KEPT if received.attempts == 0 else None
                await self._postpone(received, lease, seconds=_pause(received), error=str(error), tell=told)
            except (LeaseLost, StoreAway, OlderPolicy):
                raise
            except Exception as error:
                log.exception("inbox.failed", number=received.number, attempts=received.attempts)
                told = _FAULT if received.attempts == _A_WHILE else None
                await self._postpone(received, lease, seconds=_pause(received), error=repr(error), tell=told)

    async def _known(self, work: Work, received: Received) -> UpgradeRequest | None:
        """Return the request that it is about, None when there is none that can be read."""
        try:
            return await self.duties.deciding.known(work, received.entry)
        except StoreAway:
            raise
        except Exception:  # noqa: BLE001 - the decision reads it again, and what fails there is logged and told
            return None

    async def _take(self, received: Received, known: UpgradeRequest | None, lease: Lease) -> None:
        match received.entry:
            case FormSubmitted() as submitted:
                await self.duties.requesting.request(received.number, submitted, lease)
            case ButtonPressed() as pressed:
                await self.duties.deciding.press(received.number, pressed, lease, known)
            case RejectionGiven() as given:
                await self.duties.deciding.reject(received.number, given, lease, known)

    async def _postpone(
        self,
        received: Received,
        lease: Lease,
        *,
        seconds: float,
        error: str,
        tell: str | None = None,
        once: str = "",
    ) -> None:
        """Put it off, and tell its author something, if there is anything to tell; what has a key `once` only once."""
        async with self.begin(lease) as work:
            await work.inbox.postpone(received.number, seconds=seconds, error=error)
            if tell:
                url = received.entry.response_url if isinstance(received.entry, ButtonPressed) else None
                key = once or f"kept:{received.number}:{received.attempts}"
                await work.outbox.put(
                    errands.answer(received.entry.member, tell, key=key, about=_NOTHING, response_url=url)
                )
            await work.commit()

    async def _submit(self, lease: Lease) -> None:
        while lease.held and not self.stopping:
            async with self.look() as work:
                due = await work.outbox.due(lease.queue, limit=1)
            if not due:
                return
            try:
                with referenced(due[0].reference or None, queue=lease.queue):
                    await self.duties.submitting.submit(due[0], lease)
            except (LeaseLost, StoreAway, OlderPolicy):
                raise
            except Exception as error:
                unknown = not isinstance(error, MembersUnavailable)
                log.warning("submission.postponed", queue=lease.queue, error=repr(error), exc_info=unknown)
                async with self.begin(lease) as work:
                    pause = min(_LONGEST_PAUSE, 2.0 * 2 ** min(due[0].attempts, 6))
                    await work.outbox.postpone(due[0].number, seconds=pause, error=repr(error))
                    if isinstance(error, LookUpRefused):
                        await self._tell_requester(work, due[0], f"{error} {_APPROVED_UNTIL}")
                    await work.commit()

    async def _tell_requester(self, work: Work, due: Due, text: str) -> None:
        """Tell whoever asked for an upgrade why it is not submitted, once."""
        try:
            request = await work.requests.get(RequestId(due.errand.request_id or ""))
        except Missing:
            return
        about = errands.about(request)
        await work.outbox.put(errands.answer(request.requester, text, key=f"refused:{due.number}", about=about))


def _pause(received: Received) -> float:
    return float(min(_LONGEST_PAUSE, 1 << min(received.attempts, 6)))
