"""What a person fills in, and what is wrong with it: the same checks for the modal, the decision and the submission."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from bot.domain.calendar import frozen_by, is_allowed
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity
from bot.domain.foreign import clean
from bot.domain.policy import Rule
from bot.domain.versions import none_offered
from bot.domain.windows import Window, next_window

LEAD = timedelta(minutes=5)
HORIZON = timedelta(days=365)
TOO_FAR = "Choose a time within a year."
LONGEST_REASON = 500
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class FormField(StrEnum):
    """The fields of the modal that an error can stand at."""

    CLUSTER = "cluster"
    VERSION = "version"
    START = "start"
    OVERRIDE = "override"
    REASON = "reason"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something wrong with a form, and the field where the person should read it."""

    field: FormField
    text: str


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
    """Return what the rules judge: when the upgrade would run, and where nothing can tell, the wanted start or now.

    None while windows are ignored and no start is chosen yet.
    """
    when = occasion(cluster, start=start, ignore_windows=ignore_windows, now=now, zone=zone)
    if when is not None or ignore_windows:
        return when
    moment = max(start or now, now)
    return Window(start=moment, end=moment)


def forbidding(rule: Rule, when: Window | None, *, override: bool) -> str | None:
    """Return the sentence of the freeze or allowed time that forbids running then; None when nothing does."""
    if when is None:
        return None
    if (freeze := frozen_by(rule.freeze, when, rule.zone)) and not (override and rule.override):
        return f"{rule.environment} is frozen {freeze.words}."
    if not is_allowed(rule.allowed, when, rule.zone):
        times = ", ".join(allowed.text for allowed in rule.allowed)
        return f"Upgrades in {rule.environment} may only run {times} ({rule.zone})."
    return None


def breach(rule: Rule, when: Window | None, *, override: bool) -> str | None:
    """Return what forbids running then and what whoever fills in the form can do; None when nothing does."""
    sentence = forbidding(rule, when, override=override)
    if sentence is None:
        return None
    can_override = rule.override and not override and is_frozen(rule, when)
    return f"{sentence} Choose another time." + (" Tick Override freeze if it cannot wait." if can_override else "")


def overriding(rule: Rule, when: Window | None, *, override: bool) -> str | None:
    """Return the sentence of the freeze that is overridden, and what that takes; None when none is."""
    freeze = frozen_by(rule.freeze, when, rule.zone) if when and override and rule.override else None
    if freeze is None:
        return None
    needed = rule.approvals_needed(override=True)
    return (
        f"This overrides a freeze: {rule.environment} is frozen {freeze.words}. "
        f"It takes a reason and {needed} approval{'s' if needed != 1 else ''}, one more than otherwise."
    )


def unproven(rule: Rule, version: str, *, succeeded: Mapping[str, datetime], at: datetime) -> str | None:
    """Return the sentence of the first environment where the version will not have run long enough; None if it will.

    `succeeded` maps environments to the moment at which the same version first succeeded there, `at` is when the
    upgrade would start.
    """
    for environment, wait in rule.after:
        since = succeeded.get(environment)
        if since is None:
            return (
                f"{version} has to run in {environment} for {_length(wait)} before it may go to {rule.environment}, "
                f"and no upgrade to it has succeeded there yet."
            )
        if at - since < wait:
            return (
                f"{version} has to run in {environment} for {_length(wait)} before it may go to {rule.environment}. "
                f"It has since {since:%Y-%m-%d %H:%M} UTC, so this is possible from {since + wait:%Y-%m-%d %H:%M} UTC."
            )
    return None


def is_frozen(rule: Rule, when: Window | None) -> bool:
    """Whether a freeze covers the time."""
    return when is not None and frozen_by(rule.freeze, when, rule.zone) is not None


def problems(  # noqa: C901 - one check after another, each a line of the contract
    form: Form,
    *,
    catalog: Catalog,
    rule: Rule,
    now: datetime,
    zone: tzinfo,
    succeeded: Mapping[str, datetime],
    lead: timedelta = LEAD,
) -> tuple[Problem, ...]:
    """Check a filled-in form; empty when it may be requested. `lead` is how far ahead a start has to be."""
    cluster = catalog.by_identity.get(form.cluster_identity) if form.cluster_identity else None
    if cluster is None:
        return (Problem(field=FormField.CLUSTER, text="Choose a cluster."),)
    found: list[Problem] = []
    wrong_start = _wrong_start(form, now=now, lead=lead)
    when = (
        None
        if wrong_start
        else judged_time(cluster, start=form.start, ignore_windows=form.ignore_windows, now=now, zone=zone)
    )
    on_offer = catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade)
    if form.named not in {"", clean(cluster.full_name)}:
        renamed = f"What you chose as {form.named} is called {cluster.full_name} now. Please choose the cluster again."
        found.append(Problem(field=FormField.CLUSTER, text=renamed))
    elif not on_offer:
        none = none_offered(cluster.full_name, cluster.version)
        found.append(Problem(field=FormField.CLUSTER, text=none))
    elif form.version not in on_offer:
        unknown = "This version is no longer on offer." if form.version else "Choose a version."
        found.append(Problem(field=FormField.VERSION, text=unknown))
    elif too_soon := unproven(rule, form.version, succeeded=succeeded, at=when.start if when else now):
        found.append(Problem(field=FormField.VERSION, text=too_soon))
    if wrong_start:
        found.append(Problem(field=FormField.START, text=wrong_start))
    elif forbidden := breach(rule, when, override=form.override):
        found.append(Problem(field=FormField.START, text=forbidden))
    if not form.reason.strip():
        if form.override:
            found.append(Problem(field=FormField.REASON, text="Say why the freeze must be overridden."))
        elif rule.reason_required:
            found.append(Problem(field=FormField.REASON, text=f"{rule.environment} asks for a reason."))
    elif len(form.reason) > LONGEST_REASON:
        found.append(Problem(field=FormField.REASON, text=f"Use at most {LONGEST_REASON} characters."))
    return tuple(found)


def _wrong_start(form: Form, *, now: datetime, lead: timedelta) -> str | None:
    if form.start is None:
        return "Choose a start, because maintenance windows are ignored." if form.ignore_windows else None
    if form.start < now + lead:
        return "Choose a time at least 5 minutes from now."
    if form.start > now + HORIZON:
        return TOO_FAR
    return None


def is_within_reach(start: datetime, now: datetime) -> bool:
    """Whether a start is near enough to be counted with; years such as 1 and 9999 are at the end of the calendar."""
    return abs(start - now) <= HORIZON


def _length(span: timedelta) -> str:
    """Say a length in the largest unit that makes it whole: `3 days`, `36 hours`, `30 minutes`."""
    seconds = round(span.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'s' if count != 1 else ''}"
