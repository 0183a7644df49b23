"""The fault matrix of what only opens, refreshes or reads: it is said or done again, and nothing comes of it twice."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.reliability.counting import cards, hurry, settled
from benchmarks.reliability.matrix import Play
from bot.sandbox.avisi import faults as cloud_faults
from bot.sandbox.slack.api import faults as slack_faults
from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.harness import CHANNEL, Harness, Transport

CLUSTER, SLUG = "staging/payments", "payments"
_ORGANISATION = "/api/v1/orgs/acme"

_OF_SLACK: dict[str, Mapping[str, Any]] = {
    "429 with Retry-After": {"retry_after": 1},
    "500": {"status": 500},
    "502, garbage": {"status": 502, "garbage": True},
    "200, garbage": {"garbage": True},
    "dropped before the work": {"drop": True},
    "dropped after the work": {"drop": True, "after": True},
    "no answer in time": {"delay": 12.5, "drop": True},
}
_OF_THE_CLOUD: dict[str, Mapping[str, Any]] = {
    "429 with Retry-After": {"status": 429, "retry_after": "1"},
    "500": {"status": 500},
    "502, a web page": {"status": 502, "body": "html"},
    "200, garbage": {"body": "garbage"},
    "dropped before the work": {"drop": "before"},
    "dropped in the middle of the answer": {"drop": "during"},
    "no answer in time": {"delay": 12.0, "drop": "before"},
}
Break = Callable[[Harness], None]
"""Lets the next calls go wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A call that is broken at a moment, and what has to come of it. `path` is the cloud's, else `call` is a method."""

    call: str
    moment: str
    expected: str
    play: Callable[[Harness, Break], Awaitable[str]]
    path: str = ""
    times: int = 2
    transport: Transport = "http"


async def form_opened(opened: Harness, break_it: Break) -> str:
    """Type the command while the form cannot be opened, and once more."""
    await opened.open_bot()
    break_it(opened)
    await opened.roos.command(CHANNEL, f"/schedule-upgrade {CLUSTER}")
    await opened.roos.private(CHANNEL, "Please try again")
    opened.slack.faults.clear()
    await opened.request(CLUSTER)
    return _asked_once(opened, "says to try once more; then it opens")


async def form_refreshed(opened: Harness, break_it: Break) -> str:
    """Tick a box while the form cannot be redrawn; what was entered is kept and asked for."""
    await opened.open_bot()
    await opened.roos.command(CHANNEL, f"/schedule-upgrade {CLUSTER}")
    modal = await opened.roos.modal("Schedule upgrade", containing="Version")
    version = modal.field("Version").options[0]
    await opened.roos.choose("Version", version)
    await opened.roos.fill("Reason", "it is due")
    await opened.slack.quiet()
    break_it(opened)
    calls = opened.posts("views.update")
    await opened.roos.choose("Version", modal.field("Version").options[-1])
    await _until(lambda: opened.posts("views.update") > calls)
    await opened.roos.choose("Version", version)
    outcome = await opened.roos.submit()
    assert not outcome.errors, outcome.errors
    await opened.sem.message(CHANNEL, f"{SLUG}: upgrade to {version.split()[0]}", "it is due")
    return _asked_once(opened, "keeps what was entered")


async def home_published(opened: Harness, break_it: Break) -> str:
    """Open App Home while nothing can be published."""
    await opened.open_bot()
    break_it(opened)
    await opened.roos.open_home()
    await _until(lambda: opened.posts("views.publish") > 0)
    await hurry(opened.url)
    await opened.roos.home("Kubernetes upgrades")
    return "is published later"


async def link_asked_for(opened: Harness, break_it: Break) -> str:
    """Ask while the card's address cannot be had."""
    await opened.open_bot()
    break_it(opened)
    await opened.request(CLUSTER)
    await settled(opened.url)
    await opened.roos.direct("Your request was received")
    told = [one for one in opened.roos.messages(opened.roos.dm) if "Your request was received" in one]
    assert len(told) == 1
    return _asked_once(opened, "told once")


async def introduced(opened: Harness, break_it: Break) -> str:
    """Start while Slack does not say who the bot is."""
    break_it(opened)
    await opened.open_bot()
    await opened.request(CLUSTER)
    return _asked_once(opened, "starts, and learns it later")


async def connected(opened: Harness, break_it: Break) -> str:
    """Start while Slack gives no address for Socket Mode."""
    break_it(opened)
    await opened.open_bot()
    await opened.request(CLUSTER)
    return _asked_once(opened, "starts, and connects later")


async def statuses_listed(opened: Harness, break_it: Break) -> str:
    """Let an upgrade move while the list cannot be read."""
    await opened.open_bot()
    await opened.approved(CLUSTER)
    await settled(opened.url)
    break_it(opened)
    while opened.cloud.upgrades[-1].status != "SCHEDULED_NOTIFIED":
        opened.cloud.step()
    await opened.sem.message(CHANNEL, "Reminder")
    await settled(opened.url)
    reminders = [one for one in opened.sem.messages(CHANNEL) if "Reminder" in one]
    assert len(reminders) == 1
    return "announced once, later"


async def catalog_read(opened: Harness, break_it: Break) -> str:
    """Start while the clusters cannot be read."""
    break_it(opened)
    await opened.open_bot()
    await opened.roos.command(CHANNEL, f"/schedule-upgrade {CLUSTER}")
    while "Retry" in (page := await opened.roos.modal("Schedule upgrade", without="Reading the clusters")).buttons:
        await opened.roos.press_in_modal("Retry")
    assert page.field("Cluster").options
    await opened.roos.close()
    await opened.request(CLUSTER)
    return _asked_once(opened, "the form waits for it, and fills itself or offers Retry")


async def cluster_read(opened: Harness, break_it: Break) -> str:
    """Approve while the cluster cannot be looked at."""
    await opened.open_bot()
    card = await opened.request(CLUSTER)
    await settled(opened.url)
    break_it(opened)
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    await opened.card(card, "Submitted to Avisi Cloud")
    assert opened.submissions() == 1
    return "waits, sent once"


READINGS = (
    Reading(call="views.open", moment="the command", expected="says to try once more; then it opens", play=form_opened),
    Reading(call="views.update", moment="a choice in the form", expected="keeps what was entered", play=form_refreshed),
    Reading(call="views.publish", moment="App Home", expected="is published later", play=home_published),
    Reading(call="chat.getPermalink", moment="the card's address", expected="told once", play=link_asked_for),
    Reading(call="auth.test", moment="at start", expected="starts, and learns it later", play=introduced, times=1),
    Reading(
        call="apps.connections.open",
        moment="at start",
        expected="starts, and connects later",
        play=connected,
        transport="socket",
    ),
    Reading(
        call="GET scheduled-cluster-upgrades",
        moment="a poll",
        expected="announced once, later",
        play=statuses_listed,
        path=f"{_ORGANISATION}/scheduled-cluster-upgrades",
        times=4,
    ),
    *(
        Reading(
            call=f"GET {path.rpartition('/')[2]}",
            moment="the catalog",
            expected="the form waits for it, and fills itself or offers Retry",
            play=catalog_read,
            path=path,
            times=4,
        )
        for path in (
            f"{_ORGANISATION}/clusters",
            f"{_ORGANISATION}/environments",
            f"{_ORGANISATION}/update-channels",
            "/api/v1/cluster-versions",
            "/api/v1/organisations/acme/maintenance-schedule",
        )
    ),
    Reading(
        call="GET cluster",
        moment="right before submission",
        expected="waits, sent once",
        play=cluster_read,
        path=f"{_ORGANISATION}/clusters/{CLUSTER}",
        times=4,
    ),
)


def plays() -> list[Play]:
    """Return every fault of every reading."""
    return [
        Play(
            call=f"{reading.call}: {reading.moment}",
            fault=fault,
            expected=reading.expected,
            play=partial(_play, reading=reading, fault=fault),
            transport=reading.transport,
        )
        for reading in READINGS
        for fault in (_OF_THE_CLOUD if reading.path else _OF_SLACK)
    ]


def short() -> list[Play]:
    """Return a part in which every reading and every fault occurs; silence, which takes long, only once."""
    chosen = [one for number, one in enumerate(plays()) if number % 5 == 0 and one.fault != "no answer in time"]
    return [*chosen, next(one for one in plays() if one.fault == "no answer in time" and "before" in one.call)]


async def _play(opened: Harness, reading: Reading, fault: str) -> str:
    return await reading.play(opened, partial(_break, reading, fault))


def _break(reading: Reading, fault: str, opened: Harness) -> None:
    times = 1 if fault == "no answer in time" else reading.times
    if reading.path:
        how = _OF_THE_CLOUD[fault]
        opened.cloud.faults.add(cloud_faults.Fault(method="GET", path=reading.path, times=times, **how))
    else:
        opened.slack.faults.add(reading.call, slack_faults.Fault(**_OF_SLACK[fault]), times=times)


def _asked_once(opened: Harness, outcome: str) -> str:
    assert len(cards(opened, SLUG)) == 1
    return outcome


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - looks at another server's counts
            await asyncio.sleep(0.02)
