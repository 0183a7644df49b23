"""What Slack refuses in messages, views and answers to an options load: counts, lengths, types and uniqueness.

Written from Slack's published limits and from nothing of the bot, so that both cannot be wrong in the same way.
"""

import json
import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import Json

LARGEST_VIEW = 250_000
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
LONGEST_UPDATE = 4_000
LONGEST_MARKDOWN = 12_000
LONGEST_LABEL = 24
LARGEST_MESSAGE = 13_200
LONGEST_ALERT = 200
_ONLY_MESSAGES = frozenset({"markdown", "table"})
_ONLY_MODALS = frozenset({"alert"})
_COUNTED_AS = {"&": 5, "<": 4, ">": 4}
_COUNTED_PER_HEADER = 100
NOTHING_UNSUPPORTED: frozenset[str] = frozenset()
PLAIN = ("plain_text",)
EITHER = ("plain_text", "mrkdwn")
LONGEST_TEXT = 3000
LONGEST_ID = 255
LONGEST_URL = 3000
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


@dataclass(slots=True)
class Findings:
    """Collects what is wrong, worded and pointed at as Slack does."""

    problems: list[str] = field(default_factory=list)
    focused: int = 0
    markdown: int = 0
    unsupported: Container[str] = NOTHING_UNSUPPORTED

    def say(self, problem: str, path: str) -> None:
        """Note one problem at a JSON pointer."""
        self.problems.append(f"[ERROR] {problem} [json-pointer:{path}]")

    def table(self, value: object, path: str, *, required: Iterable[str] = (), allowed: Iterable[str] = ()) -> bool:
        """Demand an object with all that is required and nothing that is unknown; False when it is no object at all."""
        if not isinstance(value, dict):
            self.say("must be an object", path)
            return False
        needed = tuple(required)
        for name in needed:
            if value.get(name) is None:
                self.say(f"missing required field: {name}", path)
        for name in value.keys() - {*needed, *allowed, "type"}:
            self.say(f"invalid additional property: {name}", path)
        return True

    def string(self, value: object, path: str, *, longest: int, shortest: int = 0) -> None:
        """Demand a string of some length; absent is fine."""
        if value is None:
            return
        if not isinstance(value, str):
            self.say("must be a string", path)
        elif len(value) > longest:
            self.say(f"must be less than {longest + 1} characters", path)
        elif len(value) < shortest:
            self.say(f"must be more than {shortest - 1} characters", path)

    def number(self, value: object, path: str, *, least: int, most: int) -> None:
        """Demand a whole number in a range; absent is fine."""
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            self.say("must be an integer", path)
        elif not least <= value <= most:
            self.say(f"must be between {least} and {most}", path)

    def flag(self, value: object, path: str) -> None:
        """Demand true or false; absent is fine."""
        if value is not None and not isinstance(value, bool):
            self.say("must be a boolean", path)

    def one_of(self, value: object, path: str, allowed: Iterable[str]) -> None:
        """One of some words; absent is fine."""
        choices = tuple(allowed)
        if value is not None and value not in choices:
            self.say(f"must be one of {', '.join(choices)}", path)

    def rows(self, value: object, path: str, *, least: int, most: int) -> list[object]:
        """Demand a list of some length; what it holds."""
        if not isinstance(value, list):
            self.say("must be an array", path)
            return []
        if len(value) < least:
            self.say(f"no fewer than {least} items allowed [{len(value)} provided]", path)
        if len(value) > most:
            self.say(f"no more than {most} items allowed [{len(value)} provided]", path)
        return value

    def text(
        self,
        value: object,
        path: str,
        *,
        longest: int = LONGEST_TEXT,
        kinds: tuple[str, ...] = PLAIN,
        shortest: int = 1,
    ) -> None:
        """Demand a text object; absent is fine."""
        if value is None:
            return
        if not isinstance(value, dict) or value.get("type") not in kinds:
            self.say(f"must be a text object of type {' or '.join(kinds)}", path)
            return
        extra = ("emoji",) if value["type"] == "plain_text" else ("verbatim",)
        self.table(value, path, required=("text",), allowed=extra)
        self.string(value.get("text"), f"{path}/text", longest=min(longest, LONGEST_TEXT), shortest=shortest)
        self.flag(value.get(extra[0]), f"{path}/{extra[0]}")

    def unique(self, values: Iterable[tuple[object, str]], name: str) -> None:
        """No two alike; None does not count."""
        seen: set[object] = set()
        for value, path in values:
            if value is not None and isinstance(value, str):
                if value in seen:
                    self.say(f'`{name}` "{value}" already exists', path)
                seen.add(value)


def kind_of(value: object) -> str:
    """Demand an object's type, or an empty string."""
    kind = value.get("type") if isinstance(value, dict) else ""
    return kind if isinstance(kind, str) else ""


def listed(value: Json, name: str) -> list[object]:
    """Demand a list property, or an empty list when it is something else."""
    found = value.get(name)
    return found if isinstance(found, list) else []


def check_blocks(blocks: object, *, path: str = "/blocks", most: int = MESSAGE_BLOCKS) -> list[str]:
    """Tell what is wrong with a message's blocks."""
    found = Findings()
    _check_all(found, blocks, path, most=most, surface="message")
    return found.problems


def check_view(view: object, *, unsupported: Container[str] = NOTHING_UNSUPPORTED) -> list[str]:
    """Tell what is wrong with a modal or a Home; blocks of an `unsupported` type are refused."""
    found = Findings(unsupported=unsupported)
    kind = kind_of(view)
    if kind not in {"modal", "home"} or not isinstance(view, dict):
        return ["[ERROR] must be a view of type modal or home [json-pointer:/view/type]"]
    labels = ("title", "submit", "close", "submit_disabled", "clear_on_close", "notify_on_close")
    shared = ("private_metadata", "callback_id", "external_id")
    needed = ("blocks", "title") if kind == "modal" else ("blocks",)
    found.table(view, "/view", required=needed, allowed=(*shared, *(labels if kind == "modal" else ())))
    for label in ("title", "submit", "close"):
        found.text(view.get(label), f"/view/{label}", longest=LONGEST_LABEL)
    found.string(view.get("private_metadata"), "/view/private_metadata", longest=3000)
    found.string(view.get("callback_id"), "/view/callback_id", longest=LONGEST_ID)
    found.string(view.get("external_id"), "/view/external_id", longest=LONGEST_ID)
    _check_all(found, view.get("blocks"), "/view/blocks", most=VIEW_BLOCKS, surface=kind)
    holds_input = any(kind_of(block) == "input" for block in listed(view, "blocks"))
    if kind == "modal" and holds_input and not view.get("submit"):
        found.say("missing required field: submit (there are input blocks)", "/view")
    if found.focused > 1:
        found.say("only one element may have focus_on_load", "/view/blocks")
    return found.problems


def counted_size(blocks: object) -> int:
    """Count the characters of a message's blocks as Slack does: markup counts escaped, a header has a surcharge.

    Slack publishes no figure; what bots have met is refused from about 13,200 on.
    """
    if isinstance(blocks, list):
        return sum(map(counted_size, blocks))
    if not isinstance(blocks, dict):
        return 0
    text = blocks.get("text")
    own = sum(_COUNTED_AS.get(sign, 1) for sign in text) if isinstance(text, str) else 0
    surcharge = _COUNTED_PER_HEADER if blocks.get("type") == "header" else 0
    return own + surcharge + sum(map(counted_size, blocks.values()))


def too_long_to_update(text: str) -> bool:
    """Whether chat.update refuses a text: over 4,000 bytes."""
    return len(text.encode("utf-8", "surrogatepass")) > LONGEST_UPDATE


def too_large(view: object) -> bool:
    """Whether a view is over 250 kB."""
    return len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode()) > LARGEST_VIEW


def check_options_answer(answer: object) -> list[str]:
    """Tell what is wrong with the answer to an options load; an empty list of options is fine there."""
    found = Findings()
    if not isinstance(answer, dict):
        return ["[ERROR] must be an object [json-pointer:]"]
    if answer.get("options") == [] or answer.get("option_groups") == []:
        return []
    check_choices(found, answer, "")
    return found.problems


def _check_all(found: Findings, blocks: object, path: str, *, most: int, surface: str) -> None:
    rows = found.rows(blocks, path, least=0, most=most)
    for index, block in enumerate(rows):
        _check_block(found, block, f"{path}/{index}", surface=surface)
    names = [(block.get("block_id"), f"{path}/{index}") for index, block in enumerate(rows) if isinstance(block, dict)]
    found.unique(names, "block_id")
    if found.markdown > LONGEST_MARKDOWN:
        found.say("markdown blocks must be less than 12001 characters together", path)


def _check_block(found: Findings, block: object, path: str, *, surface: str) -> None:
    check = _BLOCKS.get(kind_of(block))
    if check is None or not isinstance(block, dict) or not _belongs(found, block["type"], surface):
        found.say(f"unsupported type: {kind_of(block) or repr(block)}", f"{path}/type")
        return
    found.string(block.get("block_id"), f"{path}/block_id", longest=LONGEST_ID, shortest=1)
    check(found, block, path)


def _belongs(found: Findings, kind: str, surface: str) -> bool:
    if kind in found.unsupported or (kind in _ONLY_MESSAGES and surface != "message"):
        return False
    return kind not in _ONLY_MODALS or surface == "modal"


def _check_alert(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("text",), allowed=("block_id", "level"))
    found.text(block.get("text"), f"{path}/text", longest=LONGEST_ALERT, kinds=EITHER)
    found.one_of(block.get("level"), f"{path}/level", ("default", "info", "warning", "error", "success"))


def _check_section(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, allowed=("block_id", "text", "fields", "accessory", "expand"))
    if block.get("text") is None and block.get("fields") is None:
        found.say("needs text or fields", path)
    found.text(block.get("text"), f"{path}/text", kinds=EITHER)
    if block.get("fields") is not None:
        for index, text in enumerate(found.rows(block["fields"], f"{path}/fields", least=1, most=10)):
            found.text(text, f"{path}/fields/{index}", longest=2000, kinds=EITHER)
            if text is None:
                found.say("must be a text object", f"{path}/fields/{index}")
    if "accessory" in block:
        check_element(found, block["accessory"], f"{path}/accessory", allowed=IN_SECTION)


def _check_header(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("text",), allowed=("block_id",))
    found.text(block.get("text"), f"{path}/text", longest=150)


def _check_divider(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, allowed=("block_id",))


def _check_context(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("elements",), allowed=("block_id",))
    for index, element in enumerate(found.rows(block.get("elements"), f"{path}/elements", least=1, most=10)):
        here = f"{path}/elements/{index}"
        if kind_of(element) == "image":
            check_element(found, element, here, allowed=frozenset({"image"}))
        elif element is None:
            found.say("must be a text object or an image", here)
        else:
            found.text(element, here, kinds=EITHER)


def _check_actions(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("elements",), allowed=("block_id",))
    rows = found.rows(block.get("elements"), f"{path}/elements", least=1, most=25)
    for index, element in enumerate(rows):
        check_element(found, element, f"{path}/elements/{index}", allowed=IN_ACTIONS)
    names = [
        (element.get("action_id"), f"{path}/elements/{index}")
        for index, element in enumerate(rows)
        if isinstance(element, dict)
    ]
    found.unique(names, "action_id")


def _check_input(found: Findings, block: Json, path: str) -> None:
    allowed = ("block_id", "hint", "optional", "dispatch_action")
    found.table(block, path, required=("label", "element"), allowed=allowed)
    found.text(block.get("label"), f"{path}/label", longest=2000)
    found.text(block.get("hint"), f"{path}/hint", longest=2000)
    found.flag(block.get("optional"), f"{path}/optional")
    found.flag(block.get("dispatch_action"), f"{path}/dispatch_action")
    check_element(found, block.get("element"), f"{path}/element", allowed=IN_INPUT)


def _check_image(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("alt_text",), allowed=("block_id", "image_url", "slack_file", "title"))
    found.string(block.get("image_url"), f"{path}/image_url", longest=LONGEST_URL, shortest=1)
    found.string(block.get("alt_text"), f"{path}/alt_text", longest=2000)
    found.text(block.get("title"), f"{path}/title", longest=2000)


def _check_markdown(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("text",), allowed=("block_id",))
    found.string(block.get("text"), f"{path}/text", longest=LONGEST_MARKDOWN, shortest=1)
    found.markdown += len(str(block.get("text", "")))


def _check_table(found: Findings, block: Json, path: str) -> None:
    found.table(block, path, required=("rows",), allowed=("block_id", "column_settings"))
    for index, row in enumerate(found.rows(block.get("rows"), f"{path}/rows", least=1, most=100)):
        found.rows(row, f"{path}/rows/{index}", least=1, most=20)


def _check_rich_text(found: Findings, block: Json, path: str) -> None:
    kinds = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    found.table(block, path, required=("elements",), allowed=("block_id",))
    for index, element in enumerate(found.rows(block.get("elements"), f"{path}/elements", least=0, most=1000)):
        found.one_of(kind_of(element), f"{path}/elements/{index}/type", kinds)


_BLOCKS: dict[str, Callable[[Findings, Json, str], None]] = {
    "actions": _check_actions,
    "alert": _check_alert,
    "context": _check_context,
    "divider": _check_divider,
    "header": _check_header,
    "image": _check_image,
    "input": _check_input,
    "markdown": _check_markdown,
    "rich_text": _check_rich_text,
    "section": _check_section,
    "table": _check_table,
}


def check_element(found: Findings, element: object, path: str, *, allowed: frozenset[str]) -> None:
    """One element where only some types may stand."""
    kind = kind_of(element)
    if kind not in allowed or not isinstance(element, dict):
        found.say(f"unsupported type: {kind or repr(element)}", f"{path}/type")
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
    if kind_of(field) == "number_input":
        _check_number_input(found, field, path)
    if "dispatch_action_config" in field:
        _check_dispatch(found, field["dispatch_action_config"], f"{path}/dispatch_action_config")


def _check_number_input(found: Findings, field: Json, path: str) -> None:
    found.flag(field.get("is_decimal_allowed"), f"{path}/is_decimal_allowed")
    for name in ("initial_value", "min_value", "max_value"):
        value = field.get(name)
        if value is not None and not (isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)):
            found.say("must be a number in a string", f"{path}/{name}")


def _check_dispatch(found: Findings, config: object, path: str) -> None:
    if found.table(config, path, allowed=("trigger_actions_on",)) and isinstance(config, dict):
        words = found.rows(config.get("trigger_actions_on"), f"{path}/trigger_actions_on", least=1, most=2)
        for index, word in enumerate(words):
            here = f"{path}/trigger_actions_on/{index}"
            found.one_of(word, here, ("on_enter_pressed", "on_character_entered"))


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
