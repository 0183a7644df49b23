"""Polls with many followed upgrades: calls, CPU and memory, against the same pages read with httpx and pydantic."""

import asyncio
import json
import math
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic.alias_generators import to_camel

from benchmarks.database import ACME, follow
from benchmarks.figures import Count, Pair, Row, Section, compared, exactly, mib, ms
from benchmarks.plan import Plan
from benchmarks.stage import started
from bot.app import real_time, spare_collections, wired
from bot.domain.policy import Policy, Rule
from bot.domain.scheduled import OPEN
from bot.observe.logs import set_up
from bot.settings import Settings
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity
from bot.slack.web.members import People
from bot.slack.web.messenger import SlackMessenger
from bot.store.storage import Storage
from bot.wiring import use_cases

_PAGE = 100


class _Upgrade(BaseModel):
    """The documented answer, every field of it, as the vendor types it."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)
    identity: UUID | None = None
    cluster_identity: UUID | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    reason: str | None = None
    from_cluster_version: str | None = None
    to_cluster_version: str | None = None
    status: str | None = None
    cluster_slug: str | None = None
    environment_slug: str | None = None
    organisation_slug: str | None = None
    schedule_request_date: datetime | None = None
    ignore_maintenance_schedule: bool | None = None


async def polls(plan: Plan) -> list[Section]:
    """Poll 100, 1,000 and 5,000 upgrades in a process of its own each."""
    rows: list[Row] = []
    counts: list[Count] = []
    for count in (250,) if plan.short else (100, 1000, 5000):
        async with plan.stage() as stage:
            cloud = await stage.cloud(clusters=count, upgrades=count, page=_PAGE)
            url = plan.sqlite(stage)
            await follow(url, await cloud.fleet())
            child = await started(
                "-m", "benchmarks.polls", cloud.url, cloud.token, url, str(plan.runs), folder=Path(stage.folder)
            )
            output, _ = await child.communicate()
        found = json.loads(output.splitlines()[-1])
        name = f"Poll, {count:,} followed"
        pairs = [Pair(bot=bot, floor=floor) for bot, floor in found["cpu"]]
        rows += [
            compared(f"{name}: CPU", pairs, goal=1.5, draw=ms),
            Row(what=f"{name}: most memory held during a poll", bot=mib(found["peak"]), floor=mib(found["bare_peak"])),
            Row(
                what=f"{name}: list calls",
                bot=str(found["calls"]),
                floor=str(math.ceil(count / _PAGE)),
                goal="ceil(n / page)",
            ),
        ]
        counts.append(exactly(f"{name}: list calls", found["calls"], math.ceil(count / _PAGE)))
    return [Section(title="Polls", rows=tuple(rows), counts=tuple(counts))]


async def _bare(url: str, token: str) -> None:
    """Read the same pages, and check every item."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Token {token}"}) as client:
        page, pages = 0, 1
        while page < pages:
            params: dict[str, str | int] = {"statuses": ",".join(OPEN), "page": page}
            answer = (await client.get("/api/v1/orgs/acme/scheduled-cluster-upgrades", params=params)).json()
            for item in answer["content"]:
                _Upgrade.model_validate(item)
            pages, page = answer["totalPages"], page + 1


async def _measure(url: str, token: str, database: str, runs: int) -> None:
    set_up(form="json", level="warning")
    settings = Settings(
        slack_api_url="http://127.0.0.1:9/",
        slack_bot_token=SecretStr("xoxb-1"),
        slack_signing_secret=(SecretStr("x"),),
        acloud_personal_access_token=SecretStr(token),
        acloud_api_endpoint=url,
        acloud_organisation=("acme",),
        bot_database_url=SecretStr(database),
    )
    calls: list[str] = []
    storage = Storage.open(database)
    bot = wired(settings, Policy(default=Rule(environment="")))
    async with open_session() as session, bot._cloud() as cloud:  # noqa: SLF001 - the client as the bot builds it
        inner = cloud._calls._on_call  # noqa: SLF001 - to count calls as well

        def count(method: str, template: str, outcome: str, seconds: float) -> None:
            calls.append(template)
            if inner is not None:
                inner(method, template, outcome, seconds)

        cloud._calls._on_call = count  # noqa: SLF001 - as above
        client = web_client(token="xoxb-1", base_url="http://127.0.0.1:9/", session=session)  # noqa: S106
        people = People(client=client, identity=Identity(client=client))
        built = use_cases(
            Policy(default=Rule(environment="")),
            organisations=(ACME,),
            zone=UTC,
            poll_every=timedelta(minutes=1),
            status_source=None,
            invite="",
            begin=storage.begin,
            read=storage.read,
            claims=storage.claims,
            cloud=cloud,
            members=people,
            messenger=SlackMessenger(client=client, session=session),
            now=real_time,
            real_time=real_time,
        )
        lease = await storage.claims.claim("poll:acme")
        if lease is None:
            raise RuntimeError("The lease of the poll is somebody's.")
        spare_collections()
        cpu: list[tuple[float, float]] = []
        for run in range(runs + 1):
            calls.clear()
            before = time.process_time()
            await built.polling.poll(ACME, lease)
            between = time.process_time()
            await _bare(url, token)
            after = time.process_time()
            if run:
                cpu.append((between - before, after - between))
        peaks = []
        tracemalloc.start()
        await built.polling.poll(ACME, lease)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        before_bare = tracemalloc.get_traced_memory()[0]
        await _bare(url, token)
        peaks.append(tracemalloc.get_traced_memory()[1] - before_bare)
        tracemalloc.stop()
        lists = sum("scheduled-cluster-upgrades" in call for call in calls) // 2
        print(json.dumps({"cpu": cpu, "calls": lists, "peak": peaks[0], "bare_peak": peaks[1]}))  # noqa: T201
    await storage.close()


if __name__ == "__main__":
    asyncio.run(_measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
