"""What our own rules say no to; nothing here is a fault of ours. The words are in `notifications/rules.py`."""

from bot.domain.findings import Reason


class Refused(Exception):
    """A rule says no; `why` says which, and what the person who asked has to know."""

    def __init__(self, *why: Reason) -> None:
        super().__init__(*why)
        self.why = why


class NotEntitled(Refused):
    """Somebody may not do this, whatever the request looks like; `why` says who could, where that is known."""


class NotAnApprover(NotEntitled):
    """Only approvers of the environment may do this."""


class NotTheRequester(NotEntitled):
    """Only the requester may do this."""


class OwnRequest(NotEntitled):
    """The requester may not decide on their own request."""


class WrongState(Refused):
    """The request is past the point at which this is possible."""


class Outdated(Refused):
    """The card that was pressed does not show what is requested now."""


class AlreadyVoted(Refused):
    """The person has already approved; a second press changes nothing."""


class NotVoted(Refused):
    """There is no vote of this person to take back."""


class RuleBroken(Refused):
    """A freeze, an allowed time, a version step or another rule of the policy forbids it."""


class Quorumless(RuleBroken):
    """So few people may decide that the required number can never be reached."""


class TooMany(Refused):
    """The person has as many open requests as one person may have."""


class NotFound(Refused):
    """The cloud does not show that it has the upgrade, or cannot be asked just now."""
