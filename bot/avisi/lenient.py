"""Field types that accept whatever the API sends: nonsense counts as absent, and nothing here fails."""

import re
from datetime import UTC, datetime, time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from bot.domain.foreign import clean

_CLOCK_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?", re.ASCII)
_HARMLESS = str.maketrans(
    {"<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"}
)
_YEARS = range(1900, 9999)
"""Other years mean absent; Go's zero time is year 1."""
_LONGEST_DIGITS = 9
_LONGEST_TEXT = 1000


class Body(BaseModel):
    """A JSON object in camelCase; unknown fields are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


def read_text(value: object) -> str:
    """Read a string, a number, or a slug in its wrapper `{"slugValue": ...}`; anything else is empty.

    A string that is too long for people to read is cut.
    """
    if isinstance(value, dict):
        value = value.get("slugValue")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value[: 2 * _LONGEST_TEXT] if len(value) > _LONGEST_TEXT else value
    text = (text if text.isascii() and text.isprintable() else clean(text)).strip()
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def read_name(value: object) -> str:
    """Read a slug, a version or a name; these end up in our sentences, where `<@U1>` would mention somebody."""
    text = read_text(value)
    return text.translate(_HARMLESS) if "<" in text or ">" in text else text


def read_moment(value: object) -> datetime | None:
    """Read RFC 3339 with or without fractions, with any offset; an impossible year means absent."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None


def read_clock_time(value: object) -> time | None:
    """Read `HH:mm` or `HH:mm:ss`; seconds are dropped."""
    match = _CLOCK_TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return None if match is None else time(int(match[1]), int(match[2]))
    except ValueError:
        return None


def read_number(value: object) -> int | None:
    """Read a whole number that is not negative, also from text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_DIGITS:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**_LONGEST_DIGITS:
        return None
    return int(value)


def read_flag(value: object) -> bool | None:
    """Read true or false, also from text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def read_objects(value: object) -> tuple[object, ...] | None:
    """Read a list of objects; anything that is not an object becomes an empty one."""
    if value is None:
        return None
    return tuple(item if isinstance(item, dict) else {} for item in (value if isinstance(value, list) else [value]))


Text = Annotated[str, BeforeValidator(read_text)]
Name = Annotated[str, BeforeValidator(read_name)]
Moment = Annotated[datetime | None, BeforeValidator(read_moment)]
ClockTime = Annotated[time | None, BeforeValidator(read_clock_time)]
Number = Annotated[int | None, BeforeValidator(read_number)]
Flag = Annotated[bool | None, BeforeValidator(read_flag)]
