"""The one place that awaits calls to Slack: every failure becomes one of our errors, and every call is counted.

Codes: slack-platform.md 4.3 and the method pages of docs.slack.dev.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any, Final, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.notifications.delivery.errors import (
    BadPayload,
    DestinationGone,
    MessageGone,
    MessengerError,
    OutcomeUnknown,
    Revoked,
    Throttled,
    TooLate,
    Transient,
)
from bot.observe.causes import cause
from bot.observe.metrics import RATE_LIMITED, SLACK_CALLS

Answer = TypeVar("Answer")

REFUSED: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "not_allowed_token_type",
        "missing_scope",
        "org_login_required",
        "team_added_to_org",
        "no_permission",
        "access_denied",
        "user_removed_from_team",
        "forbidden_team",
        "team_access_not_granted",
        "socket_mode_disabled",
    }
)
"""Codes that waiting does not cure: somebody has to give the bot another token or more rights."""
_WAIT: Final = 30.0
"""Seconds to hold back when Slack says "slow down" but not for how long."""
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_FAILURES: Final = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError)
"""Everything that a call may raise; AttributeError is what Slack's client makes of a 200 that is not JSON."""
_NOT_JSON: Final = (JSONDecodeError, AttributeError)
_NEVER_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_THROTTLED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_INTERNAL: Final = ("internal_error", "fatal_error")
_KINDS: Final[dict[str, type[MessengerError]]] = {
    **dict.fromkeys(
        (
            "channel_not_found",
            "not_in_channel",
            "is_archived",
            "is_inactive",
            "ekm_access_denied",
            "user_not_in_channel",
            "user_not_found",
            "user_disabled",
            "users_not_found",
            "cannot_dm_bot",
            "messages_tab_disabled",
            "not_enabled",
        ),
        DestinationGone,
    ),
    **dict.fromkeys(
        (
            "message_not_found",
            "thread_not_found",
            "cant_update_message",
            "edit_window_closed",
            "cannot_reply_to_message",
        ),
        MessageGone,
    ),
    **dict.fromkeys(REFUSED, Revoked),
    **dict.fromkeys(_INTERNAL, OutcomeUnknown),
    **dict.fromkeys(("service_unavailable", "request_timeout", "team_is_on_unavailable_shard"), Transient),
}
_URL_GONE: Final = ("used_url", "expired_url", "invalid_url", "cannot_find_service")
_URL_GONE_STATUSES: Final = frozenset({403, 404, 410})


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What went wrong in a call.

    `code` is Slack's word, or the name of the exception. `status` is 0 without an answer. `sent` is whether Slack may
    have received the request. `needed` names the scopes that would have been enough when one is missing. `why` says
    in words why there was no answer.
    """

    code: str
    status: int = 0
    sent: bool = True
    retry_after: float | None = None
    details: tuple[str, ...] = ()
    needed: str = ""
    why: str = ""


class CallFailed(Exception):
    """A call failed; `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


async def call(method: str, asked: Awaitable[Answer], *, error: Callable[[Failure], Exception] = CallFailed) -> Answer:
    """Await one call of a method and return its answer; raises what `error` makes of a failure."""
    try:
        answer = await asked
    except MessengerError as problem:  # the answer of a response URL is sorted already
        count(method, problem)
        raise
    except _FAILURES as raised:
        failure = _read(raised)
        count(method, messenger_error(failure))
        raise error(failure) from raised
    count(method)
    return answer


def count(method: str, error: MessengerError | None = None) -> None:
    """Count a call by its outcome for the metrics."""
    SLACK_CALLS.labels(method, type(error).__name__.lower() if error else "ok").inc()
    if isinstance(error, Throttled):
        RATE_LIMITED.labels("slack").inc()


def messenger_error(failure: Failure) -> MessengerError:
    """Sort a failed call of the Web API by what the sender does next."""
    code = failure.code
    if failure.status == 0:
        return OutcomeUnknown(code) if failure.sent else Transient(code)
    if failure.status == _TOO_MANY or code in _THROTTLED:
        return Throttled(code, retry_after=failure.retry_after or _WAIT)
    if failure.status >= _SERVER_ERROR or code.startswith("http_"):
        return OutcomeUnknown(code)
    kind = DestinationGone if code.startswith("restricted_action") else _KINDS.get(code)
    return kind(code) if kind else BadPayload(code, details=failure.details)


def response_url_error(status: int, said: str, *, wait: float | None) -> MessengerError:
    """Sort an answer of a response URL that is not a yes."""
    if status == _TOO_MANY:
        return Throttled(retry_after=wait or _WAIT)
    if status >= _SERVER_ERROR or any(code in said for code in _INTERNAL):
        return OutcomeUnknown(f"http_{status}")
    gone = next((code for code in _URL_GONE if code in said), None)
    if gone or status in _URL_GONE_STATUSES:
        return TooLate(gone or f"http_{status}")
    return BadPayload(f"http_{status}")


def waiting_time(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds of a Retry-After header, None without a readable one."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = str(value)
            return float(text) if text.isascii() and text.isdigit() else None
    return None


def _read(error: Exception) -> Failure:
    if isinstance(error, _NOT_JSON):
        return Failure(code="not_json")
    if not isinstance(error, SlackApiError):
        host = getattr(error, "host", None) or "Slack"
        why = f"Could not reach {host}: {cause(error)}"
        return Failure(code=type(error).__name__, sent=not isinstance(error, _NEVER_CONNECTED), why=why)
    answer: Any = error.response
    status: Any = getattr(answer, "status_code", None) or getattr(answer, "status", 0)
    data = getattr(answer, "data", None)
    found = data if isinstance(data, dict) else {}
    return Failure(
        code=str(found.get("error") or f"http_{status}"),
        status=int(status),
        retry_after=waiting_time(getattr(answer, "headers", None) or {}),
        details=_details(found),
        needed=str(found.get("needed") or ""),
    )


def _details(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with the arguments: from blocks.validate a list of objects, else a list of sentences."""
    errors, metadata = answer.get("errors"), answer.get("response_metadata")
    if isinstance(errors, list) and all(isinstance(one, dict) for one in errors):
        return tuple(f"{one.get('message')} [json-pointer:{one.get('pointer')}]" for one in errors)
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    return tuple(str(message) for message in messages) if isinstance(messages, list) else ()
