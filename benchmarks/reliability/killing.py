"""Real processes, killed or replaced while people work; counted at the simulators when all is quiet again."""

import asyncio
import contextlib
import itertools
import random
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from benchmarks.reliability.counting import accepted, owed, rows, settled
from bot.app import real_time
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.person import PersonInSlack
from bot.sandbox.slack.people.seen import NotShownError
from tests.ports import free_port
from tests.world.harness import CHANNEL, Harness, start_process

CLUSTERS = ("staging/payments", "staging/orders", "staging/webshop", "production/webshop")
_YOUNG = 0.25
"""How often a process dies before it answers."""
_DIGEST = "notifications about upgrades"


@dataclass(slots=True, kw_only=True)
class Report:
    """What was counted. `problems` is empty when every promise held; `ended` is how each process came to its end."""

    seed: int
    ended: str = "killed"
    ends: int = 0
    approved: int = 0
    accepted: int = 0
    reminders: int = 0
    repeats: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = (
            f"seed {self.seed}: {self.ends} processes {self.ended}, {self.approved} requests approved, "
            f"{self.accepted} accepted by the cloud, {self.reminders} reminders; messages repeated: {self.repeats}"
        )
        return f"{counts}; {'; '.join(self.problems) or 'every promise held'}"


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Processes on one database, of which each may be killed and started again."""

    opened: Harness
    folder: Path
    size: int
    processes: list[Process] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)

    async def start(self) -> None:
        """Start them all, the first one first: it makes the tables."""
        for _ in range(self.size):
            self.ports.append(free_port())
            self.processes.append(await self._one(self.ports[-1]))
            await answering(self.ports[-1])
        self._receive_at(self.ports[0])
        if self.opened.transport == "socket":
            await self.opened.slack.connected(self.size)

    async def live(self, chance: random.Random, *, calm: float) -> int:
        """Let one live for about `calm` seconds from when it answers, or not even until then; returns which."""
        number = chance.randrange(self.size)
        if chance.random() < _YOUNG:
            await asyncio.sleep(chance.uniform(0.0, calm))
        else:
            await answering(self.ports[number])
            await asyncio.sleep(chance.uniform(0.0, 2 * calm))
        return number

    async def kill(self, number: int) -> None:
        """Kill one as a machine that dies does, and start it again."""
        self.processes[number].kill()
        await self.processes[number].wait()
        self.processes[number] = await self._one(self.ports[number])

    async def replace(self, number: int) -> None:
        """Replace one as a rolling deploy does: a new one is ready, and receives, before the old one is told to go."""
        old, port = self.processes[number], free_port()
        self.processes[number], self.ports[number] = await self._one(port), port
        try:
            await answering(port, "readyz")
            self._receive_at(port)
            old.terminate()
            assert await asyncio.wait_for(old.wait(), PATIENCE) == 0
        finally:
            if old.returncode is None:
                old.kill()

    async def stop(self) -> None:
        """End them all."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _receive_at(self, port: str) -> None:
        if self.opened.transport == "http":
            self.opened.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")

    async def _one(self, port: str) -> Process:
        environment = self.opened.environment(BOT_PORT=port, BOT_LOG_LEVEL="error")
        return await start_process("run", environment=environment, folder=self.folder, log=self.folder / f"{port}.log")


async def killed(
    opened: Harness, folder: Path, *, seed: int, size: int = 1, calm: float = 2.0, clusters: Sequence[str] = CLUSTERS
) -> Report:
    """Let people ask and approve while processes live for about `calm` seconds; then let all of it end, and count."""

    async def kill(fleet: Fleet, chance: random.Random) -> None:
        await fleet.kill(await fleet.live(chance, calm=calm))

    return await _disturbed(Fleet(opened=opened, folder=folder, size=size), kill, Report(seed=seed), clusters)


async def rolled(
    opened: Harness, folder: Path, *, seed: int, size: int = 2, clusters: Sequence[str] = CLUSTERS
) -> Report:
    """Let people ask and approve while processes are replaced in turn; nothing at all is repeated then."""
    turns = itertools.cycle(range(size))

    async def roll(fleet: Fleet, chance: random.Random) -> None:
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        await fleet.replace(next(turns))

    report = Report(seed=seed, ended="replaced")
    await _disturbed(Fleet(opened=opened, folder=folder, size=size), roll, report, clusters)
    report.problems += ["a message was repeated"] if report.repeats else []
    return report


async def _disturbed(
    fleet: Fleet,
    disturb: Callable[[Fleet, random.Random], Awaitable[None]],
    report: Report,
    clusters: Sequence[str],
) -> Report:
    """Let people work while something happens to the processes, once more while the statuses move, and count."""
    chance, opened = random.Random(report.seed), fleet.opened  # noqa: S311 - a replayable order, no secret
    opened.clock.jump(real_time())
    opened.slack.be_patient(10.0)  # what was sent to a dead process is never acknowledged
    opened.cloud.pace.notice = timedelta(days=9)

    async def once_more() -> None:
        await disturb(fleet, chance)
        report.ends += 1

    async def while_people_work() -> None:
        people = asyncio.gather(*(work(opened, cluster, chance.uniform(0, 4)) for cluster in clusters))
        try:
            while report.ends < fleet.size or not people.done():
                await once_more()
            await people
        finally:
            people.cancel()
            await asyncio.gather(people, return_exceptions=True)

    try:
        await fleet.start()
        await while_people_work()
        await finish(opened, clusters, meanwhile=once_more)
        await count(opened, report, clusters)
    finally:
        await fleet.stop()
    return report


async def finish(opened: Harness, clusters: Sequence[str], *, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Wait for the cloud to have everything, let its statuses move, and wait until nothing is owed."""
    await _until(opened, lambda: len(accepted(opened.cloud)) == len(clusters), "accepted")
    opened.clock.advance(timedelta(minutes=10))
    await meanwhile()
    await _until(opened, lambda: len(reminders(opened, clusters)) == len(clusters), "reminded of")
    opened.clock.advance(timedelta(days=9))
    await _until(opened, lambda: _succeeded(opened, clusters) == len(clusters), "shown as succeeded")
    await settled(opened.url)


async def _until(opened: Harness, done: Callable[[], bool], what: str, *, within: float = 2 * PATIENCE) -> None:
    try:
        async with asyncio.timeout(within):
            while not done():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        there = "\n".join(one.text for one in opened.sem.messages(CHANNEL))
        raise AssertionError(f"not every request was {what}: {await owed(opened.url)}\n{there}") from error


async def work(opened: Harness, cluster: str, pause: float) -> None:
    """Ask and approve as stubborn people do: what Slack says went wrong is done again."""
    await asyncio.sleep(pause)
    approver = opened.slack.person("U0SEM")
    async with opened.asking:
        await _stubbornly(lambda: _ask(opened, cluster))
    words = f"{cluster}: upgrade to"
    card = await approver.message(CHANNEL, words, within=2 * PATIENCE)
    while "Approved by" not in card:
        if "Approve" in card.buttons:
            await approver.press(CHANNEL, card.ts, "Approve")
        await asyncio.sleep(0.7)
        card = await approver.message(CHANNEL, words, within=2 * PATIENCE)


async def _ask(opened: Harness, cluster: str) -> bool:
    roos = opened.slack.person("U0ROOS")
    screen = opened.slack.state.views.stack
    while screen("U0ROOS") and not await _shows_form(roos, cluster):
        await roos.close()  # it never got past "loading", or is the form of an earlier command that opened late
    if not screen("U0ROOS") and not (await roos.command(CHANNEL, f"/schedule-upgrade {cluster}")).ok:
        return False
    modal = await roos.modal("Schedule upgrade", containing="Version", within=15)
    if not modal.field("Version").value:
        await roos.choose("Version", modal.field("Version").options[0])
    outcome = await roos.submit()
    assert not outcome.errors, outcome.errors
    return outcome.ok


async def _shows_form(roos: PersonInSlack, cluster: str) -> bool:
    try:
        return (await roos.modal("Schedule upgrade", within=0.1)).field("Cluster").shown == cluster
    except NotShownError:
        return False


async def _stubbornly(do: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(2 * PATIENCE):
        while True:
            try:
                if await do():
                    return
            except NotShownError:
                pass
            await asyncio.sleep(0.5)


async def count(opened: Harness, report: Report, clusters: Sequence[str]) -> None:
    """Count at the simulators and in the database, and note what does not fit the promises."""
    report.approved = len(await rows(opened.url, "SELECT id FROM requests WHERE state = 'SUBMITTED'"))
    counts = accepted(opened.cloud)
    report.accepted = sum(counts.values())
    reminded = reminders(opened, clusters)
    report.reminders = sum(reminded.values())
    report.repeats = _repeats(opened)
    if report.approved != len(clusters):
        report.problems.append(f"{report.approved} of {len(clusters)} requests were submitted")
    report.problems += [f"accepted {number} times: {which}" for which, number in counts.items() if number != 1]
    report.problems += [f"no reminder of {cluster}" for cluster in clusters if cluster not in reminded]
    left = await owed(opened.url)
    if not left.nothing:
        report.problems.append(f"still owed: {left}")


def reminders(opened: Harness, clusters: Sequence[str]) -> dict[str, int]:
    """Count the reminders in the channel, by cluster."""
    texts = [one.text for one in opened.sem.messages(CHANNEL) if "Reminder" in one.text or _DIGEST in one.text]
    found = {cluster: sum(cluster in words for words in texts) for cluster in clusters}
    return {cluster: number for cluster, number in found.items() if number}


def _succeeded(opened: Harness, clusters: Sequence[str]) -> int:
    texts = [one.text for one in opened.sem.messages(CHANNEL)]
    return sum(
        any(f"{cluster}: upgrade to" in words and "Done: the cluster now runs" in words for words in texts)
        for cluster in clusters
    )


def _repeats(opened: Harness) -> int:
    """Count messages whose text was posted before: in the channel, in threads and in direct messages."""
    said = [
        (one.channel, one.thread_ts, one.text if one.thread_ts else _subject(one.text))
        for one in opened.slack.state.messages.everything()
        if one.user == opened.slack.app.bot_user_id and not one.only_for and one.channel == CHANNEL
    ]
    return len(said) - len(set(said))


def _subject(words: str) -> str:
    """Return what a message is about, whatever a card shows by now."""
    return words.partition(". ")[0]


async def answering(port: str, path: str = "healthz", *, within: float = PATIENCE) -> None:
    """Wait until a process answers well."""
    async with httpx.AsyncClient() as client, asyncio.timeout(within):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://127.0.0.1:{port}/{path}")).is_success:
                    return
            await asyncio.sleep(0.1)
