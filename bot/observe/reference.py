"""The reference number that all log lines of one delivery, press or job share.

People see it when something goes wrong; operators find the lines by it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

_FIELD: Final = "reference"
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without characters that are easily confused: 0 and O, 1, I and L, U and V."""
_COUNT: Final = len(_LETTERS)


def new_reference() -> str:
    """Return a fresh reference of eight letters and digits."""
    number = secrets.randbits(64)
    return "".join(_LETTERS[number // _COUNT**place % _COUNT] for place in range(8))


def current_reference() -> str:
    """Return the reference of the current context, empty without one."""
    return str(structlog.contextvars.get_contextvars().get(_FIELD, ""))


@contextmanager
def referenced(reference: str | None = None, **fields: object) -> Iterator[str]:
    """Add a reference, and fields such as `delivery`, to every log line written inside."""
    chosen = reference or new_reference()
    with structlog.contextvars.bound_contextvars(**{_FIELD: chosen}, **fields):
        yield chosen
