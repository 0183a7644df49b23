"""Accepts connections, and bounds what whoever has proven nothing may hold: their number, their time and their bytes.

A request is proven once its signature has been verified; until then everything here may close its connection.
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
"""Open connections; fewer where the process may not open four times as many files, so that the rest has its own."""
PATIENCE: Final = 10.0
"""Seconds for each of these: headers that are complete, a body and its answer, taking the answer and asking again."""
_LARGEST: Final = 1280 * 1024
"""Bytes of one request, headers and the marks between the chunks of its body included."""
_MOST_LINES: Final = 1000
"""Lines of one request: headers, and two for each chunk of a body. Chunks of a byte would keep the parser busy."""
_BUDGET: Final = 4 * 1024 * 1024
"""Bytes of all requests that are not proven, together."""
_AT_ONCE: Final = 16 * 1024
"""Bytes that one connection may bring in one turn of the loop."""
_GRACE: Final = 0.1
"""Seconds for which nobody is crowded out: enough for whoever has something to say."""
_MOMENT: Final = 0.02
_PAUSE: Final = 1.0
_BACKLOG: Final = 1024


class Connection(asyncio.BufferedProtocol):
    """One connection, between the transport and the protocol that speaks HTTP, which does not notice."""

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
        """Take part in what is bounded from now on."""
        self.transport = cast("asyncio.Transport", transport)
        self._owner.joined(self, transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back everything that it held."""
        if self.transport is not None:
            self._owner.left(self, self.transport)
        self._http.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go; what came is passed on before anybody else asks."""
        del sizehint
        return self._owner.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came, and pass it on unless that was too much."""
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
    """Every open connection, `most` of them at a time; `patience` is in seconds."""

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
        """Accept connections from now on, each with a protocol of its own; returns the port.

        `::` means both families. Raises OSError when the address cannot be had.
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
        """Accept nothing more, and close what has proven nothing for a second: it would be waited for."""
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
        """Serve one request that came over a transport, None when that is gone.

        One request begins in each turn of the loop, however many are waiting, so that everything else has its turn.
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
        """Leave a connection alone until its request has been served: we know who sent it."""
        if connection := self._of(transport):
            self._forget(connection)
            connection.proven = True
            connection.proven_at = _now()

    def joined(self, connection: Connection, transport: asyncio.BaseTransport) -> None:
        """Count a connection that was accepted."""
        connection.since = connection.proven_at = _now()
        self._open[transport] = connection

    def left(self, connection: Connection, transport: asyncio.BaseTransport) -> None:
        """Count a connection no more; nobody is left to wait for a turn."""
        self._forget(connection)
        self._let_begin(connection)
        self._open.pop(transport, None)

    def received(self, connection: Connection, came: bytes) -> None:
        """Count what came; whoever holds the most is closed when all together hold too much."""
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
        """Yield those that have proven nothing; one that is ending by itself may wait for its last byte to be taken."""
        return (one for one in self._open.values() if not one.proven)

    def _overdue(self, patience: float) -> list[Connection]:
        return [one for one in self._closable() if _now() - one.since > patience]

    async def _close_overdue(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            for one in self._overdue(self._patience):
                self._close(one, "idle" if one.requests and not one.received else "slow")

    async def _make_room(self, size: int) -> None:
        """Close those that have been here for longest without proving anything; newcomers wait while nobody has."""
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
        with contextlib.suppress(OSError):  # it has gone already
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
    """Return how many connections a process may have open that may open so many files."""
    return MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files // 4))


def _waiting(listening: socket.socket, few: int) -> list[socket.socket]:
    """Accept who else is waiting, up to so many."""
    accepted: list[socket.socket] = []
    with contextlib.suppress(OSError):  # nobody is, or the next look says what is wrong
        while len(accepted) < few:
            accepted.append(listening.accept()[0])
    return accepted


def _now() -> float:
    return asyncio.get_running_loop().time()
