"""A rollout: one version through many clusters, in waves. States, the table of allowed moves, budgets, waiting.

Pure: what is asked of the world, and when, is the workflow's business. A cluster of a rollout is handed to the cloud as
an ordinary request; here stands only what became of it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.errors import AlreadyVoted, Outdated, WrongState
from bot.domain.findings import (
    ClusterWentOn,
    NothingFailed,
    NotItsTurn,
    NoWaveAsks,
    PlanProblem,
    RolloutChanged,
    RolloutIs,
    StillSoaks,
    WaveAlreadyApproved,
)
from bot.domain.people import MemberId
from bot.domain.request import RequestId, Seal
from bot.domain.windows import Window

RolloutId = NewType("RolloutId", str)

MOST_WAVES = 5
AT_ONCE = range(1, 51)
MAY_FAIL = range(21)
SOAKS = tuple(timedelta(hours=hours) for hours in (0, 1, 4, 12, 24, 48, 72, 168))
"""What may be chosen as soak."""
LONGEST_REST = timedelta(days=14)
"""Paused or halted for so long, a rollout is stopped; a day before, that is said."""
LAST_WARNING = timedelta(days=1)
LONGEST_WAIT = timedelta(days=7)
"""So long a cluster waits for another upgrade of it; then it is skipped."""
STATUS_AFTER_WINDOW = timedelta(hours=24)
STATUS_AFTER_SUBMISSION = timedelta(days=7)
"""Without a final status so long after its window's end, or after submission where no window is known, it failed."""


class RolloutState(StrEnum):
    """Where a rollout is."""

    ASKING = "ASKING"
    RUNNING = "RUNNING"
    SOAKING = "SOAKING"
    PAUSED = "PAUSED"
    HALTED = "HALTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    STOPPED = "STOPPED"
    DONE = "DONE"


NEXT: dict[RolloutState, frozenset[RolloutState]] = {
    RolloutState.ASKING: frozenset(
        {RolloutState.RUNNING, RolloutState.REJECTED, RolloutState.EXPIRED, RolloutState.STOPPED}
    ),
    RolloutState.RUNNING: frozenset(
        {
            RolloutState.SOAKING,
            RolloutState.ASKING,
            RolloutState.PAUSED,
            RolloutState.HALTED,
            RolloutState.STOPPED,
            RolloutState.DONE,
        }
    ),
    RolloutState.SOAKING: frozenset(
        {RolloutState.ASKING, RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.STOPPED}
    ),
    RolloutState.PAUSED: frozenset(
        {RolloutState.RUNNING, RolloutState.SOAKING, RolloutState.HALTED, RolloutState.STOPPED}
    ),
    RolloutState.HALTED: frozenset(
        {RolloutState.ASKING, RolloutState.RUNNING, RolloutState.SOAKING, RolloutState.STOPPED, RolloutState.DONE}
    ),
    RolloutState.REJECTED: frozenset(),
    RolloutState.EXPIRED: frozenset(),
    RolloutState.STOPPED: frozenset(),
    RolloutState.DONE: frozenset(),
}
ENDED = frozenset(state for state, following in NEXT.items() if not following)


class Progress(StrEnum):
    """Where one cluster of a rollout is."""

    WAITING = "waiting"
    RUNNING = "running"
    UNCLEAR = "unclear"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"


FINISHED = frozenset({Progress.SUCCEEDED, Progress.SKIPPED, Progress.FAILED})
IN_PLACE = frozenset({Progress.RUNNING, Progress.UNCLEAR})
"""These keep a place of `at_once`."""


class Why(StrEnum):
    """Why a cluster waits, was skipped or failed: a closed set, each with a sentence in the notifications."""

    # waits
    FROZEN = "frozen"
    NOT_ALLOWED = "not allowed at that time"
    AFTER = "not long enough after another environment"
    LEAD_TIME = "too soon"
    OTHER_UPGRADE = "another upgrade of it"
    AT_ONCE = "no place free"
    CLOUD = "Avisi Cloud does not answer"
    SLACK = "Slack does not say who may approve"
    REQUESTER = "the requester may no longer request upgrades there"
    RULE = "a rule of its environment"
    # skipped
    ALREADY_THERE = "already there"
    NOT_ONE_STEP = "not one allowed step away"
    STOPPED = "stopped"
    DELETING = "being deleted"
    GONE = "gone"
    MOVED = "moved to another environment"
    TAKEN_OVER = "taken over by a single request"
    SUPERSEDED = "superseded"
    WAITED_TOO_LONG = "waited too long"
    BY_A_PERSON = "skipped by a person"
    # failed
    FAILED = "FAILED"
    MISSED = "MISSED"
    REFUSED = "refused by Avisi Cloud"
    VERSION_WITHDRAWN = "version withdrawn"
    NO_STATUS = "no final status"


WAITS = frozenset(
    {
        Why.FROZEN,
        Why.NOT_ALLOWED,
        Why.AFTER,
        Why.LEAD_TIME,
        Why.OTHER_UPGRADE,
        Why.AT_ONCE,
        Why.CLOUD,
        Why.SLACK,
        Why.REQUESTER,
        Why.RULE,
    }
)
SKIPS = frozenset(
    {
        Why.ALREADY_THERE,
        Why.NOT_ONE_STEP,
        Why.STOPPED,
        Why.DELETING,
        Why.GONE,
        Why.MOVED,
        Why.TAKEN_OVER,
        Why.SUPERSEDED,
        Why.WAITED_TOO_LONG,
        Why.BY_A_PERSON,
    }
)
FAILURES = frozenset({Why.FAILED, Why.MISSED, Why.REFUSED, Why.VERSION_WITHDRAWN, Why.NO_STATUS})


class NextWave(StrEnum):
    """How a wave after the first opens."""

    ASKS = "asks"
    """Its approvals count only after the soak: they are the human verdict."""
    OPENS = "opens"
    """They may be given during the soak, and it opens by itself when they are there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCluster:
    """A cluster as it was planned. Its name is for people; identity, organisation and environment are what counts."""

    identity: ClusterIdentity
    environment: str
    cluster: str

    @property
    def full_name(self) -> str:
        """Return `environment/slug`."""
        return f"{self.environment}/{self.cluster}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is rolled out, frozen. `not_before` is aware UTC; `waves` holds one to five waves, none of them empty."""

    organisation: Organisation
    name: str
    version: str
    waves: tuple[tuple[PlannedCluster, ...], ...]
    at_once: int = 5
    soak: timedelta = timedelta(days=1)
    next_wave: NextWave = NextWave.ASKS
    may_fail: int = 0
    not_before: datetime | None = None
    ignore_windows: bool = False
    reason: str = ""
    change: str = ""

    @property
    def clusters(self) -> tuple[PlannedCluster, ...]:
        """Return the clusters of all waves, in order."""
        return tuple(one for wave in self.waves for one in wave)

    @property
    def digest(self) -> str:
        """Return a digest of everything that an approver votes on."""
        shown = [
            self.organisation,
            self.name,
            self.version,
            [[[one.identity, one.environment] for one in wave] for wave in self.waves],
            self.at_once,
            self.soak.total_seconds(),
            self.next_wave,
            self.may_fail,
            self.not_before.astimezone(UTC).isoformat() if self.not_before else None,
            self.ignore_windows,
            self.reason,
            self.change,
        ]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveVote:
    """An approval of one wave. It counts for each of `environments`, where its giver may approve."""

    member: MemberId
    at: datetime
    environments: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutCluster:
    """What became of a planned cluster. `attempt` rises with each retry.

    `why` and `until` explain waiting, skipping and failing; `detail` is the other request, person or answer concerned.
    `waits_since` is when it began to wait for another upgrade. `forgiven` failures count no longer. `status` and
    `window` are the cloud's, of its scheduled upgrade; `announced` is what of them was posted in its environment's
    channel, and `counted_down` the window's start and the lead of the last countdown.
    """

    planned: PlannedCluster
    wave: int
    progress: Progress = Progress.WAITING
    since: datetime
    why: Why | None = None
    until: datetime | None = None
    detail: str = ""
    waits_since: datetime | None = None
    request: RequestId | None = None
    attempt: int = 1
    forgiven: bool = False
    status: str = ""
    window: Window | None = None
    announced: str = ""
    counted_down: str = ""

    @property
    def identity(self) -> ClusterIdentity:
        """Return the cluster's identity."""
        return self.planned.identity

    @property
    def standing(self) -> str:
        """Return what tells apart the moves of its scheduled upgrade: status and window."""
        return f"{self.status} {self.window.start.isoformat() if self.window else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """A rollout with everything its card shows.

    `wave` is the one that is asked for, open or soaking, counted from 0. `round` rises whenever votes are asked for
    anew. `votes` are those for the wave that waits for them. `time_left` is what is left of the time to vote, counted
    until `counted_at`; it stands still while a freeze lasts, which ends `frozen_until`. `resumes` is where a paused one
    goes on.
    `outcome` says why it halted or ended, `ended_by` who ended it. `revision` is the store's: 0 until it is stored.
    """

    id: RolloutId
    plan: Plan
    requester: MemberId
    requested_at: datetime
    channel: str
    clusters: tuple[RolloutCluster, ...]
    state: RolloutState = RolloutState.ASKING
    state_since: datetime
    wave: int = 0
    round: int = 1
    votes: tuple[WaveVote, ...] = ()
    time_left: timedelta
    counted_at: datetime
    frozen_until: datetime | None = None
    resumes: RolloutState | None = None
    outcome: str = ""
    ended_by: MemberId | None = None
    warned_at: datetime | None = None
    reminders: int = 0
    reminded_at: datetime | None = None
    revision: int = 0

    @classmethod
    def of(
        cls,
        plan: Plan,
        *,
        id: RolloutId,  # noqa: A002 - the field's name
        requester: MemberId,
        channel: str,
        time_to_vote: timedelta,
        at: datetime,
    ) -> "Rollout":
        """Begin a rollout of a plan: it asks for its first wave."""
        return cls(
            id=id,
            plan=plan,
            requester=requester,
            requested_at=at,
            channel=channel,
            clusters=tuple(
                RolloutCluster(planned=one, wave=number, since=at)
                for number, wave in enumerate(plan.waves)
                for one in wave
            ),
            state_since=at,
            time_left=time_to_vote,
            counted_at=at,
        )

    # --- what there is to see

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens."""
        return self.state in ENDED

    @property
    def asked_wave(self) -> int | None:
        """Return the wave that votes are for just now: the one asked for, or during a soak the next one."""
        if self.state is RolloutState.ASKING:
            return self.wave
        if self.state is RolloutState.SOAKING and self.plan.next_wave is NextWave.OPENS:
            return self.wave + 1
        return None

    @property
    def seal(self) -> Seal:
        """Return a digest of what a vote is for: rollout, wave, round and the whole plan."""
        shown = [self.id, self.asked_wave, self.round, self.plan.digest]
        return Seal(hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:20])

    @property
    def voters(self) -> frozenset[MemberId]:
        """Return everybody whose vote stands."""
        return frozenset(vote.member for vote in self.votes)

    def of_wave(self, wave: int) -> tuple[RolloutCluster, ...]:
        """Return the clusters of a wave."""
        return tuple(one for one in self.clusters if one.wave == wave)

    def environments(self, wave: int) -> tuple[str, ...]:
        """Return the environments of a wave in which clusters still wait, each once, in order: their rules decide."""
        waiting = (one for one in self.of_wave(wave) if one.progress is Progress.WAITING)
        return tuple(dict.fromkeys(one.planned.environment for one in waiting))

    def counts(self, wave: int) -> Counter[Progress]:
        """Count a wave's clusters by where they are."""
        return Counter(one.progress for one in self.of_wave(wave))

    def find(self, identity: ClusterIdentity) -> RolloutCluster | None:
        """Return a cluster of it."""
        return next((one for one in self.clusters if one.identity == identity), None)

    @property
    def in_place(self) -> int:
        """Return how many clusters of the open wave keep a place of `at_once`."""
        return sum(one.progress in IN_PLACE for one in self.of_wave(self.wave))

    @property
    def to_hand_over(self) -> tuple[RolloutCluster, ...]:
        """Return the clusters that may be handed over, by the order of the plan; none while no place is free.

        All that wait are among them: one that has to wait longer holds up none behind it.
        """
        if self.state is not RolloutState.RUNNING or self.in_place >= self.plan.at_once:
            return ()
        return tuple(one for one in self.of_wave(self.wave) if one.progress is Progress.WAITING)

    @property
    def is_followed(self) -> bool:
        """Whether anything more will become of it: also after its end while the cloud still has upgrades of it."""
        return not self.has_ended or any(one.progress in IN_PLACE for one in self.clusters)

    @property
    def left(self) -> tuple[RolloutCluster, ...]:
        """Return what a new plan would hold: what did not succeed, is not there already and not with the cloud."""
        return tuple(
            one
            for one in self.clusters
            if one.progress not in {Progress.SUCCEEDED, Progress.RUNNING}
            if one.why not in {Why.ALREADY_THERE, Why.GONE, Why.DELETING}
        )

    @property
    def soaked_at(self) -> datetime | None:
        """Return when the soak of the present wave ends, counted from its last success; None without a success."""
        return self.last_success + self.plan.soak if self.last_success is not None else None

    @property
    def last_success(self) -> datetime | None:
        """Return when a cluster of the present wave succeeded last."""
        succeeded = (one.since for one in self.of_wave(self.wave) if one.progress is Progress.SUCCEEDED)
        return max(succeeded, default=None)

    def lacking(self, required: Mapping[str, int]) -> dict[str, int]:
        """Return how many approvals each environment still lacks. `required` is by environment of the asked wave.

        A wave that needs none still needs one vote: that is said by the empty name.
        """
        counted = Counter(environment for vote in self.votes for environment in vote.environments)
        lacks = {
            environment: needed - counted[environment]
            for environment, needed in required.items()
            if counted[environment] < needed
        }
        return lacks or ({} if self.votes else {"": 1})

    # --- votes

    def check_seal(self, seal: Seal) -> None:
        """Refuse a press on a card that showed something else; raises Outdated."""
        if seal != self.seal:
            raise Outdated(RolloutChanged())

    def check_state(self, *expected: RolloutState) -> None:
        """Refuse what is possible only in other states; raises WrongState."""
        if self.state not in expected:
            raise WrongState(RolloutIs(state=self.state))

    def cast(self, *, by: MemberId, environments: Collection[str], at: datetime) -> "Rollout":
        """Add an approval of the asked wave for these environments; raises WrongState, AlreadyVoted."""
        if self.asked_wave is None:
            raise WrongState(NoWaveAsks(state=self.state))
        if by in self.voters:
            raise AlreadyVoted(WaveAlreadyApproved())
        vote = WaveVote(member=by, at=at, environments=frozenset(environments))
        return replace(self, votes=(*self.votes, vote))

    def hold_votes_to(self, may_approve: Mapping[MemberId, Collection[str]]) -> "Rollout":
        """Keep of each vote what its giver may still approve; a vote that counts nowhere goes."""
        kept = tuple(replace(vote, environments=frozenset(may_approve.get(vote.member, ()))) for vote in self.votes)
        return replace(self, votes=tuple(vote for vote in kept if vote.environments))

    def open(self, *, at: datetime) -> "Rollout":
        """Open the wave that was asked for: its quorum is there. From a soak, the next wave opens."""
        wave = self.asked_wave
        if wave is None:
            raise WrongState(NoWaveAsks(state=self.state))
        if self.state is RolloutState.SOAKING and not self.has_soaked(at):
            raise WrongState(StillSoaks())
        return self._to(RolloutState.RUNNING, at=at, wave=wave, reminders=0, reminded_at=None)

    def reject(self, *, by: MemberId, reason: str, at: datetime) -> "Rollout":
        """End it by an approver's no to the asked wave."""
        if self.asked_wave is None:
            raise WrongState(NoWaveAsks(state=self.state))
        asked = self._to(RolloutState.ASKING, at=at) if self.state is RolloutState.SOAKING else self
        return asked._to(RolloutState.REJECTED, at=at, ended_by=by, outcome=reason)  # noqa: SLF001 - another of this class

    def count_down(self, *, frozen_until: datetime | None, at: datetime) -> "Rollout":
        """Count the time to vote; it stands still while one of the wave's environments is frozen."""
        if self.state is not RolloutState.ASKING or at < self.counted_at:
            return self
        spent = timedelta(0) if frozen_until else at - self.counted_at
        return replace(self, time_left=self.time_left - spent, counted_at=at, frozen_until=frozen_until)

    @property
    def deadline(self) -> datetime:
        """Return when the time to vote is over, unless it stands still."""
        return self.counted_at + self.time_left

    @property
    def is_overdue(self) -> bool:
        """Whether the time to vote is over."""
        return self.state is RolloutState.ASKING and self.time_left <= timedelta(0)

    def expire(self, *, at: datetime) -> "Rollout":
        """End it because nobody decided in time."""
        return self._to(RolloutState.EXPIRED, at=at)

    def ask_again(self, why: str, *, time_to_vote: timedelta, at: datetime) -> "Rollout":
        """Go back to the vote with the approvals that still stand: some were lost before all was handed over."""
        return self._ask(at=at, time_to_vote=time_to_vote, outcome=why, votes=self.votes)

    # --- what becomes of the clusters

    def hand_over(self, identity: ClusterIdentity, *, request: RequestId, at: datetime) -> "Rollout":
        """Note that a cluster is handed to the cloud by this request.

        Raises WrongState outside an open wave, for a cluster that does not wait, and above `at_once`.
        """
        if identity not in {one.identity for one in self.to_hand_over}:
            raise WrongState(NotItsTurn())
        return self._with(
            identity, progress=Progress.RUNNING, since=at, request=request, why=None, until=None, detail=""
        )

    def wait(
        self, identity: ClusterIdentity, why: Why, *, until: datetime | None, at: datetime, detail: str = ""
    ) -> "Rollout":
        """Note why a cluster waits, and until when; None: nobody knows."""
        one = self._one(identity, Progress.WAITING)
        since = (one.waits_since or at) if why is Why.OTHER_UPGRADE else None
        return self._with(identity, why=why, until=until, detail=detail, waits_since=since)

    def skip(self, identity: ClusterIdentity, why: Why, *, at: datetime, detail: str = "") -> "Rollout":
        """Leave a cluster out, visibly."""
        self._one(identity, Progress.WAITING, Progress.RUNNING, Progress.UNCLEAR)
        return self._with(identity, progress=Progress.SKIPPED, since=at, why=why, until=None, detail=detail)

    def succeed(self, identity: ClusterIdentity, *, at: datetime) -> "Rollout":
        """Note that a cluster reached the version."""
        self._one(identity, Progress.RUNNING, Progress.UNCLEAR)
        return self._with(identity, progress=Progress.SUCCEEDED, since=at, why=None, until=None, detail="")

    def fail(self, identity: ClusterIdentity, why: Why, *, at: datetime, detail: str = "") -> "Rollout":
        """Note a failure. Whether the rollout halts is said by `settle`."""
        self._one(identity, Progress.WAITING, Progress.RUNNING, Progress.UNCLEAR)
        return self._with(identity, progress=Progress.FAILED, since=at, why=why, until=None, detail=detail)

    def unclear(self, identity: ClusterIdentity, *, at: datetime) -> "Rollout":
        """Note that nobody can tell whether the cloud has it; it keeps its place."""
        self._one(identity, Progress.RUNNING)
        return self._with(identity, progress=Progress.UNCLEAR, since=at)

    def give_back(self, identity: ClusterIdentity, *, at: datetime) -> "Rollout":
        """Let a cluster wait again that was handed over but never sent, because a rule or a person stood in the way."""
        self._one(identity, Progress.RUNNING, Progress.UNCLEAR)
        return self._with(
            identity,
            progress=Progress.WAITING,
            since=at,
            request=None,
            why=None,
            until=None,
            detail="",
            waits_since=None,
            status="",
            window=None,
        )

    def follow(self, identity: ClusterIdentity, *, status: str, window: Window | None) -> "Rollout":
        """Note the status and the window that the cloud gives to the upgrade of a cluster."""
        return self._with(identity, status=status, window=window)

    def announce(self, identity: ClusterIdentity) -> "Rollout":
        """Note that the cluster's present status and window are posted in its environment's channel."""
        one = self.find(identity)
        return self._with(identity, announced=one.standing) if one else self

    def note_countdown(self, identity: ClusterIdentity, countdown: str) -> "Rollout":
        """Note the countdown that is posted."""
        return self._with(identity, counted_down=countdown)

    def clear(self, identity: ClusterIdentity, *, at: datetime) -> "Rollout":
        """Note that an unclear one is under way after all, or was sent again."""
        self._one(identity, Progress.UNCLEAR)
        return self._with(identity, progress=Progress.RUNNING, since=at)

    # --- moves by themselves

    @property
    def failures(self) -> tuple[RolloutCluster, ...]:
        """Return the failures of the present wave that count."""
        return tuple(one for one in self.of_wave(self.wave) if one.progress is Progress.FAILED and not one.forgiven)

    @property
    def wave_is_over(self) -> bool:
        """Whether nothing of the present wave is left to wait for."""
        return all(one.progress in FINISHED for one in self.of_wave(self.wave))

    @property
    def is_last_wave(self) -> bool:
        """Whether no wave follows."""
        return self.wave == len(self.plan.waves) - 1

    def settle(self, *, time_to_vote: timedelta, at: datetime) -> "Rollout":
        """Move on as far as what became of the clusters, and the clock, allow; the same value when nowhere.

        `time_to_vote` is that of the wave after this one.
        """
        if self.state in {RolloutState.RUNNING, RolloutState.PAUSED} and len(self.failures) > self.plan.may_fail:
            return self._to(RolloutState.HALTED, at=at, outcome="too many failures", warned_at=None)
        if self.state is RolloutState.RUNNING and self.wave_is_over:
            if self._nothing_succeeded:
                return self._to(RolloutState.HALTED, at=at, outcome="no success", warned_at=None)
            return self._after_the_wave(time_to_vote=time_to_vote, at=at)
        if self.state is RolloutState.SOAKING and self.has_soaked(at):
            # Votes that were given during the soak still count; those that lack now have a deadline.
            return self._ask(at=at, time_to_vote=time_to_vote, wave=self.wave + 1, votes=self.votes)
        return self

    def has_soaked(self, at: datetime) -> bool:
        """Whether the soak of the present wave is over."""
        return self.soaked_at is None or at >= self.soaked_at

    @property
    def _nothing_succeeded(self) -> bool:
        wave = self.of_wave(self.wave)
        there = all(one.why is Why.ALREADY_THERE for one in wave)
        forgiven = any(one.forgiven for one in wave)
        return not there and not forgiven and not any(one.progress is Progress.SUCCEEDED for one in wave)

    def _after_the_wave(self, *, time_to_vote: timedelta, at: datetime) -> "Rollout":
        if self.is_last_wave:
            return self._to(RolloutState.DONE, at=at)
        if not self.has_soaked(at):
            return self._to(RolloutState.SOAKING, at=at, votes=(), round=self.round + 1, reminders=0, reminded_at=None)
        return self._ask(at=at, time_to_vote=time_to_vote, wave=self.wave + 1)

    def _ask(
        self, *, at: datetime, time_to_vote: timedelta, votes: tuple[WaveVote, ...] = (), **changes: object
    ) -> "Rollout":
        return self._to(
            RolloutState.ASKING,
            at=at,
            votes=votes,
            round=self.round + 1,
            time_left=time_to_vote,
            counted_at=at,
            frozen_until=None,
            reminders=0,
            reminded_at=None,
            **changes,
        )

    # --- what people do

    def pause(self, *, at: datetime) -> "Rollout":
        """Hand nothing over until it is resumed; what the cloud has goes on."""
        self.check_state(RolloutState.RUNNING, RolloutState.SOAKING)
        return self._to(RolloutState.PAUSED, at=at, resumes=self.state, warned_at=None)

    def resume(self, *, at: datetime) -> "Rollout":
        """Go on where it was paused."""
        self.check_state(RolloutState.PAUSED)
        return self._to(self.resumes or RolloutState.RUNNING, at=at, resumes=None)

    def stop(self, *, by: MemberId | None, reason: str = "", at: datetime) -> "Rollout":
        """End it; nothing more is handed over. `by` is None when it rested for too long."""
        return self._to(RolloutState.STOPPED, at=at, ended_by=by, outcome=reason)

    def go_on_without(self, *, time_to_vote: timedelta, at: datetime) -> "Rollout":
        """Forgive the failures so far and go on: with the wave, or with what follows it."""
        self.check_state(RolloutState.HALTED)
        forgiven = replace(
            self,
            clusters=tuple(
                replace(one, forgiven=True) if one.wave == self.wave and one.progress in FINISHED else one
                for one in self.clusters
            ),
            outcome="",
        )
        if not forgiven.wave_is_over:
            return forgiven._to(RolloutState.RUNNING, at=at)  # noqa: SLF001 - another of this class
        return forgiven._after_the_wave(time_to_vote=time_to_vote, at=at)  # noqa: SLF001 - as above

    def retry_failed(self, *, time_to_vote: timedelta, at: datetime) -> "Rollout":
        """Ask the quorum for another attempt at the failed clusters."""
        self.check_state(RolloutState.HALTED)
        failed = {one.identity for one in self.failures}
        if not failed:
            raise WrongState(NothingFailed())
        clusters = tuple(
            RolloutCluster(planned=one.planned, wave=one.wave, since=at, attempt=one.attempt + 1)
            if one.identity in failed
            else one
            for one in self.clusters
        )
        return self._ask(at=at, time_to_vote=time_to_vote, clusters=clusters, outcome="")

    @property
    def rests(self) -> bool:
        """Whether it waits for a person without a deadline of its own."""
        return self.state in {RolloutState.PAUSED, RolloutState.HALTED}

    def rests_too_long(self, at: datetime) -> bool:
        """Whether it is to be stopped because nobody came back to it."""
        return self.rests and at - self.state_since >= LONGEST_REST

    def is_to_be_warned(self, at: datetime) -> bool:
        """Whether it is to be said that it will be stopped within a day."""
        return self.rests and self.warned_at is None and at - self.state_since >= LONGEST_REST - LAST_WARNING

    def warned(self, *, at: datetime) -> "Rollout":
        """Note that it was said."""
        return replace(self, warned_at=at)

    def remind(self, *, at: datetime) -> "Rollout":
        """Note that the approvers were reminded."""
        return replace(self, reminders=self.reminders + 1, reminded_at=at)

    def _one(self, identity: ClusterIdentity, *expected: Progress) -> RolloutCluster:
        one = self.find(identity)
        if one is None or one.progress not in expected:
            raise WrongState(ClusterWentOn())
        return one

    def _with(self, identity: ClusterIdentity, **changes: object) -> "Rollout":
        return replace(
            self,
            clusters=tuple(
                replace(one, **changes) if one.identity == identity else one  # type: ignore[arg-type]
                for one in self.clusters
            ),
        )

    def _to(self, state: RolloutState, *, at: datetime, **changes: object) -> "Rollout":
        if state not in NEXT[self.state]:
            raise WrongState(RolloutIs(state=self.state))
        return replace(self, state=state, state_since=at, **changes)  # type: ignore[arg-type]


def plan_problems(
    plan: Plan, *, taken_names: Collection[str], in_rollouts: Iterable[ClusterIdentity]
) -> list[PlanProblem]:
    """Return what is wrong with a plan by itself; `in_rollouts` are clusters of rollouts that have not ended."""
    found = []
    if not plan.name.strip() or len(plan.name) > 60:  # noqa: PLR2004 - as the form says
        found.append(PlanProblem(field="name", kind="length"))
    elif plan.name.strip().casefold() in {name.strip().casefold() for name in taken_names}:
        found.append(PlanProblem(field="name", kind="taken"))
    if not plan.waves or not plan.waves[0]:
        found.append(PlanProblem(field="wave 1", kind="empty"))
    for number, wave in enumerate(plan.waves[1:], start=2):
        if not wave and any(plan.waves[number:]):
            found.append(PlanProblem(field=f"wave {number}", kind="gap"))
    found += _cluster_problems(plan, busy=frozenset(in_rollouts))
    if plan.at_once not in AT_ONCE:
        found.append(PlanProblem(field="at once", kind="range"))
    if plan.may_fail not in MAY_FAIL:
        found.append(PlanProblem(field="may fail", kind="range"))
    if plan.soak not in SOAKS:
        found.append(PlanProblem(field="soak", kind="range"))
    return found


def _cluster_problems(plan: Plan, *, busy: frozenset[ClusterIdentity]) -> list[PlanProblem]:
    found = []
    seen: set[ClusterIdentity] = set()
    for number, wave in enumerate(plan.waves, start=1):
        for one in wave:
            if one.identity in seen:
                found.append(PlanProblem(field=f"wave {number}", kind="twice", detail=one.full_name))
            elif one.identity in busy:
                found.append(PlanProblem(field=f"wave {number}", kind="other rollout", detail=one.full_name))
            seen.add(one.identity)
    return found
