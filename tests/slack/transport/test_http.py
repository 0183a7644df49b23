"""What the guard in front of Bolt lets through: requests that Slack signed a moment ago for us, nothing else."""

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.observe.metrics import REGISTRY
from bot.slack.transport.http import LARGEST_BODY, LONGEST_UPLOAD, Refusal, decode, signature, verify
from tests.builders import ROOS
from tests.slack.harness import SlackHarness, harness

REFUSED = "upgrade_bot_requests_refused_total"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# docs.slack.dev/authentication/verifying-requests-from-slack
VECTOR = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
    b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNED = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_slacks_published_example_verifies() -> None:
    """The base string, the digest and the prefix are Slack's own."""
    assert signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", VECTOR) == SIGNED


@pytest.mark.parametrize(
    ("timestamp", "now"),
    [
        ("1531420618", 1531420618 + 301),
        ("1531420618", 1531420618 - 301),
        ("soon", 0),
        ("", 0),
        ("١٢", 12),
        ("9" * 99, 9),
    ],
)
def test_a_timestamp_far_from_now_or_unreadable_is_refused(timestamp: str, now: float) -> None:
    """Old requests cannot be replayed, and nothing about a timestamp can crash the guard."""
    with pytest.raises(Refusal) as refused:
        verify(secrets=("s",), timestamp=timestamp, signed=SIGNED, body=b"", now=now)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", JSON),
        (b"[1]", JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 100_000, JSON),
        (b"payload=%7B", FORM),
        (b"payload=1", FORM),
        (b"\xff", FORM),
        (b"no equals sign", FORM),
        (b"payload=" + b"%5B" * 100_000, FORM),
        (b"a=%FF", FORM),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(body: bytes, content_type: str) -> None:
    """Garbage is a 400, however deep it is nested and whatever its encoding."""
    with pytest.raises(Refusal) as refused:
        decode(body, content_type)
    assert refused.value.status == 400


@pytest.fixture
async def here() -> AsyncIterator[SlackHarness]:
    """Start an edge in HTTP mode."""
    async with harness("http") as running:
        yield running


async def _send(here: SlackHarness, body: bytes, *, content_type: str = FORM, **headers: str) -> tuple[int, str]:
    now = str(int(time.time()))
    signed = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": signature(here.slack.app.signing_secret, now, body),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{here.address}/slack/events", data=body, headers=signed | headers) as answer,
    ):
        return answer.status, await answer.text()


def _command(here: SlackHarness, **changes: str) -> bytes:
    fields = {
        "command": "/schedule-upgrade",
        "text": "help",
        "user_id": ROOS,
        "team_id": here.slack.workspace.team_id,
        "api_app_id": here.slack.app.id,
        "trigger_id": "1.2.3",
        "response_url": f"{here.slack.url}/response/secret",
    }
    return urlencode(fields | changes).encode()


def test_a_request_counts_when_any_of_the_secrets_signed_it() -> None:
    """While the signing secret is being replaced, Slack may use either one."""
    now = 1531420618.0
    signing = "8f742231b10e8888abcd99yyyzzz85a5"
    for right in (["new", signing], [signing, "new"]):
        verify(secrets=right, timestamp="1531420618", signed=SIGNED, body=VECTOR, now=now)
    for wrong in ([], ["new"], ["new", "another"]):
        with pytest.raises(Refusal, match="wrong signature"):
            verify(secrets=wrong, timestamp="1531420618", signed=SIGNED, body=VECTOR, now=now)


async def test_a_signed_command_is_answered(here: SlackHarness) -> None:
    """What Slack sends gets a 200 with the private answer."""
    status, said = await _send(here, _command(here))

    assert status == 200
    assert json.loads(said)["response_type"] == "ephemeral"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Slack-Signature": "v0=0000"}, 401),
        ({"X-Slack-Signature": "v0=é"}, 401),
        ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "identity"}, 415),
        ({"X-Slack-Request-Timestamp": "1531420618"}, 401),
        ({"X-Slack-Request-Timestamp": "x"}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data"}, 415),
    ],
)
async def test_what_slack_did_not_sign_is_refused(here: SlackHarness, headers: dict[str, str], status: int) -> None:
    """Tampered, stale and strange requests get a 4xx and do nothing."""
    assert (await _send(here, _command(here), **headers))[0] == status


async def test_an_oversized_body_is_refused_with_and_without_a_length(here: SlackHarness) -> None:
    """A megabyte is more than Slack ever sends."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * (LARGEST_BODY // 10)

    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": SIGNED}
    for body in (io.BytesIO(b"x" * (LARGEST_BODY + 1)), chunks()):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{here.address}/slack/events", data=body, headers=headers) as answer,
        ):
            assert answer.status == 413


@pytest.mark.parametrize("signed", ["", "v0=0000", "v1=" + "0" * 64])
async def test_nobody_is_listened_to_whose_signature_cannot_be_one(here: SlackHarness, signed: str) -> None:
    """The answer comes, and the connection ends, before any of the body has."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(here.address.rpartition(":")[2]))
    writer.write(
        f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 1000000\r\n"
        f"X-Slack-Request-Timestamp: {int(time.time())}\r\nX-Slack-Signature: {signed}\r\n\r\n".encode()
    )

    said = await asyncio.wait_for(reader.read(), LONGEST_UPLOAD / 2)
    writer.close()

    assert b" 401 " in said


async def test_a_flood_of_refusals_is_counted_and_a_few_are_logged(
    here: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A log that anybody can fill hides what matters; how many there were is in the metrics."""
    before = REGISTRY.get_sample_value(REFUSED, {"status": "401"}) or 0.0
    with capture_logs() as lines:
        for _ in range(30):
            await _send(here, _command(here), **{"X-Slack-Signature": "v0=0000"})
        await _send(here, _command(here), **{"X-Slack-Request-Timestamp": "1531420618"})

    refused = [line["why"] for line in lines if line["event"] == "slack.request_refused"]
    assert refused == ["no readable signature"] * 10 + ["timestamp too far from now"]
    assert REGISTRY.get_sample_value(REFUSED, {"status": "401"}) == before + 31
    assert caplog.records == []


async def test_only_post_is_answered(here: SlackHarness) -> None:
    """Browsers and scanners get a 405."""
    async with aiohttp.ClientSession() as session, session.get(f"{here.address}/slack/events") as answer:
        assert answer.status == 405


@pytest.mark.parametrize("changes", [{"team_id": "T0OTHER"}, {"api_app_id": "A0OTHER"}, {"team_id": ""}])
async def test_another_workspace_or_app_is_refused(here: SlackHarness, changes: dict[str, str]) -> None:
    """One installation is served; a payload from anywhere else is a 403."""
    assert (await _send(here, _command(here, **changes)))[0] == 403


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions"},
        {"type": "view_submission", "view": None},
        {"type": "view_submission", "view": {"callback_id": "schedule_upgrade", "type": "modal"}},
        {"type": "block_actions", "user": 7, "actions": [{"action_id": "approve", "value": "x"}]},
        {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": 7}]},
        {"type": "block_suggestion", "action_id": "cluster", "value": None, "user": []},
        {"type": 7},
        {"type": "event_callback", "event": 7},
        {"event": {"type": "app_home_opened"}},
        {},
    ],
)
async def test_signed_nonsense_never_gets_a_500(here: SlackHarness, payload: dict[str, Any]) -> None:
    """Whatever the shape of a payload, the answer is a 2xx or a 4xx and nothing is stored."""
    team = {"team": {"id": here.slack.workspace.team_id}, "team_id": here.slack.workspace.team_id}
    body = urlencode({"payload": json.dumps(payload | team)}).encode()

    status, _ = await _send(here, body)

    assert status < 500
    assert here.storage.entries == []


async def test_the_challenge_is_returned(here: SlackHarness) -> None:
    """Slack verifies the address when it is entered."""
    assert await here.slack.verify_request_url()


@pytest.mark.parametrize("body", [b"ssl_check=1&token=x", b'{"type": "app_rate_limited", "token": "x"}'])
async def test_what_slack_only_wants_to_know_or_say_is_acknowledged(here: SlackHarness, body: bytes) -> None:
    """Slack looks at the certificate, and says each minute that it holds events back: neither is a refused delivery."""
    status, said = await _send(here, body, content_type=JSON if body.startswith(b"{") else FORM)

    assert (status, said) == (200, "")


async def test_a_refusal_logs_one_line_without_the_body(here: SlackHarness, caplog: pytest.LogCaptureFixture) -> None:
    """Bodies hold what people wrote, response URLs and tokens; Bolt would print all of it."""
    caplog.set_level(logging.DEBUG)
    await _send(here, _command(here, text="very secret words"), **{"X-Slack-Signature": "v0=0000"})
    await _send(here, _command(here, text="very secret words"))

    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("bot", "slack_")))

    assert "secret" not in said
    assert here.slack.app.bot_token not in said
