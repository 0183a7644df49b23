"""What the cloud changed while a card waited, end to end: places, names, and what it scheduled itself."""

from pathlib import Path

from tests.world.approving import BASE, answered, under
from tests.world.harness import CHANNEL, Harness

NEW = "v1.31.6-u-ame.10"
OTHER = "v1.31.6-u-ame.9"


async def test_two_clusters_that_exchange_their_names_are_voted_on_again(home: Harness) -> None:
    """The approval was for what is another cluster by now; the next one is for what the card shows then."""
    card = await home.request("production/payments")
    payments, orders = home.cloud.cluster("production/payments"), home.cloud.cluster("production/orders")
    payments.slug, orders.slug = orders.slug, payments.slug
    payments.name, orders.name = orders.name, payments.name

    await home.sem.press(CHANNEL, card.ts, "Approve")
    await home.card(card, "The cluster is now called production/orders; it was production/payments", "0 of 1")
    before = home.submissions()
    await answered(home.sem, card, "Approve")
    await home.card(card, "Submitted to Avisi Cloud")

    assert before == 0
    assert [one.cluster_identity for one in home.cloud.upgrades] == [payments.identity]


async def test_a_cluster_that_moves_is_judged_by_the_rule_of_where_it_is(tmp_path: Path) -> None:
    """One approval was asked for in staging; production asks for two, and the one given in staging is none of them."""
    rule = f"{BASE}[environments.production]\nrequired_approvals = 2\n"
    async with under(rule, tmp_path) as home:
        card = await home.request("staging/payments")
        moved = home.cloud.cluster("staging/payments")
        moved.environment, moved.slug = "production", "payments-two"

        await home.sem.press(CHANNEL, card.ts, "Approve")
        await home.card(card, "The cluster is now called production/payments-two; it was staging/payments", "0 of 2")
        before = home.submissions()
        answer = await answered(home.sem, card, "Approve")
        await answered(home.kim, card, "Approve")
        await home.card(card, "Submitted to Avisi Cloud")

        assert (before, answer) == (0, "Approved (1 of 2). 1 more needed.")


async def test_an_upgrade_that_the_platform_schedules_meanwhile_is_on_the_card_and_in_the_answer(home: Harness) -> None:
    """To another version; approving says that it is superseded."""
    card = await home.request("staging/payments", version=NEW)
    home.cloud.schedule_elsewhere("staging/payments", OTHER)

    await home.card(card, f"This cluster already has an upgrade to {OTHER}", "outside Slack")
    answer = await answered(home.sem, card, "Approve")
    await home.card(card, "Submitted to Avisi Cloud", without="already has an upgrade")

    assert f"It supersedes the upgrade to {OTHER} that is already scheduled." in answer
