"""The reference that ties together everything one delivery, press or job leads to: log lines, calls, messages.

People see it when something goes wrong; it finds the line in the log.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

_FIELD: Final = "reference"
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without what people misread to each other: 0 and O, 1, I and L, U and V."""
_COUNT: Final = len(_LETTERS)


def new_reference() -> str:
    """Return a fresh reference of eight letters and digits."""
    number = secrets.randbits(64)
    return "".join(_LETTERS[number // _COUNT**place % _COUNT] for place in range(8))


def current_reference() -> str:
    """Return the reference in force here, or an empty text."""
    return str(structlog.contextvars.get_contextvars().get(_FIELD, ""))


@contextmanager
def referenced(reference: str | None = None, **fields: object) -> Iterator[str]:
    """Put a reference, and other fields such as `delivery`, on every log line written inside."""
    chosen = reference or new_reference()
    with structlog.contextvars.bound_contextvars(**{_FIELD: chosen}, **fields):
        yield chosen
