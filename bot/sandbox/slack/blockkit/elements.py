"""Walking over blocks: which interactive elements they hold, and what Slack adds to what an app sent."""

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.errors import Json


@dataclass(frozen=True, slots=True)
class Placed:
    """An interactive element and the block it stands in."""

    block: Json
    element: Json

    @property
    def block_id(self) -> str:
        """The block's id."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """The element's id."""
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        """The element's type."""
        return str(self.element["type"])

    @property
    def dispatches(self) -> bool:
        """Whether using it sends block_actions: always, but for an input block only when it says so."""
        return self.block["type"] != "input" or self.block.get("dispatch_action") is True


def interactive(blocks: list[Json]) -> Iterator[Placed]:
    """Every interactive element, in the order of reading."""
    for block in blocks:
        for element in _elements(block):
            if "action_id" in element:
                yield Placed(block, element)


def placed(blocks: list[Json], block_id: object, action_id: object) -> Placed | None:
    """One element by its ids."""
    for one in interactive(blocks):
        if one.block_id == block_id and one.action_id == action_id:
            return one
    return None


def _elements(block: Json) -> list[Json]:
    match block["type"]:
        case "actions" | "context_actions":
            return list(block["elements"])
        case "section":
            return [block["accessory"]] if "accessory" in block else []
        case "input":
            return [block["element"]]
        case _:
            return []


def completed(blocks: list[Json]) -> list[Json]:
    """Give a copy with everything that Slack fills in: block ids, action ids, ``emoji`` and ``verbatim``."""
    copied = copy.deepcopy(blocks)
    for block in copied:
        if block.get("block_id") is None:
            block["block_id"] = secrets.token_urlsafe(4).replace("-", "x").replace("_", "y")
        for element in _elements(block):
            if element["type"] != "image" and element.get("action_id") is None:
                element["action_id"] = secrets.token_urlsafe(4)
    _complete_texts(copied)
    return copied


def complete_text(value: Json) -> Json:
    """Give a text object as Slack keeps it."""
    _complete_texts(value)
    return value


def _complete_texts(value: Any) -> None:  # noqa: ANN401 - walks any JSON
    if isinstance(value, list):
        for inner in value:
            _complete_texts(inner)
    elif isinstance(value, dict):
        if value.get("type") == "plain_text" and isinstance(value.get("text"), str):
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn" and isinstance(value.get("text"), str):
            value.setdefault("verbatim", False)
        for inner in value.values():
            _complete_texts(inner)
