"""The record of what the bot exchanges with Slack and with the cloud, without anything secret in it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.sandbox.slack.errors import Json

Direction = Literal["to_bot", "from_bot", "to_cloud"]
HIDDEN = "…"
_SECRET_KEYS = frozenset(
    {"token", "trigger_id", "response_url", "response_urls", "authorization", "x-slack-signature", "ticket", "url"}
)
_KEPT = 500
_BACKLOG = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One delivery to the bot, or one call that the bot made to Slack or to the cloud."""

    direction: Direction
    kind: str
    name: str
    who: str
    transport: str
    request: object
    response: object
    ms: float
    status: int
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it went as both sides wanted."""
        return not self.error


class Wire:
    """The newest entries, and streams of what comes."""

    def __init__(self, clock: Callable[[], datetime], secrets: Callable[[], tuple[str, ...]]) -> None:
        self._clock = clock
        self._secrets = secrets
        self._entries: deque[Json] = deque(maxlen=_KEPT)
        self._cloud_entries: deque[Json] = deque(maxlen=_KEPT)
        self._streams: set[asyncio.Queue[Json | None]] = set()
        self._count = 0

    @property
    def entries(self) -> list[Json]:
        """Newest last."""
        return sorted([*self._entries, *self._cloud_entries], key=lambda entry: int(entry["id"]))

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange, its secrets replaced, and show it to who watches."""
        self._count += 1
        entry: Json = {
            "id": self._count,
            "at": self._clock().isoformat(),
            "direction": exchange.direction,
            "kind": exchange.kind,
            "name": exchange.name,
            "who": exchange.who,
            "status": exchange.status,
            "ok": exchange.ok,
            "error": exchange.error or None,
            "ms": round(exchange.ms, 1),
            "transport": exchange.transport,
            "request": self._redacted(exchange.request),
            "response": self._redacted(exchange.response),
        }
        entries = self._cloud_entries if exchange.direction == "to_cloud" else self._entries
        entries.append(entry)
        for stream in list(self._streams):
            with suppress(asyncio.QueueFull):
                stream.put_nowait(entry)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Json | None]]:
        """Give a stream of entries; None ends it."""
        stream: asyncio.Queue[Json | None] = asyncio.Queue(_BACKLOG)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    def close(self) -> None:
        """End every stream."""
        for stream in self._streams:
            with suppress(asyncio.QueueFull):
                stream.put_nowait(None)

    def _redacted(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: self._redacted(inner, str(name)) for name, inner in value.items()}
        if key.lower() in _SECRET_KEYS and value and self._is_secret(key, value):
            return HIDDEN
        if isinstance(value, list | tuple):
            return [self._redacted(inner) for inner in value]
        if isinstance(value, str):
            for secret in self._secrets():
                value = value.replace(secret, HIDDEN)
        return value

    @staticmethod
    def _is_secret(key: str, value: object) -> bool:
        """Give a plain link (a button's ``url``) is none; a Socket Mode address is."""
        return key != "url" or (isinstance(value, str) and value.startswith(("ws:", "wss:")))
