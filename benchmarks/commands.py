"""The command: delivery to acknowledgement, and delivery to views.open arriving at Slack."""

import json
import time

from benchmarks.figures import Count, Pair, Row, Section, compared, exactly, ms, p50, p99, rate
from benchmarks.load import Told, command
from benchmarks.plan import Plan
from benchmarks.stage import Stage, Subject

AT_ONCE = (1, 8, 32, 100)
_PEOPLE = 20
_LOADING = "loading"


async def loaded(stage: Stage, bot: Subject) -> None:
    """Wait until the bot opens the form instead of the view that waits for clusters, and give the floor that view."""
    for _ in range(600):
        trigger, body = command()
        await bot.client.fire([body], at_once=1)
        await stage.slack.until_opened([trigger])
        if json.loads(stage.slack.views["last"]).get("callback_id") != _LOADING:
            return
        await stage.pause(0.1)
    raise TimeoutError("The clusters were never read.")


async def used(
    stage: Stage, subject: Subject, *, at_once: int, number: int, words: str = ""
) -> tuple[Told, list[float]]:
    """Use the command so often, so many at once, then again when all are served.

    Returns what came back and, for each use, how long views.open took to arrive.
    """
    told, took = Told(began=[], took=[]), []
    opened = stage.slack.opened
    begin = time.monotonic()
    for _ in range(max(1, number // at_once)):
        uses = [command(words, member=f"U{one % _PEOPLE:05d}") for one in range(at_once)]
        burst = await subject.client.fire([body for _, body in uses], at_once=at_once)
        told.add(burst)
        if words:
            continue
        await stage.slack.until_opened(trigger for trigger, _ in uses)
        took += [opened[trigger] - began for (trigger, _), began in zip(uses, burst.began, strict=True)]
    told.seconds = time.monotonic() - begin
    return told, took


async def paired(
    stage: Stage,
    bot: Subject,
    floor: Subject,
    plan: Plan,
    *,
    at_once: int,
    where: str,
    words: str = "",
    goal: float = 1.25,
) -> tuple[list[Row], list[Count]]:
    """Measure both sides in turn."""
    number = plan.deliveries(at_once)
    for subject in (bot, floor):
        await used(stage, subject, at_once=at_once, number=max(2 * at_once, 2 * _PEOPLE), words=words)
    ack: dict[float, list[Pair]] = {0.5: [], 0.99: []}
    opening: dict[float, list[Pair]] = {0.5: [], 0.99: []}
    through: list[Pair] = []
    wrong, calls = 0, 0
    for run in range(plan.runs):
        found = {}
        for subject in (bot, floor) if run % 2 else (floor, bot):
            before = stage.slack.calls["views.open"]
            found[subject.port] = await used(stage, subject, at_once=at_once, number=number, words=words)
            wrong += found[subject.port][0].wrong
            calls += stage.slack.calls["views.open"] - before if subject is bot else 0
        (told, took), (bare_told, bare_took) = found[bot.port], found[floor.port]
        ack[0.5].append(Pair(bot=p50(told.took), floor=p50(bare_told.took)))
        ack[0.99].append(Pair(bot=p99(told.took), floor=p99(bare_told.took)))
        through.append(Pair(bot=len(told.took) / told.seconds, floor=len(bare_told.took) / bare_told.seconds))
        if took:
            opening[0.5].append(Pair(bot=p50(took), floor=p50(bare_took)))
            opening[0.99].append(Pair(bot=p99(took), floor=p99(bare_took)))
    name = f"`/schedule-upgrade{' ' + words if words else ''}`{where}, {at_once} at once"
    rows = [compared(f"{name}: ack p50", ack[0.5], goal=goal, draw=ms)]
    if not words:
        rows += [
            compared(f"{name}: ack p99", ack[0.99], goal=1.5, draw=ms),
            compared(f"{name}: throughput", through, goal=0.8, draw=rate, more_is_better=True),
            compared(f"{name}: views.open p50", opening[0.5], goal=1.25, draw=ms),
            compared(f"{name}: views.open p99", opening[0.99], goal=1.5, draw=ms),
        ]
    counts = [
        exactly(f"{name}: answers that were no 200", wrong, 0),
        exactly(f"{name}: views.open", calls, 0 if words else plan.runs * (number // at_once) * at_once),
    ]
    return rows, counts


async def commands(plan: Plan) -> list[Section]:
    """Measure the command with few and many clusters, and with a cloud that hangs."""
    sections = []
    for clusters in plan.fleets:
        rows: list[Row] = []
        counts: list[Count] = []
        async with plan.stage() as stage:
            cloud, floor = await stage.cloud(clusters=clusters), await stage.floor()
            bot = await stage.bot(cloud, url=plan.sqlite(stage), BOT_POLL_SECONDS="60")
            await loaded(stage, bot)
            await stage.teach(floor, view=stage.slack.views["last"])
            some = AT_ONCE if clusters == plan.fleets[0] else (1, 32)
            for at_once in some if not plan.short else (8,):
                found = await paired(stage, bot, floor, plan, at_once=at_once, where=f", {clusters:,} clusters")
                rows += found[0]
                counts += found[1]
            if clusters == plan.fleets[-1]:
                await cloud.say("hang")
                for at_once in (1, 32) if not plan.short else (8,):
                    found = await paired(stage, bot, floor, plan, at_once=at_once, where=", cloud hanging")
                    rows += found[0]
                    counts += found[1]
                await cloud.say("work")
        sections.append(Section(title=f"Command, {clusters:,} clusters", rows=tuple(rows), counts=tuple(counts)))
    return sections


async def words(plan: Plan) -> list[Section]:
    """Measure `help` and `list` at 100 at once, with some requests to list, and the search field."""
    rows: list[Row] = []
    counts: list[Count] = []
    async with plan.stage() as stage:
        cloud, floor = await stage.cloud(clusters=100), await stage.floor()
        url = plan.sqlite(stage)
        bot = await stage.bot(cloud, url=url)
        await loaded(stage, bot)
        for word in ("help", "list"):
            _, body = command(word)
            told = await bot.client.fire([body], at_once=1)
            await stage.teach(floor, text=json.loads(told.last))
            found = await paired(stage, bot, floor, plan, at_once=100, where="", words=word)
            rows += found[0]
            counts += found[1]
    return [Section(title="Answers in the acknowledgement", rows=tuple(rows), counts=tuple(counts))]
