"""What of a queue is delivered together."""

from bot.notifications.delivery.grouping import group
from bot.workflow import outbox
from bot.workflow.outbox import DueMessage, OutboxMessage, StoredDigest
from tests.builders import NOON, SEM, an_upgrade_request
from tests.notifications.delivery.recorder import an_announcement


def due(number: int, outgoing: OutboxMessage, digest: StoredDigest | None = None) -> DueMessage:
    """Build an errand that is due."""
    return DueMessage(number=number, outgoing=outgoing, attempts=0, digest=digest)


def test_what_is_left_of_a_digest_stays_together_however_little_it_is() -> None:
    """Its first page was posted; the rest is one message, and what came in meanwhile is not part of it."""
    told = [an_announcement(an_upgrade_request(), number) for number in range(4)]
    left = [due(number, one, StoredDigest(first=1, total=9)) for number, one in enumerate(told[:3])]

    assert group([*left, due(9, told[3])]) == left


def test_a_home_is_published_once_however_often_that_is_due() -> None:
    """It shows what is true now, each time."""
    often = [due(number, outbox.publish_home(SEM, key=f"{NOON}:{number}")) for number in range(3)]

    assert group(often) == often
