"""What became of a submission: each outcome stored in one transaction with what is to be told of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.events import SubmissionFailed, SubmissionUnclear, UpgradeSubmitted
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import NAMELESS, NOT_FOLLOWED, NOT_REPORTED, Reading, ScheduledUpgrade, UpgradeIdentity
from bot.workflow import outbox
from bot.workflow.announcing import Announcing
from bot.workflow.errors import AvisiError, Stale
from bot.workflow.outbox import DueMessage
from bot.workflow.ports import BeginWork, Lease, UnitOfWork
from bot.workflow.repositories import Source
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, expire, replace_request, rule_facts, store_request

_LONGEST_PAUSE = 60.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Each strikes the errand off, or puts it back, under its lease; raises Stale and LeaseLost."""

    begin: BeginWork
    rule_check: RuleCheck
    revoting: Revoting
    announcing: Announcing

    async def confirm(self, request: UpgradeRequest, reading: Reading, due: DueMessage, lease: Lease) -> None:
        """Store what the cloud answered; older requests of the cluster give way now."""
        for _ in range(_TRIES):
            try:
                await self._confirm(request, reading, due, lease)
            except Stale:
                continue  # a poll stored the same record, or an older request changed: the answer stands all the same
            return
        await self._confirm(request, reading, due, lease)

    async def _confirm(self, request: UpgradeRequest, reading: Reading, due: DueMessage, lease: Lease) -> None:
        identity = reading.identity or UpgradeIdentity(f"{NAMELESS}{request.id}")
        async with self.begin(lease) as work:
            feed = await work.feeds.get(request.organisation)
            known = await work.upgrades.find(request.organisation, identity)
            upgrade = _upgrade(request, reading, identity, known)
            await take_over(work, request, upgrade, reading, announcing=self.announcing, source=feed.source)
            await work.outbox.done(due.number)
            await work.commit()

    async def unclear(self, request: UpgradeRequest, due: DueMessage, lease: Lease) -> None:
        """Store that nobody can tell, and ask the approvers."""
        reason = "Avisi Cloud gave no clear answer, and offers no list in which the bot could look."
        now, rule = self.rule_check.now(), self.rule_check.rule(request)
        event = SubmissionUnclear(about=outbox.about(request), mention=rule.notify, reason=reason)
        change = Change(
            audit="submission unclear",
            at=now,
            facts={"answer": reason},
            repaint="unclear",
            thread=(event,),
            direct=event,
        )
        async with self.begin(lease) as work:
            await store_request(work, request, request.unclear(reason, at=now), change)
            await work.outbox.done(due.number)
            await work.commit()

    async def fail(self, request: UpgradeRequest, reason: str, due: DueMessage, lease: Lease) -> None:
        """Store a clear no, of the cloud or of a rule."""
        now, rule = self.rule_check.now(), self.rule_check.rule(request)
        event = SubmissionFailed(about=outbox.about(request), mention=(request.requester,), reason=reason)
        change = Change(
            audit="submission failed",
            at=now,
            facts={"answer": reason, "policy": rule_facts(rule)},
            repaint="failed",
            thread=(event,),
            direct=event,
        )
        async with self.begin(lease) as work:
            await store_request(work, request, request.fail(reason, at=now), change)
            await work.outbox.done(due.number)
            await work.commit()

    async def wait(
        self, request: UpgradeRequest, waiting: AvisiError, due: DueMessage, lease: Lease, *, seconds: float
    ) -> None:
        """Nothing was sent, or the cloud does not have it: go back and send again later."""
        now = self.rule_check.now()
        back = replace(request.approve(at=now), outcome=waiting.words())
        change = Change(audit="submission postponed", at=now, facts={"answer": waiting.words()}, repaint="waiting")
        async with self.begin(lease) as work:
            await store_request(work, request, back, change)
            await work.outbox.postpone(due.number, seconds=seconds, error=waiting.words())
            await work.commit()

    async def hold(self, request: UpgradeRequest, error: AvisiError, due: DueMessage, lease: Lease) -> None:
        """Wait for a cloud that cannot even be asked; the deadline still holds."""
        if self.rule_check.now() >= request.deadline:
            await self.expire(request, due, lease)
            return
        async with self.begin(lease) as work:
            if request.outcome != error.words():
                change = Change(audit="", at=self.rule_check.now(), repaint="waiting")
                await store_request(work, request, replace(request, outcome=error.words()), change)
            await work.outbox.postpone(due.number, seconds=growing_pause(due.attempts), error=error.words())
            await work.commit()

    async def back_to_the_vote(
        self, before: UpgradeRequest, again: UpgradeRequest, due: DueMessage, lease: Lease
    ) -> None:
        """Store that it needs votes again; `before` is the request as it was approved."""
        async with self.begin(lease) as work:
            await store_request(work, before, again, self.revoting.voting_again(before, again))
            await work.outbox.done(due.number)
            await work.commit()

    async def expire(self, request: UpgradeRequest, due: DueMessage, lease: Lease) -> None:
        """Store that its deadline passed."""
        async with self.begin(lease) as work:
            await expire(work, request, at=self.rule_check.now())
            await work.outbox.done(due.number)
            await work.commit()

    async def nothing_to_do(self, due: DueMessage, lease: Lease) -> None:
        """Strike the errand off."""
        async with self.begin(lease) as work:
            await work.outbox.done(due.number)
            await work.commit()

    async def again(self, due: DueMessage, lease: Lease, *, seconds: float, error: str) -> None:
        """Put the errand back for later."""
        async with self.begin(lease) as work:
            await work.outbox.postpone(due.number, seconds=seconds, error=error)
            await work.commit()


async def take_over(
    work: UnitOfWork,
    request: UpgradeRequest,
    upgrade: ScheduledUpgrade,
    reading: Reading,
    *,
    announcing: Announcing,
    source: Source | None,
) -> None:
    """Store that the cloud has a request, as this reading showed it, and have it told; raises Stale.

    Older requests of the cluster give way now. `source` is where statuses come from.
    """
    now, followed = announcing.now(), source is not Source.CLUSTERS
    known = await work.upgrades.find(upgrade.organisation, upgrade.identity)
    submitted = request.submitted(upgrade=upgrade.identity, window=reading.window, at=now)
    if not followed and reading.window is None:
        upgrade = replace(upgrade, status=NOT_FOLLOWED)
    await _replace_older(work, submitted, at=now, source=source)
    facts = {
        "identity": upgrade.identity,
        "status": reading.status,
        "window_start": reading.window.start.isoformat() if reading.window else None,
        "window_end": reading.window.end.isoformat() if reading.window else None,
    }
    event = UpgradeSubmitted(
        about=outbox.about(submitted),
        window=reading.window,
        start_left_out=submitted.start_left_out,
        followed=followed,
    )
    change = Change(audit="upgrade submitted", at=now, facts=facts, repaint="submitted", thread=(event,), direct=event)
    stored = await store_request(work, request, submitted, change)
    await announcing.confirmed(work, replace(upgrade, status_since=now), known, stored)


async def _replace_older(work: UnitOfWork, newer: UpgradeRequest, *, at: datetime, source: Source | None) -> None:
    older = await work.requests.of_cluster(newer.cluster_identity, State.SUBMITTED, State.SUBMISSION_UNCLEAR)
    for request in older:
        if request.id == newer.id:
            continue
        upgrade = await work.upgrades.find(request.organisation, request.upgrade) if request.upgrade else None
        if upgrade is not None and upgrade.is_final and upgrade.status != NOT_REPORTED:
            continue
        unreported = source is Source.CLUSTERS or (upgrade is not None and upgrade.is_nameless)
        if upgrade is not None and upgrade.identity != newer.upgrade and unreported:
            # nobody else will say so: no countdown and no outcome may come of what was rescheduled
            await work.upgrades.save(replace(upgrade, status="SUPERSEDED", status_since=at))
        await replace_request(work, request, by=newer, at=at)


def _upgrade(
    request: UpgradeRequest, reading: Reading, identity: UpgradeIdentity, known: ScheduledUpgrade | None
) -> ScheduledUpgrade:
    return ScheduledUpgrade(
        organisation=request.organisation,
        identity=identity,
        cluster_identity=request.cluster_identity,
        environment=request.environment,
        cluster=request.cluster,
        from_version=reading.from_version or request.from_version,
        to_version=reading.to_version or request.to_version,
        status=reading.status or "REQUESTED",
        status_since=request.state_since,
        window=reading.window,
        reason=reading.reason,
        moves=known.moves if known else 0,
        request_id=request.id,
        modified_at=reading.modified_at,
        revision=known.revision if known else 0,
    )


def growing_pause(attempts: int) -> float:
    """Return how many seconds to wait after so many attempts."""
    return float(min(_LONGEST_PAUSE, 2 << min(attempts, 10)))
