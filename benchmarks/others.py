"""Searches, starting, memory, a full database, installation: one function each."""

import statistics
import time
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.commands import loaded, used
from benchmarks.database import put_events, put_requests
from benchmarks.figures import Pair, Row, Section, compared, exactly, mib, ms, p50, p99
from benchmarks.load import options
from benchmarks.plan import Plan
from benchmarks.stage import ROOT, Subject, end, started
from bot.domain.request import State

# pydantic is not among them: typer itself imports it for every command but --help.
_HEAVY = ("aiohttp", "slack_bolt", "slack_sdk", "sqlalchemy", "httpx", "alembic", "dateparser", "asyncpg")
_LIBRARIES = "slack_bolt.app.async_app, sqlalchemy.ext.asyncio, sqlalchemy.orm, httpx, aiohttp.web, apscheduler.schedulers.asyncio, pydantic_settings, structlog, prometheus_client, rapidfuzz, dateparser, alembic.command, aiosqlite, typer"  # noqa: E501
_TYPED = ("", "f", "fleet", "production", "00", "flt", "zz", "fleet-09999")


async def searches(plan: Plan) -> list[Section]:
    """Search 10,000 clusters, against a listener that returns 100 constant options."""
    pairs: list[Pair] = []
    wrong = 0
    number = 100 if plan.short else 10_000
    async with plan.stage() as stage:
        cloud, floor = await stage.cloud(clusters=number), await stage.floor()
        bot = await stage.bot(cloud, url=plan.sqlite(stage))
        await loaded(stage, bot)
        await stage.teach(
            floor,
            options=[
                {"text": {"type": "plain_text", "text": f"production/fleet-{one:05d}"}, "value": "x" * 36}
                for one in range(100)
            ],
        )
        for run in range(plan.runs + 1):
            bodies = [options("cluster", "cluster_block", _TYPED[one % len(_TYPED)]) for one in range(120)]
            found = [await subject.client.fire(bodies, at_once=1) for subject in (bot, floor)]
            wrong += found[0].wrong
            if run:
                pairs.append(Pair(bot=p99(found[0].took), floor=p99(found[1].took)))
    row = compared(f"Options load over {number:,} clusters: p99", pairs, goal=2.0, draw=ms)
    return [
        Section(title="Search field", rows=(row,), counts=(exactly("Searches: answers that were no 200", wrong, 0),))
    ]


async def starts(plan: Plan) -> list[Section]:
    """Start the bot until it is ready, against the imports of the same libraries; and the commands that need none."""
    pairs: list[Pair] = []
    async with plan.stage() as stage:
        cloud = await stage.cloud()
        for _ in range(plan.runs):
            begin = time.monotonic()
            child = await started("-c", f"import {_LIBRARIES}", folder=stage.folder)
            await child.communicate()
            bare = time.monotonic() - begin
            bot = await stage.bot(cloud, url=plan.sqlite(stage))
            await end(bot.process)
            pairs.append(Pair(bot=bot.ready_after, floor=bare))
        more = [pair.bot - pair.floor for pair in pairs]
        rows = [
            Row(
                what="Start to ready",
                bot=ms(statistics.median(pair.bot for pair in pairs)),
                floor=ms(statistics.median(pair.floor for pair in pairs)),
                ratio=f"{statistics.median(more):+.2f} s ({min(more):+.2f} to {max(more):+.2f} s)",
                goal="+1 s",
                met=statistics.median(more) <= 1,
            )
        ]
        counts = []
        for words in ("--help", "version"):
            code = (
                "import sys, time; begin = time.monotonic()\nimport bot.cli\n"
                f"sys.argv = ['upgrade-bot', '{words}']\n"
                "try:\n    bot.cli.main()\nexcept SystemExit:\n    pass\n"
                f"print(sum(name in sys.modules for name in {_HEAVY!r}), time.monotonic() - begin)"
            )
            child = await started("-c", code, folder=stage.folder)
            output, _ = await child.communicate()
            heavy, seconds = output.decode().splitlines()[-1].split()
            rows.append(
                Row(what=f"`upgrade-bot {words}`", bot=ms(float(seconds)), goal="nothing heavy", met=heavy == "0")
            )
            counts.append(exactly(f"`upgrade-bot {words}`: heavy libraries imported", int(heavy), 0))
    return [Section(title="Starting", rows=tuple(rows), counts=tuple(counts))]


async def memories(plan: Plan) -> list[Section]:
    """Weigh the bot at rest and after many commands."""
    number = 200 if plan.short else 10_000
    async with plan.stage() as stage:
        cloud = await stage.cloud()
        url = plan.sqlite(stage)
        await put_requests(url, [])  # the tables: a start that has to make them holds 9 MiB of Alembic
        bot, bare = await stage.bot(cloud, url=url), await _bare_bolt(stage.folder)
        await loaded(stage, bot)
        floor = bare.memory()
        rest = bot.memory()
        await used(stage, bot, at_once=8, number=number // 5)
        warm = bot.memory()
        await used(stage, bot, at_once=8, number=number - number // 5)
        after = bot.memory()
        await end(bare.process)
    rows = (
        Row(
            what="Memory at rest (9 MiB more after the first start, which makes the tables)",
            bot=mib(rest),
            floor=mib(floor),
            ratio=f"{rest / floor:.2f}",
            goal="≤ 1.5×",
            met=rest <= 1.5 * floor,
        ),
        Row(
            what=f"Memory after {number:,} commands (floor column: after a fifth of them)",
            bot=mib(after),
            floor=mib(warm),
            ratio=f"{after / warm:.2f}",
            goal="flat",
            met=after <= 1.05 * warm,
        ),
    )
    return [Section(title="Memory", rows=rows)]


async def _bare_bolt(folder: Path) -> Subject:
    code = "import sqlalchemy.ext.asyncio, sqlalchemy.orm, httpx, runpy, sys; sys.argv[0] = 'floor'; runpy.run_module('benchmarks.floor', run_name='__main__')"  # noqa: E501
    process = await started("-c", code, "http://127.0.0.1:9/api/", folder=folder)
    if process.stdout is None:
        raise RuntimeError("The process has no output.")
    return Subject(process=process, port=int(await process.stdout.readline()))


async def full(plan: Plan) -> list[Section]:
    """Use a bot whose database holds a long life, against one whose database is empty."""
    requests, events = (200, 1000) if plan.short else (10_000, 100_000)
    rows: list[Row] = []
    async with plan.stage() as stage:
        cloud = await stage.cloud(clusters=100)
        known = (await cloud.fleet()) * (requests // 100)
        url = plan.sqlite(stage)
        stored = await put_requests(url, known, state=State.SUBMITTED)
        await put_events(url, stored, events)
        old, young = await stage.bot(cloud, url=url), await stage.bot(cloud, url=plan.sqlite(stage))
        await loaded(stage, old)
        await loaded(stage, young)
        _, one = stored[0], known[0]
        words = {"": "", "list": "list", "status of a cluster": f"status {one.environment}/{one.slug}"}
        for name, text in words.items():
            pairs: list[Pair] = []
            for run in range(plan.runs + 1):
                found = [await used(stage, subject, at_once=8, number=80, words=text) for subject in (old, young)]
                if run:
                    pairs.append(Pair(bot=p50(found[0][0].took), floor=p50(found[1][0].took)))
            rows.append(
                compared(
                    f"`/schedule-upgrade {name}`".replace(" `", "`") + ", 8 at once: ack p50", pairs, goal=1.2, draw=ms
                )
            )
    note = f"Bot: {requests:,} requests and {events:,} audit events stored. Floor: the bot with an empty database."
    return [Section(title="Full database", rows=tuple(rows), notes=(note,))]


async def sizes(_: Plan) -> list[Section]:
    """Weigh what an installation brings."""
    named = {Requirement(one).name.lower() for one in _declared()}
    sizes: dict[str, int] = {}
    waiting = list(named)
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        files = [Path(str(file.locate())) for file in found.files or () if "__pycache__" not in str(file)]
        sizes[name] = sum(file.stat().st_size for file in files if file.is_file())
        for line in found.requires or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(need.name.lower())
    direct = sorted(((size, name) for name, size in sizes.items() if name in named), reverse=True)
    rows = [Row(what=f"`{name}`", bot=mib(size)) for size, name in direct]
    rest = sum(size for name, size in sizes.items() if name not in named)
    rows += [Row(what="what these need", bot=mib(rest)), Row(what="all of it", bot=mib(sum(sizes.values())))]
    return [Section(title="Installed size", rows=tuple(rows))]


def _declared() -> list[str]:
    import tomllib  # noqa: PLC0415 - only here

    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
