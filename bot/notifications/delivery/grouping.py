"""What of a queue is delivered next, and together; and what an errand must carry."""

from collections.abc import Sequence

from bot.domain.events import AnyEvent
from bot.domain.request import RequestId
from bot.notifications.delivery.errors import BadPayload
from bot.notifications.digest import MOST_SINGLE
from bot.workflow.inbox import Due, Kind


def group(due: Sequence[Due]) -> Sequence[Due]:
    """Return what is to be delivered next together: all repaints of a card, a digest, or the first errand."""
    cards = [one for one in due if one.errand.kind is Kind.CARD]
    if cards:
        return cards
    first = due[0]
    if first.errand.kind is Kind.HOME:
        return due
    if first.errand.kind is not Kind.CHANNEL:
        return due[:1]
    together = [one for one in due if one.digest == first.digest]
    return together if first.digest is not None or len(together) > MOST_SINGLE else due[:1]


def request_id(due: Due) -> RequestId:
    """Return the request of an errand that cannot be without one; raises BadPayload."""
    if due.errand.request_id is None:
        raise BadPayload("no_request")
    return due.errand.request_id


def event(due: Due) -> AnyEvent:
    """Return the event of an errand that cannot be without one; raises BadPayload."""
    if due.errand.event is None:
        raise BadPayload("no_event")
    return due.errand.event


def total(due: Due) -> int:
    """Return how many a digest had at first, which its name keeps."""
    return int((due.digest or "0/0").partition("/")[2] or 0)
