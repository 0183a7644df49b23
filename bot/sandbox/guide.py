"""Who requests and who approves in the sandbox by the policy in use, for the start lines and the tour."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bot.domain.people import EVERYONE
from bot.domain.policy import Policy, Rule
from bot.sandbox.avisi.world import Organisation
from bot.sandbox.slack.seed import REQUESTER
from bot.sandbox.slack.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """One environment in which an upgrade can be requested; no `approver` when none is needed or there is nobody."""

    environment: str
    channel: str
    channel_name: str
    requester: str
    requester_name: str
    approver: str = ""
    approver_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def find_guide(policy: Policy, workspace: Workspace, organisation: Organisation) -> Guide | None:
    """Give the first environment with a requester and, if there is one, an approver; None when nobody may request."""
    guides = [
        guide
        for environment in organisation.environments
        if (guide := _guide(policy.rule(organisation.slug, environment), workspace))
    ]
    return next((guide for guide in guides if guide.approver), guides[0] if guides else None)


def _guide(rule: Rule, workspace: Workspace) -> Guide | None:
    channel = workspace.channels.get(rule.channel)
    requesters = _members(rule.requesters, workspace)
    if channel is None or not requesters:
        return None
    requester = REQUESTER if REQUESTER in requesters else requesters[0]
    approvers = _members(rule.approvers, workspace) if rule.required_approvals else []
    others = [one for one in approvers if one != requester or rule.self_approval]
    approver = others[0] if others else ""
    return Guide(
        environment=rule.environment,
        channel=channel.id,
        channel_name=channel.name,
        requester=requester,
        requester_name=workspace.people[requester].real_name,
        approver=approver,
        approver_name=workspace.people[approver].real_name if approver else "",
    )


def _members(ids: Iterable[str], workspace: Workspace) -> list[str]:
    """Give the full members behind people, groups and `*`, in the order of the workspace."""
    wanted: set[str] = set()
    for one in ids:
        if one == EVERYONE:
            wanted |= workspace.people.keys()
        elif one in workspace.groups:
            wanted |= set(workspace.groups[one].users)
        else:
            wanted.add(one)
    return [person.id for person in workspace.people.values() if person.id in wanted and person.kind == "member"]
