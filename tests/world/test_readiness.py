"""Readiness with the whole bot: what an approver sees, and what the cloud cannot hold up."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.avisi.faults import Fault
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.shown import Page
from tests.world.approving import BASE, answered, events, told, told_often, under
from tests.world.harness import CHANNEL, Harness

CLUSTER, TENANT = "production/payments", "acme-payments"
VERSION = "v1.31.6-u-ame.10"
"""A patch: what it removes, which is nothing, leaves room on the card for alerts."""
ALERT = "KubeNodeNotReady"
ALERTS = "*/alerts/*"
A_MINUTE = timedelta(minutes=1)
POLICY = f'{BASE}on_call = ["S0ONCALL"]\n'


async def opened(home: Harness, cluster: str = CLUSTER, version: str = "1.31") -> Page:
    """Open the form with everything that the readiness depends on."""
    await home.roos.command(CHANNEL, f"/schedule-upgrade {cluster} {version}")
    return await home.roos.modal("Schedule upgrade", containing="*Readiness:")


async def test_an_alert_between_request_and_approval_is_on_the_card_in_the_thread_and_in_the_trail(
    anyhow: Harness,
) -> None:
    """The request was made with all quiet; whoever approves sees that it is no longer."""
    card = await anyhow.request(CLUSTER, version=VERSION)
    await anyhow.card(card, "Readiness", without="being read")

    anyhow.cloud.fire(TENANT, ALERT)
    anyhow.clock.advance(A_MINUTE)
    await anyhow.card(card, "1 alert is firing")
    await answered(anyhow.sem, card, "Approve")

    (line,) = await told_often(anyhow, card, "Readiness changed", 1)
    assert "Readiness changed since the request: 1 alert is firing." in line
    (vote,) = await events(anyhow, "vote cast")
    assert vote["facts"]["readiness"]["alerts"] == [ALERT]
    (asked,) = await events(anyhow, "upgrade requested")
    assert asked["facts"]["readiness"]["number"] < vote["facts"]["readiness"]["number"]


async def test_without_a_change_the_thread_says_nothing_of_readiness(home: Harness) -> None:
    card = await home.request(CLUSTER, version=VERSION)
    await home.card(card, "Readiness", without="being read")

    await answered(home.sem, card, "Approve")
    await home.card(card, "Submitted to Avisi Cloud")

    assert told(home, card, "Readiness") == []


async def test_a_tenant_that_refuses_is_said_where_people_decide(home: Harness) -> None:
    """In the form, on the card and behind its button; and it can be approved all the same."""
    await opened(home, "development/ci-runners", "1.33")
    form = await home.roos.modal(containing="*Alerts:* Warning: could not be read (403)")
    await home.sent()
    card = await home.sem.message(CHANNEL, "ci-runners: upgrade to")
    await home.card(card, "alerts could not be read (403)")
    await home.sem.press(CHANNEL, card.ts, "Readiness")
    modal = await home.sem.modal("Readiness", containing="could not be read (403)")

    assert "*Readiness: Ready, with" in form
    assert "*Readiness: Ready, with" in modal
    assert "Approved (" in await answered(home.kim, card, "Approve")


async def test_a_cloud_that_hangs_on_alerts_delays_neither_form_nor_card_nor_decision(home: Harness) -> None:
    """The form is there with its line "being read", which is filled in after two seconds."""
    home.cloud.faults.add(Fault(path=ALERTS, delay=30, times=None))

    first = await opened(home)
    await home.sent()
    card = await home.sem.message(CHANNEL, "payments: upgrade to", "alerts are being read")
    answer = await answered(home.sem, card, "Approve")
    await home.card(card, "Submitted to Avisi Cloud")
    again = await opened(home)
    full = await home.roos.modal(containing="*Alerts:* Warning: could not be read (no answer)")
    await home.card(card, "Submitted to Avisi Cloud", "alerts could not be read (no answer)")

    assert "*Alerts:* Warning: being read" in first
    assert "Approved (" in answer
    assert "*Readiness: Ready, with" in again
    assert full.field("Version").value


async def test_what_is_slow_is_filled_in(home: Harness) -> None:
    home.cloud.fire(TENANT, ALERT)
    home.cloud.faults.add(Fault(path=ALERTS, delay=0.5, times=None))

    first = await opened(home)
    full = await home.roos.modal(containing=f"*Alerts:* Warning: 1 alert is firing: {ALERT}")

    assert "*Alerts:* Warning: being read" in first
    assert "• system (eu-west-1a): nodes are upgraded in place" in full


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(path=ALERTS, status=401, times=None), "could not be read (401)"),
        (Fault(path=ALERTS, status=403, times=None), "could not be read (403)"),
        (Fault(path=ALERTS, status=404, times=None), "not monitored"),
        (Fault(path=ALERTS, status=429, times=None), "could not be read (429)"),
        (Fault(path=ALERTS, status=503, times=None), "could not be read (error of Avisi Cloud)"),
        (Fault(path=ALERTS, body="html", times=None), "could not be read (unreadable answer)"),
        (Fault(path=ALERTS, body="garbage", times=None), "could not be read (unreadable answer)"),
        (Fault(path=ALERTS, drop="before", times=None), "could not be read (no answer)"),
        (Fault(path=ALERTS, delay=30, times=None), "could not be read (no answer)"),
    ],
)
async def test_whatever_the_cloud_answers_becomes_the_line_that_says_so(home: Harness, fault: Fault, line: str) -> None:
    home.cloud.faults.add(fault)

    await opened(home)

    await home.roos.modal(containing=f"*Alerts:* Warning: {line}")


async def test_the_button_knows_at_once_that_a_cluster_stopped(home: Harness) -> None:
    """The bot's own copy of the catalog does not know it yet."""
    card = await home.request(CLUSTER, version=VERSION)
    home.cloud.cluster(CLUSTER).status = "stopped"

    await home.kim.press(CHANNEL, card.ts, "Readiness")
    modal = await home.kim.modal("Readiness", containing="*Readiness: Not ready*")

    assert "It is stopped, so an upgrade of it cannot run." in modal


async def ended(home: Harness) -> str:
    """Have an upgrade succeed with an alert that began on the way; returns the card's ts."""
    card = await home.approved(CLUSTER, version=VERSION)
    for _ in range(3):
        home.cloud.step()
    await home.card(card, "The upgrade is running")
    home.cloud.fire(TENANT, ALERT)
    home.cloud.step()
    await home.card(card, "Done: the cluster now runs")
    return card.ts


async def test_alerts_that_began_during_an_upgrade_are_told_once_to_requester_and_on_call(tmp_path: Path) -> None:
    """A quarter of an hour after it succeeded, in thread and channel."""
    async with under(POLICY, tmp_path) as home:
        ts = await ended(home)
        await home.sem.no_message(CHANNEL, "new alerts after the upgrade")

        home.clock.advance(timedelta(minutes=16))
        alert = await home.sem.message(CHANNEL, "new alerts after the upgrade", CLUSTER, ALERT)
        await home.sem.reply(CHANNEL, ts, "1 alert began since the upgrade started and still fires")

        assert alert.mentions.users == {"U0ROOS"}
        assert alert.mentions.groups == {"S0ONCALL"}


async def test_they_are_told_once_too_when_the_bot_was_down_in_between(tmp_path: Path) -> None:
    """It comes back an hour later, and is started once more after that."""
    async with under(POLICY, tmp_path) as home:
        await ended(home)
        await home.close_bot()
        home.clock.advance(timedelta(hours=1))
        await home.open_bot()
        alert = await home.sem.message(CHANNEL, "new alerts after the upgrade", CLUSTER, ALERT)

        await home.close_bot()
        home.clock.advance(timedelta(hours=1))
        await home.open_bot()
        await home.sem.no_message(CHANNEL, "something that never comes", within=2.0)

        assert alert.mentions.users == {"U0ROOS"}
        assert len([one for one in home.sem.messages(CHANNEL) if "new alerts" in one]) == 1


async def test_without_new_alerts_nothing_is_told(tmp_path: Path) -> None:
    """One that fired before the upgrade, and one that began and is quiet again."""
    async with under(POLICY, tmp_path) as home:
        home.cloud.fire(TENANT, "KubePodCrashLooping")
        home.clock.advance(A_MINUTE)
        card = await home.approved(CLUSTER, version=VERSION)
        home.clock.advance(A_MINUTE)
        for _ in range(4):
            home.cloud.step()
        home.cloud.fire(TENANT, ALERT)
        home.cloud.fire(TENANT, ALERT, firing=False)
        await home.card(card, "Done: the cluster now runs")
        home.clock.advance(timedelta(minutes=16))
        async with asyncio.timeout(PATIENCE):
            while not (compared := await events(home, "alerts compared")):  # noqa: ASYNC110 - looks at a database
                await asyncio.sleep(0.1)
        await home.sem.no_message(CHANNEL, "new alerts")

        assert [one["facts"]["alerts"] for one in compared] == [["KubePodCrashLooping"]]
