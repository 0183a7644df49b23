"""The arguments of a Web API call: from a form, a query or JSON, with the forms that Slack accepts for each type."""

import json
from typing import Any

from aiohttp import web

from bot.sandbox.slack.errors import Json, SlackError, invalid

_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0", ""})


class Arguments:
    """What a call was given. Structured values may come as JSON or as text holding JSON."""

    def __init__(self, given: Json) -> None:
        self.given = given

    def text(self, name: str) -> str | None:
        """Give a string, or None when absent."""
        value = self.given.get(name)
        if value is None:
            return None
        return value if isinstance(value, str) else str(value)

    def needed(self, name: str) -> str:
        """Give a string that must be there."""
        value = self.text(name)
        if not value:
            raise invalid("invalid_arguments", [f"[ERROR] missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """Read true or false, also as 1, 0, "true" and "false"."""
        value = str(self.given.get(name, "")).lower()
        if value not in _TRUE | _FALSE:
            raise invalid("invalid_arguments", [f"[ERROR] {name} must be a boolean"])
        return value in _TRUE

    def structure(self, name: str, *, error: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Give a JSON value, or None when absent; text that holds no JSON is refused with `error`."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except json.JSONDecodeError as problem:
            raise SlackError(error) from problem


async def read_arguments(request: web.Request) -> tuple[Json, bool]:
    """Give the arguments of a call, and whether its body was JSON."""
    given: Json = dict(request.query)
    if request.method != "POST":
        return given, False
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as problem:
            raise SlackError("invalid_json") from problem
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        return given | body, True
    form = await request.post()
    return given | {name: value for name, value in form.items() if isinstance(value, str)}, False
