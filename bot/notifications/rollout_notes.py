"""What is said about a rollout besides its card and thread: in channels, and about a cluster that is unclear."""

from collections.abc import Sequence
from typing import Final

from bot.domain.events import (
    AnyEvent,
    RolloutAsks,
    RolloutFailed,
    RolloutMovedOn,
    RolloutNear,
    SubmissionUnclear,
    ToldCluster,
)
from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest
from bot.notifications import phrases
from bot.notifications.blocks import Block, Message, actions, button, context, message, section
from bot.notifications.card import press_button
from bot.notifications.delivery.errors import BadPayload
from bot.notifications.text import clip, escape, link, mentions, span
from bot.workflow.inbox import Press, RolloutPress

_MOST_NAMED: Final = 30
_LONGEST: Final = 2800
_WHY: Final = {
    "refused by Avisi Cloud": "Avisi Cloud refused the upgrade",
    "version withdrawn": "the version is no longer on offer",
    "no final status": "Avisi Cloud gave no final status in time",
}


def channel(event: AnyEvent, card: str | None) -> Message:
    """Tell it in a channel; `card` is the address of the rollout's card."""
    title, lines = _said(event)
    for_whom = mentions(event.mention)
    small = link(card, "Open the card of the rollout") if card else ""
    told = clip("\n".join([*([for_whom] if for_whom else []), *lines]), _LONGEST)
    blocks: list[Block] = [section(f"*{title}*\n{told}" if told else f"*{title}*")]
    blocks += [context(small)] if small else []
    return message("\n".join(one for one in (f"{title}.", told, small) if one), *blocks)


def question(request: UpgradeRequest, event: AnyEvent, naming: Naming) -> Message:
    """Ask what is to become of an unclear submission of a rollout."""
    if not isinstance(event, SubmissionUnclear):
        raise BadPayload("no_question")
    for_whom = mentions(event.mention)
    name = phrases.name(request, naming)
    text = (
        f"{f'{for_whom}: ' if for_whom else ''}🟠 *{name}*: we could not confirm that the upgrade was scheduled. "
        "Look in Avisi Cloud. Approvers of its environment can submit it again, say that it is there, or skip the "
        "cluster. Until then it keeps its place."
    )
    skip = button(
        "Skip",
        action_id=RolloutPress.SKIP,
        value=f"{request.rollout}:{request.cluster_identity}",
        says=f"Skip upgrade of {naming.cluster(request)}",
    )
    presses = [press_button(press, request, naming) for press in (Press.SUBMIT_AGAIN, Press.IT_IS_THERE)]
    return message(text, section(text), actions(*presses, skip, block_id=f"unclear:{request.id}"))


def _said(event: AnyEvent) -> tuple[str, list[str]]:
    match event:
        case RolloutAsks(name=name, wave=wave, environments=environments):
            where = ", ".join(escape(one, 60) for one in environments)
            return (
                f"🟡 {where}: rollout {escape(name, 100)} asks for approval of wave {wave}",
                [f"It upgrades clusters here to {escape(event.about.to_version, 80)}. Approve it on its card."],
            )
        case RolloutMovedOn(name=name, wave=wave, status=status, clusters=clusters):
            what = phrases.status(status)
            return (
                f"{_several(clusters)} to {escape(event.about.to_version, 80)}: {what}",
                [*_listed(clusters), _origin(name, wave)],
            )
        case RolloutNear(name=name, wave=wave, hours=hours, clusters=clusters):
            return (
                f"{_several(clusters)} to {escape(event.about.to_version, 80)}: starts within {_ahead(hours)}",
                [*_listed(clusters), _origin(name, wave)],
            )
        case RolloutFailed(name=name, wave=wave, why=why, clusters=clusters):
            return (
                f"🔴 {_several(clusters)} to {escape(event.about.to_version, 80)} failed: {_WHY.get(why, why)}",
                [*_listed(clusters), _origin(name, wave)],
            )
        case _:
            raise BadPayload("not_about_a_rollout")


def _several(clusters: Sequence[ToldCluster]) -> str:
    if len(clusters) == 1:
        return f"{escape(clusters[0].name, 150)}: upgrade"
    return f"Upgrades of {len(clusters)} clusters"


def _listed(clusters: Sequence[ToldCluster]) -> list[str]:
    lines = []
    for one in clusters[:_MOST_NAMED]:
        when = f": {span(one.window)}" if one.window else ""
        detail = f" ({escape(one.detail, 200)})" if one.detail else ""
        lines.append(f"{escape(one.name, 150)}{when}{detail}")
    more = len(clusters) - len(lines)
    return [*lines, *([f"and {more} more"] if more > 0 else [])]


def _origin(name: str, wave: int) -> str:
    return f"Wave {wave} of rollout {escape(name, 100)}."


def _ahead(hours: float) -> str:
    return f"{hours:g} hour{'' if hours == 1 else 's'}" if hours >= 1 else f"{round(hours * 60)} minutes"
