"""Messages as a test reads them: all words that are drawn, buttons, and who is mentioned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.blockkit.elements import interactive
from bot.sandbox.slack.blockkit.mrkdwn import Mentions, mentions, possible_mentions
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message


class NotShownError(AssertionError):
    """A person looked for something that is not there; the message says what is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message as one person sees it."""

    channel: str
    ts: str
    user: str
    text: str
    """The notification text."""
    shown: str
    """Everything that is drawn: all texts of the blocks, or the text when there are none."""
    buttons: tuple[str, ...]
    menu: tuple[str, ...]
    """The options of its overflow menus."""
    private: bool
    edited: bool
    thread_ts: str | None
    replies: int
    blocks: tuple[Json, ...]
    raw: Json
    """Everything that Slack keeps of it."""

    @property
    def mentions(self) -> Mentions:
        """What it really mentions and links."""
        return mentions(self.raw)

    @property
    def possible_mentions(self) -> Mentions:
        """As `mentions`, the fallback text included."""
        return possible_mentions(self.raw)

    def __contains__(self, words: str) -> bool:
        return words in self.shown or words in self.text


def seen(message: Message, *, replies: int) -> Seen:
    """Give a message, frozen as it is now."""
    raw = message.as_saved()
    return Seen(
        channel=message.channel,
        ts=message.ts,
        user=message.user,
        text=message.text,
        shown=words_of(message.blocks) if message.blocks else message.text,
        buttons=tuple(button_texts(message.blocks)),
        menu=tuple(menu_texts(message.blocks)),
        private=message.only_for is not None,
        edited=message.edited is not None,
        thread_ts=message.thread_ts,
        replies=replies,
        blocks=tuple(message.blocks),
        raw=raw,
    )


def button_texts(blocks: list[Json]) -> list[str]:
    """Give the texts of all buttons."""
    return [str(one.element["text"]["text"]) for one in interactive(blocks) if one.kind == "button"]


def menu_texts(blocks: list[Json]) -> list[str]:
    """Give the texts of the options of all overflow menus."""
    menus = [one.element for one in interactive(blocks) if one.kind == "overflow"]
    return [str(option["text"]["text"]) for menu in menus for option in menu["options"]]


def words_of(blocks: list[Json]) -> str:
    """All texts of blocks, one a line; what stands in menus is left out."""
    return "\n".join(_words(blocks))


def _words(value: Any) -> Iterator[str]:  # noqa: ANN401 - walks any JSON
    if isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str):
            yield text
        for name, inner in value.items():
            if name not in {"options", "option_groups", "confirm", "initial_option", "initial_options", "placeholder"}:
                yield from _words(inner)
