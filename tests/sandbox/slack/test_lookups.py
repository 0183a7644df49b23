from datetime import UTC, datetime

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.workspace import OTHER_TEAM, Channel, Person


@pytest.mark.parametrize(
    ("person", "flags"),
    [
        ("U0ROOS", {"deleted": False, "is_bot": False, "is_restricted": False, "team_id": "T0HARBOUR"}),
        ("U0GIJS", {"is_restricted": True, "is_ultra_restricted": False}),
        ("U0VERA", {"team_id": OTHER_TEAM, "is_stranger": False}),
        ("U0FARAWAY", {"team_id": OTHER_TEAM, "is_stranger": True}),
        ("U0LEFT", {"deleted": True}),
        ("U0ROBOT", {"is_bot": True}),
        ("U0UPGRADEBOT", {"is_bot": True}),
    ],
)
async def test_people_are_described_by_their_flags(
    slack: SimulatedSlack, client: AsyncWebClient, person: str, flags: dict[str, object]
) -> None:
    """Somebody of another organisation whom the bot meets in a shared channel is no stranger to Slack."""
    for one in (
        Person(id="U0FARAWAY", name="far", real_name="Far Away", kind="stranger", team_id=OTHER_TEAM),
        Person(id="U0LEFT", name="left", real_name="Left", deleted=True),
        Person(id="U0ROBOT", name="robot", real_name="Robot", is_bot=True),
    ):
        slack.workspace.add_person(one)

    found = (await client.users_info(user=person))["user"]

    assert {name: found[name] for name in flags} == flags


async def test_an_organisation_has_people_in_several_workspaces(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Those of a sister workspace have its team_id and our enterprise_id; a partner's have neither."""
    slack.workspace.enterprise_id = "E0HARBOUR"
    slack.workspace.sisters.append("T0QUAY")
    slack.workspace.add_person(Person(id="W0MILA", name="mila", real_name="Mila", team_id="T0QUAY"))

    mila = (await client.users_info(user="W0MILA"))["user"]
    vera = (await client.users_info(user="U0VERA"))["user"]

    assert (mila["team_id"], mila["enterprise_user"]["enterprise_id"]) == ("T0QUAY", "E0HARBOUR")
    assert mila["enterprise_user"]["teams"] == ["T0QUAY"]
    assert "is_stranger" not in mila
    assert "enterprise_user" not in vera


async def test_time_zones_follow_the_clock() -> None:
    """The offset is that of the simulated date: daylight saving included."""
    moments = [datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]
    offsets = []
    for moment in moments:
        async with SimulatedSlack(clock=lambda now=moment: now) as slack:  # type: ignore[misc]
            client = AsyncWebClient(token=slack.app.bot_token, base_url=slack.api_url)
            user = (await client.users_info(user="U0ROOS"))["user"]
            offsets.append((user["tz"], user["tz_offset"]))

    assert offsets == [("Europe/Amsterdam", 7200), ("Europe/Amsterdam", 3600)]


async def test_an_unknown_person_is_not_found(client: AsyncWebClient) -> None:
    """By its name."""
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.users_info(user="U0NOBODY")


async def test_reading_methods_do_not_read_json(client: AsyncWebClient) -> None:
    """As in Slack, their arguments come as a form or a query."""
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.api_call("users.info", json={"user": "U0ROOS"})


async def test_groups_tell_their_members(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Deactivated people stay listed; a disabled group is listed only on request."""
    slack.workspace.deactivate("U0SEM")

    assert (await client.usergroups_users_list(usergroup="S0PLATFORM"))["users"] == ["U0SEM", "U0KIM"]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0NONE")

    slack.workspace.groups["S0PLATFORM"].disabled = True
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0PLATFORM")
    assert (await client.usergroups_users_list(usergroup="S0PLATFORM", include_disabled=True))["ok"]
    assert [group["handle"] for group in (await client.usergroups_list())["usergroups"]] == ["on-call"]


async def test_groups_need_a_paid_plan(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """On a free plan Slack says so."""
    slack.workspace.paid = False

    with pytest.raises(SlackApiError, match="plan_upgrade_required"):
        await client.usergroups_users_list(usergroup="S0PLATFORM")


async def test_channels_are_described(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Archived, shared, joined or not; private ones only for members."""
    slack.workspace.add_channel(Channel(id="C0SECRET", name="secret", private=True))

    assert (await client.conversations_info(channel="C0UPGRADES"))["channel"]["is_member"] is True
    assert (await client.conversations_info(channel="C0GENERAL"))["channel"]["is_member"] is False
    assert (await client.conversations_info(channel="C0OLDNEWS"))["channel"]["is_archived"] is True
    assert (await client.conversations_info(channel="C0PARTNER"))["channel"]["is_ext_shared"] is True
    assert "U0GIJS" in (await client.conversations_members(channel="C0UPGRADES"))["members"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.conversations_info(channel="C0SECRET")


async def test_each_kind_of_channel_has_its_scope(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Private channels need groups:read, direct messages im:read; opening one needs im:write."""
    slack.app.scopes = ("channels:read",)
    slack.workspace.add_channel(Channel(id="C0SECRET", name="secret", private=True, members={slack.app.bot_user_id}))

    assert (await client.conversations_info(channel="C0UPGRADES"))["ok"]
    with pytest.raises(SlackApiError, match="groups:read"):
        await client.conversations_info(channel="C0SECRET")
    with pytest.raises(SlackApiError, match="im:read"):
        await client.conversations_info(channel=slack.person("U0ROOS").dm)
    with pytest.raises(SlackApiError, match="im:write"):
        await client.conversations_open(users="U0ROOS")
    slack.app.scopes = ("im:write",)
    assert (await client.conversations_open(users="U0ROOS"))["channel"]["id"] == slack.person("U0ROOS").dm
