"""Who can fix a channel that refuses our messages, when nobody's own request is concerned."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.workflow.errors import MembersUnavailable
from bot.workflow.permissions import Permissions

_MOST = 10


@dataclass(frozen=True, slots=True)
class ChannelContacts:
    """Knows the approvers of the environments that a channel is for."""

    policy: Policy
    permissions: Permissions

    async def of(self, channel: str) -> Sequence[MemberId]:
        """Return some of them; nobody while Slack cannot be asked."""
        approvers = [one for rule in self.policy.rules if rule.channel == channel for one in rule.approvers]
        try:
            people = await self.permissions.people(dict.fromkeys(approvers))
        except MembersUnavailable:
            return ()
        return sorted(people.members)[:_MOST]
