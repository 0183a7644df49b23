"""What Slack would find wrong with what we draw, and whom it would mention, by the simulated Slack's own rules."""

from typing import Any

from bot.notifications.blocks import LONGEST_TEXT, Message, View
from bot.notifications.text import units
from bot.sandbox.slack.limits import check_blocks, check_view
from bot.sandbox.slack.mrkdwn import Mentions, possible_mentions


def as_sent(message: Message) -> dict[str, Any]:
    """Return a message as it goes to Slack."""
    return {"text": message.text, "blocks": [dict(block) for block in message.blocks], "parse": "none"}


def complaints(message: Message) -> list[str]:
    """Return what Slack would refuse."""
    found = check_blocks(as_sent(message)["blocks"]) if message.blocks else []
    if not message.text or units(message.text) > LONGEST_TEXT:
        found.append(f"text of {units(message.text)} units")
    found += [str(error) for error in _unsendable(message)]
    return found


def view_complaints(view: View) -> list[str]:
    """Return what Slack would refuse of a view."""
    return list(check_view(view.payload()))


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


def _unsendable(message: Message) -> list[UnicodeEncodeError]:
    try:
        (message.text + str(message.blocks)).encode()
    except UnicodeEncodeError as error:
        return [error]
    return []
