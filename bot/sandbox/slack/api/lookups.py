"""The methods that look things up: who the bot is, channels and the workspace."""

from bot.sandbox.slack.api.methods import Call, Method, missing_scope, visible_channel
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.state import dm_of
from bot.sandbox.slack.workspace import Channel


def auth_test(call: Call) -> Json:
    """auth.test; its headers name the scopes."""
    state = call.state
    found: Json = {
        "url": state.workspace.url,
        "team": state.workspace.team_name,
        "user": state.app.bot_name,
        "team_id": state.workspace.enterprise_id if state.app.org_wide else state.workspace.team_id,
        "user_id": state.app.bot_user_id,
        "bot_id": state.app.bot_id,
        "is_enterprise_install": state.app.org_wide,
    }
    return found | ({"enterprise_id": state.workspace.enterprise_id} if state.workspace.enterprise_id else {})


def auth_teams_list(call: Call) -> Json:
    """auth.teams.list, on pages of one workspace: the app's workspaces, its own the last."""
    teams = [*call.state.workspace.sisters, call.state.workspace.team_id]
    at = int(call.given.text("cursor") or 0)
    following = str(at + 1) if at + 1 < len(teams) else ""
    return {"teams": [{"id": teams[at], "name": teams[at]}], "response_metadata": {"next_cursor": following}}


def _readable(call: Call) -> Channel:
    """Give a channel that the bot may read about with the scopes it has."""
    channel = visible_channel(call, call.given.needed("channel"))
    direct = channel.id.startswith("D")
    needed = "im:read" if direct else "groups:read" if channel.private else "channels:read"
    if needed not in call.state.app.scopes:
        raise missing_scope((needed,), call.state.app.scopes)
    return channel


def conversations_info(call: Call) -> Json:
    """conversations.info."""
    channel = _readable(call)
    direct = channel.id.startswith("D")
    found: Json = {
        "id": channel.id,
        "is_channel": not direct and not channel.private,
        "is_group": channel.private,
        "is_im": direct,
        "is_mpim": False,
        "is_private": channel.private or direct,
        "is_archived": channel.archived,
        "context_team_id": call.state.workspace.team_id,
    }
    if direct:
        return {"channel": found | {"user": next(iter(channel.members - {call.state.app.bot_user_id}))}}
    return {
        "channel": found
        | {
            "name": channel.name,
            "name_normalized": channel.name,
            "is_member": call.state.app.bot_user_id in channel.members,
            "is_general": channel.name == "general",
            "is_shared": channel.shared,
            "is_ext_shared": channel.shared,
            "is_org_shared": False,
            "is_read_only": channel.restricted,
            "topic": {"value": channel.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }
    }


def conversations_members(call: Call) -> Json:
    """conversations.members, on one page."""
    return {"members": sorted(_readable(call).members), "response_metadata": {"next_cursor": ""}}


def conversations_open(call: Call) -> Json:
    """conversations.open, with one person."""
    person = call.state.workspace.people.get(call.given.needed("users"))
    if person is None:
        raise SlackError("user_not_found")
    if person.deleted:
        raise SlackError("user_disabled")
    return {"channel": {"id": dm_of(person.id)}}


def team_info(call: Call) -> Json:
    """team.info."""
    workspace = call.state.workspace
    return {
        "team": {"id": workspace.team_id, "name": workspace.team_name, "domain": workspace.domain, "url": workspace.url}
    }


_READ_CHANNELS = ("channels:read", "groups:read", "im:read", "mpim:read")
METHODS = {
    "auth.test": Method(work=auth_test),
    "auth.teams.list": Method(work=auth_teams_list),
    "conversations.info": Method(work=conversations_info, scopes=_READ_CHANNELS, tier=3, json=False),
    "conversations.members": Method(work=conversations_members, scopes=_READ_CHANNELS, tier=4, json=False),
    "conversations.open": Method(work=conversations_open, scopes=("im:write",), tier=3),
    "team.info": Method(work=team_info, scopes=("team:read",), tier=3, json=False),
}
