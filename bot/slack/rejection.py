"""Draws and reads the modal "Reject upgrade"."""

import json
from dataclasses import dataclass

from bot.domain.foreign import clean
from bot.domain.form import LONGEST_REASON
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.request import RequestId, Seal, UpgradeRequest
from bot.notifications import blocks, text
from bot.notifications.ids import ActionId, BlockId, CallbackId
from bot.slack.payload import Payload, pick
from bot.slack.payload import text as text_at
from bot.workflow.inbox import ButtonPressed, MessageRef, RejectionGiven


class Unreadable(ValueError):
    """The modal's metadata is not ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The request that a rejection is about, as ids only."""

    request_id: RequestId
    seal: Seal
    message: MessageRef | None = None

    @classmethod
    def of(cls, pressed: ButtonPressed) -> "About":
        """Return the request of the pressed button."""
        return cls(request_id=pressed.request_id, seal=pressed.seal, message=pressed.message)


def draw(about: About, request: UpgradeRequest, naming: Naming) -> dict[str, object]:
    """Draw the modal."""
    held = {"request": about.request_id, "seal": about.seal}
    if about.message:
        held |= {"channel": about.message.channel, "ts": about.message.ts}
    versions = f"{text.escape(request.from_version)} to {text.escape(request.to_version)}"
    what = f"{text.escape(naming.cluster(request))} from {versions}"
    field = {"type": "plain_text_input", "action_id": ActionId.REASON, "multiline": True, "max_length": LONGEST_REASON}
    return blocks.View(
        type="modal",
        callback_id=CallbackId.REJECT_UPGRADE,
        title="Reject upgrade",
        submit="Reject",
        close="Cancel",
        private_metadata=json.dumps(held),
        blocks=(
            blocks.section(f"{what}, asked for by {text.mention(request.requester)}. One rejection ends the request."),
            {"type": "input", "block_id": str(BlockId.REASON), "label": blocks.plain("Reason"), "element": field},
        ),
    ).payload()


def read(view: Payload, *, member: MemberId) -> RejectionGiven:
    """Read the submitted modal; raises Unreadable."""
    try:
        held = json.loads(text_at(view, "private_metadata"))
    except ValueError as error:
        raise Unreadable("This form carries nothing that can be read.") from error
    request_id, seal = text_at(held, "request"), text_at(held, "seal")
    if not request_id:
        raise Unreadable("This form names no request.")
    channel, ts = text_at(held, "channel"), text_at(held, "ts")
    return RejectionGiven(
        member=member,
        request_id=RequestId(request_id),
        seal=Seal(seal),
        reason=clean(text_at(pick(view, "state", "values"), BlockId.REASON, ActionId.REASON, "value")).strip(),
        message=MessageRef(channel=channel, ts=ts) if channel and ts else None,
    )
