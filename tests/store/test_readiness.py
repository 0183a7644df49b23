"""Stored readings of readiness, and the comparisons of alerts that are still to be made."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import update

from bot.domain.readiness import (
    Alert,
    Alerts,
    KubernetesFacts,
    MinorFacts,
    NodePool,
    NotMonitored,
    ReadinessReading,
    RemovedApi,
    Unread,
    readiness,
)
from bot.domain.request import RequestId
from bot.domain.scheduled import UpgradeIdentity
from bot.store.storage import Storage
from bot.store.tables import ReadinessRow
from bot.store.transaction import transaction
from bot.workflow.repositories import AlertCheck
from tests.builders import ACME, NOON, a_cluster
from tests.store.conftest import Subject

ONE, OTHER = RequestId("one"), RequestId("other")
FACTS = KubernetesFacts(
    as_of=date(2026, 10, 1),
    minors={
        (1, minor): MinorFacts(
            end_of_life=date(2027, 1, 1),
            planned=True,
            removed=(RemovedApi(api="a/v1beta1", kind="Thing", served_by_default=True, replacement="a/v1"),),
        )
        for minor in range(28, 40)
    },
)


def a_reading(alerts: Alerts = (), **changes: object) -> ReadinessReading:
    found = readiness(
        FACTS,
        a_cluster(version="v1.33.4-u-ame.9", status="running", follows="staging/web"),
        target="v1.34.1-u-ame.3",
        on_offer=("v1.35.0-u-ame.0",),
        pools=(NodePool(name="workers", strategy="REPLACE", zone="a"),),
        alerts=alerts,
        at=NOON,
    )
    return replace(ReadinessReading(at=NOON, readiness=found), **changes)  # type: ignore[arg-type]


PENDING = Unread(why="", pending=True)
FIRES = (Alert(name="A", key="1", active_at=datetime(2026, 11, 1, tzinfo=UTC)), Alert(name="B", key="2"))


async def test_what_lacks_something_is_found_by_its_latest_reading(subject: Subject) -> None:
    """One that was filled in since is not, nor one that is among older readings."""
    async with subject.begin() as work:
        for request_id, alerts in ((ONE, PENDING), (OTHER, PENDING), (ONE, FIRES)):
            await work.readiness.add(request_id, a_reading(alerts))
        await work.commit()

    async with subject.read() as work:
        assert await work.readiness.pending(among=200) == (OTHER,)
        assert await work.readiness.pending(among=1) == ()


async def test_a_reading_comes_back_as_it_was_stored(subject: Subject) -> None:
    """Whatever its lines hold; the latest is found for each request."""
    async with subject.begin() as work:
        stored = [
            await work.readiness.add(ONE, a_reading(alerts))
            for alerts in (PENDING, (), FIRES, NotMonitored(), Unread(why="403"))
        ]
        other = await work.readiness.add(OTHER, a_reading(FIRES))
        await work.commit()

    async with subject.read() as work:
        assert [await work.readiness.numbered(ONE, one.number) for one in stored] == stored
        assert await work.readiness.latest(ONE, OTHER, RequestId("none")) == {ONE: stored[-1], OTHER: other}
        assert await work.readiness.numbered(OTHER, stored[0].number) is None
        assert await work.readiness.latest() == {}
    assert [one.number for one in stored] == sorted({one.number for one in stored})


async def test_the_first_reading_is_the_first_that_was_read_in_full(subject: Subject) -> None:
    async with subject.begin() as work:
        assert await work.readiness.first(ONE) is None
        await work.readiness.add(ONE, a_reading(PENDING))
        assert await work.readiness.first(ONE) is None
        first = await work.readiness.add(ONE, a_reading())
        await work.readiness.add(ONE, a_reading(FIRES))
        assert await work.readiness.first(ONE) == first
        await work.commit()


async def test_readings_that_nobody_refers_to_are_pruned(stored: Storage) -> None:
    """The first, the latest, and those of votes stay."""
    await stored.migrate()
    async with stored.begin() as work:
        made = [await work.readiness.add(ONE, a_reading(alerts)) for alerts in (PENDING, (), FIRES, (), FIRES, ())]
        await work.readiness.keep(ONE, made[3].number)
        await work.readiness.keep(OTHER, made[2].number)
        await work.commit()
    async with transaction(stored.engines.write) as older:
        await older.run(update(ReadinessRow).values(stored_at=ReadinessRow.stored_at - 40 * 86_400.0))
        await older.commit()

    await stored.prune()

    async with stored.read() as work:
        kept = [one.number for one in made if await work.readiness.numbered(ONE, one.number)]
    assert kept == [made[1].number, made[3].number, made[5].number]


async def test_a_young_reading_is_not_pruned(stored: Storage) -> None:
    """A screen may still show it."""
    await stored.migrate()
    async with stored.begin() as work:
        made = [await work.readiness.add(ONE, a_reading(alerts)) for alerts in (PENDING, (), FIRES, ())]
        await work.commit()

    await stored.prune()

    async with stored.read() as work:
        assert await work.readiness.numbered(ONE, made[2].number)


async def test_a_comparison_is_due_until_it_is_done(subject: Subject) -> None:
    check = AlertCheck(organisation=ACME, upgrade=UpgradeIdentity("u"), due_at=NOON)
    later = replace(check, upgrade=UpgradeIdentity("v"), due_at=NOON + timedelta(minutes=1))
    async with subject.begin() as work:
        await work.alert_checks.put(replace(check, due_at=NOON - timedelta(hours=1)))
        await work.alert_checks.put(check)
        await work.alert_checks.put(later)
        await work.commit()

    async with subject.read() as work:
        assert await work.alert_checks.due(at=NOON - timedelta(minutes=1)) == ()
        assert await work.alert_checks.due(at=NOON) == (check,)
        assert await work.alert_checks.due(at=NOON + timedelta(hours=1)) == (check, later)
    async with subject.begin() as work:
        await work.alert_checks.done(ACME, check.upgrade)
        await work.commit()
    async with subject.read() as work:
        assert await work.alert_checks.due(at=NOON) == ()
