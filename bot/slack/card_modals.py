"""The small modals behind a card's buttons: the reason of a rejection, a comment, the window of an upgrade.

Each is drawn and read here. They carry the request and its seal as ids; the card's message too, if there is one.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from bot.domain.foreign import clean
from bot.domain.form import LONGEST_REASON, is_within_reach
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.request import RequestId, Seal, UpgradeRequest
from bot.domain.windows import Window
from bot.notifications import blocks, text
from bot.notifications.blocks import Block
from bot.notifications.ids import ActionId, BlockId, CallbackId
from bot.slack.payload import Payload, moment, pick
from bot.slack.payload import text as text_at
from bot.workflow.inbox import ApprovalCommented, ButtonPressed, MessageRef, RejectionGiven, WindowStated

_EMPTY: dict[BlockId, str] = {
    BlockId.REASON: "Say why, so that others understand it.",
    BlockId.COMMENT: "Write a comment, or close this and press Approve on the card.",
}


class Unreadable(ValueError):
    """The modal's metadata is not ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The request that a modal is about, as ids only, and the number of the readiness that its card showed."""

    request_id: RequestId
    seal: Seal
    message: MessageRef | None = None
    readiness: int = 0

    @classmethod
    def of(cls, pressed: ButtonPressed) -> "About":
        """Return the request of the pressed button."""
        return cls(
            request_id=pressed.request_id, seal=pressed.seal, message=pressed.message, readiness=pressed.readiness
        )

    def write(self) -> str:
        """Return it as private_metadata."""
        held: dict[str, object] = {"request": self.request_id, "seal": self.seal}
        held |= {"readiness": self.readiness} if self.readiness else {}
        held |= {"channel": self.message.channel, "ts": self.message.ts} if self.message else {}
        return json.dumps(held)

    @classmethod
    def read(cls, view: Payload) -> "About":
        """Read it back; raises Unreadable."""
        try:
            held = json.loads(text_at(view, "private_metadata"))
        except ValueError as error:
            raise Unreadable("This form carries nothing that can be read.") from error
        request_id, readiness = text_at(held, "request"), pick(held, "readiness")
        if not request_id:
            raise Unreadable("This form names no request.")
        channel, ts = text_at(held, "channel"), text_at(held, "ts")
        return cls(
            request_id=RequestId(request_id),
            seal=Seal(text_at(held, "seal")),
            message=MessageRef(channel=channel, ts=ts) if channel and ts else None,
            readiness=readiness if isinstance(readiness, int) else 0,
        )


# --- Reject ---


def draw_rejection(about: About, request: UpgradeRequest, naming: Naming) -> dict[str, object]:
    """Draw the modal that asks why."""
    who = f"requested by {text.mention(request.requester)}. One rejection ends the request."
    return _modal(
        CallbackId.REJECT_UPGRADE,
        about,
        blocks.section(f"{_what(request, naming)}, {who}"),
        _typed(BlockId.REASON, "Reason", ActionId.REASON),
        title="Reject upgrade",
        submit="Reject",
    )


def read_rejection(view: Payload, *, member: MemberId) -> RejectionGiven:
    """Read the submitted modal; raises Unreadable."""
    about, reason = About.read(view), _text(view, BlockId.REASON, ActionId.REASON)
    return RejectionGiven(
        member=member,
        request_id=about.request_id,
        seal=about.seal,
        reason=reason,
        message=about.message,
        readiness=about.readiness,
    )


# --- Approve with a comment ---


def draw_comment(about: About, request: UpgradeRequest, naming: Naming) -> dict[str, object]:
    """Draw the modal that asks for a comment on an approval."""
    who = f"requested by {text.mention(request.requester)}. Avisi Cloud offers no way to cancel."
    return _modal(
        CallbackId.APPROVE_UPGRADE,
        about,
        blocks.section(f"{_what(request, naming)}, {who}"),
        _typed(BlockId.COMMENT, "Comment", ActionId.COMMENT),
        title="Approve upgrade",
        submit="Approve",
    )


def read_comment(view: Payload, *, member: MemberId) -> ApprovalCommented:
    """Read the submitted modal; raises Unreadable."""
    about = About.read(view)
    return ApprovalCommented(
        member=member,
        request_id=about.request_id,
        seal=about.seal,
        comment=_text(view, BlockId.COMMENT, ActionId.COMMENT),
        message=about.message,
        readiness=about.readiness,
    )


def missing_text(view: Payload) -> dict[str, str]:
    """Return what is to be said at a field of a rejection or comment that was left empty."""
    fields = ((BlockId.REASON, ActionId.REASON), (BlockId.COMMENT, ActionId.COMMENT))
    drawn = {text_at(block, "block_id") for block in pick(view, "blocks") or ()}
    return {str(block): _EMPTY[block] for block, action in fields if block in drawn and not _text(view, block, action)}


# --- It is there ---


def draw_window(about: About, request: UpgradeRequest, naming: Naming) -> dict[str, object]:
    """Draw the modal that asks for the window in which the cloud has an upgrade."""
    why = (
        f"{_what(request, naming)}. Avisi Cloud offers no list in which the bot could look. Please state the window "
        f"that the Console shows for this upgrade. The card will say that you stated it."
    )
    expected = request.estimate
    return _modal(
        CallbackId.STATE_WINDOW,
        about,
        blocks.section(why),
        _picker(BlockId.WINDOW_START, "Window start", ActionId.WINDOW_START, expected.start if expected else None),
        _picker(BlockId.WINDOW_END, "Window end", ActionId.WINDOW_END, expected.end if expected else None),
        title="It is there",
        submit="Confirm",
    )


def read_window(view: Payload, *, member: MemberId, now: datetime) -> WindowStated | dict[str, str]:
    """Read the submitted modal, or return what is wrong by field; raises Unreadable."""
    about = About.read(view)
    start = _chosen(view, BlockId.WINDOW_START, ActionId.WINDOW_START)
    end = _chosen(view, BlockId.WINDOW_END, ActionId.WINDOW_END)
    if start is None:
        return {str(BlockId.WINDOW_START): "Choose when the window begins, as the Console shows it."}
    if end is None:
        return {str(BlockId.WINDOW_END): "Choose when the window ends, as the Console shows it."}
    if end <= start:
        return {str(BlockId.WINDOW_END): "Choose an end after the start."}
    if not (is_within_reach(start, now) and is_within_reach(end, now)):
        return {str(BlockId.WINDOW_START): "Choose a window within a year from now."}
    return WindowStated(
        member=member,
        request_id=about.request_id,
        seal=about.seal,
        window=Window(start=start, end=end),
        message=about.message,
    )


def _what(request: UpgradeRequest, naming: Naming) -> str:
    versions = f"{text.escape(request.from_version)} to {text.escape(request.to_version)}"
    return f"{text.escape(naming.cluster(request))} from {versions}"


def _modal(callback_id: CallbackId, about: About, *parts: Block, title: str, submit: str) -> dict[str, object]:
    return blocks.View(
        type="modal",
        callback_id=callback_id,
        title=title,
        submit=submit,
        close="Cancel",
        private_metadata=about.write(),
        blocks=parts,
    ).payload()


def _typed(block_id: BlockId, label: str, action_id: ActionId) -> Block:
    return _input(
        block_id,
        label,
        {
            "type": "plain_text_input",
            "action_id": str(action_id),
            "multiline": True,
            "max_length": LONGEST_REASON,
        },
    )


def _picker(block_id: BlockId, label: str, action_id: ActionId, chosen: datetime | None) -> Block:
    first = {"initial_date_time": int(chosen.timestamp())} if chosen else {}
    hint = blocks.plain("in your device's time zone")
    return {**_input(block_id, label, {"type": "datetimepicker", "action_id": str(action_id), **first}), "hint": hint}


def _input(block_id: BlockId, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": str(block_id), "label": blocks.plain(label), "element": element}


def _text(view: Payload, block_id: BlockId, action_id: ActionId) -> str:
    return clean(text_at(pick(view, "state", "values"), block_id, action_id, "value")).strip()


def _chosen(view: Payload, block_id: BlockId, action_id: ActionId) -> datetime | None:
    return moment(pick(view, "state", "values", block_id, action_id, "selected_date_time"))
