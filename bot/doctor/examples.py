"""An example of every kind of message and view that the bot can make, built from one request and one rollout.

`doctor --blocks` shows them to Slack, and the tests read all of them.
"""
# ruff: noqa: ANN401 - a builder takes whatever the fields are

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.calendar import Freeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Environment, Organisation
from bot.domain.events import (
    About,
    AcknowledgementMissing,
    AlertsBegan,
    Answered,
    AnyEvent,
    ApproversReminded,
    EmergencyAcknowledged,
    EmergencyRequested,
    ReadinessChanged,
    RequestApproved,
    RequestExpired,
    RequestRejected,
    RequestReplaced,
    RequestWithdrawn,
    RolloutAsks,
    RolloutFailed,
    RolloutMoved,
    RolloutMovedOn,
    RolloutNear,
    SawAgain,
    StatusMoved,
    SubmissionFailed,
    SubmissionUnclear,
    ToldCluster,
    UpgradeOverran,
    UpgradeRequested,
    UpgradeStale,
    UpgradeSubmitted,
    VoteCast,
    VotesVoided,
    VoteTakenBack,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
    WindowNear,
)
from bot.domain.findings import Able, Action, Frozen, MayNotFreeze, MayNotRequest
from bot.domain.fleet import fleet as fleet_of
from bot.domain.form import Form
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.naming import PLAIN, Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.readiness import Alert, NodePool, Readiness, ReadinessReading, Unread, readiness
from bot.domain.request import RequestId, State, UpgradeRequest, Vote
from bot.domain.rollout import WAITS, NextWave, Plan, PlannedCluster, Progress, Rollout, RolloutId, RolloutState
from bot.domain.scheduled import INFERRED, ScheduledUpgrade, UpgradeIdentity
from bot.domain.slots import Slots
from bot.domain.windows import MaintenanceSchedule, WeeklyWindow, Window
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import blocks, fleet, notes, rollout_notes
from bot.notifications import readiness as readiness_words
from bot.notifications.blocks import Message
from bot.notifications.card import card, retired, struck
from bot.notifications.console import Console
from bot.notifications.context import MessageContext
from bot.notifications.digest import Waiting, digest
from bot.notifications.freeze import affected_view, freeze_message, freeze_over, listed, was_lifted, was_set
from bot.notifications.home import closed, home
from bot.notifications.links import Links
from bot.notifications.rollout_card import clusters_view, list_line, rollout_card, rollout_thread
from bot.slack import card_modals, listing
from bot.slack.form import freeze as freeze_form
from bot.slack.form import modal
from bot.slack.form import rollout as rollout_form
from bot.slack.form.directory import Index
from bot.slack.form.freeze import FreezeForm
from bot.slack.form.modal import ModalMetadata
from bot.workflow.fleet import FleetLine, FleetPage, FleetPlace
from bot.workflow.freezing import AffectedByFreeze, AllFreezes, PolicyFreeze
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import about
from bot.workflow.repositories import Feed, Source
from bot.workflow.viewing import ClusterView, FormView, HomeView, Overview

NOON: Final = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ROOS, SEM, KIM = MemberId("U0ROOS"), MemberId("U0SEM"), MemberId("U0KIM")
"""Roos asks, Sem and Kim approve."""
LINK = "https://team.slack.com/archives/C0UPGRADES/p1700000000000100?thread_ts=1&cid=C0UPGRADES"
ON_CALL = "S0ONCALL"
RULE: Final = Rule(
    environment="production",
    channel="C0UPGRADES",
    approvers=("S0PLATFORM", KIM),
    on_call=(ON_CALL,),
    zone=ZoneInfo("Europe/Amsterdam"),
    freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 9), reason="Sinterklaas peak"),),
    override=True,
)
_CHANGE: Final = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "https://itsm.example.com/{change}")
_CONSOLE: Final = Console(pattern="https://console.avisi.cloud/{organisation}/{environment}/clusters/{cluster}")
_LINKS: Final = Links(workspace=lambda: "https://team.slack.com", console=_CONSOLE)
_ACME: Final = Organisation("acme")
_WEB: Final = ClusterIdentity("0b54a5bd-0a1c-4d2c-9d84-5a3f3b7a1c01")
_OLD, _NEW = "v1.30.6-u-ame.3", "v1.31.4-u-ame.2"


def a_window(start: datetime = NOON + timedelta(days=1)) -> Window:
    """Build a window of three hours."""
    return Window(start=start, end=start + timedelta(hours=3))


REQUEST: Final = UpgradeRequest(
    id=RequestId("r1"),
    organisation=_ACME,
    cluster_identity=_WEB,
    environment="production",
    cluster="web",
    from_version=_OLD,
    to_version=_NEW,
    start=None,
    ignore_windows=False,
    override=False,
    reason="CVE fixes",
    requester=ROOS,
    requested_at=NOON,
    deadline=NOON + timedelta(hours=48),
    required=2,
    channel="C0UPGRADES",
    state_since=NOON,
)
UPGRADE: Final = ScheduledUpgrade(
    organisation=_ACME,
    identity=UpgradeIdentity("5f3c1d52-7a55-4a43-8a5e-1f0d8f2f1a01"),
    cluster_identity=_WEB,
    environment="production",
    cluster="web",
    from_version=_OLD,
    to_version=_NEW,
    status="SCHEDULED",
    status_since=NOON,
    window=a_window(),
)
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
    return replace(REQUEST, **({"state": state} | LIFE[state] | changes))


def with_status(status: str, **changes: Any) -> ScheduledUpgrade:
    """Build a scheduled upgrade with a status."""
    reason = "The control plane did not come back." if status == "FAILED" else ""
    return replace(UPGRADE, **({"status": status, "reason": reason} | changes))


def judged(of: UpgradeRequest, *, alerts: int | None = 0) -> Readiness:
    """Judge a request of a monitored cluster with so many alerts firing, None while they are being read."""
    name = of.outcome or "KubeNodeNotReady"
    return readiness(
        kubernetes_facts(),
        replace(_CLUSTER, version=of.from_version, tenant="acme-web"),
        target=of.to_version,
        on_offer=(of.to_version,),
        pools=(NodePool(name=of.outcome or "workers", strategy="REPLACE", zone="a"),),
        alerts=Unread(why="not read yet", pending=True)
        if alerts is None
        else tuple(Alert(name=name, key=str(number), active_at=NOON) for number in range(alerts)),
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
        EmergencyRequested(about=what, mention=(*notify, ON_CALL), reason=theirs or "The API server leaks secrets"),
        EmergencyRequested(about=what, mention=notify, reason=theirs or "The API server leaks secrets", approvals=1),
        EmergencyAcknowledged(about=what, by=KIM),
        AcknowledgementMissing(about=what, mention=notify),
        VoteCast(about=what, by=SEM, count=1, required=2),
        VoteCast(about=what, by=SEM, count=1, required=2, comment=theirs or "Tried it in staging."),
        VoteCast(about=what, by=KIM, count=2, required=2, supersedes="v1.31.9-u-ame.9"),
        VoteTakenBack(about=what, by=SEM, count=0, required=2),
        RequestApproved(about=what),
        RequestApproved(about=what, by=SEM),
        RequestRejected(about=what, by=SEM, reason=theirs or "Not in the week of the fair"),
        RequestWithdrawn(about=what, by=ROOS),
        RequestExpired(about=what, deadline=of.deadline),
        RequestReplaced(about=what, by_request=RequestId("newer"), by=KIM),
        RequestReplaced(about=what, by_request=RequestId("newer"), by=KIM, voter=SEM),
        VotesVoided(
            about=what,
            mention=notify,
            changes=of.changes or ("production/web now runs v1.30.9; it ran v1.30.6 when this was requested.",),
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
        WindowMoved(about=what, status="SCHEDULED", window=window, from_window=window, ends_alarm=True),
        StatusMoved(about=what, status="SUCCEEDED", from_status="IN_PROGRESS", window=window, ends_alarm=True),
        WindowBrokeRule(
            about=what, mention=(ROOS,), window=window, rule=theirs or "production is frozen Dec 20 to Jan 3."
        ),
        WindowNear(about=what, window=window, hours=24),
        UpgradeOverran(about=what, window=window),
        UpgradeStale(about=what, since=NOON - timedelta(hours=24), mention=(ROOS,)),
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


def messages(base: UpgradeRequest | None = None) -> Iterator[tuple[str, Message]]:
    """Yield every message with its name; `base` lends its texts to all requests."""
    one = base or in_state(State.PENDING_APPROVAL)
    for state in State:
        yield f"card {state}", card(replace(one, **(LIFE[state] | {"state": state} | _texts(base))), None, rule=RULE)
    reading = ReadinessReading(number=7, at=NOON, readiness=judged(one, alerts=40))
    yield "card with readiness", card(one, None, rule=RULE, readiness=reading)
    submitted = replace(one, state=State.SUBMITTED, window=a_window())
    upgrade = replace(UPGRADE, cluster=one.cluster, environment=one.environment, to_version=one.to_version)
    for status in STATUSES:
        upgrade = replace(upgrade, status=status, reason=one.outcome or with_status(status).reason)
        yield f"card {status}", card(submitted, upgrade, rule=RULE, console=_CONSOLE)
    followed = replace(upgrade, status="SCHEDULED")
    yield "card without status", card(submitted, followed, source=Source.CLUSTERS)
    yield "card without anything", card(replace(submitted, window=None), None, source=Source.CLUSTERS)
    drifted = replace(
        one,
        override=True,
        changes=one.changes or ("production/web now runs v1.30.9; it ran v1.30.6 when this was requested.",),
    )
    yield "card with override, changed", card(drifted, None, rule=RULE)
    emergency = replace(one, state=State.APPROVED, emergency=True, required=0, votes=())
    yield "card of an emergency", card(emergency, None, rule=RULE)
    seen = replace(emergency, acknowledged_by=KIM, acknowledged_at=NOON)
    yield "card of an emergency, acknowledged", card(seen, None, rule=RULE)
    commented = replace(one, votes=(Vote(member=SEM, at=NOON, comment=one.outcome or "Tried it in staging."),))
    yield "card with a comment", card(commented, None, rule=RULE)
    at_once = replace(one, ignore_windows=True, start=NOON + timedelta(days=2), deadline=NOON + timedelta(days=2))
    yield "card outside maintenance windows", card(at_once, None, rule=RULE)
    soon = replace(one, estimate=a_window(NOON + timedelta(hours=9)), deadline=NOON + timedelta(days=2))
    yield "card whose window comes before its deadline", card(soon, None, rule=RULE)
    late = replace(submitted, start=NOON, start_left_out=True)
    with_number = replace(one, change=one.outcome or "CHG0012345")
    yield "card with a change number", card(with_number, None, rule=replace(RULE, change=_CHANGE))
    yield "card whose start was left out", card(late, followed)
    yield "card replaced, with address", card(replace(one, state=State.REPLACED), None, newer=LINK)
    yield "card struck out", struck(one, LINK)
    yield "card without buttons", retired(one)
    for number, event in enumerate(events(one)):
        name = f"{number} {type(event).__name__} {getattr(event, 'status', '')}".strip()
        name += ", all clear" if getattr(event, "ends_alarm", False) else ""
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
    for number in (0, 8, 500):
        yield f"fleet, {number} clusters", fleet.answer(_fleet(one, number, size=fleet.PRESSING), naming=PLAIN)
    for number, page in enumerate(digest(waiting, total=len(waiting))):
        yield f"digest, page {number + 1}", page.message

    yield from _rollout_messages(one)
    yield from _freeze_messages(one, upgrade)
    yield from _answers(one, upgrade)


def views(base: UpgradeRequest | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every view with its name, as Slack takes it; `base` lends its texts to all requests."""
    one = base or in_state(State.PENDING_APPROVAL)
    for name, shown in _forms(one):
        yield f"form {name}", modal.draw(shown, index=_INDEX, held=_HELD, notes=["1.31 was read as v1.31.4-u-ame.2."])
    yield "form, loading", modal.loading(_HELD)
    yield "form, unreadable", modal.trouble(_HELD, "Avisi Cloud does not answer.")
    yield "form, nothing", modal.nothing(_HELD, (_ACME,))
    about = card_modals.About(request_id=one.id, seal=one.seal)
    yield "rejection", card_modals.draw_rejection(about, one, PLAIN)
    yield "approval with a comment", card_modals.draw_comment(about, one, PLAIN)
    yield "window", card_modals.draw_window(about, one, PLAIN)
    for number in (0, 40):
        found = judged(one, alerts=number)
        note = readiness_words.as_read(NOON)
        yield f"readiness, {number} alerts", readiness_words.modal(one, found, note=note, naming=PLAIN).payload()
    yield "home", home(_home(one), links=_LINKS).payload()
    yield "home, empty", home(replace(_home(one), upgrades=(), waiting=(), own=())).payload()
    many = tuple(replace(one, id=RequestId(f"r{number}")) for number in range(30))
    yield "home, long", home(replace(_home(one), upgrades=(UPGRADE,) * 60, waiting=many, page=1)).payload()
    yield "home, closed", closed("Only full members of this workspace may use this.").payload()
    for number in (0, 8, 500):
        page = _fleet(one, number, size=fleet.A_PAGE)
        yield f"fleet modal, {number} clusters", fleet.modal(page, naming=PLAIN).payload()
    for name, filled in _plans():
        counted = rollout_form.Counted(waves=((_CLUSTER,), (_OTHER,)), left_out=({}, {"already there": 3}))
        yield f"rollout form {name}", rollout_form.draw(filled, counted, _INDEX, (_NEW, _OLD))
    frozen = replace(_FREEZE, reason=one.reason)
    yield "freeze form", freeze_form.draw(FreezeForm(), _FREEZE.places, PLAIN)
    said = FreezeForm(
        environments=("all", "acme/staging"), until=_FREEZE.until, notes=("Until was read as sat 18:00.",)
    )
    yield "freeze form, filled in", freeze_form.draw(said, _FREEZE.places * 80, PLAIN)
    affected = AffectedByFreeze(upgrades=((replace(UPGRADE, cluster=one.cluster), one),) * 120, unknown=1)
    yield "within a freeze", affected_view(frozen, affected, channel="C0UPGRADES", naming=PLAIN, page=1).payload()
    yield "rollout rejection", rollout_form.ask_why(_rollout().id, _rollout().seal)
    yield "rollout clusters", clusters_view(_rollout()).payload()
    large = replace(_rollout(), clusters=_rollout().clusters * 60)
    yield "rollout clusters, page 2", clusters_view(large, page=1).payload()


def _fleet(one: UpgradeRequest, number: int, *, size: int) -> FleetPage:
    """Build a page of a fleet of so many clusters, with the texts of a request."""
    place = FleetPlace(organisation=_ACME, environment=one.environment)
    clusters = tuple(
        replace(
            _CLUSTER,
            slug=f"{one.cluster}-{count}",
            environment=one.environment,
            version=f"v1.{25 + count % 12}.4-u-ame.3",
        )
        for count in range(number)
    )
    catalog = Catalog(organisation=_ACME, fetched_at=NOON, clusters=clusters, versions=(_NEW, _OLD))
    found = fleet_of([catalog], kubernetes_facts(), today=NOON.date())
    lines = tuple(
        FleetLine(
            cluster=cluster,
            ends=date(2026, 10, 27) if count % 3 else None,
            recommended=one.to_version if count % 2 else "",
            upgrade=None if count % 4 else replace(UPGRADE, to_version=one.to_version),
            window=a_window() if count % 5 else None,
        )
        for count, cluster in enumerate(found.clusters[:size])
    )
    return FleetPage(place=place, fleet=found, lines=lines, page=0, pages=max(1, -(-number // size)))


_CLUSTER: Final = Cluster(
    identity=_WEB,
    organisation=_ACME,
    environment="production",
    slug="web",
    name="Web",
    version=_OLD,
    status="running",
    channel="stable",
    channel_version=_NEW,
    schedule=MaintenanceSchedule(
        identity="s1", name="weekend", windows=(WeeklyWindow(weekday=6, start=time(2), minutes=180),)
    ),
)
_OTHER: Final = replace(
    _CLUSTER, identity=ClusterIdentity("0b54a5bd-0a1c-4d2c-9d84-5a3f3b7a1c02"), environment="staging", slug="data"
)
_INDEX: Final = Index(
    [
        Catalog(
            organisation=_ACME,
            fetched_at=NOON,
            clusters=(_CLUSTER, _OTHER),
            environments=tuple(
                Environment(organisation=_ACME, slug=name, name=name.capitalize(), kind=name)
                for name in ("production", "staging")
            ),
            versions=(_NEW, _OLD),
        )
    ]
)
_HELD: Final = ModalMetadata(replaces=REQUEST.id, words=("web", "1.31"), in_home=True)
_FEEDS: Final = (
    Feed(organisation=_ACME, source=Source.ORGANISATION, read_at=NOON),
    Feed(organisation=_ACME, source=Source.ORGANISATION, read_at=NOON, blind_since=NOON, error="no answer"),
)
_RULE: Final = Rule(
    environment="production",
    channel="C0UPGRADES",
    approvers=("S0PLATFORM", SEM),
    required_approvals=2,
    on_call=(ON_CALL,),
    override=True,
    freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 9), reason="Sale"),),
)


def _forms(one: UpgradeRequest) -> Iterator[tuple[str, FormView]]:
    empty = FormView(
        form=Form(),
        cluster=None,
        rule=None,
        on_offer=(),
        recommended=None,
        estimate=None,
        broken=(),
        notes=(),
        may_override=False,
        scheduled=None,
        waiting=None,
    )
    yield "empty", empty
    yield "nothing on offer", replace(empty, cluster=_CLUSTER, rule=_RULE)
    chosen = replace(
        empty,
        form=Form(cluster_identity=_WEB, version=_NEW),
        cluster=_CLUSTER,
        rule=_RULE,
        on_offer=(_NEW,),
        recommended=_NEW,
        estimate=a_window(),
        readiness=judged(one, alerts=40),
        slots=Slots(starts=tuple(NOON + timedelta(days=5 + week, hours=14) for week in (0, 7, 14))),
        reader=ZoneInfo("Europe/Amsterdam"),
    )
    yield "filled in", chosen
    able = Able(action=Action.REQUEST_THERE, everyone=False, members=(SEM, KIM))
    may_not = MayNotRequest(environment=one.environment, able=able)
    yield "who may not request", replace(chosen, may_not=may_not, barred=frozenset({(_ACME, "production")}))
    yield (
        "no time fits",
        replace(chosen, slots=Slots(starts=(), broken=Frozen(environment="production", freeze=_RULE.freeze[0]))),
    )
    full = Form(
        cluster_identity=_WEB,
        version=_NEW,
        start=NOON,
        ignore_windows=True,
        override=True,
        reason=one.reason,
        change="CHG0012345",
    )
    frozen = Frozen(environment="production", freeze=_RULE.freeze[0], can_override=True)
    yield (
        "with everything",
        replace(
            chosen,
            form=full,
            rule=replace(_RULE, change=_CHANGE),
            broken=(frozen,),
            notes=(frozen,),
            may_override=True,
            scheduled=UPGRADE,
            waiting=one,
        ),
    )


def _home(one: UpgradeRequest) -> HomeView:
    return HomeView(
        member=SEM,
        upgrades=(UPGRADE, with_status("IN_PROGRESS")),
        waiting=(one,),
        own=tuple(replace(one, **LIFE[state], id=RequestId(state), state=state) for state in State),
        feeds=_FEEDS,
        now=NOON,
        cards={one.id: MessageRef(channel="C0UPGRADES", ts="1796038800.000100")},
        rollouts=(_rollout(), _rollout(state=RolloutState.HALTED, outcome="no success")),
        policy=Policy(default=_RULE),
    )


def _answers(one: UpgradeRequest, upgrade: ScheduledUpgrade) -> Iterator[tuple[str, Message]]:
    """Yield what the words of the command answer."""
    several = Naming(several=True)
    upgrades = (upgrade, replace(upgrade, status="IN_PROGRESS"), replace(upgrade, window=None))
    cards = {one.id: MessageRef(channel="C0UPGRADES", ts="1796038800.000100")}
    listed = Overview(upgrades=upgrades, requests=(one,), feeds=_FEEDS, cards=cards)
    yield "list", listing.overview(listed, links=_LINKS)
    yield "list, empty", listing.overview(Overview(upgrades=(), requests=(), feeds=_FEEDS), where="staging")
    yield "list, long", listing.overview(replace(listed, upgrades=upgrades * 60, more=True), naming=several)
    shown = ClusterView(cluster=_CLUSTER, upgrades=upgrades, requests=(one,), feed=_FEEDS[0])
    yield "status", listing.one_cluster(shown, links=_LINKS)
    shown = replace(shown, target=one.to_version, readiness=judged(one, alerts=3))
    yield "status, with readiness", listing.one_cluster(shown)
    being_read = replace(shown, readiness=judged(one, alerts=None))
    yield "status, filled in", listing.filled_in(being_read, judged(one, alerts=3))
    policy = Policy(default=_RULE, environments={"staging": Rule(environment="staging", required_approvals=0)})
    not_understood = "No cluster is called `paymnets`. Did you mean `production/payments`?"
    yield "not understood", listing.sentence(f"{not_understood} `/schedule-upgrade help` lists everything.")
    yield "help", listing.explained("/schedule-upgrade", policy, naming=several)


def _rollout(**changes: Any) -> Rollout:
    waves = tuple(
        (PlannedCluster(identity=one.identity, environment=one.environment, cluster=one.slug),)
        for one in (_CLUSTER, _OTHER)
    )
    plan = Plan(organisation=_ACME, name="Winter", version=_NEW, waves=waves, reason="CVE fixes", change="CHG0000001")
    begun = Rollout.of(
        plan,
        id=RolloutId("rollout-1"),
        requester=ROOS,
        channel="C0UPGRADES",
        time_to_vote=timedelta(hours=48),
        at=NOON,
    )
    return replace(begun, **changes)


_POLICY: Final = Policy(default=_RULE)
_FREEZE: Final = UpgradeFreeze(
    id=FreezeId("freeze-1"),
    places=tuple(
        FrozenPlace(organisation=_ACME, environment=name, channel="C0UPGRADES") for name in ("production", "staging")
    ),
    by=SEM,
    since=NOON,
    until=NOON + timedelta(days=2, hours=6),
    reason="Incident 4711: payments are down",
)


def _freeze_messages(one: UpgradeRequest, upgrade: ScheduledUpgrade) -> Iterator[tuple[str, Message]]:
    reason = one.reason or _FREEZE.reason
    places = tuple(replace(place, environment=one.environment) for place in _FREEZE.places)
    frozen, other = replace(_FREEZE, reason=reason), replace(_FREEZE, id=FreezeId("freeze-2"), by=KIM, places=places)
    asked = replace(one, state=State.SUBMITTED)
    outside_slack = replace(upgrade, status="SCHEDULED", request_id=None)
    scheduled = (replace(upgrade, status="SCHEDULED", window=a_window(NOON + timedelta(days=1))), asked)
    full = AffectedByFreeze(
        upgrades=(*((scheduled,) * 4), (outside_slack, None), *((scheduled,) * 7)),
        unknown=2,
        underway=(one,) * 12,
        expiring=3,
        others=(other,),
    )
    lifted = replace(frozen, lifted_by=KIM, over_at=NOON + timedelta(hours=3))
    for name, freeze, affected in (
        ("", frozen, AffectedByFreeze()),
        (", everything", replace(frozen, places=places * 8), full),
        (", lifted", lifted, full),
        (", ended", frozen.end(at=frozen.until), full),
    ):
        drawn = freeze_message(freeze, affected, channel="C0UPGRADES", naming=PLAIN, zone=UTC, now=NOON)
        yield f"freeze{name}", drawn
        yield f"freeze, thread{name}", freeze_over(freeze, affected, naming=PLAIN, zone=UTC)
    of_policy = PolicyFreeze(
        freeze=_RULE.freeze[0], places=places, begins=NOON + timedelta(days=1), ends=NOON + timedelta(days=9)
    )
    every = AllFreezes(set_by_people=(frozen, other) * 12, of_policy=(of_policy,))
    yield "freezes", listed(every, naming=PLAIN, now=NOON)
    yield "freezes, none", listed(AllFreezes(set_by_people=(), of_policy=()), naming=PLAIN, now=NOON)
    refused = MayNotFreeze(environment="production", able=Able(action=Action.FREEZE, everyone=False, members=(SEM,)))
    about_nothing = About(organisation="", environment="", cluster="", from_version="", to_version="")
    for name, text in (("set", was_set(frozen, [refused] * 8)), ("lifted", was_lifted(frozen))):
        yield f"private, freeze {name}", notes.private(Answered(about=about_nothing, text=text))


def _rollout_messages(base: UpgradeRequest) -> Iterator[tuple[str, Message]]:
    for state in RolloutState:
        yield (
            f"rollout card {state}",
            rollout_card(_rollout(state=state, outcome="2 of 5 failed", ended_by=SEM), _POLICY),
        )
    clusters = _rollout().clusters
    for why in sorted(WAITS):
        waiting = tuple(replace(one, why=why, until=NOON) for one in clusters)
        yield f"rollout card, {why}", rollout_card(_rollout(state=RolloutState.RUNNING, clusters=waiting), _POLICY)
    for progress in Progress:
        moved = tuple(replace(one, progress=progress) for one in clusters)
        yield f"rollout card, {progress}", rollout_card(_rollout(state=RolloutState.RUNNING, clusters=moved), _POLICY)
    steps = ("Wave 1 is open.", "production/web was handed over.")
    about_it = About(organisation=_ACME, environment="", cluster="", from_version="", to_version=_NEW)
    event = RolloutMoved(about=about_it, mention=(ROOS,), rollout="rollout-1", name="Winter", steps=steps)
    yield "rollout thread", rollout_thread([event])
    told = tuple(
        ToldCluster(
            name=one.planned.full_name, window=a_window(NOON + timedelta(days=1)), detail="The quota is used up"
        )
        for one in clusters
    )
    fields: dict[str, Any] = {"about": about_it, "rollout": "rollout-1", "name": "Winter", "wave": 1}
    asks = RolloutAsks(**fields, environments=("production", "staging"))
    moved_on = RolloutMovedOn(**fields, status="SCHEDULED", clusters=told)
    near = RolloutNear(**fields, hours=24, clusters=told * 30)
    failed = RolloutFailed(**fields, mention=(ROOS,), why="no final status", clusters=told)
    posted: tuple[AnyEvent, ...] = (asks, moved_on, replace(moved_on, clusters=told[:1]), near, failed)
    for number, said in enumerate(posted):
        yield f"rollout, channel {number}", rollout_notes.channel(said, LINK)
    unclear = SubmissionUnclear(about=about_it, mention=(SEM,), reason="")
    of_rollout = replace(base, state=State.SUBMISSION_UNCLEAR, rollout="rollout-1")
    yield "rollout, unclear", rollout_notes.question(of_rollout, unclear, PLAIN)
    lines = [list_line(_rollout(state=state), _POLICY) for state in RolloutState]
    yield "rollouts", blocks.message("\n".join(lines), *(blocks.section(line) for line in lines))


def _plans() -> Iterator[tuple[str, rollout_form.Filled]]:
    yield "empty", rollout_form.Filled()
    waves = (("env:acme/production",), (_OTHER.identity,), (), (), ())
    filled = rollout_form.Filled(name="Winter", version=_NEW, waves=waves, not_before=NOON, ignore_windows=True)
    yield "filled in", replace(filled, next_wave=NextWave.OPENS, reason="CVE fixes")


def _texts(base: UpgradeRequest | None) -> dict[str, Any]:
    return {"outcome": base.outcome} if base and base.outcome else {}
