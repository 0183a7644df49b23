import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.cluster import Catalog, Organisation
from bot.runner.jobs import Jobs
from bot.runner.outage import Outage
from bot.runner.schedule import Job, Schedule
from bot.workflow.errors import Broken, NoList, StoreAway, Unauthorised
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.ports import Lease
from bot.workflow.repositories import Source
from tests.builders import ACME, NOON, a_catalog, a_policy, a_reading, a_rule, a_scheduled_upgrade
from tests.workflow.harness import Harness, a_harness


class Agenda(Schedule):
    """A schedule that only writes down what was put on it."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def every(self, pause: timedelta, name: str, job: Job) -> None:
        """Write it down."""
        assert pause > timedelta(0)
        self.jobs[name] = job


class NoClaims:
    """Claims in a database that cannot be reached."""

    async def claim(self, queue: str) -> Lease | None:
        """Fail."""
        raise StoreAway(f"{queue} cannot be claimed")


def in_force_of(harness: Harness) -> PolicyInForce:
    """Return what knows whether the harness's policy is in force; nothing is declared."""
    storage = harness.storage
    return PolicyInForce(harness.policy, begin=storage.begin, read=storage.read, real_time=harness.clock)


class Day:
    """The jobs of one process over a harness; `run` runs one now."""

    def __init__(self, harness: Harness, **changes: Any) -> None:  # noqa: ANN401 - whatever the fields are
        self.harness = harness
        self.pruned = 0
        values: dict[str, Any] = {
            "claims": harness.storage.claims,
            "polling": harness.polling,
            "cataloguing": harness.cataloguing,
            "reminding": harness.reminding,
            "rollouts": harness.rollouts,
            "freezing": harness.freezing,
            "readiness": harness.readiness_keeping,
            "catalog_cache": harness.catalog_cache,
            "in_force": in_force_of(harness),
            "prune": self._prune,
            "polled": lambda *_: None,
            "organisations": (ACME,),
            "poll_every": 60.0,
            "catalog_every": 300.0,
        }
        self.agenda = Agenda()
        Jobs(**(values | changes)).join(self.agenda)

    async def run(self, name: str) -> None:
        """Run a job as a tick does."""
        await self.agenda.jobs[name]()

    async def _prune(self) -> None:
        self.pruned += 1


async def test_every_organisation_is_polled_and_catalogued() -> None:
    """Each by a job of its own, beside those that are there once."""
    harness = await a_harness()

    day = Day(harness, organisations=(ACME, Organisation("globex")))

    assert set(day.agenda.jobs) == {
        "catalog:acme",
        "poll:acme",
        "catalog:globex",
        "poll:globex",
        "reminding",
        "readiness",
        "rollouts",
        "freezes",
        "policy",
        "catalog_cache",
        "prune",
    }


async def test_a_poll_comes_again_only_after_its_pause() -> None:
    """Counted by the store from the end of the last, whoever did it."""
    harness = await a_harness()
    day, other = Day(harness), Day(harness)

    for _ in range(3):
        await day.run("poll:acme")
        await other.run("poll:acme")
    once = len(harness.cloud.lists)
    harness.storage.pass_time(61)
    await other.run("poll:acme")

    assert (once, len(harness.cloud.lists)) == (1, 2)


async def test_the_log_says_where_statuses_come_from(logged: list[dict[str, Any]]) -> None:
    """Once, and again when that changes."""
    harness = await a_harness()
    day = Day(harness)
    for no_list in (NoList("No list"), NoList("No list"), None, None):
        harness.cloud.no_list = no_list
        harness.clock.advance(timedelta(hours=1))
        harness.storage.pass_time(3600)
        await day.run("poll:acme")

    told = [line["source"] for line in logged if line["event"] == "poll.source"]
    assert told == [Source.CLUSTERS, Source.ORGANISATION]


async def test_a_failed_poll_is_logged_and_the_next_goes_on(logged: list[dict[str, Any]]) -> None:
    """Whatever went wrong, the name is given back."""
    harness = await a_harness()
    day = Day(harness)
    harness.cloud.catalogs.clear()
    harness.catalog_cache = None  # type: ignore[assignment]
    scheduled = harness.cloud.scheduled
    harness.cloud.scheduled = None  # type: ignore[assignment, method-assign]

    await day.run("poll:acme")
    harness.cloud.scheduled = scheduled  # type: ignore[method-assign]
    harness.storage.pass_time(61)
    await day.run("poll:acme")

    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["job.failed"]
    assert len(harness.cloud.lists) == 1


async def test_a_store_that_is_away_is_one_line_and_one_when_it_is_back(logged: list[dict[str, Any]]) -> None:
    """Every job tries every second: their traces would hide all else, and a restart of the database wakes nobody."""
    harness = await a_harness()
    outage = Outage()
    away, back = Day(harness, claims=NoClaims(), outage=outage), Day(harness, outage=outage)

    for name in ("poll:acme", "catalog:acme", "reminding", "poll:acme"):
        await away.run(name)
    await back.run("reminding")
    await back.run("poll:acme")

    told = [(line["event"], line["log_level"]) for line in logged if line["event"].startswith(("database.", "job."))]
    assert told == [("database.away", "warning"), ("database.back", "info")]


async def test_a_poll_that_takes_longer_than_a_lease_is_recorded_all_the_same() -> None:
    """Its lease is kept, so that nobody else begins the same."""
    harness = await a_harness(a_scheduled_upgrade())
    harness.storage.claims.lasting = 60
    day, other = Day(harness, renew_every=0.05), Day(harness, renew_every=0.05)
    harness.cloud.readings = [a_reading(status="SCHEDULED_NOTIFIED")]
    wire, polls, outlasted = harness.cloud._wire, [], asyncio.Event()

    async def slow() -> None:
        polls.append(1)
        await outlasted.wait()
        await wire()

    harness.cloud._wire = slow  # type: ignore[method-assign]
    polling = asyncio.create_task(day.run("poll:acme"))
    async with asyncio.timeout(60):
        while not polls:  # noqa: ASYNC110 - what is waited for is plain state
            await asyncio.sleep(0)
        held = harness.storage.claims.leases[None, "poll:acme"]
        for _ in range(3):
            harness.storage.pass_time(30)
            now = harness.storage.seconds()
            while (held.until or 0.0) < now + harness.storage.claims.lasting:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    await other.run("poll:acme")
    outlasted.set()
    await polling

    assert len(polls) == 1
    assert len(harness.channel()) == 1


async def test_whoever_lost_the_poll_records_nothing(logged: list[dict[str, Any]]) -> None:
    """It was stalled, and another process took over."""
    harness = await a_harness(a_scheduled_upgrade())
    day = Day(harness)
    harness.cloud.readings = [a_reading(status="FAILED")]
    wire = harness.cloud._wire

    async def stalled() -> None:
        harness.storage.pass_time(30)
        assert await harness.storage.claims.claim("poll:acme")
        await wire()

    harness.cloud._wire = stalled  # type: ignore[method-assign]
    await day.run("poll:acme")

    assert harness.storage.told == []
    assert "job.taken_over" in [line["event"] for line in logged]


async def test_a_catalog_is_read_stored_and_put_on_the_shelf() -> None:
    """And again after its pause."""
    harness = await a_harness(catalog=a_catalog(fetched_at=NOON - timedelta(hours=1), versions=()))
    harness.cloud.catalogs[ACME] = a_catalog()

    await Day(harness).run("catalog:acme")

    assert harness.catalog_cache.catalogs == (a_catalog(),)
    assert harness.storage.tables.catalogs[ACME] == a_catalog()


@pytest.mark.parametrize(
    ("error", "level"),
    [(Broken("Avisi Cloud answered 502"), "warning"), (Unauthorised("The token is refused"), "error")],
)
async def test_a_catalog_that_cannot_be_read_is_tried_again_soon(
    error: Exception, level: str, logged: list[dict[str, Any]]
) -> None:
    """The old copy stays; the log says so once, and once when it works again."""
    harness = await a_harness()
    day = Day(harness)
    harness.cloud.refusal = error  # type: ignore[assignment]

    for _ in range(3):
        await day.run("catalog:acme")
        harness.storage.pass_time(11)
    harness.cloud.refusal = None
    await day.run("catalog:acme")

    assert harness.catalog_cache.catalogs == (a_catalog(),)
    told = [(line["event"], line["log_level"]) for line in logged if line["event"].startswith("catalog.")]
    assert told == [("catalog.not_read", level), ("catalog.read_again", "info")]


async def test_the_shelf_takes_over_what_another_process_read() -> None:
    """Without asking the cloud."""
    harness = await a_harness()
    newer = Catalog(organisation=ACME, fetched_at=NOON + timedelta(minutes=1))
    async with harness.storage.begin() as work:
        await work.catalogs.put(newer)
        await work.commit()

    await Day(harness).run("catalog_cache")

    assert harness.catalog_cache.catalogs == (newer,)


async def test_reminding_and_pruning_are_run() -> None:
    """Each under its own name; pruning once an hour."""
    harness = await a_harness(a_scheduled_upgrade())
    day = Day(harness)

    for _ in range(3):
        await day.run("reminding")
        await day.run("prune")
        harness.storage.pass_time(2)

    assert len(harness.channel()) == 1
    assert day.pruned == 1


async def test_a_blind_poll_is_no_failure_and_its_line_says_why(logged: list[dict[str, Any]]) -> None:
    """It is noted, and polled again."""
    harness = await a_harness(forced=Source.ORGANISATION)
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")

    await Day(harness).run("poll:acme")

    assert [line for line in logged if line["event"] == "job.failed"] == []
    (line,) = [line for line in logged if line["event"] == "poll.unreadable"]
    assert line["error"] == "Avisi Cloud answered 502"
    assert harness.storage.tables.feeds[ACME].error == "Avisi Cloud answered 502"


async def test_an_older_policy_is_logged_once_and_leaves_the_jobs_to_others(logged: list[dict[str, Any]]) -> None:
    """What it tells and reminds of would be by rules that are not in force; it goes on when its own are again."""
    harness = await a_harness()
    day, newer = Day(harness), in_force_of(await harness.restarted(policy=a_policy(a_rule(required_approvals=2))))
    await newer.declare()

    for _ in range(3):
        await day.run("policy")
        await day.run("poll:acme")
        await day.run("reminding")
    left = set(harness.storage.claims.leases)
    said = [entry["event"] for entry in logged]
    await in_force_of(harness).declare()
    await day.run("policy")
    await day.run("reminding")

    assert (said, left) == (["policy.superseded"], set())
    assert [entry["event"] for entry in logged] == ["policy.superseded", "policy.in_force_again"]
    assert (None, "reminding") in harness.storage.claims.leases
