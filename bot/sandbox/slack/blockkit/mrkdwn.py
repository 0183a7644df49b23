"""Which mentions and links a message really triggers, by Slack's published rules, without drawing anything.

Explicit forms (``<@U…>``, ``<!subteam^S…>``, ``<!here>``, ``<#C…>``, ``<url|label>``) always count. Plain ``@here``,
``#general`` and bare addresses count where Slack parses text by itself: in mrkdwn objects without ``verbatim``, and in
``text`` by ``parse`` and ``link_names``. Escaped text and plain_text trigger nothing.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.errors import Json

_TOKEN = re.compile(r"<([^<>]+)>")
_BARE_LINK = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>|]+")
_BARE_BROADCAST = re.compile(r"(?<![\w@])@(channel|here|everyone)\b")
_BARE_CHANNEL = re.compile(r"(?<![\w#&])#([a-z0-9_-]*[a-z][a-z0-9_-]*)")
_BARE_NAME = re.compile(r"(?<![\w@.])@([a-z0-9][a-z0-9._-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """What a message mentions and links."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    broadcasts: frozenset[str] = frozenset()
    """``channel``, ``here``, ``everyone``."""
    channels: frozenset[str] = frozenset()
    """Channel ids, and names where Slack would look a plain ``#name`` up."""
    names: frozenset[str] = frozenset()
    """Plain ``@name`` that Slack would look up."""
    links: frozenset[str] = frozenset()

    @property
    def nobody(self) -> bool:
        """Whether nobody at all is mentioned."""
        return not (self.users or self.groups or self.broadcasts or self.names)

    def __or__(self, other: "Mentions") -> "Mentions":
        return Mentions(
            users=self.users | other.users,
            groups=self.groups | other.groups,
            broadcasts=self.broadcasts | other.broadcasts,
            channels=self.channels | other.channels,
            names=self.names | other.names,
            links=self.links | other.links,
        )


def mentions(message: Json) -> Mentions:
    """Tell what is really mentioned: by the blocks when there are any, else by the text. To prove that somebody is."""
    if message.get("blocks") or message.get("attachments"):
        return of_blocks([message.get("blocks", []), message.get("attachments", [])])
    return _of_top_text(message)


def possible_mentions(message: Json) -> Mentions:
    """Tell what might be mentioned: as `mentions`, and by the fallback text beside blocks. To prove that nobody is."""
    return mentions(message) | _of_top_text(message)


def _of_top_text(message: Json) -> Mentions:
    parse = message.get("parse")
    links = parse != "none"
    names = parse == "full" or bool(message.get("link_names"))
    return of_text(str(message.get("text") or ""), links=links, names=names)


def of_text(text: str, *, links: bool, names: bool) -> Mentions:
    """Tell what one mrkdwn text triggers; `links` and `names` say what Slack parses beside the explicit forms."""
    found = Mentions()
    for token in _TOKEN.findall(text):
        found |= _explicit(token)
    plain = html.unescape(_TOKEN.sub(" ", text))
    if links:
        found |= Mentions(links=frozenset(_BARE_LINK.findall(plain)))
    if names:
        broadcasts = frozenset(_BARE_BROADCAST.findall(plain))
        found |= Mentions(
            broadcasts=broadcasts,
            channels=frozenset(_BARE_CHANNEL.findall(plain)),
            names=frozenset(_BARE_NAME.findall(plain)) - broadcasts,
        )
    return found


def _explicit(token: str) -> Mentions:
    target = token.split("|", maxsplit=1)[0]
    if target.startswith("!date^"):
        return Mentions(links=frozenset(target.split("^")[3:4]))
    if target.startswith("!subteam^"):
        return Mentions(groups=frozenset({target.removeprefix("!subteam^")}))
    if target in {"!channel", "!here", "!everyone", "!group"}:
        return Mentions(broadcasts=frozenset({target[1:].replace("group", "channel")}))
    return _plain_explicit(target[:1], target[1:])


def _plain_explicit(sign: str, rest: str) -> Mentions:
    match sign:
        case "@":
            return Mentions(users=frozenset({rest}))
        case "#":
            return Mentions(channels=frozenset({rest}))
        case _ if sign != "!" and ":" in rest:
            return Mentions(links=frozenset({html.unescape(sign + rest)}))
        case _:
            return Mentions()


def of_blocks(value: Any) -> Mentions:  # noqa: ANN401 - walks any JSON
    """Tell what blocks, a view's blocks or anything inside them trigger."""
    found = Mentions()
    for part in _walk(value):
        found |= _of_object(part)
    return found


def _walk(value: Any) -> Iterator[Json]:  # noqa: ANN401 - walks any JSON
    if isinstance(value, list):
        for inner in value:
            yield from _walk(inner)
    elif isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)


def _of_object(part: Json) -> Mentions:
    kind, text = part.get("type"), part.get("text")
    if isinstance(text, str) and kind in {"mrkdwn", "markdown"}:
        parsed = kind == "markdown" or not part.get("verbatim", False)
        return of_text(text, links=parsed, names=parsed)
    match kind:
        case "user":
            return Mentions(users=frozenset({part.get("user_id", "")}))
        case "usergroup":
            return Mentions(groups=frozenset({part.get("usergroup_id", "")}))
        case "broadcast":
            return Mentions(broadcasts=frozenset({part.get("range", "")}))
        case "link" | "button" if part.get("url"):
            return Mentions(links=frozenset({str(part["url"])}))
        case _:
            return Mentions()
