"""The buttons of cards, alerts and App Home: read the press, store it, acknowledge. The worker decides and answers.

Some open a modal. Whether this person may do that is checked first, so that none opens in vain.
While Slack does not say who pressed, it opens only for people who were full members within the last hour.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.errors import Refused
from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest
from bot.notifications import ids
from bot.slack import card_modals
from bot.slack.answers import Answers
from bot.slack.card_modals import About
from bot.slack.errors import Listener
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.opening import NOT_OPENED, TOO_LATE, Opening
from bot.slack.payload import Payload, action_of, member_of, text
from bot.slack.storing import Storing
from bot.slack.supervisor import Supervisor
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow import queues
from bot.workflow.errors import MembersUnavailable, Missing
from bot.workflow.inbox import ButtonPressed, MessageRef, Press
from bot.workflow.permissions import who_is_it
from bot.workflow.ports import Members
from bot.workflow.viewing import Viewing

_log = structlog.get_logger(__name__)

Judge = Callable[[ButtonPressed], Awaitable[None]]
"""Raises Refused when this person may not press this button now, MembersUnavailable when Slack does not answer."""
Draw = Callable[[About, UpgradeRequest, Naming], dict[str, object]]
_DECIDED = (Press.APPROVE, Press.WITHDRAW, Press.TRY_AGAIN, Press.SUBMIT_AGAIN, Press.ACKNOWLEDGE)


class _Verdict(Enum):
    OPENS = auto()
    REFUSED = auto()
    UNKNOWN = auto()
    """Slack does not say who pressed it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CardButtons:
    """Listens to presses of buttons.

    The check may take `within` seconds; after that the modal opens only for people who were full members recently.
    """

    viewing: Viewing
    naming: Naming
    storing: Storing
    judge: Judge
    members: Members
    opening: Opening
    views: Views
    tasks: Supervisor
    answers: Answers
    guard: Callable[[Listener], Listener]
    within: float = 1.0

    def register(self, app: AsyncApp) -> None:
        """Register the listeners with Bolt."""
        for press in _DECIDED:
            app.action(press.value)(self.guard(self._readable(self.pressed)))
        app.action(Press.REJECT.value)(self.guard(self._readable(self.reject)))
        app.action(Press.IT_IS_THERE.value)(self.guard(self._readable(self.it_is_there)))
        app.action(ids.ActionId.MORE.value)(self.guard(self._readable(self.choose)))
        for press in (Press.RESCHEDULE, Press.ASK_AGAIN):
            app.action(press.value)(self.guard(self._readable(self.reschedule)))

    async def pressed(self, ack: AsyncAck, body: Payload) -> None:
        """Store a press."""
        await self._store(body, read(body))
        await ack()

    async def choose(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal that asks for a comment, or store what else was chosen in the menu."""
        press = read(body)
        if press.press is Press.COMMENT:
            await self._open(body, press, card_modals.draw_comment)
        else:
            await self._store(body, press)
        await ack()

    async def reject(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal that asks for a reason, or let the worker explain why not."""
        await self._open(body, read(body), card_modals.draw_rejection)
        await ack()

    async def it_is_there(self, ack: AsyncAck, body: Payload) -> None:
        """Let the worker look in the cloud's list, or open the modal that asks for the window where there is none."""
        press = read(body)
        if await self.viewing.has_list(press.request_id):
            await self._store(body, press)
        else:
            await self._open(body, press, card_modals.draw_window)
        await ack()

    async def reschedule(self, ack: AsyncAck, body: Payload) -> None:
        """Open the form filled in, or let the worker explain why not."""
        press = read(body)
        if await self._opens(body, press):
            self.opening.start_rescheduling(body, press.request_id, ModalMetadata(in_home=press.message is None))
        await ack()

    def _readable(self, listener: Listener) -> Listener:
        """Return the listener, with an answer for a button whose value is not ours."""

        async def listening(ack: AsyncAck, body: Payload) -> None:
            try:
                await listener(ack, body)
            except ids.NotOurs as error:
                _log.warning("slack.button_unreadable")
                self.tasks.start(self.answers.tell(body, f"{error} Nothing was changed."), name="not-ours")
                await ack()

        return listening

    async def _open(self, body: Payload, press: ButtonPressed, draw: Draw) -> None:
        if await self._opens(body, press):
            self.tasks.start(self._ask(body, press, draw), name=f"open-{press.press}")

    async def _opens(self, body: Payload, press: ButtonPressed) -> bool:
        """Whether the press may open its modal; otherwise the worker explains why not."""
        match await self._verdict(press):
            case _Verdict.OPENS:
                return True
            case _Verdict.REFUSED:
                await self._store(body, press)
            case _Verdict.UNKNOWN:
                self.tasks.start(self.answers.tell(body, who_is_it(self.members)), name="try-again")
        return False

    async def _verdict(self, press: ButtonPressed) -> _Verdict:
        try:
            async with asyncio.timeout(self.within):
                await self.judge(press)
        except (Refused, Missing):
            return _Verdict.REFUSED
        except (MembersUnavailable, TimeoutError):
            known = self.members.recently_full(press.member) is not None
            return _Verdict.OPENS if known else _Verdict.UNKNOWN
        return _Verdict.OPENS

    async def _ask(self, body: Payload, press: ButtonPressed, draw: Draw) -> None:
        request = await self.viewing.request(press.request_id)
        if request is None:
            await self.answers.tell(body, "This request is not known here any more.")
            return
        try:
            await self.views.open(text(body, "trigger_id"), draw(About.of(press), request, self.naming))
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)

    async def _store(self, body: Payload, press: ButtonPressed) -> None:
        action = action_of(body)
        key = f"press:{press.member}:{text(action, 'action_ts')}:{text(action, 'action_id')}"
        await self.storing.put(press, key=key, queue=queues.entries_of_request(press.request_id))


def read(body: Payload) -> ButtonPressed:
    """Read a press; raises NotOurs when the button's value is not ours. A press in App Home has no message."""
    action = action_of(body)
    named, value = text(action, "action_id"), text(action, "value")
    if named == ids.ActionId.MORE:
        named, value = ids.read_option(text(action, "selected_option", "value"))
    carried = ids.read(value)
    channel = text(body, "container", "channel_id") or text(body, "channel", "id")
    ts = text(body, "container", "message_ts") or text(body, "message", "ts")
    return ButtonPressed(
        member=member_of(body),
        press=Press(named),
        request_id=carried.request_id,
        seal=carried.seal,
        readiness=carried.readiness,
        response_url=text(body, "response_url") or None,
        message=MessageRef(channel=channel, ts=ts) if channel and ts else None,
    )
