"""The worlds that the simulated cloud begins with: acme, a second organisation, and fleets of any size."""

from datetime import UTC, datetime
from uuid import NAMESPACE_DNS, uuid5

from bot.sandbox.avisi.world import (
    Channel,
    Cluster,
    Environment,
    MaintenanceSchedule,
    Organisation,
    Tenant,
    Window,
    World,
)

TOKEN = "acpat_simulated0123456789abcdef"  # noqa: S105  opens nothing but the simulator
SINCE = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)

VERSIONS = (
    "v1.29.14-u-ame.3",
    "v1.30.8-u-ame.1",
    "v1.30.10-u-ame.4",
    "v1.31.4-u-ame.2",
    "v1.31.6-u-ame.9",
    "v1.31.6-u-ame.10",
    "v1.32.1-u-ame.0",
    "v1.32.3-u-ame.1",
    "v1.33.1-u-ame.0",
)
CHANNELS = {
    "stable": "v1.31.6-u-ame.10",
    "regular": "v1.32.3-u-ame.1",
    "preview": "v1.33.1-u-ame.0",
    "v1.30": "v1.30.10-u-ame.4",
    "v1.31": "v1.31.6-u-ame.10",
    "v1.32": "v1.32.3-u-ame.1",
    "v1.33": "v1.33.1-u-ame.0",
}
SCHEDULES = {
    "Weekend nights": [("SATURDAY", "02:00", 180), ("SUNDAY", "02:00", 180)],
    "Weekday evenings": [(day, "20:00", 120) for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY")],
    "Early Tuesday": [("TUESDAY", "04:30:00", 90)],
}
#       environment    slug          version             channel    schedule            auto
ACME = (
    ("production", "payments", "v1.31.4-u-ame.2", "stable", "Weekend nights", False),
    ("production", "orders", "v1.31.6-u-ame.9", "regular", "Weekend nights", False),
    ("production", "webshop", "v1.30.10-u-ame.4", "v1.31", "Early Tuesday", False),
    ("staging", "payments", "v1.31.4-u-ame.2", "stable", "Weekday evenings", False),
    ("staging", "orders", "v1.31.6-u-ame.10", "regular", "Weekday evenings", False),
    ("staging", "webshop", "v1.30.10-u-ame.4", "regular", "Weekday evenings", True),
    ("development", "ci-runners", "v1.32.1-u-ame.0", "preview", "Weekday evenings", True),
    ("development", "playground", "v1.32.3-u-ame.1", None, None, False),
)
GLOBEX = (
    ("production", "core", "v1.31.6-u-ame.10", "regular", "Weekend nights", False),
    ("test", "core", "v1.32.1-u-ame.0", "regular", "Weekday evenings", False),
)


def identity_of(*names: str) -> str:
    """Give the same UUID for the same names in every run."""
    return str(uuid5(NAMESPACE_DNS, "/".join(names) + ".simulated.invalid"))


def acme_world(*, organisations: int = 1) -> World:
    """Build organisation `acme`, and with two organisations also `globex`, that one token sees."""
    made = [organisation("acme", "Acme", number=1)]
    for row in ACME:
        add_cluster(made[0], row)
    next(one for one in made[0].clusters.values() if one.slug == "ci-runners").status = "started"
    _monitor(made[0])
    legacy = add_cluster(made[0], ("development", "legacy", "v1.29.14-u-ame.3", None, None, False))
    legacy.deleted_at = datetime(2026, 2, 2, 12, 0, tzinfo=UTC)
    if organisations > 1:
        made.append(organisation("globex", "Globex", number=2))
        for row in GLOBEX:
            add_cluster(made[1], row)
    return World(
        organisations={one.slug: one for one in made},
        versions=list(VERSIONS),
        tokens={TOKEN: [one.slug for one in made]},
    )


def add_stopped_cluster(owner: Organisation) -> Cluster:
    """Add a cluster that is stopped, so that no upgrade of it would start."""
    stopped = add_cluster(owner, ("development", "archive", "v1.32.1-u-ame.0", "regular", "Weekday evenings", False))
    stopped.status = "stopped"
    return stopped


def _monitor(owner: Organisation) -> None:
    """Give some clusters an observability tenant of their own, some one together; one tenant refuses the token."""
    for slug in ("acme-payments", "acme-production", "acme-staging", "acme-development"):
        owner.tenants[slug] = Tenant(identity=identity_of(owner.slug, "tenant", slug), slug=slug)
    owner.tenants["acme-development"].status = 403
    for cluster in owner.clusters.values():
        tenant = "acme-payments" if (cluster.environment, cluster.slug) == ("production", "payments") else None
        cluster.tenant = tenant or f"acme-{cluster.environment}"
        if cluster.slug == "playground":
            cluster.tenant = None
        if (cluster.environment, cluster.slug) == ("production", "orders"):
            cluster.follows = "staging/orders"


def organisation(slug: str, name: str, *, number: int) -> Organisation:
    """Build an organisation with channels and schedules and without clusters."""
    schedules = [
        MaintenanceSchedule(
            identity=identity_of(slug, title),
            name=title,
            windows=[Window(day=day, start_time=begins, duration=minutes) for day, begins, minutes in windows],
        )
        for title, windows in SCHEDULES.items()
    ]
    return Organisation(
        number=number,
        identity=identity_of(slug),
        slug=slug,
        name=name,
        channels={title: Channel(name=title, version=version) for title, version in CHANNELS.items()},
        schedules={schedule.identity: schedule for schedule in schedules},
    )


def add_cluster(owner: Organisation, row: tuple[str, str, str, str | None, str | None, bool]) -> Cluster:
    """Add a cluster, and its environment when there is none yet."""
    environment, slug, version, channel, schedule, auto = row
    _environment(owner, environment)
    cluster = Cluster(
        identity=identity_of(owner.slug, environment, slug),
        slug=slug,
        name=slug.replace("-", " ").capitalize(),
        environment=environment,
        version=version,
        created_at=SINCE,
        modified_at=SINCE,
        channel=channel,
        schedule=identity_of(owner.slug, schedule) if schedule else None,
        auto_upgrade=auto,
        highly_available=environment == "production",
    )
    owner.clusters[cluster.identity] = cluster
    return cluster


def fleet(owner: Organisation, count: int) -> list[Cluster]:
    """Add `count` clusters, spread over environments, versions, channels and schedules."""
    environments = ("production", "staging", "development")
    versions = ("v1.30.10-u-ame.4", "v1.31.4-u-ame.2", "v1.31.6-u-ame.9", "v1.32.1-u-ame.0")
    channels = ("stable", "regular", "preview", None)
    schedules = tuple(SCHEDULES)
    width = max(3, len(str(count)))
    return [
        add_cluster(
            owner,
            (
                environments[number % len(environments)],
                f"fleet-{number:0{width}}",
                versions[number % len(versions)],
                channels[number // 3 % len(channels)],
                schedules[number // 5 % len(schedules)],
                False,
            ),
        )
        for number in range(1, count + 1)
    ]


def _environment(owner: Organisation, slug: str) -> None:
    if slug not in owner.environments:
        kind = slug if slug in {"production", "staging", "development", "demo"} else "other"
        owner.environments[slug] = Environment(
            number=owner.number * 100 + len(owner.environments) + 1,
            identity=identity_of(owner.slug, slug),
            slug=slug,
            name=slug.capitalize(),
            kind=kind,
            created_at=SINCE,
        )
