"""Submitting an approved request to Avisi Cloud once: checked again, stored before sending, looked for when unclear."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.events import SubmissionFailed, SubmissionUnclear
from bot.domain.findings import Finding, MoreApprovalsNeeded, NoLongerApprover
from bot.domain.policy import Rule
from bot.domain.request import State, UpgradeRequest
from bot.domain.rollout import RolloutId, RolloutState
from bot.domain.scheduled import Reading
from bot.workflow import outbox
from bot.workflow.adopting import UNKNOWN_SKEW, find_record, identity_of, record_of
from bot.workflow.announcing import Announcing
from bot.workflow.catalog_cache import CatalogCache, remembered
from bot.workflow.errors import AvisiError, Declined, NoAnswer, NoList, Stale, Unclear, Waiting
from bot.workflow.outbox import DueMessage
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease, Submission, UnitOfWork
from bot.workflow.retrying import growing_pause
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, confirm, expire, rule_facts, store_request

_LOOKS_AFTER_SILENCE = (2.0, 8.0)
_BEFORE_SECOND_READING = 2.0
_STALLED = 5.0
"""Seconds after which an attempt is no longer sent: another process may soon hold the lease, and send it too."""
_WHOLE_SECOND = timedelta(seconds=1)
_STALE_TRIES = 4
_NOBODY_KNOWS = "Avisi Cloud gave no clear answer, and offers no list in which the bot could look."


@dataclass(frozen=True, slots=True)
class _Task:
    """The outbox row that asks for a submission, and the lease under which it is worked on."""

    due: DueMessage
    lease: Lease

    @property
    def pause(self) -> float:
        """Return how many seconds to wait before the next attempt."""
        return growing_pause(self.due.attempts, first=2.0)


@dataclass(frozen=True, slots=True)
class Submitting:
    """Submits requests. `sleep` waits for real seconds, `seconds` counts them.

    `begin` stores what the cloud answered, which is true under any policy. `begin_judged` stores what followed from the
    policy of this process; it raises OlderPolicy once that is no longer in force.
    """

    begin: BeginWork
    begin_judged: BeginWork
    read: BeginReading
    cloud: AvisiCloud
    catalog_cache: CatalogCache
    permissions: Permissions
    rule_check: RuleCheck
    words: Words
    revoting: Revoting
    announcing: Announcing
    now: Clock
    sleep: Callable[[float], Awaitable[None]]
    seconds: Callable[[], float] = time.monotonic

    async def submit(self, due: DueMessage, lease: Lease) -> None:
        """Work on one submission under its lease; it stays due until the outcome is stored.

        Raises MembersUnavailable when the votes cannot be checked; nothing was sent then. Raises LeaseLost.
        """
        task = _Task(due, lease)
        if due.outgoing.request_id is None:
            await self._finish(task)
            return
        async with self.read() as work:
            request = await work.requests.get(due.outgoing.request_id)
        try:
            if request.state is State.APPROVED:
                await self._check_and_send(request, task)
            elif request.state is State.SUBMITTING:
                await self._look_for(request, task, after=_LOOKS_AFTER_SILENCE)
            else:
                await self._finish(task)
        except Stale:
            await self._postpone(task, seconds=0.0, error="the request changed meanwhile")

    # --- before anything is sent ---

    async def _check_and_send(self, request: UpgradeRequest, task: _Task) -> None:
        try:
            await self._read_cluster(request)
        except AvisiError as error:
            await self._hold(request, error, task)
            return
        if await self._turned_down(request, task):
            return
        now = self.now()
        left_out = not request.ignore_windows and request.start is not None and request.start <= now
        submission = Submission(
            cluster_identity=request.cluster_identity,
            version=request.to_version,
            start=None if left_out else request.start,
            ignore_windows=request.ignore_windows,
        )
        cloud_now = await self.cloud.clock()
        began = self.seconds()
        sending = request.submitting(at=now, start_left_out=left_out)
        sending = replace(sending, attempted_at=cloud_now - _WHOLE_SECOND if cloud_now else now - UNKNOWN_SKEW)
        facts = {
            "cluster_identity": submission.cluster_identity,
            "version": submission.version,
            "start": submission.start.isoformat() if submission.start else None,
            "ignore_windows": submission.ignore_windows,
            "attempt": sending.attempt,
            "seal": sending.seal,
            "policy": rule_facts(self.rule_check.rule(sending)),
        }
        async with self.begin_judged(task.lease) as work:
            if request.rollout and not await _is_open(work, request):
                await _give_back(work, request, "The rollout hands nothing over just now.", task, at=now)
                await work.commit()
                return
            await self.rule_check.before_submission(work, request)
            reading = (await work.readiness.latest(request.id)).get(request.id)
            change = Change(
                audit="submission sent",
                at=now,
                facts=facts,
                repaint="submitting",
                readiness=reading.number if reading else 0,
            )
            stored = await store_request(work, request, sending, change)
            await work.commit()
        if self.seconds() - began > _STALLED:
            held_up = AvisiError("The bot was held up before it could send it.")
            await self._send_again_later(stored, held_up, task, seconds=task.pause)
            return
        await self._send(stored, submission, task)

    async def _read_cluster(self, request: UpgradeRequest) -> None:
        """Read the cluster and the versions on offer as they are now, even when the catalog does not list the cluster.

        A cluster that is gone, or a version no longer on offer, counts only when it is read twice.
        """
        await self.catalog_cache.renew()
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None and not self.catalog_cache.holds(request.organisation):
            return
        known = found[1] if found else remembered(request)
        current, versions = await self.cloud.current(known)
        if current is None or request.to_version not in versions:
            await self.sleep(_BEFORE_SECOND_READING)
            current, versions = await self.cloud.current(known)
        self.catalog_cache.correct(known, current, versions)

    async def _turned_down(self, request: UpgradeRequest, task: _Task) -> bool:
        """Check everything again right before submission; True when the request goes no further."""
        rule, now = self.rule_check.rule(request), self.now()
        if request.rollout:
            return await self._given_back(request, rule, task)
        if now >= request.deadline:
            await self._expire(request, task, begin=self.begin_judged)
            return True
        needed = rule.approvals_needed(override=request.override, emergency=request.emergency)
        drift = self.rule_check.drift(request) if self.rule_check.can_go_on(request) else None
        if drift and needed > 0:
            await self._vote_again(request, drift.void(request, at=now).require(needed), task)
            return True
        broken = await self.rule_check.submission(request)
        if drift:
            request = request.follow(drift.cluster, *drift.sentences, estimate=drift.estimate)
        if broken or drift:
            reason = self.words.advice(broken) if broken else " ".join(request.changes)
            await self._fail(request, reason, task, begin=self.begin_judged)
            return True
        valid = await self.permissions.standing_voters(request, rule)
        if len(valid) >= needed:
            return False
        lost = sorted(request.voters - valid)
        why: list[Finding] = [NoLongerApprover(member=voter) for voter in lost]
        why += [MoreApprovalsNeeded(approvals=needed)] if needed > request.required else []
        changes = map(self.words.sentence, why)
        again = request.keep_votes_of(valid).require(needed).ask_again(*changes, lost=lost, at=now)
        await self._vote_again(request, again, task)
        return True

    async def _given_back(self, request: UpgradeRequest, rule: Rule, task: _Task) -> bool:
        """Give the cluster of a rollout back when something stands in the way; True when it is not submitted."""
        if (why := await self._given_back_because(request, rule)) is None:
            return False
        async with self.begin_judged(task.lease) as work:
            await _give_back(work, request, why, task, at=self.now())
            await work.commit()
        return True

    async def _given_back_because(self, request: UpgradeRequest, rule: Rule) -> str | None:
        """Return why the cluster of a rollout is not submitted after all; its rollout decides what comes of that."""
        if drift := self.rule_check.drift(request):
            return " ".join(drift.sentences)
        if self.now() >= request.deadline:
            return "Its start has passed."
        if broken := await self.rule_check.submission(request):
            return self.words.advice(broken)
        valid = await self.permissions.standing_voters(request, rule)
        return "Approvals are missing now." if len(valid) < rule.required_approvals else None

    # --- once it may have been sent ---

    async def _send(self, request: UpgradeRequest, submission: Submission, task: _Task) -> None:
        try:
            reading = await self.cloud.submit(request.organisation, submission)
        except Declined as declined:
            await self._fail(request, declined.words(), task, begin=self.begin)
        except Waiting as waiting:
            await self._send_again_later(request, waiting, task, seconds=waiting.retry_after or task.pause)
        except NoAnswer:
            await self._look_for(request, task, after=_LOOKS_AFTER_SILENCE)
        except Unclear as unclear:
            await self._look_for(request, task, after=(0.0,), wait=unclear.retry_after)
        else:
            await self._confirm(request, reading, task)

    async def _look_for(
        self, request: UpgradeRequest, task: _Task, *, after: tuple[float, ...], wait: float | None = None
    ) -> None:
        """Look whether the cloud has it: adopt it, send it again, or ask an approver where there is no list.

        `after` are the pauses before each look; `wait` is for how many seconds the cloud wants to be left alone.
        """
        try:
            for pause in after:
                await self.sleep(pause)
                if found := await find_record(self.cloud, request):
                    await self._confirm(request, found, task)
                    return
        except NoList:
            await self._unclear(request, task)
        except AvisiError as error:
            await self._postpone(task, seconds=task.pause, error=error.words())
        else:
            not_there = AvisiError("Avisi Cloud does not have it, so it is sent again.")
            await self._send_again_later(request, not_there, task, seconds=max(wait or 0.0, task.pause))

    # --- what is stored; each ends the task or postpones it in the same transaction ---

    async def _confirm(self, request: UpgradeRequest, reading: Reading, task: _Task) -> None:
        """Store that the cloud has it. The answer is true even if a poll stored the same record meanwhile."""
        for tries_left in reversed(range(_STALE_TRIES)):
            try:
                await self._confirm_once(request, reading, task)
            except Stale:
                if not tries_left:
                    raise
            else:
                return

    async def _confirm_once(self, request: UpgradeRequest, reading: Reading, task: _Task) -> None:
        async with self.begin(task.lease) as work:
            feed = await work.feeds.get(request.organisation)
            known = await work.upgrades.find(request.organisation, identity_of(request, reading))
            upgrade = record_of(request, reading, known)
            await confirm(work, request, upgrade, reading, announcing=self.announcing, source=feed.source)
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _unclear(self, request: UpgradeRequest, task: _Task) -> None:
        """Store that nobody can tell, and ask the approvers."""
        now, rule = self.now(), self.rule_check.rule(request)
        event = SubmissionUnclear(about=outbox.about(request), mention=rule.notify, reason=_NOBODY_KNOWS)
        change = Change(
            audit="submission unclear",
            at=now,
            facts={"answer": _NOBODY_KNOWS},
            repaint="unclear",
            thread=(event,),
            direct=event,
        )
        async with self.begin(task.lease) as work:
            await store_request(work, request, request.unclear(_NOBODY_KNOWS, at=now), change)
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _fail(self, request: UpgradeRequest, reason: str, task: _Task, *, begin: BeginWork) -> None:
        """Store a clear no, of the cloud or of a rule."""
        now, rule = self.now(), self.rule_check.rule(request)
        event = SubmissionFailed(about=outbox.about(request), mention=(request.requester,), reason=reason)
        change = Change(
            audit="submission failed",
            at=now,
            facts={"answer": reason, "policy": rule_facts(rule)},
            repaint="failed",
            thread=(event,),
        )
        async with begin(task.lease) as work:
            await store_request(work, request, request.fail(reason, at=now), change)
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _vote_again(self, before: UpgradeRequest, after: UpgradeRequest, task: _Task) -> None:
        """Store that it needs votes again."""
        async with self.begin_judged(task.lease) as work:
            await store_request(work, before, after, self.revoting.voting_again(before, after))
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _expire(self, request: UpgradeRequest, task: _Task, *, begin: BeginWork) -> None:
        async with begin(task.lease) as work:
            await expire(work, request, at=self.now())
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _send_again_later(self, request: UpgradeRequest, why: AvisiError, task: _Task, *, seconds: float) -> None:
        """Store that the cloud does not have it, so that it is sent again later."""
        now, words = self.now(), why.words()
        back = replace(request.approve(at=now), outcome=words)
        change = Change(audit="submission postponed", at=now, facts={"answer": words}, repaint="waiting")
        async with self.begin(task.lease) as work:
            await store_request(work, request, back, change)
            await work.outbox.postpone(task.due.number, seconds=seconds, error=words)
            await work.commit()

    async def _hold(self, request: UpgradeRequest, error: AvisiError, task: _Task) -> None:
        """Wait for a cloud that cannot even be read; the deadline still applies."""
        if self.now() >= request.deadline:
            await self._expire(request, task, begin=self.begin)
            return
        async with self.begin(task.lease) as work:
            if request.outcome != error.words():
                change = Change(audit="", at=self.now(), repaint="waiting")
                await store_request(work, request, replace(request, outcome=error.words()), change)
            await work.outbox.postpone(task.due.number, seconds=task.pause, error=error.words())
            await work.commit()

    async def _finish(self, task: _Task) -> None:
        """End a task with which nothing has to be done."""
        async with self.begin(task.lease) as work:
            await work.outbox.done(task.due.number)
            await work.commit()

    async def _postpone(self, task: _Task, *, seconds: float, error: str) -> None:
        """Try the task again later."""
        async with self.begin(task.lease) as work:
            await work.outbox.postpone(task.due.number, seconds=seconds, error=error)
            await work.commit()


async def _is_open(work: UnitOfWork, request: UpgradeRequest) -> bool:
    """Whether the rollout of a request still hands it over; nobody can stop it before this transaction has ended."""
    rollout = await work.rollouts.hold(RolloutId(request.rollout or ""))
    one = rollout.find(request.cluster_identity)
    return rollout.state is RolloutState.RUNNING and one is not None and one.request == request.id


async def _give_back(work: UnitOfWork, request: UpgradeRequest, why: str, task: _Task, *, at: datetime) -> None:
    """End the request of a rollout without having sent it."""
    ended = replace(request.withdraw(by=request.requester, at=at), outcome=why)
    await store_request(work, request, ended, Change(audit="request withdrawn", at=at, facts={"reason": why}))
    await work.outbox.done(task.due.number)
