"""The fleet at a glance: how many clusters run which minor, and which of them are due first. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.domain.cluster import Catalog, Cluster, Organisation
from bot.domain.readiness import KubernetesFacts, Minor, end_of_life
from bot.domain.versions import KubernetesVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class MinorCount:
    """How many clusters run a minor, and its last day of support upstream.

    `minor` is None for versions that cannot be read, `ends` where it is not known.
    """

    minor: Minor | None
    clusters: int
    ends: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Clusters, the most pressing first, and what they run, newest minor first. `today` is in UTC."""

    organisations: tuple[Organisation, ...]
    clusters: tuple[Cluster, ...]
    counts: tuple[MinorCount, ...]
    today: date


def fleet(catalogs: Sequence[Catalog], facts: KubernetesFacts, *, today: date, environment: str | None = None) -> Fleet:
    """Sort all clusters, or those in the environments of one name.

    What ends first upstream comes first, then what is furthest behind the newest version on offer to it. What ends
    nobody knows when, and then what cannot be read, comes last.
    """
    newest = {one.organisation: max(map(_numbers, one.versions), default=()) for one in catalogs}
    clusters = [
        cluster for catalog in catalogs for cluster in catalog.clusters if environment in {None, cluster.environment}
    ]
    clusters.sort(key=lambda one: _urgency(one, facts, newest[one.organisation]))
    found = Counter(KubernetesVersion.parse(cluster.version).minor for cluster in clusters)
    return Fleet(
        organisations=tuple(catalog.organisation for catalog in catalogs),
        clusters=tuple(clusters),
        counts=tuple(
            MinorCount(minor=minor, clusters=found[minor], ends=end_of_life(facts, minor))
            for minor in sorted(found, key=lambda minor: minor or (), reverse=True)
        ),
        today=today,
    )


def recommended(catalog: Catalog, cluster: Cluster) -> str:
    """Return the version that a cluster should get next: its channel's if on offer, else the newest; empty for none."""
    on_offer = catalog.offered_to(cluster, allow_downgrade=False)
    return cluster.channel_version if cluster.channel_version in on_offer else next(iter(on_offer), "")


def _urgency(cluster: Cluster, facts: KubernetesFacts, newest: tuple[int, ...]) -> tuple[object, ...]:
    version = KubernetesVersion.parse(cluster.version)
    ends = end_of_life(facts, version.minor) or date.max
    behind = tuple(here - there for here, there in zip(_numbers(cluster.version), newest, strict=False))
    name = (cluster.organisation, cluster.environment, cluster.slug)
    return (ends, version.numbers is None, behind, name)


def _numbers(version: str) -> tuple[int, ...]:
    return KubernetesVersion.parse(version).numbers or ()
