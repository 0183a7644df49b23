"""Tests a button press from end to end: posts a button and waits until the running bot has stored the press."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from bot.doctor.channels import where
from bot.doctor.context import DoctorContext
from bot.doctor.database import DATABASE
from bot.doctor.finding import Finding, ok, wrong
from bot.domain.request import RequestId, Seal
from bot.notifications import ids
from bot.slack.web.calls import CallFailed, call
from bot.store.errors import DatabaseProblem
from bot.workflow import queues
from bot.workflow.inbox import Press

_WAIT: Final = 120
_TEXT: Final = (
    "Somebody runs `upgrade-bot doctor --round-trip`. Please press the button: nothing will be changed by it, "
    "and the bot will answer you that it knows no such request."
)


async def round_trip(context: DoctorContext) -> AsyncIterator[Finding]:
    """Post a button to the first channel and wait two minutes until its press is stored."""
    request_id = RequestId(f"doctor-{secrets.token_hex(6)}")
    channel = context.policy.channels[0]
    about = f"{where(context, channel)} {channel}"
    if not await _bot_has_run(context):
        fix = "Start `upgrade-bot run` with this very database, then try again."
        yield wrong(DATABASE, "round trip: no bot runs with this database", fix)
        return
    try:
        posted = context.client.chat_postMessage(channel=channel, text=_TEXT, blocks=_blocks(request_id))
        answer = await call("chat.postMessage", posted)
    except CallFailed as error:
        code = error.failure.code
        yield wrong(about, f"round trip: the button cannot be posted ({code})", "Fix the channel first.")
        return
    yield ok(about, f"round trip: a button was posted; press it in Slack within {_WAIT} s")
    arrived = await _arrived(context, request_id)
    said = "The press arrived: buttons work." if arrived else "The press did not arrive."
    with suppress(CallFailed):  # the button stays then; the finding says the rest
        updated = context.client.chat_update(channel=channel, ts=str(answer.get("ts")), text=said, blocks=[])
        await call("chat.update", updated)
    if arrived:
        yield ok(about, "round trip: the press was stored by the running bot")
    else:
        yield wrong(
            about,
            f"round trip: no press was stored within {_WAIT} s",
            "Was the button pressed? Is the bot running with this database? HTTP mode: is the Request URL under "
            "Interactivity right, and SLACK_SIGNING_SECRET that of this app?",
        )


async def _bot_has_run(context: DoctorContext) -> bool:
    """Whether the database exists with all tables, as after a first start of the bot."""
    try:
        return not await context.storage.pending()
    except DatabaseProblem:
        return False


async def _arrived(context: DoctorContext, request_id: RequestId) -> bool:
    for _ in range(_WAIT):
        try:
            if await context.storage.stats.received(queues.entries_of_request(request_id)):
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
