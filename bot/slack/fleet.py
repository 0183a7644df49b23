"""The fleet in Slack: the answer to `fleet`, the modal with all clusters in pages, and the button `Plan rollout`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.naming import Naming
from bot.notifications import fleet
from bot.notifications.blocks import Message
from bot.notifications.ids import ActionId
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form.directory import Directory, Place
from bot.slack.form.opening import NOT_OPENED, TOO_LATE
from bot.slack.payload import Payload, action_of, member_of, text
from bot.slack.rollouts import RolloutListeners
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow.fleet import FleetPlace, FleetReading

_log = structlog.get_logger(__name__)
_NOT_LOADED = "The clusters have not been read from Avisi Cloud yet. Please try again in a moment."


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetListeners:
    """Listens to the fleet's buttons, wherever they are drawn. Every full member may look; nothing is stored."""

    reading: FleetReading
    directory: Directory
    naming: Naming
    rollouts: RolloutListeners
    access_gate: AccessGate
    views: Views
    tasks: Supervisor
    answers: Answers
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Register the listeners with Bolt."""
        app.action(ActionId.FLEET.value)(self.guard(self.opened))
        app.action(re.compile(rf"{ActionId.FLEET_PAGE}:\w+"))(self.guard(self.turned))
        app.action(ActionId.PLAN_ROLLOUT.value)(self.guard(self.plan))

    async def answer(self, place: Place) -> Message:
        """Return what `fleet` answers."""
        wanted = FleetPlace(organisation=place.organisation, environment=place.environment)
        return fleet.answer(await self.reading.page(wanted, page=0, size=fleet.PRESSING), naming=self.naming)

    async def opened(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal with all clusters."""
        self.tasks.start(self._show(body, view_id=""), name="open-fleet")
        await ack()

    async def turned(self, ack: AsyncAck, body: Payload) -> None:
        """Turn to another page of it."""
        self.tasks.start(self._show(body, view_id=text(body, "view", "id")), name="turn-fleet")
        await ack()

    async def plan(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal that plans a rollout."""
        refusal = self.access_gate.refusal(await self.access_gate.identify(member_of(body)))
        if not refusal and not self.directory.is_loaded:
            refusal = _NOT_LOADED
        if refusal:
            self.tasks.start(self.answers.tell(body, refusal), name="refuse")
        else:
            self.rollouts.start(body)
        await ack()

    async def _show(self, body: Payload, *, view_id: str) -> None:
        if refusal := self.access_gate.refusal(await self.access_gate.identify(member_of(body))):
            await self.answers.tell(body, refusal)
            return
        place, page = fleet.read(text(action_of(body), "value"))
        shown = await self.reading.page(place, page=page, size=fleet.A_PAGE)
        view = fleet.modal(shown, naming=self.naming).payload()
        try:
            if view_id:
                await self.views.update(view_id, view)
            else:
                await self.views.open(text(body, "trigger_id"), view)
        except ViewFailed as error:
            _log.warning("slack.fleet_not_shown", code=error.code)
            if not view_id:
                await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)
