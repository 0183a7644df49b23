"""Everything that is posted besides cards: in a thread, in a channel, to one person; drawn when it is posted."""

from bot.domain.events import (
    Answered,
    AnyEvent,
    ApproversReminded,
    SawAgain,
    StatusMoved,
    SubmissionFailed,
    UpgradeRequested,
    WentBlind,
    WindowBrokeRule,
)
from bot.domain.scheduled import ALARMING
from bot.notifications import deciding_story, phrases, readiness, running_story
from bot.notifications.blocks import Block, Message, actions, context, message, section
from bot.notifications.card import press_button, presses
from bot.notifications.context import MessageContext
from bot.notifications.text import clip, escape, link, mention, mentions, trusted
from bot.workflow.inbox import Press

_LONGEST_PART = 2800


def heading(event: AnyEvent, current: MessageContext) -> str:
    """Say in a few words what happened."""
    told = deciding_story.heading(event) or running_story.heading(event, current)
    return told or readiness.heading(event) or "Notice"


def lines(event: AnyEvent, current: MessageContext) -> tuple[str, ...]:
    """Tell what happened in a few sentences."""
    if isinstance(event, Answered):
        return (trusted(event.text),)
    return deciding_story.lines(event) or running_story.lines(event, current) or readiness.story(event) or ()


def is_alarming(event: AnyEvent) -> bool:
    """Whether somebody has to look at it soon."""
    return isinstance(event, WindowBrokeRule) or (isinstance(event, StatusMoved) and event.status in ALARMING)


def in_full(event: AnyEvent) -> bool:
    """Whether it is told in full also where many others are only counted."""
    return is_alarming(event) or isinstance(event, WentBlind | SawAgain)


def title(event: AnyEvent, current: MessageContext) -> str:
    """Say what happened to which cluster: `Upgrade failed: production/payments, 1.30.4 to 1.31.2`."""
    if not event.about.cluster:
        return f"{heading(event, current)}: {escape(event.about.organisation, 200)}"
    return f"{heading(event, current)}: {_what(event, current)}"


def thread(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it under the card, where the reader sees what it is about; the notification text says that too."""
    told = "\n".join(lines(event, current))
    for_whom = mentions(_in_thread(event))
    shown = f"{for_whom}: {told}" if for_whom else told
    return message(f"{title(event, current)}. {shown}", section(shown))


def channel(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it in a channel, complete by itself."""
    for_whom = mentions(_in_channel(event))
    told = [*([for_whom] if for_whom else []), *lines(event, current), *_who_asked(event)]
    small = [link(current.link, "Open the card")] if current.link else []
    buttons = reschedule(event, current)
    blocks: list[Block] = [section("\n".join([f"*{title(event, current)}*", *told]))]
    blocks += [actions(*buttons)] if buttons else []
    blocks += [context(*small)] if small else []
    return message("\n".join([f"{title(event, current)}.", *told, *small]), *blocks)


def direct(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it to the requester."""
    if isinstance(event, Answered):
        return private(event)
    told = [f"{title(event, current)}.", *lines(event, current)]
    if isinstance(event, UpgradeRequested):
        opening = f"Your request was received: {_what(event, current)}."
        told = [opening, deciding_story.what_is_needed(event)]
    told += [link(current.link, "Open the card")] if current.link else []
    return message("\n".join(told), section("\n".join([f"*{told[0]}*", *told[1:]])))


def private(event: Answered) -> Message:
    """Answer one person; the text is ours, and what it quotes cannot mention or link anything."""
    parts: list[str] = []
    for paragraph in event.text.split("\n"):
        safe = trusted(paragraph, _LONGEST_PART)
        if parts and len(parts[-1]) + len(safe) < _LONGEST_PART:
            parts[-1] += f"\n{safe}"
        else:
            parts.append(safe)
    return message("\n".join(parts), *(section(part) for part in parts))


def reschedule(event: AnyEvent, current: MessageContext) -> tuple[Block, ...]:
    """Return the button that an alert has, when the upgrade was requested here and can be rescheduled now."""
    request = current.request
    if request is None or not is_alarming(event) or Press.RESCHEDULE not in presses(request, current.upgrade):
        return ()
    return (press_button(Press.RESCHEDULE, request, current.naming),)


def brief(event: AnyEvent, current: MessageContext, limit: int) -> str:
    """Tell it as one part of a digest: title, mentions, sentences and link."""
    for_whom = mentions(_in_channel(event))
    told = [*([for_whom] if for_whom else []), *lines(event, current), *_who_asked(event)]
    tail = f"\n{link(current.link, 'Open the card')}" if current.link else ""
    head = f"*{title(event, current)}*\n"
    return head + clip("\n".join(told), max(limit - len(head) - len(tail), 200)) + tail


def _what(event: AnyEvent, current: MessageContext) -> str:
    return f"{phrases.name(event.about, current.naming)}, {phrases.versions(event.about)}"


def _who_asked(event: AnyEvent) -> tuple[str, ...]:
    about = event.about
    if not about.cluster or isinstance(event, ApproversReminded):
        return ()
    if about.requester:
        return (f"Requested by {mention(about.requester)}.",)
    if about.request_id is None:
        return (f"{phrases.OUTSIDE}: nobody asked for it here.",)
    return ()


def _in_thread(event: AnyEvent) -> tuple[str, ...]:
    """Return whom a thread line mentions: of a failed submission the requester, of a new request everybody else."""
    requester = event.about.requester
    if isinstance(event, UpgradeRequested):
        return tuple(one for one in event.mention if one != requester)
    return (*((requester,) if requester and isinstance(event, SubmissionFailed) else ()), *event.mention)


def _in_channel(event: AnyEvent) -> tuple[str, ...]:
    """Return whom a channel message mentions; the requester of what went wrong always."""
    requester = event.about.requester if is_alarming(event) else None
    return (*((requester,) if requester else ()), *event.mention)
