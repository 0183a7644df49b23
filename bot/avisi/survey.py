"""Looks at what each endpoint answers: shapes and the names of fields, never what stands in them."""

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from bot.avisi import paths
from bot.avisi.catalog_bodies import ChannelBody, ClusterBody, EnvironmentBody, ScheduleBody, VersionBody
from bot.avisi.lenient import Body, read_clock_time, read_moment
from bot.avisi.membership import MeBody, MembershipBody
from bot.avisi.paths import Path
from bot.avisi.readiness import AlertBody, PoolBody
from bot.avisi.reads import Reads
from bot.avisi.wire import UpgradeBody
from bot.domain.cluster import Organisation
from bot.domain.scheduled import OPEN
from bot.workflow.errors import AvisiError

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAME_OF_A_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
"""What else is used as a key may be somebody's word, so it is not repeated."""
_STATUS: Final = re.compile(r"[A-Z]{3,}(_[A-Z]{3,})*")
_OFFSET: Final = re.compile(r"[+-]\d{2}:?\d{2}$")
_MOST_NAMES: Final = 60
_OBJECTS: Final = frozenset({paths.ME.template, paths.CLUSTER.template})
"""These answer with one object, the others with a list."""

Fields = dict[str, Any]
"""A JSON object."""

_OF_THE_ORGANISATION: Final[tuple[tuple[Path, type[Body]], ...]] = (
    (paths.MEMBERSHIPS, MembershipBody),
    (paths.ME, MeBody),
    (paths.VERSIONS, VersionBody),
    (paths.CHANNELS, ChannelBody),
    (paths.ENVIRONMENTS, EnvironmentBody),
    (paths.SCHEDULES, ScheduleBody),
    (paths.CLUSTERS, ClusterBody),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What one endpoint answered, without a word of what stands in it.

    `error` is why there was no answer, `skipped` why nothing was asked. `form` is empty for an answer that the bot
    cannot read: neither an array nor a page, or no object where one is due. `envelope` names the fields around the
    items of a page. `read` and `unknown` are fields by whether the bot reads them, with the kinds of their values
    (`text`, `uuid`, `time with Z`); `absent` are those that it reads and nothing had. `statuses` are the vendor's words
    for how upgrades stand.
    """

    path: Path
    error: AvisiError | None = None
    skipped: str = ""
    form: str = ""
    items: int = 0
    envelope: tuple[str, ...] = ()
    read: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()


async def survey(reads: Reads, organisation: Organisation) -> AsyncGenerator[Seen, None]:
    """Read every endpoint that the bot reads, one page of each, in the order in which the bot needs them."""
    clusters: list[ClusterBody] = []
    for path, body in _OF_THE_ORGANISATION:
        seen, items = await _look(reads, path, organisation, body)
        yield seen
        if body is ClusterBody:
            clusters = [ClusterBody.model_validate(item) for item in items]
    one = next((one for one in clusters if one.is_live and one.environment_slug and one.slug), None)
    for path, body in ((paths.CLUSTER, ClusterBody), (paths.POOLS, PoolBody)):
        if one is None:
            yield Seen(path=path, skipped="no cluster is listed")
        else:
            seen, _ = await _look(reads, path.at(one.environment_slug, one.slug), organisation, body)
            yield seen
    tenants = (one.observability_tenant for one in clusters if one.is_live and one.observability_tenant)
    tenant = next((tenant.slug for tenant in tenants if tenant.slug and tenant.deleted_at is None), "")
    if tenant:
        seen, _ = await _look(reads, paths.ALERTS.at(tenant), organisation, AlertBody)
        yield seen
    else:
        yield Seen(path=paths.ALERTS, skipped="no listed cluster has an observability tenant")
    for params in ({}, {"statuses": ",".join(OPEN)}):
        seen, _ = await _look(reads, paths.UPGRADES, organisation, UpgradeBody, params=params)
        yield seen


async def _look(
    reads: Reads, path: Path, organisation: Organisation, body: type[Body], *, params: Mapping[str, str] | None = None
) -> tuple[Seen, list[Fields]]:
    in_pages = path.paged and path.template not in _OBJECTS
    asked = {**(params or {}), **({"page": "0"} if in_pages else {})}
    try:
        reply = await reads.one(path, organisation, params=asked)
    except AvisiError as error:
        return Seen(path=path, error=error), []
    value = reply.value
    envelope: tuple[str, ...] = ()
    if path.template in _OBJECTS:
        form, listed = ("an object", [value]) if isinstance(value, dict) else ("", [])
    elif isinstance(value, dict) and isinstance(value.get("content"), list):
        form, listed, envelope = "a page", value["content"], tuple(_names(value))
    else:
        form, listed = ("an array", value) if isinstance(value, list) else ("", [])
    items = [item for item in listed if isinstance(item, dict)]
    read, unknown = _fields(items, body)
    seen = Seen(
        path=path,
        form=form,
        items=len(listed),
        envelope=envelope,
        read={name: kinds for name, kinds in read.items() if kinds},
        absent=tuple(name for name, kinds in read.items() if not kinds) if items else (),
        unknown=unknown,
        statuses=tuple(_statuses(items)) if body is UpgradeBody else (),
    )
    return seen, items


def _fields(items: Iterable[Fields], body: type[Body], *, under: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """Return the kinds of values of the fields that the bot reads, and of all others; inner ones as `outer.inner`."""
    found: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        for name, value in item.items():
            found[name].append(value)
    read: dict[str, str] = {}
    unknown: dict[str, str] = {}
    known: set[str] = set()
    for name, info in body.model_fields.items():
        spellings = _spellings(name, info)
        used = next((one for one in spellings if one in found), spellings[0])
        known.update(spellings)
        values = found.get(used, [])
        read[under + used] = _kinds(values)
        if (inner := _body_in(info)) and (objects := list(_objects(values))):
            within, more = _fields(objects, inner, under=f"{under}{used}.")
            read |= within
            unknown |= more
    if any(read.values()):  # else the keys may be names of things, not of fields
        unknown |= {under + name: _kinds(found[name]) for name in _names(found) if name not in known}
    return read, unknown


def _spellings(name: str, info: FieldInfo) -> tuple[str, ...]:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(one) for one in alias.choices)
    return (str(info.alias or name),)


def _body_in(info: FieldInfo) -> type[Body] | None:
    """Return the kind of object that a field holds, also in a list; None for plain values."""
    waiting: list[Any] = [info.annotation]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, Body):
            return one
        if get_origin(one) in {Annotated, Union, UnionType, tuple}:
            waiting.extend(get_args(one))
    return None


def _objects(values: Iterable[Any]) -> Iterator[Fields]:
    for value in values:
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _names(value: Mapping[str, Any]) -> list[str]:
    """Return the keys that look like names of fields."""
    return sorted(name for name in value if _NAME_OF_A_FIELD.fullmatch(name))[:_MOST_NAMES]


def _statuses(items: Iterable[Fields]) -> list[str]:
    words = {item.get("status") for item in items}
    return sorted(word for word in words if isinstance(word, str) and _STATUS.fullmatch(word))[:_MOST_NAMES]


def _kinds(values: Iterable[Any]) -> str:
    return " or ".join(sorted({_kind(value) for value in values}))


def _kind(value: object) -> str:  # noqa: PLR0911 - one for each kind
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case list():
            return "list"
        case dict():
            return "object with slugValue" if "slugValue" in value else "object"
        case str() if _UUID.fullmatch(value):
            return "uuid"
        case str() if read_clock_time(value) is not None:
            return "time of day"
        case str() if len(value) > len("2026-12-05") and read_moment(value) is not None:
            zone = "Z" if value.endswith("Z") else "an offset" if _OFFSET.search(value) else "no zone"
            return f"time with {'fractions and ' if '.' in value else ''}{zone}"
        case str():
            return "text"
        case _:
            return "something else"
