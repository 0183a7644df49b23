"""Handing an approved request to Avisi Cloud, once: judged again, stored before it is sent, looked for when unclear."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import OPEN, Reading
from bot.workflow.catalog_cache import remembered
from bot.workflow.errors import AvisiError, Declined, NoAnswer, NoList, Stale, Unclear, Waiting
from bot.workflow.outbox import DueMessage
from bot.workflow.outcomes import Outcomes, growing_pause
from bot.workflow.permissions import Permissions
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Lease, Submission
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, rule_facts, store_request

_LOOKS_AFTER_SILENCE = (2.0, 8.0)
_BEFORE_SECOND_READING = 2.0
_STALLED = 5.0
"""Seconds after which an attempt is not sent any more: another process may soon hold the lease, and send it too."""
_WHOLE_SECOND = timedelta(seconds=1)
_UNKNOWN_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Submitting:
    """Carries out SUBMIT errands. `sleep` takes real seconds, `seconds` counts them.

    `outcomes` stores what came of asking the cloud, `verdicts` what came of judging.
    """

    begin: BeginWork
    read: BeginReading
    cloud: AvisiCloud
    permissions: Permissions
    rule_check: RuleCheck
    outcomes: Outcomes
    verdicts: Outcomes
    sleep: Callable[[float], Awaitable[None]]
    seconds: Callable[[], float] = time.monotonic

    async def submit(self, due: DueMessage, lease: Lease) -> None:
        """Carry out one errand under its lease; it stays due until the outcome is stored.

        Raises MembersUnavailable when the votes cannot be judged; nothing was sent then.
        """
        if due.outgoing.request_id is None:
            await self.outcomes.nothing_to_do(due, lease)
            return
        async with self.read() as work:
            request = await work.requests.get(due.outgoing.request_id)
        try:
            if request.state is State.APPROVED:
                await self._judge_and_send(request, due, lease)
            elif request.state is State.SUBMITTING:
                await self._look_for(request, due, lease, after=_LOOKS_AFTER_SILENCE)
            else:
                await self.outcomes.nothing_to_do(due, lease)
        except Stale:
            await self.outcomes.again(due, lease, seconds=0.0, error="the request changed meanwhile")

    async def _judge_and_send(self, request: UpgradeRequest, due: DueMessage, lease: Lease) -> None:
        try:
            await self._read_cluster(request)
        except AvisiError as error:
            await self.outcomes.hold(request, error, due, lease)
            return
        if await self._turned_down(request, due, lease):
            return
        now = self.rule_check.now()
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
        sending = replace(sending, attempted_at=cloud_now - _WHOLE_SECOND if cloud_now else now - _UNKNOWN_SKEW)
        facts = {
            "cluster_identity": submission.cluster_identity,
            "version": submission.version,
            "start": submission.start.isoformat() if submission.start else None,
            "ignore_windows": submission.ignore_windows,
            "attempt": sending.attempt,
            "seal": sending.seal,
            "policy": rule_facts(self.rule_check.rule(sending)),
        }
        change = Change(audit="submission sent", at=now, facts=facts, repaint="submitting")
        async with self.begin(lease) as work:
            stored = await store_request(work, request, sending, change)
            await work.commit()
        if self.seconds() - began > _STALLED:
            held_up = AvisiError("The bot was held up before it could send it.")
            await self.outcomes.wait(stored, held_up, due, lease, seconds=growing_pause(due.attempts))
            return
        await self._send(stored, submission, due, lease)

    async def _read_cluster(self, request: UpgradeRequest) -> None:
        """Read the cluster and the versions on offer as they are now, also a cluster that the catalog does not list.

        That the cluster is gone, or the version not on offer any more, counts only when it is read twice.
        """
        catalog_cache = self.rule_check.catalog_cache
        await catalog_cache.renew()
        found = catalog_cache.find(request.cluster_identity)
        if found is None and not catalog_cache.holds(request.organisation):
            return
        known = found[1] if found else remembered(request)
        current, versions = await self.cloud.current(known)
        if current is None or request.to_version not in versions:
            await self.sleep(_BEFORE_SECOND_READING)
            current, versions = await self.cloud.current(known)
        catalog_cache.correct(known, current, versions)

    async def _send(self, request: UpgradeRequest, submission: Submission, due: DueMessage, lease: Lease) -> None:
        try:
            reading = await self.cloud.submit(request.organisation, submission)
        except Declined as declined:
            await self.outcomes.fail(request, declined.words(), due, lease)
        except Waiting as waiting:
            pause = waiting.retry_after or growing_pause(due.attempts)
            await self.outcomes.wait(request, waiting, due, lease, seconds=pause)
        except NoAnswer:
            await self._look_for(request, due, lease, after=_LOOKS_AFTER_SILENCE)
        except Unclear as unclear:
            await self._look_for(request, due, lease, after=(0.0,), wait=unclear.retry_after)
        else:
            await self.outcomes.confirm(request, reading, due, lease)

    async def _turned_down(self, request: UpgradeRequest, due: DueMessage, lease: Lease) -> bool:
        """Judge everything again right before submission; True when it goes no further."""
        rule_check, rule = self.rule_check, self.rule_check.rule(request)
        now = rule_check.now()
        if now >= request.deadline:
            await self.verdicts.expire(request, due, lease)
            return True
        needed = rule.approvals_needed(override=request.override)
        drift = rule_check.drift(request) if rule_check.can_go_on(request) else None
        if drift and needed > 0:
            voided = drift.void(request, at=now).require(needed)
            await self.verdicts.back_to_the_vote(request, voided, due, lease)
            return True
        broken = await rule_check.broken_rule(request)
        requester = await self.permissions.members.find(request.requester)
        if not (await self.permissions.people(rule.requesters)).includes(requester):
            broken = f"<@{request.requester}> may no longer request upgrades in {request.environment}."
        if drift:
            request = request.follow(drift.cluster, *drift.changes, estimate=drift.estimate)
            broken = broken or " ".join(drift.changes)
        if broken:
            await self.verdicts.fail(request, broken, due, lease)
            return True
        standing = await self.permissions.standing_voters(request, rule)
        if len(standing) >= needed:
            return False
        lost = request.voters - standing
        why = [f"<@{voter}> may no longer approve." for voter in sorted(lost)]
        why += [f"{needed} approvals are asked for now."] if needed > request.required else []
        again = request.keep_votes_of(standing).require(needed).ask_again(*why, at=now)
        await self.verdicts.back_to_the_vote(request, again, due, lease)
        return True

    async def _look_for(
        self,
        request: UpgradeRequest,
        due: DueMessage,
        lease: Lease,
        *,
        after: tuple[float, ...],
        wait: float | None = None,
    ) -> None:
        """Look whether the cloud has it; adopt it, send again, or ask an approver where nothing can be looked at.

        `wait` is how many seconds the cloud asked to be left alone.
        """
        try:
            for pause in after:
                await self.sleep(pause)
                if found := await self._found(request):
                    await self.outcomes.confirm(request, found, due, lease)
                    return
        except NoList:
            await self.outcomes.unclear(request, due, lease)
        except AvisiError as error:
            await self.outcomes.again(due, lease, seconds=growing_pause(due.attempts), error=error.words())
        else:
            not_there = AvisiError("Avisi Cloud does not have it, so it is sent again.")
            pause = max(wait or 0.0, growing_pause(due.attempts))
            await self.outcomes.wait(request, not_there, due, lease, seconds=pause)

    async def _found(self, request: UpgradeRequest) -> Reading | None:
        sent_start = None if request.start_left_out else request.start
        matches = [
            reading
            async for page in self.cloud.scheduled(request.organisation, clusters=[request.cluster_identity])
            for reading in page.readings
            if _is_ours(reading, request) and _starts(reading, sent_start)
        ]
        matches.sort(key=lambda reading: (reading.status in OPEN, reading.created_at or reading.modified_at))
        return matches[-1] if matches else None


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


def _starts(reading: Reading, sent: datetime | None) -> bool:
    """Whether it has the date we sent; where we sent none, the cloud may have filled in the moment it took it."""
    asked, taken = reading.requested_start, reading.created_at or reading.modified_at
    if asked is None or (sent is None and taken is not None and asked <= taken + _UNKNOWN_SKEW):
        return True
    return sent is not None and asked.replace(microsecond=0) == sent.replace(microsecond=0)
