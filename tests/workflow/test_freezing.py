from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.freeze import LONGEST_FREEZE, FrozenPlace, UpgradeFreeze
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import State
from bot.workflow.errors import Stale
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed
from bot.workflow.outbox import Kind
from tests.builders import ACME, GUS, KIM, NOON, ROOS, SEM, a_policy, a_rule, a_window
from tests.workflow.harness import ANNE, Harness, a_harness

PRODUCTION = FrozenPlace(organisation=ACME, environment="production")
STAGING = FrozenPlace(organisation=ACME, environment="staging")
UNTIL = NOON + timedelta(days=14)
POLICY = Policy(
    default=a_rule(channel="C0PRODUCTION"),
    environments={
        "production": a_rule(channel="C0PRODUCTION", on_call=(ANNE,)),
        "staging": a_rule(environment="staging", channel="C0STAGING", approvers=(), required_approvals=0),
    },
)
"""Sem, Kim and Anne may freeze production; as nobody is named for staging, everybody may freeze that."""


async def freeze(
    harness: Harness, *places: FrozenPlace, by: MemberId = SEM, until: timedelta = timedelta(days=14)
) -> str:
    asked = FreezeAsked(member=by, places=places, until=harness.clock() + until, reason="Incident 4711")
    return await harness.do(asked)


async def lift(harness: Harness, one: UpgradeFreeze, *, by: MemberId = SEM) -> str:
    return await harness.do(FreezeLiftPressed(member=by, freeze_id=one.id))


def freezes(harness: Harness) -> list[UpgradeFreeze]:
    return list(harness.storage.tables.freezes.values())


def drawn(harness: Harness, kind: Kind = Kind.FREEZE) -> list[str]:
    return [one.target for one in harness.outbox(kind)]


def audited(harness: Harness, one: UpgradeFreeze) -> list[tuple[str, str]]:
    return [
        (one_.pop("kind"), one_.pop("actor"))
        for one_ in map(dict, harness.storage.audited)
        if one_["request_id"] == one.id
    ]


async def test_a_freeze_counts_from_the_moment_it_is_stored_and_is_told_once_in_each_channel() -> None:
    harness = await a_harness(policy=POLICY)

    answer = await freeze(harness, PRODUCTION, STAGING)

    (stored,) = freezes(harness)
    assert (stored.since, stored.until, stored.by, stored.reason) == (NOON, UNTIL, SEM, "Incident 4711")
    assert [(one.environment, one.channel) for one in stored.places] == [
        ("production", "C0PRODUCTION"),
        ("staging", "C0STAGING"),
    ]
    assert answer.startswith("production, staging are frozen until ")
    assert drawn(harness) == ["C0PRODUCTION", "C0STAGING"]
    assert audited(harness, stored) == [("freeze set", SEM)]


@pytest.mark.parametrize(
    ("member", "environment", "may"),
    [
        (SEM, "production", True),
        (ANNE, "production", True),
        (ROOS, "production", False),
        (GUS, "production", False),
        (ROOS, "staging", True),
        (GUS, "staging", False),
    ],
)
async def test_approvers_and_on_call_may_freeze_and_whoever_may_request_where_neither_is_named(
    member: MemberId, environment: str, *, may: bool
) -> None:
    harness = await a_harness(policy=POLICY)

    await freeze(harness, replace(STAGING, environment=environment), by=member)

    assert bool(freezes(harness)) is may


async def test_who_may_not_is_told_who_may() -> None:
    """Nothing of what was chosen is frozen then, also not where they may."""
    harness = await a_harness(policy=POLICY)

    answer = await freeze(harness, STAGING, PRODUCTION, by=ROOS)

    assert answer.startswith("You may not freeze upgrades in production or lift a freeze there.")
    assert all(f"<@{one}>" in answer for one in (SEM, KIM, ANNE))
    assert not freezes(harness)


async def test_all_environments_takes_those_where_one_may_and_names_the_rest() -> None:
    harness = await a_harness(policy=POLICY)

    answer = await freeze(harness, by=ROOS)
    everything = await freeze(harness, by=SEM)

    one, other = freezes(harness)
    assert [place.environment for place in one.places] == ["staging"]
    assert answer.startswith("staging is frozen until ")
    assert "Not frozen: You may not freeze upgrades in production" in answer
    assert [place.environment for place in other.places] == ["production", "staging"]
    assert "Not frozen" not in everything


async def test_who_may_freeze_nothing_at_all_is_told_so() -> None:
    harness = await a_harness(policy=a_policy())

    answer = await freeze(harness, by=ROOS)

    assert "You may not freeze upgrades in production" in answer
    assert "You may not freeze upgrades in staging" in answer
    assert not freezes(harness)


@pytest.mark.parametrize("until", [timedelta(0), timedelta(minutes=-1), LONGEST_FREEZE + timedelta(minutes=1)])
async def test_it_ends_ahead_and_within_90_days(until: timedelta) -> None:
    """Judged again when it is stored: it may have waited."""
    harness = await a_harness(policy=POLICY)

    answer = await freeze(harness, PRODUCTION, until=until)

    assert "choose a time ahead, within 90 days" in answer
    assert not freezes(harness)


async def test_an_environment_that_is_gone_cannot_be_frozen() -> None:
    harness = await a_harness(policy=POLICY)

    answer = await freeze(harness, replace(STAGING, environment="gone"))

    assert answer == "None of the chosen environments is in the catalog of Avisi Cloud any more."


async def test_lifting_it_lifts_it_everywhere_and_leaves_others() -> None:
    """Two people froze at once: both hold, and lifting one leaves the other."""
    harness = await a_harness(policy=POLICY)
    request = await harness.approved()
    await freeze(harness, PRODUCTION, STAGING)
    await freeze(harness, PRODUCTION, by=KIM)
    one, other = freezes(harness)
    before = len(drawn(harness))

    answer = await lift(harness, one, by=ANNE)

    lifted, left = freezes(harness)
    assert answer == "The freeze of production, staging is lifted."
    assert (lifted.lifted_by, lifted.over_at, left.is_over) == (ANNE, NOON, False)
    assert drawn(harness)[before:] == ["C0PRODUCTION", "C0STAGING"]
    assert drawn(harness, Kind.FREEZE_OVER) == ["C0PRODUCTION", "C0STAGING"]
    assert audited(harness, one) == [("freeze set", SEM), ("freeze lifted", ANNE)]
    await harness.submit(request)
    assert harness.now_of(request).state is State.SUBMISSION_FAILED
    await lift(harness, other)
    assert not [one for one in freezes(harness) if not one.is_over]


async def test_who_may_not_freeze_all_of_it_may_not_lift_it() -> None:
    harness = await a_harness(policy=POLICY)
    await freeze(harness, PRODUCTION, STAGING)
    (one,) = freezes(harness)

    answer = await lift(harness, one, by=ROOS)

    assert answer.startswith("You may not freeze upgrades in production or lift a freeze there.")
    assert freezes(harness) == [one]


async def test_what_is_over_cannot_be_lifted() -> None:
    """The second of two is told who was first."""
    harness = await a_harness(policy=POLICY)
    await freeze(harness, PRODUCTION)
    (one,) = freezes(harness)
    await lift(harness, one, by=KIM)

    assert f"already lifted by <@{KIM}>" in await lift(harness, one)
    assert await lift(harness, replace(one, id="none")) == "This freeze is no longer known, so nothing was changed."  # type: ignore[arg-type]
    assert len(drawn(harness, Kind.FREEZE_OVER)) == 1


async def test_it_ends_by_itself_once() -> None:
    harness = await a_harness(policy=POLICY)
    request = await harness.approved()
    await freeze(harness, PRODUCTION, STAGING, until=timedelta(hours=1))
    (one,) = freezes(harness)
    harness.clock.advance(timedelta(minutes=59))
    await harness.freezing.end_due(await harness.lease())
    assert not drawn(harness, Kind.FREEZE_OVER)

    harness.clock.advance(timedelta(minutes=1))
    await harness.freezing.end_due(await harness.lease())
    await (await harness.restarted()).freezing.end_due(await harness.lease())

    assert drawn(harness, Kind.FREEZE_OVER) == ["C0PRODUCTION", "C0STAGING"]
    assert audited(harness, one) == [("freeze set", SEM), ("freeze ended", "")]
    assert freezes(harness)[0].over_at == NOON + timedelta(hours=1)
    await harness.submit(request)
    assert len(harness.cloud.submissions) == 1


async def test_whoever_lifts_it_as_it_ends_does_not_end_it_twice() -> None:
    harness = await a_harness(policy=POLICY)
    await freeze(harness, PRODUCTION)
    (one,) = freezes(harness)
    lifted = one.lift(by=SEM, at=NOON)
    async with harness.storage.begin() as work:
        await work.freezes.save(lifted)
        await work.commit()

    async with harness.storage.begin() as work:
        with pytest.raises(Stale):
            await work.freezes.save(one.end(at=UNTIL))


async def test_a_card_whose_time_is_frozen_says_so_until_it_is_not() -> None:
    """Whoever is to decide sees it at once; nothing has to be pressed for it."""
    harness = await a_harness(policy=POLICY)
    request = await harness.ask()
    await freeze(harness, PRODUCTION)

    await harness.look_round()
    frozen = harness.now_of(request).blocked
    await lift(harness, freezes(harness)[0])
    await harness.look_round()

    assert "is frozen until" in frozen
    assert harness.now_of(request).blocked == ""


async def test_what_it_touches_is_known() -> None:
    """What is scheduled within it, what is just being submitted, and what will expire within it."""
    harness = await a_harness(policy=POLICY)
    scheduled = await harness.submitted()
    harness.cloud.readings[0] = replace(harness.cloud.readings[0], window=a_window(NOON + timedelta(days=2)))
    await harness.poll()
    waiting = await harness.ask()

    await freeze(harness, PRODUCTION, until=timedelta(days=5))
    await freeze(harness, PRODUCTION, until=timedelta(hours=1))
    await freeze(harness, STAGING, until=timedelta(days=5))

    long, short, elsewhere = [
        (await harness.freezing.affected(one.id, channel=one.channels[0]))[1] for one in freezes(harness)
    ]
    assert [(upgrade.request_id, request and request.id) for upgrade, request in long.upgrades] == [
        (scheduled.id, scheduled.id)
    ]
    assert (long.expiring, len(long.others)) == (1, 1)
    assert waiting.deadline < NOON + timedelta(days=5)
    assert (short.upgrades, short.expiring) == ((), 0)
    assert (elsewhere.upgrades, elsewhere.expiring, elsewhere.others) == ((), 0, ())


async def test_what_is_just_being_submitted_is_listed() -> None:
    harness = await a_harness(policy=POLICY)
    request = await harness.approved()
    async with harness.storage.begin() as work:
        await work.requests.save(request.submitting(at=NOON, start_left_out=False))
        await work.commit()

    await freeze(harness, PRODUCTION)

    (one,) = freezes(harness)
    assert one.underway == (request.id,)
    assert [found.id for found in (await harness.freezing.affected(one.id, channel="C0PRODUCTION"))[1].underway] == [
        request.id
    ]
