"""The methods that look things up: who the bot is, people, user groups, channels and the workspace."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.methods import Call, Method, missing_scope, visible_channel
from bot.sandbox.slack.state import State, dm_of
from bot.sandbox.slack.workspace import Channel, Person, UserGroup


def auth_test(call: Call) -> Json:
    """auth.test; its headers name the scopes."""
    state = call.state
    return {
        "url": state.workspace.url,
        "team": state.workspace.team_name,
        "user": state.app.bot_name,
        "team_id": state.workspace.team_id,
        "user_id": state.app.bot_user_id,
        "bot_id": state.app.bot_id,
        "is_enterprise_install": False,
    }


def user_object(state: State, person: Person) -> Json:
    """Give a person as users.info gives them; of other organisations Slack tells less."""
    bot = state.app.bot_user_id
    met = any({person.id, bot} <= channel.members for channel in state.workspace.channels.values())
    zone = state.clock().astimezone(ZoneInfo(person.tz))
    found: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "profile": {
            "title": person.title,
            "real_name": person.real_name,
            "real_name_normalized": person.real_name,
            "display_name": person.display_name or person.name,
            "display_name_normalized": person.display_name or person.name,
            "team": person.team_id,
        },
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": state.stamps.seconds(),
        "who_can_share_contact_card": "EVERYONE",
    }
    if person.deleted:
        return found
    found |= {
        "color": "9f69e7",
        "tz": person.tz,
        "tz_label": zone.tzname() or person.tz,
        "tz_offset": int((zone.utcoffset() or timedelta()).total_seconds()),
        "is_admin": person.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.kind == "guest",
        "is_ultra_restricted": person.kind == "guest" and person.single_channel,
        "is_email_confirmed": True,
    }
    if person.team_id != state.workspace.team_id:
        found["is_stranger"] = not met
    return found


def users_info(call: Call) -> Json:
    """users.info."""
    name = call.given.text("user") or ""
    if name == call.state.app.bot_user_id:
        app = call.state.app
        bot = Person(id=name, name=app.bot_name, real_name=app.name, tz="UTC", is_bot=True)
        return {"user": user_object(call.state, bot)}
    person = call.state.workspace.people.get(name)
    if person is None:
        raise SlackError("user_not_found")
    return {"user": user_object(call.state, person)}


def bots_info(call: Call) -> Json:
    """bots.info."""
    app = call.state.app
    if call.given.text("bot") != app.bot_id:
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "deleted": False, "name": app.bot_name, "app_id": app.id, "user_id": app.bot_user_id}
    return {"bot": bot}


def _paid(call: Call) -> None:
    if not call.state.workspace.paid:
        raise SlackError("plan_upgrade_required")


def usergroups_users_list(call: Call) -> Json:
    """usergroups.users.list; a disabled group only with include_disabled."""
    _paid(call)
    group = call.state.workspace.groups.get(call.given.needed("usergroup"))
    if group is None or (group.disabled and not call.given.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def group_object(call: Call, group: UserGroup, *, users: bool) -> Json:
    """Give a user group as usergroups.list gives it."""
    found: Json = {
        "id": group.id,
        "team_id": call.state.workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_delete": call.state.stamps.seconds() if group.disabled else 0,
        "user_count": len(group.users),
    }
    return found | ({"users": list(group.users)} if users else {})


def usergroups_list(call: Call) -> Json:
    """usergroups.list."""
    _paid(call)
    users, disabled = call.given.flag("include_users"), call.given.flag("include_disabled")
    groups = [group for group in call.state.workspace.groups.values() if disabled or not group.disabled]
    return {"usergroups": [group_object(call, group, users=users) for group in groups]}


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
    "users.info": Method(work=users_info, scopes=("users:read",), tier=4, json=False),
    "bots.info": Method(work=bots_info, scopes=("users:read",), tier=3, json=False),
    "usergroups.users.list": Method(work=usergroups_users_list, scopes=("usergroups:read",), tier=2, json=False),
    "usergroups.list": Method(work=usergroups_list, scopes=("usergroups:read",), tier=2, json=False),
    "conversations.info": Method(work=conversations_info, scopes=_READ_CHANNELS, tier=3, json=False),
    "conversations.members": Method(work=conversations_members, scopes=_READ_CHANNELS, tier=4, json=False),
    "conversations.open": Method(work=conversations_open, scopes=("im:write",), tier=3),
    "team.info": Method(work=team_info, scopes=("team:read",), tier=3, json=False),
}
