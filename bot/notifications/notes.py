"""Everything that is posted besides cards: in a thread, in a channel, to one person; drawn when it is posted."""

from typing import Final

from bot.domain.events import (
    AcknowledgementMissing,
    AlertsBegan,
    Answered,
    AnyEvent,
    ApproversReminded,
    EmergencyRequested,
    RequestExpired,
    RequestRejected,
    RequestReplaced,
    RequestWithdrawn,
    SawAgain,
    StatusMoved,
    SubmissionFailed,
    SubmissionUnclear,
    UpgradeOverran,
    UpgradeRequested,
    UpgradeStale,
    VoteCast,
    VotesVoided,
    VoteTakenBack,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
)
from bot.domain.scheduled import ALARMING
from bot.notifications import deciding_story, phrases, readiness, running_story
from bot.notifications.blocks import Block, Message, actions, context, message, section
from bot.notifications.card import press_button, presses
from bot.notifications.context import MessageContext
from bot.notifications.standing import ENDED, NEEDS_A_LOOK, SCHEDULED, SUCCEEDED, WAITS_FOR_PEOPLE, WENT_WRONG, mark_of
from bot.notifications.text import clip, link, mention, mentions, trusted
from bot.workflow.inbox import Press

_LONGEST_PART: Final = 2800


def headline(event: AnyEvent, current: MessageContext) -> str:
    """Say what happened to which cluster, in a sentence without a full stop."""
    if told := running_story.tell(event, current):
        return told.headline
    if heading := readiness.heading(event):
        return f"{phrases.name(event.about, current.naming)}: {heading[:1].lower()}{heading[1:]}"
    what = phrases.what(event.about, current.naming)
    return f"EMERGENCY: {what}" if isinstance(event, EmergencyRequested) else what


def lines(event: AnyEvent, current: MessageContext) -> tuple[str, ...]:
    """Tell it under a card, in a few sentences."""
    if isinstance(event, Answered):
        return (trusted(event.text),)
    if told := running_story.tell(event, current):
        return (told.line, *told.more)
    return deciding_story.lines(event) or readiness.story(event) or ()


def is_alarming(event: AnyEvent) -> bool:
    """Whether somebody has to look at it soon."""
    return isinstance(event, WindowBrokeRule) or (isinstance(event, StatusMoved) and event.status in ALARMING)


def raises_alarm(event: AnyEvent) -> bool:
    """Whether the channel waits for an all-clear after it."""
    return is_alarming(event) or isinstance(event, UpgradeOverran | UpgradeStale | WentBlind)


def ends_alarm(event: AnyEvent) -> bool:
    """Whether it is the all-clear after an alarm."""
    return isinstance(event, SawAgain) or (isinstance(event, StatusMoved | WindowMoved) and event.ends_alarm)


def in_full(event: AnyEvent) -> bool:
    """Whether it is told in full also where many others are only counted."""
    return is_alarming(event) or isinstance(event, EmergencyRequested | WentBlind | SawAgain)


def thread(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it under the card, where the reader sees what it is about; the notification text says that too."""
    shown = _addressed(_in_thread(event), lines(event, current))
    return message(f"{phrases.what(event.about, current.naming)}. {shown}", section(shown), zone=current.zone)


def channel(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it in a channel, complete by itself."""
    title = headline(event, current)
    told = _addressed(_in_channel(event), _details(event, current))
    small = _small_print(event, current)
    buttons = reschedule(event, current)
    blocks: list[Block] = [section("\n".join([f"*{_mark(event)} {title}*", *([told] if told else [])]))]
    blocks += [actions(*buttons)] if buttons else []
    blocks += [context(*small)] if small else []
    words = [f"{title}.", *([told] if told else []), *small]
    return message("\n".join(words), *blocks, zone=current.zone)


def direct(event: AnyEvent, current: MessageContext) -> Message:
    """Tell it to the requester."""
    if isinstance(event, Answered):
        return private(event)
    title = headline(event, current)
    told = [*_details(event, current), *_links(current)]
    if isinstance(event, UpgradeRequested):
        told[0] = f"Your request was received. {deciding_story.what_is_needed(event)}"
    return message(
        "\n".join([f"{title}.", *told]), section("\n".join([f"*{_mark(event)} {title}*", *told])), zone=current.zone
    )


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
    if (
        request is None
        or not (is_alarming(event) or isinstance(event, UpgradeStale))
        or Press.RESCHEDULE not in presses(request, current.upgrade)
    ):
        return ()
    return (press_button(Press.RESCHEDULE, request, current.naming),)


def brief(event: AnyEvent, current: MessageContext, limit: int) -> str:
    """Tell it as one part of a digest: title, mentions, sentences and links."""
    told = _addressed(_in_channel(event), _details(event, current))
    tail = f"\n{' '.join(_small_print(event, current))}"
    head = f"*{_mark(event)} {headline(event, current)}*\n"
    return (head + clip(told, max(limit - len(head) - len(tail), 200)) + tail).replace("\n\n", "\n").rstrip()


def _details(event: AnyEvent, current: MessageContext) -> tuple[str, ...]:
    """Tell what the headline does not say."""
    told = running_story.tell(event, current)
    return told.more if told else lines(event, current)


def _addressed(for_whom: tuple[str, ...], told: tuple[str, ...]) -> str:
    """Begin with those who are called upon."""
    named = mentions(for_whom)
    text = "\n".join(told)
    return f"{named}: {text}" if named and text else named or text


def _small_print(event: AnyEvent, current: MessageContext) -> list[str]:
    about = event.about
    if not about.cluster:
        return []
    told = [f"Version: {phrases.versions(about)}."]
    if about.requester and about.requester not in _in_channel(event):
        told.append(f"Requested by {mention(about.requester)}.")
    elif about.request_id is None:
        told.append(f"{phrases.OUTSIDE}, without approval here.")
    return [*told, *_links(current)]


def _links(current: MessageContext) -> list[str]:
    card = [link(current.link, "Open the card")] if current.link else []
    return [*card, *([link(current.console, "Open the cluster in the Console")] if current.console else [])]


def _mark(event: AnyEvent) -> str:  # noqa: PLR0911 - one for each kind
    match event:
        case StatusMoved():
            return mark_of(event.status)
        case (
            WindowBrokeRule()
            | UpgradeOverran()
            | UpgradeStale()
            | WentBlind()
            | SubmissionUnclear()
            | AlertsBegan()
            | EmergencyRequested()
        ):
            return NEEDS_A_LOOK
        case SawAgain():
            return SUCCEEDED
        case SubmissionFailed():
            return WENT_WRONG
        case VoteCast():
            return SCHEDULED if event.count >= event.required else WAITS_FOR_PEOPLE
        case UpgradeRequested() | VotesVoided() | ApproversReminded() | VoteTakenBack() | AcknowledgementMissing():
            return WAITS_FOR_PEOPLE
        case _:
            return _ENDS.get(type(event), SCHEDULED)


_ENDS: Final = {RequestRejected: WENT_WRONG, RequestWithdrawn: ENDED, RequestExpired: ENDED, RequestReplaced: ENDED}


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
