"""Handing an approved request to Avisi Cloud, once: judged again, stored before it is sent, looked for when unclear."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.events import SubmissionFailed, SubmissionUnclear, UpgradeSubmitted
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import NOT_FOLLOWED, OPEN, Reading, ScheduledUpgrade, UpgradeIdentity
from bot.workflow import errands
from bot.workflow.deciding import expire
from bot.workflow.entitlement import Entitlement
from bot.workflow.entries import Due
from bot.workflow.errors import AvisiError, Declined, NoAnswer, NoList, Overloaded, Stale, Unclear, Waiting
from bot.workflow.judging import Judging
from bot.workflow.ports import AvisiCloud, BeginWork, Lease, Source, Submission, Work
from bot.workflow.record import fact, rule_facts
from bot.workflow.requesting import tell_replaced
from bot.workflow.revoting import Revoting
from bot.workflow.telling import Telling

_LOOKS_AFTER_SILENCE = (2.0, 8.0)
_LONGEST_PAUSE = 300.0
_WHOLE_SECOND = timedelta(seconds=1)
_UNKNOWN_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Submitting:
    """Carries out SUBMIT errands. `sleep` takes real seconds."""

    begin: BeginWork
    look: BeginWork
    cloud: AvisiCloud
    entitlement: Entitlement
    judging: Judging
    revoting: Revoting
    telling: Telling
    sleep: Callable[[float], Awaitable[None]]

    async def submit(self, due: Due, lease: Lease) -> None:
        """Carry out one errand under its lease; it stays due until the outcome is stored.

        Raises MembersUnavailable when the votes cannot be judged; nothing was sent then.
        """
        if due.errand.request_id is None:
            return
        async with self.look() as work:
            request = await work.requests.get(due.errand.request_id)
        try:
            if request.state is State.APPROVED:
                await self._judge_and_send(request, due, lease)
            elif request.state is State.SUBMITTING:
                await self._look_for(request, due, lease, after=_LOOKS_AFTER_SILENCE)
            else:
                await self._nothing_to_do(due, lease)
        except Stale:
            await self._again(due, lease, seconds=0.0, error="the request changed meanwhile")

    async def _judge_and_send(self, request: UpgradeRequest, due: Due, lease: Lease) -> None:
        if await self._turned_down(request, due, lease):
            return
        now = self.judging.now()
        left_out = not request.ignore_windows and request.start is not None and request.start <= now
        submission = Submission(
            cluster_identity=request.cluster_identity,
            version=request.to_version,
            start=None if left_out else request.start,
            ignore_windows=request.ignore_windows,
        )
        cloud_now = await self.cloud.clock()
        sending = request.submitting(at=now, start_left_out=left_out)
        sending = replace(sending, attempted_at=cloud_now - _WHOLE_SECOND if cloud_now else now - _UNKNOWN_SKEW)
        async with self.begin(lease) as work:
            stored = await work.requests.save(sending)
            facts = {
                "cluster_identity": submission.cluster_identity,
                "version": submission.version,
                "start": submission.start.isoformat() if submission.start else None,
                "ignore_windows": submission.ignore_windows,
                "attempt": stored.attempt,
                "seal": stored.seal,
                "policy": rule_facts(self.judging.rule(stored)),
            }
            await work.audit.append(fact(stored, "submission sent", at=now, facts=facts))
            await work.outbox.put(errands.repaint(stored, because="submitting"))
            await work.commit()
        await self._send(stored, submission, due, lease)

    async def _send(self, request: UpgradeRequest, submission: Submission, due: Due, lease: Lease) -> None:
        try:
            reading = await self.cloud.submit(request.organisation, submission)
        except Declined as declined:
            await self._fail(request, declined.words(), due, lease)
        except Waiting as waiting:
            pause = waiting.retry_after if isinstance(waiting, Overloaded) else None
            await self._wait(request, waiting, due, lease, seconds=pause or _pause(due.attempts))
        except NoAnswer:
            await self._look_for(request, due, lease, after=_LOOKS_AFTER_SILENCE)
        except Unclear:
            await self._look_for(request, due, lease, after=(0.0,))
        else:
            await self._confirm(request, reading, due, lease)

    async def _turned_down(self, request: UpgradeRequest, due: Due, lease: Lease) -> bool:
        """Judge everything again right before submission; True when it goes no further."""
        judging, rule = self.judging, self.judging.rule(request)
        now = judging.now()
        if now >= request.deadline:
            async with self.begin(lease) as work:
                await expire(work, request, judging)
                await work.outbox.done(due.number)
                await work.commit()
            return True
        needed = rule.approvals_needed(override=request.override)
        broken = await judging.broken_rule(request)
        requester = await self.entitlement.members.find(request.requester)
        if not (await self.entitlement.circle(rule.requesters)).includes(requester):
            broken = f"<@{request.requester}> may no longer request upgrades in {request.environment}."
        drift = judging.drift(request)
        if broken:
            await self._fail(request, broken, due, lease)
            return True
        if drift and needed == 0:
            asked_again = replace(request, from_version=drift[0], round=request.round + 1, changes=(drift[1],))
            await self._fail(asked_again, drift[1], due, lease)
            return True
        if drift:
            await self._back_to_the_vote(
                request, request.void(drift[1], at=now, from_version=drift[0]).require(needed), due, lease
            )
            return True
        standing = await self.entitlement.standing_voters(request, rule)
        if len(standing) >= needed:
            return False
        lost = request.voters - standing
        why = [f"<@{voter}> may no longer approve." for voter in sorted(lost)]
        why += [f"{needed} approvals are asked for now."] if needed > request.required else []
        again = request.keep_votes_of(standing).require(needed).ask_again(*why, at=now)
        await self._back_to_the_vote(request, again, due, lease)
        return True

    async def _back_to_the_vote(self, before: UpgradeRequest, again: UpgradeRequest, due: Due, lease: Lease) -> None:
        async with self.begin(lease) as work:
            stored = await work.requests.save(again)
            await self.revoting.tell_voided(work, stored, voters=before.voters - again.voters)
            await work.outbox.done(due.number)
            await work.commit()

    async def _fail(self, request: UpgradeRequest, reason: str, due: Due, lease: Lease) -> None:
        async with self.begin(lease) as work:
            failed = await work.requests.save(request.fail(reason, at=self.judging.now()))
            event = SubmissionFailed(about=errands.about(failed), mention=(failed.requester,), reason=reason)
            await work.audit.append(fact(failed, "submission failed", at=failed.state_since, facts={"answer": reason}))
            await work.outbox.put(
                errands.repaint(failed, because="failed"),
                errands.in_thread(failed, event),
                errands.to_requester(failed, event),
            )
            await work.outbox.done(due.number)
            await work.commit()

    async def _wait(
        self, request: UpgradeRequest, waiting: AvisiError, due: Due, lease: Lease, *, seconds: float
    ) -> None:
        """Nothing was sent, or the cloud does not have it: go back and send again later."""
        async with self.begin(lease) as work:
            back = replace(request.approve(at=self.judging.now()), outcome=waiting.words())
            stored = await work.requests.save(back)
            await work.audit.append(
                fact(stored, "submission postponed", at=stored.state_since, facts={"answer": waiting.words()})
            )
            await work.outbox.put(errands.repaint(stored, because="waiting"))
            await work.outbox.postpone(due.number, seconds=seconds, error=waiting.words())
            await work.commit()

    async def _look_for(self, request: UpgradeRequest, due: Due, lease: Lease, *, after: tuple[float, ...]) -> None:
        """Look whether the cloud has it; adopt it, send again, or ask an approver where nothing can be looked at."""
        try:
            for pause in after:
                await self.sleep(pause)
                if found := await self._found(request):
                    await self._confirm(request, found, due, lease)
                    return
        except NoList:
            await self._unclear(request, due, lease)
        except AvisiError as error:
            await self._again(due, lease, seconds=_pause(due.attempts), error=error.words())
        else:
            not_there = AvisiError("Avisi Cloud does not have it, so it is sent again.")
            await self._wait(request, not_there, due, lease, seconds=_pause(due.attempts))

    async def _found(self, request: UpgradeRequest) -> Reading | None:
        sent_start = None if request.start_left_out else request.start
        matches = [
            reading
            async for page in self.cloud.scheduled(request.organisation, clusters=[request.cluster_identity])
            for reading in page.readings
            if _is_ours(reading, request)
            and (reading.requested_start == (sent_start and sent_start.replace(microsecond=0)))
        ]
        matches.sort(key=lambda reading: (reading.status in OPEN, reading.created_at or reading.modified_at))
        return matches[-1] if matches else None

    async def _unclear(self, request: UpgradeRequest, due: Due, lease: Lease) -> None:
        reason = "Avisi Cloud gave no clear answer, and offers no list in which the bot could look."
        rule = self.judging.rule(request)
        async with self.begin(lease) as work:
            unclear = await work.requests.save(request.unclear(reason, at=self.judging.now()))
            event = SubmissionUnclear(about=errands.about(unclear), mention=rule.notify, reason=reason)
            await work.audit.append(
                fact(unclear, "submission unclear", at=unclear.state_since, facts={"answer": reason})
            )
            await work.outbox.put(
                errands.repaint(unclear, because="unclear"),
                errands.in_thread(unclear, event),
                errands.to_requester(unclear, event),
            )
            await work.outbox.done(due.number)
            await work.commit()

    async def _confirm(self, request: UpgradeRequest, reading: Reading, due: Due, lease: Lease) -> None:
        """Store what the cloud answered; older requests of the cluster give way now."""
        now = self.judging.now()
        identity = reading.identity or UpgradeIdentity(f"request:{request.id}")
        async with self.begin(lease) as work:
            feed = await work.feeds.get(request.organisation)
            known = await work.upgrades.find(request.organisation, identity)
            followed = feed.source is not Source.CLUSTERS
            submitted = await work.requests.save(request.submitted(upgrade=identity, window=reading.window, at=now))
            upgrade = _upgrade(submitted, reading, identity, known)
            if not followed and reading.window is None:
                upgrade = replace(upgrade, status=NOT_FOLLOWED)
            await self._replace_older(work, submitted)
            facts = {
                "identity": identity,
                "status": reading.status,
                "window_start": reading.window.start.isoformat() if reading.window else None,
                "window_end": reading.window.end.isoformat() if reading.window else None,
            }
            await work.audit.append(fact(submitted, "upgrade submitted", at=now, facts=facts))
            event = UpgradeSubmitted(
                about=errands.about(submitted),
                window=reading.window,
                start_left_out=submitted.start_left_out,
                followed=followed,
            )
            await work.outbox.put(
                errands.repaint(submitted, because="submitted"),
                errands.in_thread(submitted, event),
                errands.to_requester(submitted, event),
            )
            await self.telling.confirmed(work, upgrade, known, reading, submitted)
            await work.outbox.done(due.number)
            await work.commit()

    async def _replace_older(self, work: Work, newer: UpgradeRequest) -> None:
        older = await work.requests.of_cluster(newer.cluster_identity, State.SUBMITTED, State.SUBMISSION_UNCLEAR)
        for request in older:
            if request.id == newer.id:
                continue
            upgrade = await work.upgrades.find(request.organisation, request.upgrade) if request.upgrade else None
            if upgrade is not None and upgrade.is_final:
                continue
            replaced = await work.requests.save(request.replaced(by=newer.id, at=self.judging.now()))
            await tell_replaced(work, replaced, newer)

    async def _nothing_to_do(self, due: Due, lease: Lease) -> None:
        async with self.begin(lease) as work:
            await work.outbox.done(due.number)
            await work.commit()

    async def _again(self, due: Due, lease: Lease, *, seconds: float, error: str) -> None:
        async with self.begin(lease) as work:
            await work.outbox.postpone(due.number, seconds=seconds, error=error)
            await work.commit()


def _is_ours(reading: Reading, request: UpgradeRequest) -> bool:
    changed = max((moment for moment in (reading.created_at, reading.modified_at) if moment), default=None)
    return (
        reading.cluster_identity == request.cluster_identity
        and reading.to_version == request.to_version
        and reading.status != "SUPERSEDED"
        and reading.ignore_windows in {None, request.ignore_windows}
        and changed is not None
        and request.attempted_at is not None
        and changed >= request.attempted_at.replace(microsecond=0)
    )


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


def _pause(attempts: int) -> float:
    return float(min(_LONGEST_PAUSE, 2 << min(attempts, 10)))
