"""Blocks and views as an app would send them."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """Give a plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str, **more: object) -> Json:
    """Give a mrkdwn object."""
    return {"type": "mrkdwn", "text": text, **more}


def section(text: str = "A line", **more: object) -> Json:
    """Give a section."""
    return {"type": "section", "text": mrkdwn(text), **more}


def actions(*elements: Json, **more: object) -> Json:
    """Give an actions block."""
    return {"type": "actions", "elements": list(elements), **more}


def button(text: str = "Approve", *, action_id: str = "approve", **more: object) -> Json:
    """Give a button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": "1", **more}


def option(text: str, value: str | None = None) -> Json:
    """Give an option of a menu."""
    return {"text": plain(text), "value": value or text}


def select(*names: str, action_id: str = "pick", **more: object) -> Json:
    """Give a static select."""
    return {"type": "static_select", "action_id": action_id, "options": [option(name) for name in names], **more}


def field(label: str, element: Json, *, block_id: str | None = None, **more: object) -> Json:
    """Give an input block; its block id is its label in small letters unless given."""
    return {"type": "input", "block_id": block_id or label.lower(), "label": plain(label), "element": element, **more}


def text_input(**more: object) -> Json:
    """Give a text field."""
    return {"type": "plain_text_input", "action_id": "text", **more}


def modal(*blocks: Json, title: str = "Form", **more: object) -> Json:
    """Give a modal with a submit button."""
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def home(*blocks: Json, **more: object) -> Json:
    """Give a Home."""
    return {"type": "home", "blocks": list(blocks), **more}
