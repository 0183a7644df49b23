"""Acting as somebody: the words that end-to-end tests are written in.

What the person sees is in `looking`.
"""

from dataclasses import replace
from datetime import datetime

from bot.sandbox.slack.blockkit.elements import Placed, interactive
from bot.sandbox.slack.blockkit.formstate import entered
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.people import seeing
from bot.sandbox.slack.people.entering import Entering
from bot.sandbox.slack.people.interactions import Interactions, Outcome
from bot.sandbox.slack.people.looking import PATIENCE, Looking
from bot.sandbox.slack.people.seen import NotShownError
from bot.sandbox.slack.people.shown import Page, page
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import View


class PersonInSlack(Looking):
    """One person at the screen."""

    def __init__(self, state: State, interactions: Interactions, person: str) -> None:
        super().__init__(state, person)
        self._interactions = interactions
        self._entering = Entering(interactions, person)

    async def command(self, channel: str, text: str) -> Outcome:
        """Type a slash command; `ok` says whether Slack was content."""
        return await self._interactions.command(self.id, channel, text)

    async def say(self, channel: str, text: str, *, thread_ts: str | None = None) -> str:
        """Post an ordinary message; its stamp."""
        stamp = self._state.stamps.next()
        self._state.post(Message(channel=channel, ts=stamp, user=self.id, text=text, thread_ts=thread_ts))
        return stamp

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message, as its author or an administrator may."""
        message = self._state.messages.find(channel, ts)
        if message is None:
            raise NotShownError(f"{self.id} sees no message {ts} in {channel}")
        self._state.delete(message)

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
        """Press the modal's submit button; `errors` are given by the fields' labels."""
        view = self._top()
        outcome = await self._interactions.submit(self.id, view)
        labels = {field.block_id: field.label for field in page(view, depth=1).fields}
        return replace(outcome, errors={labels[block]: text for block, text in outcome.errors.items()})

    async def close(self) -> None:
        """Close the topmost modal."""
        await self._interactions.close(self.id, self._top())

    async def open_home(self) -> Outcome:
        """Open the Home tab."""
        return await self._interactions.open_home(self.id)

    async def home(self, containing: str = "", *, without: str = "", within: float = PATIENCE) -> Page:
        """Give the Home, opened first if it never was, once it shows these words and no longer those."""
        if self.id not in self._state.homes_opened:
            await self.open_home()
        return await super().home(containing, without=without, within=within)

    def _top(self) -> View:
        stack = self._state.views.stack(self.id)
        if not stack:
            raise NotShownError(f"{self.id} has no modal open")
        return stack[-1]

    def _page(self) -> Page:
        return page(self._top(), depth=len(self._state.views.stack(self.id)))


def _button(blocks: list[Json], text: str) -> Placed:
    buttons = [one for one in interactive(blocks) if one.kind == "button"]
    for one in buttons:
        if one.element["text"]["text"] == text:
            return one
    raise NotShownError(f"No button {text!r}; there are {[one.element['text']['text'] for one in buttons]}")


def _from(blocks: list[Json], words: str) -> list[Json]:
    """Give the blocks from the first that shows these words."""
    for index, block in enumerate(blocks):
        if words in str(block):
            return blocks[index:]
    raise NotShownError(f"The Home shows no {words!r}")
