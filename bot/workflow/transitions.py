"""The only place that saves a changed request: new value, audit event, card, thread, direct message and submission.

All of it goes into the caller's transaction. The moves that several use cases make are here too; a use case describes
its own moves as a `Change`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.events import About, AnyEvent, RequestExpired, RequestReplaced, RolloutMoved, UpgradeSubmitted
from bot.domain.freeze import UpgradeFreeze
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.policy import Rule
from bot.domain.readiness import (
    Alerts,
    AlertsLine,
    ClusterLine,
    EndOfLife,
    NotMonitored,
    PoolsLine,
    ReadinessReading,
    RemovedApis,
    Unread,
)
from bot.domain.request import State, UpgradeRequest
from bot.domain.rollout import Plan, Rollout, RolloutCluster
from bot.domain.rollout_steps import kind_of_change, steps
from bot.domain.scheduled import NOT_FOLLOWED, NOT_REPORTED, Reading, ScheduledUpgrade, Status
from bot.workflow import outbox
from bot.workflow.announcing import Announcing
from bot.workflow.outbox import OutboxMessage, Urgency
from bot.workflow.ports import UnitOfWork
from bot.workflow.repositories import Fact, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is stored together with a new value.

    `audit` is the kind of the audit event. It may be empty only while the state stays the same. `repaint` says why the
    card is drawn again and is part of the message's key; empty when the card stays as it is. The events in `thread` are
    posted under the card in this order. `submit` starts a submission to the cloud. `readiness` is the number of the
    reading that goes into the trail, 0 for none.
    """

    audit: str
    at: datetime
    actor: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    repaint: str = ""
    urgency: Urgency = Urgency.ALERT
    thread: tuple[AnyEvent, ...] = ()
    direct: AnyEvent | None = None
    submit: bool = False
    readiness: int = 0


async def store_request(
    work: UnitOfWork, before: UpgradeRequest | None, after: UpgradeRequest, change: Change
) -> UpgradeRequest:
    """Store a new request (`before` is None) or a changed one; return it as stored. Raises Stale and Taken."""
    if not change.audit and (before is None or before.state is not after.state):
        raise ValueError(f"a change to {after.state} without an audit event")
    stored = await (work.requests.save(after) if before else work.requests.add(after))
    if change.audit:
        facts = {**change.facts, **await _referred_to(work, stored, change.readiness)}
        await work.audit.append(fact(stored, change.audit, at=change.at, actor=change.actor, facts=facts))
    if stored.rollout:  # it has no card and sends no direct messages: the rollout tells what becomes of it
        await work.outbox.put(*([outbox.submit(stored)] if change.submit else []))
        return stored
    messages: list[OutboxMessage] = []
    if change.repaint:
        messages.append(outbox.repaint(stored, because=change.repaint, urgency=change.urgency))
    messages += (outbox.in_thread(stored, event) for event in change.thread)
    if change.direct:
        messages.append(outbox.to_requester(stored, change.direct))
    if change.submit:
        messages.append(outbox.submit(stored))
    await work.outbox.put(*messages)
    return stored


async def store_rollout(
    work: UnitOfWork,
    before: Rollout | None,
    after: Rollout,
    *,
    at: datetime,
    actor: str = "",
    mention: tuple[str, ...] = (),
    facts: Mapping[str, object] | None = None,
) -> Rollout:
    """Store a new rollout (`before` is None) or a changed one with all that is told of it; raises Stale and Taken.

    `mention` are those who are to act now.
    """
    stored = await (work.rollouts.save(after) if before else work.rollouts.add(after))
    told = steps(before, stored)
    if kind := kind_of_change(before, stored):
        handed = {one.identity: one.request for one in stored.clusters if before and _is_handed_over(before, one)}
        about = {"state": stored.state, "wave": stored.wave + 1, "seal": stored.seal, "steps": list(told)}
        more: dict[str, object] = _planned(stored.plan) if before is None else {"requests": handed}
        await work.audit.append(
            Fact(
                kind=kind,
                at=at,
                request_id=stored.id,
                actor=actor,
                organisation=stored.plan.organisation,
                facts={**about, **more, **(facts or {}), "approvals": sorted(stored.voters)},
            )
        )
    counted = {"counted_at": stored.counted_at, "time_left": stored.time_left, "revision": stored.revision}
    if before is None or before.deadline != stored.deadline or replace(before, **counted) != stored:  # type: ignore[arg-type]
        await work.outbox.put(outbox.rollout_card(stored, urgency=Urgency.PERSON if actor else Urgency.ALERT))
    if told:
        event = RolloutMoved(
            about=About(
                organisation=stored.plan.organisation,
                environment="",
                cluster="",
                from_version="",
                to_version=stored.plan.version,
                requester=stored.requester,
            ),
            mention=mention,
            rollout=stored.id,
            name=stored.plan.name,
            steps=told,
        )
        await work.outbox.put(outbox.rollout_thread(stored, event))
    return stored


async def store_freeze(
    work: UnitOfWork, before: UpgradeFreeze | None, after: UpgradeFreeze, *, at: datetime, actor: MemberId | None = None
) -> UpgradeFreeze:
    """Store a new freeze (`before` is None) or one that is over, with all that is told of it; raises Stale."""
    stored = await (work.freezes.save(after) if before else work.freezes.add(after))
    facts: dict[str, object] = {
        "environments": [f"{place.organisation}/{place.environment}" for place in stored.places],
        "until": stored.until.isoformat(),
        "reason": stored.reason,
    }
    if before is None:
        kind, actor, facts["underway"] = "freeze set", stored.by, list(stored.underway)
    else:
        kind = "freeze lifted" if stored.lifted_by else "freeze ended"
    await work.audit.append(Fact(kind=kind, at=at, request_id=stored.id, actor=actor or "", facts=facts))
    messages = [outbox.freeze_message(stored, channel) for channel in stored.channels]
    messages += [outbox.freeze_over(stored, channel) for channel in stored.channels if stored.is_over]
    await work.outbox.put(*messages)
    return stored


def _planned(plan: Plan) -> dict[str, object]:
    """Return what the audit trail keeps of a plan; `plan` is the digest that approvers vote on."""
    return {
        "plan": plan.digest,
        "name": plan.name,
        "to_version": plan.version,
        "waves": [[one.full_name for one in wave] for wave in plan.waves],
        "reason": plan.reason,
        "change": plan.change,
    }


def _is_handed_over(before: Rollout, now: RolloutCluster) -> bool:
    was = before.find(now.identity)
    return now.request is not None and (was is None or was.request != now.request)


async def _referred_to(work: UnitOfWork, request: UpgradeRequest, number: int) -> Mapping[str, object]:
    """Keep a reading of readiness, and return it for the trail."""
    reading = await work.readiness.numbered(request.id, number) if number else None
    if reading is None:
        return {}
    await work.readiness.keep(request.id, number)
    return {"readiness": readiness_facts(reading)}


async def expire(work: UnitOfWork, request: UpgradeRequest, *, at: datetime) -> UpgradeRequest:
    """End a request whose deadline has passed; raises Stale."""
    event = RequestExpired(about=outbox.about(request), deadline=request.deadline)
    change = Change(audit="request expired", at=at, repaint="expired", thread=(event,), direct=event)
    return await store_request(work, request, request.expire(at=at), change)


async def replace_request(
    work: UnitOfWork, older: UpgradeRequest, *, by: UpgradeRequest, at: datetime
) -> UpgradeRequest:
    """End a request because a newer one takes its place; raises Stale.

    When that is somebody else's, those who approved the older one are told by whom as its requester is.
    """
    instead = Naming(several=by.organisation != older.organisation).cluster(by)
    event = RequestReplaced(
        about=outbox.about(older),
        by_request=by.id,
        by=by.requester,
        instead=instead if by.cluster_identity != older.cluster_identity else "",
    )
    change = Change(
        audit="request replaced",
        at=at,
        actor=by.requester,
        facts={"by": by.id},
        repaint="replaced",
        thread=(event,),
        direct=event,
    )
    stored = await store_request(work, older, older.replaced(by=by.id, at=at), change)
    if older.requester != by.requester and not older.rollout:
        voters = sorted(older.voters - {older.requester, by.requester})
        await work.outbox.put(*(outbox.to_voter(stored, replace(event, voter=one), one) for one in voters))
    return stored


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmed:
    """Who says that the cloud has a request: its own answer, or an approver, who may have `window_stated` too."""

    audit: str = "upgrade submitted"
    member: MemberId | None = None
    window_stated: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


BY_THE_CLOUD = Confirmed()


async def confirm(
    work: UnitOfWork,
    request: UpgradeRequest,
    upgrade: ScheduledUpgrade,
    reading: Reading,
    *,
    announcing: Announcing,
    source: Source | None,
    by: Confirmed = BY_THE_CLOUD,
) -> UpgradeRequest:
    """Store that the cloud has the request, as this reading shows it, and announce it; raises Stale.

    It replaces older requests for the cluster. `source` is where statuses come from, `by` is who says so.
    """
    now, followed = announcing.now(), source is not Source.CLUSTERS
    known = await work.upgrades.find(upgrade.organisation, upgrade.identity)
    stated_by = by.member if by.window_stated else None
    submitted = request.submitted(upgrade=upgrade.identity, window=reading.window, at=now, stated_by=stated_by)
    if not followed and reading.window is None:
        upgrade = replace(upgrade, status=NOT_FOLLOWED)
    await _replace_older(work, submitted, at=now, source=source)
    facts = {
        "identity": upgrade.identity,
        "status": reading.status,
        "window_start": reading.window.start.isoformat() if reading.window else None,
        "window_end": reading.window.end.isoformat() if reading.window else None,
    }
    event = UpgradeSubmitted(
        about=outbox.about(submitted),
        window=reading.window,
        start_left_out=submitted.start_left_out,
        followed=followed,
        by=by.member,
        status=reading.status,
    )
    scheduled = reading.window is not None and reading.status == Status.SCHEDULED
    is_news = scheduled or not followed or submitted.start_left_out or _was_in_doubt(request)
    change = Change(
        audit=by.audit,
        at=now,
        actor=by.member or "",
        facts={**facts, **by.facts},
        repaint="submitted",
        urgency=Urgency.PERSON if by.member else Urgency.ALERT,
        thread=(event,) if is_news else (),  # else the line about the approval has said that it is being submitted
        direct=event if request.state is State.SUBMISSION_UNCLEAR else None,
    )
    stored = await store_request(work, request, submitted, change)
    await announcing.confirmed(work, replace(upgrade, status_since=now), known, stored)
    return stored


def _was_in_doubt(request: UpgradeRequest) -> bool:
    """Whether the thread has said that this request was not submitted, or perhaps not."""
    return request.state is State.SUBMISSION_UNCLEAR or request.attempt > 1


async def _replace_older(work: UnitOfWork, newer: UpgradeRequest, *, at: datetime, source: Source | None) -> None:
    older = await work.requests.of_cluster(newer.cluster_identity, State.SUBMITTED, State.SUBMISSION_UNCLEAR)
    for request in older:
        if request.id == newer.id:
            continue
        upgrade = await work.upgrades.find(request.organisation, request.upgrade) if request.upgrade else None
        if upgrade is not None and upgrade.is_final and upgrade.status != NOT_REPORTED:
            continue
        unreported = source is Source.CLUSTERS or (upgrade is not None and upgrade.is_nameless)
        if upgrade is not None and upgrade.identity != newer.upgrade and unreported:
            # nothing else will say so: what was rescheduled may lead to no countdown and no outcome
            await work.upgrades.save(replace(upgrade, status=Status.SUPERSEDED, status_since=at))
        await replace_request(work, request, by=newer, at=at)


def fact(
    request: UpgradeRequest, kind: str, *, at: datetime, actor: str = "", facts: Mapping[str, object] | None = None
) -> Fact:
    """Return an audit event of a request as it was stored; it always says whose approvals count after it."""
    return Fact(
        kind=kind,
        at=at,
        request_id=request.id,
        actor=actor,
        organisation=request.organisation,
        cluster=request.full_name,
        facts={**(facts or {}), "approvals": sorted(request.voters)},
    )


def request_facts(request: UpgradeRequest, rule: Rule) -> dict[str, object]:
    """Return what was asked and under which rule, as plain JSON values."""
    return {
        "from_version": request.from_version,
        "to_version": request.to_version,
        "start": request.start.isoformat() if request.start else None,
        "ignore_windows": request.ignore_windows,
        "override": request.override,
        "reason": request.reason,
        "emergency": request.emergency,
        **change_facts(request, rule),
        "seal": request.seal,
        "deadline": request.deadline.isoformat(),
        "policy": rule_facts(rule),
    }


def change_facts(request: UpgradeRequest, rule: Rule) -> Mapping[str, object]:
    """Return a request's change number and where it leads, as plain JSON values; nothing where it has none."""
    address = rule.change_address(request.change)
    return ({"change": request.change} if request.change else {}) | ({"change_url": address} if address else {})


def card_facts(request: UpgradeRequest) -> dict[str, object]:
    """Return what a request's card shows to whoever decides on it, as plain JSON values."""
    return {
        "organisation": request.organisation,
        "environment": request.environment,
        "cluster": request.cluster,
        "from_version": request.from_version,
        "to_version": request.to_version,
        "start": request.start.isoformat() if request.start else None,
        "ignore_windows": request.ignore_windows,
        "override": request.override,
        "emergency": request.emergency,
        "change": request.change,
        "reason": request.reason,
        "deadline": request.deadline.isoformat(),
    }


def rule_facts(rule: Rule) -> dict[str, object]:
    """Return the rule in force as plain JSON values."""
    return {
        "requesters": list(rule.requesters),
        "approvers": list(rule.approvers),
        "required_approvals": rule.required_approvals,
        "self_approval": rule.self_approval,
        "reason_required": rule.reason_required,
        "allowed": [allowed.text for allowed in rule.allowed],
        "freeze": [freeze.words for freeze in rule.freezes],
        "override": rule.override,
        "emergency": rule.emergency,
        "after": {environment: wait.total_seconds() for environment, wait in rule.after},
        "allow_downgrade": rule.allow_downgrade,
        **({"change": rule.change.pattern.text} if rule.change else {}),
        "zone": str(rule.zone),
    }


def readiness_facts(reading: ReadinessReading) -> dict[str, object]:
    """Return a reading for the audit trail as plain JSON values."""
    facts: dict[str, object] = {"number": reading.number, "verdict": reading.readiness.verdict.value}
    for line in reading.readiness.lines:
        match line:
            case EndOfLife():
                facts["target_ends"] = line.target_ends.isoformat() if line.target_ends else None
            case RemovedApis():
                facts["removed_apis"] = [f"{one.api} {one.kind}" for one in line.removed] if line.known else None
            case PoolsLine(pools=Unread() as unread):
                facts["pools"] = unread.why
            case PoolsLine(pools=tuple() as pools):
                facts["pools"] = [f"{pool.name}: {pool.strategy}" for pool in pools]
            case AlertsLine():
                facts["alerts"] = alert_words(line.alerts)
            case ClusterLine():
                facts |= {"status": line.status, "auto_upgrade": line.auto_upgrade, "follows": line.follows}
            case _:
                pass
    return facts


def alert_words(alerts: Alerts) -> object:
    """Return alerts as plain JSON values: their names, or why there are none."""
    match alerts:
        case NotMonitored():
            return "not monitored"
        case Unread(why=why):
            return f"not read: {why}"
        case firing:
            return [alert.name for alert in firing]
