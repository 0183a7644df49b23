"""Opens and updates modals over the Web API, with Slack's many words for the same failures brought down to three."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.web.codes import counted, sorted_out
from bot.slack.web.failures import FAILURES, Failure, failure

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
        answer = await _call("views.open", self.client.views_open(trigger_id=trigger_id, view=view))
        return str(answer["view"]["id"])

    async def update(self, view_id: str, view: dict[str, object], *, known_hash: str = "") -> None:
        """Redraw a modal, only if it still is as it was read when a hash is given; raises ViewFailed."""
        expected = {"hash": known_hash} if known_hash else {}
        await _call("views.update", self.client.views_update(view_id=view_id, view=view, **expected))


async def _call(method: str, call: Any) -> Any:  # noqa: ANN401 - an answer of Slack
    try:
        answer = await call
    except FAILURES as error:
        found = failure(error)
        counted(method, sorted_out(found))
        raise _kind(found)(found.code) from error
    counted(method)
    return answer


def _kind(found: Failure) -> type[ViewFailed]:
    if found.code in _TRIGGER or (found.code == "invalid_arguments" and "trigger_id" in " ".join(found.details)):
        return TriggerGone
    if found.code in _GONE:
        return ViewGone
    return ViewChanged if found.code == "hash_conflict" else ViewFailed
