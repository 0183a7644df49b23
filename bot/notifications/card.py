"""The card: the one message of a request, drawn from what is stored and from nothing else."""

from typing import Final

from bot.domain.naming import PLAIN, Naming
from bot.domain.readiness import ReadinessReading
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import ALARMING, NOT_FOLLOWED, NOT_REPORTED, PENDING, ScheduledUpgrade
from bot.notifications import ids, phrases
from bot.notifications.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    fields,
    header,
    message,
    quotation,
    section,
)
from bot.notifications.readiness import card_line
from bot.notifications.standing import standing
from bot.notifications.text import escape, link, mention, sentence, span, when
from bot.workflow.inbox import Press
from bot.workflow.repositories import Source

_LABELS: Final = {
    Press.APPROVE: "Approve",
    Press.REJECT: "Reject",
    Press.WITHDRAW: "Withdraw",
    Press.RESCHEDULE: "Reschedule",
    Press.TRY_AGAIN: "Try again",
    Press.SUBMIT_AGAIN: "Submit again",
}
_BY_STATE: Final = {
    State.PENDING_APPROVAL: (Press.APPROVE, Press.REJECT, Press.WITHDRAW, Press.RESCHEDULE),
    State.APPROVED: (Press.WITHDRAW, Press.RESCHEDULE),
    State.SUBMISSION_FAILED: (Press.TRY_AGAIN, Press.WITHDRAW, Press.RESCHEDULE),
    State.SUBMISSION_UNCLEAR: (Press.SUBMIT_AGAIN, Press.WITHDRAW, Press.RESCHEDULE),
}
_RESCHEDULABLE: Final = PENDING | ALARMING | {"SUPERSEDED", NOT_FOLLOWED, NOT_REPORTED}
_UNDECIDED: Final = frozenset({State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED})
_OVERRIDE: Final = "OVERRIDES A FREEZE. The environment is frozen at that time, and this request overrides the freeze."


def card(
    request: UpgradeRequest,
    upgrade: ScheduledUpgrade | None,
    *,
    source: Source | None = None,
    newer: str | None = None,
    beside: ScheduledUpgrade | None = None,
    readiness: ReadinessReading | None = None,
    naming: Naming = PLAIN,
) -> Message:
    """Draw the card for what is true now.

    `source` is where the organisation's statuses come from, `newer` the address of the card that took its place,
    `beside` another scheduled upgrade of the cluster, `readiness` the latest reading of its readiness.
    """
    title = f"Upgrade {request.cluster} to {request.to_version}"
    status = standing(request, upgrade, newer=newer)
    facts = _facts(request, upgrade, naming)
    if readiness is not None:
        facts.append(("Readiness", card_line(readiness.readiness)))
    notes = _notes(request, upgrade, source)
    loud = [_OVERRIDE] if request.override else []
    other = phrases.competing(beside) if beside and request.state in _UNDECIDED else ""
    changed = [sentence(change, request.lost) for change in request.changes[:5]]
    words = [
        f"Upgrade {escape(request.cluster, 250)} to {escape(request.to_version, 80)}. {status}",
        *loud,
        *([f"Cannot go ahead now: {sentence(request.blocked)}"] if request.blocked else []),
        *([other] if other else []),
        *([f"Changed since the vote: {' '.join(changed)}"] if changed else []),
        *(f"{label}: {fact}." for label, fact in facts),
        *([f"Reason: {escape(request.reason, 1000)}"] if request.reason.strip() else []),
        *notes,
    ]
    blocks: list[Block] = [header(title), section(f"*Status:* {status}")]
    blocks += [section(f"*{text}*") for text in loud]
    if request.blocked:
        blocks.append(section(f"*Cannot go ahead now:* {sentence(request.blocked)}"))
    if other:
        blocks.append(section(f"*Please note:* {other}"))
    if changed:
        blocks.append(section("\n".join(["*Changed since the vote:*", *changed])))
    blocks.append(fields(*(f"*{label}*\n{fact}" for label, fact in facts)))
    if request.reason.strip():
        blocks += [section("*Reason*"), quotation(request.reason)]
    number = readiness.number if readiness else 0
    buttons = [press_button(press, request, naming, readiness=number) for press in presses(request, upgrade)]
    if has_readiness(request, upgrade):
        buttons.append(readiness_button(request, naming, readiness=number))
    if buttons:
        blocks.append(actions(*buttons, block_id=f"card:{request.id}"))
    if notes:
        blocks.append(context(" ".join(notes)))
    return message("\n".join(words), *blocks)


def struck(request: UpgradeRequest, address: str | None, *, naming: Naming = PLAIN) -> Message:
    """Draw what is left of a card that was posted twice: no buttons, and where the card is."""
    text = f"This card was posted twice. What you press counts on {link(address, 'the card that is kept up to date')}."
    title = f"Upgrade {phrases.name(request, naming)} to {escape(request.to_version, 80)}"
    return message(f"{title}. {text}", section(f"~{title}~\n{text}"))


def retired(request: UpgradeRequest, *, naming: Naming = PLAIN) -> Message:
    """Draw what is left of a card that Slack does not let us redraw: as little as possible, and no buttons."""
    title = f"Upgrade {phrases.name(request, naming)} to {escape(request.to_version, 80)}"
    text = "Slack did not let this card be updated. A new card for this request is posted in this channel."
    return message(f"{title}. {text}", section(f"~{title}~\n{text}"))


def presses(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> tuple[Press, ...]:
    """Return the buttons that a request has now."""
    if request.state is not State.SUBMITTED:
        return _BY_STATE.get(request.state, ())
    if upgrade is None or upgrade.status in _RESCHEDULABLE:
        return (Press.RESCHEDULE,)
    return ()


def press_button(press: Press, request: UpgradeRequest, naming: Naming, *, readiness: int = 0) -> Block:
    """Draw one of the buttons of a request; it carries the seal and the readiness of what is shown now."""
    label = _LABELS[press]
    style = {Press.APPROVE: "primary", Press.REJECT: "danger"}.get(press)
    return button(
        label,
        action_id=press,
        value=ids.carry(request, readiness),
        style="primary" if style == "primary" else "danger" if style else None,
        says=f"{label} upgrade of {naming.cluster(request)}",
    )


def has_readiness(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> bool:
    """Whether the card offers to look at the readiness: until the upgrade begins, or ends otherwise."""
    if request.state is State.SUBMITTED:
        return upgrade is None or upgrade.status in PENDING
    return request.state in {*_BY_STATE, State.SUBMITTING}


def readiness_button(request: UpgradeRequest, naming: Naming, *, readiness: int) -> Block:
    """Draw the button that shows the readiness as it is now."""
    return button(
        "Readiness",
        action_id=ids.ActionId.READINESS,
        value=ids.carry(request, readiness),
        says=f"Readiness of upgrade of {naming.cluster(request)}",
    )


def _facts(request: UpgradeRequest, upgrade: ScheduledUpgrade | None, naming: Naming) -> list[tuple[str, str]]:
    facts = [
        ("Environment", escape(naming.environment(request), 200)),
        ("Version", phrases.versions(request)),
        ("Start", phrases.wanted(request)),
        ("Maintenance windows", phrases.windows(request)),
        ("Requester", mention(request.requester)),
        ("Approvals", phrases.approvals(request)),
    ]
    if window := phrases.window_of(request, upgrade):
        facts.append(("Window of Avisi Cloud", window))
    elif request.estimate and not request.ignore_windows and request.state in _UNDECIDED:
        facts.append(("Estimated window", span(request.estimate)))
    if request.state in _UNDECIDED:
        facts.append(("Deadline", when(request.deadline)))
    return facts


def _notes(request: UpgradeRequest, upgrade: ScheduledUpgrade | None, source: Source | None) -> list[str]:
    if request.state is not State.SUBMITTED:
        return []
    notes = []
    if source is Source.CLUSTERS:
        notes.append("Avisi Cloud gives no status here.")
        if phrases.window_of(request, upgrade) is None:
            notes.append("It returned no window either, so nothing can be followed: please look in Avisi Cloud.")
        elif upgrade is None or not upgrade.is_final:
            notes.append("The outcome is judged by the cluster's version, 30 minutes after the window.")
    if request.start_left_out:
        notes.append("The wanted start had passed when it was submitted, so it was left out.")
    if upgrade is not None and upgrade.status == NOT_REPORTED:
        notes.append(phrases.FORGOTTEN)
    if upgrade is None or upgrade.status in PENDING or upgrade.status in {NOT_FOLLOWED, NOT_REPORTED}:
        notes.append(phrases.NO_CANCEL)
    return notes
