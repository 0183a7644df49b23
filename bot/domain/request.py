"""A request: what a person asks for and we carry through. States, the table of allowed moves, votes and their seal."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

from bot.domain.cluster import Cluster, ClusterIdentity, Organisation
from bot.domain.errors import AlreadyVoted, NotVoted, Outdated, WrongState
from bot.domain.findings import AlreadyApproved, CardChanged, NoApprovalToTakeBack, NothingToAcknowledge, RequestIs
from bot.domain.people import MemberId
from bot.domain.scheduled import ScheduledUpgrade, UpgradeIdentity
from bot.domain.windows import Window

RequestId = NewType("RequestId", str)
Seal = NewType("Seal", str)
"""A digest of what a card showed; a vote is for exactly that."""


class State(StrEnum):
    """Where a request stands with us. What the cloud says afterwards is a status."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    SUBMITTING = "SUBMITTING"
    SUBMITTED = "SUBMITTED"
    SUBMISSION_FAILED = "SUBMISSION_FAILED"
    SUBMISSION_UNCLEAR = "SUBMISSION_UNCLEAR"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"

    @property
    def words(self) -> str:
        """Return the state in small letters, as people read it."""
        return self.value.lower().replace("_", " ")


NEXT: dict[State, frozenset[State]] = {
    State.PENDING_APPROVAL: frozenset(
        {State.APPROVED, State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REPLACED},
    ),
    State.APPROVED: frozenset(
        {
            State.SUBMITTING,
            State.PENDING_APPROVAL,
            State.SUBMISSION_FAILED,
            State.REJECTED,
            State.WITHDRAWN,
            State.EXPIRED,
            State.REPLACED,
        },
    ),
    State.SUBMITTING: frozenset(
        {State.SUBMITTED, State.SUBMISSION_FAILED, State.SUBMISSION_UNCLEAR, State.APPROVED},
    ),
    State.SUBMISSION_FAILED: frozenset(
        {State.APPROVED, State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REPLACED}
    ),
    State.SUBMISSION_UNCLEAR: frozenset({State.APPROVED, State.SUBMITTED, State.WITHDRAWN, State.REPLACED}),
    State.SUBMITTED: frozenset({State.REPLACED}),
    State.REJECTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
    State.REPLACED: frozenset(),
}

OPEN = frozenset({State.PENDING_APPROVAL, State.APPROVED, State.SUBMITTING, State.SUBMISSION_FAILED})
"""At most one request of a cluster is in one of these; the database holds it by a unique index."""
REPLACEABLE = frozenset({State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED})
"""A new request for the cluster ends these at once."""
UNFINISHED = OPEN | {State.SUBMISSION_UNCLEAR}
"""Neither submitted nor ended; of these one person may have MOST_UNFINISHED."""
MOST_UNFINISHED = 20
PERISHABLE = REPLACEABLE
"""These expire at their deadline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One approval, given at a moment by a member, perhaps with a comment.

    `readiness` is the number of the stored reading that the card showed, 0 for none.
    """

    member: MemberId
    at: datetime
    comment: str = ""
    readiness: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeRequest:
    """A request with everything its card shows.

    `start` is the wanted start (aware UTC): "not before" while windows are respected, the start itself when they are
    ignored, None for the next window. `round` rises whenever votes are voided. `required` is the number of approvals
    asked for when it was last checked. `changes` are sentences about what changed since the vote; those whom they name,
    as they may no longer approve, are in `lost`. `blocked` is the sentence of the rule that forbids it just now, for
    the card. `outcome` says why it ended or what the cloud answered. An `emergency` is submitted without approval, and
    stays unacknowledged until another approver presses `Acknowledge`. `change` is its change number. `rollout` is the
    id of the rollout that it belongs to: then it has no card of its own. `window_stated_by` is who stated the
    window, as the cloud has no list that shows it. `revision` is the store's: 0 until it is stored. Times are
    aware UTC.
    """

    id: RequestId
    organisation: Organisation
    cluster_identity: ClusterIdentity
    environment: str
    cluster: str
    from_version: str
    to_version: str
    start: datetime | None
    ignore_windows: bool
    override: bool
    reason: str
    requester: MemberId
    requested_at: datetime
    deadline: datetime
    required: int
    channel: str
    state: State = State.PENDING_APPROVAL
    state_since: datetime
    round: int = 1
    votes: tuple[Vote, ...] = ()
    changes: tuple[str, ...] = ()
    lost: tuple[MemberId, ...] = ()
    blocked: str = ""
    estimate: Window | None = None
    decided_by: MemberId | None = None
    outcome: str = ""
    attempt: int = 0
    attempted_at: datetime | None = None
    start_left_out: bool = False
    upgrade: UpgradeIdentity | None = None
    window: Window | None = None
    replaces: RequestId | None = None
    replaced_by: RequestId | None = None
    reminders: int = 0
    reminded_at: datetime | None = None
    emergency: bool = False
    change: str = ""
    acknowledged_by: MemberId | None = None
    acknowledged_at: datetime | None = None
    stale_told: bool = False
    rollout: str | None = None
    window_stated_by: MemberId | None = None
    revision: int = 0

    @property
    def full_name(self) -> str:
        """Return `environment/slug`."""
        return f"{self.environment}/{self.cluster}"

    @property
    def seal(self) -> Seal:
        """Return a digest of what a vote is for: the cluster and where it is, versions, start, flags, and the round."""
        return _digest(*self._asked, self.organisation, self.environment, self.cluster, *self._asked_since_0_1_0)

    @property
    def seal_of_0_1_0(self) -> Seal:
        """Return the digest that version 0.1.0 painted. A cluster that moves or is renamed begins another round."""
        return _digest(*self._asked, *self._asked_since_0_1_0)

    @property
    def _asked_since_0_1_0(self) -> tuple[object, ...]:
        """Return what a request of 0.1.0 did not have, so that its seal stays what it was."""
        return (self.emergency, self.change) if self.emergency or self.change else ()

    @property
    def _asked(self) -> tuple[object, ...]:
        return (
            self.id,
            self.round,
            self.cluster_identity,
            self.from_version,
            self.to_version,
            self.start.astimezone(UTC).isoformat() if self.start else None,
            self.ignore_windows,
            self.override,
        )

    @property
    def voters(self) -> frozenset[MemberId]:
        """Return everybody whose vote stands."""
        return frozenset(vote.member for vote in self.votes)

    def check_seal(self, seal: Seal) -> None:
        """Refuse a press on a card that showed something else; raises Outdated."""
        if seal not in {self.seal, self.seal_of_0_1_0}:
            raise Outdated(CardChanged())

    def check_state(self, *expected: State) -> None:
        """Refuse what is possible only in other states; raises WrongState."""
        if self.state not in expected:
            raise WrongState(RequestIs(state=self.state, by=self.decided_by))

    def cast(self, *, by: MemberId, at: datetime, comment: str = "", readiness: int = 0) -> "UpgradeRequest":
        """Add an approval. Whether its giver may vote is judged before; raises WrongState, AlreadyVoted."""
        self.check_state(State.PENDING_APPROVAL)
        if by in self.voters:
            raise AlreadyVoted(AlreadyApproved(count=len(self.votes), required=self.required))
        return replace(self, votes=(*self.votes, Vote(member=by, at=at, comment=comment, readiness=readiness)))

    def take_back(self, *, by: MemberId) -> "UpgradeRequest":
        """Remove somebody's own approval while the vote is on; raises WrongState, NotVoted."""
        self.check_state(State.PENDING_APPROVAL)
        if by not in self.voters:
            raise NotVoted(NoApprovalToTakeBack())
        return replace(self, votes=tuple(vote for vote in self.votes if vote.member != by))

    @property
    def comments(self) -> tuple[Vote, ...]:
        """Return the votes that came with a comment, oldest first."""
        return tuple(vote for vote in self.votes if vote.comment)

    @property
    def needs_acknowledgement(self) -> bool:
        """Whether it was an emergency that nobody else has acknowledged yet."""
        return self.emergency and self.acknowledged_by is None

    def acknowledge(self, *, by: MemberId, at: datetime) -> "UpgradeRequest":
        """Note that another approver has seen the emergency; raises WrongState."""
        if not self.needs_acknowledgement:
            raise WrongState(NothingToAcknowledge(by=self.acknowledged_by))
        return replace(self, acknowledged_by=by, acknowledged_at=at)

    def keep_votes_of(self, members: frozenset[MemberId]) -> "UpgradeRequest":
        """Drop the votes of everybody else."""
        return replace(self, votes=tuple(vote for vote in self.votes if vote.member in members))

    def require(self, approvals: int) -> "UpgradeRequest":
        """Ask for this many approvals from now on."""
        return replace(self, required=approvals)

    def block(self, sentence: str | None) -> "UpgradeRequest":
        """Note the sentence of the rule that forbids it just now, None when nothing does."""
        return replace(self, blocked=sentence or "")

    def expect(self, window: Window | None) -> "UpgradeRequest":
        """Note the window in which it would run now, None when nothing can tell."""
        return replace(self, estimate=window)

    def approve(self, *, at: datetime) -> "UpgradeRequest":
        """Let it go ahead: the quorum is reached, or somebody asks for another attempt."""
        return self._to(State.APPROVED, at=at, outcome="")

    def reject(self, *, by: MemberId, reason: str, at: datetime) -> "UpgradeRequest":
        """End it by an approver's no, which takes back an approval that the same person gave."""
        votes = tuple(vote for vote in self.votes if vote.member != by)
        return self._to(State.REJECTED, at=at, decided_by=by, outcome=reason, votes=votes)

    def withdraw(self, *, by: MemberId, at: datetime) -> "UpgradeRequest":
        """End it by the requester's second thoughts."""
        return self._to(State.WITHDRAWN, at=at, decided_by=by)

    def expire(self, *, at: datetime) -> "UpgradeRequest":
        """End it because its deadline passed."""
        return self._to(State.EXPIRED, at=at)

    def replaced(self, *, by: RequestId, at: datetime) -> "UpgradeRequest":
        """End it because a newer request takes its place."""
        return self._to(State.REPLACED, at=at, replaced_by=by)

    def follow(self, cluster: Cluster, *changes: str, estimate: Window | None) -> "UpgradeRequest":
        """Take over what the cluster runs and where it is now; no vote outlives that. `changes` say it on the card."""
        return replace(
            self,
            round=self.round + 1,
            votes=(),
            changes=changes,
            lost=(),
            from_version=cluster.version,
            organisation=cluster.organisation,
            environment=cluster.environment,
            cluster=cluster.slug,
            estimate=estimate,
        )

    def void(self, cluster: Cluster, *changes: str, at: datetime, estimate: Window | None) -> "UpgradeRequest":
        """Start the vote again because what was voted on has changed."""
        asked_again = replace(
            self.follow(cluster, *changes, estimate=estimate),
            reminders=0,
            reminded_at=at,  # the news of it reminds them
        )
        if self.state is State.PENDING_APPROVAL:
            return asked_again
        return asked_again._to(State.PENDING_APPROVAL, at=at)  # noqa: SLF001 - another value of this class

    def ask_again(self, *changes: str, lost: Iterable[MemberId] = (), at: datetime) -> "UpgradeRequest":
        """Go back to the vote with the approvals that still count, without those of `lost`."""
        return self._to(State.PENDING_APPROVAL, at=at, changes=changes, lost=tuple(lost))

    def submitting(self, *, at: datetime, start_left_out: bool) -> "UpgradeRequest":
        """Note that it is being handed to the cloud, before it is."""
        return self._to(
            State.SUBMITTING, at=at, attempt=self.attempt + 1, attempted_at=at, start_left_out=start_left_out
        )

    def submitted(
        self, *, upgrade: UpgradeIdentity, window: Window | None, at: datetime, stated_by: MemberId | None = None
    ) -> "UpgradeRequest":
        """Note that the cloud has it, as its answer or its list shows, or as an approver states."""
        return self._to(State.SUBMITTED, at=at, upgrade=upgrade, window=window, outcome="", window_stated_by=stated_by)

    def fail(self, reason: str, *, at: datetime) -> "UpgradeRequest":
        """Note a clear no: the cloud's, or a rule's right before submission."""
        return self._to(State.SUBMISSION_FAILED, at=at, outcome=reason)

    def unclear(self, reason: str, *, at: datetime) -> "UpgradeRequest":
        """Note that nobody can tell whether the cloud has it."""
        return self._to(State.SUBMISSION_UNCLEAR, at=at, outcome=reason)

    def stale(self) -> "UpgradeRequest":
        """Note that people were told that the cloud has not scheduled it, so that they are told once."""
        return replace(self, stale_told=True)

    def remind(self, *, at: datetime) -> "UpgradeRequest":
        """Note that the approvers were reminded."""
        return replace(self, reminders=self.reminders + 1, reminded_at=at)

    def _to(self, state: State, *, at: datetime, **changes: object) -> "UpgradeRequest":
        if state not in NEXT[self.state]:
            raise WrongState(RequestIs(state=self.state, by=self.decided_by))
        return replace(self, state=state, state_since=at, blocked="", **changes)  # type: ignore[arg-type]


def competing(request: UpgradeRequest, upgrades: Iterable[ScheduledUpgrade]) -> ScheduledUpgrade | None:
    """Return the upgrade of its cluster that a request would supersede: outside Slack, or to another version."""
    return next(
        (
            one
            for one in upgrades
            if one.cluster_identity == request.cluster_identity
            and not one.is_final
            and one.request_id != request.id
            and (one.request_id is None or one.to_version != request.to_version)
        ),
        None,
    )


def _digest(*shown: object) -> Seal:
    return Seal(hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:20])
