"""Errands by name: which queue each stands in, and the key that makes it happen once."""

from bot.domain.events import About, Answered, AnyEvent
from bot.domain.people import MemberId
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow.inbox import Kind, MessageRef, OutboxMessage, Urgency
from bot.workflow.ports import SUBMISSIONS


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
    """Draw the card as it is now. `because` tells repaints apart that no new revision caused."""
    return OutboxMessage(
        queue=f"card:{request.id}",
        key=f"card:{request.id}:{request.revision}:{because}",
        kind=Kind.CARD,
        urgency=urgency,
        target=request.channel,
        request_id=request.id,
    )


def in_thread(request: UpgradeRequest, event: AnyEvent, *, key: str = "") -> OutboxMessage:
    """Tell it under the request's card; once for each revision of the request unless a key says otherwise."""
    return OutboxMessage(
        queue=f"card:{request.id}",
        key=f"thread:{request.id}:{type(event).__name__}:{key or request.revision}",
        kind=Kind.THREAD,
        urgency=Urgency.BACKGROUND,
        target=request.channel,
        request_id=request.id,
        event=event,
    )


def in_channel(channel: str, event: AnyEvent, *, key: str) -> OutboxMessage:
    """Tell it in a channel, once for each key and channel."""
    return OutboxMessage(
        queue=f"channel:{channel}",
        key=f"channel:{channel}:{key}",
        kind=Kind.CHANNEL,
        target=channel,
        request_id=event.about.request_id,
        event=event,
    )


def to_requester(request: UpgradeRequest, event: AnyEvent, *, key: str = "") -> OutboxMessage:
    """Tell the requester directly."""
    return OutboxMessage(
        queue=f"direct:{request.requester}",
        key=f"direct:{request.id}:{type(event).__name__}:{key or request.revision}",
        kind=Kind.DIRECT,
        target=request.requester,
        request_id=request.id,
        event=event,
    )


def answer(member: MemberId, text: str, *, key: str, about: About, response_url: str | None = None) -> OutboxMessage:
    """Answer one person privately."""
    return OutboxMessage(
        queue=f"private:{member}",
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
        queue=f"card:{request_id}",
        key=f"strike:{orphan.channel}:{orphan.ts}",
        kind=Kind.MARK_DUPLICATE,
        target=orphan.channel,
        request_id=request_id,
        message=orphan,
    )


def queue_of_its_own(queue: str, number: int) -> str:
    """Name the queue in which something waits that would hold up the rest of its queue; of the same kind as that."""
    aside = ":aside:"
    return queue if aside in queue else f"{queue}{aside}{number}"


def submit(request: UpgradeRequest) -> OutboxMessage:
    """Hand the request to the cloud."""
    return OutboxMessage(
        queue=f"{SUBMISSIONS}{request.id}",
        key=f"submit:{request.id}:{request.revision}",
        kind=Kind.SUBMIT,
        urgency=Urgency.PERSON,
        request_id=request.id,
    )


def publish_home(member: MemberId, *, key: str, urgency: Urgency = Urgency.BACKGROUND) -> OutboxMessage:
    """Publish a person's App Home again."""
    return OutboxMessage(
        queue=f"home:{member}",
        key=f"home:{member}:{key}",
        kind=Kind.HOME,
        urgency=urgency,
        target=member,
    )
