"""Checks single values of settings and policy: each returns the value or raises ValueError.

The text of the error says what is wrong and never shows a secret.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import SecretStr

from bot import database_url
from bot.domain.people import EVERYONE
from bot.observe.redaction import redact

QUOTED: Final = (
    "there are quotes around it, which count as a part of it, as with `docker run --env-file`: leave them out"
)
_QUOTES: Final = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_PERSON: Final = re.compile(r"[UWS][A-Z0-9]+")
_CHANNEL: Final = re.compile(r"[CG][A-Z0-9]+")
_SHORTEST_TOKEN: Final = 20
COMMAND_NAME: Final = re.compile(r"/[a-z0-9_-]{1,31}")
"""The name of a slash command."""
_CONSOLE_PLACES: Final = ("organisation", "environment", "cluster", "identity")
_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like `word`, ignoring case."""
    folded = {name.casefold(): name for name in known}
    return folded[get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.0)[0]]


def quoted(value: str) -> bool:
    """Whether a value is in quotes, straight or typographic."""
    return len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES


def printable(text: str) -> str:
    """Return the text with everything escaped that cannot be printed."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def host(value: str) -> str:
    """Check a host name or address; an IPv6 address is returned without brackets."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        fits = bool(IPv6Address(bare)) if bare != value or ":" in bare else bool(bare.encode("idna"))
    except (UnicodeError, ValueError):
        fits = False
    if not fits or re.search(r"[\s/\[\]]", bare):
        raise ValueError(f'"{redact(value)}" is neither an address nor a host name')
    return bare


def parts(value: object) -> object:
    """Split text at commas; other values are returned unchanged."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in map(str.strip, value.split(",")) if part)


def people(values: Iterable[str]) -> tuple[str, ...]:
    """Check a list of IDs of users and user groups, or `*` alone; duplicates are dropped."""
    found = tuple(dict.fromkeys(values))
    if not found:
        raise ValueError("the list is empty, which could mean nobody or everybody")
    for value in found:
        if value != EVERYONE and not _PERSON.fullmatch(value):
            raise ValueError(f'"{redact(value)}" is not a valid ID of a user (U…, W…) or user group (S…)')
    if EVERYONE in found and len(found) > 1:
        raise ValueError('"*" stands for every full member, so it must stand alone')
    return found


def channel(value: str) -> str:
    """Check a channel ID."""
    if not _CHANNEL.fullmatch(value):
        raise ValueError(f'"{redact(value)}" is not a valid channel ID (C… or G…)')
    return value


def slugs(values: Iterable[str]) -> tuple[str, ...]:
    """Check a list of at least one slug; duplicates are dropped."""
    found = tuple(dict.fromkeys(values))
    if not found:
        raise ValueError("the list is empty")
    for value in found:
        if not _SLUG.fullmatch(value):
            raise ValueError(f'"{redact(value)}" is not a valid slug')
    return found


def zone_name(value: str) -> str:
    """Check the IANA name of a time zone."""
    known = available_timezones() - {"localtime"}  # the machine's own zone, whose name says nothing
    if value not in known:
        raise ValueError(
            f'"{redact(value)}" is not a valid time zone, the nearest is "{nearest(value, sorted(known))}"'
        )
    return value


def secret(*prefixes: str) -> Callable[[SecretStr], SecretStr]:
    """Return a check that a secret fits into a header and begins with one of the prefixes, if any are given."""

    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if re.search(r"\s", text):
            raise ValueError("there is a space or a line break in it")
        if quoted(text):
            raise ValueError(QUOTED)
        if not (text.isascii() and text.isprintable()):
            raise ValueError("there is a character in it that no secret has, such as a typographic quote")
        if prefixes and not text.startswith(prefixes):
            raise ValueError(f"it does not begin with {' or '.join(prefixes)}")
        return value

    return check


def token(value: SecretStr) -> SecretStr:
    """Check that a token is long enough that nobody guesses it."""
    if len(secret()(value).get_secret_value()) < _SHORTEST_TOKEN:
        raise ValueError(f"it has fewer than {_SHORTEST_TOKEN} characters")
    return value


def database(value: SecretStr) -> SecretStr:
    """Check a database URL; it may contain a password, so it is a secret."""
    database_url.check(value.get_secret_value())
    return value


def web_address(value: str) -> str:
    """Check an https address, or an http one on this machine; trailing slashes are removed."""
    if re.match(r"https?://[^/\s]*@", value):
        raise ValueError("there is a user name or a password in it, and the bot sends neither")
    if not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", value):
        raise ValueError("it is not an address that begins with https://")
    if value.startswith("http://") and not _is_loopback(value):
        raise ValueError("it begins with http://, so tokens would be sent unencrypted; that is for this machine only")
    try:
        found = urlsplit(value)
        port, host = found.port, (found.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError("its host and port cannot be read") from error
    if not host or port == 0 or found.query or found.fragment or "\\" in value:
        raise ValueError("it is not the address of a host, with a port and a path if needed")
    return value.rstrip("/")


def console_pattern(value: str) -> str:
    """Check the pattern of a cluster's page: an https address, or an http one on this machine, with places to fill."""
    return _filled_in(value, *_CONSOLE_PLACES)


def change_address(value: str) -> str:
    """Check the pattern of a change's page: an https address with the place `{change}` behind its host."""
    if not value.startswith("https://"):
        raise ValueError("the url does not begin with https://")
    if "{change}" not in value:
        raise ValueError("the url has no {change}, so every change would lead to the same page")
    return _filled_in(value, "change")


def _filled_in(value: str, *places: str) -> str:
    unknown = [name for name in re.findall(r"{([^{}]*)}", value) if name not in places]
    if unknown:
        are = "are" if len(places) > 1 else "is"
        raise ValueError(f'"{{{redact(unknown[0])}}}" is not filled in, only {{{"}, {".join(places)}}} {are}')
    filled = re.sub(r"{[^{}]*}", "x", value)
    if not re.fullmatch(r"[^\s<>|{}\\\"]+", filled):
        raise ValueError("there is a space or another character in it that no address has")
    if not re.match(r"https?://[^/{?#]+(/|$)", value):
        raise ValueError("it is not an address that begins with https:// and a host")
    web_address(re.split(r"[?#]", filled)[0])
    return value


def cloud_address(value: str) -> str:
    """Check the address of Avisi Cloud's API, to which the bot appends paths."""
    if re.search(r"/api/v\d+$", value):
        raise ValueError("the bot adds /api/v1 itself")
    return value


def _is_loopback(address: str) -> bool:
    """Whether an address is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def command(value: str) -> str:
    """Check the name of a slash command."""
    if not COMMAND_NAME.fullmatch(value):
        raise ValueError(f'"{redact(value)}" is not a valid name of a slash command')
    return value
