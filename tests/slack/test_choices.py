"""What the selects of clusters and versions show: each option can be told from every other."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cluster import Cluster, ClusterIdentity, Organisation
from bot.slack.form.choices import cluster_select, found, option, version_select
from bot.slack.form.directory import Index
from tests.builders import a_catalog, a_cluster

LONG = "very-long-environment-of-the-payments-department-in-the-north"


def clusters(*slugs: str, **changes: Any) -> tuple[Cluster, ...]:  # noqa: ANN401 - whatever the fields are
    """Build clusters of these slugs."""
    return tuple(
        a_cluster(identity=ClusterIdentity(f"0b54a5bd-{number:06}"), slug=slug, name="", **changes)
        for number, slug in enumerate(slugs)
    )


def shown(*those: Cluster) -> list[str]:
    """Return what a select of these clusters shows, in their order."""
    index = Index([a_catalog(*those)])
    options: list[Any] = [option(one, index) for one in those]
    assert cluster_select(index, those[0], action_id="cluster")["initial_option"] == options[0]
    assert all(len(one["text"]["text"]) <= 75 for one in options)
    return [one["text"]["text"] for one in options]


def test_names_that_differ_only_behind_the_cut_are_cut_in_the_middle() -> None:
    """Another long name beside them is not."""
    texts = shown(*clusters("invoices-of-the-year-one", "invoices-of-the-year-two", "quite-another-of-the-year-two",
                            environment=LONG))  # fmt: skip

    assert texts[0].endswith("invoices-of-the-year-one")
    assert texts[1].endswith("invoices-of-the-year-two")
    assert "…" in texts[0][10:60]
    assert texts[2].endswith("…")


def test_names_that_differ_only_in_the_middle_are_told_apart_all_the_same() -> None:
    """By the end of the identity, as nothing else is short enough."""
    tail = "x" * 50
    texts = shown(*clusters(f"a-{tail}", f"b-{tail}", environment=f"{LONG}{LONG}"))

    assert [text[-7:] for text in texts] == [" 000000", " 000001"]


@given(st.lists(st.text("ab-", min_size=1, max_size=120), min_size=2, max_size=8, unique=True))
def test_no_two_clusters_of_an_environment_are_shown_alike(slugs: list[str]) -> None:
    assert len(set(shown(*clusters(*slugs, environment=LONG)))) == len(slugs)


def test_clusters_that_are_down_are_marked() -> None:
    """Also when their names are as long as can be, and in what a search finds."""
    stopped, deleting = clusters("web", "api", status="stopped")[0], clusters("a", "b" * 99, status="DELETING")[1]
    running = a_cluster(identity="running", slug="data")

    texts = shown(stopped, deleting, running)

    assert texts[0] == "production/web (stopped)"
    assert texts[1].endswith("… (deleting)")
    assert texts[2] == "production/data"
    (group,) = found(Index([a_catalog(stopped, running)]), "web")
    assert str(group).count("production/web (stopped)") == 1


def test_two_long_names_of_two_organisations_begin_with_them() -> None:
    """Not with what they have in common."""
    one = clusters("w" * 60)[0]
    other = a_cluster(identity="other", slug="w" * 60, organisation=Organisation("globex"))
    index = Index([a_catalog(one), a_catalog(other, organisation=Organisation("globex"))])
    texts: list[Any] = [option(cluster, index)["text"] for cluster in (one, other)]

    assert [text["text"][:10] for text in texts] == ["acme/produ", "globex/pro"]


def test_a_long_name_leaves_room_for_the_version() -> None:
    """The version is what the list is read for."""
    cluster = a_cluster(name="Payments of the northern department, " * 5)
    drawn: Any = option(cluster, Index([a_catalog(cluster)]))

    assert drawn["description"]["text"].endswith(f", {cluster.version}")


def test_versions_that_differ_only_at_their_end_are_told_apart() -> None:
    """The recommended one is marked, however long it is."""
    versions = [f"v1.31.4-{'u' * 90}.{number}" for number in (1, 2)]
    drawn: Any = version_select(versions, None, recommended=versions[1], action_id="version")

    texts = [one["text"]["text"] for one in drawn["options"]]
    assert texts[0].endswith("u.1")
    assert texts[1].endswith("u.2 (recommended)")
    assert all(len(text) <= 75 for text in texts)
