"""The button `Readiness` of a card: a modal that shows what is at hand at once, and what is true now in a moment.

And what follows the answer to `status`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest
from bot.notifications import ids, readiness
from bot.slack import listing
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form.opening import NOT_OPENED, TOO_LATE
from bot.slack.payload import Payload, action_of, member_of, text
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow.readiness import ReadinessCheck
from bot.workflow.viewing import ClusterView, Viewing

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessFollowUp:
    """Sends privately what an answer to `status` still lacks, once Avisi Cloud has answered."""

    readiness_check: ReadinessCheck
    naming: Naming
    tasks: Supervisor
    answers: Answers

    def start(self, body: Payload, shown: ClusterView) -> None:
        """Read what is missing beside the listener; when nothing is, do nothing."""
        if shown.readiness and shown.readiness.is_pending:
            self.tasks.start(self._send(body, shown), name="follow-up-status")

    async def _send(self, body: Payload, shown: ClusterView) -> None:
        found = await self.readiness_check.read(shown.cluster, shown.target)
        await self.answers.send(body, listing.filled_in(shown, found, naming=self.naming))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessButton:
    """Listens to the button. Every full member may look; nothing is stored."""

    viewing: Viewing
    naming: Naming
    readiness_check: ReadinessCheck
    access_gate: AccessGate
    views: Views
    tasks: Supervisor
    answers: Answers
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Register the listener with Bolt."""
        app.action(ids.ActionId.READINESS.value)(self.guard(self.pressed))

    async def pressed(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal, or say privately why not."""
        refusal = self.access_gate.refusal(await self.access_gate.identify(member_of(body)))
        work = self.answers.tell(body, refusal) if refusal else self._show(body)
        self.tasks.start(work, name="show-readiness")
        await ack()

    async def _request(self, body: Payload) -> UpgradeRequest | None:
        """Return the request whose button was pressed, None when it is not known here."""
        try:
            request_id = ids.read(text(action_of(body), "value")).request_id
        except ids.NotOurs:
            return None
        return await self.viewing.request(request_id)

    async def _show(self, body: Payload) -> None:
        request = await self._request(body)
        if request is None:
            await self.answers.tell(body, "This request is not known here any more.")
            return
        cluster = self.readiness_check.cluster_of(request)
        found = self.readiness_check.at_hand(cluster, request.to_version)
        view = readiness.modal(request, found, note=readiness.FILLS_IN, naming=self.naming)
        try:
            shown = await self.views.open(text(body, "trigger_id"), view.payload())
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)
            return
        found, read_at = await self.readiness_check.read_all(cluster, request.to_version)
        view = readiness.modal(request, found, note=readiness.as_read(read_at), naming=self.naming)
        try:
            await self.views.update(shown.id, view.payload())
        except ViewFailed as error:
            _log.info("slack.modal_not_updated", code=error.code)
