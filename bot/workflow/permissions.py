"""Who may do what, looked up now: the people whom a rule names, and refusals that say who could."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.domain.errors import NotAnApprover, NotEntitled, NotTheRequester, OwnRequest, RuleBroken
from bot.domain.findings import (
    Able,
    Action,
    EmergencyNeedsAnother,
    EmergencyOnlyByApprover,
    Finding,
    MayNotFreeze,
    MayNotRequest,
    MayNotUseBot,
    NobodyNow,
    OnlyApprovers,
    OnlyRequester,
    OnlyRequesterOrApprovers,
    OwnUpgrade,
    Reason,
)
from bot.domain.people import EVERYONE, AccountType, Member, MemberId, PeopleSet
from bot.domain.policy import Rule, other_eyes
from bot.domain.request import State, UpgradeRequest
from bot.workflow.inbox import Press
from bot.workflow.ports import Members

WHO_IS_IT = "Slack has not confirmed yet who you are, please try again in a moment."
"""Said while nobody can tell who somebody is, to all but those seen as full members within the last hour."""
_FEW = 10
"""So many people at most are looked up to leave out those who cannot act now."""
_APPROVERS_MAY = {
    State.PENDING_APPROVAL: Action.DECIDE,
    State.APPROVED: Action.REJECT,
    State.SUBMISSION_FAILED: Action.REJECT,
    State.SUBMISSION_UNCLEAR: Action.DECIDE,
}
"""What approvers may do with a request in a state; in others nothing."""


class Words(Protocol):
    """Puts findings into words, for sentences that are stored; people read them in card, thread and audit trail."""

    def sentence(self, finding: Finding, /) -> str:
        """Say what was found."""

    def advice(self, finding: Finding, /) -> str:
        """Say what was found, and what whoever fills in the form can do about it."""

    def refusal(self, *why: Reason) -> str:
        """Say why somebody is refused, and who could do it or what to do instead."""


def who_is_it(members: Members) -> str:
    """Return what is said to somebody of whom nobody can tell who it is: to try again, if that may help."""
    return f"{members.refusal} Please try again after that." if members.refusal else WHO_IS_IT


@dataclass(frozen=True, slots=True)
class Permissions:
    """Answers who may request and decide. Everything here raises MembersUnavailable when Slack cannot be asked."""

    members: Members

    async def somebody(self, member_id: MemberId) -> Member:
        """Return the person; raises NotEntitled unless a full member."""
        member = await self.members.find(member_id)
        if not member.counts:
            raise NotEntitled(MayNotUseBot(account_type=member.account_type))
        return member

    async def presser(self, member_id: MemberId, press: Press, rule: Rule, request: UpgradeRequest) -> Member:
        """Return who pressed a button; raises NotEntitled unless a full member.

        A guest is told who could instead. Nobody from outside the workspace learns any name.
        """
        member = await self.members.find(member_id)
        if member.counts:
            return member
        why = MayNotUseBot(account_type=member.account_type)
        if member.account_type is AccountType.GUEST:
            why = replace(why, instead=await self._instead(press, rule, request))
        raise NotEntitled(why)

    async def _instead(
        self, press: Press, rule: Rule, request: UpgradeRequest
    ) -> Able | NobodyNow | OnlyRequester | OnlyRequesterOrApprovers:
        match press:
            case Press.WITHDRAW:
                return OnlyRequester(requester=request.requester)
            case Press.TRY_AGAIN:
                return await self._who_may_retry(rule, request)
            case Press.RESCHEDULE | Press.ASK_AGAIN:
                return await self._able(await self.people(rule.requesters), Action.REQUEST)
            case _:
                return await self._others(await self.approvers_of(rule), rule, request)

    def recently_full(self, member_id: MemberId) -> Member | None:
        """Return a person who was seen as a full member within the last hour, else None; asks nobody."""
        return self.members.recently_full(member_id)

    def is_barred(self, member: MemberId, rule: Rule) -> bool:
        """Whether the rule forbids a person to request, as far as the answers at hand tell; asks nobody."""
        if EVERYONE in rule.requesters or member in rule.requesters:
            return False
        groups = [self.members.group_at_hand(one) for one in rule.requesters if one.startswith("S")]
        return all(group is not None and member not in group for group in groups)

    async def people(self, ids: Iterable[str]) -> PeopleSet:
        """Resolve the IDs of a rule to people; a group that Slack does not know holds nobody."""
        named: set[MemberId] = set()
        everyone = False
        for one in ids:
            if one == EVERYONE:
                everyone = True
            elif one.startswith("S"):
                named |= await self.members.group(one) or frozenset()
            else:
                named.add(MemberId(one))
        return PeopleSet(everyone=everyone, members=frozenset(named))

    async def may_request(self, member: MemberId, rule: Rule) -> bool:
        """Whether the rule lets this person request upgrades."""
        found = await self.members.find(member)
        return (await self.people(rule.requesters)).includes(found)

    async def may_approve(self, member: MemberId, rule: Rule) -> bool:
        """Whether the rule names this person as an approver; their own requests are another matter."""
        found = await self.members.find(member)
        return (await self.approvers_of(rule)).includes(found)

    async def approvers_of(self, rule: Rule) -> PeopleSet:
        """Return who may approve, with user groups resolved to their members."""
        return await self.people(rule.approvers)

    async def may_not_freeze(self, member: Member, rule: Rule) -> MayNotFreeze | None:
        """Return why this person may not freeze the environment or lift a freeze of it, None when they may.

        Approvers and on-call may; where neither is named, whoever may request.
        """
        people = await self.people((*rule.approvers, *rule.on_call) or rule.requesters)
        if people.includes(member):
            return None
        return MayNotFreeze(environment=rule.environment, able=await self._able(people, Action.FREEZE))

    async def check_may_request(self, member: Member, rule: Rule) -> None:
        """Raise NotEntitled unless the rule lets this person request upgrades."""
        people = await self.people(rule.requesters)
        if not people.includes(member):
            able = await self._able(people, Action.REQUEST_THERE)
            raise NotEntitled(MayNotRequest(environment=rule.environment, able=able))

    async def check_may_decide(self, member: Member, rule: Rule, request: UpgradeRequest) -> None:
        """Raise NotAnApprover or OwnRequest unless this person may decide on the request."""
        people = await self.approvers_of(rule)
        if not people.includes(member):
            others = await self._others(people, rule, request)
            raise NotAnApprover(OnlyApprovers(environment=rule.environment, able=others))
        if member.id == request.requester and not rule.self_approval:
            others = await self._others(people, rule, request)
            raise OwnRequest(OwnUpgrade(able=others))

    async def check_may_retry(self, member: Member, rule: Rule, request: UpgradeRequest) -> None:
        """Raise NotAnApprover unless this is the requester or an approver."""
        if member.id == request.requester:
            return
        if not (await self.approvers_of(rule)).includes(member):
            raise NotAnApprover(await self._who_may_retry(rule, request))

    async def check_emergency(self, member: Member, rule: Rule) -> None:
        """Raise RuleBroken unless this person may request an emergency there: an approver, beside another one."""
        if not (await self.approvers_of(rule)).includes(member):
            raise RuleBroken(EmergencyOnlyByApprover(member=member.id, environment=rule.environment))
        if await self.enough_approvers(other_eyes(rule), requester=member.id, needed=1) is not None:
            raise RuleBroken(EmergencyNeedsAnother(environment=rule.environment))

    async def check_may_acknowledge(self, member: Member, rule: Rule, request: UpgradeRequest) -> None:
        """Raise NotAnApprover or OwnRequest unless this is another approver than the requester."""
        people = await self.approvers_of(rule)
        others = PeopleSet(everyone=people.everyone, members=people.members - {request.requester})
        if not people.includes(member):
            able = await self._able(others, Action.ACKNOWLEDGE)
            raise NotAnApprover(OnlyApprovers(environment=rule.environment, able=able))
        if member.id == request.requester:
            raise OwnRequest(OwnUpgrade(able=await self._able(others, Action.ACKNOWLEDGE)))

    def check_requester(self, member: Member, request: UpgradeRequest) -> None:
        """Raise NotTheRequester unless this is the requester."""
        if member.id != request.requester:
            raise NotTheRequester(OnlyRequester(requester=request.requester))

    async def standing_voters(self, request: UpgradeRequest, rule: Rule) -> frozenset[MemberId]:
        """Return those whose approvals still count."""
        people = await self.approvers_of(rule)
        return frozenset(
            [
                voter
                for voter in request.voters
                if (voter != request.requester or rule.self_approval)
                and people.includes(await self.members.find(voter))
            ]
        )

    async def enough_approvers(self, rule: Rule, *, requester: MemberId, needed: int) -> int | None:
        """Return None when that many people may decide, else how many may."""
        people = await self.approvers_of(rule)
        if people.everyone or needed == 0:
            return None
        found = 0
        for candidate in sorted(people.members):
            if candidate == requester and not rule.self_approval:
                continue
            found += people.includes(await self.members.find(candidate))
            if found >= needed:
                return None
        return found

    async def _others(self, people: PeopleSet, rule: Rule, request: UpgradeRequest) -> Able | NobodyNow:
        action = _APPROVERS_MAY.get(request.state)
        if action is None:
            return NobodyNow(state=request.state)
        pending = request.state is State.PENDING_APPROVAL
        undecided = people.members - (request.voters if pending else frozenset())
        if not rule.self_approval:
            undecided -= {request.requester}
        return await self._able(PeopleSet(everyone=people.everyone, members=undecided), action)

    async def _who_may_retry(self, rule: Rule, request: UpgradeRequest) -> OnlyRequesterOrApprovers:
        able = await self._able(await self.approvers_of(rule), Action.TRY_AGAIN)
        return OnlyRequesterOrApprovers(requester=request.requester, environment=rule.environment, able=able)

    async def _able(self, people: PeopleSet, action: Action) -> Able:
        """Return who can do it; a short list leaves out those who cannot act now."""
        able = sorted(people.members)
        if not people.everyone and len(able) <= _FEW:
            able = [one for one in able if (await self.members.find(one)).counts]
        return Able(action=action, everyone=people.everyone, members=tuple(able))
