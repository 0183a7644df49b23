"""The port that the simulated cloud listens on, and how it goes down and comes back on the same port."""

import contextlib
import socket
import struct

from aiohttp import web

LINGER_ZERO = struct.pack("ii", 1, 0)


class Listener:
    """Serves an application on one port; can refuse connections while it keeps the port."""

    def __init__(self, app: web.Application) -> None:
        self.host = ""
        self.port = 0
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None, handle_signals=False)
        self._site: web.TCPSite | None = None
        self._holder: socket.socket | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one."""
        await self._runner.setup()
        self.host = host
        await self._listen(port)

    async def refuse(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        with contextlib.suppress(OSError):
            self._holder = _bound(self.host, self.port)
        for connection in self._runner.server.connections if self._runner.server else []:
            reset(connection.transport)

    async def listen_again(self) -> None:
        """Listen on the same port as before."""
        if self._site is not None or not self.port:
            return
        self._release()
        await self._listen(self.port)

    async def close(self) -> None:
        """Stop for good."""
        self._release()
        await self._runner.cleanup()
        self._site = None

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, self.host, port, reuse_address=True)
        await self._site.start()
        self.port = int(self._runner.addresses[0][1])

    def _release(self) -> None:
        if self._holder is not None:
            self._holder.close()
            self._holder = None


def reset(transport: object) -> None:
    """Cut a connection so that the other side sees a reset."""
    get = getattr(transport, "get_extra_info", None)
    if get is None:
        return
    with contextlib.suppress(OSError):
        get("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()  # type: ignore[attr-defined]


def _bound(host: str, port: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((host, port))
    return holder
