"""Private answers: in the ack of a command, through a press's response_url, else as a direct message."""

from dataclasses import dataclass
from typing import Any

import structlog

from bot.notifications import blocks
from bot.notifications.blocks import Message
from bot.notifications.delivery.errors import MessengerError
from bot.notifications.delivery.messenger import Messenger
from bot.slack.payload import Payload, member_of, text

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """Says things to the person behind a payload."""

    messenger: Messenger

    async def tell(self, payload: Payload, sentence: str) -> None:
        """Tell the person behind a payload; a failure is logged, nothing more can be done."""
        said = blocks.message(sentence, blocks.section(sentence))
        url, member = text(payload, "response_url"), member_of(payload)
        try:
            if url:
                await self.messenger.respond(url, said)
            elif member:
                await self.messenger.direct(member, said)
        except MessengerError as error:
            _log.warning("slack.private_answer_lost", code=error.code)


def in_ack(said: Message) -> dict[str, Any]:
    """Return a message as the acknowledgement of a command carries it."""
    return {"response_type": "ephemeral", "text": said.text, **({"blocks": list(said.blocks)} if said.blocks else {})}


def sentence(markup: str) -> dict[str, Any]:
    """Return one sentence as the acknowledgement of a command carries it."""
    return in_ack(blocks.message(markup, blocks.section(markup)))
