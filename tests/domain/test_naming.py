"""Clusters and environments of several organisations can be told apart; with one nobody reads its name all the time."""

import pytest

from bot.domain.cluster import Organisation
from bot.domain.naming import Naming
from tests.builders import a_scheduled_upgrade

ACME, GLOBEX = Organisation("acme"), Organisation("globex")


@pytest.mark.parametrize(
    ("organisations", "cluster", "environment"),
    [
        ([], "production/web", "production"),
        ([ACME], "production/web", "production"),
        ([ACME, GLOBEX], "acme/production/web", "acme/production"),
    ],
)
def test_names_begin_with_the_organisation_where_there_are_several(
    organisations: list[Organisation], cluster: str, environment: str
) -> None:
    """Each as people write it in the command and in the policy file."""
    naming, upgrade = Naming.among(organisations), a_scheduled_upgrade()

    assert naming.cluster(upgrade) == cluster
    assert naming.environment(upgrade) == environment


@pytest.mark.parametrize(
    ("known", "alone", "among_others"),
    [
        ({"environment": ""}, "web", "acme/web"),
        ({"cluster": ""}, "production", "acme/production"),
        ({"organisation": ""}, "production/web", "production/web"),
        ({"organisation": "", "environment": ""}, "web", "web"),
        ({"environment": "", "cluster": ""}, "", "acme"),
        ({"environment": "XL", "cluster": "LX"}, "XL/LX", "acme/XL/LX"),
    ],
)
def test_what_is_not_known_of_a_name_leaves_no_slash_behind(
    known: dict[str, str], alone: str, among_others: str
) -> None:
    """The cloud lists upgrades of clusters that no catalog has named yet."""
    upgrade = a_scheduled_upgrade(**known)

    assert Naming().cluster(upgrade) == alone
    assert Naming(several=True).cluster(upgrade) == among_others
