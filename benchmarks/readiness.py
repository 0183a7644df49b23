"""The form and a press on Approve while the cloud hangs on alerts, against the same while it answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from benchmarks.commands import loaded
from benchmarks.database import NEXT, put_requests
from benchmarks.figures import Pair, Section, compared, exactly, ms, p50
from benchmarks.load import command
from benchmarks.plan import Plan
from benchmarks.presses import painted, pressed
from benchmarks.stage import Known, Stage, Subject
from bot.domain.request import UpgradeRequest

_FILLED_IN_AFTER = 3.0
"""Seconds after which the line about alerts is filled in, whatever the cloud does."""


@dataclass(slots=True)
class _Side:
    """A bot with a cloud of its own. A cluster is opened once, so that nothing about it is at hand."""

    bot: Subject
    waiting: Iterator[tuple[int, UpgradeRequest]]
    unopened: Iterator[Known]
    wrong: int = 0

    async def measured(self, stage: Stage, number: int) -> tuple[float, float, float]:
        """Open so many forms and press so often; returns the medians to views.open, to the ack, and to the card."""
        opening = []
        for cluster in islice(self.unopened, number):
            words = f"{cluster.environment}/{cluster.slug} {NEXT[cluster.version]}"
            trigger, body = command(words)
            told = await self.bot.client.fire([body], at_once=1)
            await stage.slack.until_opened([trigger])
            opening.append(stage.slack.opened[trigger] - told.began[0])
            self.wrong += told.wrong
        told, took = await pressed(stage, self.bot, list(islice(self.waiting, number)), at_once=1, repaints=True)
        self.wrong += told.wrong
        return p50(opening), p50(told.took), p50(took)


async def readiness(plan: Plan) -> list[Section]:
    """Measure both in turn, each on clusters that nobody has looked at."""
    each = 8 if plan.short else 16
    opening: list[Pair] = []
    acks: list[Pair] = []
    cards: list[Pair] = []
    async with plan.stage() as stage:
        hanging = await _side(stage, plan, each * (plan.runs + 1), hangs=("hang */alerts/*",), first=0)
        answering = await _side(stage, plan, each * (plan.runs + 1), hangs=(), first=each * (plan.runs + 1))
        await stage.pause(1)  # the views that waited for the clusters are filled by then
        filled = stage.slack.calls["views.update"]
        for run in range(plan.runs + 1):
            found = {}
            for side in (hanging, answering) if run % 2 else (answering, hanging):
                found[side.bot.port] = await side.measured(stage, each)
            if run:
                one, other = found[hanging.bot.port], found[answering.bot.port]
                for pairs, bot, floor in zip((opening, acks, cards), one, other, strict=True):
                    pairs.append(Pair(bot=bot, floor=floor))
        await stage.pause(_FILLED_IN_AFTER)
        filled = stage.slack.calls["views.update"] - filled
    rows = (
        compared("Form with a version, alerts hanging: views.open p50", opening, goal=1.1, draw=ms),
        compared("Approve, alerts hanging: ack p50, stored", acks, goal=1.1, draw=ms),
        compared("Approve, alerts hanging: press to repainted card p50", cards, goal=1.1, draw=ms),
    )
    counts = (
        exactly("Readiness: answers that were no 200", hanging.wrong + answering.wrong, 0),
        exactly("Readiness: forms filled in later", filled, 2 * each * (plan.runs + 1)),
    )
    note = "Bot: the cloud hangs on alerts. Floor: the bot with a cloud that answers."
    return [Section(title="Alerts hanging", rows=rows, counts=counts, notes=(note,))]


async def _side(stage: Stage, plan: Plan, number: int, *, hangs: tuple[str, ...], first: int) -> _Side:
    """Start a bot and its cloud, with so many requests that wait, and as many clusters without one."""
    cloud, url = await stage.cloud(clusters=2 * number), plan.sqlite(stage)
    for words in ("watch", *hangs):
        await cloud.say(words)
    known = await cloud.fleet()
    requests = await put_requests(url, known[:number], first=first)
    bot = await stage.bot(cloud, url=url)
    await loaded(stage, bot)
    await painted(stage, requests, first=first)
    return _Side(bot=bot, waiting=iter(enumerate(requests, start=first)), unopened=iter(known[number:]))
