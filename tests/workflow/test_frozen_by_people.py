"""A freeze that somebody set is judged like one of the policy file, from the moment it is stored."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.events import WindowBrokeRule
from bot.domain.findings import Frozen
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.request import State
from bot.workflow.inbox import FormSubmitted
from bot.workflow.outbox import Kind
from tests.builders import ACME, NOON, SEM, WEB, a_form, a_policy, a_rule, a_window
from tests.workflow.harness import Harness, a_harness

UNTIL = NOON + timedelta(days=30)


async def frozen(harness: Harness, environment: str = "production") -> UpgradeFreeze:
    freeze = UpgradeFreeze(
        id=FreezeId(f"f{len(harness.storage.tables.freezes)}"),
        places=(FrozenPlace(organisation=ACME, environment=environment),),
        by=SEM,
        since=harness.clock(),
        until=UNTIL,
        reason="Incident",
    )
    async with harness.storage.begin() as work:
        stored = await work.freezes.add(freeze)
        await work.commit()
    return stored


async def test_the_form_is_refused_and_says_why() -> None:
    harness = await a_harness()
    freeze = await frozen(harness)

    found = await harness.viewing.problems(a_form())

    assert [one.freeze.until for one in found if isinstance(one, Frozen)] == [freeze.until]  # type: ignore[union-attr]
    answer = await harness.do(FormSubmitted(member=SEM, organisation=ACME, form=a_form()))
    assert "is frozen until" in answer
    assert not harness.storage.requests


async def test_a_freeze_of_another_environment_is_none() -> None:
    harness = await a_harness()
    await frozen(harness, "staging")

    assert await harness.viewing.problems(a_form()) == ()


async def test_an_approval_is_refused() -> None:
    harness = await a_harness()
    request = await harness.ask()
    await frozen(harness)

    answer = await harness.press(request)

    assert "is frozen until" in answer
    assert not harness.now_of(request).votes


async def test_an_approved_upgrade_is_not_submitted() -> None:
    """The request fails with the freeze as its reason, and can be tried again."""
    harness = await a_harness()
    request = await harness.approved()
    await frozen(harness)

    await harness.submit(request)

    now = harness.now_of(request)
    assert (now.state, "is frozen until" in now.outcome) == (State.SUBMISSION_FAILED, True)
    assert not harness.cloud.submissions


async def test_a_freeze_that_is_stored_while_everything_is_checked_holds_too() -> None:
    """The transaction that begins the submission judges the time again, and then nothing is sent."""
    harness = await a_harness()
    request = await harness.approved()
    ask = harness.cloud.clock

    async def freeze_meanwhile() -> object:
        await frozen(harness)
        harness.cloud.clock = ask  # type: ignore[method-assign]
        return await ask()

    harness.cloud.clock = freeze_meanwhile  # type: ignore[method-assign, assignment]

    await harness.submit(request)
    assert harness.now_of(request).state is State.APPROVED
    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMISSION_FAILED
    assert not harness.cloud.submissions


async def test_one_that_is_lifted_no_longer_counts() -> None:
    harness = await a_harness()
    request = await harness.approved()
    freeze = await frozen(harness)
    other = await frozen(harness)
    async with harness.storage.begin() as work:
        await work.freezes.save(freeze.lift(by=SEM, at=NOON))
        await work.commit()

    assert "is frozen until" in await harness.do(FormSubmitted(member=SEM, organisation=ACME, form=a_form()))
    async with harness.storage.begin() as work:
        await work.freezes.save(other.lift(by=SEM, at=NOON))
        await work.commit()
    await harness.submit(request)

    assert len(harness.cloud.submissions) == 1


async def test_it_may_be_overridden_where_the_policy_allows_that() -> None:
    """With a reason and one approval more, as with a freeze of the policy file."""
    harness = await a_harness(policy=a_policy(a_rule(override=True)))
    await frozen(harness)

    request = await harness.ask(replace(a_form(), override=True, reason="It cannot wait"))

    assert (request.override, request.required) == (True, 2)
    assert request.cluster_identity == WEB


async def test_a_window_that_the_cloud_moves_into_it_is_told_at_once() -> None:
    """As with a freeze of the policy file; one that was moved out of it is not."""
    harness = await a_harness()
    await harness.submitted()
    await harness.poll()
    await frozen(harness)
    inside, after = a_window(NOON + timedelta(days=9)), a_window(UNTIL)

    for window in (inside, after):
        harness.cloud.readings[0] = replace(harness.cloud.readings[0], window=window)
        await harness.poll()

    assert [one.window for one in harness.told(WindowBrokeRule, Kind.CHANNEL)] == [inside]
