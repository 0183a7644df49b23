"""Removes secrets from text: tokens, URLs that work like tokens, passwords in URLs."""

import re
from typing import Final

HIDDEN: Final = "[hidden]"

_SHORTEST: Final = 6
"""Hiding shorter values would make text unreadable; Slack and the cloud issue none."""
_PATTERNS: Final = (
    re.compile(r"acpat_[A-Za-z0-9_-]+"),
    re.compile(r"x(?:ox[a-z]|app)-[A-Za-z0-9-]+"),
    re.compile(r"(?<=hooks\.slack\.com/)\S+"),
    re.compile(r"(?<=hooks\.slack-gov\.com/)\S+"),
    re.compile(r"(?i)(?<=\btoken )[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(r"(?<=\bv0=)[0-9a-f]{16,}"),
    re.compile(r"(?<=://)[^/\s@]+:[^/\s@]*(?=@)"),
    re.compile(r"(?i)(?<=[?&]ticket=)[^&\s]+"),
    re.compile(r"(?i)(?<=[?&]token=)[^&\s]+"),
)


_known: set[str] = set()


def keep_secret(*values: str) -> None:
    """Hide these values from now on, whatever they look like."""
    _known.update(value for value in values if len(value) >= _SHORTEST)


def redact(text: str) -> str:
    """Return the text with everything replaced that is a secret or looks like one."""
    for value in _known:
        text = text.replace(value, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(HIDDEN, text)
    return text
