"""Buttons on a rollout's card that open a form: not for somebody of whom nobody can tell who it is."""

from datetime import timedelta

import pytest

from bot.domain.cluster import ClusterIdentity
from bot.domain.rollout import Plan, PlannedCluster, Rollout, RolloutId
from bot.notifications.rollout_card import rollout_card
from bot.sandbox.slack.api.faults import Fault
from tests.builders import ACME, NEW, NOON, ROOS, SEM, a_policy
from tests.slack.harness import harness


def a_rollout() -> Rollout:
    one = PlannedCluster(identity=ClusterIdentity("id-a"), environment="production", cluster="a")
    plan = Plan(organisation=ACME, name="Winter", version=NEW, waves=((one,),))
    day = timedelta(days=1)
    return Rollout.of(plan, id=RolloutId("r1"), requester=ROOS, channel="C0UPGRADES", time_to_vote=day, at=NOON)


@pytest.mark.parametrize("button", ["Reject", "Plan again"])
async def test_no_form_opens_while_slack_does_not_say_who_pressed(button: str) -> None:
    """Whoever it is gets to know that they can try again."""
    rollout = a_rollout()
    if button == "Plan again":
        rollout = rollout.stop(by=SEM, at=NOON)
    async with harness("http") as here:
        async with here.storage.begin() as work:
            await work.rollouts.add(rollout)
            await work.commit()
        card = await here.messenger.post("C0UPGRADES", rollout_card(rollout, a_policy()))
        here.slack.faults.add("users.info", Fault(error="fatal_error"), times=None)

        sem = here.slack.person(SEM)

        await sem.press(card.channel, card.ts, button)
        await here.settle()
        assert here.slack.faults.calls["views.open"] == 0

        answers = [one for one in here.slack.state.messages.everything() if one.only_for == SEM]
        assert ["try again" in str(one.text) for one in answers] == [True]
        assert here.storage.entries == []
