"""Failures of the network and of files are said in words that need no manual."""

import socket
import ssl
from errno import EHOSTUNREACH, ENOTDIR

import pytest

from bot.observe.causes import cause


def wrapped(inner: BaseException) -> Exception:
    """Return an error as libraries raise it, with the one that says why inside."""
    outer = RuntimeError("Cannot connect to host")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "DNS lookup failed"),
        (ConnectionRefusedError(111, "Connect call failed"), "the connection was refused"),
        (ConnectionResetError(104, "reset"), "the connection was dropped"),
        (ssl.SSLCertVerificationError("self-signed"), "its TLS certificate is not trusted"),
        (ssl.SSLError("handshake"), "no TLS connection could be made"),
        (TimeoutError(), "no answer in time"),
        (OSError(EHOSTUNREACH, "No route to host"), "no route to host"),
        (OSError(ENOTDIR, "[Errno 20] Not a directory"), "not a directory"),
        (ValueError("<secret>"), "the connection failed"),
    ],
)
def test_the_innermost_known_error_gives_the_reason(inner: BaseException, words: str) -> None:
    """No class names, no error numbers."""
    assert cause(inner) == words
    assert cause(wrapped(inner)) == words
