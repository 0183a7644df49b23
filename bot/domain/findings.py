"""What speaks against something, or deserves a note, as values. The words for each are in `notifications/rules.py`.

A cluster is given by what it is called in front of people, an environment by its slug.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from bot.domain.calendar import AllowedRange, AnyFreeze
from bot.domain.people import AccountType, MemberId


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterNotChosen:
    """The form names no cluster, or one that no catalog lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterGone:
    """The catalog no longer lists the cluster; `cluster` is empty when nothing is known of it."""

    cluster: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterRenamed:
    """The cluster had another name, or was in another place, when it was chosen."""

    chosen: str
    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterMoved:
    """The cluster had another name, or was in another place, when it was voted on."""

    cluster: str
    before: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChanged:
    """The cluster ran another version when it was voted on."""

    cluster: str
    version: str
    before: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingOffered:
    """No version is on offer to which the cluster may go from the one that it runs."""

    cluster: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNotChosen:
    """The form names no version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNotOffered:
    """The wanted version is not on offer; `cluster` and `runs` are empty for a form, which shows both."""

    version: str
    cluster: str = ""
    runs: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlreadyRuns:
    """The cluster runs the wanted version."""

    cluster: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NextFit:
    """The next moment (aware UTC) at which no rule would forbid it; written in `zone`."""

    start: datetime
    zone: tzinfo


@dataclass(frozen=True, kw_only=True, slots=True)
class StartMissing:
    """Maintenance windows are ignored, and no start is chosen."""

    next_fit: NextFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TooSoon:
    """The start is nearer than the lead time, or has passed."""

    lead: timedelta
    next_fit: NextFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TooFar:
    """The start is too far ahead."""

    next_fit: NextFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """The upgrade would run in a freeze; `can_override` is whether the person could tick Override freeze."""

    environment: str
    freeze: AnyFreeze
    can_override: bool = False
    next_fit: NextFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutsideAllowed:
    """The upgrade would run outside the allowed times, which are read in `zone`."""

    environment: str
    allowed: tuple[AllowedRange, ...]
    zone: tzinfo
    next_fit: NextFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotLongEnoughAfter:
    """The version will not have run long enough in another environment.

    `since` is when it first succeeded there (aware UTC), None while it has not.
    """

    version: str
    environment: str
    earlier: str
    wait: timedelta
    since: datetime | None
    next_fit: NextFit | None = None

    @property
    def possible_from(self) -> datetime | None:
        """Return the first moment at which the version may go on, None while nothing can tell."""
        return self.since + self.wait if self.since else None


@dataclass(frozen=True, kw_only=True, slots=True)
class OverridesFreeze:
    """A freeze is overridden, which needs a reason and so many `approvals`."""

    environment: str
    freeze: AnyFreeze
    approvals: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonMissing:
    """No reason is given; `override` is whether one is needed because a freeze is overridden."""

    environment: str
    override: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonTooLong:
    """The reason has more characters than fit."""

    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonTooShort:
    """The reason of an emergency has too few characters."""

    least: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyNotAllowed:
    """The rule of the environment knows no emergencies."""

    environment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyTooFar:
    """An emergency would begin too far ahead."""

    within: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyOnlyByApprover:
    """Only an approver of the environment may request an emergency."""

    member: MemberId
    environment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyNeedsAnother:
    """There is no other approver who could acknowledge an emergency."""

    environment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyUnapproved:
    """A note: an emergency is submitted without approval, and others are told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeMissing:
    """The environment requires a change number; `example` is one."""

    environment: str
    example: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeMismatch:
    """The change number is not one of the environment's, which look like `example`."""

    change: str
    environment: str
    example: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterDown:
    """The cluster is stopped or stopping; `status` is the cloud's word."""

    cluster: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWindows:
    """The cluster has no maintenance windows."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsUnread:
    """Maintenance windows of the cluster could not be read; `some` is whether others could."""

    cluster: str
    some: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NoLongerRequester:
    """The requester may no longer request upgrades in the environment."""

    member: MemberId
    environment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NoLongerApprover:
    """Somebody who approved may no longer do so."""

    member: MemberId


@dataclass(frozen=True, kw_only=True, slots=True)
class MoreApprovalsNeeded:
    """The policy asks for more approvals than when the request was approved."""

    approvals: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TooFewApprovers:
    """Only so many people (`found`) may approve; `besides_requester` is whether the requester does not count."""

    environment: str
    approvals: int
    found: int
    besides_requester: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InRollout:
    """The cluster is in a rollout that has not ended, and whose turn for it has not come or is not over."""

    name: str
    version: str


Finding = (
    ClusterNotChosen
    | ClusterGone
    | ClusterRenamed
    | ClusterMoved
    | VersionChanged
    | NothingOffered
    | VersionNotChosen
    | VersionNotOffered
    | AlreadyRuns
    | StartMissing
    | TooSoon
    | TooFar
    | Frozen
    | OutsideAllowed
    | NotLongEnoughAfter
    | OverridesFreeze
    | ReasonMissing
    | ReasonTooLong
    | ReasonTooShort
    | EmergencyNotAllowed
    | EmergencyTooFar
    | EmergencyOnlyByApprover
    | EmergencyNeedsAnother
    | EmergencyUnapproved
    | ChangeMissing
    | ChangeMismatch
    | ClusterDown
    | NoWindows
    | WindowsUnread
    | NoLongerRequester
    | NoLongerApprover
    | MoreApprovalsNeeded
    | TooFewApprovers
    | InRollout
)
BreaksRule = Frozen | OutsideAllowed | NotLongEnoughAfter
"""What a time, or a version at that time, may break."""
AboutTime = BreaksRule | StartMissing | TooSoon | TooFar
"""What another time would fix."""


class Action(StrEnum):
    """What somebody wanted to do, for saying who else could."""

    REQUEST = "request"
    REQUEST_THERE = "request there"
    DECIDE = "decide"
    REJECT = "reject"
    ACKNOWLEDGE = "acknowledge"
    TRY_AGAIN = "try again"
    FREEZE = "freeze"


@dataclass(frozen=True, kw_only=True, slots=True)
class Able:
    """Who else could do it: any other full member, or these people."""

    action: Action
    everyone: bool
    members: tuple[MemberId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NobodyNow:
    """Nobody can do it, as the request is in this state (a `State`)."""

    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlyRequester:
    """Only the requester may withdraw the request."""

    requester: MemberId


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlyRequesterOrApprovers:
    """Only the requester or an approver may do it."""

    requester: MemberId
    environment: str
    able: Able


@dataclass(frozen=True, kw_only=True, slots=True)
class MayNotUseBot:
    """The account is not a full member's; a guest is told who could do it."""

    account_type: AccountType
    instead: Able | NobodyNow | OnlyRequester | OnlyRequesterOrApprovers | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MayNotRequest:
    """The rule of the environment does not let the person request upgrades."""

    environment: str
    able: Able


@dataclass(frozen=True, kw_only=True, slots=True)
class MayNotFreeze:
    """The rule of the environment does not let the person freeze it, or lift a freeze of it."""

    environment: str
    able: Able


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlyApprovers:
    """Only approvers of the environment may do it."""

    environment: str
    able: Able | NobodyNow


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnUpgrade:
    """The requester may not decide on their own request."""

    able: Able | NobodyNow


NotPermitted = (
    MayNotUseBot | MayNotRequest | MayNotFreeze | OnlyApprovers | OwnUpgrade | OnlyRequester | OnlyRequesterOrApprovers
)
"""Why a person may not do something, and who could."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlyApproversOfWave:
    """Only approvers of these environments of a rollout's wave may do it: any full member, or those who are `able`."""

    environments: tuple[str, ...]
    everyone: bool
    able: tuple[MemberId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlyOfRollout:
    """Only the requester of a rollout or an approver of its environments: any full member, or those who are `able`."""

    requester: MemberId
    everyone: bool
    able: tuple[MemberId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestIs:
    """The request is in this state (a `State`), perhaps brought there by somebody."""

    state: str
    by: MemberId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PressTooLate:
    """Somebody pressed after the deadline at which the request expired."""

    deadline: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlinePassed:
    """The deadline has passed, so nothing is submitted again."""

    deadline: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestUnknown:
    """No such request is stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewerRequest:
    """A newer request for the cluster takes its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CardChanged:
    """The card that was pressed showed something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlreadyApproved:
    """The person's approval is counted already."""

    count: int
    required: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NoApprovalToTakeBack:
    """The person has not approved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotInList:
    """The cloud's list does not show the upgrade."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListUnread:
    """The cloud's list could not be read; `why` says why."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NoListToLookIn:
    """The cloud offers no list in which the upgrade could be looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingToAcknowledge:
    """It was no emergency, or somebody has acknowledged it."""

    by: MemberId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeIs:
    """The upgrade has begun or ended; `status` is the cloud's word."""

    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TooManyOpen:
    """The person has as many open requests as one may have."""

    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckTookTooLong:
    """By the time that the press was checked, it could open nothing any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutIs:
    """The rollout is in this state (a `RolloutState`)."""

    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutChanged:
    """The card of the rollout that was pressed showed something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWaveAsks:
    """No wave of the rollout waits for approval; `state` is a `RolloutState`."""

    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveAlreadyApproved:
    """The person's approval of the wave is counted already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveExpired:
    """The time to approve the wave is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StillSoaks:
    """The wave before still soaks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotItsTurn:
    """The cluster of the rollout may not be handed over yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingFailed:
    """No cluster of the wave has failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterWentOn:
    """The cluster of the rollout is no longer where it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanProblem:
    """What is wrong with a plan of a rollout: at which field, what kind of problem, and what it concerns."""

    field: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeIsOver:
    """The freeze was lifted by somebody, or ended by itself (`lifted_by` is None)."""

    lifted_by: MemberId | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeUnknown:
    """No such freeze is stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingToFreeze:
    """None of the environments is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeEnds:
    """A freeze cannot end then: that moment has passed, or is more than `most` ahead."""

    until: datetime
    most: timedelta


NotNow = (
    RequestIs
    | PressTooLate
    | DeadlinePassed
    | RequestUnknown
    | NewerRequest
    | CardChanged
    | AlreadyApproved
    | NoApprovalToTakeBack
    | NothingToAcknowledge
    | NotInList
    | ListUnread
    | NoListToLookIn
    | UpgradeIs
    | TooManyOpen
    | CheckTookTooLong
)
"""Why something cannot be done to a request as things are."""
NotInRollout = (
    OnlyApproversOfWave
    | OnlyOfRollout
    | RolloutIs
    | RolloutChanged
    | NoWaveAsks
    | WaveAlreadyApproved
    | WaveExpired
    | StillSoaks
    | NotItsTurn
    | NothingFailed
    | ClusterWentOn
    | PlanProblem
)
"""Why something cannot be done to a rollout."""
NotFrozen = FreezeIsOver | FreezeUnknown | NothingToFreeze | FreezeEnds
"""Why a freeze cannot be set or lifted."""
Reason = Finding | NotPermitted | NotNow | NotInRollout | NotFrozen
"""Why somebody is refused."""
