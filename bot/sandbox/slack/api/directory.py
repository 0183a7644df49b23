"""The methods that look up people and user groups."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.sandbox.slack.api.methods import Call, Method
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.state import State
from bot.sandbox.slack.workspace import Person, UserGroup


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
    if not state.workspace.is_home_of(person):
        found["is_stranger"] = not met
    elif state.workspace.enterprise_id:
        found["enterprise_user"] = {
            "id": person.id,
            "enterprise_id": state.workspace.enterprise_id,
            "enterprise_name": state.workspace.team_name,
            "is_admin": person.is_admin,
            "is_owner": False,
            "teams": [person.team_id],
        }
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
    if app.org_wide and not call.given.text("team_id"):
        raise SlackError("missing_argument", arg="team_id")
    if call.given.text("bot") != app.bot_id:
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "deleted": False, "name": app.bot_name, "app_id": app.id, "user_id": app.bot_user_id}
    return {"bot": bot}


def _in_this_workspace(call: Call) -> bool:
    """Whether a call means this workspace; the token of an org-wide installation has to say which one it means."""
    workspace, team = call.state.workspace, call.given.text("team_id")
    if not call.state.app.org_wide or team == workspace.team_id:
        return True
    if not team:
        raise SlackError("missing_argument", arg="team_id")
    if team not in workspace.sisters:
        raise SlackError("team_not_found")
    return False


def _paid(call: Call) -> None:
    if not call.state.workspace.paid:
        raise SlackError("plan_upgrade_required")


def usergroups_users_list(call: Call) -> Json:
    """usergroups.users.list; a disabled group only with include_disabled."""
    _paid(call)
    group = call.state.workspace.groups.get(call.given.needed("usergroup")) if _in_this_workspace(call) else None
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
    if not _in_this_workspace(call):
        return {"usergroups": []}
    groups = [group for group in call.state.workspace.groups.values() if disabled or not group.disabled]
    return {"usergroups": [group_object(call, group, users=users) for group in groups]}


METHODS = {
    "users.info": Method(work=users_info, scopes=("users:read",), tier=4, json=False),
    "bots.info": Method(work=bots_info, scopes=("users:read",), tier=3, json=False),
    "usergroups.users.list": Method(work=usergroups_users_list, scopes=("usergroups:read",), tier=2, json=False),
    "usergroups.list": Method(work=usergroups_list, scopes=("usergroups:read",), tier=2, json=False),
}
