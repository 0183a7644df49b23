"""A simulated cloud survives as JSON."""

import json
from datetime import timedelta

import pytest

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock
from tests.sandbox.avisi.conftest import MONDAY


def restarted(cloud: SimulatedCloud) -> SimulatedCloud:
    """Build another cloud from what this one writes, with a clock that began elsewhere."""
    saved = json.loads(json.dumps(cloud.snapshot()))
    clock = SimulatedClock(MONDAY - timedelta(days=700), 1)
    clock.pause()
    other = SimulatedCloud(clock)
    other.restore(saved)
    return other


async def test_a_restarted_cloud_is_the_same(cloud: SimulatedCloud) -> None:
    """Clusters, upgrades, moment and choices, to the last field."""
    cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    cloud.schedule_elsewhere("globex/test/core", "v1.32.3-u-ame.1", date=MONDAY + timedelta(days=3))
    cloud.cluster("production/payments").version = "v1.31.6-u-ame.9"
    cloud.outcome("fail")
    cloud.quirks.reschedule = "supersede"
    cloud.clock.advance(timedelta(hours=2))

    other = restarted(cloud)

    assert other.snapshot() == cloud.snapshot()
    assert other.world == cloud.world
    assert other.clock() == cloud.clock()


async def test_a_restarted_cloud_goes_on_where_it_stood(cloud: SimulatedCloud) -> None:
    """What was to happen still happens, at its own moment."""
    upgrade = cloud.schedule_elsewhere("staging/payments", "v1.31.6-u-ame.10")
    cloud.clock.advance(timedelta(hours=11, minutes=10))
    assert upgrade.status == "IN_PROGRESS"

    other = restarted(cloud)
    other.clock.advance(timedelta(hours=1))

    kept = other.upgrade(upgrade.identity)
    assert (kept.status, kept.modified_at) == ("SUCCEEDED", MONDAY + timedelta(hours=11, minutes=40))
    assert other.cluster("staging/payments").version == "v1.31.6-u-ame.10"


@pytest.mark.parametrize("damage", [{"format": 99}, {"world": None}, {"now": "yesterday"}, {"world": {"x": 1}}])
async def test_a_damaged_snapshot_is_refused_and_changes_nothing(
    cloud: SimulatedCloud, damage: dict[str, object]
) -> None:
    """With an error that the caller can say to a person."""
    before = cloud.snapshot()

    with pytest.raises(ValueError, match=r"snapshot|isoformat"):
        cloud.restore(before | damage)

    assert cloud.snapshot() == before
