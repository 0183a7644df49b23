"""Prints the audit trail as a table, CSV or JSON Lines, also while the bot runs. Changes nothing.

The trail knows people, user groups and channels by their IDs; whoever exports it may have names put beside them.
"""

import asyncio
import csv
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.feeds.evidence import evidence_page
from bot.observe.printable import as_json, printable
from bot.store.engine import sqlite_file
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.store.trail import AuditTrail

Event = Mapping[str, Any]
NameOf = Callable[[str], Awaitable[str | None]]
"""Looks up the name of a Slack ID, None where there is none."""
COLUMNS: Final = (
    "request_id", "number", "at", "kind", "actor", "organisation", "cluster", "facts", "previous", "hash",
)  # fmt: skip
_SHOWN: Final = ("time (UTC)", "request", "no.", "what", "who", "cluster", "facts")
_NOT_SHOWN: Final = frozenset({"policy", "card", "seal", "cluster_identity"})
"""Facts that are too long for a table; the exports contain them in full."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Characters that make a spreadsheet run a cell as a formula."""


_SLACK_ID: Final = re.compile(r"\b[UWSCG][0-9][A-Z0-9]{3,}\b")


class Format(StrEnum):
    """The output formats."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"


async def print_events(
    url: str, *, form: Format, since: datetime | None, cluster: str | None, request: str | None, name_of: NameOf | None
) -> int:
    """Print the selected events; return the exit code. Raises DatabaseUnavailable, and what `name_of` raises."""
    async with _opened(url) as trail:
        events = trail.events(since=since, cluster=cluster, request=request)
        await write(_with_names(events, name_of) if name_of else events, form)
    return 0


async def print_verdict(url: str, *, expect: Iterable[Event]) -> int:
    """Print what is wrong with the trail; return the exit code, 1 when anything is. Raises DatabaseUnavailable."""
    async with _opened(url) as trail:
        findings = await trail.verify(expect=expect)
    for finding in findings:
        said = f"Request {finding.request_id}, event {finding.number}: {finding.problem}."
        print(printable(said))  # noqa: T201 - the document
    if findings:
        return 1
    print("The audit trail is whole: nothing was changed, reordered or removed.")  # noqa: T201 - the document
    return 0


async def write_report(url: str, *, request: str, output: Path, at: datetime, name_of: NameOf | None) -> int:
    """Write the evidence page of a request; returns 1 when its chain does not verify or there is no such request.

    Raises DatabaseUnavailable, OSError when the file cannot be written, and what `name_of` raises.
    """
    async with _opened(url) as trail:
        stored = trail.events(request=request)
        events = [spelled_out(event) async for event in (_with_names(stored, name_of) if name_of else stored)]
        findings = [finding for finding in await trail.verify() if finding.request_id == request]
    if not events:
        said = f"There is no request {request} in the audit trail; `upgrade-bot audit` lists them."
        print(printable(said), file=sys.stderr)  # noqa: T201 - the answer
        return 1
    problems = [f"Event {finding.number}: {finding.problem}." for finding in findings]
    page = evidence_page(events, problems, request=request, written_at=at)
    await asyncio.to_thread(output.write_text, page, encoding="utf-8")
    verdict = "its chain does not verify" if problems else "its chain verifies"
    print(printable(f"{output}: {len(events)} events of request {request}; {verdict}."))  # noqa: T201 - the answer
    return 1 if problems else 0


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[AuditTrail]:
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise DatabaseUnavailable(f"There is no database at {file} (BOT_DATABASE_URL); the bot makes it when it runs.")
    storage = Storage.open(url)
    try:
        if missing := await storage.pending():
            raise DatabaseUnavailable(
                f"The database lacks {len(missing)} of this version's migrations; `upgrade-bot run` applies them."
            )
        yield storage.audit_trail
    finally:
        await storage.close()


async def _with_names(events: AsyncIterator[dict[str, Any]], name_of: NameOf) -> AsyncIterator[dict[str, Any]]:
    """Add `names` to each event: the names of the IDs in it. The rest stays as it was hashed."""
    async for event in events:
        found = dict.fromkeys(_SLACK_ID.findall(as_json([event["actor"], event["facts"]])))
        names = {one: name for one in found if (name := await name_of(one))}
        yield {**event, "names": names}


def spelled_out(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event with each name before its ID, for people to read; unchanged when it holds no names."""
    names = event.get("names") or {}

    def said(value: object) -> object:
        match value:
            case str():
                return _SLACK_ID.sub(lambda one: f"{names[one[0]]} ({one[0]})" if one[0] in names else one[0], value)
            case list():
                return [said(one) for one in value]
            case dict():
                return {key: said(one) for key, one in value.items()}
            case _:
                return value

    return {**event, "actor": said(event["actor"]), "facts": said(event["facts"])} if names else event


async def write(events: AsyncIterator[dict[str, Any]], form: Format, out: TextIO | None = None) -> None:
    """Write every event in a format; CSV and JSON Lines hold only one in memory."""
    out = out or sys.stdout
    match form:
        case Format.JSONL:
            async for event in events:
                out.write(as_json(event) + "\n")
        case Format.CSV:
            rows = csv.writer(out)  # lines end with CR LF (RFC 4180), so a cell with either in it is quoted
            rows.writerow(COLUMNS)
            async for event in events:
                told = spelled_out(event)
                rows.writerow([_cell(told[name]) for name in COLUMNS])
        case Format.TABLE:
            table = Table(*_SHOWN)
            listed = [spelled_out(event) async for event in events]
            several = len({event["organisation"] for event in listed if event["organisation"]}) > 1
            for event in listed:
                table.add_row(
                    *(
                        Text(printable(cell, keep="\n"))
                        for cell in _row(event, _cluster(event) if several else event["cluster"])
                    )
                )
            width = None if out.isatty() else 250
            Console(file=out, width=width, highlight=False).print(table)


def read_export(path: Path) -> Iterator[Event]:
    """Yield the events of a JSON Lines export; raises ValueError for a line that is not an event."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
                yield {
                    **event,
                    "number": int(event["number"]),
                    "request_id": event["request_id"],
                    "hash": event["hash"],
                }
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"line {number} of {path} is not an event of a JSON Lines export") from error


def _cluster(event: Event) -> str:
    """Return a cluster's name with its organisation, for trails of several organisations."""
    return f"{event['organisation']}/{event['cluster']}" if event["cluster"] else ""


def _row(event: Event, cluster: str) -> tuple[str, ...]:
    when = str(event["at"])[:19].replace("T", " ")
    said = (
        printable(f"{name.replace('_', ' ')}: {_plain(value)}")
        for name, value in event["facts"].items()
        if name not in _NOT_SHOWN and value not in (None, "", False, [], {})
    )
    one = (when, event["request_id"], event["number"], _what(event), event["actor"], cluster, "\n".join(said))
    return tuple(str(cell) for cell in one)


def _what(event: Event) -> str:
    """Say what happened; a vote says how many approvals there were with it, and how many were needed."""
    facts = event["facts"]
    approvals, policy, card = facts.get("approvals"), facts.get("policy"), facts.get("card")
    if event["kind"] != "vote cast" or not isinstance(approvals, list) or not isinstance(policy, dict):
        return str(event["kind"])
    overrides = isinstance(card, dict) and card.get("override") is True
    return f"approved, {len(approvals)} of {policy.get('required_approvals', 0) + overrides}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else as_json(value)


def _cell(value: object) -> str:
    text = printable(_plain(value), keep="\t\r\n")
    return f"'{text}" if text.startswith(_FORMULA) else text
