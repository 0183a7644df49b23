"""Blocks and views as an app would send them."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str, **more: object) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text, **more}


def section(text: str = "A line", **more: object) -> Json:
    """A section."""
    return {"type": "section", "text": mrkdwn(text), **more}


def actions(*elements: Json, **more: object) -> Json:
    """An actions block."""
    return {"type": "actions", "elements": list(elements), **more}


def button(text: str = "Approve", *, action_id: str = "approve", **more: object) -> Json:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": "1", **more}


def option(text: str, value: str | None = None) -> Json:
    """An option of a menu."""
    return {"text": plain(text), "value": value or text}


def select(*names: str, action_id: str = "pick", **more: object) -> Json:
    """A static select."""
    return {"type": "static_select", "action_id": action_id, "options": [option(name) for name in names], **more}


def field(label: str, element: Json, *, block_id: str | None = None, **more: object) -> Json:
    """An input block; its block id is its label in small letters unless given."""
    return {"type": "input", "block_id": block_id or label.lower(), "label": plain(label), "element": element, **more}


def text_input(**more: object) -> Json:
    """A text field."""
    return {"type": "plain_text_input", "action_id": "text", **more}


def modal(*blocks: Json, title: str = "Form", **more: object) -> Json:
    """A modal with a submit button."""
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def home(*blocks: Json, **more: object) -> Json:
    """A Home."""
    return {"type": "home", "blocks": list(blocks), **more}
