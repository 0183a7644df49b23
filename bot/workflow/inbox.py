"""What stands in the inbox (accepted, not yet decided) and in the outbox (decided, not yet told or done)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.cluster import Organisation
from bot.domain.events import AnyEvent
from bot.domain.form import Form
from bot.domain.people import MemberId
from bot.domain.request import RequestId, Seal


class Press(StrEnum):
    """The buttons that a person can press on a card or in App Home."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RESCHEDULE = "reschedule"
    TRY_AGAIN = "try_again"
    SUBMIT_AGAIN = "submit_again"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRef:
    """Where a message stands in Slack: `C…` or `D…` and its timestamp."""

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
    """A person pressed a button. `response_url` (a secret) answers privately; `message` is where it was pressed."""

    member: MemberId
    press: Press
    request_id: RequestId
    seal: Seal
    response_url: str | None = None
    message: MessageRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionGiven:
    """A person pressed Reject in the reject modal."""

    member: MemberId
    request_id: RequestId
    seal: Seal
    reason: str
    message: MessageRef | None = None


AnyEntry = FormSubmitted | ButtonPressed | RejectionGiven

MOST_TRIES = 10
"""After so many tries something that fails by itself is given up as a dead letter: with growing pauses, 4 minutes."""


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


class Kind(StrEnum):
    """What an errand is about."""

    CARD = "card"
    """Draw the card of `request_id` as it is now, in `target` (a channel)."""
    THREAD = "thread"
    """Post `event` under the card of `request_id`."""
    CHANNEL = "channel"
    """Post `event` in the channel `target`."""
    DIRECT = "direct"
    """Post `event` to the member `target`."""
    PRIVATE = "private"
    """Answer `event` (Answered) to the member `target`: through `response_url`, else as a direct message."""
    MARK_DUPLICATE = "strike"
    """Strike out the orphan `message` of `request_id`, with a link to its card."""
    HOME = "home"
    """Publish the App Home of the member `target`."""
    SUBMIT = "submit"
    """Hand the approved `request_id` to the cloud."""


class Urgency(StrEnum):
    """What goes first when several things wait; the value sorts."""

    PERSON = "1"
    """A person just pressed something and looks at the screen."""
    ALERT = "2"
    """Something happened that people should know soon."""
    BACKGROUND = "3"
    """A repaint that nobody waits for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxMessage:
    """Something to tell or to do.

    Errands of one `queue` are done in stored order, by one process at a time. A second errand with the same `key`
    is ignored. `delay` is how many seconds after it is stored it becomes due.
    """

    queue: str
    key: str
    kind: Kind
    urgency: Urgency = Urgency.ALERT
    target: str = ""
    request_id: RequestId | None = None
    event: AnyEvent | None = None
    response_url: str | None = None
    message: MessageRef | None = None
    delay: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DueMessage:
    """A stored outbox row that is due. `digest` is set once it was decided to tell it as part of that digest.

    `reference` is that of the delivery or job that led to it, for the log.
    """

    number: int
    outgoing: OutboxMessage
    attempts: int = 0
    digest: str | None = None
    reference: str = ""
