"""Reads what Slack's payloads have in common: who, from where, for which app. Never fails."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.domain.people import MemberId

Payload = dict[str, Any]
"""A decoded payload of Slack, as Bolt passes it to listeners."""


def pick(value: Any, *path: str) -> Any:  # noqa: ANN401 - reads any JSON
    """Return the value at a path of keys, None when any of them is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text(value: Any, *path: str) -> str:  # noqa: ANN401 - reads any JSON
    """Return the text at a path of keys, empty when there is none."""
    found = pick(value, *path)
    return found if isinstance(found, str) else ""


def member_of(payload: Payload) -> MemberId:
    """Return the person who did it; empty when the payload does not say."""
    return MemberId(text(payload, "user_id") or text(payload, "user", "id") or text(payload, "event", "user"))


def action_of(payload: Payload) -> Payload:
    """Return the first action of a block_actions payload."""
    actions = payload.get("actions")
    return actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}


def teams_of(payload: Payload) -> frozenset[str]:
    """Return every team and organisation that the payload names as its origin or target."""
    return frozenset(team for team in _teams(payload) if team)


def app_of(payload: Payload) -> str:
    """Return the app that the payload is for; empty when it does not say."""
    return text(payload, "api_app_id")


def kind_of(payload: Payload) -> str:
    """Return the type of the payload in detail, for the log."""
    if "command" in payload:
        return "command"
    return text(payload, "event", "type") or text(payload, "type") or "unknown"


def sort_of(payload: Payload) -> str:
    """Return one of five types of delivery, for a metric label."""
    if "command" in payload:
        return "command"
    kind = text(payload, "type")
    return kind if kind in {"block_actions", "view_submission", "block_suggestion"} else "event"


def _teams(payload: Payload) -> Iterator[str]:
    for key in ("team_id", "enterprise_id"):
        yield text(payload, key)
    for key in ("team", "enterprise"):
        yield text(payload, key, "id")
    yield text(payload, "team")
    yield text(payload, "message", "team")
    yield text(payload, "view", "app_installed_team_id")
    yield text(payload, "view", "team_id")
    authorizations = payload.get("authorizations")
    for one in authorizations if isinstance(authorizations, list) else ():
        yield text(one, "team_id")
        yield text(one, "enterprise_id")


def moment(seconds: object) -> datetime | None:
    """Return what a datetimepicker gives as aware UTC; None for anything that is no moment."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None
