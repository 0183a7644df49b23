"""Reads what went wrong in a call of Slack's client, whichever of its many shapes it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

FAILURES = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError)
"""Everything that a call may raise; AttributeError is what the client makes of a 200 that is no JSON."""
_NOT_JSON = (JSONDecodeError, AttributeError)
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Slack's answer (`status` is 0 without one). `sent` is whether Slack may have received what was sent."""

    code: str
    status: int = 0
    sent: bool = True
    retry_after: float | None = None
    details: tuple[str, ...] = ()
    needed: str = ""
    """The scopes that would have been enough, when one is missing."""


def failure(error: Exception) -> Failure:
    """Return what went wrong."""
    if isinstance(error, _NOT_JSON):
        return Failure(code="not_json")
    if not isinstance(error, SlackApiError):
        return Failure(code=type(error).__name__, sent=not isinstance(error, _NEVER_CONNECTED))
    answer: Any = error.response
    status: Any = getattr(answer, "status_code", None) or getattr(answer, "status", 0)
    data = getattr(answer, "data", None)
    found = data if isinstance(data, dict) else {}
    metadata = found.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    return Failure(
        code=str(found.get("error") or f"http_{status}"),
        status=int(status),
        retry_after=waiting_time(getattr(answer, "headers", None) or {}),
        details=tuple(str(message) for message in messages) if isinstance(messages, list) else (),
        needed=str(found.get("needed") or ""),
    )


def waiting_time(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds of a Retry-After header, None without a readable one."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = str(value)
            return float(text) if text.isascii() and text.isdigit() else None
    return None
