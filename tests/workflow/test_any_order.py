"""Everything that can happen to requests, in any order: an oracle judges each submission, the table each move.

The same stories in each run; `python -m benchmarks.reliability --only "any order" --seed N` plays others.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.calendar import Freeze
from bot.domain.events import UpgradeRequested
from bot.domain.freeze import FrozenPlace, UpgradeFreeze
from bot.domain.people import AccountType, MemberId
from bot.domain.request import OPEN as OPEN_STATES
from bot.domain.request import RequestId, Seal, State, UpgradeRequest
from bot.workflow.errors import AvisiError, MembersUnavailable, NoList, NotConnected
from bot.workflow.inbox import (
    AnyEntry,
    ApprovalCommented,
    ButtonPressed,
    FormSubmitted,
    FreezeAsked,
    FreezeLiftPressed,
    Press,
    RejectionGiven,
)
from bot.workflow.outbox import Kind
from bot.workflow.requesting import Later
from tests.builders import (
    ACME,
    DATA,
    GUS,
    KIM,
    NEW,
    NOON,
    OLD,
    ROOS,
    SEM,
    WEB,
    a_catalog,
    a_form,
    a_member,
    a_policy,
    a_rule,
    a_submitted_form,
)
from tests.fakes import FakeClock
from tests.workflow.harness import ANNE, TEAM, Harness, the_people
from tests.workflow.oracle import Killed, Shown, WatchedCloud, WatchedStorage, shown

OLD_PATCH = "v1.30.8-u-ame.1"
NEW_PATCH = "v1.31.5-u-ame.1"
PEOPLE = (ROOS, SEM, KIM, ANNE, GUS)
ALWAYS = Freeze(first=date(2026, 1, 1), last=date(2028, 1, 1))
PRESSES = (
    Press.APPROVE,
    Press.TAKE_BACK,
    Press.WITHDRAW,
    Press.TRY_AGAIN,
    Press.SUBMIT_AGAIN,
    Press.IT_IS_THERE,
    Press.ACKNOWLEDGE,
)
FAILED = {State.SUBMISSION_FAILED, State.SUBMISSION_UNCLEAR}
RARELY = st.sampled_from([False, False, False, True])
people = st.sampled_from(PEOPLE)
T = TypeVar("T")


class Story(RuleBasedStateMachine):
    """One organisation's life with the bot."""

    @initialize()
    def begin(self) -> None:
        """Build the harness: nobody has asked for anything yet."""
        self.runner = asyncio.Runner()
        self.clock = FakeClock(NOON)
        self.storage = WatchedStorage(a_catalog(versions=(OLD, OLD_PATCH, NEW, NEW_PATCH)))
        self.members = the_people()
        self.cloud = WatchedCloud(self.storage.tables.catalogs[ACME], self.storage, self.members, self.clock)
        self.cloud.policy = a_policy(a_rule(emergency=True))
        self.cloud.time = NOON
        self.harness = Harness(
            storage=self.storage, cloud=self.cloud, members=self.members, clock=self.clock, policy=self.cloud.policy
        )
        self.run(self.harness.catalog_cache.renew())
        self.kept: list[tuple[int, AnyEntry]] = []
        self.entries: dict[int, AnyEntry] = {}
        self.cards: dict[RequestId, dict[Seal, Shown]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.runner.run(work)

    @property
    def requests(self) -> list[UpgradeRequest]:
        """Return every request as stored."""
        return list(self.storage.requests.values())

    @property
    def pending(self) -> list[UpgradeRequest]:
        """Return every request that waits for approvals."""
        return [one for one in self.requests if one.state is State.PENDING_APPROVAL]

    @property
    def outdated(self) -> list[tuple[RequestId, Seal]]:
        """Return every seal that a card has shown and that is not the request's any more."""
        return [
            (request.id, seal) for request in self.requests for seal in self.cards[request.id] if seal != request.seal
        ]

    # --- people ---

    @rule(
        by=st.sampled_from([ROOS, SEM, *PEOPLE]),
        cluster=st.sampled_from([WEB, WEB, DATA]),
        version=st.sampled_from([NEW, NEW, NEW_PATCH]),
        hours=st.sampled_from([None, None, 1, 30]),
        flags=st.sampled_from([(False, False), (False, False), (True, False), (False, True), (True, True)]),
        emergency=st.booleans(),
    )
    def ask(
        self, by: MemberId, cluster: str, version: str, hours: int | None, flags: tuple[bool, bool], *, emergency: bool
    ) -> None:
        """Somebody presses Request."""
        start = self.clock() + timedelta(hours=hours) if hours else None
        form = a_form(
            cluster_identity=cluster,
            version=version,
            start=start,
            ignore_windows=flags[0],
            override=flags[1],
            emergency=emergency,
            reason="CVE fixes, at once",
        )
        self.enter(FormSubmitted(member=by, organisation=ACME, form=form))

    @precondition(lambda self: self.requests)
    @rule(by=people, verb=st.sampled_from(PRESSES), choose=st.data())
    def press(self, by: MemberId, verb: Press, choose: st.DataObject) -> None:
        """Somebody presses a button of the card as it is now."""
        request = choose.draw(st.sampled_from(self.requests))
        self.enter(ButtonPressed(member=by, press=verb, request_id=request.id, seal=request.seal))

    @precondition(lambda self: self.outdated)
    @rule(by=st.sampled_from([SEM, KIM, ANNE]), choose=st.data())
    def press_outdated(self, by: MemberId, choose: st.DataObject) -> None:
        """Press Approve on a card that showed something else."""
        request_id, seal = choose.draw(st.sampled_from(self.outdated))
        self.enter(ButtonPressed(member=by, press=Press.APPROVE, request_id=request_id, seal=seal))

    @precondition(lambda self: any(one.state is State.SUBMITTING for one in self.requests))
    @rule()
    def ask_meanwhile(self) -> None:
        """Ask for an upgrade of a cluster whose last request is being submitted."""
        busy = next(one for one in self.requests if one.state is State.SUBMITTING)
        self.enter(a_submitted_form(form=a_form(cluster_identity=busy.cluster_identity)))

    @precondition(lambda self: self.requests)
    @rule(by=people, choose=st.data())
    def reject(self, by: MemberId, choose: st.DataObject) -> None:
        """Somebody gives a reason in the reject modal."""
        request = choose.draw(st.sampled_from(self.requests))
        self.enter(RejectionGiven(member=by, request_id=request.id, seal=request.seal, reason="No"))

    @precondition(lambda self: self.pending)
    @rule()
    def think_twice(self) -> None:
        """Sem approves and takes it back, so that Kim's approval is the only one."""
        request = self.pending[0]
        for by, press in ((SEM, Press.APPROVE), (SEM, Press.TAKE_BACK), (KIM, Press.APPROVE)):
            seal = self.storage.requests[request.id].seal
            self.enter(ButtonPressed(member=by, press=press, request_id=request.id, seal=seal))
        self.work()

    @precondition(lambda self: self.pending)
    @rule(by=people, choose=st.data())
    def comment(self, by: MemberId, choose: st.DataObject) -> None:
        """Approve with a comment."""
        request = choose.draw(st.sampled_from(self.pending))
        self.enter(ApprovalCommented(member=by, request_id=request.id, seal=request.seal, comment="Fine"))

    @precondition(lambda self: self.pending)
    @rule(by=st.permutations([SEM, KIM, ANNE]), local_worker=st.sampled_from([1, 2, 2]), choose=st.data())
    def approve(self, by: list[MemberId], local_worker: int, choose: st.DataObject) -> None:
        """Have one press Approve, or two at the same moment."""
        request = choose.draw(st.sampled_from(self.pending))
        press, seal = Press.APPROVE, request.seal
        self.enter(
            *(ButtonPressed(member=one, press=press, request_id=request.id, seal=seal) for one in by[:local_worker])
        )

    @precondition(lambda self: self.pending)
    @rule(fault=st.sampled_from(["", *WatchedCloud.FAULTS]), carried_out=st.booleans())
    def go_through(self, fault: str, *, carried_out: bool) -> None:
        """Have it approved by whoever may, and submitted at once."""
        request = self.pending[0]
        self.next_answer(fault, carried_out=carried_out, keeps=self.cloud.keeps_record)
        for by in (SEM, KIM):
            press, seal = Press.APPROVE, self.storage.requests[request.id].seal
            self.enter(ButtonPressed(member=by, press=press, request_id=request.id, seal=seal))
        self.work()

    @precondition(lambda self: any(one.state in FAILED for one in self.requests))
    @rule(by=st.sampled_from([ROOS, SEM]))
    def again(self, by: MemberId) -> None:
        """Ask for another attempt."""
        request = next(one for one in self.requests if one.state in FAILED)
        verb = Press.TRY_AGAIN if request.state is State.SUBMISSION_FAILED else Press.SUBMIT_AGAIN
        self.enter(ButtonPressed(member=by, press=verb, request_id=request.id, seal=request.seal))

    @precondition(lambda self: self.kept)
    @rule()
    def retry(self) -> None:
        """Try again what could not be decided."""
        kept, self.kept = self.kept, []
        self.run(self.decide(*kept))

    def enter(self, *entries: AnyEntry) -> None:
        """Store entries and decide on them all at once; what cannot be decided yet is kept."""
        self.cards_are_seen()

        async def together() -> None:
            received = [(await self.harness.enter(one), one) for one in entries]
            self.entries.update(received)
            await self.decide(*received)

        self.run(together())

    async def decide(self, *received: tuple[int, AnyEntry]) -> None:
        """Decide on entries as workers do, and note which ballots were counted for what."""

        async def one(number: int, entry: AnyEntry) -> None:
            try:
                await self.harness.decide(number, entry, await self.harness.lease())
            except (MembersUnavailable, Later):
                self.kept.append((number, entry))
                return
            answer = self.answer(number)
            if isinstance(entry, ButtonPressed | ApprovalCommented):
                given = self.cloud.ballots.given
                if "Approved (" in answer:
                    seen = self.cards[entry.request_id][entry.seal]
                    given.add((entry.request_id, entry.member, seen))
                if "You took back your approval" in answer:
                    given -= {one for one in given if one[:2] == (entry.request_id, entry.member)}
                self.cloud.ballots.again[entry.request_id] += "Submitting it again" in answer

        await asyncio.gather(*(one(*each) for each in received))

    def answer(self, number: int) -> str:
        """Return the private answer to an entry, empty without one."""
        found = [one.event for one in self.harness.outbox(Kind.PRIVATE) if one.key == f"private:inbox:{number}"]
        return str(getattr(found[0], "text", "")) if found else ""

    @rule(
        by=st.sampled_from([SEM, SEM, KIM, ROOS]),
        environments=st.sampled_from([("production",), ("production", "staging"), ("staging",), ()]),
        hours=st.sampled_from([0.05, 30, 200, 400]),
        turns=st.sampled_from([None, 0, 2, 5, 20]),
    )
    def freeze(self, by: MemberId, environments: tuple[str, ...], hours: float, turns: int | None) -> None:
        """Freeze some environments or all, alone or while submissions begin; it is refused to who may not."""
        places = tuple(FrozenPlace(organisation=ACME, environment=one) for one in environments)
        asked = FreezeAsked(member=by, places=places, until=self.clock() + timedelta(hours=hours), reason="Incident")
        before, self.cloud.turns = len(self.storage.tables.freezes), turns or 0

        async def together() -> None:
            number = await self.harness.enter(asked)
            self.entries[number] = asked
            submissions = [self.submit(one) for one in self.requests] if turns is not None else []
            await asyncio.gather(*submissions, self.decide((number, asked)))

        self.run(together())
        self.cloud.turns = 0
        assert len(self.storage.tables.freezes) <= before + 1

    @precondition(lambda self: self.standing)
    @rule(by=st.sampled_from([SEM, KIM, ROOS]), choose=st.data())
    def lift(self, by: MemberId, choose: st.DataObject) -> None:
        """Somebody presses Lift freeze; others stay."""
        chosen = choose.draw(st.sampled_from(self.standing))
        left = {one.id for one in self.standing} - {chosen.id}
        self.enter(FreezeLiftPressed(member=by, freeze_id=chosen.id))
        assert left <= {one.id for one in self.standing}

    @property
    def standing(self) -> list[UpgradeFreeze]:
        """Return the freezes that are neither lifted nor ended."""
        return [one for one in self.storage.tables.freezes.values() if not one.is_over]

    # --- the world ---

    @rule(
        cluster=st.sampled_from([WEB, WEB, DATA]),
        version=st.sampled_from([OLD, OLD_PATCH, NEW]),
        offer=st.sampled_from([(OLD, OLD_PATCH, NEW, NEW_PATCH), (OLD, OLD_PATCH, NEW)]),
        told=st.booleans(),
    )
    def upgrade_elsewhere(self, cluster: str, version: str, offer: tuple[str, ...], *, told: bool) -> None:
        """Change a cluster, or what is on offer; the bot's copy learns of it now or later."""
        old = self.cloud.catalogs[ACME]
        clusters = [replace(one, version=version) if one.identity == cluster else one for one in old.clusters]
        self.pass_time(0.001)
        self.cloud.catalogs[ACME] = replace(old, clusters=tuple(clusters), versions=offer, fetched_at=self.clock())
        if told and self.cloud.refusal is None:
            self.run(self.harness.cataloguing.refresh(ACME))

    @rule(
        required=st.integers(0, 2),
        approvers=st.sampled_from([(SEM, KIM), (TEAM,), (ROOS, SEM), (TEAM, ANNE)]),
        own=st.booleans(),
        frozen=RARELY,
        emergency=st.booleans(),
    )
    def change_policy(
        self, required: int, approvers: tuple[str, ...], *, own: bool, frozen: bool, emergency: bool
    ) -> None:
        """Restart the bot with another policy."""
        freeze = (ALWAYS,) if frozen else ()
        self.cloud.policy = a_policy(
            a_rule(
                required_approvals=required,
                approvers=approvers,
                self_approval=own,
                freeze=freeze,
                override=True,
                emergency=emergency,
            )
        )
        self.harness = self.run(self.harness.restarted(policy=self.cloud.policy))

    @rule(team=st.frozensets(st.sampled_from([SEM, KIM, ANNE]), min_size=1))
    def change_team(self, team: frozenset[MemberId]) -> None:
        """Somebody joins or leaves the group."""
        self.members.groups[TEAM] = team

    @rule(
        who=st.sampled_from([ROOS, SEM, KIM]),
        account_type=st.sampled_from([AccountType.FULL, AccountType.FULL, AccountType.DEACTIVATED]),
    )
    def change_account_type(self, who: MemberId, account_type: AccountType) -> None:
        """Somebody leaves the company, or comes back."""
        self.members.members[who] = a_member(who, account_type=account_type)

    @rule(down=RARELY)
    def slack_goes(self, *, down: bool) -> None:
        """Slack stops answering, or answers again."""
        self.members.down = down

    @rule(hours=st.sampled_from([0.02, 2, 50]))
    def pass_time(self, hours: float) -> None:
        """Time goes by."""
        self.clock.advance(timedelta(hours=hours))
        self.cloud.time = self.clock()
        self.storage.pass_time(hours * 3600)

    @rule(status=st.sampled_from(["SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "FAILED"]), choose=st.data())
    def move_on(self, status: str, choose: st.DataObject) -> None:
        """Give a scheduled upgrade another status."""
        if self.cloud.readings:
            reading = choose.draw(st.sampled_from(self.cloud.readings))
            self.cloud.readings.remove(reading)
            self.cloud.readings.append(replace(reading, status=status, modified_at=self.clock()))

    @rule(fault=st.sampled_from(["", "", *WatchedCloud.FAULTS]), carried_out=st.booleans(), keeps=st.booleans())
    def next_answer(self, fault: str, *, carried_out: bool, keeps: bool) -> None:
        """Let the next submission fail, before or after it was carried out."""
        self.cloud.fault, self.cloud.carried_out, self.cloud.keeps_record = fault, carried_out, keeps

    @rule(lists=st.sampled_from([None, None, NoList("Not found"), NotConnected("No connection")]))
    def list_goes(self, lists: AvisiError | None) -> None:
        """Let the list of scheduled upgrades come and go."""
        self.cloud.no_list = lists

    @rule(down=RARELY)
    def cloud_goes(self, *, down: bool) -> None:
        """Let the cloud stop answering what it is asked, or answer again."""
        self.cloud.refusal = NotConnected("No connection") if down else None

    # --- the bot by itself ---

    @rule()
    def work(self) -> None:
        """Carry out every submission that is due."""
        for request in self.requests:
            self.run(self.submit(request))

    async def submit(self, request: UpgradeRequest) -> None:
        """Carry one out as the worker does; a process that dies leaves it as it is."""
        try:
            await self.harness.submit(request)
        except (MembersUnavailable, Killed):
            return

    @rule()
    def poll(self) -> None:
        """Read statuses."""
        self.run(self.harness.poll())

    @rule()
    def look_round(self) -> None:
        """Do the clock's work."""
        self.run(self.harness.look_round())

    @rule()
    def end_freezes(self) -> None:
        """End what has run out."""

        async def end() -> None:
            await self.harness.freezing.end_due(await self.harness.lease())

        self.run(end())
        assert not [one for one in self.standing if one.until <= self.clock()]

    @rule()
    def everything_at_once(self) -> None:
        """Let submissions, a poll and the clock's work overtake each other."""

        async def together() -> None:
            await asyncio.gather(
                *(self.submit(request) for request in self.requests), self.harness.poll(), self.harness.look_round()
            )

        self.run(together())

    @invariant()
    def cards_are_seen(self) -> None:
        """Remember what every card has shown, and under which seal."""
        for request in getattr(self, "requests", []):
            self.cards.setdefault(request.id, {})[request.seal] = shown(request)

    @invariant()
    def one_open_request_for_each_cluster(self) -> None:
        """Whatever happened, at most one request of a cluster is on its way."""
        open_ones = [one.cluster_identity for one in getattr(self, "requests", []) if one.state in OPEN_STATES]
        assert len(open_ones) == len(set(open_ones))

    def teardown(self) -> None:
        """When the world is well again everything comes to an end, and everybody has an answer."""
        if not hasattr(self, "runner"):
            return
        try:
            self.settle()
        finally:
            self.runner.close()

    def settle(self) -> None:
        """Let everything answer again, and the bot go on until nothing is left to do."""
        self.members.down, self.cloud.no_list, self.cloud.refusal, self.cloud.fault = False, None, None, ""
        for _ in range(12):
            self.pass_time(0.1)
            self.work()
            if self.kept:
                self.retry()
        assert not self.kept
        assert self.storage.entries == []
        stuck = {one.id: one.state for one in self.requests if one.state in {State.APPROVED, State.SUBMITTING}}
        assert not stuck
        for number, entry in self.entries.items():
            assert self.answer(number) or isinstance(entry, FormSubmitted)
        asked = len(self.harness.told(UpgradeRequested, Kind.DIRECT))
        refused = sum(1 for number in self.entries if "was refused" in self.answer(number))
        assert asked + refused == sum(1 for entry in self.entries.values() if isinstance(entry, FormSubmitted))


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
