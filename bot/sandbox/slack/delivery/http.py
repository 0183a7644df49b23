"""HTTP mode: every payload is posted to the app's request URL, signed, in the body form of its kind."""

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.delivery.answers import ACK_SECONDS, FAILED, TIMED_OUT, Answer, Delivery, answered

_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Give the ``x-slack-signature`` of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """Give the body and content type of a delivery."""
    match delivery.kind:
        case "command":
            return urlencode(delivery.payload).encode(), _FORM
        case "event":
            return json.dumps(delivery.payload).encode(), "application/json"
        case _:
            return urlencode({"payload": json.dumps(delivery.payload)}).encode(), _FORM


class HttpDelivery:
    """Posts deliveries and waits three seconds for each answer."""

    name = "http"

    def __init__(self, app: InstalledApp, session: aiohttp.ClientSession) -> None:
        self._app = app
        self._session = session
        self.patience = ACK_SECONDS

    async def send(self, delivery: Delivery) -> Answer:
        """One attempt."""
        body, content_type = encoded(delivery)
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._app.signing_secret, timestamp, body),
        }
        if delivery.retry:
            headers |= {"X-Slack-Retry-Num": str(delivery.retry), "X-Slack-Retry-Reason": delivery.retry_reason}
        try:
            async with asyncio.timeout(self.patience):
                return await self._post(body, headers)
        except TimeoutError:
            return Answer(error=TIMED_OUT, reason="http_timeout")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(error=FAILED, reason="connection_failed")

    async def _post(self, body: bytes, headers: dict[str, str]) -> Answer:
        url = self._app.request_url
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            text = await response.text(errors="replace")
            return answered(response.status, text, no_retry=response.headers.get("x-slack-no-retry") == "1")
