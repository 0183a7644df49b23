from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.blockkit.mrkdwn import Mentions, mentions, possible_mentions
from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import actions, button, mrkdwn, plain, section

NOTHING = Mentions()


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"text": "<@U0SEM> please"}, Mentions(users=frozenset({"U0SEM"}))),
        ({"text": "<!subteam^S0PLATFORM|@platform>"}, Mentions(groups=frozenset({"S0PLATFORM"}))),
        ({"text": "<!here> and <!channel>"}, Mentions(broadcasts=frozenset({"here", "channel"}))),
        ({"text": "<#C0PROD|production>"}, Mentions(channels=frozenset({"C0PROD"}))),
        ({"text": "<https://a.test/?x=1&amp;y=2|here>"}, Mentions(links=frozenset({"https://a.test/?x=1&y=2"}))),
        ({"text": "<!date^1800000000^{date}|then>"}, NOTHING),
        ({"text": "&lt;!channel&gt; &lt;@U0SEM&gt;"}, NOTHING),
        ({"text": "@here @sem #general"}, NOTHING),
        ({"text": "@here", "link_names": True}, Mentions(broadcasts=frozenset({"here"}))),
        (
            {"text": "@sem #general", "parse": "full"},
            Mentions(names=frozenset({"sem"}), channels=frozenset({"general"})),
        ),
        ({"text": "see https://a.test/x"}, Mentions(links=frozenset({"https://a.test/x"}))),
        ({"text": "see https://a.test/x", "parse": "none"}, NOTHING),
        ({"text": "x", "blocks": [section("@here")]}, Mentions(broadcasts=frozenset({"here"}))),
        ({"text": "x", "blocks": [section("@here @sem #general https://a.test")]}, None),
        (
            {"text": "x", "blocks": [{"type": "section", "text": mrkdwn("@here https://a.test", verbatim=True)}]},
            NOTHING,
        ),
        (
            {"text": "x", "blocks": [{"type": "section", "text": mrkdwn("<@U0SEM>", verbatim=True)}]},
            Mentions(users=frozenset({"U0SEM"})),
        ),
        ({"text": "x", "blocks": [{"type": "header", "text": plain("<!channel> @here https://a.test")}]}, NOTHING),
        ({"text": "x", "blocks": [{"type": "context", "elements": [mrkdwn("<!everyone>")]}]}, None),
        (
            {"text": "x", "blocks": [{"type": "section", "fields": [mrkdwn("<@U0KIM>", verbatim=True)]}]},
            Mentions(users=frozenset({"U0KIM"})),
        ),
        (
            {"text": "x", "blocks": [actions(button(url="https://b.test"))]},
            Mentions(links=frozenset({"https://b.test"})),
        ),
        (
            {"text": "x", "blocks": [{"type": "rich_text", "elements": [{"type": "user", "user_id": "U0SEM"}]}]},
            Mentions(users=frozenset({"U0SEM"})),
        ),
        ({"text": "mail roos@here.test", "parse": "none", "link_names": True}, NOTHING),
    ],
)
def test_what_is_mentioned_follows_slacks_rules(message: dict[str, Any], found: Mentions | None) -> None:
    """Explicit forms always; plain words only where Slack parses by itself."""
    if found is None:
        assert not mentions(message).nobody
    else:
        assert mentions(message) == found


def test_the_text_beside_blocks_is_only_a_possible_mention() -> None:
    """To prove that somebody is mentioned the blocks count; to prove that nobody is, the text does too."""
    message = {"text": "<@U0SEM>", "blocks": [section("A line")]}

    assert mentions(message).nobody
    assert possible_mentions(message).users == {"U0SEM"}


async def test_a_seen_message_knows_whom_it_mentions(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Groups count for their members, as the unread mark shows."""
    await client.chat_postMessage(channel="C0UPGRADES", text="Due: <!subteam^S0PLATFORM>", parse="none")

    assert slack.person("U0ROOS").messages("C0UPGRADES")[0].mentions.groups == {"S0PLATFORM"}
    assert len(slack.person("U0SEM").mentioned_in("C0UPGRADES")) == 1
    assert slack.person("U0ROOS").mentioned_in("C0UPGRADES") == []
