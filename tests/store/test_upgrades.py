import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.scheduled import APPEARS_UPGRADED, ScheduledUpgrade, UpgradeIdentity
from bot.store.transaction import MANY
from bot.workflow.errors import Stale
from tests.builders import ACME, DATA, NEW, NOON, OLD, WEB, a_move, a_reading, a_scheduled_upgrade, a_window
from tests.store.conftest import Subject

HOUR = timedelta(hours=1)


async def saved(subject: Subject, *upgrades: ScheduledUpgrade) -> tuple[ScheduledUpgrade, ...]:
    async with subject.begin() as work:
        stored = tuple([await work.upgrades.save(upgrade) for upgrade in upgrades])
        await work.commit()
    return stored


def named(identity: str, **changes: object) -> ScheduledUpgrade:
    return a_scheduled_upgrade(identity=UpgradeIdentity(identity), **changes)


async def test_an_upgrade_comes_back_with_its_moves(subject: Subject) -> None:
    """What a poll saw, status words verbatim, is stored together with how it came about."""
    upgrade = a_scheduled_upgrade(status="PAUSED_BY_MOON", reason="a word nobody knows", request_id="request-1")
    async with subject.begin() as work:
        stored = await work.upgrades.save(upgrade, a_move())
        await work.commit()

    moved = stored.moved(a_reading(status="IN_PROGRESS", window=a_window(NOON)), at=NOON + HOUR)
    second = a_move(number=2, status="IN_PROGRESS", from_status="SCHEDULED", window=a_window(NOON), seen_at=NOON + HOUR)
    async with subject.begin() as work:
        stored_again = await work.upgrades.save(moved, second)
        await work.commit()

    assert stored == replace(upgrade, revision=1)
    async with subject.read() as work:
        assert await work.upgrades.find(ACME, upgrade.identity) == stored_again
        assert await work.upgrades.moves(ACME, upgrade.identity) == (a_move(), second)
        assert await work.upgrades.find(Organisation("other"), upgrade.identity) is None
        assert await work.upgrades.moves(Organisation("other"), upgrade.identity) == ()


async def test_two_polls_cannot_store_the_same_move(subject: Subject) -> None:
    """The second is refused and leaves nothing; its Work can go on."""
    (upgrade,) = await saved(subject, a_scheduled_upgrade())

    async with subject.begin() as work:
        await work.upgrades.save(upgrade, a_move())
        await work.commit()
    async with subject.begin() as work:
        with pytest.raises(Stale):
            await work.upgrades.save(upgrade, a_move())
        with pytest.raises(Stale):
            await work.upgrades.save(replace(upgrade, revision=upgrade.revision + 1), a_move())
        with pytest.raises(Stale):
            await work.upgrades.save(a_scheduled_upgrade(), a_move(number=2))
        await work.upgrades.save(named("another"))
        await work.commit()

    async with subject.read() as work:
        assert await work.upgrades.moves(ACME, upgrade.identity) == (a_move(),)
        assert await work.upgrades.find(ACME, UpgradeIdentity("another")) is not None


async def test_the_second_of_two_writers_is_refused(subject: Subject) -> None:
    """Also when neither has a move to store."""
    (upgrade,) = await saved(subject, a_scheduled_upgrade())

    await saved(subject, replace(upgrade, overrun_told=True))

    async with subject.begin() as work:
        with pytest.raises(Stale):
            await work.upgrades.save(replace(upgrade, reason="Something else."))


async def test_of_two_first_readings_at_the_same_moment_one_is_stored(subject: Subject) -> None:
    """The key of organisation and identity decides."""

    async def store() -> None:
        async with subject.begin() as work:
            await work.upgrades.save(a_scheduled_upgrade())
            await work.commit()

    outcomes = await asyncio.gather(store(), store(), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "Stale"]


async def test_many_are_found_at_once(subject: Subject) -> None:
    """More than one statement's worth of identities is no trouble."""
    (upgrade, _) = await saved(subject, named("one"), named("two"))
    asked = [UpgradeIdentity("one"), *(UpgradeIdentity(f"unknown-{number}") for number in range(1200))]

    async with subject.read() as work:
        assert await work.upgrades.find_many(ACME, asked) == {"one": upgrade}
        assert await work.upgrades.find_many(ACME, []) == {}


async def test_followed_are_those_that_are_not_final(subject: Subject) -> None:
    """Final and inferred outcomes need no more polling; an unknown status does."""
    finals = ("SUCCEEDED", "SUPERSEDED", "FAILED", "MISSED", APPEARS_UPGRADED)
    await saved(
        subject,
        *(named(status, status=status) for status in finals),
        named("odd", status="ODD"),
        named("running", status="IN_PROGRESS"),
        named("elsewhere", organisation=Organisation("other")),
    )

    async with subject.read() as work:
        followed = await work.upgrades.followed(ACME)
        fingerprints = await work.upgrades.fingerprints(ACME)

    assert [upgrade.identity for upgrade in followed] == ["odd", "running"]
    assert fingerprints == {upgrade.identity: upgrade.fingerprint for upgrade in followed}


async def test_where_one_stands_is_stored_anew_with_each_move(subject: Subject) -> None:
    """A poll compares it with what the cloud says, and leaves alone what has not changed."""
    (before,) = await saved(subject, named("one", status="SCHEDULED", window=None))

    (after,) = await saved(subject, replace(before, window=a_window(NOON)))

    async with subject.read() as work:
        assert await work.upgrades.fingerprints(ACME) == {"one": after.fingerprint}
    assert after.fingerprint != before.fingerprint


async def test_whose_clusters_they_are_is_told_of_those_stored(subject: Subject) -> None:
    """However many are asked about; of one that is not stored, nothing."""
    (one,) = await saved(subject, named("one"))
    await saved(subject, named("two"), named("one", organisation=Organisation("other")))
    asked = [UpgradeIdentity(str(number)) for number in range(2 * MANY)]

    async with subject.read() as work:
        assert await work.upgrades.clusters_of(ACME, [*asked, one.identity]) == {"one": one.cluster_identity}


async def test_unnamed_are_those_followed_whose_environment_nobody_told(subject: Subject) -> None:
    """They are named as soon as a catalog knows their cluster."""
    (nowhere, *_) = await saved(
        subject,
        named("nowhere", environment=""),
        named("over", environment="", status="SUCCEEDED"),
        named("known"),
        named("elsewhere", environment="", organisation=Organisation("other")),
    )

    async with subject.read() as work:
        assert await work.upgrades.unnamed(ACME) == (nowhere,)


async def test_upcoming_are_ordered_by_window(subject: Subject) -> None:
    """The next window first, those without one last; the limit counts what was asked for."""
    other = Organisation("other")
    await saved(
        subject,
        named("none", window=None),
        named("late", window=a_window(NOON + 5 * HOUR), environment="staging"),
        named("soon", window=a_window(NOON + HOUR), organisation=other),
        named("over", window=a_window(NOON), status="SUCCEEDED"),
    )

    async with subject.read() as work:
        upcoming = work.upgrades.upcoming
        assert [one.identity for one in await upcoming([ACME, other], limit=9)] == ["soon", "late", "none"]
        assert [one.identity for one in await upcoming([ACME, other], limit=1)] == ["soon"]
        assert [one.identity for one in await upcoming([ACME, other], limit=1, environment="staging")] == ["late"]
        assert [one.identity for one in await upcoming([other], limit=9)] == ["soon"]
        assert await upcoming([other], limit=9, environment="staging") == ()


async def test_the_unfinished_upgrades_of_some_clusters_are_found_at_once(subject: Subject) -> None:
    """By window, as in the list of what is coming; of no clusters there are none."""
    other, third = ClusterIdentity("other"), ClusterIdentity("third")
    await saved(
        subject,
        named("none", window=None),
        named("late", window=a_window(NOON + 5 * HOUR), cluster_identity=other),
        named("soon", window=a_window(NOON + HOUR)),
        named("over", window=a_window(NOON), status="SUCCEEDED"),
        named("third", window=a_window(NOON), cluster_identity=third),
    )

    async with subject.read() as work:
        found = await work.upgrades.unfinished_of([WEB, other])
        assert [one.identity for one in found] == ["soon", "late", "none"]
        assert await work.upgrades.unfinished_of([]) == ()


async def test_windows_between_two_moments_include_both(subject: Subject) -> None:
    """A countdown must not fall between two looks."""
    await saved(
        subject,
        named("before", window=a_window(NOON - timedelta(microseconds=1))),
        named("first", window=a_window(NOON)),
        named("last", window=a_window(NOON + HOUR)),
        named("after", window=a_window(NOON + HOUR + timedelta(microseconds=1))),
        named("over", window=a_window(NOON), status="MISSED"),
        named("none", window=None),
    )

    async with subject.read() as work:
        between = await work.upgrades.windows_between(NOON, NOON + HOUR)

    assert [one.identity for one in between] == ["first", "last"]


async def test_a_clusters_upgrades_are_newest_first(subject: Subject) -> None:
    """By the moment of their last status."""
    await saved(
        subject,
        named("old", status_since=NOON),
        named("new", status_since=NOON + HOUR),
        named("other", cluster_identity=DATA),
    )

    async with subject.read() as work:
        assert [one.identity for one in await work.upgrades.of_cluster(WEB, limit=5)] == ["new", "old"]
        assert [one.identity for one in await work.upgrades.of_cluster(WEB, limit=1)] == ["new"]


async def test_the_first_success_counts(subject: Subject) -> None:
    """Succeeded or appears upgraded, to exactly this version, in this organisation."""
    await saved(
        subject,
        named("1", environment="staging", status="SUCCEEDED", status_since=NOON + HOUR),
        named("2", environment="staging", status=APPEARS_UPGRADED, status_since=NOON),
        named("3", environment="staging", status="FAILED", status_since=NOON - HOUR),
        named("4", environment="staging", status="SUCCEEDED", status_since=NOON - HOUR, to_version=OLD),
        named("5", environment="test", status="SUCCEEDED", status_since=NOON),
        named("6", environment="staging", status="SUCCEEDED", status_since=NOON - HOUR, organisation="other"),
        named("7", environment="dev", status="SCHEDULED"),
    )

    async with subject.read() as work:
        assert await work.upgrades.first_success(ACME, ["staging", "dev"], NEW) == {"staging": NOON}
        assert await work.upgrades.first_success(ACME, [], NEW) == {}


async def test_a_window_without_a_zone_is_refused(subject: Subject) -> None:
    """Nested moments are looked at too."""
    naive = a_window(NOON.replace(tzinfo=None))

    async with subject.begin() as work:
        with pytest.raises(Exception, match="no time zone"):
            await work.upgrades.save(a_scheduled_upgrade(), replace(a_move(), from_window=naive))


async def test_those_that_wait_for_long_were_requested_here_and_are_requested_still(subject: Subject) -> None:
    """The longest waiting first."""
    waits = {"status": "REQUESTED", "request_id": "r1", "window": None}
    await saved(
        subject,
        named("longer", **waits | {"status_since": NOON - HOUR}),
        named("long", **waits | {"status_since": NOON}),
        named("short", **waits | {"status_since": NOON + timedelta(microseconds=1)}),
        named("scheduled", **waits | {"status": "SCHEDULED", "status_since": NOON}),
        named("outside", **waits | {"request_id": None, "status_since": NOON}),
    )

    async with subject.read() as work:
        found = await work.upgrades.requested_before(NOON)

    assert [one.identity for one in found] == ["longer", "long"]
