import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.simulated import SimulatedSlack


async def test_the_bot_learns_who_it_is(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """auth.test names team and bot, and its headers name the scopes."""
    answer = await client.auth_test()

    assert answer["user_id"] == slack.app.bot_user_id
    assert answer["team_id"] == slack.workspace.team_id
    assert answer.headers["x-oauth-scopes"] == ",".join(slack.app.scopes)


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-wrong", "invalid_auth")])
async def test_a_wrong_token_is_refused(slack: SimulatedSlack, token: str, error: str) -> None:
    """No token and a wrong token have names of their own."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{slack.api_url}auth.test", headers={"Authorization": f"Bearer {token}"}) as response,
    ):
        assert await response.json() == {"ok": False, "error": error}


async def test_a_token_in_the_form_counts_too(slack: SimulatedSlack, session: aiohttp.ClientSession) -> None:
    """Slack takes the token as a form field."""
    async with session.post(f"{slack.api_url}auth.test", data={"token": slack.app.bot_token}) as response:
        assert (await response.json())["ok"] is True


async def test_a_revoked_token_is_refused(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Once the app is revoked nothing works any more."""
    slack.app.revoked = True

    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()


async def test_each_token_has_its_methods(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The bot token opens no socket, and the app token posts nothing."""
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.app.bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.chat_postMessage(token=slack.app.app_token, channel="C0UPGRADES", text="x")


async def test_an_unknown_method_is_named_so(client: AsyncWebClient) -> None:
    """A misspelt method is an error."""
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("chat.postMesage")


async def test_a_missing_scope_is_named() -> None:
    """The answer says what is needed and what there is."""
    async with SimulatedSlack(app=InstalledApp(scopes=("chat:write", "commands"))) as slack:
        client = AsyncWebClient(token=slack.app.bot_token, base_url=slack.api_url)

        with pytest.raises(SlackApiError) as refused:
            await client.users_info(user="U0ROOS")

        assert refused.value.response["error"] == "missing_scope"
        assert refused.value.response["needed"] == "users:read"
        assert refused.value.response["provided"] == "chat:write,commands"


async def test_the_manifest_decides_what_the_app_may(slack: SimulatedSlack) -> None:
    """Scopes, commands, events and switches are read from the manifest."""
    app = InstalledApp.from_manifest(
        {
            "display_information": {"name": "Deploybot", "description": "Deploys"},
            "features": {
                "app_home": {"home_tab_enabled": True, "messages_tab_enabled": False},
                "bot_user": {"display_name": "deploybot"},
                "slash_commands": [{"command": "/deploy", "description": "Deploy", "should_escape": True}],
            },
            "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
            "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}, "socket_mode_enabled": True},
        }
    )

    assert (app.name, app.bot_name, app.scopes) == ("Deploybot", "deploybot", ("commands", "chat:write"))
    assert [command.name for command in app.commands] == ["/deploy"]
    assert (app.home_tab, app.messages_tab, app.socket_mode, app.options_url) == (True, False, True, False)
    assert slack.app.bot_token != app.bot_token
