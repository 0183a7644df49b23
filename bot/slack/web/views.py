"""Opens and updates modals over the Web API, and reduces Slack's many codes for a failure to three kinds."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.payload import text
from bot.slack.web.calls import Failure, call

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
    """The press or command that asked for the view was too long ago; the person has to try again."""


class ViewGone(ViewFailed):
    """The person closed the view."""


class ViewChanged(ViewFailed):
    """The view has been updated since it was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """An open modal. `hash` changes with each update of it."""

    id: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Views:
    """Opens and updates modals. The client must not repeat a call on its own."""

    client: AsyncWebClient

    async def open(self, trigger_id: str, view: dict[str, object]) -> Shown:
        """Open a modal; raises ViewFailed."""
        opened = self.client.views_open(trigger_id=trigger_id, view=view)
        return _shown(await call("views.open", opened, error=_view_failed))

    async def update(self, view_id: str, view: dict[str, object], *, known_hash: str = "") -> Shown:
        """Redraw a modal; with a hash, only if it has not changed since it was read. Raises ViewFailed."""
        expected = {"hash": known_hash} if known_hash else {}
        updated = self.client.views_update(view_id=view_id, view=view, **expected)
        return _shown(await call("views.update", updated, error=_view_failed))


def _shown(answer: AsyncSlackResponse) -> Shown:
    view = answer.get("view")
    return Shown(id=text(view, "id"), hash=text(view, "hash"))


def _view_failed(failure: Failure) -> ViewFailed:
    code = failure.code
    if code in _TRIGGER or (code == "invalid_arguments" and "trigger_id" in " ".join(failure.details)):
        return TriggerGone(code)
    if code in _GONE:
        return ViewGone(code)
    return ViewChanged(code) if code == "hash_conflict" else ViewFailed(code)
