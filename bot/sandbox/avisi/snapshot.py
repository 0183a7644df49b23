"""Dataclasses to JSON values and back, for what a restarted sandbox must find again."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def plain(value: Any) -> Any:  # noqa: ANN401  any value of a dataclass
    """Turn dataclasses, times and collections into what JSON holds."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def shaped(kind: type[T], value: Any) -> T:  # noqa: ANN401  whatever JSON holds
    """Turn what `plain` wrote back into the dataclass that it was."""
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], one) for name, one in value.items()})


def _read(hint: Any, value: Any) -> Any:  # noqa: ANN401  as above
    if get_origin(hint) in {Union, UnionType}:
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return None if value is None else _read(kinds[0], value)
    if get_origin(hint) is dict:
        return {key: _read(get_args(hint)[1], one) for key, one in value.items()}
    if get_origin(hint) is list:
        return [_read(get_args(hint)[0], one) for one in value]
    if hint is datetime:
        return datetime.fromisoformat(value)
    return shaped(hint, value) if isinstance(hint, type) and is_dataclass(hint) else value
