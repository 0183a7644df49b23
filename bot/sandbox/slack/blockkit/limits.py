"""What Slack refuses in messages, views and answers to an options load: counts, lengths, types and uniqueness.

Written from Slack's published limits and from nothing of the bot, so that both cannot be wrong in the same way.
"""

import json
from collections.abc import Callable

from bot.sandbox.slack.blockkit.limit_basics import (
    EITHER,
    LONGEST_ID,
    LONGEST_URL,
    Findings,
    kind_of,
    listed,
)
from bot.sandbox.slack.blockkit.limit_elements import IN_ACTIONS, IN_INPUT, IN_SECTION, check_choices, check_element
from bot.sandbox.slack.errors import Json

LARGEST_VIEW = 250_000
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
LONGEST_UPDATE = 4_000
LONGEST_MARKDOWN = 12_000
LONGEST_LABEL = 24
_ONLY_MESSAGES = frozenset({"markdown", "table"})


def check_blocks(blocks: object, *, path: str = "/blocks", most: int = MESSAGE_BLOCKS) -> list[str]:
    """Tell what is wrong with a message's blocks."""
    found = Findings()
    _check_all(found, blocks, path, most=most, surface="message")
    return found.problems


def check_view(view: object) -> list[str]:
    """Tell what is wrong with a modal or a Home."""
    found = Findings()
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
    if check is None or not isinstance(block, dict) or (surface != "message" and block["type"] in _ONLY_MESSAGES):
        found.say(f"unsupported type: {kind_of(block) or block!r}", f"{path}/type")
        return
    found.string(block.get("block_id"), f"{path}/block_id", longest=LONGEST_ID, shortest=1)
    check(found, block, path)


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
