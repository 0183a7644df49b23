"""The last resort: whatever fails in a listener, Slack gets its ack and the person gets a reference number.

Bolt loses an ack when a listener raises right after it, and sends none when it raises before. So every listener is
registered through `LastResort.guard`, and nothing that can raise follows `ack()`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.observe.metrics import ACK_SECONDS
from bot.observe.reference import referenced
from bot.slack.payload import Payload, kind_of, pick, sort_of, text
from bot.slack.supervisor import Supervisor
from bot.workflow.errors import StoreAway

_log = structlog.get_logger(__name__)

_LOGGED_AFTER = 0.1
Listener = Callable[[AsyncAck, Payload], Awaitable[None]]
"""The signature of our listeners; Bolt fills in parameters by the names `ack` and `body`."""
Tell = Callable[[Payload, str], Awaitable[None]]
"""Answers the person behind a payload privately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastResort:
    """Wraps listeners. One that takes longer than `patience` seconds counts as failed."""

    tasks: Supervisor
    tell: Tell
    patience: float = 2.0

    def guard(self, listener: Listener) -> Listener:
        """Return a listener that never raises."""

        async def guarded(ack: AsyncAck, body: Payload) -> None:
            with referenced(delivery=kind_of(body)) as reference, ACK_SECONDS.labels(sort_of(body)).time():
                try:
                    async with asyncio.timeout(self.patience):
                        await listener(ack, body)
                except Exception as error:  # noqa: BLE001 - the one place for unforeseen errors
                    await self._sorry(ack, body, error, reference=reference)

        return guarded

    async def _sorry(self, ack: AsyncAck, body: Payload, error: Exception, *, reference: str) -> None:
        self.tasks.start(_log_failure(error), name="log-failure")
        if ack.response is not None:
            return
        sentence = f"{_why(error)} Please try again in a moment (reference {reference})."
        match sort_of(body):
            case "command":
                await ack(text=sentence, response_type="ephemeral")
            case "view_submission":
                await ack(**_refusal(body, sentence))
            case "block_suggestion":
                await ack(options=[])
            case "block_actions":
                self.tasks.start(self.tell(body, sentence), name="sorry")  # type: ignore[arg-type]
                await ack()
            case _:
                await ack()


async def _log_failure(error: Exception) -> None:
    """Log it after Slack has its ack: writing a long traceback takes time while the person waits."""
    await asyncio.sleep(_LOGGED_AFTER)
    if isinstance(error, StoreAway):
        _log.warning("slack.listener_failed", error=str(error))
    else:
        _log.error("slack.listener_failed", error=type(error).__name__, exc_info=error)


def _why(error: Exception) -> str:
    match error:
        case StoreAway():
            return "The bot cannot reach its database right now."
        case TimeoutError():
            return "The bot was too slow to answer."
        case _:
            return "The bot ran into an unexpected error."


def _refusal(body: Payload, sentence: str) -> dict[str, Any]:
    """Show the sentence at the first field of the modal, so that nothing entered is lost."""
    blocks = pick(body, "view", "blocks")
    for block in blocks if isinstance(blocks, list) else ():
        if pick(block, "type") == "input":
            return {"response_action": "errors", "errors": {text(block, "block_id"): sentence}}
    return {"response_action": "clear"}
