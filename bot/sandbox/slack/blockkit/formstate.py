"""What a person entered: ``state.values`` of a view or message, and how it survives an update."""

from decimal import Decimal, InvalidOperation
from typing import Any

from bot.sandbox.slack.blockkit.elements import Placed, interactive
from bot.sandbox.slack.errors import Json

Values = dict[str, dict[str, Json]]
REQUIRED = "Please complete this required field."

_SINGLE = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_SEVERAL = {
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}


def holds_state(kind: str) -> bool:
    """Whether an element of this type has a value (a button has none)."""
    return kind in _SINGLE or kind in _SEVERAL


def value_key(kind: str) -> str:
    """Give the key under which the value stands, such as ``selected_option``."""
    return (_SINGLE.get(kind) or _SEVERAL[kind])[0]


def initial(element: Json) -> Json:
    """Give the state of an element that nobody touched."""
    kind = element["type"]
    if kind in _SINGLE:
        key, start = _SINGLE[kind]
        return {"type": kind, key: element.get(start)}
    key, start = _SEVERAL[kind]
    return {"type": kind, key: list(element.get(start, []))}


def carried(blocks: list[Json], before: Values) -> Values:
    """Give the state after an update.

    What has the same block id, action id and type keeps its value, empty ones too; the rest starts anew.
    """
    values: Values = {}
    for one in interactive(blocks):
        if holds_state(one.kind):
            kept = before.get(one.block_id, {}).get(one.action_id)
            same = kept is not None and kept.get("type") == one.kind
            values.setdefault(one.block_id, {})[one.action_id] = kept if same and kept else initial(one.element)
    return values


def entered(blocks: list[Json], before: Values, given: Any) -> Values:  # noqa: ANN401 - comes from a browser
    """Give the state with what a page says was entered; what the blocks do not hold is left out."""
    values = carried(blocks, before)
    for block_id, actions in (given if isinstance(given, dict) else {}).items():
        for action_id, state in (actions if isinstance(actions, dict) else {}).items():
            known = values.get(block_id, {}).get(action_id)
            if known is not None and isinstance(state, dict):
                key = value_key(known["type"])
                values[block_id][action_id] = {"type": known["type"], key: state.get(key, known[key])}
    return values


def missing(blocks: list[Json], values: Values) -> dict[str, str]:
    """Tell what Slack's own client refuses to submit, by block id: empty required fields, texts of a wrong length."""
    problems: dict[str, str] = {}
    for one in interactive(blocks):
        if one.block["type"] != "input" or not holds_state(one.kind):
            continue
        value = values.get(one.block_id, {}).get(one.action_id, {}).get(value_key(one.kind))
        problem = _problem(one, value)
        if problem:
            problems[one.block_id] = problem
    return problems


def _problem(one: Placed, value: object) -> str:
    if value is None or value in ("", []):
        return "" if one.block.get("optional") else REQUIRED
    if isinstance(value, str) and one.kind == "plain_text_input":
        if len(value) < int(one.element.get("min_length", 0)):
            return f"Please enter at least {one.element['min_length']} characters."
        if len(value) > int(one.element.get("max_length", 3000)):
            return f"Please enter at most {one.element.get('max_length', 3000)} characters."
    if isinstance(value, str) and one.kind == "number_input":
        return _number_problem(one.element, value)
    if isinstance(value, list) and len(value) > int(one.element.get("max_selected_items", len(value))):
        return f"Please choose at most {one.element['max_selected_items']} options."
    return ""


def _number_problem(element: Json, text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Please enter a number that is at least {element['min_value']}."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Please enter a number that is at most {element['max_value']}."
    return ""
