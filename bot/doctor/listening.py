"""Checks BOT_HOST and BOT_PORT: the address belongs to this machine, and this user may use the port."""

import errno
import socket
from collections.abc import AsyncIterator

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, ok, wrong


async def listening(context: DoctorContext) -> AsyncIterator[Finding]:
    """Listen for a moment. A port that is in use is most likely used by the running bot."""
    host, port = context.settings.bot_host, context.settings.bot_port
    about = f"BOT_HOST and BOT_PORT {host}:{port}"
    try:
        _listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield ok(about, "somebody listens there already: the running bot, it is to be hoped")
            return
        fix = "Give an address of this machine, or 0.0.0.0 for all of them, and a port above 1023."
        yield wrong(about, f"this user cannot listen there ({error.strerror or error})", fix)
    else:
        yield ok(about, "the bot can listen there")


def _listen(host: str, port: int) -> None:
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
            one.listen()
