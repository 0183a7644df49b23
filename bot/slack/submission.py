"""The submitted modals: read, check, store, acknowledge. The worker decides."""

from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.findings import ClusterNotChosen
from bot.notifications.ids import CallbackId
from bot.slack import card_modals
from bot.slack.errors import Listener
from bot.slack.form import modal
from bot.slack.form.modal import ModalMetadata
from bot.slack.payload import Payload, member_of, text
from bot.slack.storing import Storing
from bot.workflow import queues
from bot.workflow.inbox import Decided, FormSubmitted
from bot.workflow.viewing import Viewing


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """Listens to the submit buttons of the modals."""

    viewing: Viewing
    storing: Storing
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Register the listeners with Bolt."""
        app.view(CallbackId.SCHEDULE_UPGRADE.value)(self.guard(self.requested))
        app.view(CallbackId.REJECT_UPGRADE.value)(self.guard(self.rejected))
        app.view(CallbackId.APPROVE_UPGRADE.value)(self.guard(self.commented))
        app.view(CallbackId.STATE_WINDOW.value)(self.guard(self.stated))

    async def requested(self, ack: AsyncAck, body: Payload) -> None:
        """Store a submitted form, or show at its fields what is wrong."""
        view = body["view"]
        form = modal.read(view)
        found = self.viewing.find(form.cluster_identity)
        findings = await self.viewing.problems(form)
        if findings or found is None:
            await ack(response_action="errors", errors=modal.errors(view, findings or [ClusterNotChosen()]))
            return
        _, cluster = found
        if self.viewing.is_barred(member_of(body), cluster):
            await ack(response_action="errors", errors=modal.may_not(cluster.environment))
            return
        held = ModalMetadata.read(view)
        entry = FormSubmitted(
            member=member_of(body),
            organisation=cluster.organisation,
            form=form,
            replaces=held.replaces,
            in_home=held.in_home,
        )
        await self.storing.put(entry, key=f"view:{text(view, 'id')}", queue=queues.entries_of_cluster(cluster.identity))
        await ack()

    async def rejected(self, ack: AsyncAck, body: Payload) -> None:
        """Store a rejection; it needs a reason."""
        await self._decided(ack, body, card_modals.read_rejection(body["view"], member=member_of(body)))

    async def commented(self, ack: AsyncAck, body: Payload) -> None:
        """Store an approval with its comment."""
        await self._decided(ack, body, card_modals.read_comment(body["view"], member=member_of(body)))

    async def stated(self, ack: AsyncAck, body: Payload) -> None:
        """Store the window that somebody states."""
        entry = card_modals.read_window(body["view"], member=member_of(body), now=self.viewing.now())
        await self._decided(ack, body, entry)

    async def _decided(self, ack: AsyncAck, body: Payload, entry: Decided | dict[str, str]) -> None:
        view = body["view"]
        wrong = entry if isinstance(entry, dict) else card_modals.missing_text(view)
        if wrong or isinstance(entry, dict):
            await ack(response_action="errors", errors=wrong)
            return
        await self.storing.put(entry, key=f"view:{text(view, 'id')}", queue=queues.entries_of_request(entry.request_id))
        await ack()
