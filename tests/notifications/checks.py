"""What Slack would find wrong with what we draw, and whom it would mention, by the simulated Slack's own rules."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.notifications.blocks import LARGEST_MESSAGE, Message, View
from bot.sandbox.slack.blockkit.limits import check_blocks, check_view, counted_size, too_long_to_update
from bot.sandbox.slack.blockkit.mrkdwn import Mentions, possible_mentions

_NEVER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def as_sent(message: Message) -> dict[str, Any]:
    """Return a message as it goes to Slack."""
    return {"text": message.text, "blocks": [dict(block) for block in message.blocks], "parse": "none"}


def complaints(message: Message) -> list[str]:
    """Return what Slack would refuse."""
    found = check_blocks(as_sent(message)["blocks"]) if message.blocks else []
    if counted_size(as_sent(message)["blocks"]) > LARGEST_MESSAGE:
        found.append(f"{counted_size(as_sent(message)['blocks'])} counted characters")
    if not message.text or too_long_to_update(message.text):
        found.append(f"text of {len(message.text)} characters")
    return [*found, *unsendable(as_sent(message))]


def view_complaints(view: View) -> list[str]:
    """Return what Slack would refuse of a view."""
    return [*check_view(view.payload()), *unsendable(view.payload())]


def whom(message: Message) -> Mentions:
    """Return everybody and everything that a message might mention or link."""
    return possible_mentions(as_sent(message))


def seen(message: Message) -> str:
    """Return all that a reader sees, in one text."""
    return str(as_sent(message)["blocks"])


def labels(message: Message) -> list[str]:
    """Return the labels of the buttons in order."""
    return [
        element["text"]["text"]
        for block in as_sent(message)["blocks"]
        for element in [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
        if element["type"] == "button"
    ]


def unsendable(payload: object) -> list[str]:
    """Return what no reader should get: text that is no UTF-8, NUL, and controls that turn the direction of text."""
    found = [f"{text!r} is not to be sent" for text in _texts(payload) if _NEVER.search(text)]
    try:
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        found.append(str(error))
    return found


def _texts(payload: object) -> Iterator[str]:
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, Mapping):
        for item in payload.values():
            yield from _texts(item)
    elif isinstance(payload, Sequence):
        for item in payload:
            yield from _texts(item)
