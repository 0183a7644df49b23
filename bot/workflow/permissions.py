"""Who may do what, looked up now: the people whom a rule names, and refusals that say who could."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.errors import NotAnApprover, NotEntitled, NotTheRequester, OwnRequest
from bot.domain.people import EVERYONE, AccountType, Member, MemberId, PeopleSet
from bot.domain.policy import Rule
from bot.domain.request import State, UpgradeRequest
from bot.workflow.inbox import Press
from bot.workflow.ports import Members

WHO_IS_IT = "Slack has not confirmed yet who you are, please try again in a moment."
"""Said while nobody can tell who somebody is, to all but those seen as full members within the last hour."""
_NAMED = 10
_UNDECIDED = frozenset({State.PENDING_APPROVAL, State.SUBMISSION_UNCLEAR})
_WHY_NOT = {
    AccountType.GUEST: "Guests cannot use this bot.",
    AccountType.OUTSIDER: "Only members of the workspace that installed this bot can use it.",
    AccountType.BOT: "Bots cannot use this bot.",
    AccountType.DEACTIVATED: "This account is deactivated.",
    AccountType.UNKNOWN: "Slack does not know this account.",
}


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
            raise NotEntitled(_WHY_NOT[member.account_type])
        return member

    async def presser(self, member_id: MemberId, press: Press, rule: Rule, request: UpgradeRequest) -> Member:
        """Return who pressed a button; raises NotEntitled unless a full member.

        A guest is told who could instead. Nobody from outside the workspace learns any name.
        """
        member = await self.members.find(member_id)
        if member.counts:
            return member
        refusal = _WHY_NOT[member.account_type]
        if member.account_type is not AccountType.GUEST:
            raise NotEntitled(refusal)
        match press:
            case Press.WITHDRAW:
                could = f"Only the requester, <@{request.requester}>, may withdraw this request."
            case Press.TRY_AGAIN:
                could = await self._who_may_retry(rule, request)
            case Press.RESCHEDULE:
                could = await self._could(await self.people(rule.requesters), "request upgrades")
            case _:
                could = await self._others(await self.approvers_of(rule), rule, request)
        raise NotEntitled(f"{refusal} {could}")

    def recently_full(self, member_id: MemberId) -> Member | None:
        """Return a person who was seen as a full member within the last hour, else None; asks nobody."""
        return self.members.recently_full(member_id)

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

    async def check_may_request(self, member: Member, rule: Rule) -> None:
        """Raise NotEntitled unless the rule lets this person request upgrades."""
        people = await self.people(rule.requesters)
        if not people.includes(member):
            could = await self._could(people, "request them")
            raise NotEntitled(f"You may not request upgrades in {rule.environment}. {could}")

    async def check_may_decide(self, member: Member, rule: Rule, request: UpgradeRequest) -> None:
        """Raise NotAnApprover or OwnRequest unless this person may decide on the request."""
        people = await self.approvers_of(rule)
        if not people.includes(member):
            others = await self._others(people, rule, request)
            raise NotAnApprover(f"Only approvers of {rule.environment} may do this. {others}")
        if member.id == request.requester and not rule.self_approval:
            others = await self._others(people, rule, request)
            raise OwnRequest(f"You asked for this upgrade, so somebody else has to decide. {others}")

    async def check_may_retry(self, member: Member, rule: Rule, request: UpgradeRequest) -> None:
        """Raise NotAnApprover unless this is the requester or an approver."""
        if member.id == request.requester:
            return
        if not (await self.approvers_of(rule)).includes(member):
            raise NotAnApprover(await self._who_may_retry(rule, request))

    def check_requester(self, member: Member, request: UpgradeRequest) -> None:
        """Raise NotTheRequester unless this is the requester."""
        if member.id != request.requester:
            raise NotTheRequester(f"Only the requester, <@{request.requester}>, may withdraw this request.")

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

    async def _others(self, people: PeopleSet, rule: Rule, request: UpgradeRequest) -> str:
        if request.state not in _UNDECIDED:
            return f"It {request.state.standing}."
        pending = request.state is State.PENDING_APPROVAL
        undecided = people.members - (request.voters if pending else frozenset())
        what = "decide now" if pending else "submit it again"
        if not rule.self_approval:
            undecided -= {request.requester}
        return await self._could(PeopleSet(everyone=people.everyone, members=undecided), what)

    async def _who_may_retry(self, rule: Rule, request: UpgradeRequest) -> str:
        could = await self._could(await self.approvers_of(rule), "do it")
        return f"Only the requester, <@{request.requester}>, or an approver of {rule.environment} may do this. {could}"

    async def _could(self, people: PeopleSet, what: str) -> str:
        """Say who can do it; a short list leaves out those who cannot act now."""
        if people.everyone:
            return f"Any other full member can {what}."
        able = sorted(people.members)
        if len(able) <= _NAMED:
            able = [one for one in able if (await self.members.find(one)).counts]
        if not able:
            return f"Nobody else can {what}."
        named = [f"<@{one}>" for one in able[:_NAMED]]
        more = len(able) - len(named)
        return f"These people can {what}: {', '.join(named)}{f' and {more} more' if more else ''}."
