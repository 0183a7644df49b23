"""Deliveries as Slack sends them, signed, over kept connections; a client as cheap as it can be."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from benchmarks.slack import APP, TEAM

SECRET = "benchmark-signing-secret"  # noqa: S105 - of servers on loopback
_numbers = count(1)


def command(words: str = "", *, member: str = "U0ROOS") -> tuple[str, bytes]:
    """Return a slash command's trigger_id and body."""
    trigger = f"trigger.{next(_numbers)}"
    form = {
        "token": "x",
        "team_id": TEAM,
        "team_domain": "acme",
        "channel_id": "C0UPGRADES",
        "channel_name": "upgrades",
        "user_id": member,
        "user_name": member.lower(),
        "command": "/schedule-upgrade",
        "text": words,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/response/1",
        "trigger_id": trigger,
    }
    return trigger, urlencode(form).encode()


def press(action: str, value: str, *, channel: str, ts: str, response_url: str, member: str = "U0SEM") -> bytes:
    """Return the body of a press on a card."""
    action_ts = f"1764000001.{next(_numbers):06d}"
    return _interaction(
        "block_actions",
        member,
        container={"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
        channel={"id": channel, "name": "upgrades"},
        message={"ts": ts, "text": "Upgrade", "type": "message"},
        response_url=response_url,
        actions=[{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": action_ts}],
    )


def options(action: str, block: str, typed: str, *, member: str = "U0ROOS") -> bytes:
    """Return the body of a search field's question."""
    view = {"id": "V1", "type": "modal", "callback_id": "schedule_upgrade", "state": {"values": {}}, "blocks": []}
    return _interaction("block_suggestion", member, action_id=action, block_id=block, value=typed, view=view)


def _interaction(kind: str, member: str, **more: Any) -> bytes:  # noqa: ANN401 - JSON
    payload = {
        "type": kind,
        "user": {"id": member, "username": member.lower(), "name": member.lower(), "team_id": TEAM},
        "api_app_id": APP,
        "token": "x",
        "team": {"id": TEAM, "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": f"trigger.{next(_numbers)}",
        **more,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, path: str = "/slack/events") -> bytes:
    """Return the whole HTTP request around a body."""
    at = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {at}\r\nX-Slack-Signature: v0={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_IDLE = 5.0
"""Seconds after which a kept connection is not used again: the server closes those that are idle for ten."""


@dataclass(slots=True)
class Told:
    """What came back: `began` and `took` in seconds for each delivery, in order; `wrong` answers that were no 200."""

    began: list[float]
    took: list[float]
    wrong: int = 0
    seconds: float = 0.0
    last: bytes = b""

    def add(self, more: "Told") -> None:
        """Add what came back for others."""
        self.began += more.began
        self.took += more.took
        self.wrong += more.wrong


@dataclass(slots=True)
class Client:
    """Kept connections to one server."""

    port: int
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    _used: float = 0.0

    async def fire(self, bodies: Sequence[bytes], *, at_once: int, path: str = "/slack/events") -> Told:
        """Deliver all of them, so many at once."""
        requests = [signed(body, path) for body in bodies]
        told = Told(began=[0.0] * len(bodies), took=[0.0] * len(bodies))
        if time.monotonic() - self._used > _IDLE:
            await self.close()
        while len(self._free) < at_once:
            self._free.append(await asyncio.open_connection("127.0.0.1", self.port, limit=2**22))
        waiting = iter(range(len(requests)))
        begin = time.monotonic()
        await asyncio.gather(*(self._work(told, requests, waiting, *self._free[one]) for one in range(at_once)))
        self._used = time.monotonic()
        told.seconds = self._used - begin
        return told

    async def close(self) -> None:
        """Close the connections."""
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    async def _work(
        self,
        told: Told,
        requests: Sequence[bytes],
        waiting: Any,  # noqa: ANN401 - a shared iterator of numbers
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        for number in waiting:
            told.began[number] = began = time.monotonic()
            writer.write(requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
            size = _length(head)
            body = await reader.readexactly(size) if size else b""
            told.took[number] = time.monotonic() - began
            told.wrong += head[9:12] != b"200"
            told.last = body


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 : head.find(b"\r\n", at)]) if at >= 0 else 0
