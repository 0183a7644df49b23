"""What a person fills in, and the rules as pure functions of it: one set for form, decision, submission and search."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.domain.calendar import is_allowed
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity
from bot.domain.findings import (
    BreaksRule,
    ChangeMismatch,
    ChangeMissing,
    ClusterNotChosen,
    ClusterRenamed,
    EmergencyNotAllowed,
    EmergencyTooFar,
    Finding,
    Frozen,
    NothingOffered,
    NotLongEnoughAfter,
    OutsideAllowed,
    OverridesFreeze,
    ReasonMissing,
    ReasonTooLong,
    ReasonTooShort,
    StartMissing,
    TooFar,
    TooSoon,
    VersionNotChosen,
    VersionNotOffered,
)
from bot.domain.foreign import clean
from bot.domain.policy import Rule
from bot.domain.windows import Window, next_window

LEAD = timedelta(minutes=5)
HORIZON = timedelta(days=365)
LONGEST_REASON = 500
EMERGENCY_WITHIN = timedelta(hours=24)
"""An emergency begins within this, or it can wait for approvals."""
EMERGENCY_FOR = timedelta(hours=1)
"""An emergency that is not submitted by then expires."""
SHORTEST_EMERGENCY_REASON = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The modal's fields as filled in; None and empty where nothing was chosen yet. `start` is aware UTC.

    `named` is what the cluster was called (`environment/slug`) when it was chosen.
    """

    cluster_identity: ClusterIdentity | None = None
    version: str | None = None
    start: datetime | None = None
    ignore_windows: bool = False
    override: bool = False
    reason: str = ""
    named: str = ""
    emergency: bool = False
    change: str = ""


def occasion(
    cluster: Cluster, *, start: datetime | None, ignore_windows: bool, now: datetime, zone: tzinfo
) -> Window | None:
    """Return when the upgrade would run: the start as a moment, or the estimated window; None when nothing can tell.

    `zone` is the one in which maintenance windows are read.
    """
    if ignore_windows:
        return None if start is None else Window(start=start, end=start)
    if cluster.schedule is None:
        return None
    return next_window(cluster.schedule, after=max(start or now, now), zone=zone)


def judged_time(
    cluster: Cluster, *, start: datetime | None, ignore_windows: bool, now: datetime, zone: tzinfo
) -> Window | None:
    """Return the time that the rules are checked for: when the upgrade would run, else the wanted start or now.

    None while windows are ignored and no start is chosen yet.
    """
    when = occasion(cluster, start=start, ignore_windows=ignore_windows, now=now, zone=zone)
    if when is not None or ignore_windows:
        return when
    moment = max(start or now, now)
    return Window(start=moment, end=moment)


def broken_rules(
    rule: Rule, version: str, *, when: Window | None, override: bool, succeeded: Mapping[str, datetime], now: datetime
) -> Iterator[BreaksRule]:
    """Yield what forbids this version at this time: first the time itself, then `after`.

    `when` is None while the time is not known; then `after` is checked for `now`. `succeeded` maps environments to the
    moment at which the same version first succeeded there.
    """
    if (forbidden := forbidden_time(rule, when, override=override)) is not None:
        yield forbidden
    at = when.start if when else now
    if (unproven := not_long_enough(rule, version, succeeded=succeeded, at=at)) is not None:
        yield unproven


def forbidden_time(rule: Rule, when: Window | None, *, override: bool) -> Frozen | OutsideAllowed | None:
    """Return the freeze or the allowed times that forbid running then; None when nothing does."""
    if when is None:
        return None
    if (freeze := rule.frozen_by(when)) and not (override and rule.override):
        can_override = rule.override and not override
        return Frozen(environment=rule.environment, freeze=freeze, can_override=can_override)
    if not is_allowed(rule.allowed, when, rule.zone):
        return OutsideAllowed(environment=rule.environment, allowed=rule.allowed, zone=rule.zone)
    return None


def overridden_freeze(rule: Rule, when: Window | None, *, override: bool) -> OverridesFreeze | None:
    """Return the freeze that is overridden, and what that needs; None when none is."""
    freeze = rule.frozen_by(when) if when and override and rule.override else None
    if freeze is None:
        return None
    approvals = rule.approvals_needed(override=True)
    return OverridesFreeze(environment=rule.environment, freeze=freeze, approvals=approvals)


def not_long_enough(
    rule: Rule, version: str, *, succeeded: Mapping[str, datetime], at: datetime
) -> NotLongEnoughAfter | None:
    """Return the first environment where the version will not have run long enough by `at`; None if it will."""
    for earlier, wait in rule.after:
        since = succeeded.get(earlier)
        if since is None or at - since < wait:
            return NotLongEnoughAfter(
                version=version, environment=rule.environment, earlier=earlier, wait=wait, since=since
            )
    return None


def is_frozen(rule: Rule, when: Window | None) -> bool:
    """Whether a freeze covers the time."""
    return when is not None and rule.frozen_by(when) is not None


def problems(
    form: Form,
    *,
    catalog: Catalog,
    rule: Rule,
    now: datetime,
    zone: tzinfo,
    succeeded: Mapping[str, datetime],
    lead: timedelta = LEAD,
) -> tuple[Finding, ...]:
    """Check a filled-in form; empty when it may be requested. `lead` is how far ahead a start has to be."""
    cluster = catalog.by_identity.get(form.cluster_identity) if form.cluster_identity else None
    if cluster is None:
        return (ClusterNotChosen(),)
    wrong_start = _wrong_start(form, now=now, lead=lead)
    when = (
        None
        if wrong_start
        else judged_time(cluster, start=form.start, ignore_windows=form.ignore_windows, now=now, zone=zone)
    )
    on_offer = catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade)
    found: list[Finding | None] = []
    if form.named not in {"", clean(cluster.full_name)}:
        found.append(ClusterRenamed(chosen=form.named, cluster=cluster.full_name))
    elif not on_offer:
        found.append(NothingOffered(cluster=cluster.full_name, version=cluster.version))
    elif not form.version:
        found.append(VersionNotChosen())
    elif form.version not in on_offer:
        found.append(VersionNotOffered(version=form.version))
    else:
        at = when.start if when else now
        found.append(not_long_enough(rule, form.version, succeeded=succeeded, at=at))
    found.append(wrong_start or forbidden_time(rule, when, override=form.override))
    found.append(_wrong_reason(form, rule))
    found.append(wrong_change(rule, form.change))
    found.append(_no_emergency(form, rule, when, now=now))
    return tuple(one for one in found if one is not None)


def _wrong_start(form: Form, *, now: datetime, lead: timedelta) -> StartMissing | TooSoon | TooFar | None:
    if form.start is None:
        return StartMissing() if form.ignore_windows else None
    if form.start < now + lead:
        return TooSoon(lead=LEAD)
    if form.start > now + HORIZON:
        return TooFar()
    return None


def _wrong_reason(form: Form, rule: Rule) -> ReasonMissing | ReasonTooLong | ReasonTooShort | None:
    if form.emergency and len(form.reason.strip()) < SHORTEST_EMERGENCY_REASON:
        return ReasonTooShort(least=SHORTEST_EMERGENCY_REASON)
    if not form.reason.strip():
        if form.override or rule.reason_required:
            return ReasonMissing(environment=rule.environment, override=form.override)
        return None
    return ReasonTooLong(most=LONGEST_REASON) if len(form.reason) > LONGEST_REASON else None


def wrong_change(rule: Rule, change: str) -> ChangeMissing | ChangeMismatch | None:
    """Return what is wrong with a change number; None where it is right, or none is required."""
    if rule.change is None or rule.change.pattern.matches(change.strip()):
        return None
    example = rule.change.pattern.example
    if not change.strip():
        return ChangeMissing(environment=rule.environment, example=example)
    return ChangeMismatch(change=change.strip(), environment=rule.environment, example=example)


def _no_emergency(
    form: Form, rule: Rule, when: Window | None, *, now: datetime
) -> EmergencyNotAllowed | EmergencyTooFar | None:
    if not form.emergency:
        return None
    if not rule.emergency:
        return EmergencyNotAllowed(environment=rule.environment)
    return EmergencyTooFar(within=EMERGENCY_WITHIN) if when and when.start > now + EMERGENCY_WITHIN else None


def is_within_reach(start: datetime, now: datetime) -> bool:
    """Whether a start is near enough to be counted with; years such as 1 and 9999 are at the end of the calendar."""
    return abs(start - now) <= HORIZON
