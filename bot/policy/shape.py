"""The tables and keys of the policy file with their types. Ambiguous values are refused, never guessed."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot import shapes
from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.change import BadPattern, ChangePattern, ChangeRule
from bot.domain.people import EVERYONE
from bot.domain.policy import NO_ROLLOUT_RULE, RolloutRule
from bot.domain.rollout import MOST_WAVES, SOAKS, NextWave
from bot.domain.scheduled import FINAL, OPEN
from bot.domain.windows import WEEKDAYS

STATUSES: Final = frozenset(OPEN) | FINAL
EXAMPLES: Final[Mapping[str, str]] = {
    "timezone": 'timezone = "Europe/Amsterdam"',
    "channel": 'channel = "C0123456789"',
    "requesters": 'requesters = ["*"]',
    "approvers": 'approvers = ["S0123456789", "U0123456789"]',
    "notify": 'notify = ["S0123456789"]',
    "required_approvals": "required_approvals = 2",
    "self_approval": "self_approval = false",
    "reason_required": "reason_required = true",
    "request_expires_after": 'request_expires_after = "48h"',
    "remind_approvers_after": 'remind_approvers_after = "4h"',
    "reminders": 'reminders = ["24h", "1h"]',
    "announce": 'announce = ["SCHEDULED_NOTIFIED", "FAILED", "MISSED"]',
    "on_call": 'on_call = ["S0123456789"]',
    "allow_downgrade": "allow_downgrade = false",
    "allowed": 'allowed = ["mon-thu 20:00-06:00", "sat,sun 00:00-24:00"]',
    "override": "override = false",
    "emergency": "emergency = true",
    "change": 'change = { pattern = "CHG[0-9]{7}", url = "https://itsm.example.com/{change}" }',
    "freeze": 'freeze = [{ from = "2026-12-20", to = "2027-01-03", reason = "Holiday freeze" }]',
    "after": 'after = { staging = "3d" }',
    "stale_after": 'stale_after = "24h"',
    "waves": 'waves = [["development"], ["staging"], ["production"]]',
    "at_once": "at_once = 5",
    "soak": 'soak = "1d"',
    "next_wave": 'next_wave = "asks"',
    "may_fail": "may_fail = 0",
}
"""A valid example of each key, for error messages."""

SMALL: Final = "the slugs of Avisi Cloud are written in small letters"
_DAYS: Final = tuple(day[:3] for day in WEEKDAYS)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST: Final = timedelta(days=366)
_RANGE: Final = re.compile(
    r"(?P<days>[a-z]{3}(?:[-,][a-z]{3})*)(?: (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d))?", re.ASCII
)
_MIDNIGHT: Final = time(0)


def duration(text: object) -> timedelta:
    """Read `30m`, `48h` or `3d`."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'"{text}" is not a valid duration such as 30m, 48h or 3d')
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta(0) < length <= _LONGEST:
        raise ValueError(f'"{text}" is not between one second and a year')
    return length


def day(value: object) -> date:
    """Read `2026-12-20`, as text or as TOML's own date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'"{value}" is not a day of the calendar') from error
    raise ValueError(f'"{value}" is not a valid day such as 2026-12-20')


def allowed_range(text: object) -> AllowedRange:
    """Read `mon-thu 20:00-06:00`, `sat` or `sat,sun 00:00-24:00`."""
    found = _RANGE.fullmatch(text.strip().casefold()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'"{text}" is not a valid time such as mon-thu 20:00-06:00, sat or sat,sun 00:00-24:00')
    start, end = found["start"] or "00:00", found["end"] or "24:00"
    if start == end:
        raise ValueError(f'"{text}" could mean a whole day or nothing; a whole day is 00:00-24:00')
    return AllowedRange(
        weekdays=_weekdays(found["days"]), start=_time(start), end=_MIDNIGHT if end == "24:00" else _time(end),
        text=str(text).strip(),
    )  # fmt: skip


def _weekdays(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        first, *others = (_weekday(name) for name in part.split("-"))
        last = others[-1] if others else first
        if len(others) > 1:
            raise ValueError(f'"{part}" has more than two ends')
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return tuple(sorted(found))


def _weekday(name: str) -> int:
    if name not in _DAYS:
        raise ValueError(f'"{name}" is not a valid weekday, the nearest is "{shapes.nearest(name, _DAYS)}"')
    return _DAYS.index(name)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a time of day') from error


def _statuses(values: Iterable[str]) -> list[str]:
    for value in values:
        if value not in STATUSES:
            raise ValueError(
                f'"{value}" is not a valid status, the nearest is "{shapes.nearest(value, sorted(STATUSES))}"'
            )
    return list(values)


def _not_empty(values: list[AllowedRange]) -> list[AllowedRange]:
    if not values:
        raise ValueError("the list is empty, which could mean never or always; leave it out for always")
    return values


def _mentioned(values: Iterable[str]) -> tuple[str, ...]:
    found = tuple(values)
    return shapes.people(found) if found else ()


def _named(values: Iterable[str]) -> tuple[str, ...]:
    found = _mentioned(values)
    if EVERYONE in found:
        raise ValueError('"*" would mention everybody')
    return found


def soak_length(text: object) -> timedelta:
    """Read one of the soaks that a plan may have: `none`, `1h`, `4h`, `12h`, `1d`, `2d`, `3d` or `7d`."""
    length = timedelta(0) if text == "none" else duration(text)
    if length not in SOAKS:
        raise ValueError(f'"{text}" is not a soak; choose none, 1h, 4h, 12h, 1d, 2d, 3d or 7d')
    return length


def _waves(waves: list[list[str]]) -> list[list[str]]:
    if not all(waves):
        raise ValueError("a wave is empty; leave it out")
    if len(waves) > MOST_WAVES:
        raise ValueError(f"there are {len(waves)} waves, and a rollout has at most {MOST_WAVES}")
    names = [name for wave in waves for name in wave]
    for name in names:
        if name != name.lower():
            raise ValueError(f'"{name}" would never be found: {SMALL}')
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f'"{twice}" stands in two waves')
    return waves


def _slugged(values: dict[str, timedelta]) -> dict[str, timedelta]:
    for slug in shapes.slugs(values) if values else ():
        if slug != slug.lower():
            raise ValueError(f'"{slug}" would never succeed: {SMALL}')
    return values


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


Duration = Annotated[timedelta, BeforeValidator(duration)]


class FreezeTable(_Strict):
    """One freeze: whole days, both included."""

    first: Annotated[date, BeforeValidator(day)] = Field(alias="from")
    last: Annotated[date, BeforeValidator(day)] = Field(alias="to")
    reason: str = ""

    @model_validator(mode="after")
    def _forwards(self) -> "FreezeTable":
        if self.first > self.last:
            raise ValueError(f"it begins on {self.first} and ends before that, on {self.last}")
        return self

    def as_domain(self) -> Freeze:
        """Return the freeze."""
        return Freeze(first=self.first, last=self.last, reason=self.reason)


def _change_pattern(text: object) -> ChangePattern:
    if not isinstance(text, str):
        raise ValueError(f'the pattern "{text}" is not text in quotes')  # noqa: TRY004 - pydantic takes no TypeError
    try:
        return ChangePattern.parse(text)
    except BadPattern as error:
        raise ValueError(f'the pattern "{text}" {error}') from error


class ChangeTable(_Strict):
    """What change numbers look like, and the address of their pages, empty for no link."""

    pattern: Annotated[ChangePattern, BeforeValidator(_change_pattern)]
    url: Annotated[str, AfterValidator(shapes.change_address)] = ""

    def as_domain(self) -> ChangeRule:
        """Return the rule."""
        return ChangeRule(self.pattern, self.url)


class RuleTable(_Strict):
    """The keys of `[defaults]` and of each environment; None where a key is left out."""

    channel: Annotated[str, AfterValidator(shapes.channel)] | None = None
    requesters: Annotated[list[str], AfterValidator(shapes.people)] | None = None
    approvers: Annotated[list[str], AfterValidator(shapes.people)] | None = None
    notify: Annotated[list[str], AfterValidator(_mentioned)] | None = None
    required_approvals: Annotated[int, Field(ge=0, le=100)] | None = None
    self_approval: bool | None = None
    reason_required: bool | None = None
    request_expires_after: Duration | None = None
    remind_approvers_after: Duration | None = None
    reminders: list[Duration] | None = None
    announce: Annotated[list[str], AfterValidator(_statuses)] | None = None
    on_call: Annotated[list[str], AfterValidator(_named)] | None = None
    allow_downgrade: bool | None = None
    allowed: Annotated[
        list[Annotated[AllowedRange, BeforeValidator(allowed_range)]], AfterValidator(_not_empty)
    ] | None = None  # fmt: skip
    override: bool | None = None
    freeze: list[FreezeTable] | None = None
    after: Annotated[dict[str, Duration], AfterValidator(_slugged)] | None = None
    emergency: bool | None = None
    change: ChangeTable | None = None
    stale_after: Duration | None = None


class RolloutTable(_Strict):
    """Where rollouts are posted and what a new plan is filled in with."""

    channel: Annotated[str, AfterValidator(shapes.channel)] = NO_ROLLOUT_RULE.channel
    waves: Annotated[list[list[str]], AfterValidator(_waves)] = Field(default_factory=list)
    at_once: Annotated[int, Field(ge=1, le=50)] = NO_ROLLOUT_RULE.at_once
    soak: Annotated[timedelta, BeforeValidator(soak_length)] = NO_ROLLOUT_RULE.soak
    next_wave: Literal["asks", "opens"] = "asks"
    may_fail: Annotated[int, Field(ge=0, le=20)] = NO_ROLLOUT_RULE.may_fail

    def as_domain(self) -> RolloutRule:
        """Return what the workflow reads."""
        return RolloutRule(
            channel=self.channel,
            waves=tuple(tuple(wave) for wave in self.waves),
            at_once=self.at_once,
            soak=self.soak,
            next_wave=NextWave(self.next_wave),
            may_fail=self.may_fail,
        )


class PolicyTable(_Strict):
    """The whole file."""

    timezone: Annotated[str, AfterValidator(shapes.zone_name)] = "UTC"
    defaults: RuleTable = Field(default_factory=RuleTable)
    environments: dict[str, RuleTable] = Field(default_factory=dict)
    rollout: RolloutTable = Field(default_factory=RolloutTable)
