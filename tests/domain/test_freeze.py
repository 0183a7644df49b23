from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import WrongState
from bot.domain.findings import FreezeIsOver
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze, frozen_rule
from bot.domain.windows import Window
from tests.builders import ACME, NOON, ROOS, SEM, a_rule

STAGING = FrozenPlace(organisation=ACME, environment="staging", channel="C0STAGING")
PRODUCTION = FrozenPlace(organisation=ACME, environment="production", channel="C0PRODUCTION")
UNTIL = NOON + timedelta(hours=6)
FREEZE = UpgradeFreeze(
    id=FreezeId("f1"), places=(STAGING, PRODUCTION), by=ROOS, since=NOON, until=UNTIL, reason="Incident"
)


def test_it_is_in_force_up_to_its_last_moment_unless_it_is_lifted() -> None:
    lifted = FREEZE.lift(by=SEM, at=NOON + timedelta(hours=1))

    assert FREEZE.is_in_force(UNTIL - timedelta.resolution)
    assert not FREEZE.is_in_force(UNTIL)
    assert FREEZE.has_run_out(UNTIL)
    assert not lifted.is_in_force(NOON + timedelta(hours=2))
    assert not lifted.has_run_out(UNTIL)
    assert not FREEZE.end(at=UNTIL).has_run_out(UNTIL)


def test_it_is_lifted_once() -> None:
    """Whoever comes later is told by whom; one whose time is up cannot be lifted any more."""
    lifted = FREEZE.lift(by=SEM, at=NOON)

    with pytest.raises(WrongState) as by_whom:
        lifted.lift(by=ROOS, at=UNTIL)
    with pytest.raises(WrongState) as too_late:
        FREEZE.lift(by=ROOS, at=UNTIL)

    assert by_whom.value.why == (FreezeIsOver(lifted_by=SEM, at=NOON),)
    assert too_late.value.why == (FreezeIsOver(lifted_by=None, at=UNTIL),)


def test_each_channel_is_told_once() -> None:
    other = replace(PRODUCTION, environment="acceptance")
    nowhere = replace(PRODUCTION, environment="test", channel="")

    assert replace(FREEZE, places=(STAGING, PRODUCTION, other, nowhere)).channels == ("C0STAGING", "C0PRODUCTION")


def test_a_rule_is_frozen_by_what_is_in_force_in_its_environment() -> None:
    """Not by what is over, or for another environment or organisation."""
    rule = a_rule(environment="production")
    elsewhere = replace(FREEZE, places=(STAGING,))
    tonight = Window(start=NOON + timedelta(hours=5), end=NOON + timedelta(hours=8))

    frozen = frozen_rule(rule, ACME, [elsewhere, FREEZE, FREEZE.lift(by=SEM, at=NOON)], now=NOON)

    assert [(one.since, one.until, one.reason) for one in frozen.timed_freezes] == [(NOON, UNTIL, "Incident")]
    assert frozen.frozen_by(tonight) == frozen.timed_freezes[0]
    assert frozen_rule(rule, ACME, [FREEZE], now=UNTIL) is rule
    assert frozen_rule(rule, "globex", [FREEZE], now=NOON) is rule


def test_a_clock_that_is_behind_is_no_way_around_a_freeze() -> None:
    """What is stored counts, also for a process whose time is a little earlier than that of whoever stored it."""
    earlier = NOON - timedelta(seconds=3)

    frozen = frozen_rule(a_rule(environment="production"), ACME, [FREEZE], now=earlier)

    assert frozen.frozen_by(Window(start=earlier, end=earlier))
