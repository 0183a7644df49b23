"""Traffic at speed for a while: memory stays flat, no task, connection or file is left over, the queues drain."""

import asyncio
import gc
import random
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.seen import NotShownError
from tests.reliability.counting import accepted, owed, settled, states
from tests.reliability.matrix import quietly
from tests.world.house import CHANNEL, House, house

MEGABYTE = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Sample:
    """What the process held at a moment."""

    second: float
    megabytes: float
    tasks: int
    files: int


@dataclass(slots=True, kw_only=True)
class Soak:
    """What was measured."""

    seed: int
    minutes: float
    requests: int = 0
    accepted: int = 0
    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Megabytes between the end of the first third, when everything is warm, and the end."""
        warm = self.samples[len(self.samples) // 3]
        return self.samples[-1].megabytes - warm.megabytes

    def __str__(self) -> str:
        first, last = self.samples[0], self.samples[-1]
        counts = (
            f"seed {self.seed}, {self.minutes:g} minutes: {self.requests} requests, {self.accepted} accepted; memory "
            f"{first.megabytes:.0f} MB at first, {last.megabytes:.0f} MB at the end, {self.growth:+.1f} MB since warm; "
            f"tasks {first.tasks} and {last.tasks}, open files {first.files} and {last.files}"
        )
        return f"{counts}; {'; '.join(self.problems) or 'every promise held'}"


async def soaked(*, minutes: float, seed: int = 1) -> Soak:
    """Let people work and clusters be upgraded at speed, with a fault now and then; then let it get quiet, and look."""
    soak = Soak(seed=seed, minutes=minutes)
    with quietly(), tempfile.TemporaryDirectory(prefix="upgrade-bot-soak-") as folder:
        async with house(f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}", speed=60.0) as opened:
            await opened.open_bot()
            await asyncio.sleep(2)
            soak.samples.append(_sample(0.0))
            await _traffic(opened, soak, random.Random(seed))  # noqa: S311 - a replayable order, no secret
            await _end(opened, soak)
    return soak


async def _traffic(opened: House, soak: Soak, chance: random.Random) -> None:
    began = time.monotonic()
    clusters = ["staging/payments", "staging/orders", "production/orders", "production/payments"]
    while time.monotonic() - began < soak.minutes * 60:
        if chance.random() < 0.3:
            method = chance.choice(["chat.postMessage", "chat.update", "users.info"])
            fault = chance.choice([Fault(retry_after=1), Fault(status=500), Fault(drop=True)])
            opened.slack.faults.add(method, fault)
        try:
            card = await opened.request(chance.choice(clusters))
            await opened.sem.press(CHANNEL, card.ts, chance.choice(["Approve", "Approve", "Approve", "Reject"]))
            soak.requests += 1
        except (NotShownError, AssertionError, TimeoutError):
            opened.slack.state.views.stack("U0ROOS").clear()  # no version on offer, or an upgrade runs: the next one
        while opened.slack.state.views.stack("U0SEM"):
            await opened.sem.close()
        while opened.slack.state.views.stack("U0ROOS"):
            await opened.roos.close()
        await opened.kim.open_home()
        opened.clock.advance(timedelta(hours=chance.randrange(1, 30)))
        _cap(opened)
        soak.samples.append(_sample(time.monotonic() - began))


def _cap(opened: House) -> None:
    """Keep what the simulators remember small: it is the bot that is measured."""
    opened.cloud.requests.seen.clear()
    opened.slack.deliveries.sent.clear()
    for cluster in opened.cloud.organisation().clusters.values():
        if cluster.version.startswith(("v1.32", "v1.33")):
            cluster.version = "v1.31.4-u-ame.2"  # so that there is always something to upgrade to


async def _end(opened: House, soak: Soak) -> None:
    opened.slack.faults.clear()
    try:
        await settled(opened.url, within=120)
    except TimeoutError:
        soak.problems.append(f"the queues do not drain: {await owed(opened.url)}")
    await asyncio.sleep(3)
    soak.samples.append(_sample(soak.minutes * 60))
    first, last = soak.samples[0], soak.samples[-1]
    soak.accepted = sum(accepted(opened.cloud).values())
    left = await owed(opened.url)
    if left.dead:
        soak.problems.append(f"{left.dead} dead letters")
    if last.tasks > first.tasks + 10:
        soak.problems.append(f"{last.tasks - first.tasks} tasks more than at first")
    if last.files > first.files + 15:
        soak.problems.append(f"{last.files - first.files} files or connections more than at first")
    if soak.growth > max(30.0, 1.0 * soak.minutes):
        soak.problems.append(f"memory grew by {soak.growth:.0f} MB")
    approved = await states(opened.url)
    if approved["SUBMITTED"] + approved["REPLACED"] < soak.accepted:
        soak.problems.append(f"{soak.accepted} accepted, but {dict(approved)}")


def _sample(second: float) -> Sample:
    gc.collect()
    process = psutil.Process()
    return Sample(
        second=second,
        megabytes=process.memory_info().rss / MEGABYTE,
        tasks=len(asyncio.all_tasks()),
        files=process.num_fds(),
    )
