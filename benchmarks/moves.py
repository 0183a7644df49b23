"""What the cloud does: one status to its message, and a thousand at once to the digest."""

import asyncio
import statistics
import time

from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.commands import loaded
from benchmarks.commits import bare_commits, committing
from benchmarks.database import follow
from benchmarks.figures import Count, Pair, Row, Section, against, at_most, compared, exactly, ms, p50
from benchmarks.plan import Plan
from benchmarks.presses import bare_calls
from benchmarks.stage import Cloud, Stage
from benchmarks.statements import Statements, bare_statements, stating

_COMMITS_TO_A_MESSAGE = 2
"""What has to be stored before a message can be posted: the move with the channel's claim, the channel's second."""
_STATEMENTS_TO_A_MESSAGE = Statements(reading=(1, 2), writing=(10, 2))
"""What was known; the move with its message and the claim; what is due, and of what; lease and second."""


async def announcements(plan: Plan) -> list[Section]:
    """Let one upgrade after the other move, and wait for its message in the channel."""
    pairs: list[Pair] = []
    libraries: list[Pair] = []
    each = 1 if plan.short else 3
    number = each * (plan.runs + 1)
    async with plan.stage() as stage:
        cloud = await stage.cloud(clusters=number, upgrades=number)
        url = plan.sqlite(stage)
        await follow(url, await cloud.fleet())
        bot = await stage.bot(cloud, url=url, BOT_POLL_SECONDS="1")
        await loaded(stage, bot)
        client = AsyncWebClient(token="xoxb-1", base_url=stage.slack.url)  # noqa: S106 - of a server on loopback
        async with committing(url) as commit, stating(url) as state:
            for run in range(plan.runs + 1):
                commits = p50(await bare_commits(commit, at_once=1, number=16))
                call = await bare_calls(client, 16)
                statements = p50(await bare_statements(state, _STATEMENTS_TO_A_MESSAGE, number=16))
                took = [await _announced(stage, cloud, run * each + one) for one in range(each)]
                if run:
                    pairs.append(Pair(bot=p50(took), floor=_COMMITS_TO_A_MESSAGE * commits + call))
                    libraries.append(Pair(bot=p50(took), floor=statements + call))
        posts = len(stage.slack.posts)
    rows = (
        compared(
            "A status seen to its message, SQLite: p50, against its statements by SQLAlchemy alone",
            libraries,
            goal=2.5,
            below=0.025,
            draw=ms,
        ),
        against("The same, against bare commits", pairs, draw=ms),
    )
    return [Section(title="Announcing", rows=rows, counts=(exactly("Statuses announced", posts, number),))]


async def _announced(stage: Stage, cloud: Cloud, number: int) -> float:
    """Move the upgrade of this number; returns seconds from the poll that could see it to its message."""
    await stage.pause(1.2)  # a message a second is what the channel takes
    ahead = time.time() - time.monotonic()
    before, changed = len(stage.slack.posts), time.time()
    await cloud.say(f"status SCHEDULED_NOTIFIED {number}")
    await stage.slack.until_posted(before + 1)
    seen = float(await cloud.say(f"listed {changed}"))
    return stage.slack.posts[before][0] - (seen - ahead)


async def digests(plan: Plan) -> list[Section]:
    """Let 1,000 upgrades move at once, and wait for the digest."""
    number = 50 if plan.short else 1000
    took: list[float] = []
    counts: list[Count] = []
    for _ in range(1 if plan.short else 3):
        async with plan.stage() as stage:
            cloud = await stage.cloud(clusters=number, upgrades=number)
            url = plan.sqlite(stage)
            await follow(url, await cloud.fleet())
            bot = await stage.bot(cloud, url=url, BOT_POLL_SECONDS="1")
            await loaded(stage, bot)
            await asyncio.sleep(3)
            before = len(stage.slack.posts)
            begin = time.monotonic()
            await cloud.say("status SCHEDULED_NOTIFIED")
            posts = stage.slack.posts
            await stage.slack.until_posted(before + 1)
            took.append(posts[before][0] - begin)
            await asyncio.sleep(5)
            counts += [
                at_most(f"{number:,} moves at once: messages", len(posts) - before, 8),
                exactly(f"{number:,} moves at once: 429", stage.slack.throttled, 0),
            ]
    row = Row(
        what=f"{number:,} moves at once to the digest (up to 1 s of it is the poll's pause)",
        bot=f"{statistics.median(took):.2f} s",
        ratio=f"{min(took):.2f} to {max(took):.2f} s",
        goal="≤ 3 s",
        met=statistics.median(took) <= 3,  # noqa: PLR2004 - the goal
    )
    return [Section(title="Many moves at once", rows=(row,), counts=tuple(counts))]
