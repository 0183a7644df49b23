"""Block Kit as plain data. Every limit of what we send is kept here, so nothing that is drawn can be refused for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final, Literal

from bot.domain.foreign import clean
from bot.notifications.text import ELLIPSIS, clip, cut, escape, one_line, said, size, units

Block = Mapping[str, object]

LONGEST_TEXT: Final = 3900
"""Bytes. chat.update refuses more than 4,000."""
SHORT_TEXT: Final = 2000
"""Bytes of a text that is sent when Slack refuses what was drawn."""
LARGEST_MESSAGE: Final = 11_000
"""Counted characters. Slack publishes no figure; what bots have met is refused from about 13,200 on."""
MOST_BLOCKS: Final = 50
MOST_VIEW_BLOCKS: Final = 100
LARGEST_VIEW: Final = 200_000
_TOO_LONG: Final = frozenset({"msg_too_long", "msg_blocks_too_long"})
_A_HEADER: Final = 100
_SHORT_ENOUGH: Final = 200
_SECTION: Final = 3000
_FIELD: Final = 2000
_ALERT: Final = 200
_MOST_FIELDS: Final = 10
_MOST_ELEMENTS: Final = 10
_MOST_BUTTONS: Final = 25
_HEADER: Final = 150
_BUTTON: Final = 75
_VALUE: Final = 2000
_ADDRESS: Final = 3000
_DIALOG_TITLE: Final = 100
_DIALOG: Final = 300
_DIALOG_BUTTON: Final = 30


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `text` carries all facts in plain words (screen readers, notifications); it is escaped mrkdwn."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A Home tab or a modal."""

    blocks: tuple[Block, ...]
    type: Literal["home", "modal"] = "home"
    callback_id: str = ""
    title: str = ""
    submit: str = ""
    close: str = ""
    private_metadata: str = ""

    def payload(self) -> dict[str, object]:
        """Return the view as Slack takes it."""
        names = {"title": self.title, "submit": self.submit, "close": self.close}
        return {
            "type": self.type,
            "blocks": list(self.blocks),
            **({"callback_id": self.callback_id} if self.callback_id else {}),
            **({"private_metadata": self.private_metadata} if self.private_metadata else {}),
            **{name: plain(label, 24) for name, label in names.items() if label and self.type == "modal"},
        }


def message(text: str, *blocks: Block, zone: tzinfo = UTC) -> Message:
    """Make a message; `text` is mrkdwn, whose links are turned into plain words and dates into times of `zone`.

    Blocks that are too much for one message are shortened, the longest first; buttons stay.
    """
    words = clip(said(text, zone=zone), LONGEST_TEXT, counted=size) or "-"
    return Message(words, _fitting(at_most(MOST_BLOCKS, blocks)))


def in_short(refused: Message, *, code: str) -> tuple[Message, ...]:
    """Return what to send instead of a message that Slack refuses, one after the other: less text with its buttons.

    Then, in case the buttons are what it refuses, the text alone. Empty when nothing is shorter.
    """
    room = min(SHORT_TEXT, size(refused.text) // 2) if code in _TOO_LONG else SHORT_TEXT
    words = clip(refused.text, room, counted=size)
    buttons = [block for block in refused.blocks if block["type"] == "actions"]
    with_buttons = Message(words, (section(words), *buttons))
    shorter = [with_buttons] if buttons and with_buttons.blocks != refused.blocks else []
    return (*shorter, *([Message(words)] if refused.blocks or len(words) < len(refused.text) else []))


def counted(block: object) -> int:
    """Count the characters of blocks as Slack does: `&` as 5, `<` and `>` as 4, and something for each header."""
    if isinstance(block, list | tuple):
        return sum(map(counted, block))
    if not isinstance(block, Mapping):
        return 0
    text = block.get("text")
    own = len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">")) if isinstance(text, str) else 0
    return own + sum(map(counted, block.values())) + (_A_HEADER if block.get("type") == "header" else 0)


def _fitting(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Shorten the longest paragraph until Slack takes all of them in one message."""
    kept = list(blocks)
    while counted(kept) > LARGEST_MESSAGE:
        sizes = [0 if block["type"] == "actions" else counted(block) for block in kept]
        longest = max(sizes)
        if longest <= _SHORT_ENOUGH:
            break  # it is made of very many short parts, and shorter ones would say nothing
        at = sizes.index(longest)
        kept[at] = _halved(kept[at])
    return tuple(kept)


def _halved(block: Block) -> Block:
    """Return a block in which each text is half as long, never cut inside an entity, a mention, a link or a date."""
    return {name: _half(value) for name, value in block.items()}


def _half(value: object) -> object:
    match value:
        case {"type": "mrkdwn" | "plain_text" as kind, "text": str(text), **others}:
            return {**others, "type": kind, "text": clip(text, units(text) // 2) or ELLIPSIS}
        case list():
            return [_half(one) for one in value]
        case _:
            return value


def view(*blocks: Block, callback_id: str) -> View:
    """Make a Home tab."""
    kept = at_most(MOST_VIEW_BLOCKS, blocks)
    while len(json.dumps(kept)) > LARGEST_VIEW:
        kept = at_most(len(kept) // 2, kept)
    return View(blocks=kept, callback_id=callback_id)


def at_most(limit: int, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Keep to a number of blocks; the last one then says how many are missing."""
    if len(blocks) <= limit:
        return tuple(blocks)
    return (*blocks[: limit - 1], context(f"{len(blocks) - limit + 1} more parts do not fit here."))


def mrkdwn(markup: str, limit: int = _SECTION) -> Block:
    """Make a text object in which nothing is turned into a mention or link by itself."""
    return {"type": "mrkdwn", "text": clip(markup, limit) or "-", "verbatim": True}


def plain(text: str, limit: int = _SECTION) -> Block:
    """Make a text object that shows exactly this text, on one line."""
    return {"type": "plain_text", "text": one_line(text, limit), "emoji": False}


def header(text: str) -> Block:
    """Make a headline."""
    return {"type": "header", "text": plain(text, _HEADER)}


def section(markup: str, *, accessory: Block | None = None) -> Block:
    """Make a paragraph, with a button beside it if one is given."""
    return {"type": "section", "text": mrkdwn(markup), **({"accessory": accessory} if accessory else {})}


def alert(markup: str, *, level: Literal["warning", "error"]) -> Block:
    """Make a warning for a modal; what does not fit into one is a paragraph. Only views.update takes it."""
    if units(markup) > _ALERT:
        return section(markup)
    return {"type": "alert", "level": level, "text": mrkdwn(markup, _ALERT)}


def without_alerts(drawn: Sequence[object]) -> list[object]:
    """Return blocks with each alert as a paragraph of the same words."""
    return [
        {"type": "section", "text": one["text"]} if isinstance(one, Mapping) and one.get("type") == "alert" else one
        for one in drawn
    ]


def quotation(text: str) -> Block:
    """Make a quotation of what somebody wrote; it shows exactly that, and its line breaks."""
    return section("\n".join(f"> {escape(line, _SECTION)}" for line in clean(text).splitlines() if line.strip()))


def fields(*markups: str) -> Block:
    """Make a table of at most ten short texts in two columns."""
    return {"type": "section", "fields": [mrkdwn(markup, _FIELD) for markup in markups[:_MOST_FIELDS]]}


def context(*markups: str) -> Block:
    """Make a line of small print."""
    return {"type": "context", "elements": [mrkdwn(markup) for markup in markups[:_MOST_ELEMENTS]]}


def divider() -> Block:
    """Make a line between parts."""
    return {"type": "divider"}


def actions(*buttons: Block, block_id: str = "") -> Block:
    """Make a row of buttons."""
    named = {"block_id": cut(block_id, 255)} if block_id else {}
    return {"type": "actions", "elements": list(buttons[:_MOST_BUTTONS]), **named}


def overflow(*options: tuple[str, str], action_id: str) -> Block:
    """Make a menu behind three dots of at most five options, each a label and a value of at most 150 characters."""
    return {
        "type": "overflow",
        "action_id": action_id,
        "options": [{"text": plain(label, _BUTTON), "value": value} for label, value in options],
    }


def turning(*, action_id: str, about: str, page: int, pages: int) -> tuple[Block, ...]:
    """Make what turns the pages of a modal, counted from 0: nothing where there is only one.

    The buttons' action ids end with `_previous` and `_next`, their values are `about:page`.
    """
    if pages < 2:  # noqa: PLR2004 - one page
        return ()
    to = {"Previous": page - 1, "Next": page + 1}
    turns = [
        button(label, action_id=f"{action_id}_{label.lower()}", value=f"{about}:{number}")
        for label, number in to.items()
        if 0 <= number < pages
    ]
    return context(f"Page {page + 1} of {pages}."), actions(*turns, block_id=f"{action_id}_pages")


def button(  # what Slack calls a button
    label: str,
    *,
    action_id: str,
    value: str = "",
    style: Literal["primary", "danger"] | None = None,
    address: str = "",
    says: str = "",
    asks: Block | None = None,
) -> Block:
    """Make a button; `address` makes it open a page, `says` is what a screen reader says instead of the label.

    With `asks` (made by `confirmation`) Slack asks once more before the press counts.
    """
    if units(value) > _VALUE:
        raise ValueError("The value of a button may not be cut, and this one is too long.")
    return {
        "type": "button",
        "text": plain(label, _BUTTON),
        "action_id": action_id,
        **({"value": value} if value else {}),
        **({"style": style} if style else {}),
        **({"url": address} if address and units(address) <= _ADDRESS else {}),
        **({"accessibility_label": one_line(says, _BUTTON)} if says else {}),
        **({"confirm": asks} if asks else {}),
    }


def confirmation(*, title: str, text: str, yes: str) -> Block:
    """Make the dialog in which Slack asks before a press counts; all of it is plain text."""
    return {
        "title": plain(title, _DIALOG_TITLE),
        "text": plain(text, _DIALOG),
        "confirm": plain(yes, _DIALOG_BUTTON),
        "deny": plain("Cancel", _DIALOG_BUTTON),
    }
