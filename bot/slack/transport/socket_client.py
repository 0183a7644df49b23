"""Slack's own Socket Mode client, slowed down.

By itself it opens hundreds of connections a second while Slack closes each one at once (`too_many_websockets`).
"""

import asyncio
import logging
import time

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.web.calls import Failure, call
from bot.slack.web.identity import SlackUnreachable, TokenRefused, refusal

_LASTING = 60.0


class Pace:
    """Increases the wait between two addresses, in seconds, unless the last connection lasted a minute."""

    def __init__(self, *, shortest: float = 0.25, longest: float = 10.0) -> None:
        self._shortest, self._longest = shortest, longest
        self._opened = self._free = float("-inf")
        self._pause = 0.0

    async def wait(self) -> None:
        """Return when the next address may be requested; a cancelled wait delays nobody else."""
        await asyncio.sleep(max(self._free - time.monotonic(), 0.0))
        now = time.monotonic()
        lasted = now - self._opened >= _LASTING
        self._pause = self._shortest if lasted else min(self._pause * 2, self._longest)
        self._opened, self._free = now, now + self._pause


class PacedClient(SocketModeClient):
    """A client that asks for addresses at a pace, which outlives the client. `ping` is in seconds.

    `failure` is why Slack gave no address at the last attempt.
    """

    def __init__(self, *, app_token: str, web_client: AsyncWebClient, ping: float, pace: Pace) -> None:
        super().__init__(app_token=app_token, web_client=web_client, logger=_silent(), ping_interval=ping)
        self._pace = pace
        self.failure: TokenRefused | SlackUnreachable | None = None

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - Slack's signature
        """Replace the connection once, however many callers ask for that at the same time.

        Slack's own method waits for its turn for 5 seconds only; then two connections are open and one is not read.
        """
        asked_about = self.current_session
        async with self.connect_operation_lock:
            if self.current_session is asked_about and (force or not await self.is_connected()):
                self.wss_uri = await self.issue_new_wss_url()
                await self.connect()  # type: ignore[no-untyped-call]

    async def issue_new_wss_url(self) -> str:
        """Ask Slack for an address, which is valid for one connection."""
        await self._pace.wait()
        try:
            address = await call("apps.connections.open", super().issue_new_wss_url(), error=not_opened)
        except (TokenRefused, SlackUnreachable) as error:
            self.failure = error
            raise
        self.failure = None
        return address


def not_opened(failure: Failure) -> TokenRefused | SlackUnreachable:
    """Return the error for a request that got no address."""
    return refusal(failure, asked="apps.connections.open", variable="SLACK_APP_TOKEN")


def _silent() -> logging.Logger:
    """Return a silenced logger for Slack's client, whose lines contain tickets; the watchdog logs instead."""
    logger = logging.getLogger("slack_sdk.socket_mode.silenced")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
