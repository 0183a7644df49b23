"""Reading what is to be drawn from the store: always what is true now, never what an errand remembers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.cluster import Organisation
from bot.domain.events import AnyEvent
from bot.domain.freeze import FreezeId, UpgradeFreeze, frozen_rule
from bot.domain.naming import Naming
from bot.domain.policy import Policy
from bot.domain.readiness import ReadinessReading
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest
from bot.domain.rollout import Rollout
from bot.domain.scheduled import ScheduledUpgrade, UpgradeIdentity
from bot.notifications.blocks import Message
from bot.notifications.card import card
from bot.notifications.console import Console
from bot.notifications.context import MessageContext
from bot.notifications.delivery.errors import BadPayload, DestinationGone, MessageGone, OutcomeUnknown, Transient
from bot.notifications.delivery.messenger import Messenger
from bot.workflow.errors import Missing, UnreadableRequest
from bot.workflow.freezing import NOT_AFFECTED, AffectedByFreeze, find_affected
from bot.workflow.inbox import MessageRef
from bot.workflow.lookups import find_competing, find_request
from bot.workflow.outbox import DueMessage, Kind, OutboxMessage
from bot.workflow.ports import Clock, ReadOnlyWork
from bot.workflow.repositories import Source

_REMEMBERED: Final = 1000
_ALONE: Final = frozenset({Kind.PRIVATE, Kind.HOME})
"""What says nothing that is stored elsewhere."""
_DRAWS_CARDS: Final = frozenset({Kind.CARD, Kind.THREAD})


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredContext:
    """What is stored about an errand: request and upgrade, where its card stands, and the card that took its place.

    `source` is where the organisation's statuses come from, `beside` another scheduled upgrade of the cluster,
    `affected` what `freeze` touches, `standing` the freezes that a request that overrides one may be about.
    """

    request: UpgradeRequest | None = None
    upgrade: ScheduledUpgrade | None = None
    source: Source | None = None
    place: MessageRef | None = None
    newer: MessageRef | None = None
    beside: ScheduledUpgrade | None = None
    rollout: Rollout | None = None
    freeze: UpgradeFreeze | None = None
    affected: AffectedByFreeze = NOT_AFFECTED
    standing: tuple[UpgradeFreeze, ...] = ()
    readiness: ReadinessReading | None = None

    def asked(self) -> UpgradeRequest:
        """Return the request; raises Missing."""
        if self.request is None:
            raise Missing("There is no such request any more, so it has no card.")
        return self.request

    def frozen(self) -> UpgradeFreeze:
        """Return the freeze; raises Missing."""
        if self.freeze is None:
            raise Missing("There is no such freeze any more.")
        return self.freeze


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedCard:
    """A card as it is to be drawn now.

    `lacks_link`: the card of the request that took its place is not there yet, or has no address.
    """

    request: UpgradeRequest
    message: Message
    lacks_link: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextLoader:
    """Turns what is known into what is to be drawn; asks Slack only for addresses of messages, each once."""

    messenger: Messenger
    now: Clock
    policy: Policy
    naming: Naming
    console: Console
    addresses: dict[MessageRef, str] = field(default_factory=dict)

    async def rendered(self, stored: StoredContext) -> RenderedCard:
        """Draw a card; raises Missing, and MessengerError while an address cannot be had."""
        request = stored.asked()
        newer = await self.address(stored.newer)
        rule = self.policy.rule(request.organisation, request.environment)
        drawn = card(
            request,
            stored.upgrade,
            rule=frozen_rule(rule, request.organisation, stored.standing, now=self.now()),
            source=stored.source,
            newer=newer,
            beside=stored.beside,
            readiness=stored.readiness,
            naming=self.naming,
            console=self.console,
        )
        return RenderedCard(
            request=request, message=drawn, lacks_link=request.state is State.REPLACED and newer is None
        )

    async def of(self, stored: StoredContext) -> MessageContext:
        """Return what is true now; raises MessengerError while an address cannot be had."""
        return self._current(stored, link=await self.address(stored.place))

    def bare(self, stored: StoredContext) -> MessageContext:
        """Return what is true now, without asking Slack for the card's address."""
        return self._current(stored, link=None)

    async def address(self, place: MessageRef | None) -> str | None:
        """Return the address of a message, None when it has none; raises MessengerError while it cannot be had."""
        if place is None:
            return None
        if place not in self.addresses:
            try:
                address = await self.messenger.permalink(place)
            except (MessageGone, DestinationGone, BadPayload):
                return None
            except OutcomeUnknown as error:
                raise Transient(error.code) from error
            if len(self.addresses) >= _REMEMBERED:
                self.addresses.clear()
            self.addresses[place] = address
        return self.addresses[place]

    def _current(self, stored: StoredContext, *, link: str | None) -> MessageContext:
        shown = stored.request or stored.upgrade
        return MessageContext(
            now=self.now(),
            request=stored.request,
            upgrade=stored.upgrade,
            link=link,
            console=self.console.of(shown) if shown else None,
            naming=self.naming,
            zone=self.policy.default.zone,
        )


async def find_stored(work: ReadOnlyWork, due: DueMessage, *, now: datetime) -> StoredContext:
    """Return what is stored about an errand, as this Work sees it; what cannot be found is left out."""
    outgoing = due.outgoing
    if outgoing.kind in _ALONE:
        return StoredContext()
    if outgoing.rollout_id is not None:
        place = await work.messages.card(RequestId(outgoing.rollout_id))
        return StoredContext(rollout=await work.rollouts.get(outgoing.rollout_id), place=place)
    if outgoing.freeze_id is not None:
        freeze = await work.freezes.get(outgoing.freeze_id)
        return StoredContext(
            freeze=freeze,
            affected=await find_affected(work, freeze, now=now, channel=outgoing.target),
            place=await work.messages.card(place_key(freeze.id, outgoing.target)),
        )
    request = await _request(work, outgoing)
    card_of = RequestId(request.rollout) if request and request.rollout else outgoing.request_id
    place = await work.messages.card(card_of) if card_of else None
    upgrade = await _upgrade(work, outgoing.event, request)
    if request is None:
        return StoredContext(upgrade=upgrade, place=place)
    draws = outgoing.kind in _DRAWS_CARDS
    return StoredContext(
        request=request,
        upgrade=upgrade,
        source=(await work.feeds.get(request.organisation)).source if draws else None,
        place=place,
        newer=await work.messages.card(request.replaced_by) if draws and request.replaced_by else None,
        beside=await find_competing(work, request) if draws and request.state in OPEN else None,
        readiness=(await work.readiness.latest(request.id)).get(request.id) if draws else None,
        standing=await work.freezes.standing() if draws and request.override else (),
    )


def place_key(freeze_id: FreezeId, channel: str) -> RequestId:
    """Return under which key it is stored where the message of a freeze is in a channel."""
    return RequestId(f"{freeze_id}:{channel}")


async def _request(work: ReadOnlyWork, outgoing: OutboxMessage) -> UpgradeRequest | None:
    try:
        return await find_request(work, outgoing.request_id)
    except UnreadableRequest:
        if outgoing.kind is Kind.CHANNEL:
            return None  # an alert says enough without it
        raise


async def _upgrade(
    work: ReadOnlyWork, event: AnyEvent | None, request: UpgradeRequest | None
) -> ScheduledUpgrade | None:
    """Return the upgrade that an event is about, or that of the request."""
    if event is not None and event.about.upgrade:
        return await work.upgrades.find(Organisation(event.about.organisation), UpgradeIdentity(event.about.upgrade))
    if request is not None and request.upgrade:
        return await work.upgrades.find(request.organisation, request.upgrade)
    return None
