"""Every change of state leaves exactly one audit event; each is made by the use case that makes it in production."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest

from bot.domain.cluster import Catalog
from bot.domain.policy import Policy
from bot.domain.request import NEXT, RequestId, State, UpgradeRequest
from bot.workflow.errors import Declined, NoAnswer, NoList
from bot.workflow.inbox import Press
from bot.workflow.ports import Lease, UnitOfWork
from bot.workflow.repositories import Audit, Fact, Feed, Requests, Source
from bot.workflow.transitions import Change, store_request
from tests.builders import (
    ACME,
    NOON,
    ROOS,
    SEM,
    a_catalog,
    a_cluster,
    a_policy,
    a_reading,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.fakes import FakeClock, FakeCloud, FakeStorage
from tests.workflow.harness import Harness, a_harness, the_people

Pair = tuple[State | None, State]
NO_QUORUM = a_policy(a_rule(required_approvals=0))
TWO = a_policy(a_rule(required_approvals=2))


class Trace:
    """What was written of requests, in order: for each a pair of states or the kind of an audit event."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Pair | str]] = []

    @property
    def pairs(self) -> set[Pair]:
        """Return the changes of state, and the first state of new requests."""
        return {what for _, what in self.lines if isinstance(what, tuple) and what[0] is not what[1]}

    def events_after_changes(self) -> list[tuple[str, Pair, list[str]]]:
        """Return every change of state with the audit events between it and the next write to the same request."""
        found: list[tuple[str, Pair, list[str]]] = []
        for request_id in dict.fromkeys(one for one, _ in self.lines):
            for _, what in (line for line in self.lines if line[0] == request_id):
                if isinstance(what, tuple):
                    found.append((request_id, what, []))
                elif found and found[-1][0] == request_id:
                    found[-1][2].append(what)
        return [one for one in found if one[1][0] is not one[1][1]]


class TracedRequests:
    """A repository of requests that notes what is written to it."""

    def __init__(self, requests: Requests, trace: Trace) -> None:
        self._requests = requests
        self._trace = trace

    def __getattr__(self, name: str) -> object:
        return getattr(self._requests, name)

    async def add(self, request: UpgradeRequest) -> UpgradeRequest:
        """Add it and note its first state."""
        stored = await self._requests.add(request)
        self._trace.lines.append((stored.id, (None, stored.state)))
        return stored

    async def save(self, request: UpgradeRequest) -> UpgradeRequest:
        """Save it and note both states."""
        before = await self._requests.get(request.id)
        stored = await self._requests.save(request)
        self._trace.lines.append((stored.id, (before.state, stored.state)))
        return stored


class TracedAudit:
    """An audit trail that notes what is appended to it."""

    def __init__(self, audit: Audit, trace: Trace) -> None:
        self._audit = audit
        self._trace = trace

    def __getattr__(self, name: str) -> object:
        return getattr(self._audit, name)

    async def append(self, *facts: Fact) -> None:
        """Append them and note their kinds; the moves of an upgrade are not about its request."""
        await self._audit.append(*facts)
        self._trace.lines += [(fact.request_id, fact.kind) for fact in facts if fact.kind != "status moved"]


class TracedUnitOfWork:
    """A transaction that notes what is written in it."""

    def __init__(self, work: UnitOfWork, trace: Trace) -> None:
        self._work = work
        self.requests = TracedRequests(work.requests, trace)
        self.audit = TracedAudit(work.audit, trace)

    def __getattr__(self, name: str) -> object:
        return getattr(self._work, name)


class TracedStorage(FakeStorage):
    """The storage in memory, with a trace of what was written."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.trace = Trace()

    @asynccontextmanager
    async def _begin(self, lease: Lease | None) -> AsyncIterator[UnitOfWork]:
        async with super()._begin(lease) as work:
            yield cast("UnitOfWork", TracedUnitOfWork(work, self.trace))


async def traced(policy: Policy | None = None) -> tuple[Harness, Trace]:
    """Build a harness whose writes are traced."""
    storage = TracedStorage(a_catalog())
    harness = Harness(
        storage=storage,
        cloud=FakeCloud(a_catalog(), time=NOON),
        members=the_people(),
        clock=FakeClock(NOON),
        policy=policy or a_policy(),
    )
    await harness.catalog_cache.renew()
    return harness, storage.trace


async def pending(harness: Harness) -> UpgradeRequest:
    """Bring a request to PENDING_APPROVAL."""
    return await harness.ask()


async def approved(harness: Harness) -> UpgradeRequest:
    """Bring a request to APPROVED."""
    return await harness.approved()


async def failed(harness: Harness) -> UpgradeRequest:
    """Bring a request to SUBMISSION_FAILED."""
    harness.cloud.answers = [Declined("no")]
    return await harness.submitted()


async def unclear(harness: Harness) -> UpgradeRequest:
    """Bring a request to SUBMISSION_UNCLEAR."""
    harness.cloud.answers = [NoAnswer("no answer")]
    harness.cloud.no_list = NoList("no list")
    return await harness.submitted()


async def submitted(harness: Harness) -> UpgradeRequest:
    """Bring a request to SUBMITTED."""
    return await harness.submitted()


async def approve(harness: Harness, request: UpgradeRequest) -> None:
    """Give the approval that is missing."""
    await harness.press(request)


async def reject(harness: Harness, request: UpgradeRequest) -> None:
    """Reject it."""
    await harness.reject(request)


async def withdraw(harness: Harness, request: UpgradeRequest) -> None:
    """Withdraw it as its requester."""
    await harness.press(request, Press.WITHDRAW, by=ROOS)


async def expire(harness: Harness, request: UpgradeRequest) -> None:
    """Let its deadline pass."""
    harness.clock.advance(request.deadline - harness.clock())
    await harness.look_round()


async def ask_anew(harness: Harness, _: UpgradeRequest) -> None:
    """Ask for another upgrade of the same cluster."""
    await harness.ask()


async def submit_another(harness: Harness, _: UpgradeRequest) -> None:
    """Have another upgrade of the same cluster confirmed."""
    await harness.submitted()


async def submit(harness: Harness, request: UpgradeRequest) -> None:
    """Submit it; the cloud confirms."""
    await harness.submit(request)


async def submit_in_vain(harness: Harness, request: UpgradeRequest) -> None:
    """Submit it; the cloud never got it."""
    harness.cloud.answers = [NoAnswer("no answer")]
    await harness.submit(request)


async def lose_the_voter(harness: Harness, request: UpgradeRequest) -> None:
    """Submit it after its approver has left."""
    del harness.members.members[SEM]
    await harness.submit(request)


async def lose_the_cluster(harness: Harness, request: UpgradeRequest) -> None:
    """Submit it after its cluster was upgraded by somebody else."""
    await harness.recatalog(a_cluster(version=request.to_version))
    await harness.submit(request)


async def try_again(harness: Harness, request: UpgradeRequest) -> None:
    """Ask for another attempt after a clear no."""
    await harness.press(request, Press.TRY_AGAIN, by=ROOS)


async def submit_again(harness: Harness, request: UpgradeRequest) -> None:
    """Ask for another attempt although nobody knows what became of the first."""
    await harness.press(request, Press.SUBMIT_AGAIN)


async def find_in_list(harness: Harness, request: UpgradeRequest) -> None:
    """Poll a list that has its record."""
    harness.cloud.no_list = None
    async with harness.storage.begin() as work:
        await work.feeds.save(Feed(organisation=ACME, source=Source.ORGANISATION, baseline_at=NOON, read_at=NOON))
        await work.commit()
    harness.cloud.readings = [a_reading(identity="real", to_version=request.to_version, created_at=NOON)]
    harness.clock.advance(timedelta(minutes=1))
    await harness.poll()


Start = Callable[[Harness], Awaitable[UpgradeRequest]]
Move = Callable[[Harness, UpgradeRequest], Awaitable[None]]

MOVES: list[tuple[Pair, Start, Move]] = [
    ((State.PENDING_APPROVAL, State.APPROVED), pending, approve),
    ((State.PENDING_APPROVAL, State.REJECTED), pending, reject),
    ((State.PENDING_APPROVAL, State.WITHDRAWN), pending, withdraw),
    ((State.PENDING_APPROVAL, State.EXPIRED), pending, expire),
    ((State.PENDING_APPROVAL, State.REPLACED), pending, ask_anew),
    ((State.APPROVED, State.SUBMITTING), approved, submit),
    ((State.APPROVED, State.PENDING_APPROVAL), approved, lose_the_voter),
    ((State.APPROVED, State.SUBMISSION_FAILED), approved, lose_the_cluster),
    ((State.APPROVED, State.REJECTED), approved, reject),
    ((State.APPROVED, State.WITHDRAWN), approved, withdraw),
    ((State.APPROVED, State.EXPIRED), approved, expire),
    ((State.APPROVED, State.REPLACED), approved, ask_anew),
    ((State.SUBMITTING, State.SUBMITTED), approved, submit),
    ((State.SUBMITTING, State.APPROVED), approved, submit_in_vain),
    ((State.SUBMITTING, State.SUBMISSION_FAILED), failed, withdraw),
    ((State.SUBMITTING, State.SUBMISSION_UNCLEAR), unclear, withdraw),
    ((State.SUBMISSION_FAILED, State.APPROVED), failed, try_again),
    ((State.SUBMISSION_FAILED, State.REJECTED), failed, reject),
    ((State.SUBMISSION_FAILED, State.WITHDRAWN), failed, withdraw),
    ((State.SUBMISSION_FAILED, State.EXPIRED), failed, expire),
    ((State.SUBMISSION_FAILED, State.REPLACED), failed, ask_anew),
    ((State.SUBMISSION_UNCLEAR, State.APPROVED), unclear, submit_again),
    ((State.SUBMISSION_UNCLEAR, State.SUBMITTED), unclear, find_in_list),
    ((State.SUBMISSION_UNCLEAR, State.WITHDRAWN), unclear, withdraw),
    ((State.SUBMISSION_UNCLEAR, State.REPLACED), unclear, submit_another),
    ((State.SUBMITTED, State.REPLACED), submitted, submit_another),
]


def test_every_pair_of_the_state_table_is_covered() -> None:
    """A move added to the table without a line above fails here."""
    allowed = {(before, after) for before, nexts in NEXT.items() for after in nexts}

    assert {pair for pair, _, _ in MOVES} == allowed


@pytest.mark.parametrize(("pair", "start", "move"), MOVES, ids=[f"{a} to {b}" for (a, b), _, _ in MOVES])
async def test_a_change_of_state_leaves_exactly_one_audit_event(pair: Pair, start: Start, move: Move) -> None:
    """It follows the change directly, and there is no second one."""
    harness, trace = await traced()

    await move(harness, await start(harness))

    assert pair in trace.pairs
    assert [(one, len(events)) for _, one, events in trace.events_after_changes() if len(events) != 1] == []


async def test_an_approval_without_votes_leaves_an_audit_event_of_its_own() -> None:
    """Where nobody has to approve, the trail says so instead of leaping from the request to its submission."""
    harness, trace = await traced(NO_QUORUM)

    request = await harness.ask()

    assert (State.PENDING_APPROVAL, State.APPROVED) in trace.pairs
    assert harness.facts(request) == ["upgrade requested", "request approved"]
    assert harness.storage.audited[-1]["facts"]["required"] == 0


async def test_an_approval_by_a_lower_quorum_leaves_one_audit_event() -> None:
    """One of two approvals was there when the policy came to ask for one."""
    harness, trace = await traced(TWO)
    request = await harness.ask()
    await harness.press(request)
    harness = await harness.restarted(policy=a_policy())

    await harness.look_round()

    assert (State.PENDING_APPROVAL, State.APPROVED) in trace.pairs
    assert [(one, events) for _, one, events in trace.events_after_changes() if len(events) != 1] == []


async def test_a_record_that_is_adopted_by_a_poll_leaves_an_audit_event() -> None:
    """The cloud confirmed without an identity; the trail says which record turned out to be the request's."""
    upgrade = a_scheduled_upgrade(identity="request:ours", request_id="ours", moves=1)
    request = an_upgrade_request(id="ours", state=State.SUBMITTED, upgrade=upgrade.identity, attempted_at=NOON)
    feed = Feed(organisation=ACME, source=Source.ORGANISATION, probed_at=NOON, baseline_at=NOON, read_at=NOON)
    harness = await a_harness(request, upgrade, feed)
    harness.cloud.readings = [a_reading(identity="real", created_at=NOON)]
    harness.clock.advance(timedelta(minutes=1))

    await harness.poll()

    events = [one for one in harness.storage.audited if one["kind"] == "record adopted"]
    assert [event["facts"]["identity"] for event in events] == ["real"]


async def test_a_change_of_state_cannot_be_stored_without_an_audit_event() -> None:
    """It is a fault of the code, so it is refused loudly and nothing is written."""
    request = an_upgrade_request(id=RequestId("ours"))
    storage = FakeStorage(request)

    async with storage.begin() as work:
        stored = await work.requests.get(request.id)
        with pytest.raises(ValueError, match="without an audit event"):
            await store_request(work, stored, stored.approve(at=NOON), Change(audit="", at=NOON))
        await work.commit()

    assert storage.requests[request.id].state is State.PENDING_APPROVAL
