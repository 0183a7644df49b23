"""Modals and Homes as a test reads them: titles, texts, buttons, fields with their values and errors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.blockkit.elements import Placed, interactive
from bot.sandbox.slack.blockkit.formstate import holds_state, value_key
from bot.sandbox.slack.blockkit.mrkdwn import Mentions, of_blocks
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.people.seen import NotShownError, button_texts, menu_texts, words_of
from bot.sandbox.slack.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a modal."""

    label: str
    kind: str
    block_id: str
    action_id: str
    value: Any
    """As Slack sends it: text, an option, options, seconds."""
    options: tuple[str, ...]
    """The texts of the options on offer; none for an external select."""
    optional: bool
    hint: str
    error: str
    dispatches: bool

    @property
    def shown(self) -> str:
        """The value as the person reads it."""
        if isinstance(self.value, dict):
            return str(self.value["text"]["text"])
        if isinstance(self.value, list):
            return ", ".join(str(one["text"]["text"]) if isinstance(one, dict) else str(one) for one in self.value)
        return "" if self.value is None else str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A modal or a Home."""

    id: str
    title: str
    submit: str
    close: str
    shown: str
    """Everything that is drawn, labels and chosen values included."""
    buttons: tuple[str, ...]
    menu: tuple[str, ...]
    """The options of its overflow menus."""
    fields: tuple[Field, ...]
    errors: dict[str, str]
    """By the field's label."""
    blocks: tuple[Json, ...]
    depth: int
    """How many modals lie open, this one included; 0 for a Home."""
    mentions: Mentions

    @property
    def labels(self) -> list[str]:
        """The labels of all fields."""
        return [field.label for field in self.fields]

    def field(self, label: str) -> Field:
        """Give a field by its label."""
        for one in self.fields:
            if one.label == label:
                return one
        raise NotShownError(f"No field {label!r}; there are {self.labels}")

    def __contains__(self, words: str) -> bool:
        return words in self.shown or words in self.title or words in self.labels


def page(view: View, *, depth: int) -> Page:
    """Give a view, frozen as it is now."""
    fields = tuple(_fields(view))
    return Page(
        id=view.id,
        title=_label(view.sent, "title"),
        submit=_label(view.sent, "submit"),
        close=_label(view.sent, "close"),
        shown="\n".join([words_of(view.blocks), *(field.shown for field in fields if field.shown)]),
        buttons=tuple(button_texts(view.blocks)),
        menu=tuple(menu_texts(view.blocks)),
        fields=fields,
        errors={field.label: field.error for field in fields if field.error},
        blocks=tuple(view.blocks),
        depth=depth,
        mentions=of_blocks(view.blocks),
    )


def _fields(view: View) -> Iterator[Field]:
    for one in interactive(view.blocks):
        if holds_state(one.kind):
            yield Field(
                label=label_of(one),
                kind=one.kind,
                block_id=one.block_id,
                action_id=one.action_id,
                value=view.values[one.block_id][one.action_id][value_key(one.kind)],
                options=tuple(option["text"]["text"] for option in options_of(one.element)),
                optional=bool(one.block.get("optional")),
                hint=_label(one.block, "hint"),
                error=view.notes.get(one.block_id, ""),
                dispatches=one.dispatches,
            )


def label_of(one: Placed) -> str:
    """Tell what a person calls a field: its label, the text beside it, or its placeholder."""
    for words in (_label(one.block, "label"), _label(one.element, "placeholder"), _label(one.block, "text")):
        if words:
            return re.sub(r"[*_~`]", "", words)
    return one.action_id


def options_of(element: Json) -> list[Json]:
    """Give the options of a menu, out of their groups."""
    groups = element.get("option_groups")
    return [option for group in groups for option in group["options"]] if groups else list(element.get("options", []))


def _label(holder: Json, name: str) -> str:
    text = holder.get(name)
    return str(text["text"]) if isinstance(text, dict) else ""
