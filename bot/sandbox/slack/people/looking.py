"""What one person sees, for end-to-end tests.

Everything async waits, up to `within` seconds, for what it looks for, and fails with what was there instead.
"""

from collections.abc import Callable
from typing import TypeVar

from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.people import seeing
from bot.sandbox.slack.people.seen import NotShownError, Seen, seen
from bot.sandbox.slack.people.shown import Page, page
from bot.sandbox.slack.state import State, dm_of

PATIENCE = 120.0
"""Real seconds; a busy machine takes as long as it takes, and who finds it at once waits for nothing."""
Found = TypeVar("Found")


class Looking:
    """The eyes of one person."""

    def __init__(self, state: State, person: str) -> None:
        self._state = state
        self.id = person
        self.dm = dm_of(person)
        """The conversation with the bot."""

    async def modal(
        self,
        title: str | None = None,
        *,
        containing: str = "",
        without: str = "",
        within: float = PATIENCE,
    ) -> Page:
        """Give the topmost modal, once it has this title and shows these words and no longer those."""

        def look() -> Page | None:
            stack = self._state.views.stack(self.id)
            found = page(stack[-1], depth=len(stack)) if stack else None
            return found if found and title in {None, found.title} and _fits(found, containing, without) else None

        return await self._await(look, within, f"a modal {title or ''} {containing}", self._all_modals)

    async def no_modal(self, *, within: float = PATIENCE) -> None:
        """Wait until no modal is open."""

        def look() -> bool | None:
            return None if self._state.views.stack(self.id) else True

        await self._await(look, within, "no modal", self._all_modals)

    async def home(self, containing: str = "", *, without: str = "", within: float = PATIENCE) -> Page:
        """Give the Home, once it shows these words and no longer those."""

        def look() -> Page | None:
            view = self._state.views.homes.get(self.id)
            found = page(view, depth=0) if view else None
            return found if found and _fits(found, containing, without) else None

        return await self._await(look, within, f"a Home with {containing!r}", lambda: str(look()))

    def messages(self, channel: str) -> list[Seen]:
        """Tell what is in a conversation now, oldest first, threads left out."""
        return [self._seen(message) for message in self._in_channel(channel)]

    def thread(self, channel: str, ts: str) -> list[Seen]:
        """Tell what is in a thread now, parent first."""
        return [self._seen(message) for message in self._in_thread(channel, ts)]

    async def message(
        self,
        channel: str,
        *containing: str,
        without: str = "",
        private: bool | None = None,
        within: float = PATIENCE,
    ) -> Seen:
        """Give the newest message of a conversation that shows all these words."""
        return await self._one(lambda: self._in_channel(channel), containing, without, private, within)

    async def reply(self, channel: str, ts: str, *containing: str, within: float = PATIENCE) -> Seen:
        """Give the newest reply of a thread that shows all these words."""
        return await self._one(lambda: self._in_thread(channel, ts)[1:], containing, "", None, within)

    async def private(self, channel: str, *containing: str, within: float = PATIENCE) -> Seen:
        """Give the newest message here that only this person sees, also inside threads."""

        def here() -> list[Message]:
            everything = self._state.messages.everything()
            return [one for one in everything if one.channel == channel and one.only_for == self.id]

        return await self._one(here, containing, "", None, within)

    async def direct(self, *containing: str, within: float = PATIENCE) -> Seen:
        """Give the newest direct message from the bot that shows all these words."""
        return await self._one(lambda: self._in_channel(self.dm), containing, "", None, within)

    async def no_message(self, channel: str, *containing: str, within: float = 0.5) -> None:
        """Make sure that no message of a conversation shows all these words, nor will soon."""

        def look() -> Seen | None:
            return next((one for one in self.messages(channel) if all(words in one for words in containing)), None)

        found = await self._state.broadcaster.until(look, within=within)
        if found is not None:
            raise NotShownError(f"{self.id} sees {containing} after all:\n{found.shown}")

    def mentioned_in(self, channel: str) -> list[Seen]:
        """Give the messages of a conversation, threads included, that mention this person."""
        return [
            self._seen(one)
            for one in self._state.messages.everything()
            if one.channel == channel
            and one.only_for in {None, self.id}
            and seeing.mentions_person(self._state, one, self.id)
        ]

    def _in_channel(self, channel: str) -> list[Message]:
        visible = seeing.may_see(self._state, self.id, channel)
        return self._state.messages.seen_in(channel, self.id) if visible else []

    def _in_thread(self, channel: str, ts: str) -> list[Message]:
        visible = seeing.may_see(self._state, self.id, channel)
        return self._state.messages.thread(channel, ts, self.id) if visible else []

    async def _one(
        self,
        look_at: Callable[[], list[Message]],
        containing: tuple[str, ...],
        without: str,
        private: bool | None,  # noqa: FBT001 - None: either
        within: float,
    ) -> Seen:
        def look() -> Seen | None:
            for one in map(self._seen, reversed(look_at())):
                fits = all(words in one for words in containing) and private in {None, one.private}
                if fits and not (without and without in one):
                    return one
            return None

        return await self._await(
            look,
            within,
            f"a message with {containing}",
            lambda: "\n---\n".join(self._seen(one).shown for one in look_at()),
        )

    async def _await(
        self, look: Callable[[], Found | None], patience: float, what: str, instead: Callable[[], str]
    ) -> Found:
        found = await self._state.broadcaster.until(look, within=patience)
        if found is None:
            raise NotShownError(f"{self.id} waited {patience} s for {what}; there was:\n{instead()}")
        return found

    def _all_modals(self) -> str:
        return "\n".join(
            f"{_label(view.sent)}: {page(view, depth=0).shown}" for view in self._state.views.stack(self.id)
        )

    def _seen(self, message: Message) -> Seen:
        return seen(message, replies=len(self._state.messages.replies(message.channel, message.ts)))


def _all(found: Page) -> str:
    return "\n".join([found.title, found.shown, *found.labels, *found.buttons, *found.errors.values()])


def _fits(found: Page, containing: str, without: str) -> bool:
    words = _all(found)
    return containing in words and not (without and without in words)


def _label(sent: Json) -> str:
    return str((sent.get("title") or {}).get("text", ""))
