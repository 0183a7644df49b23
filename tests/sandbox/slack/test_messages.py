import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.workspace import Channel
from tests.sandbox.slack.blocks import Json, actions, button, plain, section

HERE = "C0UPGRADES"


async def test_a_posted_message_is_seen_by_everybody_in_the_channel(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """The answer carries channel, stamp and the message as kept."""
    answer = await client.chat_postMessage(channel=HERE, text="Hello", blocks=[section("*Hello*")])

    for person in ("U0ROOS", "U0GIJS"):
        (message,) = slack.person(person).messages(HERE)
        assert (message.ts, message.text, message.shown) == (answer["ts"], "Hello", "*Hello*")
    assert slack.person("U0VERA").messages(HERE) == []
    assert answer["message"]["blocks"][0]["block_id"]
    assert answer["message"]["blocks"][0]["text"]["verbatim"] is False


async def test_a_form_body_posts_too(slack: SimulatedSlack, session: aiohttp.ClientSession) -> None:
    """Blocks may come as JSON text in a form field."""
    form = {"token": slack.app.bot_token, "channel": HERE, "text": "Hi", "blocks": json.dumps([section("Hi there")])}

    async with session.post(f"{slack.api_url}chat.postMessage", data=form) as response:
        assert (await response.json())["ok"] is True

    assert slack.person("U0ROOS").messages(HERE)[0].shown == "Hi there"


async def test_stamps_are_unique_and_rise(client: AsyncWebClient) -> None:
    """However fast messages come, no two have the same stamp."""
    stamps = [str((await client.chat_postMessage(channel=HERE, text=str(n)))["ts"]) for n in range(20)]

    assert sorted(set(stamps)) == stamps


async def test_a_person_is_written_to_by_user_id(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The answer names the conversation, which an update needs; the user id is refused there."""
    answer = await client.chat_postMessage(channel="U0ROOS", text="Just for you")

    assert answer["channel"] == slack.person("U0ROOS").dm
    assert (await slack.person("U0ROOS").direct("Just for you")).text == "Just for you"
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_update(channel="U0ROOS", ts=answer["ts"], text="Changed")
    await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="Changed")
    assert slack.person("U0ROOS").messages(slack.person("U0ROOS").dm)[0].edited


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("C0SECRET", "channel_not_found"),
        ("C0GENERAL", "not_in_channel"),
        ("C0OLDNEWS", "is_archived"),
        ("C0ONLYBOSS", "restricted_action"),
        ("U0NOBODY", "channel_not_found"),
    ],
)
async def test_the_bot_posts_only_where_it_may(
    slack: SimulatedSlack, client: AsyncWebClient, channel: str, error: str
) -> None:
    """Unknown, private, not joined, archived and restricted channels are refused by their names."""
    slack.workspace.add_channel(Channel(id="C0SECRET", name="secret", private=True, members={"U0ROOS"}))
    slack.workspace.add_channel(
        Channel(id="C0ONLYBOSS", name="only-boss", members={slack.app.bot_user_id}, restricted=True)
    )

    with pytest.raises(SlackApiError, match=error):
        await client.chat_postMessage(channel=channel, text="Hello")


async def test_chat_write_public_opens_public_channels(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """With that scope membership is not needed, but private channels stay closed."""
    slack.app.scopes = (*slack.app.scopes, "chat:write.public")
    slack.workspace.add_channel(Channel(id="C0SECRET", name="secret", private=True))

    await client.chat_postMessage(channel="C0GENERAL", text="Hello")

    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel="C0SECRET", text="Hello")


async def test_a_bot_thrown_out_can_no_longer_post(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Membership is looked at each time."""
    slack.workspace.leave(HERE, slack.app.bot_user_id)

    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postMessage(channel=HERE, text="Hello")


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": "  "}, {"blocks": [section()]}])
async def test_a_message_without_text_is_refused(client: AsyncWebClient, content: dict[str, Any]) -> None:
    """Blocks need a text beside them, because that is what screen readers and notifications read."""
    with pytest.raises(SlackApiError, match="no_text"):
        await client.api_call("chat.postMessage", json={"channel": HERE, **content})


async def test_blocks_without_text_pass_when_slack_is_as_lenient_as_it_really_is(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """The strictness about text is ours and can be switched off."""
    slack.state.strict_text = False

    assert (await client.api_call("chat.postMessage", json={"channel": HERE, "blocks": [section()]}))["ok"]


async def test_an_update_without_blocks_takes_the_blocks_away(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Text alone replaces everything."""
    posted = await client.chat_postMessage(channel=HERE, text="A", blocks=[actions(button())])

    await client.chat_update(channel=HERE, ts=posted["ts"], text="B")

    (message,) = slack.person("U0ROOS").messages(HERE)
    assert (message.shown, message.buttons, message.edited) == ("B", (), True)


async def test_a_long_post_is_cut_and_a_long_update_refused(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """40,000 characters are kept of a post; an update takes 4,000 bytes."""
    posted = await client.chat_postMessage(channel=HERE, text="x" * 50_000)

    assert len(slack.person("U0ROOS").messages(HERE)[0].text) == 40_000
    await client.chat_update(channel=HERE, ts=posted["ts"], text="x" * 4_000)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel=HERE, ts=posted["ts"], text="x" * 4_001)
    await client.chat_update(channel=HERE, ts=posted["ts"], text="\u2060" * 1_333)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel=HERE, ts=posted["ts"], text="\u2060" * 1_334)


async def test_only_own_messages_can_be_changed(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """People's messages, unknown ones and ephemeral ones are out of reach."""
    theirs = await slack.person("U0ROOS").say(HERE, "Mine")
    private = await client.chat_postEphemeral(channel=HERE, user="U0ROOS", text="Psst")

    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel=HERE, ts=theirs, text="Yours")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await client.chat_delete(channel=HERE, ts=theirs)
    for stamp in ("1.000000", private["message_ts"]):
        with pytest.raises(SlackApiError, match="message_not_found"):
            await client.chat_update(channel=HERE, ts=stamp, text="x")


async def test_a_message_in_an_archived_channel_cannot_be_changed(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """An update there is refused as inactive."""
    posted = await client.chat_postMessage(channel=HERE, text="A")
    slack.workspace.archive(HERE)

    with pytest.raises(SlackApiError, match="is_inactive"):
        await client.chat_update(channel=HERE, ts=posted["ts"], text="B")


async def test_a_deleted_message_is_gone_but_a_parent_leaves_a_placeholder(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """Replies outlive their parent."""
    alone = await client.chat_postMessage(channel=HERE, text="Alone")
    parent = await client.chat_postMessage(channel=HERE, text="Parent")
    await client.chat_postMessage(channel=HERE, text="Child", thread_ts=parent["ts"])

    await client.chat_delete(channel=HERE, ts=alone["ts"])
    slack.person("U0ROOS").delete(HERE, str(parent["ts"]))

    assert [one.text for one in slack.person("U0ROOS").messages(HERE)] == ["This message was deleted."]
    assert [one.text for one in slack.person("U0ROOS").thread(HERE, str(parent["ts"]))][1:] == ["Child"]
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel=HERE, ts=parent["ts"], text="Back")


async def test_replies_stay_in_the_thread(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The channel shows only the parent, with the number of replies."""
    parent = await client.chat_postMessage(channel=HERE, text="Parent")
    await client.chat_postMessage(channel=HERE, text="Child", thread_ts=parent["ts"])

    (shown,) = slack.person("U0SEM").messages(HERE)
    assert (shown.text, shown.replies) == ("Parent", 1)
    assert (await slack.person("U0SEM").reply(HERE, str(parent["ts"]), "Child")).thread_ts == parent["ts"]


async def test_a_reply_to_a_reply_joins_its_thread(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Threads are one level deep."""
    parent = await client.chat_postMessage(channel=HERE, text="Parent")
    child = await client.chat_postMessage(channel=HERE, text="Child", thread_ts=parent["ts"])

    grandchild = await client.chat_postMessage(channel=HERE, text="Grandchild", thread_ts=child["ts"])

    assert grandchild["message"]["thread_ts"] == parent["ts"]
    assert [one.text for one in slack.person("U0SEM").thread(HERE, str(parent["ts"]))] == [
        "Parent",
        "Child",
        "Grandchild",
    ]


async def test_a_cut_text_is_announced(client: AsyncWebClient) -> None:
    """Beyond 40,000 characters Slack cuts and warns."""
    answer = await client.chat_postMessage(channel=HERE, text="x" * 40_001)

    assert answer["warning"] == "message_truncated"
    assert len(answer["message"]["text"]) == 40_000
    assert "warning" not in (await client.chat_postMessage(channel=HERE, text="x" * 40_000)).data


@pytest.mark.parametrize(
    ("blocks", "accepted"),
    [
        ([section("x" * 2200) for _ in range(6)], True),
        ([section("x" * 2201), *[section("x" * 2200) for _ in range(5)]], False),
        ([section("&" * 2640)], True),
        ([section("&" * 2641)], False),
        ([section("<" * 1650), section(">" * 1650)], True),
        ([section("<" * 1651), section(">" * 1650)], False),
        ([{"type": "header", "text": plain("x" * 100)}, *[section("x" * 2600) for _ in range(5)]], True),
        ([{"type": "header", "text": plain("x" * 101)}, *[section("x" * 2600) for _ in range(5)]], False),
    ],
)
async def test_a_message_has_a_total_size(client: AsyncWebClient, blocks: list[Json], *, accepted: bool) -> None:
    """13,200 counted characters over all blocks: markup counts escaped, a header counts 100 more."""
    posted = await client.chat_postMessage(channel=HERE, text="Short")
    if accepted:
        await client.chat_postMessage(channel=HERE, text="Hello", blocks=blocks)
        await client.chat_update(channel=HERE, ts=posted["ts"], text="Hello", blocks=blocks)
        return
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await client.chat_postMessage(channel=HERE, text="Hello", blocks=blocks)
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await client.chat_update(channel=HERE, ts=posted["ts"], text="Hello", blocks=blocks)


async def test_an_ephemeral_message_is_seen_by_one_person(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Only somebody in the channel can get one."""
    await client.chat_postEphemeral(channel=HERE, user="U0ROOS", text="Psst")

    assert (await slack.person("U0ROOS").private(HERE, "Psst")).private
    assert slack.person("U0SEM").messages(HERE) == []
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await client.chat_postEphemeral(channel=HERE, user="U0VERA", text="Psst")


async def test_a_permalink_leads_to_the_message(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Replies are linked through their parent."""
    parent = await client.chat_postMessage(channel=HERE, text="Parent")
    child = await client.chat_postMessage(channel=HERE, text="Child", thread_ts=parent["ts"])

    link = (await client.chat_getPermalink(channel=HERE, message_ts=child["ts"]))["permalink"]

    stamp = str(child["ts"]).replace(".", "")
    assert link == f"{slack.workspace.url}archives/{HERE}/p{stamp}?thread_ts={parent['ts']}&cid={HERE}"
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_getPermalink(channel=HERE, message_ts="1.000000")


async def test_metadata_has_a_shape_and_is_kept(client: AsyncWebClient) -> None:
    """An update without metadata keeps what was there."""
    metadata = {"event_type": "card", "event_payload": {"id": "1"}}
    posted = await client.chat_postMessage(channel=HERE, text="A", metadata=metadata)

    changed = await client.chat_update(channel=HERE, ts=posted["ts"], text="B")

    assert changed["message"]["metadata"] == metadata
    with pytest.raises(SlackApiError, match="invalid_metadata_format"):
        await client.chat_postMessage(channel=HERE, text="A", metadata={"event_type": "card"})


async def test_a_disabled_messages_tab_takes_no_direct_messages(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The manifest decides about the tab."""
    slack.app.messages_tab = False

    with pytest.raises(SlackApiError, match="messages_tab_disabled"):
        await client.chat_postMessage(channel="U0ROOS", text="Hello")
