"""What somebody who has proven nothing may hold: so many connections, for so long, so many bytes, nobody's turn."""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from bot.connections import Connections, connections_for
from bot.server import Server

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HALF = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Le"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"


class Slack:
    """Proves what comes with a header that says so, and answers when it is told to."""

    def __init__(self) -> None:
        self.proven = asyncio.Event()
        self.answering = asyncio.Event()

    async def answer(self, request: web.Request, proven: Callable[[], None]) -> web.Response:
        """Read the body of everybody, as a guard does."""
        if "X-Proven" in request.headers:
            proven()
            self.proven.set()
            await self.answering.wait()
        else:
            await request.read()
        return web.Response(text="done")


class Here:
    """A running server, and everybody who came."""

    def __init__(self, port: int, slack: Slack) -> None:
        self.port = port
        self.slack = slack
        self.opened: list[Pair] = []

    async def connect(self, sent: bytes = b"") -> Pair:
        """Come, say something, and stay."""
        pair = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(pair)
        pair[1].write(sent)
        return pair

    async def alive(self) -> bool:
        """Ask as an orchestrator's probe does, which waits for a second."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return said.startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def serving(connections: Connections) -> AsyncIterator[Here]:
    """Serve with these bounds."""
    slack, registry = Slack(), CollectorRegistry()
    for number in range(560):  # just below the 64 KiB that a transport takes without waiting
        Gauge(f"tea_{number}", "What is in the pot, in words that take their room on the page.", registry=registry)
    server = Server(host="127.0.0.1", port=0, checks={}, registry=registry, slack=slack.answer, connections=connections)
    here = Here(await server.start(), slack)
    try:
        yield here
    finally:
        slack.answering.set()
        for _, writer in here.opened:
            writer.transport.abort()
        await server.stop()


async def closed(pair: Pair, *, within: float = 5.0) -> bool:
    """Whether the other side closes in time."""
    try:
        async with asyncio.timeout(within):
            while await pair[0].read(65536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("sent", [b"", b"G", HALF], ids=["nothing", "a letter", "half a header"])
async def test_who_sends_no_request_is_closed_in_time(sent: bytes) -> None:
    async with serving(Connections(patience=0.3)) as here:
        pair = await here.connect(sent)

        assert await closed(pair)


async def test_a_header_that_comes_letter_by_letter_is_closed_in_time() -> None:
    """Each letter does not buy more of it."""
    async with serving(Connections(patience=0.5)) as here:
        pair = await here.connect(HALF)
        began = time.monotonic()
        while not (pair[0].at_eof() or pair[0].exception()) and time.monotonic() - began < 10:  # ended, or reset
            pair[1].write(b"x")
            await asyncio.sleep(0.05)

        assert time.monotonic() - began < 5


async def test_an_answered_connection_may_be_used_again_for_a_moment() -> None:
    async with serving(Connections(patience=1.0)) as here:
        pair = await here.connect()
        for _ in range(3):
            pair[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await asyncio.wait_for(pair[0].readuntil(b"true}"), 5)
            await asyncio.sleep(0.5)

        assert await closed(pair)


async def test_who_comes_last_is_served_when_all_places_are_taken() -> None:
    """Whoever has kept the server waiting for longest makes room: a probe finds the bot alive in any crowd."""
    async with serving(Connections(most=20)) as here:
        pairs = [await here.connect(HALF) for _ in range(60)]
        await asyncio.sleep(0.1)

        assert await here.alive()
        assert await closed(pairs[0])
        assert not await closed(pairs[-1], within=0.2)


async def test_a_crowd_does_not_touch_who_has_proven_to_be_slack() -> None:
    async with serving(Connections(most=5, patience=0.3)) as here:
        proven = await here.connect(
            b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Proven: yes\r\nContent-Length: 0\r\n\r\n"
        )
        await asyncio.wait_for(here.slack.proven.wait(), 5)
        for _ in range(30):
            await here.connect(HALF)
        await asyncio.sleep(2.0)
        here.slack.answering.set()

        assert b"done" in await asyncio.wait_for(proven[0].readuntil(b"done"), 5)


async def test_unfinished_bodies_share_a_budget_and_the_largest_goes_first() -> None:
    """Sixty-four megabytes on their way; a small body among them gets its answer."""
    async with serving(Connections()) as here:
        small = await here.connect(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        large = [await here.connect(BODY + b"a" * 1_048_000) for _ in range(64)]
        ends = [await closed(pair, within=0.05) for pair in large]
        small[1].write(b"llo")

        assert ends.count(False) <= 5
        assert b"done" in await asyncio.wait_for(small[0].readuntil(b"done"), 5)
        assert await here.alive()


async def test_who_takes_no_answer_is_closed_in_time() -> None:
    """Hundreds of answers are asked for at once, and none is read."""
    async with serving(Connections(patience=0.5)) as here:
        pair = await here.connect()
        reading = cast("asyncio.Transport", pair[1].transport)
        reading.pause_reading()
        pair[1].write(METRICS * 300)
        await asyncio.sleep(3)
        reading.resume_reading()

        assert await closed(pair)
        assert await here.alive()


async def test_a_connection_that_ends_waits_for_nobody_to_take_its_last_bytes() -> None:
    """One of these fills what the kernel keeps for it just so far that the last answer is handed over, and stays."""
    connections = Connections(patience=0.5)
    async with serving(connections) as here:
        with contextlib.ExitStack() as stack:
            for asked in range(1, 41):
                deaf = stack.enter_context(socket.socket())
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                deaf.connect(("127.0.0.1", here.port))
                deaf.send(METRICS * (asked - 1) + METRICS.replace(b"x\r\n", b"x\r\nConnection: close\r\n", 1))
            await asyncio.sleep(0.3)
            before = len(connections)
            await asyncio.sleep(3)

            assert before
            assert len(connections) == 0


@pytest.mark.parametrize(("files", "most"), [(1024, 256), (256, 64), (1_048_576, 256), (resource.RLIM_INFINITY, 256)])
def test_three_quarters_of_the_files_are_left_to_the_rest(files: int, most: int) -> None:
    """Database, cloud and Slack need connections too, whatever comes in."""
    assert connections_for(files) == most


async def test_files_running_out_are_logged_once_with_a_count_and_it_goes_on_afterwards() -> None:
    """The log stays readable, and whoever waited in the queue is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(Connections(most=1000)) as here:
        queued = [socket.create_connection(("127.0.0.1", here.port)) for _ in range(20)]
        with capture_logs() as lines:
            resource.setrlimit(resource.RLIMIT_NOFILE, (queued[-1].fileno() + 1, hard))
            try:
                await asyncio.sleep(2.5)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in queued:
            one.close()

        assert [line["event"] for line in lines] == ["server.accept_failed"]
        await asyncio.sleep(1.2)
        assert await here.alive()


async def test_a_flood_of_requests_leaves_everybody_else_a_turn() -> None:
    """Two hundred clients ask as fast as they can; what else the loop has to do is not kept waiting."""
    async with serving(Connections()) as here:
        stop = time.monotonic() + 2

        async def ask() -> None:
            reader, writer = await here.connect()
            while time.monotonic() < stop:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"true}")

        flood = [asyncio.create_task(ask()) for _ in range(200)]
        turns = 0
        while time.monotonic() < stop:
            await asyncio.sleep(0)
            turns += 1
        await asyncio.gather(*flood)

        assert turns > 3000
