"""How upgrades move as simulated time passes, exactly and without anybody polling."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.windows import next_window
from bot.sandbox.avisi.world import Window
from bot.sandbox.clock import SimulatedClock
from tests.sandbox.avisi.conftest import MONDAY, UPGRADES, wish

STEPS = ["SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS"]


def walked(cloud: SimulatedCloud, identity: str) -> list[tuple[str, datetime]]:
    """Step until nothing moves; the statuses and their moments."""
    moves = []
    while (at := cloud.step()) is not None:
        upgrade = cloud.upgrade(identity)
        assert upgrade.modified_at == at
        moves.append((upgrade.status, at))
    return moves


async def test_an_upgrade_goes_the_whole_way(cloud: SimulatedCloud) -> None:
    """Scheduled within minutes, notified before its window, started at its start, done before its end."""
    upgrade = cloud.schedule_elsewhere("production/payments", "v1.31.6-u-ame.10")

    moves = walked(cloud, upgrade.identity)

    start = datetime(2026, 12, 12, 2, 0, tzinfo=UTC)
    assert moves == [
        ("SCHEDULED", MONDAY + timedelta(minutes=2)),
        ("SCHEDULED_NOTIFIED", start - timedelta(hours=36)),
        ("IN_PROGRESS", start),
        ("SUCCEEDED", start + timedelta(minutes=40)),
    ]
    assert upgrade.reason


@pytest.mark.parametrize(
    ("outcome", "statuses", "version"),
    [
        ("succeed", [*STEPS, "SUCCEEDED"], "v1.31.6-u-ame.10"),
        ("fail", [*STEPS, "FAILED"], "v1.31.4-u-ame.2"),
        ("miss", [*STEPS[:2], "MISSED"], "v1.31.4-u-ame.2"),
        ("supersede", [*STEPS[:2], "SUPERSEDED"], "v1.31.4-u-ame.2"),
        ("overrun", [*STEPS, "SUCCEEDED"], "v1.31.6-u-ame.10"),
    ],
)
async def test_the_next_outcome_can_be_chosen(
    cloud: SimulatedCloud, outcome: str, statuses: list[str], version: str
) -> None:
    """It holds for one upgrade; the one after it succeeds again."""
    cloud.outcome(outcome)
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    moves = walked(cloud, upgrade.identity)

    assert [status for status, _ in moves] == statuses
    assert cloud.cluster("staging/payments").version == version
    assert cloud.lifecycle.next_outcome == "succeed"
    end = upgrade.window_end
    assert end is not None
    assert (moves[-1][1] > end) == (outcome == "overrun")
    assert (moves[-1][1] == end) == (outcome == "miss")


async def test_the_cluster_has_the_target_version_from_the_start(cloud: SimulatedCloud) -> None:
    """So the version alone does not prove success."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    for _ in STEPS:
        cloud.step()

    assert upgrade.status == "IN_PROGRESS"
    assert cloud.cluster("staging/payments").version == "v1.31.6-u-ame.10"


async def test_after_a_failure_the_same_version_can_be_asked_for_again(cloud: SimulatedCloud) -> None:
    """Wherever the cluster's version was left."""
    for left in ("from", "target"):
        cloud.quirks.version_after_failure = left
        cloud.outcome("fail")
        cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
        while cloud.step():
            pass
        assert cloud.upgrades[-1].status == "FAILED"

    assert cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10").status == "REQUESTED"


async def test_one_upgrade_can_be_given_its_own_outcome(cloud: SimulatedCloud) -> None:
    """The others are not touched."""
    good = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    bad = cloud.schedule_elsewhere("staging/webshop", "v1.31.6-u-ame.10")
    cloud.outcome("fail", identity=bad.identity)

    cloud.clock.advance(timedelta(days=1))

    assert (good.status, bad.status) == ("SUCCEEDED", "FAILED")


async def test_an_advance_makes_every_move_at_its_own_moment(
    cloud: SimulatedCloud, clock: SimulatedClock, api: httpx.AsyncClient
) -> None:
    """However far the clock went, the record says when it really happened."""
    identity = (await api.post(UPGRADES, json=wish(cloud))).json()["identity"]

    clock.advance(timedelta(days=3))
    listed = (await api.get(UPGRADES)).json()["content"][0]

    assert (listed["identity"], listed["status"]) == (identity, "SUCCEEDED")
    assert listed["modifiedAt"] == "2026-12-07T20:40:00Z"


async def test_upgrades_move_while_nobody_asks() -> None:
    """The clock alone drives them."""
    clock = SimulatedClock(MONDAY, 36_000)
    async with SimulatedCloud(clock) as cloud:
        upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10", ignore=True)

        async with asyncio.timeout(60):
            while upgrade.status != "SUCCEEDED":
                await cloud.changes.next().wait()

        assert upgrade.modified_at == upgrade.created_at + timedelta(minutes=46)


async def test_an_upgrade_near_its_window_is_notified_at_once_and_starts_late(cloud: SimulatedCloud) -> None:
    """Each status still has its moment."""
    cloud.clock.jump(datetime(2026, 12, 7, 19, 59, tzinfo=UTC))
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    moments = [at.strftime("%H:%M") for _, at in walked(cloud, upgrade.identity)]

    assert moments == ["20:01", "20:03", "20:05", "20:45"]


async def test_a_window_too_short_to_start_in_is_missed(cloud: SimulatedCloud) -> None:
    """By the platform's own slowness."""
    cloud.organisation().windows(cloud.cluster("staging/payments"))[:] = [
        Window(day="MONDAY", start_time="09:01", duration=2)
    ]
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    assert walked(cloud, upgrade.identity)[-1][0] == "MISSED"


async def test_an_upgrade_of_a_cluster_that_changed_is_superseded(cloud: SimulatedCloud) -> None:
    """Upgraded by hand, stopped or deleted meanwhile."""
    upgraded = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    stopped = cloud.schedule_elsewhere("staging/webshop", "v1.31.6-u-ame.10")
    cloud.cluster("staging/payments").version = "v1.31.6-u-ame.9"
    cloud.cluster("staging/webshop").status = "stopped"

    cloud.clock.advance(timedelta(days=1))

    assert (upgraded.status, stopped.status) == ("SUPERSEDED", "SUPERSEDED")


async def test_a_rescheduled_upgrade_forgets_its_old_moments(cloud: SimulatedCloud) -> None:
    """Nothing happens in the window that it left."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    cloud.clock.advance(timedelta(hours=1))
    cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10", date=MONDAY + timedelta(days=2))

    cloud.clock.jump(datetime(2026, 12, 7, 21, 0, tzinfo=UTC))
    between = upgrade.status
    cloud.clock.jump(datetime(2026, 12, 9, 20, 10, tzinfo=UTC))

    assert between == "SCHEDULED"
    assert upgrade.status == "IN_PROGRESS"


async def test_tests_can_push_an_upgrade_anywhere(cloud: SimulatedCloud) -> None:
    """Also to a word that nobody knows, where it stays."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    window = (MONDAY + timedelta(days=1), MONDAY + timedelta(days=1, hours=1))

    cloud.move(upgrade.identity, "PAUSED", reason="Somebody paused it", window=window)
    cloud.clock.advance(timedelta(days=9))

    assert (upgrade.status, upgrade.reason) == ("PAUSED", "Somebody paused it")
    assert (upgrade.window_start, upgrade.window_end) == window


async def test_by_hand_only_nothing_moves_by_itself(cloud: SimulatedCloud) -> None:
    """A test that wants every move for itself can have that."""
    cloud.lifecycle.automatic = False
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    cloud.clock.advance(timedelta(days=9))

    assert upgrade.status == "REQUESTED"
    assert cloud.step() is None


async def test_notification_can_be_skipped(cloud: SimulatedCloud) -> None:
    """SCHEDULED straight to IN_PROGRESS."""
    cloud.quirks.skip_notified = True
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")

    statuses = [status for status, _ in walked(cloud, upgrade.identity)]

    assert statuses == ["SCHEDULED", "IN_PROGRESS", "SUCCEEDED"]


async def test_a_window_left_open_is_decided_when_it_is_scheduled(cloud: SimulatedCloud) -> None:
    """REQUESTED without a window, SCHEDULED with one."""
    cloud.quirks.window_in_answer = False
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    before = upgrade.window_start

    cloud.step()

    assert before is None
    assert upgrade.window_start == datetime(2026, 12, 7, 20, 0, tzinfo=UTC)


async def test_a_moved_channel_schedules_clusters_that_upgrade_by_themselves(cloud: SimulatedCloud) -> None:
    """Only those with auto-upgrade, that channel and a schedule."""
    cloud.cluster("staging/webshop").version = "v1.31.4-u-ame.2"

    made = cloud.publish("regular", "v1.32.1-u-ame.0")

    assert [(upgrade.cluster, upgrade.to_version, upgrade.requested_by) for upgrade in made] == [
        ("webshop", "v1.32.1-u-ame.0", "console")
    ]


async def test_records_can_be_put_in_past_any_rule(cloud: SimulatedCloud) -> None:
    """For baselines and long histories."""
    window = (MONDAY - timedelta(days=2), MONDAY - timedelta(days=2, hours=-2))

    for _ in range(3):
        cloud.record("staging/orders", "v1.31.6-u-ame.10", status="SUCCEEDED", window=window)
    running = cloud.record(
        "staging/payments", "v1.31.6-u-ame.10", status="IN_PROGRESS", window=(MONDAY, MONDAY + timedelta(hours=2))
    )

    assert len({upgrade.identity for upgrade in cloud.upgrades}) == 4
    cloud.step()
    assert running.status == "SUCCEEDED"


def test_the_next_window_begins_at_or_after_the_moment() -> None:
    """A window that has begun is not the next one; over midnight and over a year's end weeks go on."""
    sunday = Window(day="SUNDAY", start_time="23:00", duration=180)
    start = datetime(2026, 12, 27, 23, 0, tzinfo=UTC)

    assert next_window([sunday], start) == (start, start + timedelta(hours=3))
    assert next_window([sunday], start + timedelta(seconds=1)) == (
        start + timedelta(days=7),
        start + timedelta(days=7, hours=3),
    )
    assert next_window([], start) is None
