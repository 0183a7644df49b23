"""Requesting an upgrade: check a filled-in form against the rules, store the request and announce it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.calendar import AnyFreeze
from bot.domain.cluster import Cluster
from bot.domain.errors import Quorumless, Refused, RuleBroken, TooMany
from bot.domain.events import About, EmergencyRequested, UpgradeRequested
from bot.domain.findings import ClusterGone, TooManyOpen
from bot.domain.form import EMERGENCY_FOR
from bot.domain.people import EVERYONE, Member
from bot.domain.policy import Policy, Rule, other_eyes
from bot.domain.readiness import ReadinessReading
from bot.domain.request import MOST_UNFINISHED, OPEN, REPLACEABLE, RequestId, State, UpgradeRequest
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import Stale, Taken
from bot.workflow.homes import redraw_home
from bot.workflow.inbox import FormSubmitted
from bot.workflow.lookups import find_request
from bot.workflow.outbox import Urgency
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.readiness import ReadinessCheck
from bot.workflow.repositories import Fact
from bot.workflow.rule_check import Preview, RuleCheck
from bot.workflow.transitions import Change, replace_request, request_facts, rule_facts, store_request

_MOMENT = 0.1
_SUBMITTING = 2.0
"""Seconds to wait for another request for the cluster."""


def new_request_id() -> RequestId:
    """Return an ID nobody can guess."""
    return RequestId(secrets.token_hex(8))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What a form came to; `older` is the request that was rescheduled by it, `freeze` the one that it overrides."""

    request: UpgradeRequest
    rule: Rule
    older: UpgradeRequest | None
    freeze: AnyFreeze | None


class Later(Exception):
    """It cannot be decided yet: try again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Requesting:
    """Turns a submitted form into a request."""

    begin: BeginWork
    read: BeginReading
    policy: Policy
    catalog_cache: CatalogCache
    permissions: Permissions
    readiness_check: ReadinessCheck
    rule_check: RuleCheck
    words: Words
    now: Clock
    real_time: Clock
    new_id: Callable[[], RequestId] = new_request_id

    async def request(self, number: int, submitted: FormSubmitted, lease: Lease) -> None:
        """Store the request of inbox entry `number`, or refuse it privately.

        Raises MembersUnavailable and Later (an earlier request is being submitted): nothing was decided.
        """
        await self.catalog_cache.renew()
        try:
            member = await self.permissions.somebody(submitted.member)
            asked = await self._judged(submitted, member)
        except Refused as refusal:
            await self._refuse(number, submitted, refusal, lease)
            return
        try:
            async with self.begin(lease) as work:
                await self._store(work, asked)
                await self._end(work, number, submitted)
        except TooMany as refusal:
            await self._refuse(number, submitted, refusal, lease)
        except (Stale, Taken) as error:
            raise Later(_MOMENT) from error  # another request for the cluster changed, or came, at the same moment

    async def _judged(self, submitted: FormSubmitted, member: Member) -> "_Asked":
        form = submitted.form
        if wrong := await self.rule_check.form(form, lead=timedelta(0)):
            raise RuleBroken(*wrong)
        found = self.catalog_cache.find(form.cluster_identity)
        if found is None or form.version is None:
            raise RuleBroken(ClusterGone())
        _, cluster = found
        rule = self.policy.rule(cluster.organisation, cluster.environment)
        await self.permissions.check_may_request(member, rule)
        if form.emergency:
            await self.permissions.check_emergency(member, rule)
            rule = other_eyes(rule)
        older = await self._rescheduled(submitted, member, cluster)
        preview = await self.rule_check.preview(form, cluster)
        request = self._draft(submitted, cluster, form.version, rule, preview)
        request = replace(request, replaces=older.id if older else None)
        if few := await self.rule_check.quorum(rule, requester=member.id, needed=request.required):
            raise Quorumless(few)
        return _Asked(request=request, rule=rule, older=older, freeze=preview.overridden)

    async def _rescheduled(self, submitted: FormSubmitted, member: Member, cluster: Cluster) -> UpgradeRequest | None:
        """Return the request that is rescheduled by this one.

        For another cluster it takes the place of what is still with us; what the cloud may have stays as it is, as
        nothing takes that back.
        """
        if submitted.replaces is None:
            return None
        async with self.read() as work:
            older = await find_request(work, submitted.replaces)
        if older is None:
            return None
        if older.cluster_identity == cluster.identity:
            return older
        if older.state not in REPLACEABLE:
            return None
        found = self.catalog_cache.find(older.cluster_identity)
        place = found[1] if found else older
        rule = self.policy.rule(place.organisation, place.environment)
        await self.permissions.check_may_request(member, rule)
        return older

    def _draft(
        self, submitted: FormSubmitted, cluster: Cluster, version: str, rule: Rule, preview: Preview
    ) -> UpgradeRequest:
        form, now, override = submitted.form, self.now(), preview.overridden is not None
        deadline = form.start if form.ignore_windows and form.start else now + rule.request_expires_after
        if form.emergency:
            deadline = min(deadline, now + EMERGENCY_FOR)
        return UpgradeRequest(
            id=self.new_id(),
            organisation=cluster.organisation,
            cluster_identity=cluster.identity,
            environment=cluster.environment,
            cluster=cluster.slug,
            from_version=cluster.version,
            to_version=version,
            start=form.start,
            ignore_windows=form.ignore_windows,
            override=override,
            reason=form.reason.strip(),
            change=form.change.strip() if rule.change else "",
            requester=submitted.member,
            requested_at=now,
            deadline=deadline,
            required=rule.approvals_needed(override=override, emergency=form.emergency),
            emergency=form.emergency,
            channel=rule.channel,
            state_since=now,
            estimate=preview.estimate,
        )

    async def _store(self, work: UnitOfWork, asked: "_Asked") -> None:
        request, rule = asked.request, asked.rule
        if asked.older and asked.older.cluster_identity != request.cluster_identity:
            await replace_request(work, asked.older, by=request, at=self.now())
        for older in await work.requests.of_cluster(request.cluster_identity, *OPEN):
            if older.state not in REPLACEABLE:
                raise Later(_SUBMITTING)
            await replace_request(work, older, by=request, at=self.now())
        if await work.requests.count_open(request.requester) >= MOST_UNFINISHED:
            raise TooMany(TooManyOpen(most=MOST_UNFINISHED))
        about = outbox.about(request)
        facts = request_facts(request, rule) | {"replaces": request.replaces or ""}
        if asked.freeze:
            facts["overrides"] = f"the freeze {asked.freeze.words}"
        requested = UpgradeRequested(
            about=about,
            mention=rule.notify if request.required and not request.emergency else (),
            required=request.required,
            deadline=request.deadline,
        )
        judged = self.readiness_check.at_hand(self.readiness_check.cluster_of(request), request.to_version)
        reading = await work.readiness.add(request.id, ReadinessReading(at=self.now(), readiness=judged))
        made = Change(
            audit="upgrade requested",
            readiness=reading.number,
            at=request.requested_at,
            actor=request.requester,
            facts=facts,
            repaint="requested",
            urgency=Urgency.PERSON,
            thread=(requested,),
            direct=requested,
        )
        stored = await store_request(work, None, request, made)
        if stored.emergency:
            others = (one for one in (*rule.approvers, *rule.on_call) if one not in {EVERYONE, stored.requester})
            told = EmergencyRequested(
                about=about,
                mention=tuple(dict.fromkeys(others)),
                reason=stored.reason,
                approvals=stored.required,
            )
            await work.outbox.put(outbox.in_channel(stored.channel, told, key=f"emergency:{stored.id}"))
        if stored.required == 0:
            now = self.now()
            approved = Change(
                audit="request approved",
                at=now,
                facts={"required": 0, "state": State.APPROVED, "seal": stored.seal, "policy": rule_facts(rule)},
                repaint="approved",
                urgency=Urgency.PERSON,
                submit=True,
            )
            await store_request(work, stored, stored.approve(at=now), approved)

    async def _refuse(self, number: int, submitted: FormSubmitted, refusal: Refused, lease: Lease) -> None:
        found = self.catalog_cache.find(submitted.form.cluster_identity)
        about = About(
            organisation=submitted.organisation,
            environment=found[1].environment if found else "",
            cluster=found[1].slug if found else "",
            from_version=found[1].version if found else "",
            to_version=submitted.form.version or "",
        )
        answer = self.words.refusal(*refusal.why)
        async with self.begin(lease) as work:
            await work.audit.append(
                Fact(
                    kind="request refused",
                    at=self.now(),
                    request_id=self.new_id(),
                    actor=submitted.member,
                    organisation=about.organisation,
                    cluster=about.full_name if found else "",
                    facts={
                        "rule": type(refusal).__name__,
                        "answer": answer,
                        "to_version": about.to_version,
                        "policy": rule_facts(self.policy.rule(about.organisation, about.environment)),
                    },
                )
            )
            text = f"Your request was refused: {answer}"
            await work.outbox.put(outbox.answer(submitted.member, text, key=f"inbox:{number}", about=about))
            await self._end(work, number, submitted)

    async def _end(self, work: UnitOfWork, number: int, submitted: FormSubmitted) -> None:
        if submitted.in_home:
            await redraw_home(work, submitted.member, key=f"inbox:{number}", at=self.real_time())
        await work.inbox.done(number)
        await work.commit()
