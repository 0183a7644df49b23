"""Reads an organisation's catalog from five lists at once, or one cluster as it is now."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from bot.avisi import paths
from bot.avisi.catalog_bodies import ChannelBody, ClusterBody, EnvironmentBody, ScheduleBody, VersionBody
from bot.avisi.lenient import Body, read_text
from bot.avisi.paths import Path
from bot.avisi.reads import Reads, note_skipped
from bot.domain.cluster import Catalog, Cluster, Environment, Organisation
from bot.domain.windows import MaintenanceSchedule
from bot.workflow.errors import Declined

B = TypeVar("B", bound=Body)
_NOT_OFFERED = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


async def gather(reads: Reads, organisation: Organisation, *, fetched_at: datetime) -> Catalog:
    """Read the catalog. Clusters and versions are required; the token may lack access to the other three lists."""
    try:
        async with asyncio.TaskGroup() as group:
            clusters = group.create_task(reads.all(paths.CLUSTERS, organisation))
            versions = group.create_task(reads.all(paths.VERSIONS, organisation))
            channels = group.create_task(_if_offered(reads, paths.CHANNELS, organisation))
            environments = group.create_task(_if_offered(reads, paths.ENVIRONMENTS, organisation))
            schedules = group.create_task(_if_offered(reads, paths.SCHEDULES, organisation))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # one reason is enough, and callers catch it by its type
    found = _clusters(
        clusters.result(),
        organisation,
        channels=_channels(channels.result()),
        schedules=_schedules(schedules.result()),
    )
    return Catalog(
        organisation=organisation,
        fetched_at=fetched_at,
        clusters=found,
        environments=_environments(environments.result(), organisation, found),
        versions=_versions(versions.result()),
    )


async def current(reads: Reads, cluster: Cluster) -> tuple[Cluster | None, tuple[str, ...]]:
    """Read one cluster and the versions on offer as they are now; None when the cluster is gone."""
    try:
        async with asyncio.TaskGroup() as group:
            fresh = group.create_task(_fresh(reads, cluster))
            versions = group.create_task(reads.all(paths.VERSIONS, cluster.organisation))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # as above
    return fresh.result(), _versions(versions.result())


async def _fresh(reads: Reads, cluster: Cluster) -> Cluster | None:
    """Read the cluster at its own address, else find it in the list: it may have been renamed."""
    try:
        reply = await reads.one(paths.CLUSTER.at(cluster.environment, cluster.slug), cluster.organisation)
    except Declined as error:
        if error.status not in _NOT_OFFERED:
            raise
    else:
        if (found := _same(cluster, [reply.value])) is not None and found.version:
            return found
    return _same(cluster, await reads.all(paths.CLUSTERS, cluster.organisation))


def _same(known: Cluster, items: list[object]) -> Cluster | None:
    """Find a cluster by its identity; the known channel and schedule fill in what the answer leaves out."""
    found = _clusters(
        items,
        known.organisation,
        channels={known.channel: known.channel_version or ""} if known.channel else {},
        schedules={known.schedule.identity: known.schedule} if known.schedule else {},
    )
    return next((cluster for cluster in found if cluster.identity == known.identity), None)


async def _if_offered(reads: Reads, path: Path, organisation: Organisation) -> list[object]:
    try:
        return await reads.all(path, organisation)
    except Declined as error:
        if error.status in _NOT_OFFERED:
            return []
        raise


def _clusters(
    items: list[object],
    organisation: Organisation,
    *,
    channels: dict[str, str],
    schedules: dict[str, MaintenanceSchedule],
) -> tuple[Cluster, ...]:
    """Return the clusters that are not deleted, each once, sorted by full name."""
    bodies = _bodies(ClusterBody, items)
    live = [body.as_domain(organisation, channels=channels, schedules=schedules) for body in bodies if body.is_live]
    found = {cluster.identity: cluster for cluster in live if cluster is not None}
    note_skipped(paths.CLUSTERS.template, len(items) - len(bodies) + live.count(None))
    return tuple(sorted(found.values(), key=lambda cluster: (cluster.environment, cluster.slug)))


def _environments(
    items: list[object], organisation: Organisation, clusters: Iterable[Cluster]
) -> tuple[Environment, ...]:
    """Return the listed environments, and those that only clusters mention."""
    bodies = _bodies(EnvironmentBody, items)
    live = [body.as_domain(organisation) for body in bodies if body.deleted_at is None]
    found = {environment.slug: environment for environment in live if environment is not None}
    note_skipped(paths.ENVIRONMENTS.template, len(items) - len(bodies) + live.count(None))
    for cluster in clusters:
        slug = cluster.environment
        found.setdefault(slug, Environment(organisation=organisation, slug=slug, name=slug))
    return tuple(found[slug] for slug in sorted(found))


def _channels(items: list[object]) -> dict[str, str]:
    return {body.name: body.kubernetes_cluster_version for body in _bodies(ChannelBody, items) if body.name}


def _schedules(items: list[object]) -> dict[str, MaintenanceSchedule]:
    read = [body.as_domain() for body in _bodies(ScheduleBody, items)]
    note_skipped(paths.SCHEDULES.template, len(items) - len(read) + read.count(None))
    return {schedule.identity: schedule for schedule in read if schedule is not None and schedule.identity}


def _versions(items: list[object]) -> tuple[str, ...]:
    """Return the versions on offer, each once; an item is `{"version": ...}` or bare text."""
    objects = [item if isinstance(item, dict) else {"version": read_text(item)} for item in items]
    offered = [body.version for body in _bodies(VersionBody, objects) if body.is_offered]
    return tuple(dict.fromkeys(offered))


def _bodies(kind: type[B], items: Iterable[object]) -> list[B]:
    return [kind.model_validate(item) for item in items if isinstance(item, dict)]
