from bot.domain.cluster import ClusterIdentity
from tests.builders import DATA, NEW, OLD, WEB, a_catalog, a_cluster, a_scheduled_upgrade


def test_a_cluster_is_told_apart_by_environment_and_slug() -> None:
    """Slugs are unique only within an environment."""
    assert a_cluster().full_name == "production/web"
    assert a_scheduled_upgrade().full_name == "production/web"


def test_a_catalog_finds_clusters_by_identity() -> None:
    """And knows no others."""
    catalog = a_catalog()

    assert set(catalog.by_identity) == {WEB, DATA}
    assert catalog.by_identity.get(ClusterIdentity("gone")) is None


def test_a_catalog_offers_a_cluster_the_next_steps_from_its_version() -> None:
    """By the rules of versions, from what the cloud has."""
    catalog = a_catalog(versions=(OLD, NEW, "v1.30.6-u-ame.2"))

    assert catalog.offered_to(a_cluster(), allow_downgrade=False) == (NEW,)
    assert catalog.offered_to(a_cluster(), allow_downgrade=True) == (NEW, "v1.30.6-u-ame.2")
    assert catalog.offered_to(a_cluster(version=NEW), allow_downgrade=False) == ()
