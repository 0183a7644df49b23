"""Starting a vote again, or asking for more votes, because the cluster, the people or the policy changed."""

from dataclasses import dataclass

from bot.domain.events import RequestApproved, VotesVoided
from bot.domain.people import MemberId
from bot.domain.request import State, UpgradeRequest
from bot.workflow import outbox
from bot.workflow.permissions import Permissions
from bot.workflow.ports import BeginWork, Lease, UnitOfWork
from bot.workflow.record import fact, rule_facts
from bot.workflow.rule_check import RuleCheck


@dataclass(frozen=True, slots=True)
class Revoting:
    """Keeps votes true to what they were given for."""

    begin: BeginWork
    permissions: Permissions
    rule_check: RuleCheck

    async def void_if_drifted(self, request: UpgradeRequest, lease: Lease | None = None) -> bool:
        """Void the votes when the cluster is not as it was; True when the request was changed. Raises Stale."""
        drift = self.rule_check.drift(request)
        if drift is None or not self.rule_check.can_go_on(request):
            return False
        needed = self.rule_check.rule(request).approvals_needed(override=request.override)
        voided = drift.void(request, at=self.rule_check.now()).require(needed)
        async with self.begin(lease) as work:
            await self.tell_voided(work, await work.requests.save(voided), voters=request.voters)
            await work.commit()
        return True

    async def rejudge(self, request: UpgradeRequest) -> None:
        """Hold a waiting request against cluster and policy as they are now; raises MembersUnavailable, Stale.

        What forbids it just now is said on its card, so that nobody decides on what cannot go ahead.
        """
        if request.state is not State.PENDING_APPROVAL or not self.rule_check.catalog_cache.holds(request.organisation):
            return
        if await self.void_if_drifted(request):
            return
        rule = self.rule_check.rule(request)
        needed = rule.approvals_needed(override=request.override)
        broken = await self.rule_check.broken_rule(request)
        judged = request.require(needed).block(broken)
        if len(judged.votes) >= needed:
            judged = judged.keep_votes_of(await self.permissions.standing_voters(judged, rule))
        enough = len(judged.votes) >= needed and not broken
        if enough:
            judged = judged.approve(at=self.rule_check.now())
        if judged == request:
            return
        async with self.begin() as work:
            stored = await work.requests.save(judged)
            facts: dict[str, object] = {
                "required": needed,
                "blocked": stored.blocked,
                "state": stored.state,
                "policy": rule_facts(rule),
            }
            await work.audit.append(fact(stored, "votes judged again", at=self.rule_check.now(), facts=facts))
            await work.outbox.put(outbox.repaint(stored, because="rejudged"))
            if enough:
                approved = RequestApproved(about=outbox.about(stored))
                await work.outbox.put(outbox.in_thread(stored, approved), outbox.submit(stored))
            await work.commit()

    async def tell_voided(self, work: UnitOfWork, stored: UpgradeRequest, *, voters: frozenset[MemberId]) -> None:
        """Have it told that the vote starts again; `stored` is the request as it was stored."""
        rule = self.rule_check.rule(stored)
        mention = tuple(dict.fromkeys((*rule.notify, *sorted(voters))))
        event = VotesVoided(
            about=outbox.about(stored),
            mention=mention,
            changes=stored.changes,
            voters=tuple(sorted(voters)),
            required=stored.required,
        )
        facts: dict[str, object] = {
            "changes": list(stored.changes),
            "voters": sorted(voters),
            "seal": stored.seal,
            "policy": rule_facts(rule),
        }
        await work.audit.append(fact(stored, "votes voided", at=self.rule_check.now(), facts=facts))
        await work.outbox.put(outbox.repaint(stored, because="voided"), outbox.in_thread(stored, event))
