"""HTTP mode: the guard in front of Bolt, which refuses requests that are not Slack's before anything reads them.

Signing: docs.slack.dev/authentication/verifying-requests-from-slack.
"""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.observe.metrics import REQUESTS_REFUSED
from bot.observe.sampling import Sampler
from bot.slack.payload import Payload
from bot.slack.web.identity import Identity

_log = structlog.get_logger(__name__)

LARGEST_BODY = 1024 * 1024
LONGEST_UPLOAD = 3.0
OLDEST = 5 * 60
_LOGGED = 10
"""Refusals of one kind that are logged per minute; the rest are only counted."""
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_GARBAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


class Refusal(Exception):
    """The request is not one that Slack would send; `status` is the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a raw body as Slack does."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def check_headers(*, timestamp: str, signed: str, now: float) -> None:
    """Check the age and the shape of a signature, before the body is read; raises Refusal."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > len(str(OLDEST)) + 9:
        raise Refusal(401, "no readable timestamp")
    if abs(now - int(timestamp)) > OLDEST:
        raise Refusal(401, "timestamp too far from now")
    if not _SIGNATURE.fullmatch(signed):
        raise Refusal(401, "no readable signature")


def verify(*, secrets: Iterable[str], timestamp: str, signed: str, body: bytes, now: float) -> None:
    """Check that one of the secrets signed a raw body, and how long ago; raises Refusal.

    Every secret is tried, so the time it takes does not tell which one fits.
    """
    check_headers(timestamp=timestamp, signed=signed, now=now)
    fits = [hmac.compare_digest(signature(secret, timestamp, body), signed) for secret in secrets]
    if not any(fits):
        raise Refusal(401, "wrong signature")


def decode(body: bytes, content_type: str) -> Payload:
    """Read a body as form or JSON, according to its content type; raises Refusal."""
    try:
        text = body.decode("utf-8")
        if content_type == _JSON:
            payload = json.loads(text)
        else:
            fields = dict(
                parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=200)
            )
            payload = json.loads(fields["payload"]) if "payload" in fields else fields
    except _GARBAGE as error:
        raise Refusal(400, f"body cannot be read ({type(error).__name__})") from error
    if not isinstance(payload, dict):
        raise Refusal(400, "body is not an object")
    return payload


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackRequests:
    """The handler of POST /slack/events. `seconds` is real time, as Slack's timestamps are.

    While the signing secret is being replaced there are several, and each of them counts.
    """

    bolt: AsyncApp
    secrets: tuple[str, ...]
    identity: Identity
    seconds: Callable[[], float] = time.time
    _refusals: Sampler = field(default_factory=lambda: Sampler(few=_LOGGED), init=False)

    async def answer(self, request: web.Request, proven: Callable[[], None]) -> web.StreamResponse:
        """Check a request and pass it to Bolt; calls `proven` once the signature has been verified.

        Anything wrong is answered with a 4xx and ends the connection; a few of each kind per minute are logged.
        """
        try:
            return await self._answer(request, proven)
        except Refusal as refusal:
            REQUESTS_REFUSED.labels(refusal.status).inc()
            left_out = self._refusals.admit(str(refusal))
            if left_out is not None:
                _log.warning("slack.request_refused", status=refusal.status, why=str(refusal), left_out=left_out)
            response = web.Response(status=refusal.status, text=f"{refusal}\n")
            response.force_close()
            return response

    async def _answer(self, request: web.Request, proven: Callable[[], None]) -> web.StreamResponse:
        if request.method != "POST":
            raise Refusal(405, "only POST is answered here")
        if request.content_type not in {_FORM, _JSON}:
            raise Refusal(415, "content type is neither form nor JSON")
        if "Content-Encoding" in request.headers:
            raise Refusal(415, "body is encoded, which Slack never does")
        if (request.content_length or 0) > LARGEST_BODY:
            raise Refusal(413, "body too large")
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signed = request.headers.get("X-Slack-Signature", "")
        check_headers(timestamp=timestamp, signed=signed, now=self.seconds())
        body = await _read(request)
        verify(secrets=self.secrets, timestamp=timestamp, signed=signed, body=body, now=self.seconds())
        proven()
        payload = decode(body, request.content_type)
        if payload.get("type") == "url_verification":
            return web.json_response({"challenge": str(payload.get("challenge", ""))})
        if payload.get("type") == "app_rate_limited":
            _log.warning("slack.events_rate_limited")
            return web.Response()
        if "ssl_check" in payload:
            return web.Response()
        here = await self.identity.soon()
        if here is None:
            _log.warning("slack.request_too_early", why=self.identity.error)
            return web.Response(status=503, text="not connected to Slack yet\n")
        if not here.concerns(payload):
            raise Refusal(403, "another workspace or another app")
        return await self._dispatch(request, payload)

    async def _dispatch(self, request: web.Request, payload: Payload) -> web.StreamResponse:
        try:
            # In the form of Socket Mode: already decoded, so that Bolt does not decode it again.
            asked = AsyncBoltRequest(body=payload, headers=dict(request.headers), mode="socket_mode")
            answer = await self.bolt.async_dispatch(asked)
        except _GARBAGE as error:
            raise Refusal(400, f"payload of an unknown shape ({type(error).__name__})") from error
        if answer.status == web.HTTPNotFound.status_code:
            raise Refusal(404, "payload that no listener takes")
        if answer.status >= web.HTTPInternalServerError.status_code:
            raise Refusal(400, "payload that no listener could read")
        return await to_aiohttp_response(answer)


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_UPLOAD):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refusal(413, "body too large")
    except TimeoutError as error:
        raise Refusal(408, "body took too long") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        # The request keeps the error, whose traceback would keep the body in memory until the next garbage collection.
        raise Refusal(400, "body broke off") from error.with_traceback(None)
    return bytes(body)
