"""The verbs of a card: what each press comes to when it is allowed. Judged live; nothing is stored here."""

from dataclasses import dataclass

from bot.domain.errors import Refused, WrongState
from bot.domain.events import AnyEvent, RequestApproved, RequestRejected, RequestWithdrawn, VoteCast
from bot.domain.people import Member
from bot.domain.request import PERISHABLE, Seal, State, UpgradeRequest
from bot.domain.scheduled import DONE
from bot.workflow import outbox
from bot.workflow.inbox import Press
from bot.workflow.permissions import Permissions
from bot.workflow.ports import BeginReading
from bot.workflow.replacing import find_competing
from bot.workflow.rule_check import RuleCheck

_WITHDRAWABLE = (
    State.PENDING_APPROVAL,
    State.APPROVED,
    State.SUBMISSION_FAILED,
    State.SUBMISSION_UNCLEAR,
)
_RESCHEDULABLE = (*_WITHDRAWABLE, State.SUBMITTED)


class Late(Refused):
    """The deadline has passed and nobody has noted it yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a press comes to: the request as it is to be stored, what is told of it, and the private answer.

    `supersedes` is the version of another scheduled upgrade of the cluster, whose place it takes.
    """

    request: UpgradeRequest
    kind: str
    event: AnyEvent
    answer: str
    tell_requester: bool = False
    submit: bool = False
    supersedes: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Each raises Refused when the person may not, or the request cannot; MembersUnavailable when nobody can tell."""

    read: BeginReading
    permissions: Permissions
    rule_check: RuleCheck

    async def check_may_open(self, press: Press, request: UpgradeRequest, member: Member, seal: Seal) -> None:
        """Raise Refused unless this press may open its modal."""
        if press is Press.REJECT:
            await self._check_rejectable(request, member, seal)
        elif press is Press.RESCHEDULE:
            await self.permissions.check_may_request(member, self.rule_check.rule(request))
            self._not_late(request)
            request.check_state(*_RESCHEDULABLE)
            await self._check_not_running(request)

    async def reject(self, request: UpgradeRequest, member: Member, *, seal: Seal, reason: str) -> Decision:
        """End the request by an approver's no."""
        await self._check_rejectable(request, member, seal)
        rejected = request.reject(by=member.id, reason=reason, at=self.rule_check.now())
        return Decision(
            request=rejected,
            kind="request rejected",
            event=RequestRejected(about=outbox.about(request), by=member.id, reason=rejected.outcome),
            answer="You rejected this request.",
            tell_requester=True,
        )

    async def approve(self, request: UpgradeRequest, member: Member) -> Decision:
        """Count an approval; the last one needed has it submitted."""
        rule, now = self.rule_check.rule(request), self.rule_check.now()
        await self._may_decide(request, member)
        self._not_late(request)
        request.check_state(State.PENDING_APPROVAL)
        await self.rule_check.check(request)
        voted = request.cast(by=member.id, at=now).require(rule.approvals_needed(override=request.override))
        voted = voted.keep_votes_of(await self.permissions.standing_voters(voted, rule))
        count, about = len(voted.votes), outbox.about(request)
        cast = VoteCast(about=about, by=member.id, count=count, required=voted.required)
        tally = f"{count} of {voted.required}"
        async with self.read() as work:
            other = await find_competing(work, request)
        supersedes = other.to_version if other and other.status != "IN_PROGRESS" else ""
        instead = f" It supersedes the upgrade to {supersedes} that is already scheduled." if supersedes else ""
        if count < voted.required:
            answer = f"Your approval counts: {tally}.{instead}"
            return Decision(request=voted, kind="vote cast", event=cast, answer=answer, supersedes=supersedes)
        return Decision(
            request=voted.approve(at=now),
            kind="vote cast",
            event=cast,
            answer=f"Your approval counts: {tally}. The upgrade is approved and is being submitted.{instead}",
            submit=True,
            supersedes=supersedes,
        )

    async def withdraw(self, request: UpgradeRequest, member: Member) -> Decision:
        """Take it back, as only its requester may."""
        self.permissions.check_requester(member, request)
        self._not_late(request)
        request.check_state(*_WITHDRAWABLE)
        unsure = request.state is State.SUBMISSION_UNCLEAR
        return Decision(
            request=request.withdraw(by=member.id, at=self.rule_check.now()),
            kind="request withdrawn",
            event=RequestWithdrawn(about=outbox.about(request), by=member.id),
            answer="You withdrew this request."
            + (" It may have reached Avisi Cloud before: please check there." if unsure else ""),
            tell_requester=True,
        )

    async def try_again(self, request: UpgradeRequest, member: Member) -> Decision:
        """Ask for another attempt after a clear no."""
        await self.permissions.check_may_retry(member, self.rule_check.rule(request), request)
        self._not_late(request)
        request.check_state(State.SUBMISSION_FAILED)
        return self._again(request, member)

    async def submit_again(self, request: UpgradeRequest, member: Member) -> Decision:
        """Ask for another attempt although nobody can tell what became of the first."""
        await self._may_decide(request, member)
        self._not_late(request)
        request.check_state(State.SUBMISSION_UNCLEAR)
        if self.rule_check.now() >= request.deadline:
            raise WrongState(
                f"The deadline of this request, {request.deadline:%Y-%m-%d %H:%M} UTC, has passed, so it is not "
                f"submitted again. It can be rescheduled or withdrawn."
            )
        return self._again(request, member)

    def _again(self, request: UpgradeRequest, member: Member) -> Decision:
        return Decision(
            request=request.approve(at=self.rule_check.now()),
            kind="another attempt asked",
            event=RequestApproved(about=outbox.about(request), by=member.id),
            answer="It is being submitted again.",
            submit=True,
        )

    async def _check_rejectable(self, request: UpgradeRequest, member: Member, seal: Seal) -> None:
        await self._may_decide(request, member)
        self._not_late(request)
        request.check_state(State.PENDING_APPROVAL)
        request.check_seal(seal)

    async def _may_decide(self, request: UpgradeRequest, member: Member) -> None:
        await self.permissions.check_may_decide(member, self.rule_check.rule(request), request)

    def _not_late(self, request: UpgradeRequest) -> None:
        if request.state in PERISHABLE and self.rule_check.now() >= request.deadline:
            raise Late(_too_late(request))
        if request.state is State.EXPIRED:
            raise WrongState(_too_late(request))

    async def _check_not_running(self, request: UpgradeRequest) -> None:
        if request.state is not State.SUBMITTED or request.upgrade is None:
            return
        async with self.read() as work:
            upgrade = await work.upgrades.find(request.organisation, request.upgrade)
        if upgrade and (upgrade.status == "IN_PROGRESS" or upgrade.status in DONE):
            words = upgrade.status.lower().replace("_", " ")
            raise WrongState(f"This upgrade is {words}, so it cannot be rescheduled.")


def _too_late(request: UpgradeRequest) -> str:
    return (
        f"This request expired at {request.deadline:%Y-%m-%d %H:%M} UTC, so your press came too late and nothing "
        f"was changed. It can be asked for again with the command."
    )
