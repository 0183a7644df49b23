"""The card: the one message of a request, drawn from what is stored and from nothing else.

It is a mark and a title, a status line, what is unusual, some facts, the reason, buttons, and small print.
"""

from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Final

from bot.domain.naming import PLAIN, Naming
from bot.domain.policy import Rule
from bot.domain.readiness import ReadinessReading
from bot.domain.request import UNFINISHED, State, UpgradeRequest
from bot.domain.scheduled import ALARMING, INFERRED, NOT_FOLLOWED, NOT_REPORTED, PENDING, ScheduledUpgrade
from bot.domain.windows import Window
from bot.notifications import ids, phrases
from bot.notifications.blocks import (
    Block,
    Message,
    actions,
    button,
    confirmation,
    context,
    fields,
    header,
    message,
    overflow,
    quotation,
    section,
)
from bot.notifications.console import NO_CONSOLE, Console
from bot.notifications.readiness import card_line
from bot.notifications.standing import NO_RULE, mark, standing
from bot.notifications.text import cut_middle, escape, link, mention, said, sentence, when
from bot.workflow.inbox import Press
from bot.workflow.repositories import Source

_LABELS: Final = {
    Press.APPROVE: "Approve",
    Press.REJECT: "Reject",
    Press.WITHDRAW: "Withdraw",
    Press.RESCHEDULE: "Reschedule",
    Press.TRY_AGAIN: "Try again",
    Press.SUBMIT_AGAIN: "Submit again",
    Press.IT_IS_THERE: "It is there",
    Press.ASK_AGAIN: "Ask again",
    Press.ACKNOWLEDGE: "Acknowledge",
    Press.COMMENT: "Approve with a comment",
    Press.TAKE_BACK: "Take back my approval",
}
_BY_STATE: Final = {
    State.PENDING_APPROVAL: (Press.APPROVE, Press.REJECT, Press.WITHDRAW, Press.RESCHEDULE),
    State.APPROVED: (Press.REJECT, Press.WITHDRAW, Press.RESCHEDULE),
    State.SUBMISSION_FAILED: (Press.TRY_AGAIN, Press.REJECT, Press.WITHDRAW, Press.RESCHEDULE),
    State.SUBMISSION_UNCLEAR: (Press.SUBMIT_AGAIN, Press.IT_IS_THERE, Press.WITHDRAW, Press.RESCHEDULE),
    State.REJECTED: (Press.ASK_AGAIN,),
    State.WITHDRAWN: (Press.ASK_AGAIN,),
    State.EXPIRED: (Press.ASK_AGAIN,),
}
_IN_THE_MENU: Final = (Press.COMMENT, Press.TAKE_BACK)
_MOST_COMMENTS: Final = 3
_RESCHEDULABLE: Final = PENDING | ALARMING | {"SUPERSEDED", NOT_FOLLOWED, NOT_REPORTED}
_UNDECIDED: Final = frozenset({State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED})
_CONFIRMED: Final = frozenset({Press.APPROVE, Press.SUBMIT_AGAIN})
"""What these start cannot be taken back."""


def card(
    request: UpgradeRequest,
    upgrade: ScheduledUpgrade | None,
    *,
    rule: Rule = NO_RULE,
    source: Source | None = None,
    newer: str | None = None,
    beside: ScheduledUpgrade | None = None,
    readiness: ReadinessReading | None = None,
    naming: Naming = PLAIN,
    console: Console = NO_CONSOLE,
) -> Message:
    """Draw the card for what is true now.

    `rule` is the one of its environment. `source` is where the organisation's statuses come from, `newer` the address
    of the card that took its place, `beside` another scheduled upgrade of the cluster, `readiness` the latest reading
    of its readiness.
    """
    name, version = naming.cluster(request), request.to_version
    status = standing(request, upgrade, newer=newer, rule=rule)
    unusual = [*_unusual(request, rule), *_in_the_way(request, beside)]
    facts = [(label, fact) for label, fact in _facts(request, upgrade, readiness, rule) if fact]
    comments = [f"{mention(vote.member)}: {escape(vote.comment, 500)}" for vote in request.comments[-_MOST_COMMENTS:]]
    small = _small_print(request, upgrade, source, console)
    words = [
        f"{escape(name, 250)}: upgrade to {escape(version, 80)}. {status}",
        *(" ".join(line).rstrip() for line in unusual),
        *(f"{label}: {fact}." for label, fact in facts),
        *([f"Reason: {escape(request.reason, 1000)}"] if request.reason.strip() else []),
        *comments,
        *small,
    ]
    blocks: list[Block] = [header(f"{mark(request, upgrade)} {name}: upgrade to {version}"), section(status)]
    blocks += [section(f"*{loud}* {rest}".rstrip()) for loud, rest in unusual]
    blocks.append(fields(*(f"*{label}*\n{fact}" for label, fact in facts)))
    if request.reason.strip():
        blocks.append(quotation(request.reason))
    blocks += (section(comment) for comment in comments)
    number = readiness.number if readiness else 0
    buttons = [
        press_button(press, request, naming, readiness=number, zone=rule.zone) for press in presses(request, upgrade)
    ]
    if has_readiness(request, upgrade):
        buttons.append(readiness_button(request, naming, readiness=number))
    if request.state is State.PENDING_APPROVAL:
        buttons.append(menu(request, readiness=number))
    if buttons:
        blocks.append(actions(*buttons, block_id=f"card:{request.id}"))
    if small:
        blocks.append(context(*small))
    return message("\n".join(words), *blocks, zone=rule.zone)


def struck(request: UpgradeRequest, address: str | None, *, naming: Naming = PLAIN) -> Message:
    """Draw what is left of a card that was posted twice: no buttons, and where the card is."""
    text = f"This card was posted twice. What you press counts on {link(address, 'the card that is kept up to date')}."
    title = f"{phrases.name(request, naming)}: upgrade to {escape(request.to_version, 80)}"
    return message(f"{title}. {text}", section(f"~{title}~\n{text}"))


def retired(request: UpgradeRequest, *, naming: Naming = PLAIN) -> Message:
    """Draw what is left of a card that Slack does not let us redraw: as little as possible, and no buttons."""
    title = f"{phrases.name(request, naming)}: upgrade to {escape(request.to_version, 80)}"
    text = "Slack did not let this card be updated. A new card for this request is posted in this channel."
    return message(f"{title}. {text}", section(f"~{title}~\n{text}"))


def presses(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> tuple[Press, ...]:
    """Return the buttons that a request has now."""
    acknowledge = (Press.ACKNOWLEDGE,) if request.needs_acknowledgement else ()
    return (*_presses(request, upgrade), *acknowledge)


def _presses(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> tuple[Press, ...]:
    if request.state is not State.SUBMITTED:
        return _BY_STATE.get(request.state, ())
    if upgrade is None or upgrade.status in _RESCHEDULABLE:
        return (Press.RESCHEDULE,)
    return ()


def press_button(
    press: Press, request: UpgradeRequest, naming: Naming, *, readiness: int = 0, zone: tzinfo = UTC
) -> Block:
    """Draw one of the buttons of a request; it carries the seal and the readiness of what is shown now.

    `zone` is the one in which a dialog says times.
    """
    label = _LABELS[press]
    style = {Press.APPROVE: "primary", Press.REJECT: "danger"}.get(press)
    return button(
        label,
        action_id=press,
        value=ids.carry(request, readiness),
        style="primary" if style == "primary" else "danger" if style else None,
        says=f"{label} upgrade of {naming.cluster(request)}",
        asks=_dialog(label, request, naming, zone) if press in _CONFIRMED else None,
    )


def menu(request: UpgradeRequest, *, readiness: int = 0) -> Block:
    """Draw the menu `More`, whose options carry what buttons do."""
    carried = ids.carry(request, readiness)
    options = ((_LABELS[press], ids.option(press, carried)) for press in _IN_THE_MENU)
    return overflow(*options, action_id=ids.ActionId.MORE)


def has_readiness(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> bool:
    """Whether the card offers to look at the readiness: until the upgrade begins, or ends otherwise."""
    if request.state is State.SUBMITTED:
        return upgrade is None or upgrade.status in PENDING
    return request.state in UNFINISHED


def readiness_button(request: UpgradeRequest, naming: Naming, *, readiness: int) -> Block:
    """Draw the button that shows the readiness as it is now."""
    return button(
        "Readiness",
        action_id=ids.ActionId.READINESS,
        value=ids.carry(request, readiness),
        says=f"Readiness of upgrade of {naming.cluster(request)}",
    )


def _facts(
    request: UpgradeRequest, upgrade: ScheduledUpgrade | None, readiness: ReadinessReading | None, rule: Rule
) -> tuple[tuple[str, str], ...]:
    """Return label and text of each fact, six at most; one without text is left out."""
    return (
        ("Version", phrases.versions(request)),
        ("When", phrases.starts(request, upgrade)),
        ("Requested by", mention(request.requester)),
        ("Approved by", phrases.approvers(request)),
        ("Readiness", card_line(readiness.readiness) if readiness else ""),
        ("Change", link(rule.change_address(request.change), escape(request.change, 100))),
    )


def _unusual(request: UpgradeRequest, rule: Rule) -> Iterable[tuple[str, str]]:
    """Yield a line for each thing that an approver has to see: how it begins, in bold, and how it goes on."""
    if request.emergency:
        yield "EMERGENCY:", phrases.emergency(request)
    if request.override:
        yield f"Overrides {_overridden(request, rule)}.", ""
    if request.ignore_windows:
        yield "Ignores maintenance windows.", ""
    if request.changes:
        changed = " ".join(sentence(change, request.lost) for change in request.changes[:5])
        yield "Changed since the vote:", changed


def _in_the_way(request: UpgradeRequest, beside: ScheduledUpgrade | None) -> Iterable[tuple[str, str]]:
    """Yield a line, as above, for what forbids it just now, and for another upgrade of the cluster."""
    if request.blocked:
        yield "Cannot go ahead now:", sentence(request.blocked)
    if beside and request.state in _UNDECIDED:
        yield "Please note:", phrases.competing(beside)


def _overridden(request: UpgradeRequest, rule: Rule) -> str:
    """Say which freeze is overridden, as far as the policy tells."""
    when_it_runs = request.window or request.estimate
    if when_it_runs is None and request.start:
        when_it_runs = Window(start=request.start, end=request.start)
    freeze = rule.frozen_by(when_it_runs) if when_it_runs else None
    return phrases.freeze_named(freeze) if freeze else "a freeze"


def _small_print(
    request: UpgradeRequest, upgrade: ScheduledUpgrade | None, source: Source | None, console: Console
) -> list[str]:
    address = console.of(request)
    there = [link(address, "Open the cluster in the Console")] if address else []
    if request.state is not State.SUBMITTED:
        return there
    notes = []
    if upgrade is not None and upgrade.status not in INFERRED:
        notes.append(f"Avisi Cloud's status: {_verbatim(upgrade.status)}, since {when(upgrade.status_since)}.")
    if source is Source.CLUSTERS:
        notes.append("Avisi Cloud gives no status here.")
        if phrases.window_of(request, upgrade) is None:
            notes.append("It returned no window either, so nothing can be followed: please look in Avisi Cloud.")
        elif upgrade is None or not upgrade.is_final:
            notes.append("The outcome is judged by the cluster's version, 30 minutes after the window.")
    if request.window_stated_by:
        notes.append(f"The window was stated by {mention(request.window_stated_by)}, not by Avisi Cloud.")
    if request.start_left_out:
        notes.append("The wanted start had passed when it was submitted, so it was left out.")
    if upgrade is not None and upgrade.status == NOT_REPORTED:
        notes.append(phrases.FORGOTTEN)
    if upgrade is None or upgrade.status in PENDING or upgrade.status in {NOT_FOLLOWED, NOT_REPORTED}:
        notes.append(phrases.NO_CANCEL)
    return notes + there


def _verbatim(status: str) -> str:
    """Write the cloud's own word, by which people search."""
    return f"`{status}`" if phrases.is_known(status) else escape(status, 100)


def _dialog(label: str, request: UpgradeRequest, naming: Naming, zone: tzinfo) -> Block:
    """Ask once more: cluster, versions, when, and that nothing can be cancelled. Plain text, cut to fit."""
    name = cut_middle(naming.cluster(request), 70)
    versions = f"{cut_middle(request.from_version, 35)} to {cut_middle(request.to_version, 35)}"
    moment = said(phrases.starts(request), zone=zone)
    return confirmation(
        title=f"{label}?",
        text=f"{name}: {versions}, {moment}. Avisi Cloud offers no way to cancel.",
        yes=label,
    )
