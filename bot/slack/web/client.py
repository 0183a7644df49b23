"""Slack's Web API client as we use it: one pooled session, time-outs, no automatic retries."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.proxies import proxy_for

WHOLE_CALL = 10.0
CONNECTING = 3.0
_SLACK = "https://slack.com/api/"


def open_session(
    address: str = _SLACK, *, whole_call: float = WHOLE_CALL, connecting: float = CONNECTING
) -> aiohttp.ClientSession:
    """Open the session that all calls to Slack share, with the environment's proxy for this address.

    aiohttp's own `trust_env` delays every call: it looks up the proxy and .netrc in threads.
    """
    timeout = aiohttp.ClientTimeout(total=whole_call, connect=connecting, sock_connect=connecting)
    return aiohttp.ClientSession(timeout=timeout, proxy=proxy_for(address))


def web_client(*, token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Make a client. By default it would resend a message after a dropped connection, and so post it twice."""
    address = base_url if base_url.endswith("/") else f"{base_url}/"
    client = AsyncWebClient(token=token, base_url=address, session=session, retry_handlers=[])
    client.proxy = proxy_for(address)  # its own reading of the environment ignores NO_PROXY
    return client
