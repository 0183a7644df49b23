"""The names of all queues and of the leases of jobs. They are stored, so they never change; nothing else builds one.

No name is read again: what is put into a queue says which kind of work it is. Only the store, which searches for work,
has nothing but the names, and looks for SUBMISSIONS.
"""

from enum import StrEnum

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.freeze import FreezeId
from bot.domain.people import MemberId
from bot.domain.request import RequestId
from bot.domain.rollout import RolloutId

SUBMISSIONS = "submit:"
"""The queues of submissions have names that begin with this; the store looks for them by it."""
_ASIDE = ":aside:"


class Box(StrEnum):
    """Where queues with work are looked for."""

    INBOX = "inbox"
    OUTBOX = "outbox"


class Lane(StrEnum):
    """A kind of work. Each has its own slots in a worker, so that none takes those of another."""

    DECISIONS = "decisions"
    SUBMISSIONS = "submissions"
    DELIVERIES = "deliveries"

    @property
    def box(self) -> Box:
        """Where its queues are."""
        return Box.INBOX if self is Lane.DECISIONS else Box.OUTBOX


Queue = tuple[Lane, str]
"""A queue: the kind of work in it, and its name."""


def entries_of_request(request_id: RequestId) -> str:
    """Name the inbox queue of what people decide about a request."""
    return f"request:{request_id}"


def entries_of_cluster(cluster: ClusterIdentity) -> str:
    """Name the inbox queue of new requests for a cluster."""
    return f"cluster:{cluster}"


def card(request_id: RequestId) -> str:
    """Name the queue of a request's card and its thread."""
    return f"card:{request_id}"


def rollout(rollout_id: RolloutId) -> str:
    """Name the queues of a rollout: what people decide about it, its card and thread, and the lease of its job."""
    return f"rollout:{rollout_id}"


FREEZES = "freezes"
"""The inbox queue of freezes: what people decide about them, in the order in which they did; the lease of their job."""


def freeze_message(freeze_id: FreezeId, channel_id: str) -> str:
    """Name the queue of a freeze's message in a channel and its thread."""
    return f"freeze:{freeze_id}:{channel_id}"


def channel(channel_id: str) -> str:
    """Name the queue of what is posted in a channel."""
    return f"channel:{channel_id}"


def direct(member: MemberId) -> str:
    """Name the queue of direct messages to a person."""
    return f"direct:{member}"


def private(member: MemberId) -> str:
    """Name the queue of private answers to a person."""
    return f"private:{member}"


def home(member: MemberId) -> str:
    """Name the queue of a person's App Home."""
    return f"home:{member}"


def submission(request_id: RequestId) -> str:
    """Name the queue in which a request is submitted."""
    return f"{SUBMISSIONS}{request_id}"


def poll(organisation: Organisation) -> str:
    """Name the lease of polling an organisation."""
    return f"poll:{organisation}"


def catalog(organisation: Organisation) -> str:
    """Name the lease of reading an organisation's catalog."""
    return f"catalog:{organisation}"


def aside(queue: str, number: int) -> str:
    """Name a queue for one message that would hold up the rest of its queue; the kind of work is the same."""
    return queue if _ASIDE in queue else f"{queue}{_ASIDE}{number}"
