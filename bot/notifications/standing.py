"""Where a request stands, in one line: our state until the cloud has it, then the cloud's status and no more."""

from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import DONE, ScheduledUpgrade
from bot.notifications import phrases
from bot.notifications.text import ELLIPSIS, escape, link, mention, sentence, when


def standing(  # noqa: PLR0911 - one line for each state
    request: UpgradeRequest, upgrade: ScheduledUpgrade | None, *, newer: str | None = None
) -> str:
    """Say the status line of a request; `newer` is the address of the card that took its place."""
    said = phrases.STATES[request.state]
    by = f" by {mention(request.decided_by)}" if request.decided_by else ""
    why = sentence(request.outcome, [request.requester] if request.state is State.SUBMISSION_FAILED else ())
    match request.state:
        case State.PENDING_APPROVAL:
            return f"{said}, {len(request.votes)} of {request.required}."
        case State.APPROVED | State.SUBMITTING:
            return f"{said} to Avisi Cloud." + (f" Not through yet: {stop(why)} It is tried again." if why else "")
        case State.SUBMISSION_FAILED:
            return f"{said}: {stop(why)}"
        case State.SUBMISSION_UNCLEAR:
            return f"{said}: {stop(why)} Please check in Avisi Cloud; an approver can submit it again."
        case State.REJECTED:
            return f"{said}{by}: {stop(why)}"
        case State.WITHDRAWN:
            return f"{said}{by}."
        case State.EXPIRED:
            return f"{said}: its deadline, {when(request.deadline)}, passed."
        case State.REPLACED:
            return f"{said} by {link(newer, 'a newer request')}."
        case State.SUBMITTED:
            return _status(upgrade)


def _status(upgrade: ScheduledUpgrade | None) -> str:
    """Say what the cloud says, and no more than it says."""
    if upgrade is None:
        return "Submitted, Avisi Cloud has it."
    words = phrases.status(upgrade.status)
    shown = f"{words[0].upper()}{words[1:]}" if phrases.is_known(upgrade.status) else f"Avisi Cloud says {words}"
    if upgrade.status in DONE:
        return f"{shown}: the cluster runs {escape(upgrade.to_version, 80)}."
    reason = f" Avisi Cloud says: {stop(escape(upgrade.reason))}" if upgrade.reason else ""
    return f"{shown}.{reason}"


def stop(sentence_so_far: str) -> str:
    """End a sentence that others wrote with a full stop."""
    if not sentence_so_far:
        return "no reason was given."
    return sentence_so_far if sentence_so_far.endswith((".", "?", "!", ELLIPSIS)) else f"{sentence_so_far}."
