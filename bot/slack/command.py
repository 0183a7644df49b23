"""The slash command: opens the modal, or answers privately in its acknowledgement."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.naming import Naming
from bot.domain.people import Member
from bot.notifications.blocks import Message
from bot.notifications.links import Links
from bot.notifications.text import escape, trusted
from bot.slack import listing
from bot.slack.answers import in_ack, sentence
from bot.slack.errors import Listener
from bot.slack.fleet import FleetListeners
from bot.slack.form.directory import Directory, Place
from bot.slack.form.filling import NotUnderstood, Typed
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.opening import Opening, Wanted
from bot.slack.form.words import (
    Blank,
    Fill,
    FreezeUpgrades,
    Help,
    ListFreezes,
    ListRollouts,
    ListUp,
    PlanRollout,
    ShowFleet,
    Status,
    understand,
)
from bot.slack.freezes import FreezeListeners
from bot.slack.payload import Payload, member_of, text
from bot.slack.readiness import ReadinessFollowUp
from bot.slack.rollouts import RolloutListeners
from bot.slack.web.members import AccessGate, Reused
from bot.workflow.viewing import ClusterView, Viewing

_log = structlog.get_logger(__name__)
_NOT_LOADED = "The clusters have not been read from Avisi Cloud yet. Please try again in a moment."
_NAMED = 5
"""So many choices are named to who misspelt one."""
_EVERYWHERE = Place(name="")
UNSEEN = 1.0
"""Seconds for which an answer may miss what another process has stored."""
MOST_KEPT = 50
"""How many answers are kept for others who ask the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Listens to the slash command `name`."""

    name: str
    viewing: Viewing
    directory: Directory
    typed: Typed
    opening: Opening
    rollouts: RolloutListeners
    freezes: FreezeListeners
    fleet: FleetListeners
    access_gate: AccessGate
    guard: Callable[[Listener], Listener]
    naming: Naming
    links: Links
    usage: Message
    """The answer to `help`: the policy does not change while the bot runs."""
    follow_up: ReadinessFollowUp
    clusters: Reused[ClusterView]
    answers: Reused[Message]
    """People who ask for the same share one reading of the database, until this process stores something."""

    def register(self, app: AsyncApp) -> None:
        """Register the listeners with Bolt."""
        app.command(self.name)(self.guard(self.used))
        app.command(re.compile(".*"))(self.guard(self.unknown))

    async def used(self, ack: AsyncAck, body: Payload) -> None:
        """Refuse, answer, or open the modal."""
        member = await self.access_gate.identify(member_of(body))
        if refusal := self.access_gate.refusal(member):
            await ack(**sentence(refusal))
            return
        if answer := await self._answer(body, member):
            await ack(**in_ack(answer))
            return
        await asyncio.sleep(0)  # lets the modal start first: the person waits for it
        await ack()

    async def unknown(self, ack: AsyncAck, body: Payload) -> None:
        """Answer a command of this app other than BOT_COMMAND: the bot and the Slack app are set up differently."""
        received = text(body, "command")
        _log.warning("slack.command_unknown", received=received, configured=self.name)
        if refusal := self.access_gate.refusal(await self.access_gate.identify(member_of(body))):
            await ack(**sentence(refusal))
            return
        differ = f"This bot answers `{self.name}`, and was sent `{escape(received)}`"
        await ack(**sentence(f"{differ}: its BOT_COMMAND and the Slack app differ. Please tell whoever runs it."))

    async def _answer(  # noqa: C901, PLR0911, PLR0912 - one for each word
        self, body: Payload, member: Member | None
    ) -> Message | None:
        match understand(text(body, "text")):
            case Help():
                return self.usage
            case ListUp(environment=environment):
                return await self._list(environment)
            case ShowFleet(environment=environment):
                return await self._fleet(environment)
            case Status(cluster=name):
                return await self._status(body, name)
            case ListRollouts():
                return await self.rollouts.listed()
            case PlanRollout() if not self.directory.is_loaded:
                return listing.sentence(_NOT_LOADED)
            case PlanRollout():
                self.rollouts.start(body)
            case ListFreezes():
                return await self.freezes.listed()
            case FreezeUpgrades() if not self.directory.is_loaded:
                return listing.sentence(_NOT_LOADED)
            case FreezeUpgrades(words=words):
                return await self._freeze(body, words, member)
            case Fill(words=words) if self.directory.is_loaded:
                return await self._open(body, words, member)
            case Fill(words=words):
                self.opening.start(body, Wanted(held=ModalMetadata(words=words)))
            case Blank():
                self.opening.start(body, Wanted())
        return None

    async def _freeze(self, body: Payload, words: Sequence[str], member: Member | None) -> Message | None:
        try:
            refused = await self.freezes.start(body, words, member)
        except NotUnderstood as error:
            return self._not_understood(str(error))
        return listing.sentence(trusted(refused)) if refused else None

    async def _open(self, body: Payload, words: Sequence[str], member: Member | None) -> Message | None:
        try:
            filled = await self.typed.fill(words, member)
        except NotUnderstood as error:
            return self._not_understood(str(error))
        self.opening.start(body, Wanted(form=filled.form, notes=filled.notes))
        return None

    def _place(self, environment: str) -> Place | None:
        """Return the place of this name, None when others have clusters and this has none."""
        index = self.directory.index
        place = index.place(environment) if environment else _EVERYWHERE
        return place or (None if index.clusters else Place(name=environment, environment=environment))

    def _no_place(self, environment: str) -> Message:
        return self._not_understood(f"No environment `{escape(environment)}` has clusters. {self._places(environment)}")

    async def _fleet(self, environment: str) -> Message:
        place = self._place(environment)
        if place is None:
            return self._no_place(environment)
        key = f"fleet {place.organisation}/{place.environment}"
        return await self.answers.get(key, partial(self.fleet.answer, place))

    async def _list(self, environment: str) -> Message:
        place = self._place(environment)
        if place is None:
            return self._no_place(environment)
        key = f"list {place.organisation}/{place.environment}"  # the place, however the person wrote its name
        return await self.answers.get(key, partial(self._overview, place))

    def _places(self, typed: str) -> str:
        names = sorted(self.directory.index.environments)
        near = get_close_matches(typed.lower(), names, n=_NAMED)
        choices = ", ".join(f"`{escape(name)}`" for name in near or names[:_NAMED])
        return f"Did you mean {choices}?" if near else f"These have: {choices}."

    async def _overview(self, place: Place) -> Message:
        shown = await self.viewing.overview(organisation=place.organisation, environment=place.environment)
        return listing.overview(shown, where=place.name, naming=self.naming, links=self.links)

    async def _status(self, body: Payload, name: str) -> Message:
        if not name:
            return self._not_understood(
                f"Name a cluster after `status`, for example `{escape(self.name)} status production/payments`."
            )
        if not self.directory.is_loaded:
            return listing.sentence(_NOT_LOADED)
        try:
            cluster = await self.typed.find(name)
        except NotUnderstood as error:
            return self._not_understood(str(error))
        shown = await self.clusters.get(cluster.identity, partial(self.viewing.cluster, cluster))
        self.follow_up.start(body, shown)
        return listing.one_cluster(shown, naming=self.naming, links=self.links)

    def _not_understood(self, why: str) -> Message:
        return listing.sentence(f"{why} `{escape(self.name)} help` lists everything.")
