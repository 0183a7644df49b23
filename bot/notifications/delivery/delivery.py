"""Delivery: takes a claimed queue's messages in order, draws each from what is stored now, and gets it to people.

Whatever Slack does, an errand ends only when it was delivered and that is stored, or as a dead letter.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.events import Answered, AnyEvent, RolloutMoved, UpgradeRequested
from bot.domain.naming import PLAIN, Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import RequestId, State
from bot.notifications import notes, rollout_notes
from bot.notifications.blocks import Message, View
from bot.notifications.card import retired, struck
from bot.notifications.console import NO_CONSOLE, Console
from bot.notifications.delivery import grouping
from bot.notifications.delivery.context_loader import ContextLoader, StoredContext, find_stored, place_key
from bot.notifications.delivery.errors import BadPayload, DestinationGone, MessageGone, MessengerError, Revoked, TooLate
from bot.notifications.delivery.failure_policy import ChannelContacts, FailurePolicy, Report
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.delivery.paced_messenger import PacedMessenger
from bot.notifications.delivery.rate_limiter import NotYet, RateLimiter
from bot.notifications.digest import MOST_SINGLE, Waiting, digest
from bot.notifications.freeze import freeze_message, freeze_over
from bot.notifications.rollout_card import rollout_card, rollout_thread
from bot.workflow.errors import LeaseLost, Missing, StoreAway, UnreadableRow
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import DueMessage, Kind, StoredDigest, Urgency
from bot.workflow.ports import BeginReading, BeginWork, Claims, Clock, Lease, UnitOfWork

_AT_ONCE = 500
_USES_OF_A_RESPONSE_URL = 4
_WAITS_FOR_CARD = 3
_NOT_THERE = frozenset({"message_not_found", "thread_not_found"})

DrawHome = Callable[[MemberId], Awaitable[View]]
"""Draws the App Home of a person."""
Also = Callable[[UnitOfWork], Awaitable[None]]
"""What is stored together with a delivery."""


class _Postponed(Exception):
    """The first errand of the queue has to wait, and that is stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Delivers everything but submissions. `home` draws a person's App Home."""

    begin: BeginWork
    read: BeginReading
    context_loader: ContextLoader
    paced_messenger: PacedMessenger
    failure_policy: FailurePolicy
    home: DrawHome
    report: Report

    async def deliver(self, lease: Lease) -> float:
        """Deliver what is due in a queue, until nothing is or something has to wait; raises LeaseLost.

        Returns for how many seconds the queue need not be looked at again.
        """
        try:
            while lease.held and await self._step(lease):
                pass
        except NotYet as wait:
            return wait.seconds
        except _Postponed:
            pass
        return 0.0

    async def _step(self, lease: Lease) -> bool:
        """Deliver what is to be delivered first; False when nothing is due."""
        group: Sequence[DueMessage] = ()
        try:
            async with self.read() as work:
                due = await work.outbox.due(lease.queue, limit=_AT_ONCE)
                if not due:
                    return False
                group = grouping.group(due)
                stored = await find_stored(work, group[0], now=self.context_loader.now())
            await self._carry_out(group, stored, lease)
        except Missing:
            self.report(group[0].outgoing.kind.value, "missing")
            await self._done(group, lease)
        except MessengerError as error:
            await self.failure_policy.note(group, error, lease)
            raise _Postponed from error
        except (NotYet, _Postponed, LeaseLost, StoreAway, UnreadableRow):
            raise
        except Exception as error:
            if not group:
                raise
            await self.failure_policy.fault(group, error, lease)
        return True

    async def _carry_out(  # noqa: C901, PLR0912 - one case for each kind
        self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease
    ) -> None:
        match group[0].outgoing.kind:
            case Kind.CARD:
                await self._repaint(group, stored, lease)
            case Kind.THREAD:
                await self._reply(group[0], stored, lease)
            case Kind.CHANNEL:
                await self._announce(group, stored, lease)
            case Kind.DIRECT:
                await self._write_to(group[0], stored, lease)
            case Kind.PRIVATE:
                await self._answer(group[0], lease)
            case Kind.MARK_DUPLICATE:
                await self._mark_duplicate(group[0], stored, lease)
            case Kind.HOME:
                await self._publish(group, lease)
            case Kind.ROLLOUT_CARD:
                await self._repaint_rollout(group, stored, lease)
            case Kind.ROLLOUT_THREAD:
                await self._tell_rollout(group, stored, lease)
            case Kind.ROLLOUT_CHANNEL:
                await self._announce_rollout(group[0], stored, lease)
            case Kind.ROLLOUT_QUESTION:
                await self._ask_about_unclear(group[0], stored, lease)
            case Kind.FREEZE:
                await self._draw_freeze(group, stored, lease)
            case Kind.FREEZE_OVER:
                await self._tell_freeze_over(group[0], stored, lease)
            case _:
                raise BadPayload("not_to_be_delivered")

    async def _repaint(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> None:
        """Draw a card; several repaints are one."""
        place, remember = await self._paint(group, stored, lease)
        await self._done(group, lease, also=remember, at=place.channel)

    async def _paint(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> tuple[MessageRef, Also]:
        """Draw a card where it stands, or post it; returns where it stands, and what remembers that.

        A replaced card is drawn at once, and once more when the card that it is to lead to is there.
        """
        outgoing = group[0].outgoing
        request_id = grouping.request_id(group[0])
        rendered = await self.context_loader.rendered(stored)
        urgent = any(due.outgoing.urgency is Urgency.PERSON for due in group)
        place = stored.place
        if place is not None:
            try:
                await self.paced_messenger.update(place, rendered.message, lease, ahead=urgent)
            except (MessageGone, BadPayload) as error:
                if error.code not in _NOT_THERE:
                    # Before the new card is posted, so that it is done even if Slack refuses that one too.
                    left = retired(rendered.request, naming=self.context_loader.naming)
                    await self._take_down(place, left, lease, ahead=True)  # its turn was the update's
                place = None
        if place is None:
            channel = rendered.request.channel or outgoing.target
            place = await self.paced_messenger.post(channel, rendered.message, lease, ahead=urgent)
        kept = place
        if rendered.lacks_link and kept == stored.place and group[0].attempts < _WAITS_FOR_CARD:
            await self._wait_for_card(group[0], lease)

        async def remember(work: UnitOfWork) -> None:
            if kept != stored.place:
                await work.messages.put_card(request_id, kept)

        return kept, remember

    async def _take_down(self, place: MessageRef, left: Message, lease: Lease, *, ahead: bool) -> None:
        """Leave of an old card what is given, or delete it if Slack takes no change: its buttons would mislead."""
        try:
            await self.paced_messenger.update(place, left, lease, ahead=ahead)
        except (MessageGone, BadPayload) as error:
            if error.code not in _NOT_THERE:
                await self._remove(place, lease)
                return
            self.report(Kind.MARK_DUPLICATE.value, "gone")

    async def _remove(self, place: MessageRef, lease: Lease) -> None:
        try:
            await self.paced_messenger.remove(place, lease)
        except (MessageGone, BadPayload, DestinationGone, Revoked) as error:
            self.report(Kind.MARK_DUPLICATE.value, f"kept:{error.code}")

    async def _reply(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        """Post a line under a card, which is posted first if it is not there."""
        event, place = grouping.event(due), stored.place
        if place is None:
            place, remember = await self._paint([due], stored, lease)
            await self._done([], lease, also=remember, at=place.channel)
        message = notes.thread(event, await self.context_loader.of(replace(stored, place=place)))
        await self.paced_messenger.post(place.channel, message, lease, ahead=False, thread_ts=place.ts)
        await self._done([due], lease, at=place.channel)

    async def _announce(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> None:
        """Post what waits for a channel: one message, or one page of a digest."""
        channel = group[0].outgoing.target
        if len(group) > MOST_SINGLE and group[0].digest is None:
            await self._gather(group, lease)
            return
        stored_digest = group[0].digest
        if stored_digest is None:
            event = grouping.event(group[0])
            message, numbers = notes.channel(event, await self.context_loader.of(stored)), {group[0].number}
        else:
            page = digest(await self._waiting(group), total=stored_digest.total)[0]
            message, numbers = page.message, set(page.numbers)
        told = [due for due in group if due.number in numbers]
        place = await self._follow_up(told, message, lease)
        if place is None:
            place = await self.paced_messenger.post(channel, message, lease, ahead=True)
        kept = place

        async def remember(work: UnitOfWork) -> None:
            for event in map(grouping.event, told):
                if notes.raises_alarm(event):
                    await work.messages.put_card(_alarm(channel, event), kept)
                elif notes.ends_alarm(event):
                    await work.messages.forget_card(_alarm(channel, event))

        await self._done(told, lease, also=remember, at=channel)

    async def _follow_up(self, told: Sequence[DueMessage], message: Message, lease: Lease) -> MessageRef | None:
        """Post an all-clear under its alarm, and in the channel; None when there is no such alarm, or no more."""
        event = grouping.event(told[0])
        if len(told) > 1 or not notes.ends_alarm(event):
            return None
        name = _alarm(told[0].outgoing.target, event)
        async with self.read() as work:
            alarm = await work.messages.card(name)
        if alarm is None:
            return None
        try:
            return await self.paced_messenger.follow_up(alarm, message, lease)
        except MessageGone:
            async with self.begin(lease) as work:
                await work.messages.forget_card(name)
                await work.commit()
            return None

    async def _waiting(self, group: Sequence[DueMessage]) -> Sequence[Waiting]:
        now = self.context_loader.now()
        async with self.read() as work:
            found = [(due, grouping.event(due), await find_stored(work, due, now=now)) for due in group]
        return [
            Waiting(
                number=due.number,
                event=event,
                current=await self.context_loader.of(stored)
                if notes.is_alarming(event)
                else self.context_loader.bare(stored),
            )
            for due, event, stored in found
        ]

    async def _gather(self, group: Sequence[DueMessage], lease: Lease) -> None:
        """Record that these are told as one digest, before any of it is posted."""
        async with self.begin(lease) as work:
            stored_digest = StoredDigest(first=group[0].number, total=len(group))
            await work.outbox.gather(stored_digest, *(due.number for due in group))
            await work.commit()
        self.report(Kind.CHANNEL.value, "digest")

    async def _write_to(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        event = grouping.event(due)
        current = await self.context_loader.of(stored)
        waits = isinstance(event, UpgradeRequested) and current.link is None and due.attempts < _WAITS_FOR_CARD
        if waits and not await self._is_broken(current.request.channel if current.request else ""):
            await self._wait_for_card(due, lease)
        await self._direct(due, notes.direct(event, current), lease)

    async def _answer(self, due: DueMessage, lease: Lease) -> None:
        """Answer where somebody pressed; when that is no longer possible, directly."""
        outgoing = due.outgoing
        if not isinstance(outgoing.event, Answered):
            raise BadPayload("no_answer")
        message = notes.private(outgoing.event)
        address = outgoing.response_url
        if address and due.attempts < _USES_OF_A_RESPONSE_URL:
            try:
                await self.paced_messenger.respond(MemberId(outgoing.target), address, message, lease)
            except TooLate:
                self.report(outgoing.kind.value, "too_late")
            else:
                await self._done([due], lease)
                return
        await self._direct(due, message, lease)

    async def _direct(self, due: DueMessage, message: Message, lease: Lease) -> None:
        await self.paced_messenger.direct(MemberId(due.outgoing.target), message, lease)
        await self._done([due], lease)

    async def _mark_duplicate(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        """Strike out a card that was posted twice; the card itself is never struck out."""
        orphan, request = due.outgoing.message, stored.asked()
        if orphan is not None and orphan != stored.place:
            message = struck(
                request, await self.context_loader.address(stored.place), naming=self.context_loader.naming
            )
            await self._take_down(orphan, message, lease, ahead=False)
        await self._done([due], lease)

    async def _repaint_rollout(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> None:
        """Draw the card of a rollout where it stands, or post it; several repaints are one."""
        rollout, place = stored.rollout, stored.place
        if rollout is None:
            raise Missing("There is no such rollout any more.")
        await self.paced_messenger.rollout_turn(rollout.id, lease)
        drawn = rollout_card(rollout, self.context_loader.policy)
        if place is not None:
            try:
                await self.paced_messenger.update(place, drawn, lease, ahead=True)
            except MessageGone:
                place = None
        if place is None:
            place = await self.paced_messenger.post(rollout.channel, drawn, lease, ahead=True)
        kept = place

        async def remember(work: UnitOfWork) -> None:
            if kept != stored.place:
                await work.messages.put_card(RequestId(rollout.id), kept)

        await self._done(group, lease, also=remember, at=kept.channel)

    async def _tell_rollout(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> None:
        """Post what happened to a rollout under its card, all that waits in one message."""
        rollout, place = stored.rollout, stored.place
        if rollout is None or place is None:
            await self._wait_for_card(group[0], lease)
            return
        await self.paced_messenger.rollout_turn(rollout.id, lease)
        told = rollout_thread([event for due in group if isinstance(event := due.outgoing.event, RolloutMoved)])
        await self.paced_messenger.post(place.channel, told, lease, ahead=True, thread_ts=place.ts)
        await self._done(group, lease, at=place.channel)

    async def _announce_rollout(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        """Post something about a rollout in a channel, with a link to its card."""
        if stored.rollout is None:
            raise Missing("There is no such rollout any more.")
        await self.paced_messenger.rollout_turn(stored.rollout.id, lease)
        message = rollout_notes.channel(grouping.event(due), await self.context_loader.address(stored.place))
        await self.paced_messenger.post(due.outgoing.target, message, lease, ahead=True)
        await self._done([due], lease, at=due.outgoing.target)

    async def _ask_about_unclear(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        """Ask under the card of a rollout what is to become of a cluster; one that was answered needs no question."""
        request, place = stored.asked(), stored.place
        if place is None:
            await self._wait_for_card(due, lease)
            return
        if request.rollout and request.state is State.SUBMISSION_UNCLEAR:
            await self.paced_messenger.rollout_turn(request.rollout, lease)
            asked = rollout_notes.question(request, grouping.event(due), self.context_loader.naming)
            await self.paced_messenger.post(place.channel, asked, lease, ahead=True, thread_ts=place.ts)
        await self._done([due], lease, at=place.channel)

    async def _draw_freeze(self, group: Sequence[DueMessage], stored: StoredContext, lease: Lease) -> None:
        """Draw the message of a freeze; several repaints are one."""
        place, remember = await self._paint_freeze(stored, group[0].outgoing.target, lease)
        await self._done(group, lease, also=remember, at=place.channel)

    async def _paint_freeze(self, stored: StoredContext, channel: str, lease: Lease) -> tuple[MessageRef, Also]:
        """Draw the message of a freeze where it stands, or post it; a post that comes late draws it as it is now."""
        freeze, place, loader = stored.frozen(), stored.place, self.context_loader
        drawn = freeze_message(
            freeze,
            stored.affected,
            channel=channel,
            naming=loader.naming,
            zone=loader.policy.default.zone,
            now=loader.now(),
        )
        if place is not None:
            try:
                await self.paced_messenger.update(place, drawn, lease, ahead=True)
            except MessageGone:
                place = None
        if place is None:
            place = await self.paced_messenger.post(channel, drawn, lease, ahead=True)
        kept = place

        async def remember(work: UnitOfWork) -> None:
            if kept != stored.place:
                await work.messages.put_card(place_key(freeze.id, channel), kept)

        return kept, remember

    async def _tell_freeze_over(self, due: DueMessage, stored: StoredContext, lease: Lease) -> None:
        """Say under the message of a freeze that it is over; the message is posted first if it is not there."""
        freeze, place, loader = stored.frozen(), stored.place, self.context_loader
        if place is None:
            place, remember = await self._paint_freeze(stored, due.outgoing.target, lease)
            await self._done([], lease, also=remember, at=place.channel)
        told = freeze_over(freeze, stored.affected, naming=loader.naming, zone=loader.policy.default.zone)
        await self.paced_messenger.post(place.channel, told, lease, ahead=True, thread_ts=place.ts)
        await self._done([due], lease, at=place.channel)

    async def _publish(self, group: Sequence[DueMessage], lease: Lease) -> None:
        member = MemberId(group[0].outgoing.target)
        view = await self.home(member)
        await self.paced_messenger.publish(member, view, lease)
        await self._done(group, lease)

    async def _is_broken(self, channel: str) -> bool:
        async with self.read() as work:
            return any(one.channel == channel for one in await work.destinations.broken())

    async def _wait_for_card(self, due: DueMessage, lease: Lease) -> None:
        await self._postpone(due, lease, seconds=1.0 + due.attempts, error="waits for the card")
        raise _Postponed

    async def _postpone(self, due: DueMessage, lease: Lease, *, seconds: float, error: str) -> None:
        async with self.begin(lease) as work:
            await work.outbox.postpone(due.number, seconds=seconds, error=error)
            await work.commit()

    async def _done(
        self,
        group: Sequence[DueMessage],
        lease: Lease,
        *,
        also: Also | None = None,
        at: str | None = None,
    ) -> None:
        """Store that it was delivered, and that the channel `at` takes our messages."""
        async with self.begin(lease) as work:
            if group:
                await work.outbox.done(*(due.number for due in group))
            if also is not None:
                await also(work)
            if at is not None:
                await work.destinations.note_mended(at)
            await work.commit()
        for due in group:
            self.report(due.outgoing.kind.value, "delivered")


def build_delivery(
    *,
    begin: BeginWork,
    read: BeginReading,
    claims: Claims,
    messenger: Messenger,
    now: Clock,
    policy: Policy,
    naming: Naming = PLAIN,
    console: Console = NO_CONSOLE,
    home: DrawHome,
    invite: str,
    contacts: ChannelContacts | None = None,
    report: Report | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Return what delivers; `invite` is what to type to let the bot into a channel, `report` counts outcomes.

    `contacts` are told of a broken channel where nobody's own request is concerned.
    """
    count = report or _count_nothing
    return Delivery(
        begin=begin,
        read=read,
        context_loader=ContextLoader(messenger=messenger, now=now, policy=policy, naming=naming, console=console),
        paced_messenger=PacedMessenger(
            messenger=messenger, rate_limiter=RateLimiter(claims=claims, sleep=sleep, seconds=seconds), report=count
        ),
        failure_policy=FailurePolicy(begin=begin, now=now, invite=invite, contacts=contacts or _nobody, report=count),
        home=home,
        report=count,
    )


def _alarm(channel: str, event: AnyEvent) -> RequestId:
    """Return the name under which the place of an alarm in a channel is kept, until it is all clear."""
    return RequestId(f"alarm:{channel}:{event.about.organisation}/{event.about.full_name}")


async def _nobody(channel: str) -> Sequence[MemberId]:  # noqa: ARG001 - as Menders
    return ()


def _count_nothing(kind: str, outcome: str) -> None:
    """Count nothing."""
