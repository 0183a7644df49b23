"""Facts in the past tense: what happened and is to be told, with all that a reader needs to be told.

They are stored as JSON between happening and being told, so fields are only ever added, with a default.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.people import MemberId
from bot.domain.readiness import Readiness
from bot.domain.request import RequestId
from bot.domain.scheduled import UpgradeIdentity
from bot.domain.windows import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What an event is about. `request_id` and `requester` are None for upgrades scheduled outside Slack."""

    organisation: str
    environment: str
    cluster: str
    from_version: str
    to_version: str
    request_id: RequestId | None = None
    requester: MemberId | None = None
    upgrade: UpgradeIdentity | None = None

    @property
    def full_name(self) -> str:
        """Return `environment/slug`."""
        return f"{self.environment}/{self.cluster}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened. `mention` are the Slack IDs to mention when it is told."""

    about: About
    mention: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeRequested(Event):
    """A request was accepted; `mention` are those to be notified."""

    required: int
    deadline: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyRequested(Event):
    """An approver requested an emergency; `mention` are the other approvers and whoever is on call.

    `approvals` is how many are needed all the same, as a freeze is overridden.
    """

    reason: str
    approvals: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyAcknowledged(Event):
    """Another approver has seen the emergency."""

    by: MemberId


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgementMissing(Event):
    """Nobody has acknowledged an emergency yet; `mention` are those who can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteCast(Event):
    """An approver approved, perhaps with a comment; with the last approval that is needed, submitting begins.

    `supersedes` is the version of another scheduled upgrade of the cluster, whose place it takes.
    """

    by: MemberId
    count: int
    required: int
    comment: str = ""
    supersedes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteTakenBack(Event):
    """An approver took their approval back."""

    by: MemberId
    count: int
    required: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestApproved(Event):
    """Fewer approvals are asked for now, so there are enough of them, or somebody asked for another attempt (`by`).

    `supersedes` is the version of another scheduled upgrade of the cluster, whose place it takes.
    """

    by: MemberId | None = None
    supersedes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRejected(Event):
    """An approver said no."""

    by: MemberId
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestWithdrawn(Event):
    """The requester took it back."""

    by: MemberId


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestExpired(Event):
    """The deadline passed before it was decided or submitted."""

    deadline: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestReplaced(Event):
    """A newer request took its place, for the same cluster unless it names another in `instead`.

    `voter` is the approver of the older one who is told this.
    """

    by_request: RequestId
    by: MemberId
    instead: str = ""
    voter: MemberId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VotesVoided(Event):
    """What was voted on changed, so the vote starts again; `voters` are those whose votes went."""

    changes: tuple[str, ...]
    voters: tuple[MemberId, ...]
    required: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproversReminded(Event):
    """A request still waits for approvals."""

    count: int
    required: int
    deadline: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeSubmitted(Event):
    """The cloud confirmed the upgrade, with a `status`; `followed` is whether it can be read from now on.

    `by` is the approver who said that it is there, where the cloud's answer was unclear.
    """

    window: Window | None
    start_left_out: bool = False
    followed: bool = True
    by: MemberId | None = None
    status: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionFailed(Event):
    """The cloud, or a rule right before submission, said no."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionUnclear(Event):
    """Nobody can tell whether the cloud has it."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusMoved(Event):
    """A poll saw another status. `inferred`: the word is ours, as the cloud gives no status, or none any more.

    `ends_alarm`: the channel was told that something is wrong with the cluster's upgrade, and this is how it ended.
    """

    status: str
    from_status: str | None
    window: Window | None
    reason: str = ""
    inferred: bool = False
    ends_alarm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowMoved(Event):
    """A poll saw another window while the status stayed.

    `ends_alarm`: the one before broke a rule, which the channel was told, and this one does not.
    """

    status: str
    window: Window | None
    from_window: Window | None
    ends_alarm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowBrokeRule(Event):
    """The window that the cloud chose lies in a freeze, outside the allowed times, or too soon after another one."""

    window: Window
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowNear(Event):
    """The window begins soon. `hours` is how far ahead it was when this became due.

    `unread_since` is when the window was read last, while nothing can be read.
    """

    window: Window
    hours: float
    unread_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeOverran(Event):
    """The window ended and the upgrade is still running."""

    window: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeStale(Event):
    """The cloud has had the upgrade since `since`, and has not scheduled it."""

    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessChanged(Event):
    """The verdict was another one when the request was made: what it was `before`, and what it is now."""

    before: Readiness
    now: Readiness


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertsBegan(Event):
    """Alerts, by name, that began since an upgrade started and still fire after it."""

    alerts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WentBlind(Event):
    """No status of the organisation could be read since `since`. `about` names only the organisation."""

    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SawAgain(Event):
    """Statuses can be read again."""

    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutMoved(Event):
    """Something happened to a rollout. `about` names only organisation and version; `steps` are sentences."""

    rollout: str
    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutAsks(Event):
    """A wave waits for approval; told in the channels of its environments that have not got the card."""

    rollout: str
    name: str
    wave: int
    environments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldCluster:
    """A cluster in a message about several: `environment/slug`, its window, and what else there is to say of it."""

    name: str
    window: Window | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutMovedOn(Event):
    """Upgrades of a wave have this status of the cloud now."""

    rollout: str
    name: str
    wave: int
    status: str
    clusters: tuple[ToldCluster, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutNear(Event):
    """The windows of these clusters begin soon. `hours` is how far ahead that was when this became due."""

    rollout: str
    name: str
    wave: int
    hours: float
    clusters: tuple[ToldCluster, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutFailed(Event):
    """Clusters of a wave failed; `why` is a `Why` of rollouts."""

    rollout: str
    name: str
    wave: int
    why: str
    clusters: tuple[ToldCluster, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered(Event):
    """A private answer to what one person did; `text` is mrkdwn that is safe as it is."""

    text: str


AnyEvent = (
    UpgradeRequested
    | EmergencyRequested
    | EmergencyAcknowledged
    | AcknowledgementMissing
    | VoteCast
    | VoteTakenBack
    | RequestApproved
    | RequestRejected
    | RequestWithdrawn
    | RequestExpired
    | RequestReplaced
    | VotesVoided
    | ApproversReminded
    | UpgradeSubmitted
    | SubmissionFailed
    | SubmissionUnclear
    | StatusMoved
    | WindowMoved
    | WindowBrokeRule
    | WindowNear
    | UpgradeOverran
    | UpgradeStale
    | ReadinessChanged
    | AlertsBegan
    | WentBlind
    | SawAgain
    | RolloutMoved
    | RolloutAsks
    | RolloutMovedOn
    | RolloutNear
    | RolloutFailed
    | Answered
)
