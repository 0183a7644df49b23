"""Reads BOT_DATABASE_URL: which driver, and for PostgreSQL the arguments of asyncpg.

People paste URLs for libpq (`sslmode`, `application_name`, …). Parameters that asyncpg can honour are translated, the
others are refused by name. No error shows a part of the URL that could belong to a password.
"""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

SQLITE: Final = "sqlite+aiosqlite:///"
POSTGRESQL: Final = "postgresql+asyncpg://"
_URL: Final = re.compile(
    r"(?s)(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?(?P<hosts>[^/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)
_PORT: Final = re.compile(r"[0-9]{1,5}")
_LARGEST_PORT: Final = 65535
_OPTION: Final = re.compile(r"(?:-c\s*|--)(?P<name>[A-Za-z_][\w.-]*)=(?P<value>(?:\\.|\S)*)")

_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS: Final = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
_TEXTS: Final = ("passfile", "krbsrvname", "gsslib", "service", "servicefile")
_TLS: Final = (
    "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation",
    "ssl_min_protocol_version", "ssl_max_protocol_version",
)  # fmt: skip
"""asyncpg accepts these only within a URL."""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "target_session_attrs": _SESSIONS,
    "sslmode": _MODES,
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "gsslib": ("gssapi", "sspi"),
}
_NUMBERS: Final[Mapping[str, Callable[[str], float]]] = {
    "timeout": float,
    "connect_timeout": float,
    "command_timeout": float,
    "statement_cache_size": int,
    "prepared_statement_cache_size": int,
    "max_cached_statement_lifetime": int,
    "max_cacheable_statement_size": int,
}
_AS_IT_IS: Final[Mapping[str, tuple[str, ...]]] = {
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("utf8", "utf-8", "UTF8", "UTF-8", "auto"),
    "gssencmode": ("disable", "prefer"),
    "load_balance_hosts": ("disable",),
    "replication": ("false", "off", "no", "0"),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
"""Parameters that asyncpg lacks, with the values that ask for what it does anyway."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresqlAddress:
    """`arguments` are for asyncpg; `settings` are set in the session after connecting."""

    arguments: Mapping[str, Any] = field(repr=False)
    application_name: str = "upgrade-bot"
    settings: Mapping[str, str] = field(default_factory=dict)


def check(url: str) -> None:
    """Raise ValueError unless the URL names SQLite or PostgreSQL in a form that the driver accepts."""
    if url.startswith(SQLITE):
        if url.removeprefix(SQLITE).partition("?")[0] in {"", ":memory:"}:
            raise ValueError("it names no file of SQLite")
    elif url.startswith(POSTGRESQL):
        _check_files(postgresql(url))
    else:
        raise ValueError(f"it begins with neither {SQLITE} nor {POSTGRESQL}")


def postgresql(url: str) -> PostgresqlAddress:
    """Read a PostgreSQL URL; raises ValueError."""
    found = _URL.fullmatch(url.removeprefix(POSTGRESQL))
    if found is None or "@" in (found["hosts"] or "") + (found["database"] or ""):
        raise ValueError("an @ in the user name or the password has to be written as %40")
    asked = parse_qsl(found["query"] or "", keep_blank_values=True)
    given = dict(asked)
    arguments: dict[str, Any] = {
        "user": given.pop("user", None) or unquote(found["user"] or ""),
        "password": given.pop("password", None) or unquote(found["password"] or ""),
        "database": given.pop("dbname", None) or given.pop("database", None) or unquote(found["database"] or ""),
        **_hosts([value for name, value in asked if name == "host"] or [found["hosts"]], given.pop("port", "")),
    }
    given.pop("host", None)
    name = given.pop("application_name", "") or given.pop("fallback_application_name", "") or "upgrade-bot"
    given.pop("fallback_application_name", None)
    settings = dict(_options(given.pop("options", "")))
    arguments |= _translated(given)
    return PostgresqlAddress(
        arguments={key: value for key, value in arguments.items() if value not in ("", None)},
        application_name=name,
        settings=settings,
    )


def _hosts(values: list[str], ports: str) -> dict[str, Any]:
    """Return `host` and `port` for asyncpg: one of each, or lists of the same length."""
    hosts, found = [], []
    for one in (part for value in values for part in value.split(",")):
        host, port = _host_and_port(unquote(one))
        hosts.append(host)
        found.append(port)
    if ports:
        given = [_port(port) for port in ports.split(",")]
        found = given * len(hosts) if len(given) == 1 else given
    if len(found) != len(hosts) or (len(hosts) > 1 and not all(hosts)):
        raise ValueError("it does not name as many ports as hosts")
    if len(hosts) == 1:
        return {"host": hosts[0], "port": found[0]}
    return {"host": hosts, "port": [port or 5432 for port in found] if any(found) else None}


def _host_and_port(text: str) -> tuple[str, int | None]:
    if text.startswith("/"):  # the directory of a socket
        return text, None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not re.fullmatch(r"[0-9A-Fa-f:.%\w]+", host) or (rest and not rest.startswith(":")):
            raise ValueError("the host is no IPv6 address in brackets")
        return host, _port(rest.removeprefix(":"))
    host, _, port = text.partition(":")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ValueError("the host's name cannot be one") from error
    if re.search(r"[\s\\]", host):
        raise ValueError("the host's name cannot be one")
    return host, _port(port)


def _port(text: str) -> int | None:
    if not text:
        return None
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= _LARGEST_PORT:
        raise ValueError(
            f"the port is no number from 1 to {_LARGEST_PORT} "
            "(in a user name or a password : is written as %3A, / as %2F and @ as %40)"
        )
    return int(text)


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Read libpq's `options`: settings of the session, written as on the server's command line."""
    left = _OPTION.sub("", text).strip()
    if left:
        raise ValueError('options takes settings only, such as "-c search_path=bot"')
    for found in _OPTION.finditer(text):
        yield found["name"].replace("-", "_"), re.sub(r"\\(.)", r"\1", found["value"])


def _translated(given: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield asyncpg's arguments for parameters of libpq and of asyncpg itself."""
    if "ssl" in given:
        given.setdefault("sslmode", given.pop("ssl"))
    for name, values in {**_CHOICES, **_AS_IT_IS}.items():
        if name in given and given[name] not in values:
            cannot = "cannot be had with another value here" if name in _AS_IT_IS else "must be one of these"
            raise ValueError(f"the parameter {name} {cannot}: {', '.join(values)}")
    impossible = sorted(given.keys() - {*_CHOICES, *_AS_IT_IS, *_NUMBERS, *_TEXTS, *_TLS})
    told = all(re.fullmatch(r"[a-z_]{3,40}", name) for name in impossible) and "@" not in "".join(given.values())
    if impossible and not told:  # the names may be the end of a password
        raise ValueError("what follows the ? cannot be read (in a user name or a password @ is written as %40)")
    if impossible:
        raise ValueError(f"asyncpg has no such parameter, so leave it out: {', '.join(impossible)}")
    yield from _numbers(given)
    for name in (*_TEXTS, "target_session_attrs"):
        if name in given:
            yield name, given[name]
    yield from _tls({name: value for name, value in given.items() if name in {*_TLS, "sslmode"}})


def _numbers(given: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for name, kind in _NUMBERS.items():
        if name not in given:
            continue
        try:
            number = kind(given[name])
        except ValueError:
            number = float("nan")
        seconds = kind is float
        if name == "connect_timeout":
            name = "timeout"  # noqa: PLW2901 - libpq's name of it
            if number in {0, -1}:
                continue  # libpq waits for ever then; the bot never does
        if not 0 <= number < 1e9 or (seconds and number == 0):  # noqa: PLR2004 - not a number, or none that is meant
            raise ValueError(f"the parameter {name} must be {'a number of seconds' if seconds else 'a whole number'}")
        yield name, number


def _tls(given: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if given.get("sslrootcert") == "system":  # libpq 16: the system's authorities, always with verify-full
        if given.keys() - {"sslrootcert", "sslmode"} or given.get("sslmode", "verify-full") != "verify-full":
            raise ValueError("the parameter sslrootcert=system goes with sslmode=verify-full alone")
        yield "ssl", True
    elif given:
        yield "dsn", f"postgresql://?{urlencode(given)}"


def _check_files(address: PostgresqlAddress) -> None:
    """Load the certificates that the URL names, as the driver will do."""
    given = dict(parse_qsl(str(address.arguments.get("dsn", "")).partition("?")[2]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    password = given.get("sslpassword", "")
    for name in ("sslrootcert", "sslcrl", "sslcert"):
        if name not in given:
            continue
        try:
            if name == "sslcert":
                context.load_cert_chain(given[name], given.get("sslkey"), password=lambda: password)
            else:
                context.load_verify_locations(cafile=given[name])
        except ssl.SSLError as error:
            raise ValueError(f"the parameter {name} names a file that is no certificate, or not the key's") from error
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ValueError(f"the parameter {name} names a file that cannot be read ({why})") from error
