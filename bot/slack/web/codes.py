"""Slack's codes, sorted into our errors by what the sender does next (slack-platform.md 4.3)."""

from typing import Final

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
from bot.observe.metrics import RATE_LIMITED, SLACK_CALLS
from bot.slack.web.failures import Failure
from bot.slack.web.identity import REFUSED

WAIT: Final = 30.0
"""Seconds to hold back when Slack says slow down and not for how long."""
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_THROTTLED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SLACKS_OWN: Final = ("internal_error", "fatal_error")
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
    **dict.fromkeys(_SLACKS_OWN, OutcomeUnknown),
    **dict.fromkeys(("service_unavailable", "request_timeout", "team_is_on_unavailable_shard"), Transient),
}
_URL_GONE: Final = ("used_url", "expired_url", "invalid_url", "cannot_find_service")
_URL_GONE_STATUSES: Final = frozenset({403, 404, 410})


def sorted_out(found: Failure) -> MessengerError:
    """Return the error for a failed call of the Web API."""
    code = found.code
    if found.status == 0:
        return OutcomeUnknown(code) if found.sent else Transient(code)
    if found.status == _TOO_MANY or code in _THROTTLED:
        return Throttled(code, retry_after=found.retry_after or WAIT)
    if found.status >= _SERVER_ERROR or code.startswith("http_"):
        return OutcomeUnknown(code)
    kind = DestinationGone if code.startswith("restricted_action") else _KINDS.get(code)
    return kind(code) if kind else BadPayload(code, details=found.details)


def not_responded(status: int, said: str, *, wait: float | None) -> MessengerError:
    """Return the error for an answer of a response URL."""
    if status == _TOO_MANY:
        return Throttled(retry_after=wait or WAIT)
    if status >= _SERVER_ERROR or any(code in said for code in _SLACKS_OWN):
        return OutcomeUnknown(f"http_{status}")
    gone = next((code for code in _URL_GONE if code in said), None)
    if gone or status in _URL_GONE_STATUSES:
        return TooLate(gone or f"http_{status}")
    return BadPayload(f"http_{status}")


def counted(method: str, error: MessengerError | None = None) -> None:
    """Count a call for the metrics, by what it led to."""
    SLACK_CALLS.labels(method, type(error).__name__.lower() if error else "ok").inc()
    if isinstance(error, Throttled):
        RATE_LIMITED.labels("slack").inc()
