"""A command's words become a form, or a sentence that says what was not understood and what is nearest."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.cluster import ClusterIdentity
from bot.slack.form.directory import Index
from bot.slack.form.filling import Filled, NotUnderstood, Reader
from bot.slack.form.words import split
from tests.builders import NEW, NOON, WEB, a_catalog, a_cluster

INDEX = Index(
    [
        a_catalog(
            a_cluster(),
            a_cluster(identity="id-web-2", environment="staging", slug="web-canary", name="Web canary"),
            a_cluster(identity="id-pay-1", environment="production", slug="payments", name="Payments"),
            a_cluster(identity="id-pay-2", environment="staging", slug="payments", name="Payments"),
            a_cluster(identity="id-lake", environment="staging", slug="dl-01", name="Data Lake"),
        )
    ]
)
VERSIONS = ("v1.31.9-u-ame.1", NEW, "v1.30.9-u-ame.1")


def _fill(text: str, *, known_zone: bool = True) -> Filled:
    zone = ZoneInfo("Europe/Amsterdam") if known_zone else None
    return Reader(index=INDEX, on_offer=lambda _: VERSIONS, now=NOON, zone=zone, otherwise=UTC).fill(split(text))


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("web", WEB),
        ("WEB", WEB),
        ("production/web", WEB),
        ("Production / Web", WEB),
        ("acme/production/web", WEB),
        ("web-c", "id-web-2"),
        ("staging/payments", "id-pay-2"),
        ("staging payments", "id-pay-2"),
        ("Data Lake", "id-lake"),
        ("datalake", "id-lake"),
        ('"data lake"', "id-lake"),
        ("dl", "id-lake"),
        ("web, 1.31, tomorrow 22:00", WEB),
    ],
)
def test_an_exact_name_or_a_unique_beginning_is_enough(text: str, identity: str) -> None:
    """Case and separators do not count, and an exact name wins over a longer one."""
    assert _fill(text).form.cluster_identity == ClusterIdentity(identity)


@pytest.mark.parametrize(
    ("text", "version"),
    [("web 1.31", VERSIONS[0]), ("web to v1.31.4", NEW), ("web v1.30.9-u-ame.1", VERSIONS[2]), ("web", None)],
)
def test_a_short_version_is_the_newest_that_fits(text: str, version: str | None) -> None:
    """Only versions on offer are ever filled in."""
    assert _fill(text).form.version == version


def test_everything_at_once() -> None:
    """Cluster, version and time are told apart by what they look like."""
    filled = _fill("Data Lake 1.31 tomorrow 22:00")

    assert filled.form.cluster_identity == "id-lake"
    assert filled.form.version == VERSIONS[0]
    assert filled.form.start == datetime(2026, 12, 1, 21, tzinfo=UTC)
    assert filled.notes == ("Start read as Tue 1 Dec 2026, 22:00 (Europe/Amsterdam).",)


def test_an_unknown_zone_is_said() -> None:
    """When Slack cannot be asked, UTC is used, and the person is told."""
    filled = _fill("web at 22:00", known_zone=False)

    assert filled.form.start == datetime(2026, 11, 30, 22, tzinfo=UTC)
    assert "could not be looked up" in filled.notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("payments", "production/payments"),
        ("paiments", "production/payments"),
        ("pay", "staging/payments"),
        ("zzzzzz", "No cluster is called `zzzzzz`. For example, there is `production/payments`"),
        ("web 1.99", "is not on offer"),
        ("web 1.31 blursday", "blursday"),
        ("web friday", "time of day is missing"),
        ("web 1.31 1.30", "The time `1.30` was not understood"),
        ("web yesterday 10:00", "The time `yesterday 10:00` cannot be chosen. Sun 29 Nov 2026, 10:00"),
        ("web friday 22:00 please", "was not understood. Write it as"),
        ("<!channel> 1.31", "No cluster is called"),
    ],
)
def test_what_is_not_understood_is_said_with_the_nearest_choices(text: str, said: str) -> None:
    """Nothing opens on a guess."""
    with pytest.raises(NotUnderstood) as refused:
        _fill(text)
    assert said in str(refused.value)
    assert "<!" not in str(refused.value)
