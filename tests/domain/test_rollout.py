from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.errors import AlreadyVoted, Outdated, WrongState
from bot.domain.findings import StillSoaks
from bot.domain.people import MemberId
from bot.domain.request import RequestId
from bot.domain.rollout import (
    ENDED,
    FAILURES,
    IN_PLACE,
    LONGEST_REST,
    NEXT,
    SKIPS,
    WAITS,
    NextWave,
    Plan,
    PlannedCluster,
    Progress,
    Rollout,
    RolloutId,
    RolloutState,
    Why,
    plan_problems,
)

START = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TWO_DAYS = timedelta(days=2)
ROOS, SEM, KIM = MemberId("U0ROOS"), MemberId("U0SEM"), MemberId("U0KIM")


def cluster(name: str, environment: str = "staging") -> PlannedCluster:
    return PlannedCluster(identity=ClusterIdentity(f"id-{name}"), environment=environment, cluster=name)


def a_plan(*waves: str, **changes: object) -> Plan:
    """Plan waves such as "ab c": a and b, then c."""
    values = {
        "organisation": Organisation("acme"),
        "name": "Winter",
        "version": "v1.34.1-u-ame.3",
        "waves": tuple(tuple(cluster(name) for name in wave) for wave in waves or ("ab", "cd")),
    }
    return Plan(**(values | changes))  # type: ignore[arg-type]


def a_rollout(*waves: str, **changes: object) -> Rollout:
    return Rollout.of(
        a_plan(*waves, **changes),
        id=RolloutId("r1"),
        requester=ROOS,
        channel="C0ROLLOUTS",
        time_to_vote=TWO_DAYS,
        at=START,
    )


def opened(*waves: str, **changes: object) -> Rollout:
    asked = a_rollout(*waves, **changes)
    return asked.cast(by=SEM, environments=["staging"], at=START).open(at=START)


def handed_over(rollout: Rollout, name: str) -> Rollout:
    return rollout.hand_over(ClusterIdentity(f"id-{name}"), request=RequestId(f"q-{name}"), at=START)


def done(rollout: Rollout, *names: str, at: datetime = START) -> Rollout:
    for name in names:
        rollout = handed_over(rollout, name).succeed(ClusterIdentity(f"id-{name}"), at=at)
    return rollout


def settled(rollout: Rollout, at: datetime = START) -> Rollout:
    return rollout.settle(time_to_vote=TWO_DAYS, at=at)


def test_the_table_is_the_contracts() -> None:
    written = """
        ASKING  -> RUNNING | REJECTED | EXPIRED | STOPPED
        RUNNING -> SOAKING | ASKING | PAUSED | HALTED | STOPPED | DONE
        SOAKING -> ASKING | RUNNING | PAUSED | STOPPED
        PAUSED  -> RUNNING | SOAKING | HALTED | STOPPED
        HALTED  -> ASKING | RUNNING | SOAKING | STOPPED | DONE
    """
    lines = [line.split("->") for line in written.strip().splitlines()]
    table = {RolloutState(one.strip()): {RolloutState(two.strip()) for two in more.split("|")} for one, more in lines}

    assert {state: set(following) for state, following in NEXT.items() if following} == table
    assert {RolloutState.REJECTED, RolloutState.EXPIRED, RolloutState.STOPPED, RolloutState.DONE} == ENDED


def test_every_reason_is_of_one_kind() -> None:
    assert set(Why) == WAITS | SKIPS | FAILURES
    assert not WAITS & SKIPS
    assert not SKIPS & FAILURES
    assert not WAITS & FAILURES


def test_nothing_is_handed_over_before_the_wave_opens() -> None:
    asked = a_rollout()

    assert asked.to_hand_over == ()
    with pytest.raises(WrongState):
        handed_over(asked, "a")


def test_no_more_are_handed_over_than_fit_at_once() -> None:
    rollout = handed_over(handed_over(opened("abc", at_once=2), "a"), "b")

    assert rollout.to_hand_over == ()
    with pytest.raises(WrongState):
        handed_over(rollout, "c")
    assert [one.planned.cluster for one in rollout.succeed(ClusterIdentity("id-a"), at=START).to_hand_over] == ["c"]


def test_one_that_has_to_wait_holds_up_none_behind_it() -> None:
    waiting = opened("abc", at_once=1).wait(ClusterIdentity("id-a"), Why.FROZEN, until=None, at=START)

    assert handed_over(waiting, "b").in_place == 1


def test_what_was_never_sent_waits_again() -> None:
    rollout = handed_over(opened("ab", at_once=1), "a").give_back(ClusterIdentity("id-a"), at=START)

    assert [one.planned.cluster for one in rollout.to_hand_over] == ["a", "b"]


def test_it_is_followed_until_the_cloud_has_nothing_of_it() -> None:
    stopped = handed_over(opened("ab"), "a").stop(by=SEM, at=START)

    assert stopped.is_followed
    assert not stopped.succeed(ClusterIdentity("id-a"), at=START).is_followed


def test_an_unclear_cluster_keeps_its_place() -> None:
    rollout = handed_over(opened("ab", at_once=1), "a").unclear(ClusterIdentity("id-a"), at=START)

    assert rollout.to_hand_over == ()
    assert rollout.clear(ClusterIdentity("id-a"), at=START).of_wave(0)[0].progress is Progress.RUNNING


def test_a_cluster_of_a_later_wave_has_to_wait_for_it() -> None:
    with pytest.raises(WrongState):
        handed_over(opened("ab", "cd"), "c")


def test_a_finished_wave_soaks_from_its_last_success_and_then_asks() -> None:
    rollout = settled(done(done(opened(), "a"), "b", at=START + HOUR))

    assert rollout.state is RolloutState.SOAKING
    assert rollout.asked_wave is None
    assert settled(rollout, START + DAY) == rollout
    asked = settled(rollout, START + DAY + HOUR)
    assert (asked.state, asked.wave, asked.votes) == (RolloutState.ASKING, 1, ())


def test_without_a_soak_the_next_wave_is_asked_for_at_once() -> None:
    assert settled(done(opened(soak=timedelta(0)), "a", "b")).state is RolloutState.ASKING


def test_a_wave_that_opens_by_itself_is_voted_on_during_the_soak_and_opens_after_it() -> None:
    rollout = settled(done(opened(next_wave=NextWave.OPENS), "a", "b"))
    voted = rollout.cast(by=KIM, environments=["staging"], at=START)

    assert rollout.asked_wave == 1
    with pytest.raises(WrongState) as refused:
        voted.open(at=START + HOUR)
    assert refused.value.why == (StillSoaks(),)
    running = voted.open(at=START + DAY)
    assert (running.state, running.wave) == (RolloutState.RUNNING, 1)


def test_a_wave_that_lacks_approvals_at_the_end_of_the_soak_asks_and_keeps_those_it_has() -> None:
    soaking = settled(done(opened(next_wave=NextWave.OPENS), "a", "b"))
    voted = soaking.cast(by=KIM, environments=["staging"], at=START)

    asked = settled(voted, START + DAY)

    assert (asked.state, asked.wave) == (RolloutState.ASKING, 1)
    assert asked.voters == {KIM}
    assert asked.count_down(frozen_until=None, at=START + 4 * DAY).is_overdue


def test_the_soak_counts_from_the_last_success_also_when_a_retry_failed() -> None:
    first = settled(handed_over(done(opened("ab", "c"), "a"), "b").fail(ClusterIdentity("id-b"), Why.FAILED, at=START))
    again = first.retry_failed(time_to_vote=DAY, at=START).cast(by=SEM, environments=["staging"], at=START)
    halted = settled(handed_over(again.open(at=START), "b").fail(ClusterIdentity("id-b"), Why.FAILED, at=START))

    going_on = halted.go_on_without(time_to_vote=DAY, at=START + HOUR)

    assert (going_on.state, going_on.soaked_at) == (RolloutState.SOAKING, START + DAY)


def test_the_last_wave_does_not_soak() -> None:
    assert settled(done(opened("ab"), "a", "b")).state is RolloutState.DONE


def test_more_failures_than_tolerated_halt_at_once() -> None:
    rollout = handed_over(opened("abc", may_fail=1), "a").fail(ClusterIdentity("id-a"), Why.FAILED, at=START)
    assert settled(rollout).state is RolloutState.RUNNING

    second = settled(rollout.fail(ClusterIdentity("id-b"), Why.REFUSED, at=START))

    assert second.state is RolloutState.HALTED
    assert second.to_hand_over == ()


def test_a_failure_during_a_pause_halts_too() -> None:
    paused = handed_over(opened(), "a").pause(at=START)

    assert settled(paused.fail(ClusterIdentity("id-a"), Why.MISSED, at=START)).state is RolloutState.HALTED


def test_a_wave_without_one_success_halts_unless_all_were_there_already() -> None:
    skipped = opened("a", "b").skip(ClusterIdentity("id-a"), Why.STOPPED, at=START)
    there = opened("a", "b").skip(ClusterIdentity("id-a"), Why.ALREADY_THERE, at=START)

    assert settled(skipped).state is RolloutState.HALTED
    assert settled(there).state is RolloutState.ASKING


def test_a_retry_asks_for_the_failed_ones_only() -> None:
    rollout = done(opened("ab", "c"), "a")
    halted = settled(handed_over(rollout, "b").fail(ClusterIdentity("id-b"), Why.FAILED, at=START))

    asked = halted.retry_failed(time_to_vote=TWO_DAYS, at=START)

    assert (asked.state, asked.wave) == (RolloutState.ASKING, 0)
    again = asked.cast(by=SEM, environments=["staging"], at=START).open(at=START)
    assert [(one.planned.cluster, one.attempt) for one in again.to_hand_over] == [("b", 2)]


def test_going_on_without_forgives_the_failures() -> None:
    halted = settled(handed_over(opened("ab", "c"), "a").fail(ClusterIdentity("id-a"), Why.FAILED, at=START))

    going_on = halted.go_on_without(time_to_vote=TWO_DAYS, at=START)

    assert going_on.state is RolloutState.RUNNING
    assert settled(going_on) == going_on
    assert settled(done(going_on, "b")).state is RolloutState.SOAKING


def test_going_on_without_the_last_cluster_ends_it() -> None:
    halted = settled(opened("a").fail(ClusterIdentity("id-a"), Why.REFUSED, at=START))

    assert halted.go_on_without(time_to_vote=TWO_DAYS, at=START).state is RolloutState.DONE


@pytest.mark.parametrize("resting", [RolloutState.RUNNING, RolloutState.SOAKING])
def test_it_resumes_where_it_was_paused(resting: RolloutState) -> None:
    rollout = opened() if resting is RolloutState.RUNNING else settled(done(opened(), "a", "b"))

    paused = rollout.pause(at=START)

    assert paused.to_hand_over == ()
    assert paused.resume(at=START).state is resting


def test_after_a_stop_nothing_is_handed_over() -> None:
    stopped = opened().stop(by=SEM, at=START)

    assert stopped.to_hand_over == ()
    assert {one.planned.cluster for one in stopped.left} == {"a", "b", "c", "d"}


def test_votes_count_for_the_environments_where_their_giver_may_approve() -> None:
    rollout = a_rollout().cast(by=SEM, environments=["staging"], at=START)

    assert rollout.lacking({"staging": 1, "production": 2}) == {"production": 2}
    both = rollout.cast(by=KIM, environments=["staging", "production"], at=START)
    assert both.lacking({"staging": 1, "production": 2}) == {"production": 1}
    assert both.hold_votes_to({KIM: ["production"]}).lacking({"staging": 1, "production": 1}) == {"staging": 1}


def test_a_wave_that_needs_no_approvals_still_needs_one_vote() -> None:
    assert a_rollout().lacking({"staging": 0}) == {"": 1}
    assert a_rollout().cast(by=ROOS, environments=["staging"], at=START).lacking({"staging": 0}) == {}


def test_nobody_votes_twice_on_a_wave() -> None:
    with pytest.raises(AlreadyVoted):
        a_rollout().cast(by=SEM, environments=["staging"], at=START).cast(by=SEM, environments=["staging"], at=START)


@pytest.mark.parametrize(
    "change",
    [
        {"version": "v1.34.2-u-ame.0"},
        {"at_once": 6},
        {"soak": timedelta(hours=4)},
        {"next_wave": NextWave.OPENS},
        {"may_fail": 1},
        {"not_before": START},
        {"ignore_windows": True},
        {"reason": "CVE"},
        {"change": "CHG0000001"},
        {"name": "Summer"},
        {"organisation": Organisation("globex")},
        {"waves": ((cluster("a"),), (cluster("b"),))},
        {"waves": ((cluster("a"), replace(cluster("b"), environment="production")), (cluster("c"), cluster("d")))},
        {
            "waves": (
                (cluster("a"), replace(cluster("b"), identity=ClusterIdentity("other"))),
                (cluster("c"), cluster("d")),
            )
        },
    ],
)
def test_a_vote_is_sealed_to_everything_in_the_plan(change: dict[str, object]) -> None:
    assert a_rollout(**change).seal != a_rollout().seal
    with pytest.raises(Outdated):
        a_rollout(**change).check_seal(a_rollout().seal)


def test_a_vote_is_sealed_to_wave_and_round() -> None:
    first = a_rollout()
    second = settled(done(opened(soak=timedelta(0)), "a", "b"))

    assert first.seal != second.seal
    assert opened().ask_again("left", time_to_vote=DAY, at=START).seal != first.seal


def test_the_time_to_vote_stands_still_while_frozen() -> None:
    rollout = a_rollout().count_down(frozen_until=None, at=START + DAY)
    frozen = rollout.count_down(frozen_until=START + 20 * DAY, at=START + 10 * DAY)

    assert not frozen.is_overdue
    assert frozen.time_left == DAY
    late = frozen.count_down(frozen_until=None, at=START + 11 * DAY)
    assert late.is_overdue
    assert late.expire(at=START + 11 * DAY).has_ended


def test_a_rejection_during_the_soak_ends_it_as_rejected() -> None:
    rollout = settled(done(opened(next_wave=NextWave.OPENS), "a", "b"))

    assert rollout.reject(by=KIM, reason="latency rose", at=START).state is RolloutState.REJECTED


def test_who_rests_for_two_weeks_is_warned_and_then_stopped() -> None:
    halted = settled(opened("a").fail(ClusterIdentity("id-a"), Why.REFUSED, at=START))

    assert not halted.is_to_be_warned(START + LONGEST_REST - DAY - HOUR)
    assert halted.is_to_be_warned(START + LONGEST_REST - DAY)
    assert not halted.warned(at=START + LONGEST_REST - DAY).is_to_be_warned(START + LONGEST_REST - HOUR)
    assert halted.rests_too_long(START + LONGEST_REST)


def test_waiting_for_another_upgrade_is_counted_from_its_first_moment() -> None:
    identity = ClusterIdentity("id-a")
    rollout = opened().wait(identity, Why.OTHER_UPGRADE, until=None, at=START)
    later = rollout.wait(identity, Why.OTHER_UPGRADE, until=None, at=START + DAY)

    found = later.find(identity)
    assert found is not None
    assert found.waits_since == START
    other = later.wait(identity, Why.FROZEN, until=None, at=START + DAY).find(identity)
    assert other is not None
    assert other.waits_since is None


@pytest.mark.parametrize(
    ("plan", "fields"),
    [
        (a_plan(), []),
        (a_plan(name=""), ["name"]),
        (a_plan(name="x" * 61), ["name"]),
        (a_plan(name=" wINTER 2 "), ["name"]),
        (a_plan(waves=((),)), ["wave 1"]),
        (a_plan(waves=((cluster("a"),), (), (cluster("b"),))), ["wave 2"]),
        (a_plan("a", "a"), ["wave 2"]),
        (a_plan("z"), ["wave 1"]),
        (a_plan(at_once=51), ["at once"]),
        (a_plan(at_once=0), ["at once"]),
        (a_plan(may_fail=21), ["may fail"]),
        (a_plan(soak=timedelta(hours=2)), ["soak"]),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_at_its_field(plan: Plan, fields: list[str]) -> None:
    found = plan_problems(plan, taken_names=["Winter 2"], in_rollouts=[ClusterIdentity("id-z")])

    assert [one.field for one in found] == fields


class AnyCourse(RuleBasedStateMachine):
    """Whatever people, clusters and time do, in any order."""

    rollout: Rollout
    now: datetime

    @initialize(
        at_once=st.integers(1, 3),
        may_fail=st.integers(0, 2),
        soak=st.sampled_from([timedelta(0), HOUR]),
        following=st.sampled_from(NextWave),
    )
    def plan(self, at_once: int, may_fail: int, soak: timedelta, following: NextWave) -> None:
        """Plan three waves."""
        self.now = START
        self.stopped_with: int | None = None
        self.rollout = a_rollout("abc", "de", "f", at_once=at_once, may_fail=may_fail, soak=soak, next_wave=following)

    def take(self, change: Rollout) -> None:
        """Take over a change, and move on as far as it allows."""
        assert not self.rollout.has_ended
        self.rollout = change.settle(time_to_vote=DAY, at=self.now)

    @rule(hours=st.sampled_from([1, 30]))
    def time_passes(self, hours: int) -> None:
        """Let an hour pass, or more than the time to vote."""
        self.now += hours * HOUR
        counted = self.rollout.count_down(frozen_until=None, at=self.now)
        self.rollout = counted.settle(time_to_vote=DAY, at=self.now)
        if self.rollout.is_overdue:
            self.rollout = self.rollout.expire(at=self.now)

    @precondition(lambda self: self.rollout.asked_wave is not None)
    @rule(who=st.sampled_from([SEM, KIM]))
    def vote(self, who: MemberId) -> None:
        """Approve the asked wave, once per person."""
        if who not in self.rollout.voters:
            self.take(self.rollout.cast(by=who, environments=["staging"], at=self.now))

    @precondition(lambda self: self.rollout.asked_wave is not None and not self.rollout.lacking({"staging": 1}))
    @rule()
    def open(self) -> None:
        """Open it when its quorum is there."""
        soaked = self.rollout.soaked_at
        if self.rollout.state is RolloutState.ASKING or (soaked and self.now >= soaked):
            self.take(self.rollout.open(at=self.now))

    @precondition(lambda self: bool(self.rollout.to_hand_over))
    @rule()
    def hand_over(self) -> None:
        """Hand the next cluster over."""
        one = self.rollout.to_hand_over[0]
        self.take(self.rollout.hand_over(one.identity, request=RequestId("q"), at=self.now))

    @precondition(
        lambda self: any(one.progress in IN_PLACE for one in self.rollout.clusters) and not self.rollout.has_ended
    )
    @rule(end=st.sampled_from(["succeed", "fail", "skip"]))
    def conclude(self, end: str) -> None:
        """Let one in place end."""
        one = next(one for one in self.rollout.clusters if one.progress in IN_PLACE)
        match end:
            case "succeed":
                self.take(self.rollout.succeed(one.identity, at=self.now))
            case "fail":
                self.take(self.rollout.fail(one.identity, Why.FAILED, at=self.now))
            case _:
                self.take(self.rollout.skip(one.identity, Why.SUPERSEDED, at=self.now))

    @precondition(lambda self: self.rollout.state in {RolloutState.RUNNING, RolloutState.SOAKING})
    @rule()
    def pause(self) -> None:
        """Pause."""
        self.take(self.rollout.pause(at=self.now))

    @precondition(lambda self: self.rollout.state is RolloutState.PAUSED)
    @rule()
    def resume(self) -> None:
        """Resume."""
        self.take(self.rollout.resume(at=self.now))

    @precondition(lambda self: self.rollout.state is RolloutState.HALTED)
    @rule(retry=st.booleans())
    def go_on(self, *, retry: bool) -> None:
        """Retry, or go on without."""
        if retry and self.rollout.failures:
            self.take(self.rollout.retry_failed(time_to_vote=DAY, at=self.now))
        else:
            self.take(self.rollout.go_on_without(time_to_vote=DAY, at=self.now))

    @precondition(lambda self: not self.rollout.has_ended)
    @rule(really=st.sampled_from([False, False, False, True]))
    def stop(self, *, really: bool) -> None:
        """Stop, now and then."""
        if really:
            self.take(self.rollout.stop(by=SEM, at=self.now))

    @invariant()
    def no_more_at_once_than_planned(self) -> None:
        """Hold `at_once`."""
        assert sum(one.progress in IN_PLACE for one in self.rollout.clusters) <= self.rollout.plan.at_once

    @invariant()
    def nothing_begins_in_a_later_wave(self) -> None:
        """Leave later waves alone."""
        assert all(one.progress is Progress.WAITING for one in self.rollout.clusters if one.wave > self.rollout.wave)

    @invariant()
    def nothing_is_handed_over_unless_it_runs(self) -> None:
        """Hand over only while running."""
        if self.rollout.state is not RolloutState.RUNNING:
            assert self.rollout.to_hand_over == ()

    @invariant()
    def too_many_failures_do_not_run(self) -> None:
        """Halt above the budget."""
        if self.rollout.state is RolloutState.RUNNING:
            assert len(self.rollout.failures) <= self.rollout.plan.may_fail

    @invariant()
    def there_is_always_a_way_on(self) -> None:
        """Find somebody to hand over or something in place in a running wave; the rest have a press or a moment."""
        rollout = self.rollout
        if rollout.state is RolloutState.RUNNING:
            assert rollout.to_hand_over or rollout.in_place


AnyCourse.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyCourse = AnyCourse.TestCase
