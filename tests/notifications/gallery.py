"""Prints every message that the bot can write, to be read aloud: python -m tests.notifications.gallery [NAME]."""

import sys
from collections.abc import Iterable
from typing import Any

from tests.notifications.stories import everything


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
            case _:
                yield "----"


def main() -> None:
    """Print what matches the words given, or everything."""
    wanted = " ".join(sys.argv[1:])
    for name, message in everything():
        if wanted in name:
            lines = [f"=== {name}", *words(message.blocks), "--- text:", message.text, ""]
            sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
