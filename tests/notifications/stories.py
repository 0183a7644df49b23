"""Every message that the bot can write, built from one request's life; for the gallery and for tests of all of them."""
# ruff: noqa: ANN401 - a builder takes whatever the fields are

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.events import (
    About,
    AlertsBegan,
    Answered,
    AnyEvent,
    ApproversReminded,
    ReadinessChanged,
    RequestApproved,
    RequestExpired,
    RequestRejected,
    RequestReplaced,
    RequestWithdrawn,
    SawAgain,
    StatusMoved,
    SubmissionFailed,
    SubmissionUnclear,
    UpgradeOverran,
    UpgradeRequested,
    UpgradeSubmitted,
    VoteCast,
    VotesVoided,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
    WindowNear,
)
from bot.domain.naming import PLAIN, Naming
from bot.domain.readiness import Alert, NodePool, Readiness, ReadinessReading, readiness
from bot.domain.request import RequestId, State, UpgradeRequest, Vote
from bot.domain.scheduled import INFERRED, ScheduledUpgrade
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import notes
from bot.notifications.blocks import Message
from bot.notifications.card import card, struck
from bot.notifications.context import MessageContext
from bot.notifications.digest import Waiting, digest
from bot.workflow.repositories import Source
from tests.builders import (
    KIM,
    NOON,
    ROOS,
    SEM,
    a_cluster,
    a_scheduled_upgrade,
    a_window,
    about,
    an_upgrade_request,
)

LINK = "https://team.slack.com/archives/C0UPGRADES/p1700000000000100?thread_ts=1&cid=C0UPGRADES"
ON_CALL = "S0ONCALL"
STATUSES = (
    "REQUESTED",
    "SCHEDULED",
    "SCHEDULED_NOTIFIED",
    "IN_PROGRESS",
    "SUCCEEDED",
    "SUPERSEDED",
    "FAILED",
    "MISSED",
    *sorted(INFERRED),
    "FROBNICATED",
)
LIFE: dict[State, dict[str, Any]] = {
    State.PENDING_APPROVAL: {"votes": (Vote(member=SEM, at=NOON),), "estimate": a_window()},
    State.APPROVED: {"votes": (Vote(member=SEM, at=NOON), Vote(member=KIM, at=NOON))},
    State.SUBMITTING: {},
    State.SUBMITTED: {"window": a_window()},
    State.SUBMISSION_FAILED: {"outcome": "An upgrade of this cluster is running already."},
    State.SUBMISSION_UNCLEAR: {"outcome": "Avisi Cloud gave no clear answer."},
    State.REJECTED: {"decided_by": SEM, "outcome": "Not in the week of the fair."},
    State.WITHDRAWN: {"decided_by": ROOS},
    State.EXPIRED: {},
    State.REPLACED: {"replaced_by": RequestId("newer")},
}


def in_state(state: State, **changes: Any) -> UpgradeRequest:
    """Build a request that has come to a state."""
    return an_upgrade_request(**({"state": state, "required": 2, "id": RequestId("r1")} | LIFE[state] | changes))


def with_status(status: str, **changes: Any) -> ScheduledUpgrade:
    """Build a scheduled upgrade with a status."""
    reason = "The control plane did not come back." if status == "FAILED" else ""
    return a_scheduled_upgrade(**({"status": status, "reason": reason} | changes))


def judged(of: UpgradeRequest, *, alerts: int = 0) -> Readiness:
    """Judge a request of a monitored cluster with so many alerts firing."""
    name = of.outcome or "KubeNodeNotReady"
    return readiness(
        kubernetes_facts(),
        a_cluster(version=of.from_version, status="running", tenant="acme-web"),
        target=of.to_version,
        on_offer=(of.to_version,),
        pools=(NodePool(name=of.outcome or "workers", strategy="REPLACE", zone="a"),),
        alerts=tuple(Alert(name=name, key=str(number), active_at=NOON) for number in range(alerts)),
        at=NOON,
    )


def events(of: UpgradeRequest) -> tuple[AnyEvent, ...]:
    """Build every event that there is about a request."""
    what, window, notify = about(of), a_window(), ("S0PLATFORM", KIM)
    theirs = of.outcome
    blind = About(organisation=of.organisation, environment="", cluster="", from_version="", to_version="")
    statuses = [
        StatusMoved(
            about=what,
            status=status,
            from_status="SCHEDULED",
            window=window,
            reason=theirs or with_status(status).reason,
            mention=(ROOS, ON_CALL) if status in {"FAILED", "MISSED", "NOT_UPGRADED"} else (),
        )
        for status in STATUSES
    ]
    return (
        UpgradeRequested(about=what, mention=notify, required=2, deadline=of.deadline),
        UpgradeRequested(about=what, required=0, deadline=of.deadline),
        VoteCast(about=what, by=SEM, count=1, required=2),
        RequestApproved(about=what),
        RequestApproved(about=what, by=SEM),
        RequestRejected(about=what, by=SEM, reason=theirs or "Not in the week of the fair"),
        RequestWithdrawn(about=what, by=ROOS),
        RequestExpired(about=what, deadline=of.deadline),
        RequestReplaced(about=what, by_request=RequestId("newer"), by=KIM),
        VotesVoided(
            about=what,
            mention=notify,
            changes=of.changes or ("production/web runs v1.30.9 now; it ran v1.30.6 when this was asked.",),
            voters=(SEM,),
            required=2,
        ),
        VotesVoided(about=what, changes=(f"<@{SEM}> may no longer approve.",), voters=(SEM,), required=2),
        ApproversReminded(about=what, mention=notify, count=1, required=2, deadline=of.deadline),
        UpgradeSubmitted(about=what, window=window),
        UpgradeSubmitted(about=what, window=None, start_left_out=True),
        UpgradeSubmitted(about=what, window=window, followed=False),
        UpgradeSubmitted(about=what, window=None, followed=False),
        SubmissionFailed(about=what, mention=(ROOS,), reason=theirs or "Cluster is being deleted"),
        SubmissionUnclear(about=what, mention=notify, reason=theirs or "Avisi Cloud gave no clear answer."),
        *statuses,
        WindowMoved(
            about=what, status="SCHEDULED_NOTIFIED", window=window, from_window=a_window(NOON + timedelta(hours=2))
        ),
        WindowMoved(about=what, status="SCHEDULED", window=None, from_window=window),
        WindowBrokeRule(
            about=what, mention=(ROOS,), window=window, rule=theirs or "production is frozen Dec 20 to Jan 3."
        ),
        WindowNear(about=what, window=window, hours=24),
        UpgradeOverran(about=what, window=window),
        WentBlind(about=blind, since=NOON),
        SawAgain(about=blind, since=NOON, until=NOON + timedelta(hours=1)),
        ReadinessChanged(about=what, before=judged(of), now=judged(of, alerts=2)),
        ReadinessChanged(about=what, before=judged(of, alerts=1), now=judged(of)),
        AlertsBegan(about=what, alerts=(theirs or "KubeNodeNotReady",) * 7, mention=(ROOS, ON_CALL)),
        Answered(
            about=what, text=f"*production/web*: Only the requester, <@{ROOS}>, may withdraw this request.{theirs}"
        ),
    )


def outside(event: AnyEvent) -> AnyEvent:
    """Make an event of an upgrade that nobody asked for here."""
    return replace(event, about=replace(event.about, request_id=None, requester=None))


def current(
    request: UpgradeRequest | None, upgrade: ScheduledUpgrade | None = None, *, naming: Naming = PLAIN
) -> MessageContext:
    """Build what is true when something is told."""
    return MessageContext(now=NOON, request=request, upgrade=upgrade, link=LINK if request else None, naming=naming)


def everything(base: UpgradeRequest | None = None) -> Iterator[tuple[str, Message]]:
    """Yield every message with its name; `base` lends its texts to all requests."""
    one = base or in_state(State.PENDING_APPROVAL)
    for state in State:
        yield f"card {state}", card(replace(one, **(LIFE[state] | {"state": state} | _texts(base))), None)
    reading = ReadinessReading(number=7, at=NOON, readiness=judged(one, alerts=40))
    yield "card with readiness", card(one, None, readiness=reading)
    submitted = replace(one, state=State.SUBMITTED, window=a_window())
    upgrade = a_scheduled_upgrade(cluster=one.cluster, environment=one.environment, to_version=one.to_version)
    for status in STATUSES:
        upgrade = replace(upgrade, status=status, reason=one.outcome or with_status(status).reason)
        yield f"card {status}", card(submitted, upgrade)
    followed = replace(upgrade, status="SCHEDULED")
    yield "card without status", card(submitted, followed, source=Source.CLUSTERS)
    yield "card without anything", card(replace(submitted, window=None), None, source=Source.CLUSTERS)
    drifted = replace(
        one,
        override=True,
        changes=one.changes or ("production/web runs v1.30.9 now; it ran v1.30.6 when this was asked.",),
    )
    yield "card with override, changed", card(drifted, None)
    late = replace(submitted, start=NOON, start_left_out=True)
    yield "card whose start was left out", card(late, followed)
    yield "card replaced, with address", card(replace(one, state=State.REPLACED), None, newer=LINK)
    yield "card struck out", struck(one, LINK)
    for number, event in enumerate(events(one)):
        name = f"{number} {type(event).__name__} {getattr(event, 'status', '')}".strip()
        now = current(submitted, replace(upgrade, status=getattr(event, "status", "SCHEDULED")))
        if isinstance(event, Answered):
            yield f"private {name}", notes.private(event)
            continue
        yield f"thread {name}", notes.thread(event, now)
        yield f"channel {name}", notes.channel(event, now)
        yield f"channel, outside Slack {name}", notes.channel(outside(event), current(None, followed))
        yield f"direct {name}", notes.direct(event, now)
    waiting = [
        Waiting(number=number, event=event, current=current(submitted))
        for number, event in enumerate(events(one))
        if not isinstance(event, Answered)
    ]
    for number, page in enumerate(digest(waiting, total=len(waiting))):
        yield f"digest, page {number + 1}", page.message


def _texts(base: UpgradeRequest | None) -> dict[str, Any]:
    return {"outcome": base.outcome} if base and base.outcome else {}
