"""Traffic at speed for a while: memory stays flat, no task, connection or file is left over, the queues drain."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.reliability.apart import Apart, Sample, apart
from benchmarks.reliability.counting import accepted, owed, settled, states
from benchmarks.reliability.killing import answering
from bot.app import real_time
from bot.sandbox.avisi import faults as cloud_faults
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.people.seen import NotShownError
from tests.ports import free_port
from tests.world.harness import CHANNEL, Harness, harness

_WARM = 0.25
"""Of the time: until then what is remembered on purpose is still being filled."""
_FLAT = 0.03
"""Of the memory, by which it may differ between two halves of the time after that."""
_STRAY = 2
"""Files or connections that may be open by chance."""
_TOO_SHORT = 10.0
"""Minutes; in less than these nothing is ever warm, and only a flood can be seen."""
_FLOOD = 30.0
_FIRST_CONNECTIONS = 15
_BACKLOG = 8
_LEAST = 4
CLUSTERS = ("staging/payments", "staging/orders", "production/orders", "production/payments")


@dataclass(slots=True, kw_only=True)
class Soak:
    """What was measured."""

    seed: int
    minutes: float
    requests: int = 0
    accepted: int = 0
    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def halves(self) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """Return what was measured once all was warm, in two halves."""
        warm = self.samples[int(len(self.samples) * _WARM) :]
        return warm[: len(warm) // 2], warm[len(warm) // 2 :]

    def __str__(self) -> str:
        first, last = self.samples[0], self.samples[-1]
        one, other = (_megabytes(half) for half in self.halves())
        counts = (
            f"seed {self.seed}, {self.minutes:g} minutes: {self.requests} requests, {self.accepted} accepted; memory "
            f"{first.megabytes:.1f} MB at first; once warm {one:.1f} MB in the first half of the time and "
            f"{other:.1f} MB in the second; tasks {first.tasks} at first and {last.tasks} at the end, open files and "
            f"connections {first.files} and {last.files}"
        )
        return f"{counts}; {'; '.join(self.problems) or 'every promise held'}"


async def soaked(*, minutes: float, seed: int = 1) -> Soak:
    """Let people work and clusters be upgraded at speed, with a fault now and then; then let it get quiet, and look."""
    soak = Soak(seed=seed, minutes=minutes)
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-soak-") as folder:
        async with harness(f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}") as opened:
            opened.clock.jump(real_time())
            port = free_port()
            async with apart(opened.settings(bot_port=int(port))) as bot:
                await answering(port)
                opened.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")
                await asyncio.sleep(2)
                soak.samples.append(bot.sample(0.0))
                await _traffic(opened, bot, soak, random.Random(seed))  # noqa: S311 - a replayable order, no secret
                await _end(opened, bot, soak)
    return soak


async def _traffic(opened: Harness, bot: Apart, soak: Soak, chance: random.Random) -> None:
    began = time.monotonic()
    while time.monotonic() - began < soak.minutes * 60 or soak.requests < _LEAST:
        if chance.random() < 0.3:
            _break(opened, chance)
        try:
            async with asyncio.timeout(60):
                card = await opened.request(chance.choice(CLUSTERS))
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
        bot.set_clock(opened.clock())
        _refit(opened)
        await _until_most_is_told(opened)
        soak.samples.append(bot.sample(time.monotonic() - began))


async def _until_most_is_told(opened: Harness) -> None:
    """Ask for no more than can be told at Slack's pace of one message a second."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while (await owed(opened.url)).outbox > _BACKLOG:  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.2)


def _break(opened: Harness, chance: random.Random) -> None:
    """Let the next call of some kind go wrong at either side."""
    method = chance.choice(["chat.postMessage", "chat.update", "users.info"])
    opened.slack.faults.add(method, chance.choice([Fault(retry_after=1), Fault(status=500), Fault(drop=True)]))
    broken = chance.choice([cloud_faults.Fault(status=502, body="html"), cloud_faults.Fault(drop="during")])
    opened.cloud.faults.add(broken)


def _refit(opened: Harness) -> None:
    """Let there always be something to upgrade to, and the simulators remember less."""
    opened.cloud.requests.seen.clear()
    opened.slack.deliveries.sent.clear()
    for cluster in opened.cloud.organisation().clusters.values():
        if cluster.version.startswith(("v1.32", "v1.33")):
            cluster.version = "v1.31.4-u-ame.2"


async def _end(opened: Harness, bot: Apart, soak: Soak) -> None:
    opened.slack.faults.clear()
    opened.cloud.faults.clear()
    try:
        await settled(opened.url, within=240)
    except TimeoutError:
        soak.problems.append(f"the queues do not drain: {await owed(opened.url)}")
    await asyncio.sleep(3)
    soak.samples.append(bot.sample(soak.minutes * 60))
    first, last = soak.samples[0], soak.samples[-1]
    soak.accepted = sum(accepted(opened.cloud).values())
    left = await owed(opened.url)
    if left.dead:
        soak.problems.append(f"{left.dead} dead letters")
    if last.tasks > first.tasks + 5:
        soak.problems.append(f"{last.tasks - first.tasks} tasks more than at first")
    soak.problems += _growth(soak)
    approved = await states(opened.url)
    if approved["SUBMITTED"] + approved["REPLACED"] < soak.accepted:
        soak.problems.append(f"{soak.accepted} accepted, but {dict(approved)}")


def _growth(soak: Soak) -> list[str]:
    """Say what was more in the second half of the time than in the first."""
    halves = soak.halves()
    (one, other), (few, many) = map(_megabytes, halves), map(_files, halves)
    warm = soak.minutes >= _TOO_SHORT
    grown = [f"memory grew from {one:.1f} to {other:.1f} MB"] if other - one > (one * _FLAT if warm else _FLOOD) else []
    leaked = many - few > (_STRAY if warm else _FIRST_CONNECTIONS)
    return [*grown, f"files and connections grew from {few:g} to {many:g}"] if leaked else grown


def _megabytes(samples: Sequence[Sample]) -> float:
    return median(one.megabytes for one in samples)


def _files(samples: Sequence[Sample]) -> float:
    return median(one.files for one in samples)
