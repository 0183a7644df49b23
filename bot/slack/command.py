"""The slash command: opens the modal, or answers privately in its acknowledgement."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.cluster import Cluster
from bot.domain.people import Member
from bot.notifications.blocks import Message
from bot.notifications.text import escape
from bot.slack import listing
from bot.slack.answers import in_ack, sentence
from bot.slack.errors import Listener
from bot.slack.form.directory import Directory, Place
from bot.slack.form.filling import NotUnderstood, Typed
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.opening import Opening, Wanted
from bot.slack.form.words import Blank, Fill, Help, ListUp, Status, understand
from bot.slack.payload import Payload, member_of, text
from bot.slack.web.members import AccessGate, Reused
from bot.workflow.viewing import Viewing

_log = structlog.get_logger(__name__)
_NOT_LOADED = "The clusters have not been read from Avisi Cloud yet. Please try again in a moment."
_EVERYWHERE = Place(name="")
UNSEEN = 1.0
"""Seconds for which what another process stored may not show yet."""
MOST_TOLD = 50
"""How many answers are kept for who asks for the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Listens to the command of this name."""

    name: str
    viewing: Viewing
    directory: Directory
    typed: Typed
    opening: Opening
    access_gate: AccessGate
    guard: Callable[[Listener], Listener]
    told: Reused[Message]
    """Who asks for the same shares one reading of it, until something is stored here."""
    explained: list[Message] = field(default_factory=list)
    """The answer to `help`, once it is drawn: the policy does not change while the bot runs."""

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what is listened to."""
        app.command(self.name)(self.guard(self.used))
        app.command(re.compile(".*"))(self.guard(self.unknown))

    async def used(self, ack: AsyncAck, body: Payload) -> None:
        """Answer the command: refuse, tell, or open the modal."""
        member = await self.access_gate.identify(member_of(body))
        if refusal := self.access_gate.refusal(member):
            await ack(**sentence(refusal))
            return
        if answer := await self._answer(body, member):
            await ack(**in_ack(answer))
            return
        await asyncio.sleep(0)  # the form sets out first: it is what the person waits for
        await ack()

    async def unknown(self, ack: AsyncAck, body: Payload) -> None:
        """Answer a command of this app that the bot was not told of: somebody set it up otherwise than the app."""
        received = text(body, "command")
        _log.warning("slack.command_unknown", received=received, configured=self.name)
        if refusal := self.access_gate.refusal(await self.access_gate.identify(member_of(body))):
            await ack(**sentence(refusal))
            return
        differ = f"This bot answers `{self.name}`, and was sent `{escape(received)}`"
        await ack(**sentence(f"{differ}: its BOT_COMMAND and the Slack app differ. Please tell whoever runs it."))

    async def _answer(self, body: Payload, member: Member | None) -> Message | None:
        match understand(text(body, "text")):
            case Help():
                return self._help()
            case ListUp(environment=environment):
                return await self._list(environment)
            case Status(cluster=name):
                return await self._status(name)
            case Fill(words=words) if self.directory.is_loaded:
                return await self._open(body, words, member)
            case Fill(words=words):
                self.opening.start(body, Wanted(held=ModalMetadata(words=words)))
            case Blank():
                self.opening.start(body, Wanted())
        return None

    async def _open(self, body: Payload, words: Sequence[str], member: Member | None) -> Message | None:
        try:
            filled = await self.typed.fill(words, member)
        except NotUnderstood as error:
            return self._help(str(error))
        self.opening.start(body, Wanted(form=filled.form, notes=filled.notes))
        return None

    async def _list(self, environment: str) -> Message:
        index = self.directory.index
        place = index.place(environment) if environment else _EVERYWHERE
        if place is None and index.clusters:
            choices = ", ".join(f"`{escape(name)}`" for name in sorted(index.environments)[:10])
            return self._help(f"There is no environment `{escape(environment)}` with clusters. There is: {choices}.")
        place = place or Place(name=environment, environment=environment)
        key = f"list {place.organisation}/{place.environment}"  # of the place, however its name was written
        return await self.told.get(key, partial(self._listed, place))

    async def _listed(self, place: Place) -> Message:
        shown = await self.viewing.overview(organisation=place.organisation, environment=place.environment)
        return listing.overview(shown, where=place.name, naming=self.viewing.naming)

    async def _status(self, name: str) -> Message:
        if not name:
            return self._help("Name a cluster after `status`.")
        if not self.directory.is_loaded:
            return self._help(_NOT_LOADED)
        try:
            cluster = await self.typed.find(name)
        except NotUnderstood as error:
            return self._help(str(error))
        return await self.told.get(f"status {cluster.identity}", partial(self._told, cluster))

    async def _told(self, cluster: Cluster) -> Message:
        return listing.one_cluster(await self.viewing.cluster(cluster), naming=self.viewing.naming)

    def _help(self, first: str = "") -> Message:
        if first:
            return self._explained(first)
        self.explained[:] = self.explained or [self._explained()]
        return self.explained[0]

    def _explained(self, first: str = "") -> Message:
        return listing.explained(self.name, self.viewing.policy, first=first, naming=self.viewing.naming)
