"""What happened to a request until the cloud had it, in sentences of safe mrkdwn."""

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


def lines(event: AnyEvent) -> tuple[str, ...] | None:  # noqa: C901, PLR0911 - one for each event
    """Tell it; None for events of other stories."""
    match event:
        case UpgradeRequested():
            who = mention(event.about.requester) if event.about.requester else "Somebody"
            return (f"{who} requested this upgrade. {what_is_needed(event)}",)
        case VoteCast():
            return _approved(event)
        case EmergencyRequested() | EmergencyAcknowledged() | AcknowledgementMissing():
            return _emergency(event)
        case VoteTakenBack():
            return (f"{mention(event.by)} took back their approval ({event.count} of {event.required}).",)
        case RequestApproved(by=None):
            return (f"Approved. Submitting now.{_superseded(event.supersedes)}",)
        case RequestApproved():
            return (f"{mention(event.by or '')} tries again. Submitting now.",)
        case VotesVoided():
            return _voided(event)
        case ApproversReminded():
            return (f"Still waiting for approval: {event.count} of {event.required}. {_by(event)}",)
        case UpgradeSubmitted():
            return _submitted(event)
        case SubmissionFailed():
            why = stop(sentence(event.reason, [event.about.requester] if event.about.requester else ()))
            return (f"The upgrade was not scheduled: {why}", "Try again, Reschedule and Withdraw are on the card.")
        case SubmissionUnclear():
            return (
                f"We could not confirm that the upgrade was scheduled: {stop(sentence(event.reason))}",
                "Please look in Avisi Cloud. Then an approver can press It is there or Submit again on the card.",
            )
        case _:
            return _ended(event)


def _ended(event: AnyEvent) -> tuple[str, ...] | None:
    match event:
        case RequestRejected():
            return (f"{mention(event.by)} rejected it: {stop(escape(event.reason))}",)
        case RequestWithdrawn():
            return (f"{mention(event.by)} withdrew it.",)
        case RequestExpired():
            return (f"Expired: it was not submitted by {when(event.deadline)}. It can be requested again.",)
        case RequestReplaced():
            which = escape(event.instead, 250) if event.instead else "this cluster"
            approved = " Your approval of this one does not count for it." if event.voter else ""
            return (f"{mention(event.by)} made a newer request for {which}, which takes its place.{approved}",)
        case _:
            return None


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
        return "No approval is needed. Submitting now."
    return f"Needs {phrases.needed(event.required)} by {when(event.deadline)}."


def _by(event: ApproversReminded) -> str:
    left = phrases.needed(max(event.required - event.count, 0), more="more ")
    return f"Needs {left} by {when(event.deadline)}, or it expires."


def _approved(event: VoteCast) -> tuple[str, ...]:
    now = " Submitting now." if event.count >= event.required else ""
    line = f"{mention(event.by)} approved ({event.count} of {event.required}).{now}{_superseded(event.supersedes)}"
    return (line, f"> {escape(event.comment)}") if event.comment else (line,)


def _superseded(version: str) -> str:
    there = escape(version, 80)
    return f" It supersedes the upgrade to {there} that is already scheduled." if version else ""


def _voided(event: VotesVoided) -> tuple[str, ...]:
    changed = [sentence(change, event.voters) for change in event.changes[:5]]
    gone = f" What {mentions(event.voters)} approved no longer counts." if event.voters else ""
    again = "Please decide again." if event.voters else "Please decide."
    return (*changed, f"{again}{gone} Needs {phrases.needed(event.required)} in total.")


def _submitted(event: UpgradeSubmitted) -> tuple[str, ...]:
    if event.window is None and not event.followed:
        return (
            (
                "Submitted to Avisi Cloud, which gives neither window nor status, so nothing can be followed: "
                "please look there."
            ),
        )
    if event.window is None:
        told = ["Submitted to Avisi Cloud, waiting for its window."]
    elif event.status == "SCHEDULED":
        told = [f"Avisi Cloud has scheduled it: {span(event.window)}."]
    else:
        told = [f"Submitted to Avisi Cloud. Its window is {span(event.window)}."]
    if event.by:
        told.insert(0, f"{mention(event.by)} found it at Avisi Cloud.")
    if event.start_left_out:
        told.append("The wanted start had passed by then, so it was left out and the next window counts.")
    if not event.followed:
        told.append(
            "Avisi Cloud gives no status here: the outcome is judged by the cluster's version after the window."
        )
    return tuple(told)
