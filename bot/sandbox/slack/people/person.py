"""What one person does in Slack, for end-to-end tests. What the person sees is in `looking`."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.sandbox.slack.blockkit.elements import Placed, interactive
from bot.sandbox.slack.blockkit.formstate import entered
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.people import seeing
from bot.sandbox.slack.people.entering import Entering
from bot.sandbox.slack.people.interactions import Interactions, Outcome
from bot.sandbox.slack.people.looking import PATIENCE, Looking
from bot.sandbox.slack.people.seen import NotShownError, menu_texts
from bot.sandbox.slack.people.shown import Page, page
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The dialog that Slack shows before it does what an element says."""

    title: str
    text: str
    confirm: str
    deny: str


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
        """Press a message's button, by its text, and say yes when Slack asks for confirmation."""
        message = self._message(channel, ts)
        return await self._use_in_message(message, _button(message.blocks, button), {})

    async def press_in_modal(self, button: str) -> Outcome:
        """Press a button inside the open modal, by its text."""
        view = self._top()
        return await self._interactions.act_on_view(self.id, view, _button(view.blocks, button), used={})

    async def press_in_home(self, button: str, *, beside: str = "") -> Outcome:
        """Press a button of the Home; `beside` names words in the same or the nearest earlier block."""
        view = self._home_view()
        return await self._interactions.act_on_view(self.id, view, _button(_from(view.blocks, beside), button), used={})

    async def choose_from_menu(self, channel: str, ts: str, option: str) -> Outcome:
        """Choose an option of a message's overflow menu, by its text."""
        message = self._message(channel, ts)
        return await self._use_in_message(message, *_menu_option(message.blocks, option))

    async def choose_from_menu_in_modal(self, option: str) -> Outcome:
        """Choose an option of an overflow menu inside the open modal, by its text."""
        view = self._top()
        one, used = _menu_option(view.blocks, option)
        return await self._interactions.act_on_view(self.id, view, one, used=used)

    async def choose_from_menu_in_home(self, option: str, *, beside: str = "") -> Outcome:
        """Choose an option of an overflow menu of the Home; `beside` as in `press_in_home`."""
        view = self._home_view()
        one, used = _menu_option(_from(view.blocks, beside), option)
        return await self._interactions.act_on_view(self.id, view, one, used=used)

    def confirmation(self, channel: str, ts: str, button: str) -> Confirmation | None:
        """Give the dialog that pressing a message's button, or choosing from its menu, shows first."""
        blocks = self._message(channel, ts).blocks
        return _confirmation(
            _menu_option(blocks, button)[0] if button in menu_texts(blocks) else _button(blocks, button)
        )

    async def choose(self, label: str, value: str | list[str] | datetime) -> Page:
        """Choose an option (by its text or value), a date and time, or another person or channel.

        A list chooses exactly these in a menu for several.
        """
        await self._entering.choose(self._top(), label, value)
        return self._page()

    async def fill(self, label: str, text: str) -> Page:
        """Write into a field for text or a number."""
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

    async def open_messages(self) -> Outcome:
        """Open the app's Messages tab."""
        return await self._interactions.open_messages(self.id)

    async def home(self, containing: str = "", *, without: str = "", within: float = PATIENCE) -> Page:
        """Give the Home, opened first if it never was, once it shows these words and no longer those."""
        if self.id not in self._state.homes_opened:
            await self.open_home()
        return await super().home(containing, without=without, within=within)

    def _message(self, channel: str, ts: str) -> Message:
        message = self._state.messages.find(channel, ts)
        visible = seeing.may_see(self._state, self.id, channel)
        if message is None or message.only_for not in {None, self.id} or not visible:
            raise NotShownError(f"{self.id} sees no message {ts} in {channel}")
        return message

    async def _use_in_message(self, message: Message, one: Placed, used: Json) -> Outcome:
        values = entered(message.blocks, {}, {})
        return await self._interactions.act_on_message(self.id, message, one, used=used, values=values)

    def _home_view(self) -> View:
        view = self._state.views.homes.get(self.id)
        if view is None:
            raise NotShownError(f"{self.id} has no Home yet")
        return view

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


def _menu_option(blocks: list[Json], text: str) -> tuple[Placed, Json]:
    """Give the overflow menu that holds an option, and what Slack sends when it is chosen."""
    for one in interactive(blocks):
        if one.kind == "overflow":
            for option in one.element["options"]:
                if option["text"]["text"] == text:
                    return one, {"selected_option": option}
    raise NotShownError(f"No menu offers {text!r}; there are {menu_texts(blocks)}")


def _confirmation(one: Placed) -> Confirmation | None:
    asked = one.element.get("confirm")
    if not asked:
        return None
    return Confirmation(**{part: str(asked[part]["text"]) for part in ("title", "text", "confirm", "deny")})


def _from(blocks: list[Json], words: str) -> list[Json]:
    """Give the blocks from the first that shows these words."""
    for index, block in enumerate(blocks):
        if words in str(block):
            return blocks[index:]
    raise NotShownError(f"The Home shows no {words!r}")
