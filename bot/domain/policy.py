"""The rule of each environment: who may request and decide, when upgrades may run, what is announced. Values only."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, timedelta, tzinfo
from typing import Literal

from bot.domain.calendar import AllowedRange, AnyFreeze, Freeze, TimedFreeze, frozen_by
from bot.domain.change import ChangeRule
from bot.domain.cluster import Organisation
from bot.domain.people import EVERYONE
from bot.domain.rollout import NextWave
from bot.domain.scheduled import ALARMING, ScheduledUpgrade, Status
from bot.domain.windows import Window

ALWAYS_ANNOUNCED = frozenset(one.value for one in (Status.SCHEDULED_NOTIFIED, Status.FAILED, Status.MISSED))
"""Statuses that go to the channel whatever the policy says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The effective rule of one environment, every key resolved.

    People are Slack IDs (`U…`, `W…`, `S…`) or `*`; durations are timedeltas; `zone` is where freezes and allowed
    times are read. An empty `allowed` means any time. Without `change` no change number is required. `freeze` is what
    the policy file says; `timed_freezes` are set while the bot runs, and a rule of the policy has none.
    """

    environment: str
    channel: str = ""
    requesters: tuple[str, ...] = (EVERYONE,)
    approvers: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    required_approvals: int = 1
    self_approval: bool = False
    reason_required: bool = False
    request_expires_after: timedelta = timedelta(hours=48)
    remind_approvers_after: timedelta = timedelta(hours=4)
    reminders: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=1))
    announce: frozenset[str] = ALWAYS_ANNOUNCED
    on_call: tuple[str, ...] = ()
    allow_downgrade: bool = False
    allowed: tuple[AllowedRange, ...] = ()
    override: bool = False
    freeze: tuple[Freeze, ...] = ()
    after: tuple[tuple[str, timedelta], ...] = ()
    zone: tzinfo = UTC
    emergency: bool = False
    change: ChangeRule | None = None
    stale_after: timedelta = timedelta(hours=24)
    timed_freezes: tuple[TimedFreeze, ...] = ()

    @property
    def freezes(self) -> tuple[AnyFreeze, ...]:
        """Return all the freezes by which upgrades are judged, wherever they come from."""
        return (*self.freeze, *self.timed_freezes)

    @property
    def announced(self) -> frozenset[str]:
        """Return the statuses that go to the channel."""
        return self.announce | ALWAYS_ANNOUNCED | ALARMING

    def frozen_by(self, when: Window) -> AnyFreeze | None:
        """Return the first freeze that a time touches."""
        return frozen_by(self.freezes, when, self.zone)

    def change_address(self, number: str) -> str | None:
        """Return where a change number leads, None where nobody said so or there is none."""
        return self.change.address(number) if self.change and number else None

    def approvals_needed(self, *, override: bool, emergency: bool = False) -> int:
        """Return how many approvals a request needs.

        Overriding a freeze costs one more, which an emergency does not waive.
        """
        usual = 0 if emergency and self.emergency else self.required_approvals
        return usual + 1 if override else usual


def other_eyes(rule: Rule) -> Rule:
    """Return the rule of an emergency: what others have to see never comes from the requester."""
    return replace(rule, self_approval=False)


_NEWER = ("emergency", "change", "stale_after")
_UNTOUCHED = Rule(environment="")


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutRule:
    """Where rollouts are posted and what a new plan is filled in with; `waves` are environments by name."""

    channel: str = ""
    waves: tuple[tuple[str, ...], ...] = ()
    at_once: int = 5
    soak: timedelta = timedelta(days=1)
    next_wave: NextWave = NextWave.ASKS
    may_fail: int = 0


NO_ROLLOUT_RULE = RolloutRule()


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Every environment's rule. Keys of `environments` are `environment` or `organisation/environment`."""

    default: Rule
    environments: Mapping[str, Rule] = field(default_factory=dict)
    watch: Literal["all", "requested"] = "all"
    rollout: RolloutRule = NO_ROLLOUT_RULE

    def rule(self, organisation: str, environment: str) -> Rule:
        """Return the rule in force for an environment of an organisation."""
        named = self.environments.get(f"{organisation}/{environment}") or self.environments.get(environment)
        return replace(named or self.default, environment=environment)

    def rule_of(self, upgrade: ScheduledUpgrade) -> Rule:
        """Return the rule in force for an upgrade; one that is not watched has no channel."""
        rule = self.rule(upgrade.organisation, upgrade.environment)
        return rule if self.watch == "all" or upgrade.request_id else replace(rule, channel="")

    @property
    def digest(self) -> str:
        """Return a digest of all that the rules say, the same in every process that has the same rules."""
        rules = [("", self.default), *sorted(self.environments.items())]
        said: list[object] = [self.watch, *((name, *map(_said, _values(rule))) for name, rule in rules)]
        if self.rollout != NO_ROLLOUT_RULE:  # without the table, the digest is that of a version without rollouts
            said.append(repr(self.rollout))
        return hashlib.sha256(repr(said).encode()).hexdigest()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return every distinct rule, the default's first."""
        return (self.default, *self.environments.values())

    @property
    def channels(self) -> tuple[str, ...]:
        """Return every channel that anything is posted to, each once."""
        every = (*(rule.channel for rule in self.rules), self.rollout.channel)
        return tuple(dict.fromkeys(channel for channel in every if channel))

    def channels_of(
        self, organisation: Organisation, environments: Mapping[Organisation, Collection[str]]
    ) -> tuple[str, ...]:
        """Return the channels that concern an organisation: all that it may use, but those that only others do use.

        `environments` are those of each organisation, empty while they are not known.
        """
        possible = self._possible(organisation)
        used = {one: self._used(one, known) for one, known in environments.items() if known}
        own = used.pop(organisation, possible)
        others = {channel for channels in used.values() for channel in channels}
        return tuple(one for one in self.channels if one in own or one in possible - others)

    def _possible(self, organisation: Organisation) -> frozenset[str]:
        """Return the channels of all rules but those of other organisations by name."""
        tables = (
            rule
            for name, rule in self.environments.items()
            if "/" not in name or name.partition("/")[0] == organisation
        )
        return frozenset(rule.channel for rule in (self.default, *tables))

    def _used(self, organisation: Organisation, environments: Collection[str]) -> frozenset[str]:
        return frozenset(self.rule(organisation, environment).channel for environment in environments)


def _values(rule: Rule) -> tuple[object, ...]:
    """Return what a rule says; a key that 0.1.0 did not know is left out while it is not used."""
    left_out = {"timed_freezes", *(name for name in _NEWER if getattr(rule, name) == getattr(_UNTOUCHED, name))}
    return tuple(getattr(rule, one.name) for one in fields(rule) if one.name not in left_out)


def _said(value: object) -> str:
    """Write a value of a rule; the order of a set is another in each process."""
    return repr(sorted(value) if isinstance(value, frozenset) else value)
