"""Whatever goes wrong in a listener, Slack gets its answer and the person a reference number."""

import asyncio
import io
import json
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import LastResort
from bot.slack.payload import Payload
from bot.slack.supervisor import Supervisor
from bot.workflow.errors import StoreAway

VIEW = {
    "type": "modal",
    "callback_id": "here",
    "blocks": [{"type": "section", "block_id": "s"}, {"type": "input", "block_id": "first"}],
    "state": {"values": {}},
}
USER = {"user": {"id": "U0ROOS"}, "team": {"id": "T1"}}
PAYLOADS: dict[str, dict[str, Any]] = {
    "command": {"command": "/here", "text": "", "user_id": "U0ROOS", "team_id": "T1"},
    "submission": {"type": "view_submission", "view": VIEW, **USER},
    "press": {"type": "block_actions", "actions": [{"action_id": "here", "block_id": "b", "type": "button"}], **USER},
    "options": {"type": "block_suggestion", "action_id": "here", "block_id": "b", "value": "x", **USER},
    "event": {"type": "event_callback", "event": {"type": "app_home_opened"}, "team_id": "T1"},
}


class OneListener:
    """A Bolt application whose only listener does what a test says."""

    def __init__(self, listener: Any, *, patience: float = 60.0) -> None:  # noqa: ANN401 - any listener
        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb", bot_user_id="U0BOT", bot_id="B1")

        self.tasks = Supervisor()
        self.told: list[str] = []
        self.app = AsyncApp(authorize=authorize, request_verification_enabled=False, client=AsyncWebClient())
        guarded = LastResort(tasks=self.tasks, tell=self.tell, patience=patience).guard(listener)
        self.app.command("/here")(guarded)
        self.app.view("here")(guarded)
        self.app.action("here")(guarded)
        self.app.options("here")(guarded)
        self.app.event("app_home_opened")(guarded)

    async def tell(self, _: Payload, sentence: str) -> None:
        """Keep what the person was sent."""
        self.told.append(sentence)

    async def send(self, kind: str) -> tuple[int, str]:
        """Dispatch a payload as production does."""
        answer = await self.app.async_dispatch(AsyncBoltRequest(body=PAYLOADS[kind], mode="socket_mode"))
        await self.tasks.drain(within=60.0)
        return answer.status, answer.body or ""


async def _breaks(ack: AsyncAck, body: Payload) -> None:
    raise RuntimeError(f"the database is gone {len(body)} {ack}")


@pytest.mark.parametrize("kind", list(PAYLOADS))
async def test_a_listener_that_breaks_still_answers(kind: str) -> None:
    """A command, a submission and a press carry the reference to the person; nothing is a 500 or a silence."""
    one = OneListener(_breaks)

    status, said = await one.send(kind)

    assert status == 200
    shown = said + "".join(one.told)
    if kind in {"command", "submission", "press"}:
        assert "reference" in shown
    assert "database" not in shown
    if kind == "submission":
        assert '"first"' in said


async def _finds_no_database(ack: AsyncAck, body: Payload) -> None:
    raise StoreAway(f"The database cannot be reached {len(body)} {ack}")


@pytest.mark.parametrize(("listener", "level"), [(_breaks, "error"), (_finds_no_database, "warning")])
async def test_the_reference_that_the_person_sees_finds_the_line(
    listener: Any,  # noqa: ANN401 - any listener
    level: str,
    written: io.StringIO,
) -> None:
    """A bug wakes somebody and leaves its trace; a database that is away mends itself."""
    _, said = await OneListener(listener).send("command")

    (line,) = [json.loads(text) for text in written.getvalue().splitlines() if "slack.listener_failed" in text]
    assert f"reference {line['reference']}" in said
    assert line["level"] == level
    assert ("exception" in line) == (level == "error")


async def test_a_listener_that_takes_too_long_answers_before_slack_gives_up() -> None:
    """Slack waits three seconds; a stuck database must not become `operation_timeout`."""

    async def sleeps(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's shape of a listener
        await asyncio.sleep(30)

    status, said = await OneListener(sleeps, patience=0.05).send("command")

    assert status == 200
    assert "reference" in said


async def test_a_failure_after_the_acknowledgement_leaves_it_alone() -> None:
    """Bolt would lose the acknowledgement; here it is sent."""

    async def acks_and_breaks(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's shape of a listener
        await ack(text="done")
        raise RuntimeError("too late to matter")

    status, said = await OneListener(acks_and_breaks).send("command")

    assert (status, "done" in said) == (200, True)


async def test_the_supervisor_waits_then_stops_what_is_late() -> None:
    """No task outlives the bot, and none ends unnoticed."""
    tasks = Supervisor()
    done: list[str] = []

    async def work(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        done.append(name)

    tasks.start(work("quick", 0.01), name="quick")
    late = tasks.start(work("late", 30), name="late")

    await tasks.drain(within=0.1)

    assert done == ["quick"]
    assert late.cancelled()
    assert len(tasks) == 0
