"""Private answers: in the ack of a command, through a press's response_url, else as a direct message."""

from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.domain.people import MemberId
from bot.notifications import blocks
from bot.notifications.blocks import Message
from bot.slack.payload import Payload, member_of, text

_log = structlog.get_logger(__name__)


class Whisper(Protocol):
    """What of the Messenger is needed to say something to one person. Both raise when it does not get there."""

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer through a response_url, seen by that person only."""

    async def direct(self, member: MemberId, message: Message) -> object:
        """Write a direct message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """Says things to the person behind a payload."""

    whisper: Whisper
    failures: tuple[type[Exception], ...]

    async def tell(self, payload: Payload, sentence: str) -> None:
        """Tell the person behind a payload; a failure is logged, nothing more can be done."""
        said = blocks.message(sentence, blocks.section(sentence))
        url, member = text(payload, "response_url"), member_of(payload)
        try:
            if url:
                await self.whisper.respond(url, said)
            elif member:
                await self.whisper.direct(member, said)
        except self.failures as error:
            _log.warning("slack_private_answer_lost", error=type(error).__name__)


def in_ack(said: Message) -> dict[str, Any]:
    """Return a message as the acknowledgement of a command carries it."""
    return {"response_type": "ephemeral", "text": said.text, **({"blocks": list(said.blocks)} if said.blocks else {})}


def sentence(markup: str) -> dict[str, Any]:
    """Return one sentence as the acknowledgement of a command carries it."""
    return in_ack(blocks.message(markup, blocks.section(markup)))
