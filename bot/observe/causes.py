"""Why something outside could not be used, in words that need no manual: no class names, no error numbers."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "DNS lookup failed"),
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (ssl.SSLError, "no TLS connection could be made"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection was dropped"),
    (TimeoutError, "no answer in time"),
)
_NUMBER: Final = re.compile(r"\[Errno -?\d+\]\s*")
_DEEPEST: Final = 10


def cause(error: BaseException) -> str:
    """Say why something failed, by the innermost error that is known; what the machine said where none is."""
    chain = list(_chain(error))
    for one in reversed(chain):
        for kind, words in _KINDS:
            if isinstance(one, kind):
                return words
    said = next((_said(one) for one in reversed(chain) if isinstance(one, OSError) and _said(one)), "")
    return said or "the connection failed"


def _said(error: OSError) -> str:
    words = " ".join(_NUMBER.sub("", error.strerror or "").split())
    return f"{words[:1].lower()}{words[1:]}" if words[1:2].islower() else words


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(_DEEPEST):
        if one is None:
            return
        yield one
        inner = getattr(one, "os_error", None)
        one = inner if isinstance(inner, BaseException) else one.__cause__ or one.__context__
