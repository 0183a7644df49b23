"""What doctor says about the way to Slack, each thing broken on its own."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import AsyncExitStack
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bot.doctor.cloud_access import cloud_access
from bot.doctor.finding import State
from bot.doctor.slack_access import slack_access
from bot.sandbox.slack.api.faults import Fault
from tests.doctor.conftest import Clinic
from tests.world.test_proxy import joined


async def test_a_healthy_connection_is_said_to_be_right(clinic: Clinic) -> None:
    found = await clinic.examine(slack_access)

    assert {finding.state for finding in found} == {State.OK}
    assert any("T0HARBOUR" in finding.text and "U0UPGRADEBOT" in finding.text for finding in found)
    assert any("every scope" in finding.text for finding in found)
    assert any("Socket Mode" in finding.text for finding in found)


async def test_a_refused_token_names_its_variable(clinic: Clinic) -> None:
    clinic.changes["slack_bot_token"] = SecretStr("xoxb-wrong")

    finding = await clinic.only(State.WRONG, slack_access)

    assert finding.about == "SLACK_BOT_TOKEN"
    assert "refuses the token (invalid_auth)" in finding.text
    assert "xoxb-wrong" not in str(finding)


async def test_an_unreachable_slack_names_the_address(clinic: Clinic) -> None:
    clinic.changes["slack_api_url"] = "http://127.0.0.1:9/api/"

    finding = await clinic.only(State.WRONG, slack_access)

    assert finding.about == "SLACK_API_URL"
    assert "http://127.0.0.1:9/api/" in finding.fix


async def test_a_missing_scope_is_named(clinic: Clinic) -> None:
    clinic.slack.app.scopes = tuple(scope for scope in clinic.slack.app.scopes if scope != "usergroups:read")

    finding = await clinic.only(State.WRONG, slack_access)

    assert (finding.about, finding.text) == ("SLACK_BOT_TOKEN", "lacks the scope usergroups:read")
    assert "OAuth & Permissions" in finding.fix


async def test_a_wrong_app_token_names_its_variable(clinic: Clinic) -> None:
    clinic.changes["slack_app_token"] = SecretStr("xapp-wrong")

    finding = await clinic.only(State.WRONG, slack_access)

    assert finding.about == "SLACK_APP_TOKEN"
    assert "connections:write" in finding.fix


async def test_an_app_token_of_another_app_is_wrong(clinic: Clinic) -> None:
    """Slack takes it, and delivers what people do to the other app."""
    clinic.slack.app.app_token = "xapp-1-A0OTHER-1-abc"

    finding = await clinic.only(State.WRONG, slack_access)

    assert finding.about == "SLACK_APP_TOKEN"
    assert "belongs to the Slack app A0OTHER, and SLACK_BOT_TOKEN to A0UPGRADEBOT" in finding.text
    assert "Basic Information" in finding.fix


async def test_the_command_that_is_answered_is_named(clinic: Clinic) -> None:
    clinic.changes["bot_command"] = "/upgrade"

    found = await clinic.examine(slack_access)

    assert any(finding.about == "BOT_COMMAND" and finding.text.startswith("/upgrade is answered") for finding in found)


async def test_over_http_the_secret_can_only_be_proved_by_a_press(clinic: Clinic) -> None:
    clinic.changes |= {"slack_app_token": None, "slack_signing_secret": (SecretStr("s"),)}

    found = await clinic.examine(slack_access)

    assert any(finding.about == "SLACK_SIGNING_SECRET" and "--round-trip" in finding.text for finding in found)


async def test_a_slack_that_answers_nonsense_is_not_reached(clinic: Clinic) -> None:
    clinic.slack.faults.add("auth.test", Fault(garbage=True), times=None)

    finding = await clinic.only(State.WRONG, slack_access)

    assert finding.about == "SLACK_API_URL"
    assert finding.text == "Slack answered auth.test with not_json"


@pytest.mark.parametrize(("ahead", "state"), [(60, State.WARNING), (-60, State.WARNING), (400, State.WRONG)])
async def test_a_clock_that_is_off_is_noticed(clinic: Clinic, ahead: int, state: State) -> None:
    clinic.ahead = timedelta(seconds=ahead)

    finding = await clinic.only(state, slack_access)

    assert "clock and Slack's are" in finding.text
    assert "NTP" in finding.fix


async def test_what_no_proxy_names_is_reached_directly(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `run` does it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.2")
    async with AsyncExitStack() as stack:
        for name, address in (("slack_api_url", clinic.slack.api_url), ("acloud_api_endpoint", clinic.cloud.url)):
            inner = urlsplit(address).port or 0

            async def front(reader: StreamReader, writer: StreamWriter, *, port: int = inner) -> None:
                await joined(reader, writer, port)

            server = await asyncio.start_server(front, "127.0.0.2", 0)
            stack.callback(server.close)
            outer = server.sockets[0].getsockname()[1]
            clinic.changes[name] = address.replace(f"127.0.0.1:{inner}", f"127.0.0.2:{outer}")

        found = await clinic.examine(slack_access, cloud_access)

    assert {finding.state for finding in found} == {State.OK}
