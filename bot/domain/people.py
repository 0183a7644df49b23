"""People in Slack: who they are, whether they count, and the sets of people that rules name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

MemberId = NewType("MemberId", str)
"""A Slack user ID, `U…` or `W…`."""

EVERYONE = "*"


class AccountType(StrEnum):
    """What somebody is to the workspace that installed the app. Only full members may do anything."""

    FULL = "full member"
    GUEST = "guest"
    OUTSIDER = "person of another organisation"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person in Slack; `zone` is the IANA name of their own Slack setting."""

    id: MemberId
    name: str
    account_type: AccountType
    zone: str = "UTC"

    @property
    def counts(self) -> bool:
        """Whether this person may use the bot at all."""
        return self.account_type is AccountType.FULL


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleSet:
    """The people a rule names, groups already resolved. `everyone` stands for every full member."""

    everyone: bool
    members: frozenset[MemberId]

    def includes(self, member: Member) -> bool:
        """Whether this person is in the set; people who do not count never are."""
        return member.counts and (self.everyone or member.id in self.members)
