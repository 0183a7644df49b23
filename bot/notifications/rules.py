"""Words for what speaks against a request or deserves a note: one sentence for each finding, the same everywhere.

Plain text in which people are mentioned as Slack wants it; whoever shows it escapes the rest.
"""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.domain.calendar import AnyFreeze, TimedFreeze
from bot.domain.findings import (
    Able,
    AboutTime,
    Action,
    AlreadyApproved,
    AlreadyRuns,
    CardChanged,
    ChangeMismatch,
    ChangeMissing,
    CheckTookTooLong,
    ClusterDown,
    ClusterGone,
    ClusterMoved,
    ClusterNotChosen,
    ClusterRenamed,
    ClusterWentOn,
    DeadlinePassed,
    EmergencyNeedsAnother,
    EmergencyNotAllowed,
    EmergencyOnlyByApprover,
    EmergencyTooFar,
    EmergencyUnapproved,
    Finding,
    FreezeEnds,
    FreezeIsOver,
    FreezeUnknown,
    Frozen,
    InRollout,
    ListUnread,
    MayNotFreeze,
    MayNotRequest,
    MayNotUseBot,
    MoreApprovalsNeeded,
    NewerRequest,
    NoApprovalToTakeBack,
    NobodyNow,
    NoListToLookIn,
    NoLongerApprover,
    NoLongerRequester,
    NotFrozen,
    NothingFailed,
    NothingOffered,
    NothingToAcknowledge,
    NothingToFreeze,
    NotInList,
    NotInRollout,
    NotItsTurn,
    NotLongEnoughAfter,
    NotNow,
    NotPermitted,
    NoWaveAsks,
    NoWindows,
    OnlyApprovers,
    OnlyApproversOfWave,
    OnlyOfRollout,
    OnlyRequester,
    OnlyRequesterOrApprovers,
    OutsideAllowed,
    OverridesFreeze,
    OwnUpgrade,
    PlanProblem,
    PressTooLate,
    Reason,
    ReasonMissing,
    ReasonTooLong,
    ReasonTooShort,
    RequestIs,
    RequestUnknown,
    RolloutChanged,
    RolloutIs,
    StartMissing,
    StillSoaks,
    TooFar,
    TooFewApprovers,
    TooManyOpen,
    TooSoon,
    UpgradeIs,
    VersionChanged,
    VersionNotChosen,
    VersionNotOffered,
    WaveAlreadyApproved,
    WaveExpired,
    WindowsUnread,
)
from bot.domain.people import AccountType
from bot.domain.request import State
from bot.domain.versions import KubernetesVersion
from bot.notifications.text import plain_time, said, when

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_MOST_NAMED: Final = 10
_BRACKETS: Final = str.maketrans("<>", "()")
_WHY_NOT: Final = {
    AccountType.GUEST: "Guests cannot use this bot.",
    AccountType.OUTSIDER: "Only members of the workspace that installed this bot can use it.",
    AccountType.BOT: "Bots cannot use this bot.",
    AccountType.DEACTIVATED: "This account is deactivated.",
    AccountType.UNKNOWN: "Slack does not know this account.",
}
_ACTIONS: Final = {
    Action.REQUEST: "request upgrades",
    Action.REQUEST_THERE: "request them",
    Action.DECIDE: "decide now",
    Action.REJECT: "still reject it",
    Action.ACKNOWLEDGE: "acknowledge it",
    Action.TRY_AGAIN: "do it",
    Action.FREEZE: "do it",
}
_STANDING: Final = {
    State.PENDING_APPROVAL: "still waits for approval",
    State.SUBMITTING: "is already being submitted",
    State.SUBMISSION_FAILED: "could not be submitted",
    State.SUBMISSION_UNCLEAR: "may have reached Avisi Cloud or not",
}
_PLAN_PROBLEMS: Final = {
    "length": "Give it a name of at most 60 characters.",
    "taken": "Another rollout that has not ended has this name.",
    "empty": "Choose environments or clusters in which something is left to upgrade.",
    "gap": "This wave is empty, and a later one is not.",
    "twice": "{detail} stands in two waves.",
    "other rollout": "{detail} is in another rollout that has not ended.",
    "range": "Choose one of the values on offer.",
}


def advice(finding: Finding) -> str:
    """Say what was found, and what whoever fills in the form can do about it."""
    match finding:
        case Frozen(can_override=True):
            return f"{sentence(finding)} {_another_time(finding)} Tick Override freeze if it cannot wait."
        case Frozen() | OutsideAllowed():
            return f"{sentence(finding)} {_another_time(finding)}"
        case NotLongEnoughAfter() | StartMissing() | TooSoon() | TooFar() if finding.next_fit:
            return f"{sentence(finding)} {_another_time(finding)}"
        case _:
            return sentence(finding)


def _another_time(finding: AboutTime) -> str:
    fit = finding.next_fit
    return f"The next time that fits is {plain_time(fit.start, fit.zone)}." if fit else "Choose another time."


def sentence(finding: Finding) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each finding
    """Say what was found."""
    match finding:
        case ClusterNotChosen():
            return "Choose a cluster."
        case ClusterGone(cluster=cluster):
            return f"{cluster or 'The cluster'} is no longer in the catalog of Avisi Cloud."
        case ClusterRenamed(chosen=chosen, cluster=cluster):
            return f"What you chose as {chosen} is now called {cluster}. Please choose the cluster again."
        case ClusterMoved(cluster=cluster, before=before):
            return f"The cluster is now called {cluster}; it was {before} when this was requested."
        case VersionChanged(cluster=cluster, version=version, before=before):
            return f"{cluster} now runs {version}; it ran {before} when this was requested."
        case NothingOffered():
            return _nothing_offered(finding)
        case VersionNotChosen():
            return "Choose a version."
        case VersionNotOffered(cluster=""):
            return "This version is no longer on offer."
        case VersionNotOffered(version=version, cluster=cluster, runs=runs):
            return f"{version} is no longer on offer for {cluster} ({runs})."
        case AlreadyRuns(cluster=cluster, version=version):
            return f"{cluster} already runs {version}."
        case StartMissing():
            return "Choose a start: it is required while maintenance windows are ignored."
        case TooSoon(lead=lead):
            return f"Choose a time at least {length(lead)} from now."
        case TooFar():
            return "Choose a time within a year from now."
        case Frozen(environment=environment, freeze=freeze):
            return f"{environment} is frozen {_frozen(freeze)}."
        case OutsideAllowed(environment=environment, allowed=allowed, zone=zone):
            return f"Upgrades in {environment} may only run {', '.join(one.text for one in allowed)} ({zone})."
        case NotLongEnoughAfter():
            return _not_long_enough(finding)
        case OverridesFreeze(environment=environment, freeze=freeze, approvals=approvals):
            return (
                f"This overrides a freeze: {environment} is frozen {_frozen(freeze)}. "
                f"It requires a reason and {_approvals(approvals)}, one more than usual."
            )
        case ReasonMissing(override=True):
            return "Say why the freeze has to be overridden."
        case ReasonMissing(environment=environment):
            return f"""{environment} requires a reason, such as "CVE-2026-31337 in the kubelet"."""
        case ReasonTooLong(most=most):
            return f"The reason is too long: use at most {most} characters."
        case ReasonTooShort(least=least):
            return f"Say in at least {least} characters why this is an emergency."
        case InRollout(name=name, version=version):
            return (
                f"This cluster is in the rollout {name} to {version}, which has not ended. This request takes the "
                "cluster over: the rollout leaves it out."
            )
        case ChangeMissing(environment=environment, example=example):
            return f"{environment} requires a change number, such as {example}."
        case ChangeMismatch(change=change, environment=environment, example=example):
            return f'"{change}" is not a valid change number of {environment}. One looks like {example}.'
        case EmergencyNotAllowed(environment=environment):
            return f"{environment} does not allow emergencies. Untick Emergency to request it for approval."
        case EmergencyTooFar(within=within):
            return f"An emergency has to begin within {length(within)}. Choose an earlier time, or untick Emergency."
        case EmergencyOnlyByApprover(member=member, environment=environment):
            return f"Only approvers of {environment} may request an emergency, and <@{member}> is not one."
        case EmergencyNeedsAnother(environment=environment):
            return (
                f"An emergency in {environment} needs another approver to acknowledge it, and there is none. "
                f"Untick Emergency to request it for approval."
            )
        case EmergencyUnapproved():
            return (
                "An emergency is submitted without approval. The other approvers and whoever is on call are told "
                "at once, and one of them has to acknowledge it. It expires after an hour."
            )
        case ClusterDown(cluster=cluster, status=status):
            return f"{cluster} is {status.lower()}, so an upgrade of it may never start."
        case NoWindows(cluster=cluster):
            return f"{cluster} has no maintenance windows, so the upgrade may never start unless they are ignored."
        case WindowsUnread(cluster=cluster, some=True):
            return (
                f"Some maintenance windows of {cluster} could not be read, "
                f"so the upgrade may begin before the estimated one."
            )
        case WindowsUnread(cluster=cluster):
            return f"The maintenance windows of {cluster} could not be read, so no window can be estimated."
        case NoLongerRequester(member=member, environment=environment):
            return f"<@{member}> may no longer request upgrades in {environment}."
        case NoLongerApprover(member=member):
            return f"<@{member}> may no longer approve."
        case MoreApprovalsNeeded(approvals=approvals):
            return f"{approvals} approvals are now required."
        case TooFewApprovers():
            return _too_few_approvers(finding)


def refusal(*why: Reason) -> str:
    """Say why somebody is refused, and who could do it or what to do instead."""
    return " ".join(dict.fromkeys(_reason(_harmless(one)) for one in why))


def _harmless(value: Any) -> Any:  # noqa: ANN401 - any field of a reason
    """Return a value whose texts can be no mention, as those of people and of the API stand beside mentions of ours."""
    if type(value) is str:
        return value.translate(_BRACKETS)
    if isinstance(value, tuple):
        return type(value)(map(_harmless, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _harmless(getattr(value, one.name)) for one in fields(value)})
    return value


def _reason(why: Reason) -> str:
    if isinstance(why, Finding):
        return advice(why)
    if isinstance(why, NotPermitted):
        return _not_permitted(why)
    if isinstance(why, NotFrozen):
        return _not_frozen(why)
    return _not_now(why) if isinstance(why, NotNow) else _not_in_rollout(why)


def _not_permitted(why: NotPermitted) -> str:  # noqa: PLR0911 - one case for each reason
    match why:
        case MayNotUseBot(account_type=account_type, instead=instead):
            if instead is None:
                return _WHY_NOT[account_type]
            could = _able(instead) if isinstance(instead, Able | NobodyNow) else _not_permitted(instead)
            return f"{_WHY_NOT[account_type]} {could}"
        case MayNotRequest(environment=environment, able=able):
            return f"You may not request upgrades in {environment}. {_able(able)}"
        case MayNotFreeze(environment=environment, able=able):
            return f"You may not freeze upgrades in {environment} or lift a freeze there. {_able(able)}"
        case OnlyApprovers(environment=environment, able=able):
            return f"Only approvers of {environment} may do this. {_able(able)}"
        case OwnUpgrade(able=able):
            return f"You requested this upgrade, so somebody else has to decide. {_able(able)}"
        case OnlyRequester(requester=requester):
            return f"Only the requester, <@{requester}>, may withdraw this request."
        case OnlyRequesterOrApprovers(requester=requester, environment=environment, able=able):
            return f"Only the requester, <@{requester}>, or an approver of {environment} may do this. {_able(able)}"


def _not_now(why: NotNow) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each reason
    match why:
        case RequestIs(state=state, by=by):
            by_whom = f" by <@{by}>" if by else ""
            return f"This request {_standing(State(state))}{by_whom}, so nothing was changed."
        case PressTooLate(deadline=deadline):
            return (
                f"This request expired on {when(deadline)}, so your press came too late and nothing was changed. "
                f"It can be requested again."
            )
        case DeadlinePassed(deadline=deadline):
            return (
                f"The deadline of this request passed on {when(deadline)}, so it is not submitted again. "
                f"It can be rescheduled or withdrawn."
            )
        case RequestUnknown():
            return "This request is no longer known, so nothing was changed."
        case NewerRequest():
            return "There is a newer request for this cluster, so this one cannot go on."
        case CardChanged():
            return (
                "What this card showed has changed, so your press did not count. "
                "Please look at the card as it is now and decide again."
            )
        case AlreadyApproved(count=count, required=required):
            return f"Your approval is already counted: {count} of {required}."
        case NoApprovalToTakeBack():
            return "You have not approved this request, so there is nothing to take back."
        case NotInList():
            return (
                "Avisi Cloud's list does not show this upgrade. "
                "Press Submit again to send it once more, or look for it in the Console."
            )
        case ListUnread(why=trouble):
            return (
                f"Avisi Cloud's list could not be read just now: {trouble} Please press It is there again in a minute."
            )
        case NoListToLookIn():
            return "Avisi Cloud offers no list to look in. Please press It is there again, and state the window."
        case NothingToAcknowledge(by=by):
            return f"There is nothing left to acknowledge{f': <@{by}> has acknowledged it' if by else ''}."
        case UpgradeIs(status=status):
            stands = "is running" if status == "IN_PROGRESS" else "has already succeeded"
            return f"This upgrade {stands}, so it cannot be rescheduled."
        case TooManyOpen(most=most):
            return (
                f"You already have {most} open requests, the most that one person may have. "
                f"Withdraw one, or wait until one of them is submitted or ends; App Home lists yours."
            )
        case CheckTookTooLong():
            return "That took too long to check. Please press the button again."


def _not_frozen(why: NotFrozen) -> str:
    match why:
        case FreezeIsOver(lifted_by=None, at=at):
            return f"This freeze ended by itself ({when(at)}), so there is nothing left to lift."
        case FreezeIsOver(lifted_by=lifted_by, at=at):
            return f"This freeze was already lifted by <@{lifted_by}> ({when(at)})."
        case FreezeUnknown():
            return "This freeze is no longer known, so nothing was changed."
        case NothingToFreeze():
            return "None of the chosen environments is in the catalog of Avisi Cloud any more."
        case FreezeEnds(until=until, most=most):
            return f"A freeze cannot end then ({when(until)}): choose a time ahead, within {most.days} days."


def at_field(wrong: PlanProblem) -> str:
    """Say what is wrong with a plan, at the field where it is wrong."""
    return _PLAN_PROBLEMS[wrong.kind].format(detail=wrong.detail)


def _not_in_rollout(why: NotInRollout) -> str:  # noqa: C901, PLR0911 - one case for each reason
    match why:
        case OnlyApproversOfWave(environments=environments, everyone=everyone, able=able):
            could = _able(Able(action=Action.TRY_AGAIN, everyone=everyone, members=able))
            return f"Only approvers of {' or '.join(environments)} may do this. {could}"
        case OnlyOfRollout(requester=requester, everyone=everyone, able=able):
            could = _able(Able(action=Action.TRY_AGAIN, everyone=everyone, members=able))
            return f"Only <@{requester}> or an approver of one of its environments may do this. {could}"
        case RolloutIs(state=state):
            return f"This rollout is {state.lower()}, so nothing was changed."
        case RolloutChanged():
            return "This rollout has changed since its card was drawn, so your press did not count. Please look again."
        case NoWaveAsks(state=state):
            return f"No wave of this rollout waits for approval: it is {state.lower()}."
        case WaveAlreadyApproved():
            return "Your approval of this wave is already counted."
        case WaveExpired():
            return "The time to approve this wave is over."
        case StillSoaks():
            return "The wave before it is still soaking."
        case NotItsTurn():
            return "It is not this cluster's turn yet."
        case NothingFailed():
            return "No cluster of this wave has failed, so there is nothing to retry."
        case ClusterWentOn():
            return "This cluster of the rollout has moved on, so nothing was changed."
        case PlanProblem(field=field):
            return f"{field.capitalize()}: {at_field(why)}"


def _standing(state: State) -> str:
    return _STANDING.get(state, f"is already {state.words}")


def _able(able: Able | NobodyNow) -> str:
    if isinstance(able, NobodyNow):
        return f"It {_standing(State(able.state))}."
    what = _ACTIONS[able.action]
    if able.everyone:
        return f"Any other full member can {what}."
    if not able.members:
        return f"Nobody else can {what}."
    named = [f"<@{one}>" for one in able.members[:_MOST_NAMED]]
    more = len(able.members) - len(named)
    return f"These people can {what}: {', '.join(named)}{f' and {more} more' if more else ''}."


def _frozen(freeze: AnyFreeze) -> str:
    if isinstance(freeze, TimedFreeze):
        return f"until {plain_time(freeze.until, freeze.until.tzinfo or UTC)} ({freeze.reason})"
    return freeze.words


def length(span: timedelta) -> str:
    """Say a length in the largest unit that makes it whole: `3 days`, `36 hours`, `30 minutes`."""
    seconds = round(span.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'s' if count != 1 else ''}"


def _approvals(count: int) -> str:
    return f"{count} approval{'s' if count != 1 else ''}"


def _nothing_offered(found: NothingOffered) -> str:
    name, version = found.cluster, found.version
    if KubernetesVersion.parse(version).numbers is not None:
        return f"No version is on offer to which {name} ({version}) can be upgraded."
    runs = f'{name} runs "{version}", which' if version else f"Avisi Cloud does not say what {name} runs, which"
    return f"{runs} the bot cannot compare with other versions, so it offers none: it might be a downgrade."


def _not_long_enough(found: NotLongEnoughAfter) -> str:
    has_to = (
        f"{found.version} has to run in {found.earlier} for {length(found.wait)} before {found.environment} can get it"
    )
    if found.since is None or found.possible_from is None:
        return f"{has_to}, and no upgrade to it has succeeded there yet."
    since, possible_from = _plain(found.since), _plain(found.possible_from)
    return f"{has_to}. It has run there since {since}, so this is possible from {possible_from}."


def _too_few_approvers(found: TooFewApprovers) -> str:
    other = " other" if found.besides_requester else ""
    people = (
        f"only {found.found}{other} {'person' if found.found == 1 else 'people'}"
        if found.found
        else f"nobody{other and ' else'}"
    )
    return (
        f"{found.environment} needs {_approvals(found.approvals)}, but {people} may give one, "
        f"so this could never be approved. Ask whoever maintains the bot's policy to name more approvers."
    )


def _plain(moment: datetime) -> str:
    return said(when(moment))
