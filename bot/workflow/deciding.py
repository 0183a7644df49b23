"""Deciding on a request: presses and rejections out of the inbox, judged live, answered from what was stored."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.errors import Refused, WrongState
from bot.domain.events import About, RequestApproved
from bot.domain.people import Member
from bot.domain.request import State, UpgradeRequest
from bot.workflow import outbox
from bot.workflow.decisions import Decision, Decisions, Late
from bot.workflow.errors import Missing, Stale, Taken
from bot.workflow.expiring import expire
from bot.workflow.homes import redraw_home
from bot.workflow.inbox import AnyEntry, ButtonPressed, FormSubmitted, Press, RejectionGiven
from bot.workflow.outbox import OutboxMessage, Urgency
from bot.workflow.permissions import Permissions
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, ReadOnlyWork, UnitOfWork
from bot.workflow.record import fact, rule_facts
from bot.workflow.repositories import Fact
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import RuleCheck

_TRIES = 8
_NOTHING = About(organisation="", environment="", cluster="", from_version="", to_version="")

Verb = Callable[[UpgradeRequest, Member], Awaitable[Decision]]


@dataclass(frozen=True, slots=True)
class Deciding:
    """Takes presses and rejections out of the inbox."""

    begin: BeginWork
    read: BeginReading
    permissions: Permissions
    rule_check: RuleCheck
    revoting: Revoting
    real_time: Clock

    async def known(self, work: ReadOnlyWork, entry: AnyEntry) -> UpgradeRequest | None:
        """Return the request that an entry is about, as this Work sees it, None when there is none."""
        if isinstance(entry, FormSubmitted):
            return None
        await self.rule_check.catalog_cache.renew_from(work)
        try:
            return await work.requests.get(entry.request_id)
        except Missing:
            return None

    async def press(self, number: int, pressed: ButtonPressed, lease: Lease, known: UpgradeRequest | None) -> None:
        """Decide on inbox entry `number`; raises MembersUnavailable when nobody can tell who may.

        `known` is the request as it was just read, if it was.
        """
        decisions = self._decisions
        by_press: dict[Press, Verb] = {
            Press.APPROVE: decisions.approve,
            Press.WITHDRAW: decisions.withdraw,
            Press.TRY_AGAIN: decisions.try_again,
            Press.SUBMIT_AGAIN: decisions.submit_again,
        }

        async def only_opens(request: UpgradeRequest, member: Member) -> Decision:
            await decisions.check_may_open(pressed.press, request, member, pressed.seal)
            raise Refused("That took too long to check. Please press the button again.")

        await self._decide(number, pressed, by_press.get(pressed.press, only_opens), lease, known)

    async def reject(self, number: int, given: RejectionGiven, lease: Lease, known: UpgradeRequest | None) -> None:
        """Reject by inbox entry `number`; raises MembersUnavailable. `known` is as above."""

        async def verb(request: UpgradeRequest, member: Member) -> Decision:
            return await self._decisions.reject(request, member, seal=given.seal, reason=given.reason)

        await self._decide(number, given, verb, lease, known)

    async def judge(self, pressed: ButtonPressed) -> None:
        """Raise Refused unless this press may open its modal now; raises MembersUnavailable."""
        member = await self.permissions.somebody(pressed.member)
        request = await self._request(pressed)
        await self._decisions.check_may_open(pressed.press, request, member, pressed.seal)

    @property
    def _decisions(self) -> Decisions:
        return Decisions(self.read, self.permissions, self.rule_check)

    async def _request(self, pressed: ButtonPressed | RejectionGiven) -> UpgradeRequest:
        async with self.read() as work:
            known = await self.known(work, pressed)
        if known is None:
            raise WrongState("This request is no longer known, so nothing was changed.")
        return known

    async def _decide(
        self,
        number: int,
        pressed: ButtonPressed | RejectionGiven,
        verb: Verb,
        lease: Lease,
        known: UpgradeRequest | None,
    ) -> None:
        for _ in range(_TRIES):
            request, known = known, None
            try:
                request = request or await self._request(pressed)
                rule = self.rule_check.rule(request)
                member = await self.permissions.presser(pressed.member, _pressed(pressed), rule, request)
                if await self._drifted(request, pressed):
                    continue
                decision = await verb(request, member)
                if isinstance(pressed, ButtonPressed) and pressed.press is not Press.WITHDRAW:
                    request.check_seal(pressed.seal)
                await self._store(number, pressed, decision, lease)
            except Late:
                await self._expire(request, lease)
                continue
            except Stale:
                continue
            except Taken:
                newer = WrongState("A newer request for this cluster exists, so this one cannot go on.")
                await self._refuse(number, pressed, request, newer, lease)
            except Refused as refusal:
                await self._refuse(number, pressed, request, refusal, lease)
            return
        raise Stale("the request kept changing while it was decided")

    async def _drifted(self, request: UpgradeRequest, pressed: ButtonPressed | RejectionGiven) -> bool:
        if isinstance(pressed, ButtonPressed) and pressed.press is not Press.APPROVE:
            return False
        if request.state is not State.PENDING_APPROVAL:
            return False
        return await self.revoting.void_if_drifted(request)

    async def _expire(self, request: UpgradeRequest | None, lease: Lease) -> None:
        if request is None:
            return
        async with self.begin(lease) as work:
            try:
                await expire(work, request, self.rule_check)
            except Stale:
                return
            await work.commit()

    async def _store(
        self, number: int, pressed: ButtonPressed | RejectionGiven, decision: Decision, lease: Lease
    ) -> None:
        async with self.begin(lease) as work:
            stored = await work.requests.save(decision.request)
            rule = self.rule_check.rule(stored)
            facts: dict[str, object] = {"seal": pressed.seal, "state": stored.state, "policy": rule_facts(rule)}
            if stored.outcome:
                facts["reason"] = stored.outcome
            if decision.supersedes:
                facts["supersedes"] = decision.supersedes
            await work.audit.append(
                fact(stored, decision.kind, at=self.rule_check.now(), actor=pressed.member, facts=facts)
            )
            told: list[OutboxMessage] = [
                outbox.repaint(stored, because=decision.kind, urgency=Urgency.PERSON),
                outbox.in_thread(stored, decision.event),
            ]
            if decision.submit:
                told.append(outbox.submit(stored))
                if not isinstance(decision.event, RequestApproved):
                    approved = RequestApproved(about=outbox.about(stored), supersedes=decision.supersedes)
                    told.append(outbox.in_thread(stored, approved))
            if decision.tell_requester:
                told.append(outbox.to_requester(stored, decision.event))
            told.append(self._answer(pressed, decision.answer, number, outbox.about(stored)))
            await self._mark_duplicate_card(work, pressed, told)
            await self._end(work, number, pressed, told)

    async def _mark_duplicate_card(
        self, work: UnitOfWork, pressed: ButtonPressed | RejectionGiven, told: list[OutboxMessage]
    ) -> None:
        on_card = not isinstance(pressed, ButtonPressed) or pressed.press is not Press.RESCHEDULE
        if pressed.message is None or not on_card:
            return
        card = await work.messages.card(pressed.request_id)
        if card is None:
            await work.messages.put_card(pressed.request_id, pressed.message)
        elif card != pressed.message:
            told.append(outbox.mark_duplicate(pressed.request_id, pressed.message))

    async def _refuse(
        self,
        number: int,
        pressed: ButtonPressed | RejectionGiven,
        request: UpgradeRequest | None,
        refusal: Refused,
        lease: Lease,
    ) -> None:
        about = outbox.about(request) if request else _NOTHING
        async with self.begin(lease) as work:
            facts: dict[str, object] = {
                "press": _pressed(pressed).value,
                "rule": type(refusal).__name__,
                "answer": str(refusal),
            }
            if request:
                facts |= {"state": request.state, "policy": rule_facts(self.rule_check.rule(request))}
            await work.audit.append_refusal(
                Fact(
                    kind="press refused",
                    at=self.rule_check.now(),
                    request_id=pressed.request_id,
                    actor=pressed.member,
                    organisation=about.organisation,
                    cluster=about.full_name if request else "",
                    facts=facts,
                ),
                rule=f"{_pressed(pressed).value}: {type(refusal).__name__}",
            )
            told = [self._answer(pressed, str(refusal), number, about)]
            if request is not None:
                await self._mark_duplicate_card(work, pressed, told)
            await self._end(work, number, pressed, told)

    async def _end(
        self, work: UnitOfWork, number: int, pressed: ButtonPressed | RejectionGiven, told: Sequence[OutboxMessage]
    ) -> None:
        """Strike the entry off and have it all told; what was pressed in App Home, which has no message, there too."""
        await work.outbox.put(*told)
        if pressed.message is None:
            await redraw_home(work, pressed.member, key=f"inbox:{number}", at=self.real_time())
        await work.inbox.done(number)
        await work.commit()

    def _answer(self, pressed: ButtonPressed | RejectionGiven, text: str, number: int, about: About) -> OutboxMessage:
        """Answer privately; a direct message, which stands by itself, says of which cluster it speaks."""
        response_url = pressed.response_url if isinstance(pressed, ButtonPressed) else None
        where = "" if response_url or not about.cluster else f"*{self.rule_check.naming.cluster(about)}*: "
        return outbox.answer(
            pressed.member, f"{where}{text}", key=f"inbox:{number}", about=about, response_url=response_url
        )


def _pressed(pressed: ButtonPressed | RejectionGiven) -> Press:
    return pressed.press if isinstance(pressed, ButtonPressed) else Press.REJECT
