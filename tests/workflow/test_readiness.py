"""Readings of readiness: stored with requests, votes and submissions; alerts compared after an upgrade."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.events import AlertsBegan, ReadinessChanged
from bot.domain.readiness import Alert, NodePool, NotMonitored, Unread, Verdict
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import Reading
from bot.domain.windows import Window
from bot.workflow.errors import (
    AvisiError,
    Broken,
    Declined,
    NoAnswer,
    NotConnected,
    Overloaded,
    Unauthorised,
    Unreadable,
)
from bot.workflow.inbox import ButtonPressed, Press, RejectionGiven
from bot.workflow.outbox import Kind
from bot.workflow.readiness import CloudReadings
from tests.builders import DATA, NEW, NOON, ROOS, SEM, WEB, a_catalog, a_cluster, a_policy, a_rule
from tests.workflow.harness import Harness, a_harness

TENANT = "acme-web"
A_MINUTE = timedelta(minutes=1)
FIRES = (Alert(name="NodeNotReady", key="a", active_at=NOON),)


def monitored(*, shared: bool = False) -> object:
    other = a_cluster(
        identity=DATA, environment="staging", slug="data", name="Data", tenant=TENANT if shared else "acme-data"
    )
    return a_catalog(a_cluster(tenant=TENANT), other)


async def watched(*, shared: bool = False, **changes: object) -> Harness:
    harness = await a_harness(catalog=monitored(shared=shared), **changes)  # type: ignore[arg-type]
    harness.cloud.firing[TENANT] = ()
    harness.cloud.node_pools[WEB] = (NodePool(name="workers", strategy="REPLACE"),)
    return harness


async def refreshed(harness: Harness) -> None:
    await harness.readiness_keeping.refresh(await harness.lease())


async def latest_number(harness: Harness, request: UpgradeRequest) -> int:
    async with harness.storage.read() as work:
        return (await work.readiness.latest(request.id))[request.id].number


async def approve(harness: Harness, request: UpgradeRequest, *, readiness: int) -> str:
    seal = harness.now_of(request).seal
    return await harness.do(
        ButtonPressed(member=SEM, press=Press.APPROVE, request_id=request.id, seal=seal, readiness=readiness)
    )


def audited(harness: Harness, kind: str) -> dict[str, object]:
    (facts,) = [event["facts"] for event in harness.storage.audited if event["kind"] == kind]
    return dict(facts)


async def test_a_request_stores_what_is_at_hand_and_what_was_pending_is_filled_in() -> None:
    """The request itself waits for nothing; the card is drawn again once all of it is read."""
    harness = await watched()
    request = await harness.ask()
    (first,) = [reading for _, reading in harness.storage.tables.readiness.values()]
    asked = len(harness.cloud.asked_alerts)

    await refreshed(harness)
    await refreshed(harness)

    assert asked == 0
    assert first.readiness.is_pending
    assert audited(harness, "upgrade requested")["readiness"]["alerts"] == "not read: not read yet"  # type: ignore[index]
    _, second = harness.storage.tables.readiness[2]
    assert second.readiness.alerts == ()
    assert len(harness.storage.tables.readiness) == 2
    assert [one.key for one in harness.outbox(Kind.CARD)][-1] == f"card:{request.id}:1:readiness:2"


async def test_what_was_pending_is_filled_in_too_when_the_request_went_on_at_once() -> None:
    """It was approved and handed over before anything was read: once, and then no more."""
    harness = await watched()
    request = await harness.submitted()
    before = harness.cloud.asked_alerts[:]

    await refreshed(harness)
    harness.clock.advance(A_MINUTE)
    await refreshed(harness)

    _, latest = list(harness.storage.tables.readiness.values())[-1]
    assert before == []
    assert latest.readiness.alerts == ()
    assert harness.cloud.asked_alerts == [TENANT]
    assert [one.key for one in harness.outbox(Kind.CARD) if "readiness" in one.key][-1].startswith(f"card:{request.id}")


async def test_a_tenant_is_asked_once_a_minute() -> None:
    """However many requests wait and however often somebody looks."""
    harness = await watched(shared=True)
    cluster = harness.readiness_check.catalog_cache.find(WEB)
    assert cluster

    for _ in range(3):
        await harness.readiness_check.read(cluster[1], NEW)
        await harness.readiness_check.cloud_readings.alerts(replace(cluster[1], identity=DATA))
    assert harness.cloud.asked_alerts == [TENANT]
    harness.clock.advance(A_MINUTE)
    await harness.readiness_check.read(cluster[1], NEW)

    assert harness.cloud.asked_alerts == [TENANT, TENANT]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unauthorised("no"), "401"),
        (Declined("no", status=403), "403"),
        (Overloaded("slower"), "429"),
        (NoAnswer("silent"), "no answer"),
        (NotConnected("away"), "no connection"),
        (Broken("500"), "error of Avisi Cloud"),
        (Unreadable("html"), "unreadable answer"),
    ],
)
async def test_what_cannot_be_read_says_why(error: AvisiError, why: str) -> None:
    harness = await watched()
    harness.cloud.firing[TENANT] = error
    found = harness.readiness_check.catalog_cache.find(WEB)
    assert found

    judged = await harness.readiness_check.read(found[1], NEW)

    assert judged.alerts == Unread(why=why)
    assert judged.verdict is not Verdict.READY


async def test_a_cluster_without_a_tenant_is_not_monitored_and_nobody_is_asked() -> None:
    harness = await a_harness()
    found = harness.readiness_check.catalog_cache.find(WEB)
    assert found

    assert (await harness.readiness_check.read(found[1], NEW)).alerts == NotMonitored()
    assert harness.cloud.asked_alerts == []


async def test_a_cloud_that_hangs_keeps_ten_readings_and_no_more() -> None:
    """The others are given up without having been begun, and the connections are free for everything else."""
    harness = await watched()
    found = harness.readiness_check.catalog_cache.find(WEB)
    assert found
    readings = CloudReadings(harness.cloud, now=harness.clock, seconds=0.1)

    async with harness.cloud.reading_alerts:
        tenants = (replace(found[1], tenant=f"acme-{number}") for number in range(12))
        read = await asyncio.gather(*map(readings.alerts, tenants))

    assert read == [Unread(why="no answer")] * 12
    assert len(harness.cloud.asked_alerts) == 10


async def test_a_rejection_names_the_reading_that_the_card_showed() -> None:
    harness = await watched()
    request = await harness.ask()
    await refreshed(harness)
    shown = await latest_number(harness, request)

    await harness.do(
        RejectionGiven(member=SEM, request_id=request.id, seal=request.seal, reason="Not now", readiness=shown)
    )

    assert audited(harness, "request rejected")["readiness"]["number"] == shown  # type: ignore[index]


async def test_a_vote_and_the_trail_name_the_reading_that_the_card_showed() -> None:
    """Also when a newer one is stored by then; the submission names the latest."""
    harness = await watched()
    request = await harness.ask()
    await refreshed(harness)
    shown = await latest_number(harness, request)
    harness.cloud.firing[TENANT] = FIRES
    harness.clock.advance(A_MINUTE)
    await refreshed(harness)

    await approve(harness, request, readiness=shown)
    await harness.submit(request)

    (vote,) = harness.now_of(request).votes
    assert vote.readiness == shown
    assert audited(harness, "vote cast")["readiness"]["number"] == shown  # type: ignore[index]
    sent = audited(harness, "submission sent")["readiness"]
    assert (sent["number"], sent["alerts"]) == (shown + 1, ["NodeNotReady"])  # type: ignore[index]
    assert harness.storage.tables.kept_readiness[shown]


@pytest.mark.parametrize("number", [0, 99])
async def test_a_button_without_a_number_that_is_known_counts_all_the_same(number: int) -> None:
    """As those that version 0.1.0 painted."""
    harness = await watched()
    request = await harness.ask()

    answer = await approve(harness, request, readiness=number)

    assert "1 of 1" in answer
    assert "readiness" not in audited(harness, "vote cast")


async def test_the_thread_says_what_changed_since_the_request() -> None:
    harness = await watched()
    request = await harness.ask()
    await refreshed(harness)
    harness.cloud.firing[TENANT] = FIRES
    harness.clock.advance(A_MINUTE)
    await refreshed(harness)

    await harness.press(request)

    (changed,) = harness.told(ReadinessChanged)
    assert changed.before.alerts == ()
    assert changed.now.alerts == FIRES


async def test_nothing_is_said_when_nothing_changed() -> None:
    harness = await watched()
    request = await harness.ask()
    await refreshed(harness)

    await harness.press(request)

    assert harness.told(ReadinessChanged) == []


async def succeeded(harness: Harness) -> UpgradeRequest:
    """Have an upgrade run in its window and succeed."""
    request = await harness.submitted()
    await harness.poll()
    (identity,) = harness.upgrades
    window = Window(start=harness.clock(), end=harness.clock() + timedelta(hours=3))
    for status in ("IN_PROGRESS", "SUCCEEDED"):
        harness.clock.advance(A_MINUTE)
        stored = harness.upgrades[identity]
        harness.cloud.readings = [
            Reading(
                identity=stored.identity,
                cluster_identity=stored.cluster_identity,
                status=status,
                window=window,
                to_version=stored.to_version,
                modified_at=harness.clock(),
            )
        ]
        await harness.poll()
    return harness.now_of(request)


def began(harness: Harness) -> tuple[Alert, ...]:
    return (
        Alert(name="Old", key="old", active_at=NOON - timedelta(days=1)),
        Alert(name="New", key="new", active_at=harness.clock()),
    )


async def compared(harness: Harness, after: timedelta = timedelta(minutes=15)) -> None:
    harness.clock.advance(after)
    await harness.readiness_keeping.compare_alerts(await harness.lease())


async def test_alerts_that_began_since_the_start_are_told_once() -> None:
    """In the thread, and in the channel with requester and on-call; after a restart, too."""
    harness = await watched(policy=a_policy(a_rule(on_call=("S0ONCALL",))))
    await succeeded(harness)
    harness.cloud.firing[TENANT] = began(harness)

    await compared(harness, timedelta(minutes=14))
    assert harness.told(AlertsBegan) == []
    again = await harness.restarted()
    await compared(again, A_MINUTE)
    await compared(again, A_MINUTE)

    (line,) = harness.told(AlertsBegan)
    (loud,) = harness.told(AlertsBegan, Kind.CHANNEL)
    assert (line.alerts, line.mention) == (("New",), ())
    assert (loud.alerts, loud.mention) == (("New",), (ROOS, "S0ONCALL"))
    assert audited(harness, "alerts compared")["began_since_start"] == ["New"]


async def test_a_shared_tenant_is_told_in_the_thread_alone() -> None:
    harness = await watched(shared=True)
    await succeeded(harness)
    harness.cloud.firing[TENANT] = began(harness)

    await compared(harness)

    assert len(harness.told(AlertsBegan)) == 1
    assert harness.told(AlertsBegan, Kind.CHANNEL) == []


@pytest.mark.parametrize("firing", [(), None, FIRES[:0], Declined("no", status=403)])
async def test_without_new_alerts_nothing_is_said(firing: object) -> None:
    """Nor when they cannot be read, which is tried for an hour."""
    harness = await watched()
    await succeeded(harness)
    harness.cloud.firing[TENANT] = firing  # type: ignore[assignment]

    for _ in range(5):
        await compared(harness, timedelta(minutes=16))

    assert harness.told(AlertsBegan) == []
    assert harness.storage.tables.alert_checks == {}


async def test_an_alert_seen_long_after_an_upgrade_is_not_blamed_on_it() -> None:
    harness = await watched()
    await succeeded(harness)
    harness.cloud.firing[TENANT] = began(harness)

    await compared(harness, timedelta(days=2))

    assert harness.told(AlertsBegan) == []
    assert harness.storage.tables.alert_checks == {}
