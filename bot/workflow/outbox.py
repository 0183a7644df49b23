"""What waits to be sent or done, in which queue, and under which key, so that it happens once."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.events import About, Answered, AnyEvent, SubmissionUnclear
from bot.domain.freeze import FreezeId, UpgradeFreeze
from bot.domain.people import MemberId
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.rollout import Rollout, RolloutId
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow import queues
from bot.workflow.inbox import MessageRef
from bot.workflow.queues import Lane


class Kind(StrEnum):
    """What an outbox message is about."""

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
    ROLLOUT_CARD = "rollout_card"
    """Draw the card of `rollout_id` as it is now, in `target` (a channel)."""
    ROLLOUT_THREAD = "rollout_thread"
    """Post `event` under the card of `rollout_id`."""
    ROLLOUT_CHANNEL = "rollout_channel"
    """Post `event` of `rollout_id` in `target` (a channel), with a link to its card."""
    ROLLOUT_QUESTION = "rollout_question"
    """Ask about the unclear `request_id` under the card of its rollout."""
    FREEZE = "freeze"
    """Draw the message of `freeze_id` as it is now, in `target` (a channel)."""
    FREEZE_OVER = "freeze_over"
    """Say under the message of `freeze_id` that it is over, and why."""
    SUBMIT = "submit"
    """Submit the approved `request_id` to the cloud."""


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

    Messages of one `queue` are handled in stored order, by one process at a time. A second message with the same `key`
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
    rollout_id: RolloutId | None = None
    freeze_id: FreezeId | None = None

    @property
    def lane(self) -> Lane:
        """Return the kind of work that it is."""
        return Lane.SUBMISSIONS if self.kind is Kind.SUBMIT else Lane.DELIVERIES


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDigest:
    """Which digest messages are told in: the number of its first message, and how many it had at first."""

    first: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DueMessage:
    """A stored outbox row that is due. `digest` is set once it was decided to tell it as part of that digest.

    `reference` is that of the delivery or job that led to it, for the log.
    """

    number: int
    outgoing: OutboxMessage
    attempts: int = 0
    digest: StoredDigest | None = None
    reference: str = ""


def about(request: UpgradeRequest) -> About:
    """Say what an event of a request is about."""
    return About(
        organisation=request.organisation,
        environment=request.environment,
        cluster=request.cluster,
        from_version=request.from_version,
        to_version=request.to_version,
        request_id=request.id,
        requester=request.requester,
        upgrade=request.upgrade,
    )


def about_upgrade(upgrade: ScheduledUpgrade, request: UpgradeRequest | None) -> About:
    """Say what an event of a scheduled upgrade is about; `request` is the one that asked for it here, if any."""
    return About(
        organisation=upgrade.organisation,
        environment=upgrade.environment,
        cluster=upgrade.cluster,
        from_version=upgrade.from_version,
        to_version=upgrade.to_version,
        request_id=request.id if request else None,
        requester=request.requester if request else None,
        upgrade=upgrade.identity,
    )


def repaint(request: UpgradeRequest, *, because: str, urgency: Urgency = Urgency.ALERT) -> OutboxMessage:
    """Draw the card as it is now. `because` tells apart the repaints of one revision."""
    return OutboxMessage(
        queue=queues.card(request.id),
        key=f"card:{request.id}:{request.revision}:{because}",
        kind=Kind.CARD,
        urgency=urgency,
        target=request.channel,
        request_id=request.id,
    )


def in_thread(request: UpgradeRequest, event: AnyEvent, *, key: str = "") -> OutboxMessage:
    """Post an event under the request's card, once for each revision of the request unless there is a key."""
    return OutboxMessage(
        queue=queues.card(request.id),
        key=f"thread:{request.id}:{type(event).__name__}:{key or request.revision}",
        kind=Kind.THREAD,
        urgency=Urgency.BACKGROUND,
        target=request.channel,
        request_id=request.id,
        event=event,
    )


def in_channel(channel: str, event: AnyEvent, *, key: str) -> OutboxMessage:
    """Post an event in a channel, once for each key and channel."""
    return OutboxMessage(
        queue=queues.channel(channel),
        key=f"channel:{channel}:{key}",
        kind=Kind.CHANNEL,
        target=channel,
        request_id=event.about.request_id,
        event=event,
    )


def to_requester(request: UpgradeRequest, event: AnyEvent, *, key: str = "") -> OutboxMessage:
    """Send an event to the requester directly."""
    return _direct(request, event, to=request.requester, key=key or str(request.revision))


def to_voter(request: UpgradeRequest, event: AnyEvent, voter: MemberId) -> OutboxMessage:
    """Send an event to somebody who approved the request directly."""
    return _direct(request, event, to=voter, key=f"{request.revision}:{voter}")


def _direct(request: UpgradeRequest, event: AnyEvent, *, to: MemberId, key: str) -> OutboxMessage:
    return OutboxMessage(
        queue=queues.direct(to),
        key=f"direct:{request.id}:{type(event).__name__}:{key}",
        kind=Kind.DIRECT,
        target=to,
        request_id=request.id,
        event=event,
    )


def answer(member: MemberId, text: str, *, key: str, about: About, response_url: str | None = None) -> OutboxMessage:
    """Answer one person privately."""
    return OutboxMessage(
        queue=queues.private(member),
        key=f"private:{key}",
        kind=Kind.PRIVATE,
        urgency=Urgency.PERSON,
        target=member,
        request_id=about.request_id,
        event=Answered(about=about, text=text),
        response_url=response_url,
    )


def mark_duplicate(request_id: RequestId, orphan: MessageRef) -> OutboxMessage:
    """Strike out a card that was posted twice."""
    return OutboxMessage(
        queue=queues.card(request_id),
        key=f"strike:{orphan.channel}:{orphan.ts}",
        kind=Kind.MARK_DUPLICATE,
        target=orphan.channel,
        request_id=request_id,
        message=orphan,
    )


def submit(request: UpgradeRequest) -> OutboxMessage:
    """Submit the request to the cloud."""
    return OutboxMessage(
        queue=queues.submission(request.id),
        key=f"submit:{request.id}:{request.revision}",
        kind=Kind.SUBMIT,
        urgency=Urgency.PERSON,
        request_id=request.id,
    )


def rollout_card(rollout: Rollout, *, urgency: Urgency = Urgency.ALERT) -> OutboxMessage:
    """Draw the card of a rollout as it is now; several that wait become one edit."""
    return OutboxMessage(
        queue=queues.rollout(rollout.id),
        key=f"rollout:{rollout.id}:{rollout.revision}",
        kind=Kind.ROLLOUT_CARD,
        urgency=urgency,
        target=rollout.channel,
        rollout_id=rollout.id,
    )


def rollout_thread(rollout: Rollout, event: AnyEvent) -> OutboxMessage:
    """Tell it under the card of a rollout; several that wait become one message."""
    return OutboxMessage(
        queue=queues.rollout(rollout.id),
        key=f"rollout thread:{rollout.id}:{rollout.revision}",
        kind=Kind.ROLLOUT_THREAD,
        urgency=Urgency.BACKGROUND,
        target=rollout.channel,
        rollout_id=rollout.id,
        event=event,
    )


def rollout_channel(rollout: Rollout, channel: str, event: AnyEvent, *, key: str) -> OutboxMessage:
    """Post an event of a rollout in a channel, once for each revision and key."""
    return OutboxMessage(
        queue=queues.rollout(rollout.id),
        key=f"rollout channel:{rollout.id}:{rollout.revision}:{channel}:{key}",
        kind=Kind.ROLLOUT_CHANNEL,
        target=channel,
        rollout_id=rollout.id,
        event=event,
    )


def rollout_question(rollout: Rollout, event: SubmissionUnclear) -> OutboxMessage:
    """Ask under the card of a rollout what is to become of an unclear submission."""
    return OutboxMessage(
        queue=queues.rollout(rollout.id),
        key=f"rollout question:{event.about.request_id}:{rollout.revision}",
        kind=Kind.ROLLOUT_QUESTION,
        target=rollout.channel,
        request_id=event.about.request_id,
        event=event,
    )


def freeze_message(freeze: UpgradeFreeze, channel: str) -> OutboxMessage:
    """Draw the message of a freeze in a channel as it is now."""
    return OutboxMessage(
        queue=queues.freeze_message(freeze.id, channel),
        key=f"freeze:{freeze.id}:{channel}:{freeze.revision}",
        kind=Kind.FREEZE,
        urgency=Urgency.PERSON,
        target=channel,
        freeze_id=freeze.id,
    )


def freeze_over(freeze: UpgradeFreeze, channel: str) -> OutboxMessage:
    """Say under the message of a freeze that it is over."""
    return OutboxMessage(
        queue=queues.freeze_message(freeze.id, channel),
        key=f"freeze over:{freeze.id}:{channel}",
        kind=Kind.FREEZE_OVER,
        target=channel,
        freeze_id=freeze.id,
    )


def publish_home(member: MemberId, *, key: str, urgency: Urgency = Urgency.BACKGROUND) -> OutboxMessage:
    """Publish a person's App Home again."""
    return OutboxMessage(
        queue=queues.home(member),
        key=f"home:{member}:{key}",
        kind=Kind.HOME,
        urgency=urgency,
        target=member,
    )
