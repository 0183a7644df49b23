"""Makes room in the simulated workspace for a policy's channels, people and groups, so that any policy can be tried."""

from bot.domain.people import EVERYONE
from bot.domain.policy import Policy
from bot.sandbox.slack.seed import APPROVER, SECOND_APPROVER
from bot.sandbox.slack.workspace import Channel, Person, UserGroup, Workspace


def furnish(workspace: Workspace, policy: Policy, *, bot_user: str) -> None:
    """Add what the policy names and the workspace does not have; unknown groups hold the two approvers."""
    everybody = {person.id for person in workspace.people.values() if person.kind == "member"}
    for channel in policy.channels:
        if channel not in workspace.channels:
            members = {*everybody, bot_user}
            workspace.add_channel(Channel(id=channel, name=channel.lower(), members=members))
    for one in sorted({one for rule in policy.rules for one in (*rule.requesters, *rule.approvers, *rule.on_call)}):
        if one == EVERYONE:
            continue
        if one.startswith("S"):
            if one not in workspace.groups:
                group = UserGroup(id=one, handle=one.lower(), name=one, users=[APPROVER, SECOND_APPROVER])
                workspace.add_group(group)
        elif one not in workspace.people:
            workspace.add_person(Person(id=one, name=one.lower(), real_name=one, title="Named by the policy"))
