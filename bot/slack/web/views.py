"""Opens and updates modals over the Web API, and reduces Slack's many codes for a failure to three kinds."""

from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.notifications.blocks import without_alerts
from bot.observe.metrics import ALERTS_REFUSED
from bot.slack.payload import text
from bot.slack.web.calls import Failure, call

_log = structlog.get_logger(__name__)
_TRIGGER = frozenset(
    {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged"}
)
_REFUSED = frozenset({"invalid_arguments", "invalid_blocks", "invalid_blocks_format"})
_LONGEST_WHY = 300
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


class ViewRefused(ViewFailed):
    """Slack does not take the view as it is drawn; `why` says what it points at."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code)
        self.why = why


class ViewChanged(ViewFailed):
    """The view has been updated since it was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """An open modal. `hash` changes with each update of it."""

    id: str
    hash: str


@dataclass(kw_only=True, slots=True)
class Views:
    """Opens and updates modals. The client must not repeat a call on its own.

    Alerts (Slack's block of 2026) are drawn by updates only. Once Slack has refused one, this process draws paragraphs.
    """

    client: AsyncWebClient
    draws_alerts: bool = True

    async def open(self, trigger_id: str, view: dict[str, object]) -> Shown:
        """Open a modal; raises ViewFailed."""
        opened = self.client.views_open(trigger_id=trigger_id, view=_plain(view))
        return _shown(await call("views.open", opened, error=_view_failed))

    async def push(self, trigger_id: str, view: dict[str, object]) -> Shown:
        """Open a modal on top of the one that is open; raises ViewFailed."""
        pushed = self.client.views_push(trigger_id=trigger_id, view=view)
        return _shown(await call("views.push", pushed, error=_view_failed))

    async def update(self, view_id: str, view: dict[str, object], *, known_hash: str = "") -> Shown:
        """Redraw a modal; with a hash, only if it has not changed since it was read. Raises ViewFailed."""
        plain = _plain(view)
        if not self.draws_alerts or plain == view:
            return await self._update(view_id, plain, known_hash)
        try:
            return await self._update(view_id, view, known_hash)
        except ViewRefused as error:
            shown = await self._update(view_id, plain, known_hash)
            self.draws_alerts = False
            ALERTS_REFUSED.inc()
            _log.warning("slack.alert_refused", code=error.code, why=error.why)
            return shown

    async def _update(self, view_id: str, view: dict[str, object], known_hash: str) -> Shown:
        expected = {"hash": known_hash} if known_hash else {}
        updated = self.client.views_update(view_id=view_id, view=view, **expected)
        return _shown(await call("views.update", updated, error=_view_failed))


def _plain(view: dict[str, object]) -> dict[str, object]:
    drawn = view.get("blocks")
    return {**view, "blocks": without_alerts(drawn)} if isinstance(drawn, list) else view


def _shown(answer: AsyncSlackResponse) -> Shown:
    view = answer.get("view")
    return Shown(id=text(view, "id"), hash=text(view, "hash"))


def _view_failed(failure: Failure) -> ViewFailed:
    code = failure.code
    if code in _TRIGGER or (code == "invalid_arguments" and "trigger_id" in " ".join(failure.details)):
        return TriggerGone(code)
    if code in _GONE:
        return ViewGone(code)
    if code in _REFUSED:
        return ViewRefused(code, " ".join(failure.details)[:_LONGEST_WHY])
    return ViewChanged(code) if code == "hash_conflict" else ViewFailed(code)
