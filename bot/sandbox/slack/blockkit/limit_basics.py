"""The small checks that every block and element shares: strings, texts, numbers, lists and unknown properties."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import Json

PLAIN = ("plain_text",)
EITHER = ("plain_text", "mrkdwn")
LONGEST_TEXT = 3000
LONGEST_ID = 255
LONGEST_URL = 3000


@dataclass(slots=True)
class Findings:
    """Collects what is wrong, worded and pointed at as Slack does."""

    problems: list[str] = field(default_factory=list)
    focused: int = 0
    markdown: int = 0

    def say(self, problem: str, path: str) -> None:
        """Note one problem at a JSON pointer."""
        self.problems.append(f"[ERROR] {problem} [json-pointer:{path}]")

    def table(self, value: object, path: str, *, required: Iterable[str] = (), allowed: Iterable[str] = ()) -> bool:
        """Demand an object with all that is required and nothing that is unknown; False when it is no object at all."""
        if not isinstance(value, dict):
            self.say("must be an object", path)
            return False
        needed = tuple(required)
        for name in needed:
            if value.get(name) is None:
                self.say(f"missing required field: {name}", path)
        for name in value.keys() - {*needed, *allowed, "type"}:
            self.say(f"invalid additional property: {name}", path)
        return True

    def string(self, value: object, path: str, *, longest: int, shortest: int = 0) -> None:
        """Demand a string of some length; absent is fine."""
        if value is None:
            return
        if not isinstance(value, str):
            self.say("must be a string", path)
        elif len(value) > longest:
            self.say(f"must be less than {longest + 1} characters", path)
        elif len(value) < shortest:
            self.say(f"must be more than {shortest - 1} characters", path)

    def number(self, value: object, path: str, *, least: int, most: int) -> None:
        """Demand a whole number in a range; absent is fine."""
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            self.say("must be an integer", path)
        elif not least <= value <= most:
            self.say(f"must be between {least} and {most}", path)

    def flag(self, value: object, path: str) -> None:
        """Demand true or false; absent is fine."""
        if value is not None and not isinstance(value, bool):
            self.say("must be a boolean", path)

    def one_of(self, value: object, path: str, allowed: Iterable[str]) -> None:
        """One of some words; absent is fine."""
        choices = tuple(allowed)
        if value is not None and value not in choices:
            self.say(f"must be one of {', '.join(choices)}", path)

    def rows(self, value: object, path: str, *, least: int, most: int) -> list[object]:
        """Demand a list of some length; what it holds."""
        if not isinstance(value, list):
            self.say("must be an array", path)
            return []
        if len(value) < least:
            self.say(f"no fewer than {least} items allowed [{len(value)} provided]", path)
        if len(value) > most:
            self.say(f"no more than {most} items allowed [{len(value)} provided]", path)
        return value

    def text(
        self,
        value: object,
        path: str,
        *,
        longest: int = LONGEST_TEXT,
        kinds: tuple[str, ...] = PLAIN,
        shortest: int = 1,
    ) -> None:
        """Demand a text object; absent is fine."""
        if value is None:
            return
        if not isinstance(value, dict) or value.get("type") not in kinds:
            self.say(f"must be a text object of type {' or '.join(kinds)}", path)
            return
        extra = ("emoji",) if value["type"] == "plain_text" else ("verbatim",)
        self.table(value, path, required=("text",), allowed=extra)
        self.string(value.get("text"), f"{path}/text", longest=min(longest, LONGEST_TEXT), shortest=shortest)
        self.flag(value.get(extra[0]), f"{path}/{extra[0]}")

    def unique(self, values: Iterable[tuple[object, str]], name: str) -> None:
        """No two alike; None does not count."""
        seen: set[object] = set()
        for value, path in values:
            if value is not None and isinstance(value, str):
                if value in seen:
                    self.say(f'`{name}` "{value}" already exists', path)
                seen.add(value)


def is_json_object(value: object) -> bool:
    """Whether something is an object with a type."""
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def kind_of(value: object) -> str:
    """Demand an object's type, or an empty string."""
    kind = value.get("type") if isinstance(value, dict) else ""
    return kind if isinstance(kind, str) else ""


def listed(value: Json, name: str) -> list[object]:
    """Demand a list property, or an empty list when it is something else."""
    found = value.get(name)
    return found if isinstance(found, list) else []
