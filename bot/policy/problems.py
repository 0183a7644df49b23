"""Describes problems of a policy file: one line each, with the key, the reason and an example."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bot import shapes
from bot.observe.redaction import redact
from bot.policy.shape import EXAMPLES, SMALL, ChangeTable, FreezeTable, PolicyTable, RolloutTable, RuleTable

_ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")

_WANTED: Final = {
    "list_type": "a list, in square brackets",
    "string_type": "text, in quotes",
    "bool_type": "true or false, without quotes",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "dict_type": "a table, in curly brackets",
    "model_type": "a table of keys and values",
}
"""What pydantic expected, in the words of TOML."""


def contradictions(file: PolicyTable) -> Iterator[str]:
    """Name what is valid TOML but cannot be intended."""
    for name in file.environments:
        if not _ENVIRONMENT.fullmatch(name):
            yield f'[environments."{redact(name)}"] is not a valid environment. Example: [environments."acme/staging"]'
        elif name != name.lower():
            lowered = f"[environments.{_quoted(name.lower())}]"
            yield f"[environments.{_quoted(name)}] would never apply: {SMALL}. Example: {lowered}"
    organisations = {name.rpartition("/")[0] for name in file.environments} | {""}
    cycles = dict.fromkeys(_in_a_cycle(file, organisation) for organisation in sorted(organisations))
    for stuck in filter(None, cycles):
        who = f"{stuck[0]} waits for itself" if len(stuck) == 1 else f"{' and '.join(stuck)} wait for each other"
        yield f"after can never be met: {who}. Example: after = {{}} under [environments.{_quoted(stuck[-1])}]"


def _in_a_cycle(file: PolicyTable, organisation: str) -> tuple[str, ...]:
    """Return the environments of an organisation that wait for themselves, directly or through others."""
    tables = (file.defaults, *file.environments.values())
    names = {name.rpartition("/")[2] for name in file.environments}.union(*(table.after or () for table in tables))
    return tuple(sorted(name for name in names if name in _awaited(file, organisation, name)))


def _awaited(file: PolicyTable, organisation: str, environment: str) -> set[str]:
    """Return every environment that has to come before this one."""
    found: set[str] = set()
    coming = [environment]
    while coming:
        name = coming.pop()
        tables = (file.environments.get(f"{organisation}/{name}"), file.environments.get(name), file.defaults)
        earlier = next((table.after for table in tables if table and table.after is not None), {})
        coming += earlier.keys() - found
        found |= earlier.keys()
    return found


def line(details: ErrorDetails) -> str:
    """Turn one of pydantic's errors into a sentence that people can act on."""
    place, key = _place_and_key(details["loc"])
    if details["type"] == "extra_forbidden":
        return f"{place}{_unknown(details)}"
    if details["type"] == "missing":
        return f"{place}{key} lacks {details['loc'][-1]}. Example: {EXAMPLES.get(key, '')}"
    if details["type"] == "value_error":
        finding = str(details["ctx"]["error"])
    else:
        finding = f'"{redact(str(details["input"]))}" does not fit'
        if wanted := _WANTED.get(details["type"]):
            finding += f", it must be {wanted.format(**details.get('ctx', {}))}"
    return f"{place}{key} is wrong: {finding}. Example: {EXAMPLES.get(key, '[environments.production]')}"


def _unknown(details: ErrorDetails) -> str:
    """Name the key that was most likely intended, and its table if that is another one."""
    *tables, key = details["loc"]
    unknown, top, rules = str(key), _keys(PolicyTable), _keys(RuleTable)
    elsewhere = ""
    if tables and isinstance(tables[-1], int):
        meant = shapes.nearest(unknown, _keys(FreezeTable))
        example = EXAMPLES["freeze"]
    elif not tables and isinstance(details["input"], dict) and not get_close_matches(unknown, top):
        meant, example = "environments", f"[environments.{_quoted(unknown)}]"
    elif tables and tables[-1] == "change":
        meant = shapes.nearest(unknown, _keys(ChangeTable))
        example = EXAMPLES["change"]
    elif tables == ["rollout"]:
        meant = shapes.nearest(unknown, _keys(RolloutTable))
        example = EXAMPLES[meant]
    else:
        meant = shapes.nearest(unknown, [*top, *rules])
        example = EXAMPLES.get(meant, f"[{meant}]")
        if tables and meant in top:
            elsewhere = ", which stands at the top of the file"
        elif not tables and meant in rules:
            elsewhere = ", which stands under [defaults] or an environment"
    if elsewhere and meant == unknown:
        return f'"{unknown}" does not belong here{elsewhere.replace(", which stands", " but")}. Example: {example}'
    found = f'"{redact(unknown)}" is unknown{" here" if elsewhere else ""}'
    return f'{found}, the nearest key is "{meant}"{elsewhere}. Example: {redact(example)}'


def _place_and_key(loc: tuple[int | str, ...]) -> tuple[str, str]:
    """Split a location: `('environments', 'production', 'after')` becomes `[environments.production] ` and `after`."""
    names = [str(part) for part in loc]
    if names[0] == "environments" and len(names) > 2:  # noqa: PLR2004 - the table, its name, its key
        return f"[environments.{_quoted(names[1])}] ", _within(names[2:])
    if names[0] in {"defaults", "rollout"} and len(names) > 1:
        return f"[{names[0]}] ", _within(names[1:])
    return "", names[0]


def _within(names: list[str]) -> str:
    return names[0] if names[0] in EXAMPLES else names[-1]


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _keys(table: type[BaseModel]) -> list[str]:
    return sorted(field.alias or name for name, field in table.model_fields.items())
