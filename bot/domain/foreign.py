"""Text that others wrote, people or the API: what of it never goes any further."""

import re
from typing import Final

_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Take out what cannot be printed or sent, or turns the direction of text; line breaks and tabs stay."""
    return _UNPRINTABLE.sub("", text)
