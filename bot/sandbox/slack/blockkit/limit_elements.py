"""What Slack demands of interactive elements: buttons, selects, inputs, options and confirmation dialogs."""

import re

from bot.sandbox.slack.blockkit.limit_basics import EITHER, LONGEST_ID, LONGEST_URL, PLAIN, Findings, kind_of
from bot.sandbox.slack.errors import Json

SELECTS = frozenset({"static_select", "external_select", "users_select", "conversations_select", "channels_select"})
MULTI_SELECTS = frozenset(f"multi_{name}" for name in SELECTS)
PICKERS = frozenset({"datepicker", "timepicker"})
CHOICES = frozenset({"checkboxes", "radio_buttons"})
TEXT_INPUTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
IN_ACTIONS = SELECTS | MULTI_SELECTS | PICKERS | CHOICES | {"button", "overflow", "datetimepicker"}
IN_SECTION = SELECTS | MULTI_SELECTS | PICKERS | CHOICES | {"button", "overflow", "image"}
IN_INPUT = SELECTS | MULTI_SELECTS | PICKERS | CHOICES | TEXT_INPUTS | {"datetimepicker"}

_SHARED = ("action_id", "confirm", "focus_on_load", "placeholder")
_TEN_DIGITS = (1_000_000_000, 9_999_999_999)
_ALLOWED: dict[str, tuple[str, ...]] = {
    "button": ("action_id", "text", "url", "value", "style", "confirm", "accessibility_label"),
    "image": ("image_url", "alt_text", "slack_file"),
    "overflow": ("action_id", "options", "confirm"),
    "checkboxes": ("action_id", "options", "initial_options", "confirm", "focus_on_load"),
    "radio_buttons": ("action_id", "options", "initial_option", "confirm", "focus_on_load"),
    "datepicker": (*_SHARED, "initial_date"),
    "timepicker": (*_SHARED, "initial_time", "timezone"),
    "datetimepicker": ("action_id", "initial_date_time", "confirm", "focus_on_load"),
    "plain_text_input": (
        *("action_id", "initial_value", "multiline", "min_length", "max_length"),
        *("dispatch_action_config", "focus_on_load", "placeholder"),
    ),
    "email_text_input": ("action_id", "initial_value", "dispatch_action_config", "focus_on_load", "placeholder"),
    "url_text_input": ("action_id", "initial_value", "dispatch_action_config", "focus_on_load", "placeholder"),
    "number_input": (
        *("action_id", "is_decimal_allowed", "initial_value", "min_value", "max_value"),
        *("dispatch_action_config", "focus_on_load", "placeholder"),
    ),
    "static_select": (*_SHARED, "options", "option_groups", "initial_option"),
    "external_select": (*_SHARED, "initial_option", "min_query_length"),
    "users_select": (*_SHARED, "initial_user"),
    "conversations_select": (
        *(*_SHARED, "initial_conversation", "default_to_current_conversation"),
        *("response_url_enabled", "filter"),
    ),
    "channels_select": (*_SHARED, "initial_channel", "response_url_enabled"),
    "multi_static_select": (*_SHARED, "options", "option_groups", "initial_options", "max_selected_items"),
    "multi_external_select": (*_SHARED, "initial_options", "min_query_length", "max_selected_items"),
    "multi_users_select": (*_SHARED, "initial_users", "max_selected_items"),
    "multi_conversations_select": (*_SHARED, "initial_conversations", "filter", "max_selected_items"),
    "multi_channels_select": (*_SHARED, "initial_channels", "max_selected_items"),
}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "button": ("text",),
    "image": ("alt_text",),
    "overflow": ("options",),
    "checkboxes": ("options",),
    "radio_buttons": ("options",),
    "number_input": ("is_decimal_allowed",),
}


def check_element(found: Findings, element: object, path: str, *, allowed: frozenset[str]) -> None:
    """One element where only some types may stand."""
    kind = kind_of(element)
    if kind not in allowed or not isinstance(element, dict):
        found.say(f"unsupported type: {kind or element!r}", f"{path}/type")
        return
    found.table(element, path, required=_REQUIRED.get(kind, ()), allowed=_ALLOWED[kind])
    found.string(element.get("action_id"), f"{path}/action_id", longest=LONGEST_ID, shortest=1)
    found.text(element.get("placeholder"), f"{path}/placeholder", longest=150)
    found.flag(element.get("focus_on_load"), f"{path}/focus_on_load")
    found.focused += element.get("focus_on_load") is True
    if element.get("confirm") is not None:
        _check_confirm(found, element["confirm"], f"{path}/confirm")
    if kind == "button":
        _check_button(found, element, path)
    elif kind == "image":
        found.string(element.get("image_url"), f"{path}/image_url", longest=LONGEST_URL, shortest=1)
        found.string(element.get("alt_text"), f"{path}/alt_text", longest=2000)
    elif kind in PICKERS | {"datetimepicker"}:
        _check_moment(found, element, path)
    elif kind in TEXT_INPUTS:
        _check_text_input(found, element, path)
    else:
        _check_menu(found, element, path)


def _check_button(found: Findings, button: Json, path: str) -> None:
    found.text(button.get("text"), f"{path}/text", longest=75)
    found.string(button.get("value"), f"{path}/value", longest=2000)
    found.string(button.get("url"), f"{path}/url", longest=LONGEST_URL)
    found.one_of(button.get("style"), f"{path}/style", ("primary", "danger"))
    found.string(button.get("accessibility_label"), f"{path}/accessibility_label", longest=75)


def _check_confirm(found: Findings, confirm: object, path: str) -> None:
    if not found.table(confirm, path, required=("title", "text", "confirm", "deny"), allowed=("style",)):
        return
    assert isinstance(confirm, dict)  # noqa: S101 - `table` has seen to it
    found.text(confirm.get("title"), f"{path}/title", longest=100)
    found.text(confirm.get("text"), f"{path}/text", longest=300, kinds=EITHER)
    found.text(confirm.get("confirm"), f"{path}/confirm", longest=30)
    found.text(confirm.get("deny"), f"{path}/deny", longest=30)
    found.one_of(confirm.get("style"), f"{path}/style", ("primary", "danger"))


def _check_moment(found: Findings, picker: Json, path: str) -> None:
    for name, pattern in (("initial_date", r"\d{4}-\d{2}-\d{2}"), ("initial_time", r"([01]\d|2[0-3]):[0-5]\d")):
        value = picker.get(name)
        if value is not None and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            found.say(f"must match pattern {pattern}", f"{path}/{name}")
    least, most = _TEN_DIGITS
    found.number(picker.get("initial_date_time"), f"{path}/initial_date_time", least=least, most=most)


def _check_text_input(found: Findings, field: Json, path: str) -> None:
    found.string(field.get("initial_value"), f"{path}/initial_value", longest=3000)
    found.flag(field.get("multiline"), f"{path}/multiline")
    found.number(field.get("min_length"), f"{path}/min_length", least=0, most=3000)
    found.number(field.get("max_length"), f"{path}/max_length", least=1, most=3000)
    shortest, longest = field.get("min_length"), field.get("max_length")
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        found.say("min_length must not be above max_length", f"{path}/min_length")
    if "dispatch_action_config" in field:
        _check_dispatch(found, field["dispatch_action_config"], f"{path}/dispatch_action_config")


def _check_dispatch(found: Findings, config: object, path: str) -> None:
    if found.table(config, path, allowed=("trigger_actions_on",)) and isinstance(config, dict):
        for index, word in enumerate(config.get("trigger_actions_on") or []):
            found.one_of(word, f"{path}/trigger_actions_on/{index}", ("on_enter_pressed", "on_character_entered"))


def _check_menu(found: Findings, menu: Json, path: str) -> None:
    kind = kind_of(menu)
    found.number(menu.get("min_query_length"), f"{path}/min_query_length", least=0, most=3000)
    found.number(menu.get("max_selected_items"), f"{path}/max_selected_items", least=1, most=1000)
    rich = EITHER if kind in CHOICES else PLAIN
    known: list[object] = []
    if kind in {"static_select", "multi_static_select"}:
        known = check_choices(found, menu, path)
    elif kind in CHOICES | {"overflow"}:
        known = _check_options(
            found, menu.get("options"), f"{path}/options", most=10 if kind in CHOICES else 5, rich=rich
        )
    starts = [("initial_option", menu.get("initial_option"))]
    several = menu.get("initial_options")
    starts += [
        (f"initial_options/{index}", one) for index, one in enumerate(several if isinstance(several, list) else [])
    ]
    for name, start in starts:
        if start is None:
            continue
        _check_option(found, start, f"{path}/{name}", rich=rich)
        if "external" not in kind and start not in known:
            found.say("must equal one of the options", f"{path}/{name}")
    if isinstance(several, list) and not several:
        found.say("no fewer than 1 items allowed [0 provided]", f"{path}/initial_options")


def check_choices(found: Findings, menu: Json, path: str) -> list[object]:
    """Give a select's options or option groups, exactly one of the two; all options in them."""
    if (menu.get("options") is None) == (menu.get("option_groups") is None):
        found.say("needs either options or option_groups", path)
        return []
    known: list[object] = []
    if menu.get("options") is not None:
        known = _check_options(found, menu["options"], f"{path}/options", most=100, rich=PLAIN)
        _check_values(found, known, path)
        return known
    for index, group in enumerate(found.rows(menu["option_groups"], f"{path}/option_groups", least=1, most=100)):
        here = f"{path}/option_groups/{index}"
        if found.table(group, here, required=("label", "options")) and isinstance(group, dict):
            found.text(group.get("label"), f"{here}/label", longest=75)
            known += _check_options(found, group.get("options"), f"{here}/options", most=100, rich=PLAIN)
    _check_values(found, known, path)
    return known


def _check_values(found: Findings, options: list[object], path: str) -> None:
    """Demand unique values, as Slack does: the value tells which option was chosen."""
    found.unique([(option.get("value"), path) for option in options if isinstance(option, dict)], "value")


def _check_options(found: Findings, options: object, path: str, *, most: int, rich: tuple[str, ...]) -> list[object]:
    rows = found.rows(options, path, least=1, most=most)
    for index, option in enumerate(rows):
        _check_option(found, option, f"{path}/{index}", rich=rich)
    return rows


def _check_option(found: Findings, option: object, path: str, *, rich: tuple[str, ...]) -> None:
    if found.table(option, path, required=("text", "value"), allowed=("description", "url")) and isinstance(
        option, dict
    ):
        found.text(option.get("text"), f"{path}/text", longest=75, kinds=rich)
        found.string(option.get("value"), f"{path}/value", longest=150, shortest=1)
        found.text(option.get("description"), f"{path}/description", longest=75, kinds=rich)
        found.string(option.get("url"), f"{path}/url", longest=LONGEST_URL)
