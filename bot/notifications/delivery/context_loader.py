"""Reading what is to be drawn from the store: always what is true now, never what an errand remembers."""

from dataclasses import dataclass, field
from typing import Final

from bot.domain.cluster import Organisation
from bot.domain.events import AnyEvent
from bot.domain.naming import Naming
from bot.domain.request import OPEN, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade, UpgradeIdentity
from bot.notifications.blocks import Message
from bot.notifications.card import card
from bot.notifications.context import Scene
from bot.notifications.delivery.errors import BadPayload, DestinationGone, MessageGone, OutcomeUnknown, Transient
from bot.notifications.delivery.messenger import Messenger
from bot.workflow.errors import Missing, UnreadableRequest
from bot.workflow.inbox import Due, Errand, Kind, MessageRef
from bot.workflow.ports import Clock, Work
from bot.workflow.replacing import find_competing
from bot.workflow.repositories import Source

_REMEMBERED: Final = 1000
_ALONE: Final = frozenset({Kind.PRIVATE, Kind.HOME})
"""What says nothing that is stored elsewhere."""
_DRAWS_CARDS: Final = frozenset({Kind.CARD, Kind.THREAD})


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is stored about an errand: request and upgrade, where its card stands, and the card that took its place.

    `source` is where the organisation's statuses come from, `beside` another scheduled upgrade of the cluster.
    """

    request: UpgradeRequest | None = None
    upgrade: ScheduledUpgrade | None = None
    source: Source | None = None
    place: MessageRef | None = None
    newer: MessageRef | None = None
    beside: ScheduledUpgrade | None = None

    def asked(self) -> UpgradeRequest:
        """Return the request; raises Missing."""
        if self.request is None:
            raise Missing("There is no such request any more, so it has no card.")
        return self.request


@dataclass(frozen=True, kw_only=True, slots=True)
class Painting:
    """A card as it is to be drawn now.

    `lacks_link`: the card of the request that took its place is not there yet, or has no address.
    """

    request: UpgradeRequest
    message: Message
    lacks_link: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenes:
    """Turns what is known into what is to be drawn; asks Slack only for addresses of messages, each once."""

    messenger: Messenger
    now: Clock
    naming: Naming
    addresses: dict[MessageRef, str] = field(default_factory=dict)

    async def painting(self, known: Known) -> Painting:
        """Draw a card; raises Missing, and MessengerError while an address cannot be had."""
        request = known.asked()
        newer = await self.address(known.newer)
        drawn = card(request, known.upgrade, source=known.source, newer=newer, beside=known.beside, naming=self.naming)
        return Painting(request=request, message=drawn, lacks_link=request.state is State.REPLACED and newer is None)

    async def of(self, known: Known) -> Scene:
        """Return what is true now; raises MessengerError while an address cannot be had."""
        return self._scene(known, link=await self.address(known.place))

    def bare(self, known: Known) -> Scene:
        """Return what is true now, without asking Slack for the card's address."""
        return self._scene(known, link=None)

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

    def _scene(self, known: Known, *, link: str | None) -> Scene:
        return Scene(now=self.now(), request=known.request, upgrade=known.upgrade, link=link, naming=self.naming)


async def find_known(work: Work, due: Due) -> Known:
    """Return what is stored about an errand, as this Work sees it; what cannot be found is left out."""
    errand = due.errand
    if errand.kind in _ALONE:
        return Known()
    request = await _request(work, errand)
    place = await work.messages.card(errand.request_id) if errand.request_id else None
    upgrade = await _upgrade(work, errand.event, request)
    if request is None:
        return Known(upgrade=upgrade, place=place)
    draws = errand.kind in _DRAWS_CARDS
    return Known(
        request=request,
        upgrade=upgrade,
        source=(await work.feeds.get(request.organisation)).source if draws else None,
        place=place,
        newer=await work.messages.card(request.replaced_by) if draws and request.replaced_by else None,
        beside=await find_competing(work, request) if draws and request.state in OPEN else None,
    )


async def _request(work: Work, errand: Errand) -> UpgradeRequest | None:
    if errand.request_id is None:
        return None
    try:
        return await work.requests.get(errand.request_id)
    except Missing:
        return None
    except UnreadableRequest:
        if errand.kind is Kind.CHANNEL:
            return None  # an alert says enough without it
        raise


async def _upgrade(work: Work, event: AnyEvent | None, request: UpgradeRequest | None) -> ScheduledUpgrade | None:
    """Return the upgrade that an event is about, or that of the request."""
    if event is not None and event.about.upgrade:
        return await work.upgrades.find(Organisation(event.about.organisation), UpgradeIdentity(event.about.upgrade))
    if request is not None and request.upgrade:
        return await work.upgrades.find(request.organisation, request.upgrade)
    return None
