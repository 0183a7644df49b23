"""The workspace as plain data: people, user groups and channels. Tests change it freely."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["member", "guest", "stranger"]
OUR_TEAM = "T0HARBOUR"
OTHER_TEAM = "T0PARTNER"


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with a Slack account. A stranger belongs to another organisation."""

    id: str
    name: str
    real_name: str
    tz: str = "Europe/Amsterdam"
    title: str = ""
    kind: Kind = "member"
    team_id: str = OUR_TEAM
    deleted: bool = False
    is_bot: bool = False
    single_channel: bool = False
    """A single-channel guest (``is_ultra_restricted``)."""
    display_name: str = ""
    is_admin: bool = False


@dataclass(slots=True, kw_only=True)
class UserGroup:
    """A user group, mentioned as ``<!subteam^ID>``."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel; the bot is a member when its user id is among the members."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    private: bool = False
    archived: bool = False
    shared: bool = False
    restricted: bool = False
    """Only some people may post here (``restricted_action``)."""
    topic: str = ""


@dataclass(slots=True, kw_only=True)
class Workspace:
    """One Slack workspace. Everything may be changed while it runs."""

    team_id: str = OUR_TEAM
    team_name: str = "Harbour"
    domain: str = "harbour"
    url: str = "https://harbour.slack.test/"
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    enterprise_id: str = ""
    """The Enterprise organisation that it belongs to, if any."""
    sisters: list[str] = field(default_factory=list)
    """The organisation's other workspaces that the app may work in; they hold no groups."""
    paid: bool = True
    """User groups need a paid plan; without it Slack answers ``plan_upgrade_required``."""

    def add_person(self, person: Person, *, channels: Iterable[str] = ()) -> Person:
        """Let somebody in, and into these channels."""
        self.people[person.id] = person
        for channel in channels:
            self.channels[channel].members.add(person.id)
        return person

    def add_channel(self, channel: Channel) -> Channel:
        """Create a channel."""
        self.channels[channel.id] = channel
        return channel

    def add_group(self, group: UserGroup) -> UserGroup:
        """Create a user group."""
        self.groups[group.id] = group
        return group

    def deactivate(self, person: str) -> None:
        """Switch an account off; groups keep listing it, as Slack's may."""
        self.people[person].deleted = True

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self.channels[channel].archived = True

    def leave(self, channel: str, member: str) -> None:
        """Take somebody, or the bot, out of a channel."""
        self.channels[channel].members.discard(member)

    def join(self, channel: str, member: str) -> None:
        """Bring somebody, or the bot, into a channel."""
        self.channels[channel].members.add(member)

    def remove_from_group(self, group: str, person: str) -> None:
        """Take somebody out of a user group."""
        self.groups[group].users.remove(person)

    def is_home_of(self, person: Person) -> bool:
        """Whether somebody belongs to this workspace, or to another one of its Enterprise organisation."""
        return person.team_id in {self.team_id, *self.sisters}

    def groups_of(self, person: str) -> set[str]:
        """Give the user groups that somebody is in."""
        return {group.id for group in self.groups.values() if person in group.users and not group.disabled}
