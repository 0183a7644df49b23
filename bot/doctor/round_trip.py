"""Proves the whole way of a press: posts a button and waits for the row that the running bot stores."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any, Final

from bot.doctor.finding import Finding, ok, wrong
from bot.doctor.patient import Patient
from bot.domain.request import RequestId, Seal
from bot.notifications import ids
from bot.slack.failure import FAILURES, failure
from bot.store.errors import DatabaseProblem
from bot.workflow.entries import Press

_WAIT: Final = 120
_TEXT: Final = (
    "Somebody runs `upgrade-bot doctor --round-trip`. Please press the button; nothing will be changed by it."
)


async def round_trip(patient: Patient) -> AsyncIterator[Finding]:
    """Post a button to the first channel, and wait two minutes for its press to be stored."""
    about = "round trip"
    request_id = RequestId(f"doctor-{secrets.token_hex(6)}")
    channel = patient.policy.channels[0]
    try:
        answer = await patient.client.chat_postMessage(channel=channel, text=_TEXT, blocks=_blocks(request_id))
    except FAILURES as error:
        yield wrong(
            about, f"the button cannot be posted to {channel} ({failure(error).code})", "Mend the channel first."
        )
        return
    arrived = await _arrived(patient, request_id)
    said = "The press arrived: buttons work." if arrived else "The press did not arrive."
    try:
        await patient.client.chat_update(channel=channel, ts=str(answer.get("ts")), text=said, blocks=[])
    except FAILURES:
        said = ""  # the button stays; the finding below says it all
    if arrived:
        yield ok(about, f"the press of the button in {channel} was stored by the running bot")
    else:
        yield wrong(
            about,
            f"no press of the button in {channel} was stored within {_WAIT} s",
            "Is the bot running with this database? HTTP mode: is the Request URL under Interactivity right, and "
            "SLACK_SIGNING_SECRET that of this app?",
        )


async def _arrived(patient: Patient, request_id: RequestId) -> bool:
    for _ in range(_WAIT):
        try:
            if await patient.storage.census.received(f"request:{request_id}"):
                return True
        except DatabaseProblem:
            return False
        await asyncio.sleep(1)
    return False


def _blocks(request_id: RequestId) -> list[dict[str, Any]]:
    value = ids.value(request_id=request_id, seal=Seal("doctor"))
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": _TEXT, "verbatim": True}},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": Press.WITHDRAW.value,
                    "value": value,
                    "text": {"type": "plain_text", "text": "Press me"},
                }
            ],
        },
    ]
