"""What a delivery to the bot is, and what came back for it."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from bot.sandbox.slack.errors import Json

Kind = Literal["command", "block_actions", "view_submission", "view_closed", "block_suggestion", "event"]
ACK_SECONDS = 3.0
TIMED_OUT = "operation_timeout"
FAILED = "dispatch_failed"
CLIENT_ERROR = "http_client_error"
ENVELOPES = {"command": "slash_commands", "event": "events_api"}
"""The Socket Mode envelope's type; everything else is ``interactive``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot said to one delivery, or that it said nothing in time."""

    status: int = 0
    body: object = None
    """The JSON of the answer, or its text; None for an empty one."""
    error: str = ""
    reason: str = ""
    """Why it failed, in the words of ``x-slack-retry-reason``."""
    no_retry: bool = False
    ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the bot acknowledged in time."""
        return not self.error


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """Something that Slack tells the bot."""

    kind: Kind
    name: str
    who: str
    payload: Json
    answers: list[Answer] = field(default_factory=list)
    retry: int = 0
    retry_reason: str = ""


def answered(status: int, text: str, *, no_retry: bool = False) -> Answer:
    """Give an HTTP answer, read."""
    if status == HTTPStatus.NOT_FOUND:
        return Answer(status=status, error=CLIENT_ERROR, reason="http_error", no_retry=no_retry)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(status=status, error=FAILED, reason="http_error", no_retry=no_retry)
    return Answer(status=status, body=read_body(text))


def read_body(text: str) -> object:
    """JSON where it is JSON, text where not, None where there is nothing."""
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
