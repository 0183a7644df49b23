"""Reads the audit trail: lists it, exports it, and finds what was changed, reordered or removed.

The votes that the stored requests have are held against it as well: it is the requests that upgrades are submitted by.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.audit import START, digest, moment
from bot.store.tables import AuditRow, ChainRow, RequestRow
from bot.store.transaction import Transaction, transaction

_READ = select(
    AuditRow.request_id,
    AuditRow.number,
    AuditRow.at,
    AuditRow.kind,
    AuditRow.actor,
    AuditRow.organisation,
    AuditRow.cluster,
    AuditRow.facts,
    AuditRow.previous,
    AuditRow.hash,
)

_VOTES: Final = select(RequestRow.number, RequestRow.id, RequestRow.body).order_by(RequestRow.number)
_WITHOUT_REQUEST: Final = frozenset({"press refused", "status moved"})
"""Events that go along with no change of the request, and so do not say whose approvals count."""

Read = Callable[[Select[Any]], Awaitable[Sequence[Row[Any]]]]
Exported = Mapping[str, Any]
"""An event as it is exported: request_id, number, at, kind, actor, organisation, cluster, facts, previous, hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something wrong in the chain of a request, at the event of that number."""

    request_id: str
    number: int
    problem: str


@dataclass(slots=True)
class _Approvals:
    """Whose approvals count by the trail; not `whole` after events of 0.1.0, which say who gave one only."""

    members: set[str] = field(default_factory=set)
    whole: bool = True

    def follow(self, event: Exported) -> None:
        """Go on to the next event of the request."""
        facts = event["facts"] if isinstance(event["facts"], dict) else {}
        if isinstance(fingerprint := facts.get("approvals"), list):
            self.members, self.whole = set(map(str, fingerprint)), True
            return
        if event["kind"] in _WITHOUT_REQUEST:
            return
        self.whole = False
        if event["kind"] == "vote cast":
            self.members.add(event["actor"])
        elif event["kind"] == "votes voided":
            self.members -= set(map(str, facts.get("voters", ())))


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The trail for those who read it, `page` events at a time; it writes nothing."""

    engine: AsyncEngine
    page: int = 1000

    async def events(
        self, *, since: datetime | None = None, cluster: str | None = None, request: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the events as exported, oldest first. `cluster` may leave out its organisation and its environment.

        However slowly they are taken, no transaction stays open meanwhile. An event that is stored meanwhile comes too
        if it is later than what was yielded.
        """
        wanted: list[ColumnElement[bool]] = []
        if since is not None:
            wanted.append(AuditRow.at >= since)
        if cluster is not None:
            wanted.append(_called(cluster))
        if request is not None:
            wanted.append(AuditRow.request_id == request)
        order = (AuditRow.at, AuditRow.request_id, AuditRow.number)
        async for event in self._pages(self._by_itself, order, *wanted):
            yield event

    async def verify(self, *, expect: Iterable[Exported] = ()) -> tuple[Finding, ...]:
        """Return everything that is wrong, empty when nothing is.

        `expect` is an earlier export: with it, a tail that was cut off and a request that vanished are found too.
        """
        expected = {(str(event["request_id"]), int(event["number"])): event for event in expect}
        findings: list[Finding] = []
        async with transaction(self.engine) as reading:
            ends = {
                row.request_id: row
                for row in await reading.all(select(ChainRow.request_id, ChainRow.number, ChainRow.hash))
            }
            last: dict[str, Exported] = {}
            approvals: dict[str, _Approvals] = defaultdict(_Approvals)
            async for event in self._pages(reading.all, (AuditRow.request_id, AuditRow.number)):
                findings.extend(_link(event, after=last.get(event["request_id"])))
                findings.extend(_as_expected(event, expected.pop((event["request_id"], event["number"]), None)))
                last[event["request_id"]] = event
                approvals[event["request_id"]].follow(event)
            async for request_id, voters in self._votes(reading):
                number = last[request_id]["number"] if request_id in last else 1
                findings.extend(
                    _finding(request_id, number, problem) for problem in _differ(voters, approvals[request_id])
                )
        for request_id, end in ends.items():
            if request_id not in last or last[request_id]["number"] < end.number:
                first_missing = last[request_id]["number"] + 1 if request_id in last else 1
                findings.append(
                    _finding(request_id, first_missing, f"the chain ends here, but it once had {end.number} events")
                )
            elif (last[request_id]["number"], last[request_id]["hash"]) != (end.number, end.hash):
                findings.append(_finding(request_id, end.number, "is not the event that was written last"))
        findings.extend(
            _finding(request_id, 1, "has a chain that nobody began") for request_id in last.keys() - ends.keys()
        )
        findings.extend(_finding(*key, "is missing, but the earlier export has it") for key in expected)
        return tuple(sorted(findings, key=lambda one: (one.request_id, one.number, one.problem)))

    async def _by_itself(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Read in a transaction of its own."""
        async with transaction(self.engine) as reading:
            return await reading.all(query)

    async def _pages(
        self, read: Read, order: tuple[Any, ...], *wanted: ColumnElement[bool]
    ) -> AsyncIterator[dict[str, Any]]:
        query = _READ.where(*wanted).order_by(*order).limit(self.page)
        rows = await read(query)
        while rows:
            for row in rows:
                yield {**row._asdict(), "at": moment(row.at)}
            place = tuple(getattr(rows[-1], column.key) for column in order)
            rows = await read(query.where(tuple_(*order) > place))

    async def _votes(self, reading: Transaction) -> AsyncIterator[tuple[str, set[str]]]:
        """Yield each stored request with those whose votes it has."""
        rows = await reading.all(_VOTES.limit(self.page))
        while rows:
            for _, request_id, body in rows:
                votes = body.get("votes", ())
                yield request_id, {str(vote["member"] if isinstance(vote, dict) else vote) for vote in votes}
            rows = await reading.all(_VOTES.where(RequestRow.number > rows[-1].number).limit(self.page))


def _called(name: str) -> ColumnElement[bool]:
    """Whether an event is about the cluster `organisation/environment/slug`, `environment/slug` or `slug`."""
    match name.split("/", 2):
        case [organisation, environment, slug]:
            return (AuditRow.organisation == organisation) & (AuditRow.cluster == f"{environment}/{slug}")
        case [_, _]:
            return AuditRow.cluster == name
        case _:
            return (AuditRow.cluster == name) | AuditRow.cluster.endswith(f"/{name}", autoescape=True)


def _link(event: Exported, *, after: Exported | None) -> Iterator[Finding]:
    request_id, number = event["request_id"], event["number"]
    expected_number = 1 if after is None else after["number"] + 1
    if number != expected_number:
        yield _finding(request_id, expected_number, f"is missing: event {number} follows")
    elif event["previous"] != (START if after is None else after["hash"]):
        yield _finding(request_id, number, "does not follow from the event before it")
    if digest(event) != event["hash"]:
        yield _finding(request_id, number, "was changed after it was written")


def _as_expected(event: Exported, expected: Exported | None) -> Iterator[Finding]:
    if expected is not None and event["hash"] != expected["hash"]:
        yield _finding(event["request_id"], event["number"], "differs from the earlier export")


def _differ(voters: set[str], approvals: _Approvals) -> Iterator[str]:
    """Say where the votes of a stored request are not those of the trail."""
    for member in sorted(voters - approvals.members):
        yield f"the stored request counts an approval of {member} that the trail does not have"
    for member in sorted(approvals.members - voters) if approvals.whole else ():
        yield f"the stored request lacks the approval of {member} that the trail has"


def _finding(request_id: str, number: int, problem: str) -> Finding:
    return Finding(request_id=request_id, number=number, problem=problem)
