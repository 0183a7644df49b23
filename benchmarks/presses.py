"""A press on Approve: to its acknowledgement, stored; to the repainted card; and what it costs with two replicas."""

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.commands import loaded
from benchmarks.commits import Commit, bare_commits, committing
from benchmarks.database import card, channel, put_requests
from benchmarks.figures import Count, Pair, Row, Section, against, compared, exactly, ms, p50
from benchmarks.load import Told, press
from benchmarks.plan import Plan
from benchmarks.stage import Cloud, Stage, Subject
from benchmarks.statements import Run, Statements, bare_statements, stating
from bot.domain.request import State, UpgradeRequest
from bot.notifications import ids
from bot.store.storage import Storage

_COMMITS_TO_A_CARD = 2
"""What has to be stored before a card can be repainted: the press, and the decision, each with what it claims."""
_STATEMENTS_TO_A_CARD = Statements(reading=(3, 4, 1), writing=(2, 10))
"""The press with its claim; what is due, and its request; the decision; what is due, and its card; lease and pause."""


async def pressed(
    stage: Stage, subject: Subject, requests: Sequence[tuple[int, UpgradeRequest]], *, at_once: int, repaints: bool
) -> tuple[Told, list[float]]:
    """Press Approve on each, in bursts; returns what came back, and how long each card took to be repainted."""
    told, took = Told(began=[], took=[]), []
    address = stage.slack.url.replace("/api/", "/response/1")
    for begin in range(0, len(requests), at_once):
        some = requests[begin : begin + at_once]
        for number, _ in some:
            stage.slack.updates.pop(card(number), None)
        bodies = [
            press("approve", ids.carry(one), channel=channel(number), ts=card(number), response_url=address)
            for number, one in some
        ]
        burst = await subject.client.fire(bodies, at_once=at_once)
        told.add(burst)
        if repaints:
            updates = stage.slack.updates
            await stage.slack.until_updated(card(number) for number, _ in some)
            took += [updates[card(number)] - began for (number, _), began in zip(some, burst.began, strict=True)]
            await asyncio.sleep(0.05 * len(some))
    return told, took


async def painted(stage: Stage, requests: Sequence[UpgradeRequest], *, first: int = 0) -> None:
    """Wait until each card shows its first readiness: none is repainted for that later. They count from `first`."""
    await stage.slack.until_updated(card(number) for number in range(first, first + len(requests)))


async def presses(plan: Plan) -> list[Section]:
    """Measure at 1 and 16 at once, over SQLite and PostgreSQL."""
    sections = []
    for database in ("SQLite", "PostgreSQL") if plan.server else ("SQLite",):
        rows: list[Row] = []
        counts: list[Count] = []
        async with plan.stage() as stage:
            url = plan.sqlite(stage) if database == "SQLite" else await plan.postgresql()
            each = 16
            cloud, floor = await stage.cloud(clusters=each * 2 * (plan.runs + 1)), await stage.floor()
            requests = await put_requests(url, await cloud.fleet())
            waiting = iter(enumerate(requests))
            bot = await stage.bot(cloud, url=url)
            await loaded(stage, bot)
            await painted(stage, requests)
            async with committing(url) as commit, stating(url) as state:
                for at_once in (1, 16):
                    found = await _paired(
                        stage,
                        plan,
                        bot,
                        floor,
                        waiting=waiting,
                        commit=commit,
                        state=state,
                        each=each,
                        at_once=at_once,
                        database=database,
                    )
                    rows += found[0]
                    counts += found[1]
        sections.append(Section(title=f"Approve, {database}", rows=tuple(rows), counts=tuple(counts)))
    return sections


async def _paired(
    stage: Stage,
    plan: Plan,
    bot: Subject,
    floor: Subject,
    *,
    waiting: Iterator[tuple[int, UpgradeRequest]],
    commit: Commit,
    state: Run,
    each: int,
    at_once: int,
    database: str,
) -> tuple[list[Row], list[Count]]:
    acks: list[Pair] = []
    cards: list[Pair] = []
    libraries: list[Pair] = []
    wrong = repainted = 0
    client = AsyncWebClient(token="xoxb-1", base_url=stage.slack.url)  # noqa: S106 - of a server on loopback
    for run in range(plan.runs + 1):
        some = list(islice(waiting, each))
        bare, _ = await pressed(stage, floor, some, at_once=at_once, repaints=False)
        alone = await bare_commits(commit, at_once=at_once, number=each)
        one = p50(await bare_commits(commit, at_once=1, number=each))
        call = await bare_calls(client, each)
        statements = p50(await bare_statements(state, _STATEMENTS_TO_A_CARD, number=each))
        told, took = await pressed(stage, bot, some, at_once=at_once, repaints=True)
        if not run:
            continue
        acks.append(Pair(bot=p50(told.took), floor=p50(bare.took) + p50(alone)))
        cards.append(Pair(bot=p50(took), floor=_COMMITS_TO_A_CARD * one + call))
        libraries.append(Pair(bot=p50(took), floor=statements + call))
        wrong += told.wrong
        repainted += len(took)
    name = f"Approve, {database}, {at_once} at once"
    rows = [compared(f"{name}: ack p50, stored", acks, goal=1.3, draw=ms)]
    if at_once == 1:
        what = f"{name}: press to repainted card p50, against its statements by SQLAlchemy alone"
        rows.append(compared(what, libraries, goal=2.5, below=0.025, draw=ms))
        rows.append(against(f"{name}: the same, against bare commits", cards, draw=ms))
    counts = [
        exactly(f"{name}: answers that were no 200", wrong, 0),
        exactly(f"{name}: cards repainted", repainted, plan.runs * each),
    ]
    return rows, counts


async def bare_calls(client: AsyncWebClient, number: int) -> float:
    """Change a message so often, by Slack's client alone; returns the median."""
    took = []
    for _ in range(number):
        began = asyncio.get_running_loop().time()
        await client.chat_update(channel="C0BARE", ts="1", text="x" * 2000)
        took.append(asyncio.get_running_loop().time() - began)
    return statistics.median(took)


async def replicas(plan: Plan) -> list[Section]:
    """Press on two replicas in turn, and as often on one that has its own database: CPU, and whether all was stored."""
    if plan.server is None:
        return []
    each = 8 if plan.short else 64
    pairs: list[Pair] = []
    async with plan.stage() as stage:
        cloud = await stage.cloud(clusters=each * (plan.runs + 1))
        two, one = await _side(stage, plan, cloud, replicas=2), await _side(stage, plan, cloud, replicas=1)
        for run in range(plan.runs + 1):
            cpu = [await side.pressed(stage, each) for side in (two, one)]
            if run:
                pairs.append(Pair(bot=cpu[0], floor=cpu[1]))
        voted = [await side.voted() for side in (two, one)]
    row = compared("CPU per press: two replicas (bot) and one (floor)", pairs, goal=1.2, draw=ms)
    counts = [
        exactly(f"Votes stored, {name}", found, each * (plan.runs + 1))
        for name, found in zip(("two replicas", "one replica"), voted, strict=True)
    ]
    return [Section(title="Two replicas, PostgreSQL", rows=(row,), counts=tuple(counts))]


@dataclass(frozen=True, slots=True)
class _Side:
    url: str
    bots: Sequence[Subject]
    waiting: Iterator[tuple[int, UpgradeRequest]]

    async def pressed(self, stage: Stage, number: int) -> float:
        """Press so often, on each replica in turn; returns the CPU seconds of a press, all replicas together."""
        some = list(islice(self.waiting, number))
        before = sum(bot.cpu() for bot in self.bots)
        await asyncio.gather(
            *(
                pressed(stage, bot, some[first :: len(self.bots)], at_once=4 // len(self.bots), repaints=True)
                for first, bot in enumerate(self.bots)
            )
        )
        await stage.pause(1)
        return (sum(bot.cpu() for bot in self.bots) - before) / number

    async def voted(self) -> int:
        """Count the requests whose vote is stored."""
        storage = Storage.open(self.url)
        async with storage.read() as work:
            found = await work.requests.in_states(State.PENDING_APPROVAL)
        await storage.close()
        return sum(len(request.votes) == 1 for request in found)


async def _side(stage: Stage, plan: Plan, cloud: Cloud, *, replicas: int) -> _Side:
    url, known = await plan.postgresql(), await cloud.fleet()
    first = replicas * len(known)
    requests = await put_requests(url, known, first=first)
    bots = [await stage.bot(cloud, url=url) for _ in range(replicas)]
    for bot in bots:
        await loaded(stage, bot)
    return _Side(url=url, bots=bots, waiting=iter(enumerate(requests, start=first)))
