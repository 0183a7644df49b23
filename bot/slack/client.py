"""Slack's Web API client as we use it: one pooled session, time-outs, no re-sending behind our back."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

WHOLE_CALL = 10.0
CONNECTING = 3.0


def open_session(*, whole_call: float = WHOLE_CALL, connecting: float = CONNECTING) -> aiohttp.ClientSession:
    """Open the session that everything sent to Slack shares; proxies of the environment are respected."""
    timeout = aiohttp.ClientTimeout(total=whole_call, connect=connecting, sock_connect=connecting)
    return aiohttp.ClientSession(timeout=timeout, trust_env=True)


def web_client(*, token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Make a client. Its default would send a message again after a dropped connection, and so post it twice."""
    address = base_url if base_url.endswith("/") else f"{base_url}/"
    return AsyncWebClient(token=token, base_url=address, session=session, retry_handlers=[])
