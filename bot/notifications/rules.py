"""Words for what speaks against a request or deserves a note: one sentence for each finding, the same everywhere.

Plain text in which people are mentioned as Slack wants it; whoever shows it escapes the rest.
"""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.findings import (
    Able,
    Action,
    AlreadyRuns,
    ClusterDown,
    ClusterGone,
    ClusterMoved,
    ClusterNotChosen,
    ClusterRenamed,
    Finding,
    Frozen,
    MayNotRequest,
    MayNotUseBot,
    MoreApprovalsNeeded,
    NobodyNow,
    NoLongerApprover,
    NoLongerRequester,
    NothingOffered,
    NotLongEnoughAfter,
    NotPermitted,
    NoWindows,
    OnlyApprovers,
    OnlyRequester,
    OnlyRequesterOrApprovers,
    OutsideAllowed,
    OverridesFreeze,
    OwnUpgrade,
    ReasonMissing,
    ReasonTooLong,
    StartMissing,
    TooFar,
    TooFewApprovers,
    TooSoon,
    VersionChanged,
    VersionNotChosen,
    VersionNotOffered,
    WindowsUnread,
)
from bot.domain.people import AccountType
from bot.domain.request import State
from bot.domain.versions import KubernetesVersion

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_MOST_NAMED: Final = 10
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
    Action.SUBMIT_AGAIN: "submit it again",
    Action.TRY_AGAIN: "do it",
}


def advice(finding: Finding) -> str:
    """Say what was found, and what whoever fills in the form can do about it."""
    match finding:
        case Frozen(can_override=True):
            return f"{sentence(finding)} Choose another time. Tick Override freeze if it cannot wait."
        case Frozen() | OutsideAllowed():
            return f"{sentence(finding)} Choose another time."
        case _:
            return sentence(finding)


def sentence(finding: Finding) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each finding
    """Say what was found."""
    match finding:
        case ClusterNotChosen():
            return "Choose a cluster."
        case ClusterGone(cluster=cluster):
            return f"{cluster or 'The cluster'} is no longer in the catalog of Avisi Cloud."
        case ClusterRenamed(chosen=chosen, cluster=cluster):
            return f"What you chose as {chosen} is called {cluster} now. Please choose the cluster again."
        case ClusterMoved(cluster=cluster, before=before):
            return f"The cluster is called {cluster} now; it was {before} when this was asked."
        case VersionChanged(cluster=cluster, version=version, before=before):
            return f"{cluster} runs {version} now; it ran {before} when this was asked."
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
            return "Choose a start, because maintenance windows are ignored."
        case TooSoon(lead=lead):
            return f"Choose a time at least {length(lead)} from now."
        case TooFar():
            return "Choose a time within a year."
        case Frozen(environment=environment, freeze=freeze):
            return f"{environment} is frozen {freeze.words}."
        case OutsideAllowed(environment=environment, allowed=allowed, zone=zone):
            return f"Upgrades in {environment} may only run {', '.join(one.text for one in allowed)} ({zone})."
        case NotLongEnoughAfter():
            return _not_long_enough(finding)
        case OverridesFreeze(environment=environment, freeze=freeze, approvals=approvals):
            return (
                f"This overrides a freeze: {environment} is frozen {freeze.words}. "
                f"It takes a reason and {_approvals(approvals)}, one more than otherwise."
            )
        case ReasonMissing(override=True):
            return "Say why the freeze must be overridden."
        case ReasonMissing(environment=environment):
            return f"{environment} asks for a reason."
        case ReasonTooLong(most=most):
            return f"Use at most {most} characters."
        case ClusterDown(cluster=cluster, status=status):
            return f"{cluster} is {status.lower()}, so an upgrade of it may never start."
        case NoWindows(cluster=cluster):
            return f"{cluster} has no maintenance windows: unless they are ignored, it may never start."
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
            return f"{approvals} approvals are asked for now."
        case TooFewApprovers():
            return _too_few_approvers(finding)


def refusal(why: NotPermitted) -> str:  # noqa: PLR0911 - one case for each reason
    """Say that a person may not do something, and who could."""
    match why:
        case MayNotUseBot(account_type=account_type, instead=instead):
            if instead is None:
                return _WHY_NOT[account_type]
            could = _able(instead) if isinstance(instead, Able | NobodyNow) else refusal(instead)
            return f"{_WHY_NOT[account_type]} {could}"
        case MayNotRequest(environment=environment, able=able):
            return f"You may not request upgrades in {environment}. {_able(able)}"
        case OnlyApprovers(environment=environment, able=able):
            return f"Only approvers of {environment} may do this. {_able(able)}"
        case OwnUpgrade(able=able):
            return f"You asked for this upgrade, so somebody else has to decide. {_able(able)}"
        case OnlyRequester(requester=requester):
            return f"Only the requester, <@{requester}>, may withdraw this request."
        case OnlyRequesterOrApprovers(requester=requester, environment=environment, able=able):
            return f"Only the requester, <@{requester}>, or an approver of {environment} may do this. {_able(able)}"


def _able(able: Able | NobodyNow) -> str:
    if isinstance(able, NobodyNow):
        return f"It {State(able.state).standing}."
    what = _ACTIONS[able.action]
    if able.everyone:
        return f"Any other full member can {what}."
    if not able.members:
        return f"Nobody else can {what}."
    named = [f"<@{one}>" for one in able.members[:_MOST_NAMED]]
    more = len(able.members) - len(named)
    return f"These people can {what}: {', '.join(named)}{f' and {more} more' if more else ''}."


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
        return f"No version is on offer that {name} ({version}) may go to."
    runs = f'{name} runs "{version}", which' if version else f"Avisi Cloud does not say what {name} runs, which"
    return f"{runs} the bot cannot compare with other versions. So it offers none: one of them might be a downgrade."


def _not_long_enough(found: NotLongEnoughAfter) -> str:
    has_to = f"{found.version} has to run in {found.earlier} for {length(found.wait)} before it may go to"
    if found.since is None or found.possible_from is None:
        return f"{has_to} {found.environment}, and no upgrade to it has succeeded there yet."
    return (
        f"{has_to} {found.environment}. "
        f"It has since {_utc(found.since)}, so this is possible from {_utc(found.possible_from)}."
    )


def _too_few_approvers(found: TooFewApprovers) -> str:
    other = " other" if found.besides_requester else ""
    people = (
        f"only {found.found}{other} {'person' if found.found == 1 else 'people'}"
        if found.found
        else f"nobody{other and ' else'}"
    )
    return (
        f"{found.environment} asks for {_approvals(found.approvals)}, but {people} may give one, "
        f"so this could never be approved. Ask whoever keeps the bot's policy to name more approvers."
    )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
