"""Sets up logging: one line per event to standard error, console or JSON, free of secrets.

Everything logs with `structlog.get_logger(__name__)`: a fixed event name plus fields. Lines of libraries, which use the
standard library's logging, get the same form.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.observe.printable import printable
from bot.observe.redaction import HIDDEN, redact

Form = Literal["json", "console"]

_OURS: Final = "bot"
_REPEATS: Final = "stamina"
"""Warns about every retried read, whose outcome is logged once anyway."""
_FIELDS: Final = ("kind", "queue", "number", "code", "outcome", "details", "list", "pages", "skipped")
"""The fields of parts that log through the standard library (notifications, avisi)."""
_FIRST: Final = ("timestamp", "level", "event")
_SECRET_KEYS: Final = ("token", "secret", "password", "authorization", "response_url", "signature", "trigger_id")


def set_up(*, form: Form | None, level: str, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (standard error); without a form, console on a terminal and JSON elsewhere.

    The level is for our own lines. Libraries may only warn: below that they write whole bodies, answers and rows, with
    secrets and personal data in them.
    """
    out = stream or sys.stderr
    chosen = form or ("console" if out.isatty() else "json")
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=_FIELDS), *_shared()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_secrets,
                _renderer(chosen, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    ours = logging.getLogger(_OURS)
    ours.setLevel(level.upper())
    root.setLevel(max(ours.level, logging.WARNING))
    logging.getLogger(_REPEATS).setLevel(logging.ERROR)


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide whatever looks like a secret or has a key that names one, escape control characters, and order the keys."""
    ordered = {key: event[key] for key in _FIRST if key in event} | dict(event)
    return {key: _clean(key, value) for key, value in ordered.items()}


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _renderer(form: Form, out: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _clean(key: str, value: object) -> object:
    if isinstance(value, str):
        return HIDDEN if value and _names_secret(key) else printable(redact(value), keep="\n\t")
    if isinstance(value, Mapping):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(key, inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return printable(redact(str(value)), keep="\n\t")


def _names_secret(key: str) -> bool:
    lowered = key.casefold()
    return any(name in lowered for name in _SECRET_KEYS)
