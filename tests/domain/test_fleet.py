"""The fleet: how many run what, and who comes first."""

from dataclasses import replace
from datetime import date, timedelta

from bot.domain.cluster import Catalog, ClusterIdentity, Organisation
from bot.domain.fleet import MinorCount, fleet, recommended
from bot.domain.readiness import KubernetesFacts, MinorFacts
from tests.builders import NEW, NOON, OLD, a_catalog, a_cluster

TODAY = date(2026, 11, 30)
FACTS = KubernetesFacts(
    as_of=TODAY,
    minors={
        (1, 34): MinorFacts(end_of_life=TODAY - timedelta(days=33), planned=False),
        (1, 35): MinorFacts(end_of_life=TODAY + timedelta(days=90), planned=True),
        (1, 36): MinorFacts(end_of_life=TODAY + timedelta(days=210), planned=True),
    },
)


def a_fleet(*versions: str, organisation: str = "acme") -> Catalog:
    """Build a catalog with a cluster for each version, called by its number, in no order."""
    clusters = [
        a_cluster(
            identity=ClusterIdentity(f"{organisation}-{number}"),
            organisation=Organisation(organisation),
            slug=f"c{number}",
            version=version,
        )
        for number, version in enumerate(versions)
    ]
    return a_catalog(
        *clusters[1::2],
        *clusters[::2],
        organisation=Organisation(organisation),
        versions=("v1.36.1-u-ame.1", "v1.35.4-u-ame.1"),
    )


def slugs(*catalogs: Catalog) -> list[str]:
    """Return the clusters in their order."""
    return [cluster.slug for cluster in fleet(catalogs, FACTS, today=TODAY).clusters]


def test_what_ends_first_comes_first_and_then_what_is_furthest_behind() -> None:
    """Within a minor the older patch and build are further behind; what nobody can tell comes last."""
    catalog = a_fleet(
        "v1.36.1-u-ame.1",
        "v1.34.5-u-ame.2",
        "v1.34.5-u-ame.1",
        "odd",
        "v1.34.10-u-ame.1",
        "v1.35.0-u-ame.0",
        "v1.40.0-u-ame.0",
    )

    assert slugs(catalog) == ["c2", "c1", "c4", "c5", "c0", "c6", "c3"]


def test_how_far_behind_is_measured_by_what_is_on_offer_to_each_organisation() -> None:
    """Both run the same, but to one of them something newer is on offer."""
    other = replace(a_fleet("v1.35.0-u-ame.0", organisation="zebra"), versions=("v1.37.0-u-ame.0",))

    found = fleet([a_fleet("v1.35.0-u-ame.0"), other], FACTS, today=TODAY)

    assert [cluster.organisation for cluster in found.clusters] == ["zebra", "acme"]


def test_minors_are_counted_newest_first_with_the_end_of_each() -> None:
    """A minor that the facts do not know has no end."""
    found = fleet([a_fleet("v1.35.0-u-ame.0", "v1.34.1-u-ame.0", "v1.35.1-u-ame.0", "odd")], FACTS, today=TODAY)

    assert found.counts == (
        MinorCount(minor=(1, 35), clusters=2, ends=TODAY + timedelta(days=90)),
        MinorCount(minor=(1, 34), clusters=1, ends=TODAY - timedelta(days=33)),
        MinorCount(minor=None, clusters=1, ends=None),
    )


def test_of_one_environment_only_its_clusters_are_counted() -> None:
    """In every organisation that has one of that name."""
    catalog = a_catalog(a_cluster(), a_cluster(identity=ClusterIdentity("2"), environment="staging"))

    found = fleet([catalog], FACTS, today=TODAY, environment="staging")

    assert [cluster.environment for cluster in found.clusters] == ["staging"]
    assert sum(one.clusters for one in found.counts) == 1


def test_the_version_of_the_channel_is_recommended_else_the_newest_on_offer() -> None:
    """And nothing where nothing is on offer."""
    catalog = a_catalog(fetched_at=NOON)
    newer = replace(catalog, versions=(OLD, NEW, "v1.31.9-u-ame.0"))

    assert recommended(newer, a_cluster(channel_version=NEW)) == NEW
    assert recommended(newer, a_cluster(channel_version="v1.29.0-u-ame.0")) == "v1.31.9-u-ame.0"
    assert recommended(catalog, a_cluster(version=NEW)) == ""
