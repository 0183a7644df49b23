"""What anybody on the internet may send to POST /slack/events: a 4xx, one line in the log, and nothing else."""

import asyncio
import gzip
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import structlog
from structlog.testing import capture_logs

from benchmarks.reliability.attackers import KINDS
from benchmarks.reliability.counting import rows
from benchmarks.reliability.hostile import LONGEST_DELAY, costs
from bot.sandbox.slack.delivery.http import signature
from tests.world.harness import Harness, harness

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SECRET_WORDS = "do-not-log-me"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A request; what is None is signed as Slack does."""

    body: bytes
    content_type: str = FORM
    timestamp: str | None = None
    signed: str | None = None
    secret: str | None = None
    leave_out: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)


def command(**changes: str) -> bytes:
    fields = {
        "command": "/schedule-upgrade",
        "text": SECRET_WORDS,
        "team_id": "T0HARBOUR",
        "api_app_id": "A0UPGRADEBOT",
        "user_id": "U0ROOS",
        "channel_id": "C0UPGRADES",
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1/none",
    }
    return urlencode(fields | changes).encode()


def payload(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return urlencode({"payload": value if isinstance(value, str) else json.dumps(value)}).encode()


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "unsigned": Sent(body=command(), leave_out=("X-Slack-Signature",)),
    "without a timestamp": Sent(body=command(), leave_out=("X-Slack-Request-Timestamp",)),
    "signed with another secret": Sent(body=command(), secret="not-the-secret"),
    "tampered": Sent(body=command(), signed="v0=" + "0" * 64),
    "stale": Sent(body=command(), timestamp=str(int(time.time()) - 3600)),
    "from the future": Sent(body=command(), timestamp=str(int(time.time()) + 3600)),
    "timestamp no number": Sent(body=command(), timestamp="yesterday"),
    "timestamp not ASCII": Sent(body=command(), timestamp="\u0661\u0662\u0663"),
    "timestamp far too long": Sent(body=command(), timestamp="9" * 4000),
    "timestamp negative": Sent(body=command(), timestamp="-5"),
    "signature not ASCII": Sent(body=command(), signed="v0=\u00e9\u00e9"),
    "signature empty": Sent(body=command(), signed=""),
    "oversized": Sent(body=b"payload=" + b"a" * 1_500_000),
    "far oversized": Sent(body=b"a" * 6_000_000),
    "deeply nested JSON": Sent(body=DEEP.encode(), content_type=JSON),
    "deeply nested payload": Sent(body=payload(DEEP)),
    "a form as plain text": Sent(body=command(), content_type="text/plain"),
    "no content type": Sent(body=command(), content_type=""),
    "not UTF-8": Sent(body=b"payload=%ff%fe&text=\xff\xfe"),
    "JSON not UTF-8": Sent(body=b"\xff\xfe{}", content_type=JSON),
    "compressed": Sent(body=gzip.compress(command()), more={"Content-Encoding": "gzip"}),
    "no JSON": Sent(body=b"{", content_type=JSON),
    "a JSON list": Sent(body=b"[1]", content_type=JSON),
    "a payload that is a number": Sent(body=payload("7")),
    "a payload of nothing": Sent(body=payload("")),
    "an empty body": Sent(body=b""),
    "NUL bytes": Sent(body=b"\x00\x00\x00"),
    "another workspace": Sent(body=command(team_id="T0OTHER")),
    "another app": Sent(body=command(api_app_id="A0OTHER")),
    "a press in another workspace": Sent(
        body=payload({"type": "block_actions", "team": {"id": "T0OTHER"}, "api_app_id": "A0OTHER", "user": {}})
    ),
    "a press without anything": Sent(body=payload({"type": "block_actions"})),
    "a submission without a view": Sent(body=payload({"type": "view_submission"})),
    "of an unknown type": Sent(body=payload({"type": "surprise"})),
    "an event without an event": Sent(body=b'{"type": "event_callback"}', content_type=JSON),
}


@pytest.fixture
async def opened(sqlite_url: str) -> AsyncIterator[Harness]:
    async with harness(sqlite_url, bot_poll_seconds=60) as one:
        await one.open_bot()
        yield one


async def test_whatever_is_sent_is_refused_with_one_line_and_nothing_is_done(
    opened: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """Never a 5xx, never the body in the log, nothing stored, nothing said in Slack."""
    async with aiohttp.ClientSession() as session:
        for name, sent in HOSTILE.items():
            with capture_logs() as lines:
                status = await send(opened, session, sent)
            loud = [line for line in lines if line["log_level"] in {"warning", "error", "critical"}]

            assert 400 <= status < 500, f"{name}: {status}"
            assert [line["event"] for line in loud] == ["slack.request_refused"], f"{name}: {loud}"
            assert SECRET_WORDS not in str(lines), name
            assert of_libraries(caplog) == [], name

    assert [name for name in opened.slack.faults.calls if name.startswith(("chat.", "views."))] == []
    assert await rows(opened.url, "SELECT number FROM inbox") == []


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
    ids=["no-http", "tls", "length", "header", "gzip"],
)
async def test_bytes_that_are_no_http_leave_no_traceback(
    opened: Harness, caplog: pytest.LogCaptureFixture, raw: bytes
) -> None:
    """Anybody may send them; they get a 4xx."""
    reader, writer = await asyncio.open_connection("127.0.0.1", opened.bots[-1].port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()

    assert answer.split()[1].startswith(b"4")
    assert of_libraries(caplog) == []


async def test_the_bot_still_works_after_all_of_that(opened: Harness) -> None:
    """Hundreds of bad requests at once, and a good one among them."""
    async with aiohttp.ClientSession() as session:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        try:
            bad = [asyncio.create_task(send(opened, session, sent)) for sent in list(HOSTILE.values())[:12] * 10]
            await opened.request()
            statuses = await asyncio.gather(*bad)
        finally:
            structlog.reset_defaults()

    assert {status // 100 for status in statuses} == {4}


@pytest.mark.timeout(300)
async def test_no_crowd_of_strangers_holds_up_anybody_else() -> None:
    """Connections, bodies, compression, floods and slow readers: commands and probes are answered meanwhile.

    Memory and log hardly grow. Slack's three seconds are held by the long run; here the machine may be busy.
    """
    found = await costs(list(KINDS), seconds=2.0)

    assert [str(cost) for cost in found if not cost.bearable(delay=2 * LONGEST_DELAY)] == []
    assert len(found) == len(KINDS)


def of_libraries(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings and errors that libraries logged by themselves."""
    return [record.getMessage() for record in caplog.records if record.name.startswith(("slack_bolt", "aiohttp"))]


async def send(opened: Harness, session: aiohttp.ClientSession, sent: Sent) -> int:
    """Send it and return the status."""
    timestamp = sent.timestamp if sent.timestamp is not None else str(int(time.time()))
    signed = sent.signed
    if signed is None:
        signed = signature(sent.secret or opened.slack.app.signing_secret, timestamp, sent.body)
    headers = {
        "Content-Type": sent.content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signed,
        **sent.more,
    }
    kept = {name: value for name, value in headers.items() if name not in sent.leave_out}
    url = f"http://127.0.0.1:{opened.bots[-1].port}/slack/events"
    async with session.post(url, data=io.BytesIO(sent.body), headers=kept) as answer:
        return answer.status
