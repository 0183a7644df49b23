"""Slack's mrkdwn, written safely: escaping, cutting, mentions, links, and times in the reader's zone.

Limits are counted in UTF-16 units, the most careful reading of "characters", and for the text of a message in bytes.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from html import unescape
from typing import Final

from bot.domain.foreign import clean
from bot.domain.windows import Window

ELLIPSIS: Final = "…"
JOINER: Final = "\u2060"
"""Stands invisibly beside a character that would format text, so that it does not."""

_A_DAY: Final = timedelta(hours=23)
"""As short as a day gets."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_FORMATS: Final = frozenset("*_~`:")
_EMOJI: Final = re.compile(r":(?=[\w+'-]+:)")
"""Where something begins that may be an emoji."""
_SPACES: Final = re.compile(r"\s+")
_TOKEN: Final = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
_DATE: Final = re.compile(r"<!date\^(-?\d+)\^([^<>|^]*)\|[^<>]*>")
_SPAN: Final = re.compile(rf"{_DATE.pattern} ?– ?<!date\^(-?\d+)\^[^<>|^]*\|[^<>]*>")
_LINK: Final = re.compile(r"<(https?://[^<>|]*)\|([^<>]*)>")
_OURS: Final = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<#[CG][A-Z0-9]+>|<!date\^\d+\^[^<>|^]*\|[^<>|]*>|&(?:amp|lt|gt);"
)


def units(text: str) -> int:
    """Count UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def size(text: str) -> int:
    """Count bytes as they are sent."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def counted(markup: str) -> int:
    """Count characters as Slack counts the size of a whole message: `&` for 5, `<` and `>` for 4 each."""
    text = unescape(markup)
    return units(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


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


def said(markup: str, *, zone: tzinfo = UTC) -> str:
    """Return mrkdwn as plain sentences: times in `zone`, links with their address. Escapes and mentions stay."""
    spans = _SPAN.sub(lambda found: _plain_window(int(found[1]), int(found[3]), zone), markup)
    moments = _DATE.sub(lambda found: _plain_moment(int(found[1]), found[2], zone), spans)
    return _LINK.sub(r"\2: \1", moments)


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


def plain_time(moment: datetime, zone: tzinfo = UTC) -> str:
    """Write a moment without markup: `Sat 5 Dec, 21:00 CET`."""
    return f"{plain_minute(moment, zone)} {_zone_of(_local(moment, zone))}"


def plain_minute(moment: datetime, zone: tzinfo) -> str:
    """Write a moment where its zone is named beside it: `Sat 5 Dec, 21:00`."""
    local = _local(moment, zone)
    return f"{_plain_day(local)}, {local:%H:%M}"


def plain_span(window: Window, zone: tzinfo = UTC) -> str:
    """Write a window without markup: `Sat 5 Dec, 03:00–06:00 CET`; a moment when it has no length."""
    if window.start == window.end:
        return plain_time(window.start, zone)
    start, end = _local(window.start, zone), _local(window.end, zone)
    opening = "" if _zone_of(start) == _zone_of(end) else f" {_zone_of(start)}"
    if start.date() == end.date():
        return f"{_plain_day(start)}, {start:%H:%M}{opening}–{end:%H:%M} {_zone_of(end)}"
    return f"{_plain_day(start)}, {start:%H:%M}{opening} – {plain_time(window.end, zone)}"


def when(moment: datetime) -> str:
    """Write a moment so that each reader sees it in their own time zone, and without Slack in UTC."""
    return _token(moment, "{date_long_pretty}, {time}", plain_time(moment))


def recently(moment: datetime) -> str:
    """Write a moment that is near: `today at 03:40`."""
    return _token(moment, "{date_short_pretty} at {time}", plain_time(moment))


def day(moment: datetime) -> str:
    """Write the day of a moment so that each reader sees it in their own time zone."""
    return _token(moment, "{date_long_pretty}", _plain_day(_local(moment, UTC)))


def span(window: Window) -> str:
    """Write a window; a moment when it has no length. The day of the end is left out where it cannot be another."""
    if window.start == window.end:
        return when(window.start)
    if window.end - window.start >= _A_DAY:
        return f"{when(window.start)} – {when(window.end)}"
    return f"{when(window.start)}–{_token(window.end, '{time}', f'{_local(window.end, UTC):%H:%M} UTC')}"


def span_with_date(window: Window) -> str:
    """Write a window for the middle of a sentence, with its date also where `span` says `today`."""
    return span(window).replace("{date_long_pretty}", "{date_long}")


def _token(moment: datetime, shape: str, fallback: str) -> str:
    return f"<!date^{(moment - _EPOCH) // timedelta(seconds=1)}^{shape}|{fallback}>"


def _local(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:  # on the last day of the calendar
        return moment.astimezone(UTC)


def _plain_day(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b}"


def _zone_of(local: datetime) -> str:
    name = f"{local:%Z}"
    return f"UTC{name}" if name[:1] in {"+", "-"} else name


def _plain_moment(seconds: int, shape: str, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    if "{time}" not in shape:
        return _plain_day(_local(moment, zone))
    return plain_time(moment, zone)


def _plain_window(start: int, end: int, zone: tzinfo) -> str:
    return plain_span(Window(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC)), zone)


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
