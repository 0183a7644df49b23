"""What the POST does: read the body, judge it, and keep or change a record."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from bot.sandbox.avisi.lifecycle import Lifecycle
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.versions import obstacle
from bot.sandbox.avisi.world import PENDING, Cluster, Organisation, ScheduledUpgrade, World

INVALID = "Invalid request parameters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """The body of the POST, read."""

    cluster_identity: str
    version: str
    date: datetime | None = None
    ignore: bool = False


def read_wish(raw: bytes) -> Wish:
    """Read the body of the POST; Problem 400 with every fault that it has. Unknown fields pass."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Problem(400, "Malformed JSON request", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem(400, "Malformed JSON request", "the body is not an object")
    faults: list[str] = []
    wish = Wish(
        cluster_identity=_uuid(body, faults),
        version=_version(body, faults),
        date=_date(body, faults),
        ignore=_flag(body, faults),
    )
    if faults:
        raise Problem(400, INVALID, *faults)
    return wish


def schedule(
    world: World, owner: Organisation, wish: Wish, lifecycle: Lifecycle, *, now: datetime, by: str
) -> ScheduledUpgrade:
    """Schedule or reschedule; Problem 400 or 404 when the platform will not."""
    cluster = owner.clusters.get(wish.cluster_identity)
    if cluster is None or cluster.deleted_at is not None:
        raise Problem(404, "Cluster not found", f"no cluster {wish.cluster_identity} in {owner.slug}")
    history = owner.history(cluster.identity)
    _judge(world, cluster, wish, history)
    quirks = lifecycle.quirks
    if wish.date is not None and wish.date < now and quirks.past_date == "refuse":
        raise Problem(400, INVALID, "scheduleRequestDate: must be in the future")
    window = lifecycle.window_for(owner, cluster, after=max(now, wish.date or now), ignore=wish.ignore)
    if window is None and quirks.no_window == "refuse":
        raise Problem(400, INVALID, f"cluster {cluster.slug} has no maintenance window")
    pending = [upgrade for upgrade in history if upgrade.status in PENDING]
    if pending and quirks.reschedule == "move":
        upgrade = pending[-1]
        upgrade.outcome = None
    else:
        upgrade = owner.add(_new(owner, cluster, now=now))
    upgrade.from_version, upgrade.to_version = cluster.version, wish.version
    upgrade.schedule_request_date, upgrade.ignore_maintenance_schedule = wish.date, wish.ignore
    upgrade.requested_by = by
    shown = window if window and quirks.window_in_answer else (None, None)
    upgrade.window_start, upgrade.window_end = shown
    for old in pending:
        if old is not upgrade:
            lifecycle.enter(old, "SUPERSEDED", at=now, reason="Superseded by a newer request for this cluster")
    lifecycle.enter(upgrade, "REQUESTED", at=now)
    return upgrade


def _judge(world: World, cluster: Cluster, wish: Wish, history: list[ScheduledUpgrade]) -> None:
    if any(upgrade.status == "IN_PROGRESS" for upgrade in history):
        raise Problem(400, "Cluster is being upgraded", f"an upgrade of {cluster.slug} is in progress")
    if wish.version not in world.versions:
        raise Problem(400, INVALID, f"version: {wish.version} is not available")
    again = bool(history) and history[-1].status == "FAILED" and wish.version == cluster.version
    problem = None if again else obstacle(cluster.version, wish.version)
    if problem is not None:
        raise Problem(400, INVALID, f"version: {problem}")


def _new(owner: Organisation, cluster: Cluster, *, now: datetime) -> ScheduledUpgrade:
    return ScheduledUpgrade(
        identity=str(uuid4()),
        organisation=owner.slug,
        cluster_identity=cluster.identity,
        cluster=cluster.slug,
        environment=cluster.environment,
        from_version=cluster.version,
        to_version=cluster.version,
        status="REQUESTED",
        created_at=now,
        modified_at=now,
    )


def _uuid(body: dict[str, Any], faults: list[str]) -> str:
    value = body.get("clusterIdentity")
    if value is None:
        faults.append("clusterIdentity: must not be null")
        return ""
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        faults.append("clusterIdentity: must be a UUID")
        return ""


def _version(body: dict[str, Any], faults: list[str]) -> str:
    value = body.get("version")
    if not isinstance(value, str) or not value:
        faults.append("version: must not be empty")
        return ""
    return value


def _date(body: dict[str, Any], faults: list[str]) -> datetime | None:
    value = body.get("scheduleRequestDate")
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.append("scheduleRequestDate: must be an RFC 3339 date-time")
        return None
    return moment


def _flag(body: dict[str, Any], faults: list[str]) -> bool:
    value = body.get("ignoreMaintenanceSchedule")
    if value is None:
        return False
    if not isinstance(value, bool):
        faults.append("ignoreMaintenanceSchedule: must be a boolean")
        return False
    return value
