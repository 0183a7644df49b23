"""Freezes that people set while the bot runs: where, until when, why and by whom, and how they end. Values only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NewType

from bot.domain.calendar import TimedFreeze
from bot.domain.cluster import Organisation
from bot.domain.errors import WrongState
from bot.domain.findings import FreezeIsOver
from bot.domain.people import MemberId
from bot.domain.policy import Rule
from bot.domain.request import RequestId

FreezeId = NewType("FreezeId", str)
LONGEST_FREEZE: Final = timedelta(days=90)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenPlace:
    """An environment that is frozen, and the channel that is told; empty when none is."""

    organisation: Organisation
    environment: str
    channel: str = ""

    @property
    def full_name(self) -> str:
        """Return its slug, as it is no cluster."""
        return self.environment


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeFreeze:
    """A freeze of one or more environments, from `since` up to `until` (aware UTC), unless it is lifted before.

    `underway` are the requests that were being submitted when it was stored. `over_at` is when it was lifted (by
    `lifted_by`), or when it was noticed that its time is up.
    """

    id: FreezeId
    places: tuple[FrozenPlace, ...]
    by: MemberId
    since: datetime
    until: datetime
    reason: str
    underway: tuple[RequestId, ...] = ()
    lifted_by: MemberId | None = None
    over_at: datetime | None = None
    revision: int = 0

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the channels that are told, each once."""
        return tuple(dict.fromkeys(place.channel for place in self.places if place.channel))

    @property
    def is_over(self) -> bool:
        """Whether it was lifted, or its end was stored."""
        return self.over_at is not None

    def covers(self, organisation: str, environment: str) -> bool:
        """Whether it is for this environment."""
        return any((one.organisation, one.environment) == (organisation, environment) for one in self.places)

    def is_in_force(self, now: datetime) -> bool:
        """Whether upgrades are judged by it."""
        return not self.is_over and now < self.until

    def has_run_out(self, now: datetime) -> bool:
        """Whether its time is up and that is not stored yet."""
        return not self.is_over and now >= self.until

    def lift(self, *, by: MemberId, at: datetime) -> "UpgradeFreeze":
        """Lift it everywhere; raises WrongState when it is over."""
        if not self.is_in_force(at):
            raise WrongState(FreezeIsOver(lifted_by=self.lifted_by, at=self.over_at or self.until))
        return replace(self, lifted_by=by, over_at=at)

    def end(self, *, at: datetime) -> "UpgradeFreeze":
        """Note that its time is up."""
        return replace(self, over_at=at)


def frozen_rule(rule: Rule, organisation: str, freezes: Iterable[UpgradeFreeze], *, now: datetime) -> Rule:
    """Return the rule with those of the freezes that are in force in its environment.

    What is stored counts: a clock that is behind that of whoever stored it makes no difference.
    """
    timed = tuple(
        TimedFreeze(since=min(one.since, now), until=one.until.astimezone(rule.zone), reason=one.reason)
        for one in freezes
        if one.is_in_force(now) and one.covers(organisation, rule.environment)
    )
    return replace(rule, timed_freezes=timed) if timed else rule
