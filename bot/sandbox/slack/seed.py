"""The workspace that the sandbox shows: six people, two user groups and five channels."""

from collections.abc import Iterable

from bot.sandbox.slack.workspace import OTHER_TEAM, Channel, Person, UserGroup, Workspace

BOT_USER = "U0UPGRADEBOT"
REQUESTER, APPROVER, SECOND_APPROVER = "U0ROOS", "U0SEM", "U0KIM"
ON_CALL, GUEST, STRANGER = "U0NOOR", "U0GIJS", "U0VERA"


def seeded_workspace() -> Workspace:
    """Give a fresh copy: a requester, two approvers, somebody on call, a guest and a person of another organisation."""
    workspace = Workspace()
    for person in _people():
        workspace.add_person(person)
    workspace.add_group(
        UserGroup(id="S0PLATFORM", handle="platform", name="Platform team", users=[APPROVER, SECOND_APPROVER])
    )
    workspace.add_group(UserGroup(id="S0ONCALL", handle="on-call", name="On call", users=[ON_CALL]))
    for channel in _channels():
        workspace.add_channel(channel)
    return workspace


def add_unknown(workspace: Workspace, *, people: Iterable[str], channels: Iterable[str]) -> list[str]:
    """Add stand-ins for the IDs that a policy names and the workspace does not have; returns those IDs.

    An unknown group gets the two approvers as its members, an unknown channel everybody and the bot.
    """
    added: list[str] = []
    everybody = {person.id for person in workspace.people.values() if person.kind == "member"}
    for channel in sorted(set(channels) - workspace.channels.keys()):
        workspace.add_channel(Channel(id=channel, name=channel.lower(), members={*everybody, BOT_USER}))
        added.append(channel)
    for one in sorted(set(people) - workspace.groups.keys() - workspace.people.keys()):
        if one.startswith("S"):
            workspace.add_group(UserGroup(id=one, handle=one.lower(), name=one, users=[APPROVER, SECOND_APPROVER]))
        else:
            workspace.add_person(Person(id=one, name=one.lower(), real_name=one, title="Named by the policy"))
        added.append(one)
    return added


def _people() -> list[Person]:
    return [
        Person(id=REQUESTER, name="roos", real_name="Roos de Vries", title="Developer", tz="Europe/Amsterdam"),
        Person(id=APPROVER, name="sem", real_name="Sem Bakker", title="Platform engineer", tz="Europe/London"),
        Person(id=SECOND_APPROVER, name="kim", real_name="Kim Tran", title="Platform lead", tz="America/New_York"),
        Person(id=ON_CALL, name="noor", real_name="Noor Haddad", title="On-call engineer", tz="Asia/Kolkata"),
        Person(id=GUEST, name="gijs", real_name="Gijs Mol", title="Guest", tz="Europe/Berlin", kind="guest"),
        Person(
            id=STRANGER,
            name="vera",
            real_name="Vera Lind",
            title="Engineer at Partner Ltd",
            tz="Australia/Sydney",
            kind="stranger",
            team_id=OTHER_TEAM,
        ),
    ]


def _channels() -> list[Channel]:
    members = {REQUESTER, APPROVER, SECOND_APPROVER, ON_CALL}
    return [
        Channel(
            id="C0UPGRADES",
            name="cluster-upgrades",
            members={*members, GUEST, BOT_USER},
            topic="Upgrades of our clusters",
        ),
        Channel(id="C0PROD", name="production", members={*members, BOT_USER}, topic="What happens in production"),
        Channel(id="C0GENERAL", name="general", members={*members, GUEST}, topic="Everybody"),
        Channel(id="C0OLDNEWS", name="old-news", members={*members, BOT_USER}, archived=True),
        Channel(
            id="C0PARTNER",
            name="with-partner",
            members={*members, GUEST, STRANGER, BOT_USER},
            shared=True,
            topic="Shared with Partner Ltd",
        ),
    ]
