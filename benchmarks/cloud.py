"""The simulated Avisi Cloud in a process of its own, told what to do by lines on its standard input."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.avisi.faults import Fault
from bot.sandbox.avisi.world import ScheduledUpgrade, Tenant
from bot.sandbox.clock import SimulatedClock

SOON = timedelta(days=400)


def identity(number: int) -> str:
    """Name the upgrade of this number."""
    return f"10000000-0000-4000-8000-{number:012d}"


def add_upgrades(cloud: SimulatedCloud, count: int) -> None:
    """Put in so many upgrades that will not move by themselves, each for a cluster of its own."""
    owner = cloud.organisation("acme")
    missing = count - len(owner.clusters)
    if missing > 0:
        cloud.many_clusters(missing)
    now = cloud.clock().replace(microsecond=0)
    for number, cluster in zip(range(count), owner.clusters.values(), strict=False):
        owner.upgrades[identity(number)] = ScheduledUpgrade(
            identity=identity(number),
            organisation="acme",
            cluster_identity=cluster.identity,
            cluster=cluster.slug,
            environment=cluster.environment,
            from_version=cluster.version,
            to_version="v1.31.4-u-ame.2",
            status="SCHEDULED",
            created_at=now,
            modified_at=now,
            window_start=now + SOON,
            window_end=now + SOON + timedelta(hours=3),
        )


def watch(cloud: SimulatedCloud) -> None:
    """Give each cluster an observability tenant of its own."""
    owner = cloud.organisation("acme")
    for cluster in owner.clusters.values():
        cluster.tenant = f"of-{cluster.slug}"
        owner.tenants[cluster.tenant] = Tenant(identity=cluster.identity, slug=cluster.tenant)


def obey(cloud: SimulatedCloud, words: list[str]) -> str:
    """Do what a line says; returns the answer."""
    match words:
        case ["hang", *paths]:
            cloud.faults.add(Fault(path=paths[0] if paths else "*", times=None, delay=3600))
        case ["work"]:
            cloud.faults.clear()
        case ["watch"]:
            watch(cloud)
        case ["status", status, *numbers]:
            upgrades = cloud.organisation("acme").upgrades
            for name in [identity(int(number)) for number in numbers] or upgrades:
                upgrades[name].status, upgrades[name].modified_at = status, cloud.clock().replace(microsecond=0)
        case ["listed", since]:
            asked = [seen.at.timestamp() for seen in cloud.requests.of("upgrades")]
            return str(min((at for at in asked if at > float(since)), default=0.0))
        case ["fleet"]:
            clusters = cloud.organisation("acme").clusters.values()
            return json.dumps([(one.identity, one.environment, one.slug, one.version) for one in clusters])
        case ["counts"]:
            return " ".join(f"{name}={number}" for name, number in sorted(cloud.requests.counts.items()))
    return "done"


async def serve(clusters: int, upgrades: int, page: int) -> None:
    """Serve until standard input ends; the first line printed is the address and the token."""
    clock = SimulatedClock(start=datetime.now(UTC), speed=1.0)  # noqa: TID251 - the process is a world of its own
    cloud = SimulatedCloud(clock)
    if clusters:
        owner = cloud.organisation("acme")
        owner.clusters.clear()
        cloud.many_clusters(clusters)
    add_upgrades(cloud, upgrades)
    cloud.quirks.page_size = cloud.quirks.max_page_size = page
    async with cloud:
        print(cloud.url, cloud.token, flush=True)  # noqa: T201 - whoever started it reads them
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(obey(cloud, line.split()), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(serve(*(int(word) for word in sys.argv[1:4])))
