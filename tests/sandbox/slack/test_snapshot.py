import json

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import actions, button, home, modal, section
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"


async def test_a_restarted_workspace_shows_the_same(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Messages, threads, private ones, Homes and what was read survive as JSON; modals do not."""
    card = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button())])
    await client.chat_postMessage(channel=HERE, text="Reply", thread_ts=card["ts"])
    await client.chat_postEphemeral(channel=HERE, user="U0ROOS", text="Psst")
    await client.views_publish(user_id="U0ROOS", view=home(section("Upcoming")))
    await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=modal(section()))
    await slack.person("U0ROOS").open_home()
    saved = json.loads(json.dumps(slack.snapshot()))

    async with SimulatedSlack(app=slack.app) as again:
        again.restore(saved)
        roos = again.person("U0ROOS")
        other = AsyncWebClient(token=again.app.bot_token, base_url=again.api_url)

        assert roos.messages(HERE) == slack.person("U0ROOS").messages(HERE)
        assert roos.thread(HERE, str(card["ts"])) == slack.person("U0ROOS").thread(HERE, str(card["ts"]))
        assert "Upcoming" in await roos.home()
        assert again.state.modals("U0ROOS") == []
        await other.chat_update(channel=HERE, ts=card["ts"], text="Changed")
        assert (await other.chat_postMessage(channel=HERE, text="New"))["ts"] > card["ts"]
        assert (await roos.message(HERE, "Changed")).edited
    assert listening.heard
