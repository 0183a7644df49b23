"""What of a queue is delivered next, and together; and what an errand must carry."""

from collections.abc import Sequence

from bot.domain.events import AnyEvent
from bot.domain.request import RequestId
from bot.notifications.delivery.errors import BadPayload
from bot.notifications.digest import MOST_SINGLE
from bot.workflow.outbox import DueMessage, Kind


def group(due: Sequence[DueMessage]) -> Sequence[DueMessage]:
    """Return what is to be delivered next together: all repaints of a card, a digest, or the first errand."""
    cards = [one for one in due if one.outgoing.kind is Kind.CARD]
    if cards:
        return cards
    first = due[0]
    for kind in (Kind.ROLLOUT_CARD, Kind.ROLLOUT_THREAD, Kind.FREEZE):
        if together := [one for one in due if one.outgoing.kind is kind]:
            return together
    if first.outgoing.kind is Kind.HOME:
        return due
    if first.outgoing.kind is not Kind.CHANNEL:
        return due[:1]
    together = [one for one in due if one.digest == first.digest]
    return together if first.digest is not None or len(together) > MOST_SINGLE else due[:1]


def request_id(due: DueMessage) -> RequestId:
    """Return the request of an errand that cannot be without one; raises BadPayload."""
    if due.outgoing.request_id is None:
        raise BadPayload("no_request")
    return due.outgoing.request_id


def event(due: DueMessage) -> AnyEvent:
    """Return the event of an errand that cannot be without one; raises BadPayload."""
    if due.outgoing.event is None:
        raise BadPayload("no_event")
    return due.outgoing.event
