"""What the answer to a submitted modal does: close, errors, update, push, clear."""

from typing import Literal

from bot.sandbox.slack.api.view_methods import checked_view
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import View


def settle(state: State, view: View, body: object) -> Literal["closed", "errors", "updated", "pushed", "cleared"]:
    """Do what the answer says; SlackError when Slack could not make sense of it."""
    if body is None or body == {}:
        state.views.close(view)
        return "closed"
    if not isinstance(body, dict):
        raise SlackError("invalid_response")
    match body.get("response_action"):
        case "errors":
            view.notes = _errors(view, body.get("errors"))
            return "errors"
        case "update":
            state.views.update(view, checked_view(state, body.get("view"), kind="modal"))
            return "updated"
        case "push":
            state.views.push(view.owner, checked_view(state, body.get("view"), kind="modal"))
            return "pushed"
        case "clear":
            state.views.stack(view.owner).clear()
            return "cleared"
        case _:
            raise SlackError("invalid_response")


def _errors(view: View, errors: object) -> dict[str, str]:
    """Errors stand at input blocks of this view and nowhere else."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise SlackError("invalid_errors")
    if not all(isinstance(text, str) and text for text in errors.values()):
        raise SlackError("invalid_errors")
    return dict(errors)
