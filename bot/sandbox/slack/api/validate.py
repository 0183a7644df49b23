"""blocks.validate: says what this Slack would refuse in blocks, a message or a view. It needs no token."""

import json
import re

from bot.sandbox.slack.api.methods import Call, Method
from bot.sandbox.slack.blockkit.limits import check_blocks, check_view
from bot.sandbox.slack.errors import Json, SlackError, invalid

LONGEST_ARGUMENT = 100_000
_PROBLEM = re.compile(r"\[ERROR\] (?P<message>.*) \[json-pointer:(?P<pointer>[^\]]*)\]", re.DOTALL)
_MISSING = re.compile(r"missing required field: (\w+)")


def validate(call: Call) -> Json:
    """Check exactly one of `blocks`, `message` and `view`."""
    given = [name for name in ("blocks", "message", "view") if call.given.given.get(name) is not None]
    if len(given) != 1:
        raise invalid("invalid_arguments", ["[ERROR] give exactly one of blocks, message and view"])
    (name,) = given
    value = call.given.structure(name, error=f"invalid_{name}")
    if len(json.dumps(value, ensure_ascii=False)) > LONGEST_ARGUMENT:
        raise invalid("invalid_arguments", [f"[ERROR] {name} must be less than {LONGEST_ARGUMENT + 1} characters"])
    match name:
        case "blocks":
            problems = check_blocks(value)
        case "message":
            problems = check_blocks(value.get("blocks", []) if isinstance(value, dict) else None)
        case _:
            problems = check_view(value, unsupported=call.state.unsupported_blocks)
    if problems:
        start = "" if name == "message" else f"/{name}"
        raise SlackError(f"invalid_{name}", errors=[_as_error(problem, start) for problem in problems])
    return {}


def _as_error(problem: str, start: str) -> Json:
    found = _PROBLEM.fullmatch(problem)
    message, pointer = (found["message"], found["pointer"].removeprefix(start)) if found else (problem, "")
    missing = _MISSING.match(message)
    if missing:
        return {"code": "missing_field", "message": message, "pointer": pointer, "field": missing[1]}
    return {"code": "failed_constraint", "message": message, "pointer": pointer, "constraint": message}


METHODS = {"blocks.validate": Method(work=validate, token=False)}
