"""Makes one call to the API over httpx: time-outs, the token, the answer, the duration. Nothing is repeated here."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from bot.avisi.answers import Answer, content
from bot.observe.causes import cause
from bot.proxies import proxy_for
from bot.workflow.errors import AvisiError, NoAnswer, NotConnected, Overloaded, Unclear, Unreadable, Waiting

OnCall = Callable[[str, str, str, float], None]
"""Called after every call with method, path template, outcome (`ok` or an error such as `no_answer`), seconds."""

_NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_ERROR_BODY = 64 * 1024
_WHOLE_BODY = 64 * 1024 * 1024
_CONNECTIONS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds. `submit`, `read` and `quick_read` limit a whole call; `connect` (with TLS) and `pool` limit parts of it.

    `quick_read` is for what may be missing where it is shown.
    """

    submit: float = 8.0
    read: float = 10.0
    quick_read: float = 2.0
    connect: float = 3.0
    pool: float = 1.0

    def phases(self, whole: float) -> httpx.Timeout:
        """Return the time-outs for the phases of a call that may take `whole` seconds."""
        return httpx.Timeout(
            connect=min(self.connect, whole * 3 / 8), pool=min(self.pool, whole / 8), read=whole, write=whole
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request: `template` is its path without the variable parts, for metrics; `body` is JSON."""

    method: str
    path: str
    template: str
    params: Mapping[str, str] | None = None
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A readable answer: its JSON, and the cloud's time."""

    value: object
    date: datetime | None


class Calls:
    """Pooled connections to the API. The token is held in a header of the HTTP client and nowhere else."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        user_agent: str,
        timeouts: Timeouts,
        now: Callable[[], datetime],
        on_call: OnCall | None,
    ) -> None:
        self._timeouts = timeouts
        self._now = now
        self._on_call = on_call
        self._seen: tuple[datetime, float] | None = None
        self._blocked: dict[tuple[str, str], tuple[float, str]] = {}
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={
                "Authorization": f"Token {token.strip()}",
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": user_agent,
            },
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            follow_redirects=False,
            proxy=proxy_for(base_url),
            trust_env=False,  # its own reading of the environment fails at a proxy that NO_PROXY excludes
            verify=httpx.create_ssl_context(),  # reads SSL_CERT_FILE and SSL_CERT_DIR all the same
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def clock(self) -> datetime | None:
        """Return the cloud's time now, estimated from its last answer; never ahead of the real one."""
        if self._seen is None:
            return None
        date, at = self._seen
        return date + timedelta(seconds=time.monotonic() - at)

    async def make(self, call: Call, *, seconds: float) -> Reply:
        """Make the call once, within so many seconds; raises AvisiError.

        Nothing is sent to an address before a Retry-After of the cloud is over.
        """
        self._check_retry_after(call)
        began = time.monotonic()
        outcome = "cancelled"
        try:
            answer = await self._ask(call, seconds)
            if answer.date is not None and answer.is_success:
                self._seen = (answer.date, time.monotonic())
            reply = Reply(value=content(answer, now=self._now), date=answer.date)
            outcome = "ok"
        except AvisiError as error:
            outcome = _named(error)
            self._note_retry_after(call, error)
            raise
        finally:
            if self._on_call is not None:
                self._on_call(call.method, call.template, outcome, time.monotonic() - began)
        return reply

    def _note_retry_after(self, call: Call, error: AvisiError) -> None:
        if isinstance(error, Waiting | Unclear) and error.retry_after:
            self._blocked[call.method, call.path] = time.monotonic() + error.retry_after, error.message

    def _check_retry_after(self, call: Call) -> None:
        until, message = self._blocked.get((call.method, call.path), (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            raise Overloaded(message, retry_after=left)

    async def _ask(self, call: Call, seconds: float) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(call, seconds)
        except _NEVER_CONNECTED as error:
            raise NotConnected(f"Could not reach Avisi Cloud: {_why(error)}") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise NoAnswer(f"Avisi Cloud did not answer within {seconds:g} s") from error
        except httpx.TransportError as error:
            raise NoAnswer("The connection to Avisi Cloud broke before an answer came") from error
        except httpx.HTTPError as error:
            raise Unreadable("Avisi Cloud's answer cannot be decoded") from error

    async def _exchange(self, call: Call, seconds: float) -> Answer:
        timeout = self._timeouts.phases(seconds)
        async with self._http.stream(
            call.method, call.path, params=call.params, content=call.body, timeout=timeout
        ) as response:
            limit = _WHOLE_BODY if response.is_success else _ERROR_BODY
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    break
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=bytes(body[:limit]),
                cut=len(body) > limit,
            )


def _named(error: AvisiError) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def _why(error: Exception) -> str:
    """Say in one line why there was no connection."""
    return "too many calls at once" if isinstance(error, httpx.PoolTimeout) else cause(error)
