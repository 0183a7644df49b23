"""The payloads of interactions, complete as Slack sends them."""

from typing import Any

from bot.sandbox.slack.api.chat import as_slack
from bot.sandbox.slack.blockkit.elements import Placed
from bot.sandbox.slack.blockkit.formstate import Values
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message, in_thread
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Person


def response_url(state: State, name: str) -> str:
    """Give the whole address of a response URL."""
    return f"{state.address}/response/{state.workspace.team_id}/{name}"


def _channel_name(state: State, channel: str) -> str:
    found = state.channel(channel)
    if channel.startswith("D") or found is None:
        return "directmessage"
    return "privategroup" if found.private else found.name


def command(state: State, person: Person, *, channel: str, name: str, text: str) -> Json:
    """Give the form of a slash command."""
    url = state.urls.issue(channel, person.id)
    found: Json = {
        "token": state.app.verification_token,
        "team_id": person.team_id if state.workspace.is_home_of(person) else state.workspace.team_id,
        "team_domain": state.workspace.domain,
        "channel_id": channel,
        "channel_name": _channel_name(state, channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": state.app.id,
        "is_enterprise_install": str(state.app.org_wide).lower(),
        "response_url": response_url(state, url),
        "trigger_id": state.triggers.issue(person.id),
    }
    if not state.workspace.enterprise_id:
        return found
    return found | {"enterprise_id": state.workspace.enterprise_id, "enterprise_name": state.workspace.team_name}


def _interaction(state: State, person: Person, kind: str) -> Json:
    workspace = state.workspace
    organisation = {"id": workspace.enterprise_id, "name": workspace.team_name} if workspace.enterprise_id else None
    org_wide = state.app.org_wide and workspace.is_home_of(person)
    team_id = workspace.enterprise_id if org_wide else person.team_id
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": team_id},
        "api_app_id": state.app.id,
        "token": state.app.verification_token,
        "team": None if state.app.org_wide else {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": organisation,
        "is_enterprise_install": state.app.org_wide,
    }


def message_action(state: State, person: Person, message: Message, action: Json, values: Values) -> Json:
    """block_actions from a message."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
    }
    if in_thread(message):
        container["thread_ts"] = message.thread_ts
    url = state.urls.issue(message.channel, person.id, answers=message.ts, thread_ts=message.thread_ts)
    payload = _interaction(state, person, "block_actions") | {
        "container": container,
        "trigger_id": state.triggers.issue(person.id),
        "channel": {"id": message.channel, "name": _channel_name(state, message.channel)},
        "state": {"values": values},
        "response_url": response_url(state, url),
        "actions": [action],
    }
    if message.only_for is None:
        payload["message"] = as_slack(state, message)
    return payload


def view_action(state: State, person: Person, view: View, action: Json) -> Json:
    """block_actions from a modal or a Home; there is no response URL."""
    return _interaction(state, person, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": state.triggers.issue(person.id, view_id=view.id),
        "view": state.views.as_slack(view),
        "actions": [action],
    }


def submission(state: State, person: Person, view: View) -> Json:
    """view_submission."""
    return _interaction(state, person, "view_submission") | {
        "trigger_id": state.triggers.issue(person.id, view_id=view.id),
        "view": state.views.as_slack(view),
        "response_urls": [],
    }


def closed(state: State, person: Person, view: View, *, cleared: bool) -> Json:
    """view_closed."""
    return _interaction(state, person, "view_closed") | {"view": state.views.as_slack(view), "is_cleared": cleared}


def suggestion(state: State, person: Person, view: View, one: Placed, typed: str) -> Json:
    """block_suggestion: the options that fit what was typed."""
    return _interaction(state, person, "block_suggestion") | {
        "container": {"type": "view", "view_id": view.id},
        "action_id": one.action_id,
        "block_id": one.block_id,
        "value": typed,
        "view": state.views.as_slack(view),
    }


def action_of(state: State, one: Placed, used: dict[str, Any]) -> Json:
    """Give an action as Slack sends it: the element's own value and text, and what was chosen in it."""
    action: Json = {"type": one.kind, "action_id": one.action_id, "block_id": one.block_id}
    if one.kind == "button":
        action |= {key: one.element[key] for key in ("text", "value", "style", "url", "confirm") if key in one.element}
    else:
        chosen = {key: value for key, value in used.items() if key.startswith("selected_") or key == "value"}
        action |= chosen
        action |= {
            key: one.element[key]
            for key in ("placeholder", "initial_option", "initial_options", "confirm")
            if key in one.element
        }
    return action | {"action_ts": state.stamps.next()}
