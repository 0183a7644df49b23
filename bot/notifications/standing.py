"""Where a request stands: its mark, and a line that says what it waits for, who can act, and until when."""

from typing import Final

from bot.domain.people import EVERYONE
from bot.domain.policy import Rule
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import (
    ALARMING,
    APPEARS_UPGRADED,
    DONE,
    NOT_FOLLOWED,
    NOT_REPORTED,
    NOT_UPGRADED,
    ScheduledUpgrade,
)
from bot.notifications.text import ELLIPSIS, day, escape, link, mention, sentence, when

NO_RULE: Final = Rule(environment="")
"""Where nobody says who may approve."""
SAID_BY_STATUS: Final = frozenset({"SCHEDULED_NOTIFIED", "SUCCEEDED"})
"""Of these statuses the cloud's reason says no more than the status."""
_MOST_NAMED: Final = 4
WAITS_FOR_PEOPLE: Final = "🟡"
SCHEDULED: Final = "🔵"
RUNNING: Final = "🟣"
SUCCEEDED: Final = "🟢"
WENT_WRONG: Final = "🔴"
NEEDS_A_LOOK: Final = "🟠"
ENDED: Final = "⚪"
MARKS: Final = (WAITS_FOR_PEOPLE, SCHEDULED, RUNNING, SUCCEEDED, WENT_WRONG, NEEDS_A_LOOK, ENDED)
"""They help the eye; the words beside them say the same."""
_BY_STATE: Final = {
    State.PENDING_APPROVAL: WAITS_FOR_PEOPLE,
    State.APPROVED: SCHEDULED,
    State.SUBMITTING: SCHEDULED,
    State.SUBMITTED: SCHEDULED,
    State.SUBMISSION_FAILED: WENT_WRONG,
    State.SUBMISSION_UNCLEAR: NEEDS_A_LOOK,
    State.REJECTED: WENT_WRONG,
    State.WITHDRAWN: ENDED,
    State.EXPIRED: ENDED,
    State.REPLACED: ENDED,
}
_BY_STATUS: Final = {
    "REQUESTED": SCHEDULED,
    "SCHEDULED": SCHEDULED,
    "SCHEDULED_NOTIFIED": SCHEDULED,
    "IN_PROGRESS": RUNNING,
    "SUCCEEDED": SUCCEEDED,
    APPEARS_UPGRADED: SUCCEEDED,
    "FAILED": WENT_WRONG,
    "MISSED": WENT_WRONG,
    NOT_UPGRADED: WENT_WRONG,
    "SUPERSEDED": ENDED,
}


def mark(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> str:
    """Return the mark of a request: until the cloud has it that of its state, then that of the cloud's status."""
    if request.state is not State.SUBMITTED or upgrade is None:
        return _BY_STATE[request.state]
    return NEEDS_A_LOOK if upgrade.overrun_told else mark_of(upgrade.status)


def mark_of(status: str) -> str:
    """Return the mark of a status; one that is not known needs a look."""
    return _BY_STATUS.get(status, NEEDS_A_LOOK)


def standing(  # noqa: PLR0911 - one line for each state
    request: UpgradeRequest, upgrade: ScheduledUpgrade | None, *, newer: str | None = None, rule: Rule = NO_RULE
) -> str:
    """Say the status line of a request; `newer` is the address of the card that took its place."""
    by = f" by {mention(request.decided_by)}" if request.decided_by else ""
    why = stop(sentence(request.outcome, [request.requester] if request.state is State.SUBMISSION_FAILED else ()))
    match request.state:
        case State.PENDING_APPROVAL:
            return _waiting(request, rule)
        case State.APPROVED | State.SUBMITTING:
            held_up = f" Not through yet: {why} The bot keeps trying." if request.outcome else ""
            return f"Approved, submitting to Avisi Cloud.{held_up}"
        case State.SUBMISSION_FAILED:
            who = f"{mention(request.requester)} or an approver"
            return f"Not scheduled: {why} {who} can try again until {when(request.deadline)}."
        case State.SUBMISSION_UNCLEAR:
            return (
                f"We could not confirm that the upgrade was scheduled: {why} Please look in Avisi Cloud; "
                f"then {deciders(request, rule)} can press It is there, or else Submit again."
            )
        case State.REJECTED:
            return f"Rejected{by}: {why}"
        case State.WITHDRAWN:
            return f"Withdrawn{by}."
        case State.EXPIRED:
            what = "approved" if len(request.votes) < request.required else "submitted"
            return f"Expired: it was not {what} by {when(request.deadline)}."
        case State.REPLACED:
            return f"Replaced by {link(newer, 'a newer request')}."
        case State.SUBMITTED:
            return status_line(upgrade)


def status_line(upgrade: ScheduledUpgrade | None) -> str:
    """Say what the cloud's status means, and no more than it says."""
    if upgrade is None:
        return _MEANS["REQUESTED"]
    there, status = escape(upgrade.to_version, 80), upgrade.status
    if status in DONE:
        return f"{_MEANS[status]}: the cluster now runs {there}."
    unknown = f"Avisi Cloud gives a status that the bot does not know: {escape(status, 100)}."
    line = _STILL_RUNNING if upgrade.overrun_told and status == "IN_PROGRESS" else _MEANS.get(status, unknown)
    tells_more = upgrade.reason and status not in SAID_BY_STATUS
    says = f" Avisi Cloud: {stop(escape(upgrade.reason))}" if tells_more else ""
    return f"{line}{says}{' It can be rescheduled.' if status in ALARMING else ''}"


_STILL_RUNNING: Final = "Still running after its window."
_MEANS: Final = {
    "REQUESTED": "Submitted to Avisi Cloud, waiting for its window.",
    "SCHEDULED": "Scheduled.",
    "SCHEDULED_NOTIFIED": "Scheduled; contacts have been notified.",
    "IN_PROGRESS": "The upgrade is running.",
    "SUCCEEDED": "Done",
    APPEARS_UPGRADED: "Appears upgraded",
    "FAILED": "The upgrade failed.",
    "MISSED": "The upgrade missed its window and did not start.",
    NOT_UPGRADED: "Not upgraded by the end of its window.",
    "SUPERSEDED": "Superseded: Avisi Cloud will not carry it out.",
    NOT_FOLLOWED: "Submitted to Avisi Cloud, which gives neither window nor status, so it cannot be followed.",
    NOT_REPORTED: "No longer reported by Avisi Cloud, so its outcome is not known.",
}


def deciders(request: UpgradeRequest, rule: Rule) -> str:
    """Say who can decide on a request now: those whom the rule names, but for those who have or who may not."""
    if EVERYONE in rule.approvers:
        return "any full member" if rule.self_approval else "any full member but the requester"
    gone = request.voters if request.state is State.PENDING_APPROVAL else frozenset()
    gone = gone if rule.self_approval else gone | {request.requester}
    named = [mention(one) for one in rule.approvers if one not in gone]
    if not named:
        return "an approver"
    shown = named if len(named) <= _MOST_NAMED else [*named[: _MOST_NAMED - 1], "another approver"]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def stop(sentence_so_far: str) -> str:
    """End a sentence that others wrote with a full stop."""
    if not sentence_so_far:
        return "no reason was given."
    return sentence_so_far if sentence_so_far.endswith((".", "?", "!", ELLIPSIS)) else f"{sentence_so_far}."


def _waiting(request: UpgradeRequest, rule: Rule) -> str:
    """Say how many approvals there are, who can give more, and by when to make the window that is expected."""
    who, window = deciders(request, rule), request.estimate
    until = f"{who} can approve until {when(request.deadline)}"
    tally = f"Waiting for approval: {len(request.votes)} of {request.required}."
    if request.ignore_windows or window is None:
        return f"{tally} {_capital(until)}."
    if request.deadline <= window.start:
        return f"{tally} {_capital(until)}, to make the window of {day(window.start)}."
    latest = window.end if window.start <= request.requested_at else window.start
    return f"{tally} Approve before {when(latest)} to make the next window; {until}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
