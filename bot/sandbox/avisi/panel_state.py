"""What the cloud panel shows, as JSON values."""

from typing import Any

from bot.sandbox.avisi.bodies import stamp, window_body
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.world import Cluster, Organisation, ScheduledUpgrade


def state(cloud: SimulatedCloud) -> dict[str, Any]:
    """Draw everything that the panel shows; deleted clusters are left out."""
    upgrades = cloud.upgrades
    owners = list(cloud.world.organisations.values())
    standing = cloud.faults.standing
    return {
        "now": stamp(cloud.clock()),
        "speed": cloud.clock.speed,
        "paused": cloud.clock.paused,
        "organisations": [owner.slug for owner in owners],
        "clusters": [
            _cluster(cluster, owner)
            for owner in owners
            for cluster in owner.clusters.values()
            if cluster.deleted_at is None
        ],
        "versions": list(cloud.world.versions),
        "upgrades": [_upgrade(upgrade) for upgrade in upgrades],
        "next_outcome": cloud.lifecycle.next_outcome,
        "reschedule": cloud.quirks.reschedule,
        "faults": {
            "delay_seconds": standing.delay,
            "status": standing.status if standing.body == "json" else None,
            "drop": standing.drop,
            "html": standing.body == "html",
            "down": cloud.down is not None,
            "no_list": cloud.quirks.list_status is not None,
        },
        "requests": cloud.requests.total,
    }


def _cluster(cluster: Cluster, owner: Organisation) -> dict[str, Any]:
    return {
        "identity": cluster.identity,
        "slug": cluster.slug,
        "name": cluster.name,
        "environment": cluster.environment,
        "organisation": owner.slug,
        "version": cluster.version,
        "channel": cluster.channel,
        "auto_upgrade": cluster.auto_upgrade,
        "windows": [window_body(window) for window in owner.windows(cluster)],
    }


def _upgrade(upgrade: ScheduledUpgrade) -> dict[str, Any]:
    return {
        "identity": upgrade.identity,
        "cluster": upgrade.cluster,
        "environment": upgrade.environment,
        "organisation": upgrade.organisation,
        "from": upgrade.from_version,
        "to": upgrade.to_version,
        "status": upgrade.status,
        "window_start": stamp(upgrade.window_start),
        "window_end": stamp(upgrade.window_end),
        "reason": upgrade.reason,
        "requested_by": upgrade.requested_by,
    }
