"""Everything that can happen to a rollout, in any order, by any people: the cloud judges each submission."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.freeze import FrozenPlace
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import Seal, State
from bot.domain.rollout import WAITS, NextWave, Plan, PlannedCluster, Progress, Rollout, RolloutState
from bot.domain.scheduled import FINAL, Reading
from bot.workflow.errors import Broken, Declined, NoAnswer, NoList, NotConnected
from bot.workflow.inbox import (
    ButtonPressed,
    FormSubmitted,
    FreezeAsked,
    FreezeLiftPressed,
    Press,
    RolloutPlanned,
    RolloutPress,
    RolloutPressed,
)
from bot.workflow.ports import Submission
from tests.builders import ACME, KIM, NEW, NOON, OLD, ROOS, SEM, a_catalog, a_cluster, a_form, a_rule
from tests.fakes import FakeClock, FakeCloud, FakeStorage
from tests.workflow.harness import ANNE, Harness, the_people
from tests.workflow.oracle import Killed

HOUR = timedelta(hours=1)
PLACES = {"a": "production", "b": "production", "c": "production", "s": "staging", "t": "staging"}
WAVES = ("as", "bt", "c")
FAULTS = {
    "declined": Declined("no"),
    "not connected": NotConnected("no connection"),
    "no answer": NoAnswer("silence"),
    "broken": Broken("502"),
    "killed": Killed(),
}
people = st.sampled_from([ROOS, SEM, KIM, ANNE])
names = st.sampled_from(sorted(PLACES))
RARELY = st.sampled_from([False, False, False, True])
T = TypeVar("T")


def identity(name: str) -> ClusterIdentity:
    return ClusterIdentity(f"id-{name}")


@dataclass
class Ballots:
    """Who approved which wave in which round, as the answers said; and which clusters people had submitted again."""

    given: set[tuple[str, Seal, MemberId]] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)


class JudgingCloud(FakeCloud):
    """Judges each submission of a rollout at the moment it arrives."""

    storage: FakeStorage
    ballots: Ballots
    policy: Policy
    lost: bool = False

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Judge it, then answer; an answer that gets lost may have reached the cloud."""
        tables = self.storage.tables
        (request,) = (
            one
            for one in tables.requests.values()
            if one.cluster_identity == submission.cluster_identity and one.state is State.SUBMITTING
        )
        if request.rollout:
            rollout = next(one for one in tables.rollouts.values() if one.id == request.rollout)
            self.judge(rollout, submission, request.id)
        answer = self.answers[0] if self.answers else None
        reached = answer is None or (self.lost and isinstance(answer, NoAnswer | Broken | Killed))
        if reached:
            self.ballots.taken[request.id] += 1
            assert self.ballots.taken[request.id] <= 1 + self.ballots.again[request.id], "twice for one attempt"
        if reached and answer is not None:
            self.answers.pop(0)
            with suppress(Exception):
                await super().submit(organisation, submission)
            assert isinstance(answer, Exception)
            raise answer
        return await super().submit(organisation, submission)

    def judge(self, rollout: Rollout, submission: Submission, request: str) -> None:
        """Hold it to what is promised: an open wave, `at_once`, the quorum of exactly this plan, nobody twice."""
        one = rollout.find(submission.cluster_identity)
        assert one is not None
        assert rollout.state is RolloutState.RUNNING, f"submitted while {rollout.state}"
        assert one.wave == rollout.wave, "outside its wave"
        assert one.request == request
        assert rollout.in_place <= rollout.plan.at_once
        assert len(rollout.failures) <= rollout.plan.may_fail
        needed = self.policy.rule(ACME, one.planned.environment).required_approvals
        given = {who for rollout_id, _, who in self.ballots.given if rollout_id == rollout.id}
        voters = {vote.member for vote in rollout.votes if one.planned.environment in vote.environments}
        assert voters <= given, "a vote that nobody gave"
        assert len(voters) >= needed, "without its quorum"
        assert ROOS not in voters or not self.policy.rule(ACME, one.planned.environment).approvers


class Story(RuleBasedStateMachine):
    """Rollouts of one organisation, one after the other."""

    @initialize()
    def begin(self) -> None:
        """Build everything: no rollout yet."""
        self.runner = asyncio.Runner()
        self.ids, self.entered = count(1), count(1)
        self.clock = FakeClock(NOON)
        clusters = [a_cluster(identity=identity(one), slug=one, environment=place) for one, place in PLACES.items()]
        self.storage = FakeStorage(a_catalog(*clusters))
        self.members = the_people()
        self.cloud = JudgingCloud(self.storage.tables.catalogs[ACME])
        self.cloud.storage, self.cloud.ballots, self.cloud.time = self.storage, Ballots(), NOON
        self.start(self.rules_of(required=1))
        self.run(self.harness.catalog_cache.renew())

    def rules_of(self, *, required: int) -> Policy:
        """Return a policy: production needs so many approvals of Sem and Kim, staging one of Sem."""
        return Policy(
            default=a_rule(),
            environments={
                "production": a_rule(required_approvals=required),
                "staging": a_rule(environment="staging", approvers=(SEM,), required_approvals=1),
            },
        )

    def start(self, policy: Policy) -> None:
        """Start a process with this policy over what is stored."""
        self.cloud.policy = policy
        self.harness = Harness(
            storage=self.storage,
            cloud=self.cloud,
            members=self.members,
            clock=self.clock,
            policy=policy,
            ids=self.ids,
            entered=self.entered,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.runner.run(work)

    @property
    def rollout(self) -> Rollout | None:
        """Return the newest rollout."""
        return next(reversed(list(self.storage.tables.rollouts.values())), None)

    @property
    def is_open(self) -> bool:
        """Whether there is one that has not ended."""
        return self.rollout is not None and not self.rollout.has_ended

    def go_on(self) -> None:
        """Let the job run and the worker submit, a few times; a process that dies is started again."""
        for _ in range(4):
            try:
                self.run(self.once())
            except Killed:
                self.clock.now += timedelta(minutes=1)
                self.start(self.cloud.policy)
                self.run(self.harness.catalog_cache.renew())

    async def once(self) -> None:
        """Do what the runner does once."""
        for rollout_id in await self.harness.rollouts.followed():
            await self.harness.rollouts.advance(rollout_id, await self.harness.lease())
        for request in list(self.storage.requests.values()):
            await self.harness.submit(request)

    # --- people

    @precondition(lambda self: not self.is_open)
    @rule(
        at_once=st.integers(1, 2),
        may_fail=st.integers(0, 1),
        soak=st.sampled_from([timedelta(0), HOUR]),
        following=st.sampled_from(NextWave),
        ignore=RARELY,
    )
    def plan(self, *, at_once: int, may_fail: int, soak: timedelta, following: NextWave, ignore: bool) -> None:
        """Plan three waves."""
        for name, place in PLACES.items():
            self.change(identity(name), version=OLD, status="running", environment=place)
        waves = tuple(
            tuple(PlannedCluster(identity=identity(one), environment=PLACES[one], cluster=one) for one in wave)
            for wave in WAVES
        )
        plan = Plan(
            organisation=ACME,
            name="Winter",
            version=NEW,
            waves=waves,
            at_once=at_once,
            soak=soak,
            next_wave=following,
            may_fail=may_fail,
            ignore_windows=ignore,
        )
        self.run(self.harness.do(RolloutPlanned(member=ROOS, plan=plan)))
        self.go_on()

    def press(self, what: RolloutPress, who: MemberId, cluster: str = "") -> str:
        """Press a button on the card as it is now."""
        rollout = self.rollout
        assert rollout is not None
        pressed = RolloutPressed(
            member=who,
            press=what,
            rollout_id=rollout.id,
            seal=rollout.seal,
            reason="no",
            cluster=identity(cluster) if cluster else None,
        )
        answer = self.run(self.harness.do(pressed))
        if what is RolloutPress.APPROVE and answer.startswith("Your approval counts"):
            self.cloud.ballots.given.add((rollout.id, rollout.seal, who))
        self.go_on()
        return answer

    @precondition(lambda self: self.is_open)
    @rule(who=people)
    def approve(self, who: MemberId) -> None:
        """Approve whatever wave is asked for."""
        self.press(RolloutPress.APPROVE, who)

    @precondition(lambda self: self.is_open and self.rollout.asked_wave is not None)
    @rule()
    def all_approve(self) -> None:
        """Approve, as those do whose approval mostly counts."""
        for who in (SEM, KIM):
            self.press(RolloutPress.APPROVE, who)

    @precondition(lambda self: self.is_open)
    @rule(who=people, what=st.sampled_from([RolloutPress.PAUSE, RolloutPress.RESUME, RolloutPress.GO_ON]))
    def steer(self, who: MemberId, what: RolloutPress) -> None:
        """Pause, resume, go on without."""
        self.press(what, who)

    @precondition(lambda self: self.is_open)
    @rule(who=people)
    def retry(self, who: MemberId) -> None:
        """Retry what failed."""
        self.press(RolloutPress.RETRY, who)

    @precondition(lambda self: self.is_open)
    @rule(who=people, what=st.sampled_from([RolloutPress.STOP, RolloutPress.REJECT]), really=RARELY)
    def end(self, *, who: MemberId, what: RolloutPress, really: bool) -> None:
        """Stop or reject, now and then."""
        if really:
            self.press(what, who)

    @precondition(lambda self: self.rollout is not None)
    @rule(who=people, name=names)
    def skip(self, who: MemberId, name: str) -> None:
        """Skip a cluster, which only an unclear one can be."""
        before = self.rollout
        assert before is not None
        self.press(RolloutPress.SKIP, who, name)

    @precondition(lambda self: self.rollout is not None)
    @rule(who=people)
    def submit_again(self, who: MemberId) -> None:
        """Submit again what nobody can tell the fate of."""
        for request in list(self.storage.requests.values()):
            if request.state is State.SUBMISSION_UNCLEAR:
                pressed = ButtonPressed(member=who, press=Press.SUBMIT_AGAIN, request_id=request.id, seal=request.seal)
                if self.run(self.harness.do(pressed)).startswith("It is being submitted again"):
                    self.cloud.ballots.again[request.id] += 1
        self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule(name=names, really=RARELY)
    def ask_for_one(self, *, name: str, really: bool) -> None:
        """Make a single request for a cluster, and have it approved."""
        if not really:
            return
        self.clock.now += timedelta(seconds=1)
        before = set(self.storage.requests)
        form = a_form(cluster_identity=identity(name))
        self.run(self.harness.do(FormSubmitted(member=ROOS, organisation=ACME, form=form)))
        for request_id in set(self.storage.requests) - before:
            self.run(self.harness.press(self.storage.requests[request_id], by=SEM))
        self.go_on()

    # --- the world

    @precondition(lambda self: self.rollout is not None)
    @rule(time=st.sampled_from([HOUR, HOUR, timedelta(hours=12)]))
    def time_passes(self, time: timedelta) -> None:
        """Let time pass."""
        self.clock.now += time
        self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule(time=st.sampled_from([timedelta(days=3), timedelta(days=8), timedelta(days=14)]), really=RARELY)
    def long_time_passes(self, *, time: timedelta, really: bool) -> None:
        """Let more time pass than people have to decide, or a rollout may rest."""
        if really:
            self.clock.now += time
            self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule()
    def all_succeed(self) -> None:
        """Let everything that is under way succeed."""
        for number, reading in enumerate(self.cloud.readings):
            if reading.status not in FINAL:
                self.cloud.readings[number] = replace(reading, status="SUCCEEDED")
                self.change(reading.cluster_identity, version=NEW)
        self.look()

    @precondition(lambda self: self.rollout is not None)
    @rule(status=st.sampled_from(["SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED"]))
    def the_cloud_moves(self, status: str) -> None:
        """Let the oldest upgrade that is not final move."""
        for number, reading in enumerate(self.cloud.readings):
            if reading.status not in FINAL:
                self.cloud.readings[number] = replace(reading, status=status)
                if status == "SUCCEEDED":
                    self.change(reading.cluster_identity, version=NEW)
                break
        self.look()

    @precondition(lambda self: self.rollout is not None)
    @rule(
        fault=st.sampled_from(["no answer", *sorted(FAULTS)]),
        lost=st.booleans(),
        listed=st.booleans(),
    )
    def the_cloud_is_odd(self, *, fault: str, lost: bool, listed: bool) -> None:
        """Prepare how the next submission is answered, whether it arrives, and whether there is a list to look in."""
        self.cloud.answers = [FAULTS[fault]]  # type: ignore[list-item]
        self.cloud.lost = lost
        self.cloud.no_list = None if listed else NoList("no list")

    @precondition(lambda self: self.rollout is not None)
    @rule(name=names, what=st.sampled_from(["upgraded", "stopped", "moved", "runs again"]), really=RARELY)
    def drift(self, *, name: str, what: str, really: bool) -> None:
        """Change a cluster behind everybody's back."""
        if really:
            drifted: dict[str, dict[str, object]] = {
                "upgraded": {"version": NEW},
                "stopped": {"status": "stopped"},
                "moved": {"environment": "elsewhere"},
                "runs again": {"status": "running", "environment": PLACES[name], "version": OLD},
            }
            self.change(identity(name), **drifted[what])
            self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule(required=st.integers(1, 2))
    def policy_changes(self, required: int) -> None:
        """Start again with another quorum for production."""
        self.start(self.rules_of(required=required))
        self.run(self.harness.catalog_cache.renew())
        self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule(place=st.sampled_from(["production", "staging"]), lift=st.booleans())
    def freeze(self, *, place: str, lift: bool) -> None:
        """Freeze an environment from Slack for a day, or lift what is frozen."""
        if lift:
            for freeze_id in list(self.storage.tables.freezes):
                self.run(self.harness.do(FreezeLiftPressed(member=SEM, freeze_id=freeze_id)))
        else:
            places = (FrozenPlace(organisation=ACME, environment=place),)
            until = self.clock.now + timedelta(days=1)
            self.run(self.harness.do(FreezeAsked(member=SEM, places=places, until=until, reason="Peak")))
        self.go_on()

    @precondition(lambda self: self.rollout is not None)
    @rule(who=st.sampled_from([SEM, KIM]))
    def comes_and_goes(self, who: MemberId) -> None:
        """Let an approver leave the workspace, or come back."""
        there = the_people().members
        if self.members.members.pop(who, None) is None:
            self.members.members[who] = there[who]
        self.go_on()

    def change(self, which: ClusterIdentity | None, **changes: object) -> None:
        """Change a cluster in the cloud, and have it read."""
        clusters = self.cloud.catalogs[ACME].clusters
        self.run(
            self.harness.recatalog(*(replace(one, **changes) if one.identity == which else one for one in clusters))  # type: ignore[arg-type]
        )

    def look(self) -> None:
        """Poll, twice: the first reading of an organisation is its baseline."""
        for _ in range(2):
            self.run(self.harness.poll())
        self.go_on()

    # --- what holds after every step

    @invariant()
    def a_halt_and_a_stop_hand_nothing_over(self) -> None:
        """Find no request on its way for a rollout that hands nothing over."""
        for rollout in self.storage.tables.rollouts.values():
            if rollout.state is RolloutState.RUNNING:
                assert len(rollout.failures) <= rollout.plan.may_fail
                assert rollout.in_place <= rollout.plan.at_once

    @invariant()
    def whoever_waits_knows_why(self) -> None:
        """Find a reason of the closed set for each cluster of an open wave that waits, or a place that it will get."""
        rollout = self.rollout
        if rollout is None or rollout.state is not RolloutState.RUNNING:
            return
        for one in rollout.of_wave(rollout.wave):
            if one.progress is Progress.WAITING and rollout.in_place < rollout.plan.at_once and one.why is not None:
                assert one.why in WAITS
                assert one.until is None or one.until > self.clock.now - timedelta(days=9)

    @invariant()
    def there_is_always_a_way_on(self) -> None:
        """Find something that leads on: a deadline, the end of a freeze, a place taken, a cluster that waits."""
        rollout = self.rollout
        if rollout is None or rollout.has_ended:
            return
        if rollout.state is RolloutState.ASKING:
            assert rollout.time_left > timedelta(0) or rollout.frozen_until
        if rollout.state is RolloutState.RUNNING:
            assert rollout.in_place or any(one.progress is Progress.WAITING for one in rollout.of_wave(rollout.wave)), (
                rollout
            )

    def teardown(self) -> None:
        """Close the loop."""
        if hasattr(self, "runner"):
            self.runner.close()


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
