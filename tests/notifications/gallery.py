"""Prints every message and view that the bot can make, to be read: python -m tests.notifications.gallery [NAME]."""

import sys
from collections.abc import Iterable
from typing import Any

from bot.doctor.examples import messages, views


def words(blocks: Iterable[Any]) -> Iterable[str]:
    """Yield what a reader of the blocks sees, line by line."""
    for block in blocks:
        match block["type"]:
            case "header":
                yield f"# {block['text']['text']}"
            case "section":
                texts = [block["text"]] if "text" in block else block["fields"]
                yield from (text["text"] for text in texts)
                if "accessory" in block:
                    yield f"  [{block['accessory']['text']['text']}]"
            case "context":
                yield from (f"  ({element['text']})" for element in block["elements"])
            case "actions":
                yield "  " + " ".join(f"[{element['text']['text']}]" for element in block["elements"])
            case "input":
                yield f"  {block['label']['text']}: ({block['element']['type']})"
            case _:
                yield "----"


def main() -> None:
    """Print what matches the words given, or everything."""
    wanted = " ".join(sys.argv[1:])
    for name, message in messages():
        if wanted in name:
            lines = [f"=== {name}", *words(message.blocks), "--- text:", message.text, ""]
            sys.stdout.write("\n".join(lines) + "\n")
    for name, view in views():
        if wanted in name:
            title = [f"# {view['title']['text']}"] if "title" in view else []
            sys.stdout.write("\n".join([f"=== {name}", *title, *words(view["blocks"]), ""]) + "\n")


if __name__ == "__main__":
    main()
