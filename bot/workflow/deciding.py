"""Deciding on a request: each press and rejection from the inbox is checked live, stored, and answered privately."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain.errors import NotFound, Refused, WrongState
from bot.domain.events import (
    About,
    AnyEvent,
    EmergencyAcknowledged,
    RequestApproved,
    RequestRejected,
    RequestWithdrawn,
    VoteCast,
    VoteTakenBack,
)
from bot.domain.findings import (
    CheckTookTooLong,
    DeadlinePassed,
    ListUnread,
    NewerRequest,
    NoListToLookIn,
    NotInList,
    PressTooLate,
    RequestUnknown,
    UpgradeIs,
)
from bot.domain.naming import Naming
from bot.domain.people import Member
from bot.domain.request import PERISHABLE, Seal, State, UpgradeRequest
from bot.domain.scheduled import DONE, Reading, Status
from bot.workflow import outbox
from bot.workflow.adopting import find_record, identity_of, record_of
from bot.workflow.announcing import Announcing
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import AvisiError, NoList, Stale, Taken
from bot.workflow.homes import redraw_home
from bot.workflow.inbox import ApprovalCommented, ButtonPressed, Decided, Press, RejectionGiven, WindowStated
from bot.workflow.lookups import find_competing, find_request, readiness_changed
from bot.workflow.outbox import OutboxMessage, Urgency
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.repositories import Fact
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, Confirmed, card_facts, confirm, expire, rule_facts, store_request

_WITHDRAWABLE = (
    State.PENDING_APPROVAL,
    State.APPROVED,
    State.SUBMISSION_FAILED,
    State.SUBMISSION_UNCLEAR,
)
_RESCHEDULABLE = (*_WITHDRAWABLE, State.SUBMITTED)
_REJECTABLE = (State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED)
_ENDED_WITHOUT_UPGRADE = (State.REJECTED, State.WITHDRAWN, State.EXPIRED)

_TRIES = 8
_NOTHING = About(organisation="", environment="", cluster="", from_version="", to_version="")


class Late(Refused):
    """The deadline has passed, but the request has not been ended yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a press leads to: the request as it will be stored, what is posted about it, and the private answer.

    `kind` is the kind of the audit event. The events are posted under the card; `direct` also goes to the requester.
    `supersedes` is the version of another scheduled upgrade of the cluster, whose place it takes. `reading` is the
    cloud's record of an upgrade that an approver says is there: then the rest follows from that.
    """

    request: UpgradeRequest
    kind: str
    answer: str
    events: tuple[AnyEvent, ...] = ()
    direct: AnyEvent | None = None
    submit: bool = False
    supersedes: str = ""
    comment: str = ""
    reading: Reading | None = None


Decide = Callable[[UpgradeRequest, Member], Awaitable[Decision]]
"""Decides for a person. Raises Refused when the person may not, or the request cannot be decided on like that."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Decides on presses and rejections.

    MembersUnavailable means that nothing was decided, because Slack did not say who the person is or who is in a group.
    """

    begin: BeginWork
    read: BeginReading
    catalog_cache: CatalogCache
    permissions: Permissions
    rule_check: RuleCheck
    words: Words
    revoting: Revoting
    naming: Naming
    cloud: AvisiCloud
    announcing: Announcing
    now: Clock
    real_time: Clock

    async def check_may_open(self, pressed: ButtonPressed) -> None:
        """Raise Refused unless this press may open its modal now; raises MembersUnavailable."""
        member = await self.permissions.somebody(pressed.member)
        await self._check_opening(pressed, await self._request(pressed), member)

    async def decide(self, number: int, entry: Decided, lease: Lease) -> None:
        """Decide on inbox entry `number`; raises MembersUnavailable."""
        match entry:
            case ButtonPressed():
                await self._decide(number, entry, self._by_press(entry), lease)
            case RejectionGiven():
                await self._decide(number, entry, partial(self._reject, given=entry), lease)
            case ApprovalCommented():
                await self._decide(number, entry, partial(self._approve, given=entry), lease)
            case WindowStated():
                await self._decide(number, entry, partial(self._take_word, stated=entry), lease)

    def _by_press(self, pressed: ButtonPressed) -> Decide:
        async def only_opens(request: UpgradeRequest, member: Member) -> Decision:
            await self._check_opening(pressed, request, member)
            raise Refused(CheckTookTooLong())

        by_press: dict[Press, Decide] = {
            Press.APPROVE: partial(self._approve, given=pressed),
            Press.TAKE_BACK: self._take_back,
            Press.WITHDRAW: self._withdraw,
            Press.TRY_AGAIN: self._try_again,
            Press.SUBMIT_AGAIN: self._submit_again,
            Press.IT_IS_THERE: self._adopt,
            Press.ACKNOWLEDGE: self._acknowledge,
        }
        return by_press.get(pressed.press, only_opens)

    # --- what each button does ---

    async def _approve(
        self, request: UpgradeRequest, member: Member, *, given: ButtonPressed | ApprovalCommented
    ) -> Decision:
        """Count an approval; the last one needed starts the submission."""
        rule, now = self.rule_check.rule(request), self.now()
        comment = given.comment if isinstance(given, ApprovalCommented) else ""
        await self._check_may_decide(request, member)
        self._check_not_late(request)
        request.check_state(State.PENDING_APPROVAL)
        await self.rule_check.check(request)
        voted = request.cast(by=member.id, at=now, comment=comment, readiness=given.readiness)
        voted = voted.require(rule.approvals_needed(override=request.override, emergency=request.emergency))
        voted = voted.keep_votes_of(await self.permissions.standing_voters(voted, rule))
        count, about = len(voted.votes), outbox.about(request)
        tally = f"{count} of {voted.required}"
        async with self.read() as work:
            other = await find_competing(work, request)
            changed = await readiness_changed(work, request)
        supersedes = other.to_version if other and other.status != Status.IN_PROGRESS else ""
        cast = VoteCast(
            about=about, by=member.id, count=count, required=voted.required, comment=comment, supersedes=supersedes
        )
        instead = f" It supersedes the upgrade to {supersedes} that is already scheduled." if supersedes else ""
        if count < voted.required:
            answer = f"Approved ({tally}). {voted.required - count} more needed.{instead}"
            return Decision(
                request=voted, kind="vote cast", events=(cast,), answer=answer, supersedes=supersedes, comment=comment
            )
        return Decision(
            request=voted.approve(at=now),
            kind="vote cast",
            events=(cast, *changed),
            answer=f"Approved ({tally}). Submitting now.{instead}",
            submit=True,
            supersedes=supersedes,
            comment=comment,
        )

    async def _take_back(self, request: UpgradeRequest, member: Member) -> Decision:
        """Take back the person's own approval, while the vote is on."""
        self._check_not_late(request)
        after = request.take_back(by=member.id)
        count, required = len(after.votes), after.required
        return Decision(
            request=after,
            kind="vote taken back",
            events=(VoteTakenBack(about=outbox.about(request), by=member.id, count=count, required=required),),
            answer=f"You took back your approval: {count} of {required}.",
        )

    async def _reject(self, request: UpgradeRequest, member: Member, *, given: RejectionGiven) -> Decision:
        await self._check_rejectable(request, member, given.seal)
        rejected = request.reject(by=member.id, reason=given.reason, at=self.now())
        event = RequestRejected(about=outbox.about(request), by=member.id, reason=rejected.outcome)
        return Decision(
            request=rejected,
            kind="request rejected",
            events=(event,),
            answer="You rejected this request.",
            direct=event,
        )

    async def _withdraw(self, request: UpgradeRequest, member: Member) -> Decision:
        """Withdraw a request, as only its requester may."""
        self.permissions.check_requester(member, request)
        self._check_not_late(request)
        request.check_state(*_WITHDRAWABLE)
        unsure = request.state is State.SUBMISSION_UNCLEAR
        event = RequestWithdrawn(about=outbox.about(request), by=member.id)
        return Decision(
            request=request.withdraw(by=member.id, at=self.now()),
            kind="request withdrawn",
            events=(event,),
            answer="You withdrew this request."
            + (" It may have reached Avisi Cloud before: please check there." if unsure else ""),
            direct=event,
        )

    async def _try_again(self, request: UpgradeRequest, member: Member) -> Decision:
        """Start another attempt after a clear no."""
        await self.permissions.check_may_retry(member, self.rule_check.rule(request), request)
        self._check_not_late(request)
        request.check_state(State.SUBMISSION_FAILED)
        return self._another_attempt(request, member)

    async def _submit_again(self, request: UpgradeRequest, member: Member) -> Decision:
        """Start another attempt although nobody can tell what became of the first."""
        await self._check_may_decide(request, member)
        self._check_not_late(request)
        request.check_state(State.SUBMISSION_UNCLEAR)
        if self.now() >= request.deadline:
            raise WrongState(DeadlinePassed(deadline=request.deadline))
        return self._another_attempt(request, member)

    async def _adopt(self, request: UpgradeRequest, member: Member) -> Decision:
        """Adopt what the cloud's list shows of a request of which nobody could tell whether the cloud has it."""
        await self._check_unclear(request, member)
        try:
            found = await find_record(self.cloud, request)
        except NoList as error:
            raise NotFound(NoListToLookIn()) from error
        except AvisiError as error:
            raise NotFound(ListUnread(why=error.words())) from error
        if found is None:
            raise NotFound(NotInList())
        return Decision(
            request=request,
            kind="record adopted",
            answer="Avisi Cloud's list shows it, so the bot follows it from now on.",
            reading=found,
        )

    async def _take_word(self, request: UpgradeRequest, member: Member, *, stated: WindowStated) -> Decision:
        """Take an approver's word that the cloud has it, in the window that they state."""
        await self._check_unclear(request, member)
        request.check_seal(stated.seal)
        return Decision(
            request=request,
            kind="window stated",
            answer="The bot counts on the window that you stated.",
            reading=Reading(
                identity=None, cluster_identity=request.cluster_identity, status=Status.SCHEDULED, window=stated.window
            ),
        )

    async def _acknowledge(self, request: UpgradeRequest, member: Member) -> Decision:
        """Note that another approver has seen an emergency, whatever has become of it."""
        await self.permissions.check_may_acknowledge(member, self.rule_check.rule(request), request)
        return Decision(
            request=request.acknowledge(by=member.id, at=self.now()),
            kind="emergency acknowledged",
            events=(EmergencyAcknowledged(about=outbox.about(request), by=member.id),),
            answer="You acknowledged this emergency.",
        )

    async def _check_unclear(self, request: UpgradeRequest, member: Member) -> None:
        await self._check_may_decide(request, member)
        self._check_not_late(request)
        request.check_state(State.SUBMISSION_UNCLEAR)

    def _another_attempt(self, request: UpgradeRequest, member: Member) -> Decision:
        return Decision(
            request=request.approve(at=self.now()),
            kind="another attempt asked",
            events=(RequestApproved(about=outbox.about(request), by=member.id),),
            answer="Submitting it again.",
            submit=True,
        )

    # --- who may, and when ---

    async def _check_opening(self, pressed: ButtonPressed, request: UpgradeRequest, member: Member) -> None:
        """Raise Refused unless this press may open its modal."""
        if pressed.press is Press.REJECT:
            await self._check_rejectable(request, member, pressed.seal)
        elif pressed.press is Press.RESCHEDULE:
            await self.permissions.check_may_request(member, self.rule_check.rule(request))
            self._check_not_late(request)
            request.check_state(*_RESCHEDULABLE)
            await self._check_not_running(request)
        elif pressed.press is Press.ASK_AGAIN:
            await self.permissions.check_may_request(member, self.rule_check.rule(request))
            request.check_state(*_ENDED_WITHOUT_UPGRADE)
        elif pressed.press is Press.COMMENT:
            await self._check_may_decide(request, member)
            self._check_not_late(request)
            request.cast(by=member.id, at=self.now())
            request.check_seal(pressed.seal)
        elif pressed.press is Press.IT_IS_THERE:
            await self._check_unclear(request, member)

    async def _check_rejectable(self, request: UpgradeRequest, member: Member, seal: Seal) -> None:
        await self._check_may_decide(request, member)
        self._check_not_late(request)
        request.check_state(*_REJECTABLE)
        request.check_seal(seal)

    async def _check_may_decide(self, request: UpgradeRequest, member: Member) -> None:
        await self.permissions.check_may_decide(member, self.rule_check.rule(request), request)

    def _check_not_late(self, request: UpgradeRequest) -> None:
        if request.state in PERISHABLE and self.now() >= request.deadline:
            raise Late(PressTooLate(deadline=request.deadline))
        if request.state is State.EXPIRED:
            raise WrongState(PressTooLate(deadline=request.deadline))

    async def _check_not_running(self, request: UpgradeRequest) -> None:
        if request.state is not State.SUBMITTED or request.upgrade is None:
            return
        async with self.read() as work:
            upgrade = await work.upgrades.find(request.organisation, request.upgrade)
        if upgrade and (upgrade.status == Status.IN_PROGRESS or upgrade.status in DONE):
            raise WrongState(UpgradeIs(status=upgrade.status))

    # --- from the inbox entry to what is stored ---

    async def _request(self, pressed: Decided) -> UpgradeRequest:
        """Read the request as it is now, and the catalog if the store has a newer copy."""
        async with self.read() as work:
            await self.catalog_cache.renew_from(work)
            request = await find_request(work, pressed.request_id)
        if request is None:
            raise WrongState(RequestUnknown())
        return request

    async def _decide(self, number: int, pressed: Decided, decide: Decide, lease: Lease) -> None:
        for _ in range(_TRIES):
            request = None
            try:
                request = await self._request(pressed)
                rule = self.rule_check.rule(request)
                member = await self.permissions.presser(pressed.member, _pressed(pressed), rule, request)
                if await self._drifted(request, pressed):
                    continue
                decision = await decide(request, member)
                if isinstance(pressed, ButtonPressed) and pressed.press not in {Press.WITHDRAW, Press.ACKNOWLEDGE}:
                    request.check_seal(pressed.seal)
                await self._store(number, pressed, request, decision, lease)
            except Late:
                await self._expire(request, lease)
                continue
            except Stale:
                continue
            except Taken:
                await self._refuse(number, pressed, request, WrongState(NewerRequest()), lease)
            except Refused as refusal:
                await self._refuse(number, pressed, request, refusal, lease)
            return
        raise Stale("the request kept changing while it was decided")

    async def _drifted(self, request: UpgradeRequest, pressed: Decided) -> bool:
        """Whether the cluster changed since the votes were given, so that the request was just changed too."""
        if _pressed(pressed) not in {Press.APPROVE, Press.REJECT, Press.COMMENT}:
            return False
        if request.state is not State.PENDING_APPROVAL:
            return False
        return await self.revoting.void_if_drifted(request)

    async def _expire(self, request: UpgradeRequest | None, lease: Lease) -> None:
        if request is None:
            return
        async with self.begin(lease) as work:
            try:
                await expire(work, request, at=self.now())
            except Stale:
                return
            await work.commit()

    async def _store(
        self,
        number: int,
        pressed: Decided,
        before: UpgradeRequest,
        decision: Decision,
        lease: Lease,
    ) -> None:
        after = decision.request
        policy = rule_facts(self.rule_check.rule(after))
        facts: dict[str, object] = {"seal": pressed.seal, "state": after.state, "policy": policy}
        facts["card"] = card_facts(before)
        if after.outcome:
            facts["reason"] = after.outcome
        if decision.supersedes:
            facts["supersedes"] = decision.supersedes
        if decision.comment:
            facts["comment"] = decision.comment
        change = Change(
            audit=decision.kind,
            at=self.now(),
            actor=pressed.member,
            readiness=0 if isinstance(pressed, WindowStated) else pressed.readiness,
            facts=facts,
            repaint=decision.kind,
            urgency=Urgency.PERSON,
            thread=decision.events,
            direct=decision.direct,
            submit=decision.submit,
        )
        async with self.begin(lease) as work:
            if decision.reading:
                stored = await self._confirm(work, before, decision.reading, pressed, facts)
            else:
                stored = await store_request(work, before, after, change)
            messages = [self._answer(pressed, decision.answer, number, outbox.about(stored))]
            await self._mark_duplicate_card(work, stored, pressed, messages)
            await self._end(work, number, pressed, messages)

    async def _confirm(
        self, work: UnitOfWork, before: UpgradeRequest, reading: Reading, decided: Decided, facts: Mapping[str, object]
    ) -> UpgradeRequest:
        """Store that the cloud has it, as an approver says."""
        feed = await work.feeds.get(before.organisation)
        known = await work.upgrades.find(before.organisation, identity_of(before, reading))
        stated = isinstance(decided, WindowStated)
        kind = "window stated" if stated else "record adopted"
        by = Confirmed(audit=kind, member=decided.member, window_stated=stated, facts=facts)
        upgrade = record_of(before, reading, known)
        return await confirm(work, before, upgrade, reading, announcing=self.announcing, source=feed.source, by=by)

    async def _mark_duplicate_card(
        self, work: UnitOfWork, request: UpgradeRequest, pressed: Decided, messages: list[OutboxMessage]
    ) -> None:
        """Note where the request's card is, or that this is another one; a rollout's requests have none."""
        on_card = _pressed(pressed) is not Press.RESCHEDULE  # which an alert has too
        if pressed.message is None or not on_card or request.rollout:
            return
        card = await work.messages.card(pressed.request_id)
        if card is None:
            await work.messages.put_card(pressed.request_id, pressed.message)
        elif card != pressed.message:
            messages.append(outbox.mark_duplicate(pressed.request_id, pressed.message))

    async def _refuse(
        self,
        number: int,
        pressed: Decided,
        request: UpgradeRequest | None,
        refusal: Refused,
        lease: Lease,
    ) -> None:
        about = outbox.about(request) if request else _NOTHING
        answer = self.words.refusal(*refusal.why)
        async with self.begin(lease) as work:
            facts: dict[str, object] = {
                "press": _pressed(pressed).value,
                "rule": type(refusal).__name__,
                "answer": answer,
            }
            if request:
                facts |= {"state": request.state, "policy": rule_facts(self.rule_check.rule(request))}
            await work.audit.append_refusal(
                Fact(
                    kind="press refused",
                    at=self.now(),
                    request_id=pressed.request_id,
                    actor=pressed.member,
                    organisation=about.organisation,
                    cluster=about.full_name if request else "",
                    facts=facts,
                ),
                rule=f"{_pressed(pressed).value}: {type(refusal).__name__}",
            )
            messages = [self._answer(pressed, answer, number, about)]
            if request is not None:
                await self._mark_duplicate_card(work, request, pressed, messages)
            await self._end(work, number, pressed, messages)

    async def _end(self, work: UnitOfWork, number: int, pressed: Decided, messages: Sequence[OutboxMessage]) -> None:
        """End the entry and put the messages into the outbox; App Home, which has no message, is published again."""
        await work.outbox.put(*messages)
        if pressed.message is None:
            await redraw_home(work, pressed.member, key=f"inbox:{number}", at=self.real_time())
        await work.inbox.done(number)
        await work.commit()

    def _answer(self, pressed: Decided, text: str, number: int, about: About) -> OutboxMessage:
        """Answer privately; a direct message has nothing around it, so it names the cluster."""
        response_url = pressed.response_url if isinstance(pressed, ButtonPressed) else None
        where = "" if response_url or not about.cluster else f"*{self.naming.cluster(about)}*: "
        return outbox.answer(
            pressed.member, f"{where}{text}", key=f"inbox:{number}", about=about, response_url=response_url
        )


def _pressed(decided: Decided) -> Press:
    match decided:
        case ButtonPressed(press=press):
            return press
        case RejectionGiven():
            return Press.REJECT
        case ApprovalCommented():
            return Press.COMMENT
        case WindowStated():
            return Press.IT_IS_THERE
