"""What happened to a request until the cloud had it, in sentences of safe mrkdwn."""

from typing import Final

from bot.domain.events import (
    AcknowledgementMissing,
    AnyEvent,
    ApproversReminded,
    EmergencyAcknowledged,
    EmergencyRequested,
    RequestApproved,
    RequestExpired,
    RequestRejected,
    RequestReplaced,
    RequestWithdrawn,
    SubmissionFailed,
    SubmissionUnclear,
    UpgradeRequested,
    UpgradeSubmitted,
    VoteCast,
    VotesVoided,
    VoteTakenBack,
)
from bot.notifications import phrases
from bot.notifications.standing import stop
from bot.notifications.text import escape, mention, mentions, sentence, span, when

_HEADINGS: Final[dict[type, str]] = {
    UpgradeRequested: "Upgrade requested",
    EmergencyRequested: "EMERGENCY",
    EmergencyAcknowledged: "Emergency acknowledged",
    AcknowledgementMissing: "Emergency not acknowledged yet",
    VoteCast: "Approval given",
    VoteTakenBack: "Approval taken back",
    RequestApproved: "Upgrade approved",
    RequestRejected: "Upgrade rejected",
    RequestWithdrawn: "Request withdrawn",
    RequestExpired: "Request expired",
    RequestReplaced: "Request replaced",
    VotesVoided: "The vote starts again",
    ApproversReminded: "Approval still needed",
    UpgradeSubmitted: "Upgrade submitted",
    SubmissionFailed: "Submission failed",
    SubmissionUnclear: "Submission unclear",
}


def heading(event: AnyEvent) -> str | None:
    """Say in a few words what happened; None for events of other stories."""
    if isinstance(event, VotesVoided) and not event.voters:
        return "Approval is needed again"
    return _HEADINGS.get(type(event))


def lines(event: AnyEvent) -> tuple[str, ...] | None:  # noqa: C901, PLR0911, PLR0912 - one for each event
    """Tell it; None for events of other stories."""
    match event:
        case UpgradeRequested():
            return (_asked(event),)
        case VoteCast():
            approved = f"{mention(event.by)} approved: {event.count} of {event.required}."
            return (f"{approved} {stop(escape(event.comment))}",) if event.comment else (approved,)
        case EmergencyRequested() | EmergencyAcknowledged() | AcknowledgementMissing():
            return _emergency(event)
        case VoteTakenBack():
            return (f"{mention(event.by)} took back their approval: {event.count} of {event.required}.",)
        case RequestApproved(by=None):
            return ("Approved, submitting to Avisi Cloud.", *_superseded(event))
        case RequestApproved():
            return (f"{mention(event.by or '')} asked for another attempt. It is being submitted again.",)
        case RequestRejected():
            return (f"{mention(event.by)} rejected it: {stop(escape(event.reason))}",)
        case RequestWithdrawn():
            return (f"{mention(event.by)} withdrew it.",)
        case RequestExpired():
            return (
                f"Its deadline, {when(event.deadline)}, passed before it was submitted. It can be asked for again.",
            )
        case RequestReplaced():
            which = escape(event.instead, 250) if event.instead else "this cluster"
            return (f"{mention(event.by)} made a newer request for {which}, which takes its place.",)
        case VotesVoided():
            return _voided(event)
        case ApproversReminded():
            left = f"{event.count} of {event.required} approvals so far"
            return (f"Still waiting for approval: {left}. It expires {when(event.deadline)}.",)
        case _:
            return _submission(event)


def _emergency(event: EmergencyRequested | EmergencyAcknowledged | AcknowledgementMissing) -> tuple[str, ...]:
    match event:
        case EmergencyAcknowledged():
            return (f"{mention(event.by)} acknowledged the emergency.",)
        case AcknowledgementMissing():
            return ("Nobody has acknowledged this emergency yet. Please look at it and press Acknowledge on the card.",)
        case EmergencyRequested(approvals=0):
            goes = "It is submitted without approval."
        case EmergencyRequested():
            goes = f"It overrides a freeze, so it waits for {phrases.needed(event.approvals)} from somebody else."
    return (f"{goes} Reason: {stop(escape(event.reason))}", "Another approver has to press Acknowledge on the card.")


def what_is_needed(event: UpgradeRequested) -> str:
    """Say how many approvals a new request needs, and until when."""
    if event.required == 0:
        return "No approval is needed, so it is submitted at once."
    return f"It needs {phrases.needed(event.required)} before {when(event.deadline)}."


def _asked(event: UpgradeRequested) -> str:
    who = mention(event.about.requester) if event.about.requester else "Somebody"
    return f"{who} asks for this upgrade. {what_is_needed(event)}"


def _superseded(event: RequestApproved) -> tuple[str, ...]:
    version = escape(event.supersedes, 80)
    return (f"It supersedes the upgrade to {version} that is already scheduled.",) if version else ()


def _voided(event: VotesVoided) -> tuple[str, ...]:
    changed = [sentence(change, event.voters) for change in event.changes[:5]]
    gone = f" What {mentions(event.voters)} approved no longer counts." if event.voters else ""
    needs = f"{phrases.needed(event.required)} {'is' if event.required == 1 else 'are'} needed"
    again = "Please decide again." if event.voters else "Please decide."
    return (*changed, f"{again}{gone} In total {needs}.")


def _submission(event: AnyEvent) -> tuple[str, ...] | None:
    match event:
        case UpgradeSubmitted():
            return _submitted(event)
        case SubmissionFailed():
            return (
                f"The upgrade was not scheduled: {stop(sentence(event.reason, _requester(event)))}",
                "Try again, Reschedule and Withdraw are on the card.",
            )
        case SubmissionUnclear():
            return (
                f"Nobody can tell whether the upgrade is scheduled: {stop(sentence(event.reason))}",
                "Please look in Avisi Cloud. If it is not there, an approver can press Submit again on the card.",
            )
        case _:
            return None


def _requester(event: AnyEvent) -> tuple[str, ...]:
    return (event.about.requester,) if event.about.requester else ()


def _submitted(event: UpgradeSubmitted) -> tuple[str, ...]:
    if event.window is None and not event.followed:
        return (
            "Avisi Cloud has it, but gives neither window nor status, so nothing can be followed: please look there.",
        )
    window = f"Its window is {span(event.window)}." if event.window else "It gave no window yet."
    told = [f"{mention(event.by)} found it at Avisi Cloud. {window}" if event.by else f"Avisi Cloud has it. {window}"]
    if event.start_left_out:
        told.append("The wanted start had passed by then, so it was left out and the next window counts.")
    if not event.followed:
        told.append("It gives no status here, so the outcome is judged by the cluster's version after the window.")
    return tuple(told)
