import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.request import RequestId, State
from bot.store.storage import Storage
from bot.store.tables import FreezeRow
from bot.store.transaction import transaction
from bot.workflow.errors import Missing, Stale
from bot.workflow.transitions import store_freeze
from tests.builders import ACME, NOON, ROOS, SEM, an_upgrade_request
from tests.store.conftest import Subject

STAGING = FrozenPlace(organisation=ACME, environment="staging", channel="C0STAGING")
PRODUCTION = FrozenPlace(organisation=ACME, environment="production", channel="C0PRODUCTION")
A_MOMENT = 0.2


def a_freeze(number: int = 1, *places: FrozenPlace) -> UpgradeFreeze:
    return UpgradeFreeze(
        id=FreezeId(f"f{number}"),
        places=places or (STAGING,),
        by=ROOS,
        since=NOON,
        until=NOON + timedelta(hours=6),
        reason='"quotes" & <@U0SEM>',
        underway=(RequestId("q1"),),
    )


async def added(subject: Subject, *freezes: UpgradeFreeze) -> tuple[UpgradeFreeze, ...]:
    async with subject.begin() as work:
        stored = tuple([await work.freezes.add(freeze) for freeze in freezes])
        await work.commit()
    return stored


async def test_a_freeze_comes_back_as_it_was_stored(subject: Subject) -> None:
    """Places, people and times survive."""
    (stored,) = await added(subject, a_freeze(1, STAGING, PRODUCTION))

    assert stored == replace(a_freeze(1, STAGING, PRODUCTION), revision=1)
    async with subject.read() as work:
        assert await work.freezes.get(stored.id) == stored
        with pytest.raises(Missing):
            await work.freezes.get(FreezeId("none"))


async def test_those_that_are_over_no_longer_stand(subject: Subject) -> None:
    """Two at once both stand; lifting one leaves the other."""
    one, other = await added(subject, a_freeze(1), a_freeze(2))

    async with subject.begin() as work:
        assert await work.freezes.standing() == (one, other)
        lifted = await work.freezes.save(one.lift(by=SEM, at=NOON + timedelta(hours=1)))
        await work.commit()

    async with subject.begin() as work:
        assert await work.freezes.standing() == (other,)
        assert await work.freezes.before_submission(ACME, "staging") == (other,)
        assert await work.freezes.get(one.id) == lifted
        assert await work.freezes.newest(limit=5) == (other, lifted)
        assert await work.freezes.newest(limit=1) == (other,)


async def test_of_two_who_lift_it_one_wins(subject: Subject) -> None:
    (stored,) = await added(subject, a_freeze())
    async with subject.begin() as work:
        await work.freezes.save(stored.lift(by=SEM, at=NOON))
        await work.commit()

    async with subject.begin() as work:
        with pytest.raises(Stale):
            await work.freezes.save(stored.lift(by=ROOS, at=NOON))


async def test_nothing_is_judged_without_a_freeze_that_cannot_be_read(stored: Storage) -> None:
    """To pass it by would let upgrades run that somebody stopped."""
    async with transaction(stored.engines.write) as broken:
        await broken.run(insert(FreezeRow).values(id="f1", over=0, revision=1, body={"until": "never"}))
        await broken.commit()

    async with stored.read() as work:
        with pytest.raises(ValueError, match="validation error"):
            await work.freezes.standing()


@pytest.fixture(params=["sqlite", "postgresql"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Storage, Storage]]:
    """Open each database twice, as two processes do."""
    url = request.getfixturevalue(f"{request.param}_url")
    one, other = Storage.open(url), Storage.open(url)
    yield one, other
    await one.close()
    await other.close()


@pytest.mark.parametrize("known", [False, True])
async def test_a_freeze_waits_for_the_submission_that_began_first_and_sees_it(
    replicas: tuple[Storage, Storage],
    known: bool,  # noqa: FBT001 - a parameter
) -> None:
    """So it can list it as just being submitted; `known` is whether anybody locked this environment before."""
    stored, replica = replicas
    request = an_upgrade_request(id=RequestId("q1"), state=State.APPROVED)
    async with stored.begin() as work:
        approved = await work.requests.add(request)
        if known:
            await work.freezes.keep_submissions_out([STAGING])
        await work.commit()

    async def freeze() -> list[RequestId]:
        async with replica.begin() as work:
            await work.freezes.keep_submissions_out([PRODUCTION, STAGING])
            underway = [one.id for one in await work.requests.in_states(State.SUBMITTING)]
            await work.freezes.add(replace(a_freeze(), underway=tuple(underway)))
            await work.commit()
        return underway

    async with stored.begin() as work:
        assert await work.freezes.before_submission(ACME, "staging") == ()
        freezing = asyncio.create_task(freeze())
        await asyncio.sleep(A_MOMENT)
        assert not freezing.done()
        await work.requests.save(approved.submitting(at=NOON, start_left_out=False))
        await work.commit()

    assert await freezing == ["q1"]


@pytest.mark.parametrize("known", [False, True])
async def test_a_submission_waits_for_the_freeze_that_began_first_and_sees_it(
    replicas: tuple[Storage, Storage],
    known: bool,  # noqa: FBT001 - a parameter
) -> None:
    """So nothing is sent that begins after a freeze was stored."""
    stored, replica = replicas
    if known:
        async with stored.begin() as work:
            await work.freezes.keep_submissions_out([STAGING])
            await work.commit()

    async def submit() -> tuple[UpgradeFreeze, ...]:
        async with replica.begin() as work:
            return await work.freezes.before_submission(ACME, "staging")

    async with stored.begin() as work:
        await work.freezes.keep_submissions_out([STAGING])
        submission = asyncio.create_task(submit())
        await asyncio.sleep(A_MOMENT)
        assert not submission.done()
        freeze = await work.freezes.add(a_freeze())
        await work.commit()

    assert await submission == (freeze,)


async def test_submissions_in_one_environment_do_not_wait_for_each_other(postgresql_url: str) -> None:
    """Only a freeze keeps them out; SQLite has one writer anyway."""
    one, other = Storage.open(postgresql_url), Storage.open(postgresql_url)
    async with one.begin() as work:
        await work.freezes.before_submission(ACME, "staging")
        await work.commit()

    async with one.begin() as first, other.begin() as second:
        await first.freezes.before_submission(ACME, "staging")
        await asyncio.wait_for(second.freezes.before_submission(ACME, "staging"), timeout=5)
        await asyncio.wait_for(second.freezes.keep_submissions_out([PRODUCTION]), timeout=5)
    await one.close()
    await other.close()


async def test_each_freeze_has_a_chain_in_the_audit_trail(stored: Storage) -> None:
    """Set, lifted or ended: the trail verifies, and an auditor reads who did what when."""
    async with stored.begin() as work:
        one = await store_freeze(work, None, a_freeze(1), at=NOON)
        other = await store_freeze(work, None, a_freeze(2, STAGING, PRODUCTION), at=NOON)
        await store_freeze(work, one, one.lift(by=SEM, at=NOON), at=NOON, actor=SEM)
        await store_freeze(work, other, other.end(at=other.until), at=other.until)
        await work.commit()

    events = [event async for event in stored.audit_trail.events()]

    assert await stored.audit_trail.verify() == ()
    assert [(event["request_id"], event["kind"], event["actor"]) for event in events] == [
        ("f1", "freeze set", ROOS),
        ("f1", "freeze lifted", SEM),
        ("f2", "freeze set", ROOS),
        ("f2", "freeze ended", ""),
    ]
    assert events[2]["facts"]["environments"] == ["acme/staging", "acme/production"]
