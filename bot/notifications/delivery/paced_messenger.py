"""Sending at Slack's pace: waits for a turn, honours a 429 for everybody, falls back to plain words once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bot.domain.people import MemberId
from bot.notifications.blocks import Message, View, in_short
from bot.notifications.delivery.errors import BadPayload, Throttled
from bot.notifications.delivery.failure_policy import Report
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.delivery.rate_limiter import NotYet, RateLimiter, posts, repaints
from bot.workflow.inbox import MessageRef
from bot.workflow.ports import Lease

_LONGEST_HOLD: Final = 5.0
ROLLOUT_EVERY: Final = 3.0
"""Seconds between two messages or edits of one rollout, alerts apart."""

Sent = TypeVar("Sent")


@dataclass(frozen=True, kw_only=True, slots=True)
class PacedMessenger:
    """Sends what stands in a leased queue.

    Every method raises MessengerError (never Throttled), NotYet when it is not this queue's turn, and LeaseLost.
    """

    messenger: Messenger
    rate_limiter: RateLimiter
    report: Report

    async def post(
        self, channel: str, message: Message, lease: Lease, *, ahead: bool, thread_ts: str | None = None
    ) -> MessageRef:
        """Post in a channel or in a thread; `ahead` goes before those who wait."""
        pace = posts(channel)
        await self.rate_limiter.turn(pace, lease, ahead=ahead)
        return await self._held(
            pace, self._plainly(message, lambda drawn: self.messenger.post(channel, drawn, thread_ts=thread_ts))
        )

    async def follow_up(self, place: MessageRef, message: Message, lease: Lease) -> MessageRef:
        """Post under a message and show it in the channel, too, before those who wait."""
        pace = posts(place.channel)
        await self.rate_limiter.turn(pace, lease, ahead=True)
        return await self._held(pace, self._plainly(message, lambda drawn: self.messenger.follow_up(place, drawn)))

    async def update(self, place: MessageRef, message: Message, lease: Lease, *, ahead: bool) -> None:
        """Redraw a message; `ahead` passes by all who wait.

        Slack counts these for the whole workspace, but may ask for a pause in one channel only.
        """
        pause = f"chat.update:{place.channel}"
        await self.rate_limiter.pass_by(pause, lease)
        if not ahead:
            await self.rate_limiter.turn(repaints(place.channel), lease, ahead=False)
        await self._held(pause, self._plainly(message, lambda drawn: self.messenger.update(place, drawn)))

    async def rollout_turn(self, rollout_id: str, lease: Lease) -> None:
        """Return when a rollout may send or edit its next message: one in three seconds."""
        await self.rate_limiter.turn(f"rollout:{rollout_id}", lease, ahead=False, every=ROLLOUT_EVERY)

    async def remove(self, place: MessageRef, lease: Lease) -> None:
        """Delete a message of ours."""
        pause = f"chat.delete:{place.channel}"
        await self.rate_limiter.pass_by(pause, lease)
        await self._held(pause, self.messenger.remove(place))

    async def direct(self, member: MemberId, message: Message, lease: Lease) -> MessageRef:
        """Send a direct message."""
        pace = posts(member)
        await self.rate_limiter.turn(pace, lease, ahead=True)
        return await self._held(pace, self._plainly(message, lambda drawn: self.messenger.direct(member, drawn)))

    async def respond(self, member: MemberId, response_url: str, message: Message, lease: Lease) -> None:
        """Answer somebody where they pressed; raises TooLate."""
        pause = f"response_url:{member}"
        await self.rate_limiter.pass_by(pause, lease)
        await self._held(pause, self._plainly(message, lambda drawn: self.messenger.respond(response_url, drawn)))

    async def publish(self, member: MemberId, view: View, lease: Lease) -> None:
        """Publish a person's App Home."""
        pause = f"views.publish:{member}"
        await self.rate_limiter.pass_by(pause, lease)
        await self._held(pause, self.messenger.publish_home(member, view))

    async def _held(self, pace: str, paced_messenger: Awaitable[Sent]) -> Sent:
        """Send; when Slack asks for a pause, everybody who uses the pace keeps it."""
        try:
            return await paced_messenger
        except Throttled as error:
            self.report(pace.partition(":")[0], "throttled")
            await self.rate_limiter.hold(pace, seconds=error.retry_after)
            raise NotYet(min(error.retry_after, _LONGEST_HOLD)) from error

    async def _plainly(self, message: Message, send: Callable[[Message], Awaitable[Sent]]) -> Sent:
        """Send; when Slack refuses what we drew, send its words in short with its buttons, then without them."""
        try:
            return await send(message)
        except BadPayload as error:
            refusal = error
        for short in in_short(message, code=refusal.code):
            self.report("message", f"plain:{refusal.code}")
            try:
                return await send(short)
            except BadPayload as error:
                refusal = error
        raise refusal
