"""Escapes characters that a terminal would act on: control characters and marks of direction.

People and the API write what is printed here, and an operator must see it as it is.
"""

import codecs
import json
import re
import sys
from io import TextIOWrapper
from typing import Final

_CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""C0, C1, line separators, marks of direction, zero-width characters, lone surrogates. Joiners (emoji) may stay."""


def printable(text: str, *, keep: str = "") -> str:
    """Return the text with these characters escaped as in Python, except those in `keep`."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def as_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON that is safe to print; characters that need no escape stay readable."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=indent is None, indent=indent)
    return _CONTROLS.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], written)


def escape_unencodable_output() -> None:
    """Escape characters that standard output cannot encode, as JSON does, instead of raising an error."""
    codecs.register_error(_HANDLER, _as_json_escape)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors=_HANDLER)


_HANDLER: Final = "escaped-as-json"


def _as_json_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
