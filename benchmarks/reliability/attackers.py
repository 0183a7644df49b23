"""Clients that try to hold a bot up, each kind in a process of its own.

`python -m benchmarks.reliability.attackers KIND PORT SECONDS` starts one.

None of them has the signing secret. Timestamp and shape of the signature are right, to get as far as they can.
"""

import asyncio
import contextlib
import resource
import sys
import time
import zlib
from collections.abc import Awaitable, Callable

_MEGABYTE = 1024 * 1024
_HEAD = "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
_FAILED = (OSError, EOFError, asyncio.LimitOverrunError)


def _post(more: str) -> bytes:
    """Begin a request that cannot be told from Slack's before its body has come."""
    seals = f"X-Slack-Request-Timestamp: {int(time.time())}\r\nX-Slack-Signature: v0={'0' * 64}\r\n"
    return f"{_HEAD}{seals}{more}\r\n\r\n".encode()


async def _say(port: int, *said: bytes) -> None:
    """Connect, say all of it, and stay until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for words in said:
            writer.write(words)
            await writer.drain()
        while await reader.read(65536):
            pass
    finally:
        writer.transport.abort()


async def _silent(port: int) -> None:
    await _say(port)


async def _half_headers(port: int) -> None:
    await _say(port, b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slow: ")


async def _half_bodies(port: int) -> None:
    await _say(port, _post(f"Content-Length: {_MEGABYTE}"), b"a" * (_MEGABYTE - 1))


async def _compressed(port: int) -> None:
    await _say(port, _post(f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}"), BOMB)


async def _crumbs(port: int) -> None:
    await _say(port, _post("Transfer-Encoding: chunked"), b"1\r\na\r\n" * 200_000)


async def _deaf(port: int) -> None:
    """Ask for much, and take none of it until the other side gives up."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    try:
        for _ in range(200):
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
        await asyncio.sleep(60)
    finally:
        writer.transport.abort()


async def _again_and_again(port: int, words: bytes) -> None:
    """Ask as fast as answers come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(words)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
    finally:
        writer.transport.abort()


async def _asking(port: int) -> None:
    await _again_and_again(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")


async def _counting(port: int) -> None:
    await _again_and_again(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")


async def _unsigned(port: int) -> None:
    await _again_and_again(port, f"{_HEAD}Content-Length: 9\r\n\r\ntext=list".encode())


def _bomb() -> bytes:
    """Make 600 KB that become 600 MB."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(pack.compress(bytes(_MEGABYTE)) for _ in range(600)) + pack.flush()


BOMB = _bomb() if "compressed" in sys.argv else b""
KINDS: dict[str, tuple[int, Callable[[int], Awaitable[None]]]] = {
    "silent": (1024, _silent),
    "half headers": (1024, _half_headers),
    "half bodies": (400, _half_bodies),
    "compressed": (20, _compressed),
    "crumbs": (50, _crumbs),
    "deaf": (100, _deaf),
    "readyz": (200, _asking),
    "metrics": (200, _counting),
    "unsigned": (200, _unsigned),
}
"""What they do, and how many of them do it at a time; whoever is closed comes again."""


async def _attack(kind: str, port: int, seconds: float) -> None:
    size, once = KINDS[kind]

    async def keep() -> None:
        while True:
            with contextlib.suppress(*_FAILED):
                await once(port)
            await asyncio.sleep(0.05)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(keep() for _ in range(size)))


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_attack(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
