"""Behind a proxy, with a private certificate authority: the usual variables are enough, for Socket Mode too."""

import asyncio
import contextlib
import shutil
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.harness import CHANNEL, Harness, harness, start_process, stop_process

SLACK, CLOUD = "slack.corp.test", "api.corp.test"
CERTIFICATES = f"""
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=PrivateAuthority -keyout ca.key -out ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
openssl req -newkey rsa:2048 -nodes -subj /CN={SLACK} -keyout key.pem -out request.pem
printf 'subjectAltName=DNS:{SLACK},DNS:{CLOUD}\\nauthorityKeyIdentifier=keyid\\n' > names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out certificate.pem
"""


@dataclass(slots=True)
class Proxy:
    """A proxy that knows two hosts and speaks CONNECT; `asked` is for whom, with or without a password."""

    ports: dict[str, int] = field(default_factory=dict)
    asked: set[tuple[str, bool]] = field(default_factory=set)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, address, _ = head.decode().split("\r\n")[0].split()
        host = address.partition(":")[0]
        self.asked.add((host, b"proxy-authorization: basic" in head.lower()))
        assert method == "CONNECT"
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await joined(reader, writer, self.ports[host])


async def joined(reader: StreamReader, writer: StreamWriter, port: int) -> None:
    """Pass everything on to a port of this machine and back."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pumped(reader, inner_writer), _pumped(inner_reader, writer))


async def _pumped(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def behind_a_proxy(
    folder: Path, *, scheme: str = "http://"
) -> AsyncIterator[tuple[Harness, Proxy, dict[str, str]]]:
    """Start a world whose Slack and cloud have TLS, certificates of a private authority, and are behind a proxy."""
    made = await asyncio.create_subprocess_exec(
        "sh", "-ec", CERTIFICATES, cwd=folder, stderr=asyncio.subprocess.DEVNULL
    )
    assert await made.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    proxy = Proxy()
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(harness(f"sqlite+aiosqlite:///{folder}/bot.db", "socket"))
        for host, address in ((SLACK, opened.slack.url), (CLOUD, opened.cloud.url)):
            inner = int(address.rpartition(":")[2])

            async def front(reader: StreamReader, writer: StreamWriter, *, port: int = inner) -> None:
                await joined(reader, writer, port)

            proxy.ports[host] = await _listening(stack, front, context)
        opened.slack.state.address = f"https://{SLACK}"  # where Socket Mode is offered
        port = await _listening(stack, proxy.serve, None)
        environment = opened.environment(
            SLACK_API_URL=f"https://{SLACK}/api/",
            ACLOUD_API_ENDPOINT=f"https://{CLOUD}",
            HTTPS_PROXY=f"{scheme}roos:hunter2hunter2@127.0.0.1:{port}",
            SSL_CERT_FILE=str(folder / "ca.pem"),
            BOT_PORT="0",
        )
        yield opened, proxy, environment


async def _listening(stack: AsyncExitStack, serve: object, context: ssl.SSLContext | None) -> int:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
    stack.callback(server.close)
    return int(server.sockets[0].getsockname()[1])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
async def test_the_usual_variables_lead_through_a_proxy_and_to_a_private_authority(tmp_path: Path) -> None:
    """Web API, Socket Mode and cloud go through it, and its password is in no log."""
    async with behind_a_proxy(tmp_path) as (opened, proxy, environment):
        bot = await start_process("run", environment=environment, folder=tmp_path)
        await opened.slack.connected(1)
        await opened.roos.command(CHANNEL, "/schedule-upgrade help")
        await opened.roos.private(CHANNEL)
        code, log = await stop_process(bot)

        lost = await start_process("doctor", environment=environment | {"SSL_CERT_FILE": ""}, folder=tmp_path)
        said, _ = await lost.communicate()

    assert proxy.asked == {(SLACK, True), (CLOUD, True)}
    assert code == 0
    assert "hunter2" not in log
    assert lost.returncode == 1
    assert said.decode().count("a private CA by SSL_CERT_FILE") == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
async def test_a_proxy_without_a_scheme_and_with_a_line_break_is_one_for_everything(tmp_path: Path) -> None:
    """Slack, Socket Mode and the cloud, for `run` and for `doctor`."""
    async with behind_a_proxy(tmp_path, scheme="") as (opened, proxy, environment):
        environment["HTTPS_PROXY"] += "\r\n"
        bot = await start_process("run", environment=environment, folder=tmp_path)
        await opened.slack.connected(1)
        async with asyncio.timeout(PATIENCE):
            while len(proxy.asked) < 2:  # noqa: ASYNC110 - looks at what another process asked
                await asyncio.sleep(0.02)
        code, _ = await stop_process(bot)
        asked, proxy.asked = proxy.asked, set()

        looking = await start_process("doctor", environment=environment, folder=tmp_path)
        said, _ = await looking.communicate()

    assert asked == proxy.asked == {(SLACK, True), (CLOUD, True)}
    assert code == 0
    assert "Slack offers a Socket Mode connection" in said.decode()
    assert "the token has the role" in said.decode()
