"""Change numbers: the small language of the policy's `change` pattern, and the address of a change.

A pattern is a row of literals and classes (`[0-9A-Z]`, `[^a]`), each followed by `{n}` or `{n,m}` where it repeats.
Groups, `*`, `+`, `?`, `.`, `|` and anchors are refused: the whole text has to match anyway, and no text makes the
match slow.
"""

from dataclasses import dataclass
from urllib.parse import quote

LONGEST = 64
"""Characters of a change number."""
_LONGEST_PATTERN = 200
_REFUSED = frozenset("*+?.|()^$}]")
_EXAMPLES = "0aA-" + "".join(map(chr, range(0x21, 0x7F)))
"""What an example is made of where a class only says which characters are not allowed."""


class BadPattern(ValueError):
    """A pattern that is not of the language; its text says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class _Item:
    """Characters that may stand here, from `least` to `most` times."""

    spans: tuple[tuple[str, str], ...]
    inverted: bool = False
    least: int = 1
    most: int = 1

    def takes(self, character: str) -> bool:
        return any(first <= character <= last for first, last in self.spans) is not self.inverted

    @property
    def example(self) -> str:
        if not self.inverted:
            return self.spans[0][0] * self.least
        return next(one for one in _EXAMPLES if self.takes(one)) * self.least


@dataclass(frozen=True, slots=True)
class ChangePattern:
    """A pattern as it is written in the policy, read."""

    text: str
    items: tuple[_Item, ...]

    @classmethod
    def parse(cls, text: str) -> "ChangePattern":
        """Read a pattern; raises BadPattern."""
        if not text:
            raise BadPattern('is empty; write for example "CHG[0-9]{7}"')
        if len(text) > _LONGEST_PATTERN:
            raise BadPattern(f"is longer than {_LONGEST_PATTERN} characters")
        items: list[_Item] = []
        position = 0
        while position < len(text):
            item, position = _item(text, position)
            items.append(item)
        if sum(item.least for item in items) > LONGEST:
            raise BadPattern(f"only matches texts of more than {LONGEST} characters, which are never accepted")
        return cls(text=text, items=tuple(items))

    def matches(self, number: str) -> bool:
        """Whether the whole text is a change number."""
        if len(number) > LONGEST:
            return False
        reached = {0}
        for item in self.items:
            reached = {end for start in reached for end in _ends(item, number, start)}
        return len(number) in reached

    @property
    def example(self) -> str:
        """Return a text that matches, for a message."""
        return "".join(item.example for item in self.items)


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """What a policy asks of change numbers; `url` has the place `{change}`, or is empty for no link."""

    pattern: ChangePattern
    url: str = ""

    def address(self, number: str) -> str | None:
        """Return the address of a change, its number percent-encoded; None where the policy names none."""
        return self.url.replace("{change}", quote(number, safe="", errors="replace")) if self.url else None


def _ends(item: _Item, text: str, start: int) -> list[int]:
    """Return where an item may end that begins at `start`."""
    taken = 0
    while taken < item.most and start + taken < len(text) and item.takes(text[start + taken]):
        taken += 1
    return list(range(start + item.least, start + taken + 1))


def _item(text: str, position: int) -> tuple[_Item, int]:
    character = text[position]
    if character == "[":
        item, position = _class(text, position + 1)
    elif character == "\\":
        item, position = _escaped(text, position + 1)
    elif character == "{":
        raise BadPattern(f"repeats nothing at position {position + 1}: put a character or a class before the brace")
    elif character in _REFUSED:
        raise BadPattern(
            f'has "{character}" at position {position + 1}, which is not allowed here; literals, classes such as '
            f'[0-9] and repeats such as {{7}} are. For the character itself write "\\{character}"'
        )
    else:
        item, position = _Item(((character, character),)), position + 1
    if position < len(text) and text[position] == "{":
        return _repeated(item, text, position)
    return item, position


def _escaped(text: str, position: int) -> tuple[_Item, int]:
    if position >= len(text) or text[position].isalnum():
        raise BadPattern('has a "\\" that escapes nothing; write classes such as [0-9] instead of \\d')
    return _Item(((text[position], text[position]),)), position + 1


def _class(text: str, position: int) -> tuple[_Item, int]:
    end = text.find("]", position)
    if end < 0:
        raise BadPattern('has a class without its closing "]"')
    body = text[position:end]
    inverted = body.startswith("^")
    body = body[1:] if inverted else body
    if not body or "[" in body or "\\" in body:
        raise BadPattern('has a class that is empty or holds "[" or "\\"; write for example [0-9A-Z]')
    spans: list[tuple[str, str]] = []
    index = 0
    while index < len(body):
        is_span = index + 2 < len(body) and body[index + 1] == "-"
        first, last = body[index], body[index + 2] if is_span else body[index]
        if first > last:
            raise BadPattern(f'has the span "{first}-{last}", which is the wrong way round')
        spans.append((first, last))
        index += 3 if is_span else 1
    found = _Item(tuple(spans), inverted=inverted)
    if inverted and not any(map(found.takes, _EXAMPLES)):
        raise BadPattern("has a class that no character is in; write for example [0-9A-Z]")
    return found, end + 1


def _repeated(item: _Item, text: str, position: int) -> tuple[_Item, int]:
    end = text.find("}", position)
    counts = text[position + 1 : end].split(",") if end > 0 else []
    if not 1 <= len(counts) <= 2 or not all(count.isascii() and count.isdigit() for count in counts):  # noqa: PLR2004
        raise BadPattern(f"has a repeat at position {position + 1} that cannot be read; write {{7}} or {{2,7}}")
    least, most = int(counts[0]), int(counts[-1])
    if not least <= most <= LONGEST or most == 0:
        raise BadPattern(f"repeats {{{','.join(counts)}}} times; write a number from 1 to {LONGEST}, the smaller first")
    return _Item(item.spans, inverted=item.inverted, least=least, most=most), end + 1
