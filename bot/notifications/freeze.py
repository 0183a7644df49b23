"""Freezes that people set, as people see them: the message in each channel, its thread, the list, private answers."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

from bot.domain.findings import MayNotFreeze
from bot.domain.freeze import FrozenPlace, UpgradeFreeze
from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications import blocks, phrases, rules
from bot.notifications.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    confirmation,
    context,
    header,
    section,
    turning,
)
from bot.notifications.card import press_button, presses
from bot.notifications.text import clip, cut, escape, mention, plain_time, span, when
from bot.workflow.freezing import AffectedByFreeze, AllFreezes
from bot.workflow.inbox import Press

LIFT: Final = "lift_freeze"
"""The action id of `Lift freeze`; the value is the freeze."""
SHOW_ALL: Final = "show_frozen"
"""The action id of `Show all`, and of the buttons that turn its pages; the value is `FREEZE:CHANNEL:PAGE`."""
FEW: Final = 5
PAGE: Final = 50
_LINES_OF_A_SECTION: Final = 10
_MOST_NAMED: Final = 10
_MOST_LISTED: Final = 20
_FEW_LEFT_OUT: Final = 3
_LONGEST_NAMES: Final = 2000
_LONGEST_REASON: Final = 600


def freeze_message(
    freeze: UpgradeFreeze, affected: AffectedByFreeze, *, channel: str, naming: Naming, zone: tzinfo, now: datetime
) -> Message:
    """Draw the message of a channel for what is true now; plain text says times in `zone`."""
    where = _names([one for one in freeze.places if one.channel == channel], naming)
    reason = f"> {escape(freeze.reason, _LONGEST_REASON)}"
    if not freeze.is_in_force(now):
        what = "lifted" if freeze.lifted_by else "ended"
        title = f"⚪ Freeze {what}: {where}"
        told = f"{_ended(freeze)} {mention(freeze.by)} had set it ({when(freeze.since)}), until {when(freeze.until)}."
        said = f"{escape(title)}\n{told}\n{reason}"
        return blocks.message(said, header(title), section(told), section(reason), zone=zone)
    title = f"🟠 Upgrades frozen: {where}"
    told = (
        f"{mention(freeze.by)} froze upgrades here until {when(freeze.until)}. "
        f"Until then none is approved or submitted that would run before that time."
    )
    scheduled = _scheduled_line(affected)
    more = len(affected.upgrades) - FEW
    rest = [f"and {more} more."] if more > 0 else []
    small = [
        *_underway_lines(affected.underway, naming),
        *_expiring_lines(affected.expiring),
        *_other_lines(affected.others, naming),
    ]
    buttons = [_lift_button(freeze, where, zone=zone)]
    if more > 0:
        buttons.append(button("Show all", action_id=SHOW_ALL, value=f"{freeze.id}:{channel}:0"))
    upgrades = [_upgrade_line(upgrade, request, naming) for upgrade, request in affected.upgrades[:FEW]]
    spoken = [escape(title), told, reason, scheduled, *upgrades, *rest, *small]
    return blocks.message(
        "\n".join(spoken),
        header(title),
        section(told),
        section(reason),
        section(scheduled),
        *(
            section(line, accessory=_reschedule(upgrade, request, naming))
            for line, (upgrade, request) in zip(upgrades, affected.upgrades[:FEW], strict=True)
        ),
        *(section(line) for line in [*rest, *small]),
        actions(*buttons, block_id=f"freeze:{freeze.id}"),
        context("Whoever may freeze these environments can lift the freeze, everywhere at once."),
        zone=zone,
    )


def freeze_over(freeze: UpgradeFreeze, affected: AffectedByFreeze, *, naming: Naming, zone: tzinfo) -> Message:
    """Say in the thread that it is over, and what still holds."""
    told = " ".join([_ended(freeze), *_other_lines(affected.others, naming)])
    return blocks.message(told, section(told), zone=zone)


def affected_view(
    freeze: UpgradeFreeze, affected: AffectedByFreeze, *, channel: str, naming: Naming, page: int = 0
) -> View:
    """Draw the modal with every upgrade that is scheduled within a freeze, as far as a channel is told, in pages."""
    upgrades = affected.upgrades
    pages = max(1, -(-len(upgrades) // PAGE))
    page = min(max(page, 0), pages - 1)
    lines = [_upgrade_line(*one, naming) for one in upgrades[page * PAGE : (page + 1) * PAGE]]
    parts: list[Block] = [section(f"{_scheduled_line(affected)} Their cards have the button Reschedule.")]
    parts += [
        section("\n".join(lines[first : first + _LINES_OF_A_SECTION]))
        for first in range(0, len(lines), _LINES_OF_A_SECTION)
    ]
    parts.extend(turning(action_id=SHOW_ALL, about=f"{freeze.id}:{channel}", page=page, pages=pages))
    return View(type="modal", title="Within the freeze", close="Close", blocks=tuple(parts))


def listed(found: AllFreezes, *, naming: Naming, now: datetime) -> Message:
    """List what is in force and what is to come."""
    people = [
        f"🟠 *{_where(one.places, naming)}* until {when(one.until)}, set by {mention(one.by)}: "
        f"{escape(one.reason, 200)}"
        for one in sorted(found.set_by_people, key=lambda one: one.until)
    ]
    policy = [
        f"{'🟠' if one.is_in_force(now) else '🔵'} *{_where(one.places, naming)}* {escape(one.freeze.words, 200)}"
        for one in sorted(found.of_policy, key=lambda one: one.begins)
    ]
    lines = [*people, *policy]
    if not lines:
        nothing = "Nothing is frozen, and no freeze is to come."
        return blocks.message(nothing, section(nothing))
    in_force = len(people) + sum(one.is_in_force(now) for one in found.of_policy)
    title = f"{_count(in_force, 'freeze')} in force, {len(lines) - in_force} to come."
    more = len(lines) - _MOST_LISTED
    shown = [*lines[:_MOST_LISTED], *([f"and {more} more."] if more > 0 else [])]
    small = (
        "🟠 in force · 🔵 to come. Freezes that name days are from the bot's policy file; days are read in its zone."
    )
    return blocks.message(
        " ".join([title, *(line if line.endswith(".") else f"{line}." for line in shown)]),
        section(f"*{title}*"),
        *(section("\n".join(shown[first : first + 4])) for first in range(0, len(shown), 4)),
        context(small),
    )


def was_set(freeze: UpgradeFreeze, left_out: Sequence[MayNotFreeze]) -> str:
    """Say to whoever froze it what is frozen, and what is not because they may not."""
    named = Naming.among({one.organisation for one in freeze.places})
    are = "is" if len(freeze.places) == 1 else "are"
    told = f"{_names(freeze.places, named)} {are} frozen until {when(freeze.until)}."
    if not left_out:
        return told
    if len(left_out) <= _FEW_LEFT_OUT:
        return f"{told} Not frozen: {' '.join(map(rules.refusal, left_out))}"
    names = ", ".join(dict.fromkeys(one.environment for one in left_out))
    return f"{told} Not frozen, because you may not freeze there: {cut(names, _LONGEST_NAMES)}."


def was_lifted(freeze: UpgradeFreeze) -> str:
    """Say to whoever lifted it what is no longer frozen by it."""
    named = Naming.among({one.organisation for one in freeze.places})
    return f"The freeze of {_names(freeze.places, named)} is lifted."


def _ended(freeze: UpgradeFreeze) -> str:
    if freeze.lifted_by:
        return f"The freeze was lifted by {mention(freeze.lifted_by)} ({when(freeze.over_at or freeze.until)})."
    return f"The freeze ended by itself ({when(freeze.until)})."


def _where(places: Sequence[FrozenPlace], naming: Naming) -> str:
    return escape(_names(places, naming), 1000)


def _names(places: Sequence[FrozenPlace], naming: Naming) -> str:
    names = [naming.environment(place) for place in places[:_MOST_NAMED]]
    more = len(places) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _scheduled_line(affected: AffectedByFreeze) -> str:
    unknown = f" {_count(affected.unknown, 'more')} have no known window yet." if affected.unknown > 1 else ""
    unknown = " 1 more has no known window yet." if affected.unknown == 1 else unknown
    if not affected.upgrades:
        return f"No upgrade is scheduled within it.{unknown}"
    count = len(affected.upgrades)
    return (
        f"{_count(count, 'upgrade')} {'is' if count == 1 else 'are'} already scheduled within it.{unknown} "
        f"{phrases.NO_CANCEL}"
    )


def _upgrade_line(upgrade: ScheduledUpgrade, request: UpgradeRequest | None, naming: Naming) -> str:
    outside = "" if request else f", {phrases.OUTSIDE[0].lower()}{phrases.OUTSIDE[1:]}"
    window = f", {span(upgrade.window)}" if upgrade.window else ""
    named = f"*{phrases.name(upgrade, naming)}* {phrases.versions(upgrade)}"
    return clip(f"{named}: {phrases.status(upgrade.status)}{window}{outside}", 280)


def _reschedule(upgrade: ScheduledUpgrade, request: UpgradeRequest | None, naming: Naming) -> Block | None:
    if request is None or Press.RESCHEDULE not in presses(request, upgrade):
        return None
    return press_button(Press.RESCHEDULE, request, naming)


def _underway_lines(underway: Sequence[UpgradeRequest], naming: Naming) -> list[str]:
    if not underway:
        return []
    names = ", ".join(f"{phrases.name(one, naming)} ({escape(one.to_version, 80)})" for one in underway[:_MOST_NAMED])
    more = len(underway) - _MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return [f"Just being submitted when it was frozen, so it may still be scheduled: {names}{rest}."]


def _expiring_lines(expiring: int) -> list[str]:
    if not expiring:
        return []
    return [f"{_count(expiring, 'request')} will expire within it: deadlines do not move."]


def _other_lines(others: Sequence[UpgradeFreeze], naming: Naming) -> list[str]:
    return [
        f"Another freeze of {_where(one.places, naming)} holds until {when(one.until)} (set by {mention(one.by)})."
        for one in others[:FEW]
    ]


def _lift_button(freeze: UpgradeFreeze, where: str, *, zone: tzinfo) -> Block:
    asks = confirmation(
        title="Lift freeze?",
        text=cut(f"Upgrades in {where} can be approved and submitted again at once.", 280),
        yes="Lift freeze",
    )
    says = f"Lift freeze until {plain_time(freeze.until, zone)}"
    return button("Lift freeze", action_id=LIFT, value=freeze.id, style="danger", says=says, asks=asks)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 or word == "more" else f"{number} {word}s"
