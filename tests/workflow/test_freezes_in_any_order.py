"""Freezes set, lifted and expiring among requests, votes and submissions: an oracle judges each submission."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.freeze import FrozenPlace
from bot.domain.people import MemberId
from bot.domain.request import State
from bot.workflow.inbox import ButtonPressed, FormSubmitted, FreezeAsked, FreezeLiftPressed, Press
from tests.builders import ACME, DATA, KIM, ROOS, SEM, WEB, a_form
from tests.workflow.test_any_order import Story

FAILED = {State.SUBMISSION_FAILED}
EVERYWHERE: tuple[str, ...] = ()


class Frozen(Story):
    """A story that is told step by step; `counts` says what happened in it."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = Counter[str]()

    def do_ask(self, cluster: str, *, at_once: bool) -> None:
        """Roos asks for an upgrade, in the next window or a few hours from now."""
        start = self.clock() + timedelta(hours=3) if at_once else None
        form = a_form(cluster_identity=cluster, start=start, ignore_windows=at_once)
        self.enter(FormSubmitted(member=ROOS, organisation=ACME, form=form))

    def do_approve(self) -> None:
        """Sem approves whatever waits, or asks for another attempt."""
        for one in self.requests:
            press = Press.TRY_AGAIN if one.state in FAILED else Press.APPROVE
            if one.state in {State.PENDING_APPROVAL, *FAILED}:
                self.enter(ButtonPressed(member=SEM, press=press, request_id=one.id, seal=one.seal))

    def do_freeze(self, by: MemberId, environments: tuple[str, ...], hours: int) -> None:
        """Somebody freezes, and nothing else happens."""
        self.enter(self._asked(by, environments, hours))

    def do_freeze_meanwhile(self, environments: tuple[str, ...], hours: int, turns: int) -> None:
        """Somebody freezes while what is approved begins to be submitted."""

        async def together() -> None:
            asked = self._asked(SEM, environments, hours)
            number = await self.harness.enter(asked)
            self.entries[number] = asked
            await asyncio.gather(*(self.submit(one) for one in self.requests), self.decide((number, asked)))

        self.cloud.turns = turns
        self.counts["meanwhile"] += any(one.state is State.APPROVED for one in self.requests)
        self.run(together())
        self.cloud.turns = 0

    def do_lift(self, by: MemberId) -> None:
        """Somebody lifts the oldest freeze."""
        if self.standing:
            left = [one.id for one in self.standing[1:]]
            self.enter(FreezeLiftPressed(member=by, freeze_id=self.standing[0].id))
            assert [one.id for one in self.standing][-len(left) or 99 :] == left

    def _asked(self, by: MemberId, environments: tuple[str, ...], hours: int) -> FreezeAsked:
        places = tuple(FrozenPlace(organisation=ACME, environment=one) for one in environments)
        return FreezeAsked(member=by, places=places, until=self.clock() + timedelta(hours=hours), reason="Incident")


Step = Callable[[Frozen], None]
HOURS = st.sampled_from([1, 4, 200, 400])
PLACES = st.sampled_from([("production",), ("staging",), ("production", "staging"), EVERYWHERE])
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda cluster, at_once: lambda story: story.do_ask(cluster, at_once=at_once),
        st.sampled_from([WEB, DATA]),
        st.booleans(),
    ),
    st.just(Frozen.do_approve),
    st.just(Frozen.work),
    st.builds(
        lambda by, places, hours: lambda story: story.do_freeze(by, places, hours),
        st.sampled_from([SEM, KIM, ROOS]),
        PLACES,
        HOURS,
    ),
    st.builds(
        lambda places, hours, turns: lambda story: story.do_freeze_meanwhile(places, hours, turns),
        PLACES,
        HOURS,
        st.sampled_from([0, 1, 3, 6, 20]),
    ),
    st.builds(lambda by: lambda story: story.do_lift(by), st.sampled_from([SEM, KIM, ROOS])),
    st.just(Frozen.end_freezes),
    st.builds(lambda hours: lambda story: story.pass_time(hours), st.sampled_from([0.02, 0.9, 5])),
    st.just(Frozen.look_round),
)
counted = Counter[str]()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=8, max_size=40))
def _nothing_is_submitted_into_a_freeze(steps: list[Step]) -> None:
    story = Frozen()
    try:
        story.begin()
        story.do_ask(WEB, at_once=False)
        story.do_approve()
        for step in steps:
            step(story)
            story.cards_are_seen()
        counted.update(story.counts)
        counted["submitted"] += len(story.cloud.submissions)
        counted["freezes"] += len(story.storage.tables.freezes)
        counted["refused"] += sum("is frozen until" in answer for answer in story.harness.answers)
        counted["failed"] += sum("is frozen until" in one.outcome for one in story.requests)
        counted["underway"] += sum(bool(one.underway) for one in story.storage.tables.freezes.values())
    finally:
        story.teardown()


def test_nothing_is_submitted_that_would_run_in_a_freeze_that_was_stored_before() -> None:
    """And all of it happens: freezes beside submissions, before them, and none at all."""
    counted.clear()

    _nothing_is_submitted_into_a_freeze()

    assert min(counted[one] for one in ("submitted", "freezes", "refused", "failed", "meanwhile", "underway")) > 5, (
        counted
    )
