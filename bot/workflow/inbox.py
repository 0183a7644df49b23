"""What waits in the inbox: accepted from people, not yet decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.form import Form
from bot.domain.freeze import FreezeId, FrozenPlace
from bot.domain.people import MemberId
from bot.domain.request import RequestId, Seal
from bot.domain.rollout import Plan, RolloutId
from bot.domain.windows import Window


class Press(StrEnum):
    """The buttons that a person can press on a card or in App Home."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RESCHEDULE = "reschedule"
    TRY_AGAIN = "try_again"
    SUBMIT_AGAIN = "submit_again"
    IT_IS_THERE = "it_is_there"
    ASK_AGAIN = "ask_again"
    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"
    """In the menu `More`: approve with a comment."""
    TAKE_BACK = "take_back"
    """In the menu `More`: take back one's own approval."""


class RolloutPress(StrEnum):
    """The buttons on the card of a rollout that decide something."""

    APPROVE = "rollout_approve"
    REJECT = "rollout_reject"
    PAUSE = "rollout_pause"
    RESUME = "rollout_resume"
    STOP = "rollout_stop"
    RETRY = "rollout_retry"
    GO_ON = "rollout_go_on"
    SKIP = "rollout_skip"
    """In the thread: leave out a cluster of which nobody can tell whether the cloud has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRef:
    """Where a message is in Slack: `C…` or `D…` and its timestamp."""

    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FormSubmitted:
    """A person pressed Request in the modal.

    `replaces` is the request that was being rescheduled, `in_home` whether the modal was opened from App Home.
    """

    member: MemberId
    organisation: Organisation
    form: Form
    replaces: RequestId | None = None
    in_home: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ButtonPressed:
    """A person pressed a button. `response_url` (a secret) answers privately; `message` is where it was pressed.

    `readiness` is the number of the reading that the card showed, 0 for none.
    """

    member: MemberId
    press: Press
    request_id: RequestId
    seal: Seal
    response_url: str | None = None
    message: MessageRef | None = None
    readiness: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionGiven:
    """A person pressed Reject in the reject modal.

    `readiness` is the number of the reading that the card showed, 0 for none.
    """

    member: MemberId
    request_id: RequestId
    seal: Seal
    reason: str
    message: MessageRef | None = None
    readiness: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalCommented:
    """A person pressed Approve in the modal that asks for a comment.

    `readiness` is the number of the reading that the card showed, 0 for none.
    """

    member: MemberId
    request_id: RequestId
    seal: Seal
    comment: str
    message: MessageRef | None = None
    readiness: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowStated:
    """A person stated the window in which the cloud has an upgrade, as no list shows it."""

    member: MemberId
    request_id: RequestId
    seal: Seal
    window: Window
    message: MessageRef | None = None


Decided = ButtonPressed | RejectionGiven | ApprovalCommented | WindowStated
"""What people do with a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutPlanned:
    """A person pressed Plan in the modal."""

    member: MemberId
    plan: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutPressed:
    """A person pressed a button of a rollout; `reason` is that of a rejection, `cluster` the one that is skipped."""

    member: MemberId
    press: RolloutPress
    rollout_id: RolloutId
    seal: Seal
    reason: str = ""
    response_url: str | None = None
    cluster: ClusterIdentity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeAsked:
    """A person pressed Freeze in the modal. No `places` at all are "All environments" (channels are looked up)."""

    member: MemberId
    places: tuple[FrozenPlace, ...]
    until: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeLiftPressed:
    """A person pressed Lift freeze."""

    member: MemberId
    freeze_id: FreezeId
    response_url: str | None = None


AnyEntry = FormSubmitted | Decided | RolloutPlanned | RolloutPressed | FreezeAsked | FreezeLiftPressed


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEntry:
    """An entry on its way into the inbox; one whose `key` is known there already is ignored.

    `context` is what the log lines about it carry, the `reference` of its delivery among it.
    """

    entry: AnyEntry
    key: str
    queue: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxEntry:
    """A stored inbox row: `number` rises in stored order, `attempts` counts earlier tries that failed.

    `waited` is how many seconds ago it was stored; `reference` is that of the delivery it came with, for the log.
    """

    number: int
    entry: AnyEntry
    attempts: int = 0
    waited: float = 0.0
    reference: str = ""
