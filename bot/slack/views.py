"""Opens and updates modals over the Web API, with Slack's many words for the same failures brought down to three."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

_TRIGGER = frozenset(
    {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged"}
)
_GONE = frozenset({"not_found", "view_not_found", "push_limit_reached"})


class ViewFailed(Exception):
    """The view could not be shown. `code` is Slack's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TriggerGone(ViewFailed):
    """The press or command that asked for the view is too long ago; the person has to ask again."""


class ViewGone(ViewFailed):
    """The person closed the view."""


class ViewChanged(ViewFailed):
    """The view was updated since it was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Views:
    """Modals. The client must not re-send on its own."""

    client: AsyncWebClient

    async def open(self, trigger_id: str, view: dict[str, object]) -> str:
        """Open a modal and return its id; raises ViewFailed."""
        answer = await _call(self.client.views_open(trigger_id=trigger_id, view=view))
        return str(answer["view"]["id"])

    async def update(self, view_id: str, view: dict[str, object], *, known_hash: str = "") -> None:
        """Redraw a modal, only if it still is as it was read when a hash is given; raises ViewFailed."""
        await _call(
            self.client.views_update(view_id=view_id, view=view, **({"hash": known_hash} if known_hash else {}))
        )


async def _call(call: Any) -> Any:  # noqa: ANN401 - an answer of Slack
    try:
        return await call
    except SlackApiError as error:
        code = str(error.response.get("error") or error.response.status_code)
        raise _kind(code, str(error.response.get("response_metadata") or ""))(code) from error
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ViewFailed(type(error).__name__) from error


def _kind(code: str, details: str) -> type[ViewFailed]:
    if code in _TRIGGER or (code == "invalid_arguments" and "trigger_id" in details):
        return TriggerGone
    if code in _GONE:
        return ViewGone
    return ViewChanged if code == "hash_conflict" else ViewFailed
