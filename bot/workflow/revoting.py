"""Starting a vote again, or asking for more votes, because the cluster, the people or the policy changed."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.events import RequestApproved, VotesVoided
from bot.domain.freeze import UpgradeFreeze
from bot.domain.request import State, UpgradeRequest
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import BeginWork, Clock, Lease
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, rule_facts, store_request


@dataclass(frozen=True, slots=True)
class Revoting:
    """Makes sure that votes count only for what they were given for."""

    begin: BeginWork
    catalog_cache: CatalogCache
    permissions: Permissions
    rule_check: RuleCheck
    words: Words
    now: Clock

    async def void_if_drifted(self, request: UpgradeRequest, lease: Lease | None = None) -> bool:
        """Void the votes when the cluster is not as it was; True when the request was changed. Raises Stale."""
        drift = self.rule_check.drift(request)
        if drift is None or not self.rule_check.can_go_on(request):
            return False
        needed = self.rule_check.rule(request).approvals_needed(override=request.override, emergency=request.emergency)
        voided = drift.void(request, at=self.now()).require(needed)
        async with self.begin(lease) as work:
            await store_request(work, request, voided, self.voting_again(request, voided))
            await work.commit()
        return True

    async def rejudge(self, request: UpgradeRequest, freezes: Collection[UpgradeFreeze]) -> None:
        """Check a waiting request against cluster, policy and freezes as they are now.

        Raises MembersUnavailable, Stale.

        Its card then shows what forbids it at the moment, so that nobody decides on what cannot go ahead.
        """
        if request.state is not State.PENDING_APPROVAL or not self.catalog_cache.holds(request.organisation):
            return
        if await self.void_if_drifted(request):
            return
        rule = self.rule_check.rule(request)
        needed = rule.approvals_needed(override=request.override, emergency=request.emergency)
        broken = await self.rule_check.request(request, freezes=freezes)
        judged = request.require(needed).block(self.words.advice(broken) if broken else None)
        if len(judged.votes) >= needed:
            judged = judged.keep_votes_of(await self.permissions.standing_voters(judged, rule))
        enough = len(judged.votes) >= needed and not broken
        if enough:
            judged = judged.approve(at=self.now())
        if judged == request:
            return
        change = Change(
            audit="votes judged again",
            at=self.now(),
            facts={
                "required": needed,
                "blocked": judged.blocked,
                "state": judged.state,
                "policy": rule_facts(rule),
            },
            repaint="rejudged",
            thread=(RequestApproved(about=outbox.about(judged)),) if enough else (),
            submit=enough,
        )
        async with self.begin() as work:
            await store_request(work, request, judged, change)
            await work.commit()

    def voting_again(self, before: UpgradeRequest, after: UpgradeRequest) -> Change:
        """Describe that votes no longer count, so that more are needed."""
        rule, voters = self.rule_check.rule(after), before.voters - after.voters
        mention = tuple(dict.fromkeys((*rule.notify, *sorted(voters))))
        event = VotesVoided(
            about=outbox.about(after),
            mention=mention,
            changes=after.changes,
            voters=tuple(sorted(voters)),
            required=after.required,
        )
        return Change(
            audit="votes voided",
            at=self.now(),
            facts={
                "changes": list(after.changes),
                "voters": sorted(voters),
                "seal": after.seal,
                "policy": rule_facts(rule),
            },
            repaint="voided",
            thread=(event,),
        )
