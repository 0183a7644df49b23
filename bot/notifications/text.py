"""Slack's mrkdwn, written safely: escaping, cutting, mentions, links, and times in the reader's zone.

Limits are counted in UTF-16 units, the most careful reading of "characters", and for the text of a message in bytes.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.foreign import clean
from bot.domain.windows import Window

ELLIPSIS: Final = "…"
JOINER: Final = "\u2060"
"""Stands invisibly beside a character that would format text, so that it does not."""

_A_DAY: Final = timedelta(hours=23)
"""As short as a day gets."""
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_FORMATS: Final = frozenset("*_~`:")
_EMOJI: Final = re.compile(r":(?=[\w+'-]+:)")
"""Where something begins that may be an emoji."""
_SPACES: Final = re.compile(r"\s+")
_TOKEN: Final = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
_DATE: Final = re.compile(r"<!date\^[^<>|]*\|([^<>]*)>")
_LINK: Final = re.compile(r"<(https://[^<>|]*)\|([^<>]*)>")
_OURS: Final = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<#[CG][A-Z0-9]+>|<!date\^\d+\^[^<>|^]*\|[^<>|]*>|&(?:amp|lt|gt);"
)


def units(text: str) -> int:
    """Count UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def size(text: str) -> int:
    """Count bytes as they are sent."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, limit: int) -> str:
    """Shorten plain text to a number of units, with an ellipsis."""
    return text if units(text) <= limit else _fit(list(text), limit)


def cut_middle(text: str, limit: int) -> str:
    """Shorten plain text to a number of units in its middle, so that beginning and end can be read."""
    if units(text) <= limit:
        return text
    half = (limit - 1) // 2
    beginning, end = list(text), list(text)
    while units("".join(beginning)) > limit - 1 - half:
        beginning.pop()
    while units("".join(end)) > half:
        end.pop(0)
    return f"{''.join(beginning)}{ELLIPSIS}{''.join(end)}"


def clip(markup: str, limit: int, *, counted: Callable[[str], int] = units) -> str:
    """Shorten mrkdwn to a number of units, never inside an entity, a mention, a link or a date."""
    return markup if counted(markup) <= limit else _fit(_TOKEN.findall(markup), limit, counted=counted)


def one_line(text: str, limit: int = 200) -> str:
    """Return plain text as one line for header, button and the like; never empty."""
    return cut(_SPACES.sub(" ", clean(text)).strip(), limit) or "-"


def escape(text: str, limit: int = 600) -> str:
    """Return foreign text as one line of mrkdwn that shows exactly that text: no mention, link, format or emoji.

    `limit` is the longest result.
    """
    line = _SPACES.sub(" ", clean(text)).strip()[: limit + 1]  # every character of it takes at least one unit
    emoji = max((found.start() for found in _EMOJI.finditer(line)), default=-1)
    return _fit([_harmless(line, at, emoji=emoji) for at in range(len(line))], limit)


def trusted(text: str, limit: int = 2900) -> str:
    """Return sentences of our own that may hold foreign words: everything but our mentions and dates is escaped.

    Line breaks and formats stay.
    """
    parts: list[str] = []
    end = 0
    cleaned = clean(text)
    for ours in _OURS.finditer(cleaned):
        parts += [_ENTITIES.get(character, character) for character in cleaned[end : ours.start()]]
        parts.append(ours.group())
        end = ours.end()
    parts += [_ENTITIES.get(character, character) for character in cleaned[end:]]
    return _fit(parts, limit)


def sentence(text: str, named: Iterable[str] = (), *, limit: int = 600) -> str:
    """Return a stored sentence as safe mrkdwn; of these people the one that it opens with is mentioned."""
    opening = next((f"<@{one}> " for one in named if text.startswith(f"<@{one}> ")), "")
    return opening + escape(text.removeprefix(opening), limit - len(opening))


def said(markup: str) -> str:
    """Return mrkdwn as plain sentences: times in UTC, links with their address. Escapes and mentions stay."""
    return _LINK.sub(r"\2: \1", _DATE.sub(r"\1", markup))


def mention(slack_id: str) -> str:
    """Mention a person (`U…`, `W…`) or a user group (`S…`); anything else is shown as it is and mentions nobody."""
    if re.fullmatch(r"[UW][A-Z0-9]+", slack_id):
        return f"<@{slack_id}>"
    if re.fullmatch(r"S[A-Z0-9]+", slack_id):
        return f"<!subteam^{slack_id}>"
    return escape(slack_id, 100)


def mentions(slack_ids: tuple[str, ...]) -> str:
    """Mention several, each once; `*` mentions nobody. Empty when nobody is left."""
    return " ".join(mention(slack_id) for slack_id in dict.fromkeys(slack_ids) if slack_id != "*")


def link(address: str | None, label: str) -> str:
    """Link to an https address; only the label when there is none. The label is our own."""
    if address is None or not re.fullmatch(r"https?://[^\s<>|]+", address):
        return label
    return f"<{address.replace('&', '&amp;')}|{label}>"


def utc(moment: datetime) -> str:
    """Write a moment: `2026-12-05 21:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def when(moment: datetime) -> str:
    """Write a moment so that each reader sees it in their own time zone, and without Slack in UTC."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(moment)}>"


def span(window: Window) -> str:
    """Write a window; a moment when it has no length. The day of the end is left out where it cannot be another."""
    if window.start == window.end:
        return when(window.start)
    if window.end - window.start >= _A_DAY:
        return f"{when(window.start)} to {when(window.end)}"
    return f"{when(window.start)} to <!date^{int(window.end.timestamp())}^{{time}}|{utc(window.end)}>"


def _fit(parts: list[str], limit: int, *, counted: Callable[[str], int] = units) -> str:
    total = 0
    fitting = 0
    for number, part in enumerate(parts):
        total += counted(part)
        if total <= limit - counted(ELLIPSIS):
            fitting = number + 1
        if total > limit:
            return "".join(parts[:fitting]) + ELLIPSIS
    return "".join(parts)


def _harmless(line: str, at: int, *, emoji: int) -> str:
    """Return a character of a line so that it does nothing; `emoji` is where the last emoji begins."""
    character = line[at]
    if character in _ENTITIES:
        return (JOINER if at == 0 else "") + _ENTITIES[character]
    if character not in _FORMATS:
        return character
    inside_a_word = 0 < at < len(line) - 1 and line[at - 1].isalnum() and line[at + 1].isalnum()
    if inside_a_word and character in "*_~":
        return character
    if character == ":" and emoji < at - 1:
        return character
    return "\u02cb" if character == "`" else f"{JOINER}{character}{JOINER}"
