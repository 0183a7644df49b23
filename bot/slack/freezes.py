"""Freezes in Slack: the modal "Freeze upgrades", `Lift freeze`, `Show all`, and the list."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.freeze import FreezeId
from bot.domain.people import Member
from bot.notifications import freeze, rules
from bot.notifications.blocks import Message
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form import freeze as form
from bot.slack.form.filling import zone_of
from bot.slack.form.opening import NOT_OPENED, TOO_LATE
from bot.slack.payload import Payload, action_of, member_of, text
from bot.slack.storing import Storing
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow import queues
from bot.workflow.errors import MembersUnavailable, Missing
from bot.workflow.freezing import Freezing
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed
from bot.workflow.viewing import Viewing

_log = structlog.get_logger(__name__)
_WITHIN = 1.0
"""Seconds for looking up whether somebody may freeze, before the modal opens in any case."""
_TURNS = ("previous", "next")


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeListeners:
    """Opens the modals and stores what people decide; the worker decides and answers."""

    freezing: Freezing
    viewing: Viewing
    storing: Storing
    access_gate: AccessGate
    views: Views
    tasks: Supervisor
    answers: Answers
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what is listened to."""
        app.view(form.FREEZE)(self.guard(self.asked))
        app.options(form.PLACES)(self.guard(self.typed))
        app.action(freeze.LIFT)(self.guard(self.lifted))
        app.action(freeze.SHOW_ALL)(self.guard(self.shown))
        for turn in _TURNS:
            app.action(f"{freeze.SHOW_ALL}_{turn}")(self.guard(self.turned))

    async def start(self, body: Payload, words: Sequence[str], member: Member | None) -> str:
        """Open the modal, filled in from words, beside the listener; call it right before the ack.

        Returns why it is not opened: the person may not freeze there, as far as that can be told at once. Raises
        NotUnderstood.
        """
        zone = zone_of(member.zone) if member else None
        places, naming = self.freezing.places(), self.viewing.naming
        filled = form.fill(words, places, naming, now=self.viewing.now(), zone=zone)
        try:
            async with asyncio.timeout(_WITHIN):
                chosen = form.chosen_places(filled, places)
                why = await self.freezing.refusals(member, chosen) if member else ()
        except (MembersUnavailable, TimeoutError):
            why = ()  # the worker judges it
        if why:
            return rules.refusal(*why[: freeze.FEW])
        self.tasks.start(self._show(body, form.draw(filled, places, naming)), name="open-freeze")
        return ""

    async def listed(self) -> Message:
        """Return what `freezes` answers."""
        return freeze.listed(await self.freezing.all(), naming=self.viewing.naming, now=self.viewing.now())

    async def asked(self, ack: AsyncAck, body: Payload) -> None:
        """Store the freeze, or say at its fields what is wrong with it."""
        filled, places = form.read(body["view"]), self.freezing.places()
        errors = form.errors(filled, places, now=self.viewing.now())
        if errors or filled.until is None:
            await ack(response_action="errors", errors=errors)
            return
        entry = FreezeAsked(
            member=member_of(body),
            places=form.chosen_places(filled, places),
            until=filled.until,
            reason=filled.reason,
        )
        await self.storing.put(entry, key=f"view:{text(body, 'view', 'id')}", queue=queues.FREEZES)
        await ack()

    async def typed(self, ack: AsyncAck, body: Payload) -> None:
        """Offer what fits what was typed into the search field of Environments."""
        found = form.options(self.freezing.places(), self.viewing.naming, typed=text(body, "value"))
        await ack(options=[dict(one) for one in found])

    async def lifted(self, ack: AsyncAck, body: Payload) -> None:
        """Store that somebody lifts a freeze."""
        action = action_of(body)
        entry = FreezeLiftPressed(
            member=member_of(body),
            freeze_id=FreezeId(text(action, "value")),
            response_url=text(body, "response_url") or None,
        )
        key = f"press:{entry.member}:{text(action, 'action_ts')}:{freeze.LIFT}"
        await self.storing.put(entry, key=key, queue=queues.FREEZES)
        await ack()

    async def shown(self, ack: AsyncAck, body: Payload) -> None:
        """Open the list of what is scheduled within a freeze."""
        self.tasks.start(self._list(body, view_id=""), name="open-frozen")
        await ack()

    async def turned(self, ack: AsyncAck, body: Payload) -> None:
        """Turn to another page of the list."""
        self.tasks.start(self._list(body, view_id=text(body, "view", "id")), name="turn-frozen")
        await ack()

    async def _list(self, body: Payload, *, view_id: str) -> None:
        if refusal := self.access_gate.refusal(await self.access_gate.identify(member_of(body))):
            await self.answers.tell(body, refusal)
            return
        freeze_id, channel, page = (*text(action_of(body), "value").split(":", 2), "", "")[:3]
        try:
            found, affected = await self.freezing.affected(FreezeId(freeze_id), channel=channel)
        except Missing:
            await self.answers.tell(body, "This freeze is no longer known here.")
            return
        number = int(page) if page.isascii() and page.isdigit() else 0
        view = freeze.affected_view(found, affected, channel=channel, naming=self.viewing.naming, page=number).payload()
        if not view_id:
            await self._show(body, view)
            return
        try:
            await self.views.update(view_id, view)
        except ViewFailed as error:
            _log.info("slack.modal_not_updated", code=error.code)

    async def _show(self, body: Payload, view: dict[str, object]) -> None:
        try:
            await self.views.open(text(body, "trigger_id"), view)
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)
