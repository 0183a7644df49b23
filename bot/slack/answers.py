"""Private answers: in the ack of a command, through the response_url of a press, else as a direct message."""

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
    """Answers the person behind a payload privately."""

    messenger: Messenger

    async def tell(self, payload: Payload, sentence: str) -> None:
        """Send a sentence to the person behind a payload; a failure is only logged."""
        await self.send(payload, blocks.message(sentence, blocks.section(sentence)))

    async def send(self, payload: Payload, said: Message) -> None:
        """Send a message to the person behind a payload; as above."""
        url, member = text(payload, "response_url"), member_of(payload)
        try:
            if url:
                await self.messenger.respond(url, said)
            elif member:
                await self.messenger.direct(member, said)
        except MessengerError as error:
            _log.warning("slack.private_answer_lost", code=error.code)


def in_ack(said: Message) -> dict[str, Any]:
    """Return a message in the form that the ack of a command needs."""
    return {"response_type": "ephemeral", "text": said.text, **({"blocks": list(said.blocks)} if said.blocks else {})}


def sentence(markup: str) -> dict[str, Any]:
    """Return one sentence in the form that the ack of a command needs."""
    return in_ack(blocks.message(markup, blocks.section(markup)))
