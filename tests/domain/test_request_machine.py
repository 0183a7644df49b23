"""A request driven at random, as people, clocks and the cloud would, always within its promises."""
# ruff: noqa: D401 - the docstring of a step says who does what

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.errors import Refused
from bot.domain.people import MemberId
from bot.domain.request import NEXT, RequestId, Seal, State, UpgradeRequest
from bot.domain.scheduled import UpgradeIdentity
from tests.builders import KIM, NOON, ROOS, SEM, a_cluster, an_upgrade_request

APPROVERS = st.sampled_from([SEM, KIM])
VERSIONS = st.sampled_from(["v1.30.6-u-ame.3", "v1.30.7-u-ame.0", "v1.30.8-u-ame.1"])


class RequestMachine(RuleBasedStateMachine):
    """Every rule tries something; what is refused must leave the request as it was."""

    @initialize(required=st.integers(0, 2))
    def ask(self, required: int) -> None:
        """Somebody asks for an upgrade."""
        self.now = NOON
        self.request = an_upgrade_request(required=required)
        self.states = [self.request.state]
        self.seals: dict[int, Seal] = {1: self.request.seal}
        self.attempts = 0

    def _becomes(self, after: UpgradeRequest) -> None:
        if after.state is not self.request.state:
            self.states.append(after.state)
        self.request = after

    def _tick(self) -> None:
        self.now += timedelta(minutes=1)

    @rule(by=APPROVERS, card=st.integers(1, 4))
    def press_approve(self, by: MemberId, card: int) -> None:
        """An approver presses, on this card or on one of an earlier round."""
        self._tick()
        before = self.request
        try:
            before.check_seal(self.seals.get(card, Seal("never")))
            after = before.cast(by=by, at=self.now)
        except Refused:
            return
        assert card == before.round
        assert before.state is State.PENDING_APPROVAL
        assert len(after.votes) == len(before.votes) + 1
        self._becomes(after)

    @precondition(lambda self: len(self.request.votes) >= self.request.required)
    @rule()
    def reach_quorum(self) -> None:
        """The last vote, or none needed, lets it go ahead."""
        self._tick()
        if self.request.state is State.PENDING_APPROVAL:
            self._becomes(self.request.approve(at=self.now))

    @rule(by=APPROVERS)
    def reject(self, by: MemberId) -> None:
        """An approver says no."""
        self._try(lambda one: one.reject(by=by, reason="no", at=self.now))

    @rule()
    def withdraw(self) -> None:
        """The requester takes it back."""
        self._try(lambda one: one.withdraw(by=ROOS, at=self.now))

    @rule()
    def expire(self) -> None:
        """The deadline passes."""
        self._try(lambda one: one.expire(at=self.now))

    @rule()
    def replace(self) -> None:
        """Somebody asks anew."""
        self._try(lambda one: one.replaced(by=RequestId("newer"), at=self.now))

    @rule(from_version=VERSIONS)
    def drift(self, from_version: str) -> None:
        """The cluster is upgraded by somebody else."""
        before = self.request
        self._try(lambda one: one.void(a_cluster(version=from_version), "drift", at=self.now, estimate=None))
        if self.request is not before:
            assert self.request.votes == ()
            self.seals[self.request.round] = self.request.seal

    @rule(left=st.sets(APPROVERS), required=st.integers(0, 3))
    def lose_votes(self, left: set[MemberId], required: int) -> None:
        """Approvers leave, or the policy changes."""
        self._try(
            lambda one: one.keep_votes_of(one.voters - frozenset(left)).require(required).ask_again("why", at=self.now)
        )

    @rule()
    def send(self) -> None:
        """The worker starts to submit it."""
        before = self.request
        self._try(lambda one: one.submitting(at=self.now, start_left_out=False))
        if self.request is not before:
            self.attempts += 1

    @rule(answer=st.sampled_from(["yes", "no", "nothing", "wait"]))
    def answer(self, answer: str) -> None:
        """The cloud answers, or does not."""
        match answer:
            case "yes":
                self._try(lambda one: one.submitted(upgrade=UpgradeIdentity("u"), window=None, at=self.now))
            case "no":
                self._try(lambda one: one.fail("no", at=self.now))
            case "nothing":
                self._try(lambda one: one.unclear("nothing", at=self.now))
            case _ if self.request.state is not State.PENDING_APPROVAL:
                self._try(lambda one: one.approve(at=self.now))

    @rule()
    def remind(self) -> None:
        """Approvers are reminded."""
        self._tick()
        self._becomes(self.request.remind(at=self.now))

    def _try(self, act: Callable[[UpgradeRequest], UpgradeRequest]) -> None:
        self._tick()
        with suppress(Refused):
            self._becomes(act(self.request))

    @invariant()
    def only_moves_of_the_table_happen(self) -> None:
        """Whatever is tried, in whatever order."""
        for here, there in zip(self.states, self.states[1:], strict=False):
            assert there in NEXT[here]

    @invariant()
    def an_end_is_an_end(self) -> None:
        """Nothing follows it."""
        assert all(NEXT[state] for state in self.states[:-1])

    @invariant()
    def nobody_counts_twice(self) -> None:
        """One vote for each approver."""
        assert len(self.request.voters) == len(self.request.votes)

    @invariant()
    def every_round_has_a_seal_of_its_own(self) -> None:
        """And within a round it stays."""
        assert self.request.seal == self.seals[self.request.round]
        assert len(set(self.seals.values())) == len(self.seals) == self.request.round

    @invariant()
    def every_attempt_is_counted(self) -> None:
        """And nothing was submitted without one."""
        assert self.request.attempt == self.attempts
        assert self.request.state is not State.SUBMITTED or self.attempts

    @invariant()
    def the_card_knows_since_when(self) -> None:
        """A state never begins in the future."""
        assert NOON <= self.request.state_since <= self.now


TestRequestMachine = RequestMachine.TestCase
TestRequestMachine.settings = settings(settings.get_profile("slow"), max_examples=60, stateful_step_count=40)
