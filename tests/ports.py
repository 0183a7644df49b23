"""Ports for processes that have to be told theirs before they start."""

import socket
import sys

_KEPT: list[socket.socket] = []


def free_port() -> str:
    """Return a port that nobody listens on and that the system gives to nobody else as long as this process lives.

    Linux lets a process that is told its number listen on it beside us, since we only hold it.
    """
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    port = str(one.getsockname()[1])
    if sys.platform == "linux":
        _KEPT.append(one)
    else:
        one.close()
    return port
