"""Who the bot is: learned once, checked again, and a refused token told apart from a Slack that is away."""

import asyncio

import pytest

from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity, Installation, SlackUnreachable, TokenRefused

HERE = Installation(team_id="T1", team="", enterprise_id="E1", bot_user_id="U0BOT", bot_id="B1", app_id="A1", scopes=())


async def test_it_is_learned_with_app_and_scopes() -> None:
    """auth.test and bots.info say which team, which app and which scopes."""
    async with SimulatedSlack() as slack, open_session() as session:
        identity = Identity(client=web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session))

        here = await identity.learn()

        assert (here.team_id, here.app_id) == (slack.workspace.team_id, slack.app.id)
        assert set(here.scopes) == set(slack.app.scopes)
        assert identity.error == ""


async def test_a_refused_token_names_its_setting() -> None:
    """The command line ends with exit code 2 and says which variable is wrong, never its value."""
    async with SimulatedSlack() as slack, open_session() as session:
        identity = Identity(client=web_client(token="xoxb-wrong", base_url=slack.api_url, session=session))

        with pytest.raises(TokenRefused) as refused:
            await identity.learn()

        assert refused.value.variable == "SLACK_BOT_TOKEN"
        assert "xoxb" not in str(refused.value)
        assert await identity.authorize() is None


async def test_an_answer_without_a_team_is_none() -> None:
    """Everybody without a team would count as a member of it; the bot is not ready instead, and says why."""
    async with SimulatedSlack() as slack, open_session() as session:
        slack.workspace.team_id = ""
        identity = Identity(client=web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session))

        with pytest.raises(SlackUnreachable, match="named no team"):
            await identity.learn()

        assert identity.known is None
        assert "named no team" in identity.error
        assert await identity.authorize() is None


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(retry_after=9), Fault(garbage=True)])
async def test_a_slack_that_is_away_is_waited_for(fault: Fault) -> None:
    """It is asked again until it answers, and what was known stays known."""
    async with SimulatedSlack() as slack, open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client, recheck=0.05, pause=0.02)
        slack.faults.add("auth.test", fault)
        with pytest.raises(SlackUnreachable):
            await identity.learn()
        assert identity.known is None

        keeping = asyncio.create_task(identity.keep())
        async with asyncio.timeout(60):
            while identity.error:  # noqa: ASYNC110 - an identity sets no event
                await asyncio.sleep(0.01)
        slack.app.revoked = True
        async with asyncio.timeout(60):
            while not identity.error:  # noqa: ASYNC110 - an identity sets no event
                await asyncio.sleep(0.01)
        assert identity.known is not None
        assert identity.error.startswith("Slack refuses the token in SLACK_BOT_TOKEN (token_revoked).")
        slack.app.revoked = False
        async with asyncio.timeout(60):
            while identity.error:  # noqa: ASYNC110 - an identity sets no event
                await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize(
    ("payload", "ours"),
    [
        ({"team_id": "T1"}, True),
        ({"team": {"id": "T1"}}, True),
        ({"team": None, "enterprise": {"id": "E1"}}, True),
        ({"team": {"id": "T2"}, "message": {"team": "T1"}, "api_app_id": "A1"}, True),
        ({"team": {"id": "T2"}, "view": {"app_installed_team_id": "T1"}}, True),
        ({"team_id": "T2", "authorizations": [{"team_id": "T1"}]}, True),
        ({"team_id": "T2"}, False),
        ({"team_id": "T1", "api_app_id": "A2"}, False),
        ({}, False),
        ({"team": "T2", "authorizations": 7}, False),
    ],
)
def test_only_payloads_of_this_installation_concern_it(payload: dict[str, object], ours: bool) -> None:  # noqa: FBT001
    """A press by somebody from another organisation in a shared channel does; another workspace's does not."""
    assert HERE.concerns(payload) is ours
