"""What one person sees of the workspace: conversations, unread marks, people and groups."""

from bot.sandbox.slack.blockkit.mrkdwn import mentions
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.state import State, dm_of
from bot.sandbox.slack.workspace import Channel, Person

_START = "0.000000"


def people(state: State) -> list[Json]:
    """Everybody one may act as."""
    return [_person(person) for person in state.workspace.people.values() if not (person.deleted or person.is_bot)]


def _person(person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "tz": person.tz,
        "kind": person.kind,
    }


def may_see(state: State, person: str, channel: str) -> bool:
    """Whether somebody may read a conversation: members, and for public channels every full member."""
    found = state.channel(channel)
    if found is None:
        return False
    open_to_all = not found.private and not channel.startswith("D") and state.person(person).kind == "member"
    return person in found.members or open_to_all


def workspace(state: State, me: str) -> Json:
    """Give the sidebar and all names, as somebody sees them; a person of another team has no app to open."""
    app, team = state.app, state.workspace
    channels = [channel for channel in team.channels.values() if may_see(state, me, channel.id)]
    direct = dm_of(me)
    installed = team.is_home_of(state.person(me))
    command = app.commands[0] if app.commands and installed else None
    bot = {app.bot_user_id: {"name": app.bot_name, "real_name": app.name, "tz": "UTC", "kind": "member", "bot": True}}
    slackbot = {"USLACKBOT": {"name": "slackbot", "real_name": "Slackbot", "tz": "UTC", "kind": "member", "bot": True}}
    return {
        "me": me,
        "team": {"id": team.team_id, "name": team.team_name, "url": team.url},
        "app": {
            "id": app.id,
            "name": app.name,
            "bot_user_id": app.bot_user_id,
            "command": command.name if command else "",
            "description": command.description if command else app.description,
            "usage_hint": command.usage_hint if command else "",
        },
        "channels": [_channel(state, me, channel) for channel in channels],
        "dms": [{"id": direct, "name": app.name, "user": app.bot_user_id, "unread": _unread(state, me, direct)[0]}]
        if installed
        else [],
        "home_opened": me in state.homes_opened,
        "modals": state.modals(me),
        "users": {
            person.id: {
                "name": person.display_name or person.name,
                "real_name": person.real_name,
                "tz": person.tz,
                "kind": person.kind,
                "bot": person.is_bot,
            }
            for person in team.people.values()
        }
        | bot
        | slackbot,
        "usergroups": {group.id: {"handle": group.handle, "name": group.name} for group in team.groups.values()},
    }


def _channel(state: State, me: str, channel: Channel) -> Json:
    unread, mention = _unread(state, me, channel.id)
    return {
        "id": channel.id,
        "name": channel.name,
        "private": channel.private,
        "archived": channel.archived,
        "shared": channel.shared,
        "member": me in channel.members,
        "topic": channel.topic,
        "unread": unread,
        "mention": mention,
    }


def _unread(state: State, me: str, channel: str) -> tuple[int, bool]:
    read = state.reads.get(me, {}).get(channel, _START)
    fresh = [one for one in state.messages.seen_in(channel, me) if one.ts > read and one.user != me]
    return len(fresh), any(mentions_person(state, one, me) for one in fresh)


def mentions_person(state: State, message: Message, person: str) -> bool:
    """Whether a message mentions somebody, by name, group or channel."""
    found = mentions(message.as_saved())
    return bool(person in found.users or found.broadcasts or found.groups & state.workspace.groups_of(person))


def conversation(state: State, me: str, channel: str, *, limit: int, before: str | None) -> Json:
    """Give the newest messages of a conversation, oldest first."""
    messages = [one for one in state.messages.seen_in(channel, me) if before is None or one.ts < before]
    return {"messages": [state.seen(one) for one in messages[-limit:]], "more": len(messages) > limit}


def mark_read(state: State, me: str, channel: str, ts: str) -> None:
    """Remember how far somebody has read."""
    reads = state.reads.setdefault(me, {})
    reads[channel] = max(ts, reads.get(channel, _START))
    state.broadcaster.tell(me, {"type": "workspace"})
