"""Accepts connections, and limits unproven ones in number, time and bytes.

A request is proven once its signature has been verified; until then its connection may be closed at any time.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, cast

import structlog

from bot.observe.metrics import CONNECTIONS_CLOSED
from bot.observe.sampling import Sampler

_log = structlog.get_logger(__name__)

MOST: Final = 256
"""Open connections; fewer when the process may not open four times as many files, which database and calls need."""
PATIENCE: Final = 10.0
"""Seconds for each phase: sending the headers; sending the body and being answered; reading the answer and idling."""
_LARGEST: Final = 1280 * 1024
"""Bytes of one request, including headers and chunk delimiters."""
_MOST_LINES: Final = 1000
"""Lines of one request: headers, and two for each chunk. Chunks of one byte would keep the parser busy."""
_BUDGET: Final = 4 * 1024 * 1024
"""Bytes of all unproven requests together."""
_AT_ONCE: Final = 16 * 1024
"""Bytes that are read from one connection in one iteration of the event loop."""
_GRACE: Final = 0.1
"""Seconds for which a new connection is not closed in favour of others."""
_MOMENT: Final = 0.02
_PAUSE: Final = 1.0
_BACKLOG: Final = 1024


class Connection(asyncio.BufferedProtocol):
    """One connection: passes everything between the transport and the HTTP protocol, and counts it."""

    def __init__(self, owner: "Connections", http: asyncio.Protocol) -> None:
        self._owner = owner
        self._http = http
        self.transport: asyncio.Transport | None = None
        self.since = 0.0
        self.proven_at = 0.0
        self.requests = 0
        self.received = 0
        self.lines = 0
        self.proven = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._owner.joined(self, transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that the connection held."""
        if self.transport is not None:
            self._owner.left(self, self.transport)
        self._http.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the shared buffer; its content is passed on before another connection reads."""
        del sizehint
        return self._owner.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Count the received bytes, and pass them on unless they were too many."""
        came = bytes(self._owner.buffer[:nbytes])
        self._owner.received(self, came)
        if self.transport is not None and not self.transport.is_closing():
            self._http.data_received(came)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._http.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._http.resume_writing()


class Connections:
    """All open connections, at most `most`; `patience` is in seconds."""

    def __init__(self, *, most: int | None = None, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._most = most or connections_for(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._open: dict[asyncio.BaseTransport, Connection] = {}
        self._unproven_bytes = 0
        self._waiting: dict[Connection, asyncio.Future[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[socket.socket] = []
        self._sampler = Sampler(few=1)
        self.buffer = memoryview(bytearray(_AT_ONCE))

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, http: Callable[[], asyncio.Protocol], host: str, port: int) -> int:
        """Accept connections, each with its own HTTP protocol; return the port.

        `::` means both IPv6 and IPv4. Raises OSError when the address is not available.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            both = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
            listening = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=both)
            listening.setblocking(False)
            self._sockets.append(listening)
        self._tasks = [asyncio.create_task(self._accept(listening, http)) for listening in self._sockets]
        self._tasks.append(asyncio.create_task(self._close_overdue()))
        return int(self._sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Accept connections until `stop_listening`; raises what ends that before."""
        await asyncio.gather(*self._tasks)

    async def stop_listening(self) -> None:
        """Stop accepting, and close connections that have been unproven for a second: shutdown would wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()
        self._tasks, self._sockets = [], []
        for one in self._overdue(_PAUSE):
            self._close(one, "stopping")

    @asynccontextmanager
    async def request(self, transport: asyncio.BaseTransport | None) -> AsyncIterator[None]:
        """Serve one request of a transport, which is None when it is gone.

        Only one request starts in each iteration of the event loop, so that other tasks are not kept waiting.
        """
        connection = self._of(transport)
        if connection is None:
            yield
            return
        connection.since = _now()
        connection.requests += 1
        await self._wait_for_turn(connection)
        try:
            yield
        finally:
            self._forget(connection)
            connection.proven = False
            connection.since = _now()

    def prove(self, transport: asyncio.BaseTransport | None) -> None:
        """Do not close the connection until its request has been served: its signature was verified."""
        if connection := self._of(transport):
            self._forget(connection)
            connection.proven = True
            connection.proven_at = _now()

    def joined(self, connection: Connection, transport: asyncio.BaseTransport) -> None:
        """Add a connection that was accepted."""
        connection.since = connection.proven_at = _now()
        self._open[transport] = connection

    def left(self, connection: Connection, transport: asyncio.BaseTransport) -> None:
        """Remove a connection that is gone, also from the requests that wait to start."""
        self._forget(connection)
        self._let_begin(connection)
        self._open.pop(transport, None)

    def received(self, connection: Connection, came: bytes) -> None:
        """Count received bytes; when all unproven requests together are too large, close the largest."""
        if connection.proven:
            return
        connection.received += len(came)
        connection.lines += came.count(b"\n")
        self._unproven_bytes += len(came)
        if connection.received > _LARGEST or connection.lines > _MOST_LINES:
            self._close(connection, "too large")
        while self._unproven_bytes > _BUDGET:
            most = max(self._closable(), key=lambda one: one.received, default=None)
            if most is None:
                return
            self._close(most, "too large")

    async def _wait_for_turn(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._begin_next)
        self._waiting[connection] = loop.create_future()
        await self._waiting[connection]

    def _begin_next(self) -> None:
        if self._waiting:
            self._let_begin(next(iter(self._waiting)))
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin_next)

    def _let_begin(self, connection: Connection) -> None:
        waiting = self._waiting.pop(connection, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _of(self, transport: asyncio.BaseTransport | None) -> Connection | None:
        return self._open.get(transport) if transport else None

    def _forget(self, connection: Connection) -> None:
        self._unproven_bytes -= connection.received
        connection.received = connection.lines = 0

    def _close(self, connection: Connection, why: str) -> None:
        CONNECTIONS_CLOSED.labels(why).inc()
        if connection.transport is not None:
            self.left(connection, connection.transport)
            connection.transport.abort()

    def _closable(self) -> Iterator[Connection]:
        """Yield the unproven ones, including those that are ending but wait until their last byte is read."""
        return (one for one in self._open.values() if not one.proven)

    def _overdue(self, patience: float) -> list[Connection]:
        return [one for one in self._closable() if _now() - one.since > patience]

    async def _close_overdue(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            for one in self._overdue(self._patience):
                self._close(one, "idle" if one.requests and not one.received else "slow")

    async def _make_room(self, size: int) -> None:
        """Close the connections that have been unproven for longest; new ones wait while there is none to close."""
        while len(self._open) + size > self._most:
            longest = self._longest()
            if longest is not None and _now() - longest.proven_at > _GRACE:
                self._close(longest, "crowded out")
            else:
                await asyncio.sleep(_MOMENT)

    def _longest(self) -> Connection | None:
        return min(self._closable(), key=lambda one: one.proven_at, default=None)

    async def _accept(self, listening: socket.socket, http: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        few = max(1, self._most // 16)
        while True:
            try:
                accepted = [(await loop.sock_accept(listening))[0], *_waiting(listening, few - 1)]
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._could_not_accept(error)
                await asyncio.sleep(_PAUSE)
                continue
            try:
                await self._make_room(len(accepted))
                await asyncio.gather(*(self._connect(accepted.pop(0), http) for _ in list(accepted)))
            finally:
                for one in accepted:
                    one.close()

    async def _connect(self, accepted: socket.socket, http: Callable[[], asyncio.Protocol]) -> None:
        with contextlib.suppress(OSError):  # the client has left already
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: Connection(self, http()), accepted)

    def _could_not_accept(self, error: OSError) -> None:
        longest = self._longest()
        if longest is not None:
            self._close(longest, "crowded out")
        left_out = self._sampler.admit("accept")
        if left_out is not None:
            _log.error("server.accept_failed", error=error.strerror, left_out=left_out)


def connections_for(files: int) -> int:
    """Return the limit of connections for a process that may open so many files."""
    return MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files // 4))


def _waiting(listening: socket.socket, few: int) -> list[socket.socket]:
    """Accept more waiting connections, at most `few`."""
    accepted: list[socket.socket] = []
    with contextlib.suppress(OSError):  # none is waiting, or the next attempt says what is wrong
        while len(accepted) < few:
            accepted.append(listening.accept()[0])
    return accepted


def _now() -> float:
    return asyncio.get_running_loop().time()
