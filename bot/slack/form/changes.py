"""The modal while it is filled in: choosing something redraws it, typing searches clusters, Retry loads again."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.notifications.ids import ActionId
from bot.slack.errors import Listener
from bot.slack.form import choices, slots
from bot.slack.form.directory import Directory
from bot.slack.form.opening import Opening
from bot.slack.payload import Payload, action_of, member_of, pick, text

_CHANGES = (
    ActionId.CLUSTER,
    ActionId.VERSION,
    ActionId.START,
    ActionId.IGNORE_WINDOWS,
    ActionId.OVERRIDE,
    ActionId.EMERGENCY,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormChanges:
    """Listens to what happens in the open modal. Nothing is stored."""

    opening: Opening
    directory: Directory
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what is listened to."""
        for act in _CHANGES:
            app.action(act.value)(self.guard(self.changed))
        app.action(re.compile(rf"{ActionId.SLOT}:\d"))(self.guard(self.slot_chosen))
        app.action(ActionId.RETRY_LOADING.value)(self.guard(self.retried))
        app.options(ActionId.CLUSTER.value)(self.guard(self.typed))

    async def changed(self, ack: AsyncAck, body: Payload) -> None:
        """Redraw the modal for what is filled in now."""
        view = pick(body, "view")
        if isinstance(view, dict):
            self.opening.start_refresh(body, view, stamp=text(action_of(body), "action_ts"))
        await ack()

    async def slot_chosen(self, ack: AsyncAck, body: Payload) -> None:
        """Fill in the start that a button offers."""
        view, action = pick(body, "view"), action_of(body)
        if isinstance(view, dict) and (start := slots.read(text(action, "value"))):
            self.opening.start_refresh(body, view, stamp=text(action, "action_ts"), start=start)
        await ack()

    async def retried(self, ack: AsyncAck, body: Payload) -> None:
        """Try again to load the clusters."""
        view = pick(body, "view")
        if isinstance(view, dict):
            self.opening.start_retry(body, view)
        await ack()

    async def typed(self, ack: AsyncAck, body: Payload) -> None:
        """Offer the clusters that fit what was typed."""
        found = choices.found(
            self.directory.index, text(body, "value"), barred=self.opening.viewing.barred(member_of(body))
        )
        await (ack(option_groups=[dict(group) for group in found]) if found else ack(options=[]))
