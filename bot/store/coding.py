"""Values to JSON and back. Reading is tolerant: unknown fields are ignored, missing ones get their default."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import structlog
from pydantic import TypeAdapter

Value = TypeVar("Value")

UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""What reading something raises that this version does not understand."""
_log = structlog.get_logger(__name__)


@lru_cache(maxsize=1000)
def note_unreadable(what: str, key: str, error: str) -> None:
    """Log that something stored cannot be read and is passed by; once, as it is come across again and again."""
    _log.error("store.unreadable", what=what, key=key, error=error)


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON knows
    """Turn dataclasses, moments and collections into what JSON knows; raises ValueError for a naive moment."""
    if value is None or isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, date | time):
        return _moment(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | tuple | list):
        items = [plain(item) for item in value]
        return sorted(items) if isinstance(value, frozenset) else items
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in JSON.")


def _moment(value: date | time) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone, so nobody can tell which moment it is.")
    return value.isoformat()


class Codec(Generic[Value]):
    """One class to JSON and back; `without` names the fields that are stored elsewhere."""

    def __init__(self, shape: type[Value], *, without: frozenset[str] = frozenset()) -> None:
        self._shape = shape
        self._without = without

    @cached_property
    def _adapter(self) -> TypeAdapter[Value]:
        """Made when the first is read: making them all would take 30 ms and 1 MiB at start."""
        return TypeAdapter(self._shape)

    def encode(self, value: Value) -> dict[str, Any]:
        """Return what JSON knows."""
        encoded: dict[str, Any] = plain(value)
        return {name: item for name, item in encoded.items() if name not in self._without}

    def decode(self, raw: Mapping[str, Any], **stored_elsewhere: object) -> Value:
        """Read it back; raises pydantic's ValidationError."""
        return self._adapter.validate_python({**raw, **stored_elsewhere})


class KindCodec(Generic[Value]):
    """One of several classes to JSON and back, told apart by their names."""

    def __init__(self, *shapes: type[Value]) -> None:
        self._codecs = {shape.__name__: Codec(shape) for shape in shapes}

    def encode(self, value: Value) -> dict[str, Any]:
        """Return `{"kind": class name, "value": fields}`."""
        kind = type(value).__name__
        return {"kind": kind, "value": self._codecs[kind].encode(value)}

    def decode(self, raw: Mapping[str, Any]) -> Value:
        """Read it back; raises LookupError for a class this version does not know."""
        return self._codecs[raw["kind"]].decode(raw["value"])
