"""Turns an HTTP answer into JSON or into one of our errors, by its status and body alone. No I/O."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from bot.workflow.errors import AvisiError, Broken, Declined, NotConnected, Overloaded, Unauthorised, Unreadable

_LONGEST_MESSAGE = 500
_MOST_DETAILS = 10
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer; `body` is cut at the longest length that is read, and `cut` says so."""

    status: int
    headers: httpx.Headers
    body: bytes
    cut: bool = False

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def date(self) -> datetime | None:
        """The cloud's time: aware UTC, whole seconds."""
        return _http_date(self.headers.get("date", ""))

    @property
    def is_web_page(self) -> bool:
        """Whether it is HTML."""
        return "html" in self.headers.get("content-type", "").lower() or self.body[:512].lstrip()[:1] == b"<"


def content(answer: Answer, *, now: Callable[[], datetime]) -> object:
    """Return the JSON of a 2xx; raises the AvisiError for any other answer."""
    if not answer.is_success:
        raise error_of(answer, now=now)
    if answer.cut:
        raise Unreadable("Avisi Cloud's answer is too long to be read")
    if not answer.body.strip():
        raise Unreadable(f"Avisi Cloud answered {answer.status} with nothing in it")
    try:
        value: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"Avisi Cloud answered {answer.status} with {_instead(answer)}") from error
    return value


def error_of(answer: Answer, *, now: Callable[[], datetime]) -> AvisiError:
    """Return the error for an answer that is not a 2xx; errors are sorted by what the caller does next."""
    message, details = _words(answer)
    said = tuple(part for part in (message, *details) if part)
    summary = f"Avisi Cloud answered {_named(answer.status)}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return Unauthorised("Avisi Cloud does not accept the token (401)", details=said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Overloaded("Avisi Cloud asks for fewer requests (429)", retry_after=retry_after(answer, now=now))
        case HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return NotConnected("The proxy in front of Avisi Cloud asks for credentials (407)")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error = Broken(summary if said else f"{summary} with {_instead(answer)}", details=said)
            error.retry_after = retry_after(answer, now=now)
            return error
        case status if status >= HTTPStatus.BAD_REQUEST:
            return Declined(message or f"{summary} with {_instead(answer)}", details=details, status=status)
        case _:
            return Unreadable(f"{summary} where an answer was expected")


def retry_after(answer: Answer, *, now: Callable[[], datetime]) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as seconds or as a date; None without one."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text else None
    except ValueError:
        moment = _http_date(text)
        seconds = None if moment is None else (moment - (answer.date or now())).total_seconds()
    if seconds is None or seconds != seconds:  # noqa: PLR0124 - not a number
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _words(answer: Answer) -> tuple[str, tuple[str, ...]]:
    """Return `message` and `details` as the API documents them, empty where they are missing."""
    try:
        body = json.loads(answer.body, strict=False)
    except (ValueError, RecursionError):
        return _plain(answer), ()
    if not isinstance(body, dict):
        return "", ()
    details = body.get("details")
    listed = details if isinstance(details, list) else [details]
    said = tuple(line for item in listed[:_MOST_DETAILS] if isinstance(item, str) and (line := _line(item)))
    return next((_line(text) for name in ("message", "error") if isinstance(text := body.get(name), str)), ""), said


def _plain(answer: Answer) -> str:
    if answer.is_web_page or not answer.headers.get("content-type", "").lower().startswith("text/plain"):
        return ""
    return _line(answer.body.decode("utf-8", "replace"))


def _line(text: str) -> str:
    """Reduce a text to one line of readable length."""
    text = text[: 4 * _LONGEST_MESSAGE]
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"


def _instead(answer: Answer) -> str:
    if answer.is_web_page:
        return "a web page instead of JSON"
    return "something other than JSON" if answer.body.strip() and not _is_json(answer.body) else "no explanation"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
