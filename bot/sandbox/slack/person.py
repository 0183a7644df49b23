"""Acting as somebody: the words that end-to-end tests are written in.

Everything that looks waits, up to `timeout` seconds, for what it looks for, and fails with what was there instead.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bot.sandbox.slack import seeing
from bot.sandbox.slack.elements import Placed, interactive
from bot.sandbox.slack.entering import Entering
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.formstate import entered
from bot.sandbox.slack.interactions import Interactions, Outcome
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.shown import NotShownError, Page, Seen, page, seen
from bot.sandbox.slack.state import State, dm_of
from bot.sandbox.slack.views import View

TIMEOUT = 5.0
Found = TypeVar("Found")


class PersonInSlack:
    """One person at the screen."""

    def __init__(self, state: State, interactions: Interactions, person: str) -> None:
        self._state = state
        self._interactions = interactions
        self._entering = Entering(interactions, person)
        self.id = person
        self.dm = dm_of(person)
        """The conversation with the bot."""

    # What the person does

    async def command(self, channel: str, text: str) -> Outcome:
        """Type a slash command; `ok` says whether Slack was content."""
        return await self._interactions.command(self.id, channel, text)

    async def say(self, channel: str, text: str, *, thread_ts: str | None = None) -> str:
        """Post an ordinary message; its stamp."""
        stamp = self._state.stamps.next()
        self._state.post(Message(channel=channel, ts=stamp, user=self.id, text=text, thread_ts=thread_ts))
        return stamp

    async def press(self, channel: str, ts: str, button: str) -> Outcome:
        """Press a message's button, by its text."""
        message = self._state.messages.find(channel, ts)
        visible = seeing.may_see(self._state, self.id, channel)
        if message is None or message.only_for not in {None, self.id} or not visible:
            raise NotShownError(f"{self.id} sees no message {ts} in {channel}")
        one = _button(message.blocks, button)
        values = entered(message.blocks, {}, {})
        return await self._interactions.act_on_message(self.id, message, one, used={}, values=values)

    async def press_in_modal(self, button: str) -> Outcome:
        """Press a button inside the open modal, by its text."""
        view = self._top()
        return await self._interactions.act_on_view(self.id, view, _button(view.blocks, button), used={})

    async def press_in_home(self, button: str, *, beside: str = "") -> Outcome:
        """Press a button of the Home; `beside` names words in the same or the nearest earlier block."""
        view = self._state.views.homes.get(self.id)
        if view is None:
            raise NotShownError(f"{self.id} has no Home yet")
        return await self._interactions.act_on_view(self.id, view, _button(_from(view.blocks, beside), button), used={})

    async def choose(self, label: str, value: str | datetime) -> Page:
        """Choose an option (by its text or value), a date and time, or another person or channel."""
        await self._entering.choose(self._top(), label, value)
        return self._page()

    async def fill(self, label: str, text: str) -> Page:
        """Write into a text field."""
        await self._entering.fill(self._top(), label, text)
        return self._page()

    async def check(self, label: str, *, on: bool = True) -> Page:
        """Tick a checkbox, named by its own text or by its field's label."""
        await self._entering.check(self._top(), label, on=on)
        return self._page()

    async def clear(self, label: str) -> Page:
        """Empty a field."""
        await self._entering.clear(self._top(), label)
        return self._page()

    async def search(self, label: str, typed: str) -> list[str]:
        """Type into an external select; the texts of the options it then offers."""
        return [str(option["text"]["text"]) for option in await self._entering.search(self._top(), label, typed)]

    async def submit(self) -> Outcome:
        """Press the modal's submit button; `errors` stand by label in the modal that is left."""
        return await self._interactions.submit(self.id, self._top())

    async def close(self) -> None:
        """Close the topmost modal."""
        await self._interactions.close(self.id, self._top())

    async def open_home(self) -> Outcome:
        """Open the Home tab."""
        return await self._interactions.open_home(self.id)

    # What the person sees

    async def modal(
        self,
        title: str | None = None,
        *,
        containing: str = "",
        without: str = "",
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the reader's patience
    ) -> Page:
        """The topmost modal, once it has this title and shows these words and no longer those."""

        def look() -> Page | None:
            stack = self._state.views.stack(self.id)
            found = page(stack[-1], depth=len(stack)) if stack else None
            return found if found and title in {None, found.title} and _fits(found, containing, without) else None

        return await self._await(look, timeout, f"a modal {title or ''} {containing}", self._all_modals)

    async def no_modal(self, *, timeout: float = TIMEOUT) -> None:  # noqa: ASYNC109 - the reader's patience
        """Wait until no modal is open."""

        def look() -> bool | None:
            return None if self._state.views.stack(self.id) else True

        await self._await(look, timeout, "no modal", self._all_modals)

    async def home(self, containing: str = "", *, without: str = "", timeout: float = TIMEOUT) -> Page:  # noqa: ASYNC109 - the reader's patience
        """The Home (opened first if it never was), once it shows these words and no longer those."""
        if self.id not in self._state.homes_opened:
            await self.open_home()

        def look() -> Page | None:
            view = self._state.views.homes.get(self.id)
            found = page(view, depth=0) if view else None
            return found if found and _fits(found, containing, without) else None

        return await self._await(look, timeout, f"a Home with {containing!r}", lambda: str(look()))

    def messages(self, channel: str) -> list[Seen]:
        """What is in a conversation now, oldest first, threads left out."""
        if not seeing.may_see(self._state, self.id, channel):
            return []
        return [self._seen(message) for message in self._state.messages.seen_in(channel, self.id)]

    def thread(self, channel: str, ts: str) -> list[Seen]:
        """What is in a thread now, parent first."""
        if not seeing.may_see(self._state, self.id, channel):
            return []
        return [self._seen(message) for message in self._state.messages.thread(channel, ts, self.id)]

    async def message(
        self,
        channel: str,
        *containing: str,
        without: str = "",
        private: bool | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the reader's patience
    ) -> Seen:
        """The newest message of a conversation that shows all these words."""
        return await self._one(lambda: self.messages(channel), containing, without, private, timeout)

    async def reply(self, channel: str, ts: str, *containing: str, timeout: float = TIMEOUT) -> Seen:  # noqa: ASYNC109 - the reader's patience
        """The newest reply of a thread that shows all these words."""
        return await self._one(lambda: self.thread(channel, ts)[1:], containing, "", None, timeout)

    async def private(self, channel: str, *containing: str, timeout: float = TIMEOUT) -> Seen:  # noqa: ASYNC109 - the reader's patience
        """The newest message here that only this person sees, also inside threads."""

        def here() -> list[Seen]:
            everything = self._state.messages.everything()
            return [self._seen(one) for one in everything if one.channel == channel and one.only_for == self.id]

        return await self._one(here, containing, "", None, timeout)

    async def direct(self, *containing: str, timeout: float = TIMEOUT) -> Seen:  # noqa: ASYNC109 - the reader's patience
        """The newest direct message from the bot that shows all these words."""
        return await self._one(lambda: self.messages(self.dm), containing, "", None, timeout)

    def mentioned_in(self, channel: str) -> list[Seen]:
        """The messages of a conversation, threads included, that mention this person."""
        return [
            self._seen(one)
            for one in self._state.messages.everything()
            if one.channel == channel
            and one.only_for in {None, self.id}
            and seeing.mentions_person(self._state, one, self.id)
        ]

    # How

    async def _one(
        self,
        look_at: Callable[[], list[Seen]],
        containing: tuple[str, ...],
        without: str,
        private: bool | None,  # noqa: FBT001 - None: either
        timeout: float,  # noqa: ASYNC109 - the reader's patience
    ) -> Seen:
        def look() -> Seen | None:
            for one in reversed(look_at()):
                fits = all(words in one for words in containing) and private in {None, one.private}
                if fits and not (without and without in one):
                    return one
            return None

        return await self._await(
            look, timeout, f"a message with {containing}", lambda: "\n---\n".join(one.shown for one in look_at())
        )

    async def _await(
        self, look: Callable[[], Found | None], patience: float, what: str, instead: Callable[[], str]
    ) -> Found:
        found = await self._state.hub.until(look, within=patience)
        if found is None:
            raise NotShownError(f"{self.id} waited {patience} s for {what}; there was:\n{instead()}")
        return found

    def _top(self) -> View:
        stack = self._state.views.stack(self.id)
        if not stack:
            raise NotShownError(f"{self.id} has no modal open")
        return stack[-1]

    def _page(self) -> Page:
        return page(self._top(), depth=len(self._state.views.stack(self.id)))

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


def _button(blocks: list[Json], text: str) -> Placed:
    buttons = [one for one in interactive(blocks) if one.kind == "button"]
    for one in buttons:
        if one.element["text"]["text"] == text:
            return one
    raise NotShownError(f"No button {text!r}; there are {[one.element['text']['text'] for one in buttons]}")


def _from(blocks: list[Json], words: str) -> list[Json]:
    """The blocks from the first that shows these words."""
    for index, block in enumerate(blocks):
        if words in str(block):
            return blocks[index:]
    raise NotShownError(f"The Home shows no {words!r}")
