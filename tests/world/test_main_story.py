"""From the command to the notification in the channel, over HTTP and over Socket Mode."""

from collections import Counter

from benchmarks.reliability.counting import polled, settled
from tests.world.harness import CHANNEL, Harness


async def test_a_request_is_approved_submitted_reminded_of_and_followed_to_its_end(anyhow: Harness) -> None:
    """One person asks, another approves, the cloud runs its course, the channel hears what it should."""
    card = await anyhow.approved("production/orders", reason="it is due")
    upgrade = anyhow.cloud.upgrades[-1]

    sent = anyhow.cloud.requests.of("schedule")[-1].body
    anyhow.cloud.step()
    anyhow.cloud.step()
    reminder = await anyhow.sem.message(CHANNEL, "Upcoming: production/orders will be upgraded")
    anyhow.cloud.step()
    await anyhow.card(card, "The upgrade is running")
    anyhow.cloud.step()
    done = await anyhow.card(card, "Done: the cluster now runs")

    assert sent == {
        "clusterIdentity": upgrade.cluster_identity,
        "version": upgrade.to_version,
        "ignoreMaintenanceSchedule": False,
    }
    assert reminder.ts != card.ts
    assert done.buttons == ()
    assert anyhow.submissions() == 1
    assert [one.ts for one in anyhow.sem.messages(CHANNEL) if "Upcoming" in one] == [reminder.ts]
    await anyhow.roos.direct("production/orders", "is done")


async def test_a_failed_upgrade_alerts_the_channel_and_mentions_the_requester(anyhow: Harness) -> None:
    """The alert names cluster, versions and reason, and offers to reschedule."""
    anyhow.cloud.outcome("fail")
    await anyhow.approved("staging/payments")

    for _ in range(4):
        anyhow.cloud.step()
    alert = await anyhow.sem.message(CHANNEL, "failed", "staging/payments", "No further attempt is scheduled.")

    assert "U0ROOS" in alert.mentions.users
    assert alert.buttons == ("Reschedule",)


async def test_a_missed_upgrade_alerts_the_channel(home: Harness) -> None:
    """MISSED is told like FAILED, in its own words."""
    home.cloud.outcome("miss")
    await home.approved("staging/payments")

    for _ in range(4):
        home.cloud.step()
    alert = await home.sem.message(CHANNEL, "missed", "staging/payments")

    assert alert.buttons == ("Reschedule",)


async def test_rejecting_asks_for_a_reason_and_ends_the_request(anyhow: Harness) -> None:
    """One no is enough; the requester reads it on the card and in a direct message."""
    card = await anyhow.request()

    await anyhow.kim.press(CHANNEL, card.ts, "Reject")
    await anyhow.kim.modal("Reject upgrade")
    await anyhow.kim.fill("Reason", "not before the holidays")
    await anyhow.kim.submit()

    rejected = await anyhow.card(card, "not before the holidays")
    assert rejected.buttons == ("Ask again",)
    await anyhow.roos.direct("not before the holidays")
    assert anyhow.submissions() == 0


async def test_the_requester_may_withdraw_and_nobody_else(home: Harness) -> None:
    """A press of Withdraw by an approver is refused privately and changes nothing."""
    card = await home.request()

    await home.sem.press(CHANNEL, card.ts, "Withdraw")
    await home.sem.private(CHANNEL, "Only the requester")
    await home.roos.press(CHANNEL, card.ts, "Withdraw")

    withdrawn = await home.card(card, "ithdrawn")
    assert withdrawn.buttons == ("Ask again",)


async def test_one_upgrade_from_request_to_success_costs_few_messages(home: Harness) -> None:
    """Ten posts at most, and 22 calls of Slack with everything that is looked up; the form is not counted."""
    await settled(home.url)
    before = Counter(home.slack.faults.calls)

    card = await home.approved("production/orders", reason="it is due")
    for _ in range(4):
        home.cloud.step()
        await polled(home.url)
        await settled(home.url)
    await home.card(card, "Done: the cluster now runs")
    await settled(home.url)

    made = home.slack.faults.calls - before
    made -= Counter({method: count for method, count in made.items() if method.startswith("views.")})
    assert made["chat.postMessage"] <= 10, made
    assert made.total() <= 22, made
