"""The JSON that the simulated cloud answers with, field by field as the vendor's tools know it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from bot.sandbox.avisi.quirks import Quirks
from bot.sandbox.avisi.world import (
    Channel,
    Cluster,
    Environment,
    MaintenanceSchedule,
    Organisation,
    ScheduledUpgrade,
    Tenant,
    Window,
)

PLAIN = Quirks()


def stamp(moment: datetime | None, quirks: Quirks = PLAIN) -> str | None:
    """Write a time as the API does: whole seconds, UTC, Z; otherwise where the quirks say so."""
    if moment is None:
        return None
    zone = timezone(timedelta(hours=quirks.offset_hours)) if quirks.offset_hours else UTC
    text = moment.astimezone(zone).isoformat(timespec="microseconds" if quirks.fractions else "seconds")
    return text.replace("+00:00", "Z")


def upgrade_body(upgrade: ScheduledUpgrade, quirks: Quirks) -> dict[str, Any]:
    """Write a scheduled upgrade; what has no value is left out, or null."""
    body = {
        "identity": upgrade.identity,
        "clusterIdentity": upgrade.cluster_identity,
        "createdAt": stamp(upgrade.created_at, quirks),
        "modifiedAt": stamp(upgrade.modified_at, quirks),
        "windowStart": stamp(upgrade.window_start, quirks),
        "windowEnd": stamp(upgrade.window_end, quirks),
        "reason": upgrade.reason,
        "fromClusterVersion": upgrade.from_version,
        "toClusterVersion": upgrade.to_version,
        "status": upgrade.status,
        "clusterSlug": upgrade.cluster,
        "environmentSlug": upgrade.environment,
        "organisationSlug": upgrade.organisation,
        "scheduleRequestDate": stamp(upgrade.schedule_request_date, quirks),
        "ignoreMaintenanceSchedule": upgrade.ignore_maintenance_schedule,
    }
    kept = {
        name: value
        for name, value in body.items()
        if name not in quirks.leave_out and (value is not None or quirks.nulls)
    }
    return kept | quirks.extra


def cluster_body(cluster: Cluster, owner: Organisation, *, details: bool = False) -> dict[str, Any]:
    """Write a cluster; `maintenanceSchedule` is absent without one, `actualState` comes with details."""
    environment = owner.environments[cluster.environment]
    channel = owner.channels.get(cluster.channel or "")
    body: dict[str, Any] = {
        "identity": cluster.identity,
        "name": cluster.name,
        "slug": cluster.slug,
        "environmentSlug": cluster.environment,
        "environmentIdentity": environment.identity,
        "customerSlug": owner.slug,
        "customerIdentity": owner.identity,
        "version": cluster.version,
        "updateChannel": channel_body(channel) if channel else None,
        "autoUpgrade": cluster.auto_upgrade,
        "status": cluster.status,
        "desiredStatus": cluster.status,
        "provisionStatus": "DONE",
        "deleteProtection": cluster.highly_available,
        "highlyAvailable": cluster.highly_available,
        "region": cluster.region,
        "cloudProvider": cluster.cloud_provider,
        "createdAt": stamp(cluster.created_at),
        "modifiedAt": stamp(cluster.modified_at),
        "deletedAt": stamp(cluster.deleted_at),
    }
    schedule = owner.schedules.get(cluster.schedule or "")
    if schedule is not None:
        body["maintenanceSchedule"] = schedule_body(schedule)
    if cluster.follows is not None:
        body["upstreamCluster"] = upstream_body(cluster.follows, owner)
    if cluster.tenant is not None:
        body["observabilityTenant"] = tenant_body(owner.tenants[cluster.tenant], owner)
    if details:
        body["actualState"] = cluster.status
    return body


def tenant_body(tenant: Tenant, owner: Organisation) -> dict[str, Any]:
    """Write an observability tenant; the capital letter is the vendor's."""
    return {
        "identity": tenant.identity,
        "customer": owner.slug,
        "name": tenant.slug,
        "slug": tenant.slug,
        "available": True,
        "ipWhiteList": "",
        "createdAt": "2025-03-03T09:00:00Z",
        "modifiedAt": "2025-03-03T09:00:00Z",
        "DeletedAt": None,
    }


def upstream_body(name: str, owner: Organisation) -> dict[str, Any] | None:
    """Write the cluster that another follows."""
    for one in owner.clusters.values():
        if f"{one.environment}/{one.slug}" == name:
            return {
                "identity": one.identity,
                "slug": one.slug,
                "environmentSlug": one.environment,
                "version": one.version,
            }
    return None


def channel_body(channel: Channel) -> dict[str, Any]:
    """Write an update channel."""
    return {"name": channel.name, "available": channel.available, "kubernetesClusterVersion": channel.version}


def schedule_body(schedule: MaintenanceSchedule) -> dict[str, Any]:
    """Write a maintenance schedule."""
    return {
        "identity": schedule.identity,
        "name": schedule.name,
        "windows": [window_body(window) for window in schedule.windows],
    }


def window_body(window: Window) -> dict[str, Any]:
    """Write one window; the duration is in minutes."""
    return {"day": window.day, "startTime": window.start_time, "duration": window.duration}


def environment_body(environment: Environment, owner: Organisation, quirks: Quirks) -> dict[str, Any]:
    """Write an environment; its slug is a string, or an object where the quirks say so."""
    live = [
        cluster
        for cluster in owner.clusters.values()
        if cluster.environment == environment.slug and cluster.deleted_at is None
    ]
    return {
        "id": environment.number,
        "identity": environment.identity,
        "name": environment.name,
        "slug": {"slugValue": environment.slug} if quirks.slug_objects else environment.slug,
        "type": environment.kind,
        "purpose": "",
        "description": "",
        "organisationSlug": {"slugValue": owner.slug} if quirks.slug_objects else owner.slug,
        "totalClusters": len(live),
        "totalCpu": 8 * len(live),
        "totalMemory": 32 * len(live),
        "createdAt": stamp(environment.created_at),
        "modifiedAt": stamp(environment.created_at),
        "deletedAt": None,
    }


def page_body(items: Sequence[dict[str, Any]], *, number: int, size: int, total: int) -> dict[str, Any]:
    """Wrap one page of a list as Spring Data does."""
    order = {"sorted": False, "unsorted": True, "empty": True}
    pages = -(-total // size)
    return {
        "content": list(items),
        "pageable": {
            "sort": order,
            "pageNumber": number,
            "pageSize": size,
            "offset": number * size,
            "paged": True,
            "unpaged": False,
        },
        "last": number + 1 >= pages,
        "first": number == 0,
        "totalPages": pages,
        "totalElements": total,
        "numberOfElements": len(items),
        "number": number,
        "size": size,
        "sort": order,
        "empty": not items,
    }
