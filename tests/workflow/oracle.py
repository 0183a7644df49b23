"""A cloud that judges every submission for itself, and a storage that watches every move of a request."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar

from bot.domain.cluster import Catalog, ClusterIdentity, Organisation
from bot.domain.freeze import UpgradeFreeze
from bot.domain.people import AccountType, MemberId
from bot.domain.policy import Policy
from bot.domain.request import NEXT, RequestId, State, UpgradeRequest
from bot.domain.scheduled import OPEN, Reading, UpgradeIdentity
from bot.domain.windows import next_window
from bot.workflow.errors import Broken, Declined, NoAnswer, NotConnected, Overloaded, Unreadable
from bot.workflow.ports import Submission
from tests.fake_tables import FakeTables
from tests.fakes import FakeCloud, FakeMembers, FakeStorage

Shown = tuple[ClusterIdentity, str, str, datetime | None, bool, bool, bool]
"""What a card showed: cluster, from and to version, start, windows flag, override, emergency."""
BORN = frozenset({State.PENDING_APPROVAL, State.APPROVED})


class Killed(Exception):
    """The process died at this point."""


def shown(request: UpgradeRequest) -> Shown:
    """Return what a request's card shows that a vote is for."""
    return (
        request.cluster_identity,
        request.from_version,
        request.to_version,
        request.start,
        request.ignore_windows,
        request.override,
        request.emergency,
    )


class WatchedStorage(FakeStorage):
    """Fails the test at any move that the table does not allow."""

    _tables: FakeTables

    @property
    def tables(self) -> FakeTables:
        """Everything that is committed."""
        return self._tables

    @tables.setter
    def tables(self, new: FakeTables) -> None:
        for request_id, request in new.requests.items():
            before = self._tables.requests.get(request_id)
            allowed = BORN if before is None else NEXT[before.state] | {before.state}
            assert request.state in allowed, f"{before and before.state} -> {request.state}"
        self._tables = new

    def __init__(self, *things: Catalog) -> None:
        self._tables = FakeTables()
        super().__init__(*things)


@dataclass
class Ballots:
    """Who approved what, as the private answers said; kept apart from the bot's own votes."""

    given: set[tuple[RequestId, MemberId, Shown]] = field(default_factory=set)
    again: Counter[RequestId] = field(default_factory=Counter)
    accepted: Counter[RequestId] = field(default_factory=Counter)


class WatchedCloud(FakeCloud):
    """Judges each submission at the moment it arrives, from what people did and what holds now."""

    FAULTS: ClassVar = {
        "declined": Declined("Not now"),
        "not connected": NotConnected("No connection"),
        "overloaded": Overloaded("Slow down", retry_after=9.0),
        "no answer": NoAnswer("No answer"),
        "broken": Broken("Avisi Cloud answered 502"),
        "unreadable": Unreadable("A web page"),
        "killed": Killed(),
    }

    def __init__(
        self, catalog: Catalog, storage: FakeStorage, members: FakeMembers, now: Callable[[], datetime]
    ) -> None:
        super().__init__(catalog)
        self.storage, self.members, self.now = storage, members, now
        self.policy: Policy | None = None
        self.ballots = Ballots()
        self.fault = ""
        self.carried_out = False
        self.keeps_record = True
        self.made = 0
        self.turns = 0
        """How many turns others get while it is asked for the time, right before a submission begins."""

    async def clock(self) -> datetime | None:
        """Give others their turns, then answer."""
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return await super().clock()

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Judge it, then accept it or fail as told."""
        request = self._judge(submission)
        self.submissions.append(submission)
        fault, self.fault = self.FAULTS.get(self.fault), ""
        if fault is not None and (not self.carried_out or isinstance(fault, (Declined, NotConnected, Overloaded))):
            raise fault
        self.ballots.accepted[request.id] += 1
        rounds = request.round + self.ballots.again[request.id]
        assert self.ballots.accepted[request.id] <= rounds, "accepted more often than it was approved"
        reading = self._take(organisation, submission)
        if fault is not None:
            raise fault
        return reading

    def _judge(self, submission: Submission) -> UpgradeRequest:
        """Find the request behind it, and hold it against everything that has to be true."""
        (request,) = [
            one
            for one in self.storage.requests.values()
            if one.state is State.SUBMITTING and one.cluster_identity == submission.cluster_identity
        ]
        assert self.policy is not None
        rule, now = self.policy.rule(request.organisation, request.environment), self.now()
        cluster = self.catalogs[request.organisation].by_identity[request.cluster_identity]
        left_out = request.start is not None and request.start <= now and not request.ignore_windows
        sent = (submission.version, submission.start, submission.ignore_windows)
        assert sent == (request.to_version, None if left_out else request.start, request.ignore_windows)
        assert cluster.version == request.from_version, "submitted although the cluster drifted"
        assert submission.version in self.catalogs[request.organisation].versions, "no longer on offer"
        assert now < request.deadline, "submitted after its deadline"
        assert not rule.freeze or request.override, "submitted into a freeze"
        assert request.override or not self._frozen_before(request), "submitted into a freeze that somebody set before"
        assert self._is_full(request.requester), "requester is no member any more"
        voters = {who for of, who, what in self.ballots.given if of == request.id and what == shown(request)}
        valid = {who for who in voters if self._may_approve(who, request)}
        waived = request.emergency and rule.emergency
        assert not waived or self._approves(request.requester, request), "an emergency of somebody who may not approve"
        needed = (0 if waived else rule.required_approvals) + request.override
        assert len(valid) >= needed, f"{valid} approved exactly this, {needed} approvals are asked for"
        return request

    def _frozen_before(self, request: UpgradeRequest) -> list[UpgradeFreeze]:
        """Return the freezes that cover its start or its next window, but for those that list it as being submitted."""
        schedule = self.catalogs[request.organisation].by_identity[request.cluster_identity].schedule
        start = request.start
        if not request.ignore_windows and schedule is not None:
            window = next_window(schedule, after=max(start or self.now(), self.now()), zone=UTC)
            start = window.start if window else start
        return [
            freeze
            for freeze in self.storage.tables.freezes.values()
            if freeze.over_at is None
            and start is not None
            and start < freeze.until
            and self.now() < freeze.until
            and request.id not in freeze.underway
            and any(place.environment == request.environment for place in freeze.places)
        ]

    def _may_approve(self, who: MemberId, request: UpgradeRequest) -> bool:
        assert self.policy is not None
        own = self.policy.rule(request.organisation, request.environment).self_approval and not request.emergency
        return self._approves(who, request) and (own or who != request.requester)

    def _approves(self, who: MemberId, request: UpgradeRequest) -> bool:
        assert self.policy is not None
        rule = self.policy.rule(request.organisation, request.environment)
        named = {one for name in rule.approvers for one in self.members.groups.get(name, {name})}
        return self._is_full(who) and who in named

    def _is_full(self, who: MemberId) -> bool:
        return who in self.members.members and self.members.members[who].account_type is AccountType.FULL

    def _take(self, organisation: Organisation, submission: Submission) -> Reading:
        self.made += 1
        waiting = [
            one for one in self.readings if one.cluster_identity == submission.cluster_identity and one.status in OPEN
        ]
        reading = Reading(
            identity=UpgradeIdentity(f"u{self.made}"),
            cluster_identity=submission.cluster_identity,
            status="REQUESTED",
            from_version=self.catalogs[organisation].by_identity[submission.cluster_identity].version,
            to_version=submission.version,
            created_at=self.now(),
            modified_at=self.now(),
            requested_start=submission.start,
            ignore_windows=submission.ignore_windows,
        )
        for old in waiting:
            self.readings.remove(old)
            if self.keeps_record:
                reading = replace(reading, identity=old.identity, created_at=old.created_at)
            else:
                self.readings.append(replace(old, status="SUPERSEDED", modified_at=self.now()))
        self.readings.append(reading)
        return reading
