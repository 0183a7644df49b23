"""A messenger in memory that fails as it is told, and a post office: storage, delivery and a worker's loop in one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.cluster import Catalog
from bot.domain.events import StatusMoved, VoteCast
from bot.domain.people import MemberId
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications.blocks import Message, View, section, view
from bot.notifications.delivery.delivery import build_delivery
from bot.notifications.delivery.errors import DestinationGone, MessageGone, MessengerError, TooLate
from bot.workflow import outbox
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import OutboxMessage
from bot.workflow.ports import Lease
from bot.workflow.queues import Lane
from bot.workflow.repositories import Feed
from tests.builders import CHANNEL, KIM, NOON, SEM, a_policy, a_window, about
from tests.fakes import FakeClock, FakeStorage


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """Something that Slack took."""

    how: str
    to: str
    message: Message
    thread_ts: str | None = None
    at: float = 0.0


@dataclass(slots=True)
class FakeMessenger:
    """Slack in memory.

    `before` and `after` are errors for the next calls of a method: nothing was done, or it was done already.
    """

    seconds: Callable[[], float]
    sent: list[Sent] = field(default_factory=list)
    before: dict[str, list[MessengerError]] = field(default_factory=dict)
    after: dict[str, list[MessengerError]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    deleted: set[MessageRef] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    homes: dict[MemberId, View] = field(default_factory=dict)
    last: int = 0

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:
        """Post in a channel or under a message."""
        self._fail("post", self.before)
        self._open(channel)
        if thread_ts and MessageRef(channel=channel, ts=thread_ts) in self.deleted:
            raise MessageGone("message_not_found")
        how = "thread" if thread_ts else "post"
        self.sent.append(Sent(how=how, to=channel, message=message, thread_ts=thread_ts, at=self.seconds()))
        self.last += 1
        self._fail("post", self.after)
        return MessageRef(channel=channel, ts=f"{self.last}.0")

    async def follow_up(self, place: MessageRef, message: Message) -> MessageRef:
        """Post under a message and show it in the channel, too."""
        posted = await self.post(place.channel, message, thread_ts=place.ts)
        self.sent[-1] = replace(self.sent[-1], how="follow_up")
        return posted

    async def update(self, place: MessageRef, message: Message) -> None:
        """Replace a message."""
        self._fail("update", self.before)
        self._open(place.channel)
        if place in self.deleted:
            raise MessageGone("message_not_found")
        self.sent.append(Sent(how="update", to=place.channel, message=message, thread_ts=place.ts, at=self.seconds()))

    async def remove(self, place: MessageRef) -> None:
        """Delete a message."""
        self._fail("remove", self.before)
        self._open(place.channel)
        if place in self.deleted:
            raise MessageGone("message_not_found")
        self.deleted.add(place)

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer where somebody pressed."""
        self._fail("respond", self.before)
        if response_url in self.spent:
            raise TooLate("used_url")
        self.sent.append(Sent(how="respond", to=response_url, message=message, at=self.seconds()))

    async def direct(self, member: MemberId, message: Message) -> MessageRef:
        """Send a direct message."""
        self._fail("direct", self.before)
        self._open(member)
        self.sent.append(Sent(how="direct", to=member, message=message, at=self.seconds()))
        return MessageRef(channel=f"D{member}", ts="1.0")

    async def permalink(self, place: MessageRef) -> str:
        """Return the address of a message."""
        self._fail("permalink", self.before)
        return f"https://team.slack.com/{place.channel}/{place.ts}"

    async def publish_home(self, member: MemberId, view: View) -> None:
        """Publish a person's App Home."""
        self._fail("publish_home", self.before)
        self.homes[member] = view

    def _open(self, channel: str) -> None:
        if channel in self.closed:
            raise DestinationGone(self.closed[channel])

    @staticmethod
    def _fail(method: str, faults: Mapping[str, list[MessengerError]]) -> None:
        if faults.get(method):
            raise faults[method].pop(0)


async def drawn(member: MemberId) -> View:
    """Draw a Home that says whose it is."""
    return view(section(f"Home of {member}"), callback_id="home")


class RecordingMessenger:
    """Storage, messenger and delivery; `work` does what a worker does, without waiting in real time."""

    def __init__(
        self,
        *things: UpgradeRequest | ScheduledUpgrade | Catalog | Feed,
        home: Callable[[MemberId], Awaitable[View]] = drawn,
    ) -> None:
        self.storage = FakeStorage(*things)
        self.slack = FakeMessenger(seconds=self.storage.seconds)
        self.clock = FakeClock(NOON)
        self.woken: set[str] = set()
        self.outcomes: list[tuple[str, str]] = []
        self.delivery = build_delivery(
            begin=self.storage.begin,
            read=self.storage.read,
            claims=self.storage.claims,
            messenger=self.slack,
            now=self.clock,
            policy=a_policy(),
            home=home,
            invite="/invite @upgrades",
            contacts=self._menders,
            report=lambda kind, outcome: self.outcomes.append((kind, outcome)),
            sleep=self._sleep,
            seconds=self.storage.seconds,
        )

    async def _menders(self, channel: str) -> Sequence[MemberId]:
        return [SEM, KIM] if channel == CHANNEL else []

    async def put(self, *told: OutboxMessage) -> None:
        """Store errands."""
        async with self.storage.begin() as work:
            await work.outbox.put(*told)
            await work.commit()
        self.woken |= {one.queue for one in told}

    async def place_card(self, request: UpgradeRequest, ts: str = "77.0") -> MessageRef:
        """Remember that a request's card stands somewhere."""
        place = MessageRef(channel=request.channel, ts=ts)
        async with self.storage.begin() as work:
            await work.messages.put_card(request.id, place)
            await work.commit()
        return place

    async def work(self, seconds: float = 30.0) -> None:
        """Deliver what is due, and what becomes due within so many seconds."""
        end = self.storage.seconds() + seconds
        while self.storage.seconds() < end:
            leases = await self._claimed()
            for lease in leases:
                await self._serve(lease)
            if not leases:
                if not self.storage.waiting:
                    return
                self.storage.pass_time(0.25)

    async def round(self) -> None:
        """Deliver what is due right now, once."""
        for lease in await self._claimed():
            await self._serve(lease)

    async def _claimed(self) -> Sequence[Lease]:
        woken, self.woken = self.woken, set()
        named = await self.storage.claims.claim_due(Lane.DELIVERIES, limit=16, among=woken)
        return named or await self.storage.claims.claim_due(Lane.DELIVERIES, limit=16)

    def sent(self, how: str) -> list[Sent]:
        """Return what was sent in a way, in order."""
        return [one for one in self.slack.sent if one.how == how]

    def card_of(self, request: UpgradeRequest) -> MessageRef | None:
        """Return where a card stands."""
        return self.storage.cards.get(RequestId(request.id))

    async def _serve(self, lease: Lease) -> None:
        await self.storage.claims.release(lease, again_in=await self.delivery.deliver(lease))

    async def _sleep(self, seconds: float) -> None:
        self.storage.pass_time(seconds)


def a_line(request: UpgradeRequest, count: int) -> OutboxMessage:
    """Build a thread line that tells a vote."""
    event = VoteCast(about=about(request), by=SEM, count=count, required=9)
    return outbox.in_thread(request, event, key=str(count))


def an_announcement(request: UpgradeRequest, number: int, status: str = "SUCCEEDED") -> OutboxMessage:
    """Build a channel message about a status."""
    event = StatusMoved(about=about(request), status=status, from_status=None, window=a_window())
    return outbox.in_channel(CHANNEL, event, key=str(number))
