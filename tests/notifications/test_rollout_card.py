"""The card of a rollout, however large, keeps what Slack allows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.cluster import ClusterIdentity
from bot.domain.rollout import WAITS, Plan, PlannedCluster, Progress, Rollout, RolloutId, RolloutState, Why
from bot.domain.windows import Window
from bot.notifications.rollout_card import PAGE, clusters_view, list_line, rollout_card
from tests.builders import ACME, NEW, NOON, ROOS, a_policy, a_rule
from tests.notifications.checks import complaints, view_complaints

A_DAY = timedelta(days=1)
POLICY = a_policy()


def a_large_one() -> Rollout:
    """Return a rollout of 500 clusters in five waves, each over twenty environments with long names."""
    waves = tuple(
        tuple(
            PlannedCluster(
                identity=ClusterIdentity(f"id-{wave}-{number}"),
                environment=f"{'environment' * 5}-{number % 20}",
                cluster=f"{'cluster' * 8}-{number}",
            )
            for number in range(100)
        )
        for wave in range(5)
    )
    plan = Plan(organisation=ACME, name="W" * 60, version=NEW, waves=waves, reason="<!channel> " * 45)
    return Rollout.of(plan, id=RolloutId("r1"), requester=ROOS, channel="C0UPGRADES", time_to_vote=2 * A_DAY, at=NOON)


@pytest.mark.parametrize("state", RolloutState)
@pytest.mark.parametrize("progress", Progress)
def test_five_hundred_clusters_fit_into_every_message_and_view(state: RolloutState, progress: Progress) -> None:
    """Whatever became of them, the card, the line in the list and each page of the list of clusters."""
    large = a_large_one()
    whys = sorted(WAITS if progress is Progress.WAITING else Why)
    clusters = tuple(
        replace(
            one,
            progress=progress,
            why=whys[number % len(whys)],
            until=NOON + A_DAY,
            detail="Peak " * 30,
            window=Window(start=NOON, end=NOON + A_DAY),
        )
        for number, one in enumerate(large.clusters)
    )
    rollout = replace(large, state=state, clusters=clusters, outcome="no " * 200, frozen_until=NOON + A_DAY)

    assert complaints(rollout_card(rollout, POLICY)) == []
    assert len(list_line(rollout, POLICY)) <= 3000
    for page in range(-(-len(clusters) // PAGE)):
        assert view_complaints(clusters_view(rollout, page=page)) == []


def a_small_one(why: Why) -> Rollout:
    one = PlannedCluster(identity=ClusterIdentity("id-a"), environment="production", cluster="a")
    plan = Plan(organisation=ACME, name="Winter", version=NEW, waves=((one,),), change="CHG0000001")
    begun = Rollout.of(plan, id=RolloutId("r1"), requester=ROOS, channel="C0UP", time_to_vote=A_DAY, at=NOON)
    waiting = tuple(replace(one, progress=Progress.WAITING, why=why) for one in begun.clusters)
    return replace(begun, state=RolloutState.RUNNING, clusters=waiting)


@pytest.mark.parametrize("why", sorted(WAITS))
def test_whatever_a_cluster_waits_for_the_card_says_who_can_change_that(why: Why) -> None:
    """Somebody, nobody, or time alone."""
    (line,) = [one for one in str(rollout_card(a_small_one(why), POLICY).text).splitlines() if " waits for " in one]

    assert line.startswith("production/a waits for ")
    assert line.endswith(("can change that.", "it goes on by itself."))


def test_the_change_number_leads_to_where_the_policy_says() -> None:
    change = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "https://changes.example/{change}")
    drawn = rollout_card(a_small_one(Why.CLOUD), a_policy(a_rule(change=change)))

    assert "<https://changes.example/CHG0000001|CHG0000001>" in str(drawn.blocks)
