"""The Bolt application is what we pass in, whatever is in the environment."""

import logging

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.bolt import bolt
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity
from tests.slack.harness import harness


async def test_the_environment_cannot_switch_bolt_to_oauth(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLACK_CLIENT_ID and its friends belong to other programs; our token stays in force and no file store appears."""
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from-somewhere-else")
    monkeypatch.setenv("SLACK_VERIFICATION_TOKEN", "from-somewhere-else")

    async with open_session() as session:
        client = web_client(token="xoxb-ours", base_url="http://127.0.0.1:9/api", session=session)
        app = bolt(client=client, identity=Identity(client=client), listeners=())

    assert app.oauth_flow is None
    assert app.installation_store is None
    assert client.base_url == "http://127.0.0.1:9/api/"


async def test_listeners_work_with_a_foreign_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is answered just the same when Bolt's variables are set."""
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "3")

    async with harness("http") as here:
        roos = here.slack.person("U0ROOS")
        assert (await roos.command("C0UPGRADES", "/schedule-upgrade help")).ok
        await roos.private("C0UPGRADES", "opens the form")


async def test_what_nobody_asked_for_is_acknowledged() -> None:
    """Slack repeats a refused event, and shows a warning beside a link button whose press nobody took."""
    async with harness("http") as here:
        team = here.slack.workspace.team_id
        for body in (
            {"type": "event_callback", "event": {"type": "team_join", "user": "U1"}, "team_id": team},
            {"type": "block_actions", "actions": [{"action_id": "x", "block_id": "y"}], "team": {"id": team}},
            {"type": "block_suggestion", "action_id": "x", "block_id": "y", "value": "", "team": {"id": team}},
        ):
            answer = await here.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
            assert answer.status == 200, body


async def test_bolt_writes_nothing_whatever_the_roots_level(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would write whole bodies, warn of SLACK_BOT_TOKEN, which is ours, and trace back what it cannot read."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-ours")
    caplog.set_level(logging.DEBUG)

    async with harness("http") as here:
        await here.slack.person("U0ROOS").command("C0UPGRADES", "/schedule-upgrade help")
        body = {"type": "block_actions", "actions": [], "team": {"id": here.slack.workspace.team_id}}
        await here.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))

    assert [record.message for record in caplog.records if "slack_bolt" in record.name or "Async" in record.name] == []
