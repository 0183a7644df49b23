"""Reading what is to be drawn from the store: always what is true now, never what an errand remembers."""

from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.cluster import Organisation
from bot.domain.events import AnyEvent
from bot.domain.naming import Naming
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.domain.scheduled import UpgradeIdentity
from bot.notifications.blocks import Message
from bot.notifications.card import card
from bot.notifications.errors import BadPayload, DestinationGone, MessageGone, OutcomeUnknown, Transient
from bot.notifications.messenger import Messenger
from bot.notifications.scene import Scene
from bot.workflow.entries import MessageRef
from bot.workflow.errors import Missing
from bot.workflow.ports import BeginWork, Clock, Work

_REMEMBERED: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Painting:
    """A card as it is to be drawn now, and where it stands, if anywhere.

    `lacks_link`: the card of the request that took its place is not there yet, or has no address.
    """

    request: UpgradeRequest
    message: Message
    place: MessageRef | None
    lacks_link: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenes:
    """Looks things up for drawing; asks Slack only for addresses of messages, each once."""

    look: BeginWork
    messenger: Messenger
    now: Clock
    naming: Naming
    addresses: dict[MessageRef, str] = field(default_factory=dict)

    async def painting(self, request_id: RequestId) -> Painting:
        """Draw a card; raises Missing, and MessengerError while an address cannot be had."""
        async with self.look() as work:
            request = await work.requests.get(request_id)
            upgrade = await work.upgrades.find(request.organisation, request.upgrade) if request.upgrade else None
            feed = await work.feeds.get(request.organisation)
            place = await work.messages.card(request.id)
        newer = None
        if request.state is State.REPLACED and request.replaced_by:
            newer = await self.link(request.replaced_by)
        drawn = card(request, upgrade, source=feed.source, newer=newer, naming=self.naming)
        lacks_link = request.state is State.REPLACED and newer is None
        return Painting(request=request, message=drawn, place=place, lacks_link=lacks_link)

    async def of(self, event: AnyEvent) -> Scene:
        """Return what is true now about an event; raises MessengerError while an address cannot be had."""
        scene, place = await self._read(event)
        return replace(scene, link=await self._address(place) if place else None)

    async def bare(self, event: AnyEvent) -> Scene:
        """Return what is true now about an event, without asking Slack for the card's address."""
        scene, _ = await self._read(event)
        return scene

    async def place(self, request_id: RequestId) -> MessageRef | None:
        """Return where a request's card stands."""
        async with self.look() as work:
            return await work.messages.card(request_id)

    async def link(self, request_id: RequestId) -> str | None:
        """Return the address of a request's card, None while there is none."""
        place = await self.place(request_id)
        return await self._address(place) if place else None

    async def _read(self, event: AnyEvent) -> tuple[Scene, MessageRef | None]:
        about = event.about
        async with self.look() as work:
            request = await _request(work, about.request_id)
            identity = about.upgrade or (request.upgrade if request else None)
            upgrade = (
                await work.upgrades.find(Organisation(about.organisation), UpgradeIdentity(identity))
                if identity
                else None
            )
            place = await work.messages.card(about.request_id) if about.request_id else None
        return Scene(now=self.now(), request=request, upgrade=upgrade, naming=self.naming), place

    async def _address(self, place: MessageRef) -> str | None:
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


async def _request(work: Work, request_id: RequestId | None) -> UpgradeRequest | None:
    if request_id is None:
        return None
    try:
        return await work.requests.get(request_id)
    except Missing:
        return None
