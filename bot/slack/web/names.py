"""Names of people, user groups and channels by their IDs, for exports. Each is asked for once."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.payload import text
from bot.slack.web.calls import REFUSED, CallFailed, call
from bot.slack.web.client import open_session, web_client

_PEOPLE, _GROUPS = ("U", "W"), ("S",)


class Names:
    """Looks up names; an ID that Slack does not know has none."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: dict[str, str | None] = {}
        self._groups: dict[str, str] | None = None

    async def of(self, slack_id: str) -> str | None:
        """Return the name of an ID, None when there is none; raises ConnectionError when Slack cannot be asked."""
        if slack_id not in self._known:
            self._known[slack_id] = await self._ask(slack_id)
        return self._known[slack_id]

    async def _ask(self, slack_id: str) -> str | None:
        if slack_id.startswith(_PEOPLE):
            user = (await self._answer("users.info", self._client.users_info(user=slack_id))).get("user")
            return text(user, "real_name") or text(user, "profile", "display_name") or text(user, "name") or None
        if slack_id.startswith(_GROUPS):
            if self._groups is None:
                listed = await self._answer("usergroups.list", self._client.usergroups_list(include_disabled=True))
                found = listed.get("usergroups")
                groups = found if isinstance(found, list) else []
                self._groups = {text(one, "id"): f"@{text(one, 'handle')}" for one in groups}
            return self._groups.get(slack_id)
        answer = await self._answer("conversations.info", self._client.conversations_info(channel=slack_id))
        name = text(answer.get("channel"), "name")
        return f"#{name}" if name else None

    async def _answer(self, method: str, asked: Awaitable[Any]) -> Any:  # noqa: ANN401 - Slack's answer
        try:
            return await call(method, asked)
        except CallFailed as error:
            code = error.failure.code
            if error.failure.status == 0 or code in REFUSED or code.startswith("http_"):
                why = error.failure.why or f"Slack refuses {method} ({code})"
                raise ConnectionError(f"Names cannot be looked up. {why}") from error
            return {}


@asynccontextmanager
async def slack_names(*, token: str, base_url: str) -> AsyncIterator[Names]:
    """Open a connection to Slack for as long as names are wanted."""
    async with open_session(base_url) as session:
        client = web_client(token=token, base_url=base_url, session=session)
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=5))
        yield Names(client)
