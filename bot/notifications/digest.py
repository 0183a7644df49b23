"""Many channel messages at once, as one readable digest: what went wrong first and in full, the rest counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.events import AlertsBegan, AnyEvent, StatusMoved, UpgradeOverran, UpgradeStale, WindowMoved, WindowNear
from bot.notifications import notes, phrases, running_story
from bot.notifications.blocks import LONGEST_TEXT, Block, Message, header, message, section
from bot.notifications.context import MessageContext
from bot.notifications.text import clip, escape, said, size

MOST_SINGLE: Final = 5
"""More channel messages than this waiting for one channel become a digest."""
_ROOM: Final = LONGEST_TEXT - 200
_ALERT_ROOM: Final = 1200
_LINE_ROOM: Final = 600
_MOST_PARTS: Final = 40
_MOST_NAMES: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One waiting channel message: the number of its outbox row, what it tells, and what is true now."""

    number: int
    event: AnyEvent
    current: MessageContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One message of a digest, and the outbox rows that it tells."""

    message: Message
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    text: str
    block: Block
    numbers: tuple[int, ...]


def digest(waiting: Sequence[Waiting], *, total: int) -> tuple[Page, ...]:
    """Draw a digest of what still waits; `total` is how many it had at first. Each page keeps Slack's limits."""
    in_full = sorted((one for one in waiting if notes.in_full(one.event)), key=_rank)
    others = [one for one in waiting if not notes.in_full(one.event)]
    parts = [_told(one) for one in in_full] + _counted(others)
    pages: list[list[_Part]] = [[]]
    for part in parts:
        filled = sum(size(one.text) + 1 for one in pages[-1])
        if pages[-1] and (filled + size(part.text) > _ROOM or len(pages[-1]) >= _MOST_PARTS):
            pages.append([])
        pages[-1].append(part)
    told = total - len(waiting)
    drawn = []
    for page in pages:
        drawn.append(_page(page, total=total, told=told))
        told += len(drawn[-1].numbers)
    return tuple(drawn)


def _page(parts: list[_Part], *, total: int, told: int) -> Page:
    title = f"{total} notifications about upgrades" + (" (continued)" if told else "")
    return Page(
        message=message(
            "\n".join([f"{title}.", *(part.text for part in parts)]), header(title), *[p.block for p in parts]
        ),
        numbers=tuple(number for part in parts for number in part.numbers),
    )


def _rank(one: Waiting) -> int:
    """Put upgrades that went wrong first, then those that may, then what the bot could not see."""
    return 0 if isinstance(one.event, StatusMoved) else 1 if notes.is_alarming(one.event) else 2


def _told(one: Waiting) -> _Part:
    markup = notes.brief(one.event, one.current, _ALERT_ROOM)
    buttons = notes.reschedule(one.event, one.current)
    return _Part(
        text=clip(said(markup, zone=one.current.zone).replace("*", ""), _ALERT_ROOM),
        block=section(markup, accessory=buttons[0] if buttons else None),
        numbers=(one.number,),
    )


def _counted(others: Sequence[Waiting]) -> list[_Part]:
    groups: dict[str, list[Waiting]] = {}
    for one in others:
        groups.setdefault(_kind(one), []).append(one)
    parts = []
    for kind, members in sorted(groups.items(), key=lambda group: -len(group[1])):
        names = list(dict.fromkeys(_named(one) for one in members))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        count = f"{kind[:1].upper()}{kind[1:]}: {len(members)}"
        line = clip(f"{', '.join(names[:_MOST_NAMES])}{more}", _LINE_ROOM)
        numbers = tuple(one.number for one in members)
        parts.append(_Part(text=f"{count} ({line}).", block=section(f"*{count}*\n{line}"), numbers=numbers))
    return parts


def _kind(one: Waiting) -> str:  # noqa: PLR0911 - one for each kind
    match one.event:
        case StatusMoved(status=status):
            return phrases.status(status)
        case WindowNear():
            return "window has begun" if running_story.has_begun(one.event, one.current) else "upcoming"
        case WindowMoved():
            return "window moved"
        case UpgradeOverran():
            return "still running after its window"
        case UpgradeStale():
            return "still not scheduled"
        case AlertsBegan():
            return "new alerts after the upgrade"
        case _:
            return "other news"


def _named(one: Waiting) -> str:
    if not one.event.about.cluster:
        return escape(one.event.about.organisation, 100)
    return clip(f"{phrases.name(one.event.about, one.current.naming)} to {escape(one.event.about.to_version, 60)}", 200)
