"""Kill everywhere: one run for each commit and each call of the main story, in which the process dies right there."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from benchmarks.reliability.apart import beside
from benchmarks.reliability.doomed import When, run_doomed
from benchmarks.reliability.killing import Report, answering, count, finish, work
from bot.app import real_time
from bot.sandbox.avisi import faults as cloud_faults
from bot.sandbox.slack.api import faults as slack_faults
from bot.store.storage import Storage
from tests.ports import free_port
from tests.world.harness import Harness, harness

CLUSTER = "staging/payments"
COMMITS, CALLS = 40, 24
Place = Literal["commit", "call"]
_TOLD = frozenset({"chat.postMessage", "chat.update", "response_url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Where a process dies: at which commit or call out, and whether that still happens."""

    place: Place
    at: int
    when: When

    def __str__(self) -> str:
        return f"{self.when} {self.place} {self.at}"


def deaths(*, every: int = 1) -> list[Death]:
    """Return every n-th place to die at."""
    whens: tuple[When, ...] = ("before", "after")
    commits = [Death(place="commit", at=at, when=when) for at in range(1, COMMITS + 1) for when in whens]
    calls = [Death(place="call", at=at, when=when) for at in range(1, CALLS + 1) for when in whens]
    return (commits + calls)[::every]


class _DeadlySlack(slack_faults.Faults):
    """Kills on the n-th call that tells somebody something."""

    def __init__(self, meet: Callable[[], bool | None]) -> None:
        super().__init__()
        self._meet = meet

    def met_by(self, method: str, *, about: str = "") -> slack_faults.Fault | None:
        """Count the call; `before`: it does not arrive any more."""
        arrives = self._meet() if method in _TOLD else None
        found = super().met_by(method, about=about)
        return slack_faults.Fault(drop=True) if arrives is False else found


class _DeadlyCloud(cloud_faults.Faults):
    """Kills on the n-th call if it is the POST."""

    meet: Callable[[], bool | None]

    def take(self, method: str, path: str) -> cloud_faults.Fault:
        """Count the POST; `before`: it does not arrive any more."""
        arrives = self.meet() if method == "POST" else None
        found = super().take(method, path)
        return cloud_faults.Fault(drop="before") if arrives is False else found


@dataclass(slots=True)
class _Life:
    """One process after another; the first dies at its place."""

    opened: Harness
    death: Death
    port: str
    calls: int = 0
    died: bool = False
    process: BaseProcess | None = None

    def meet(self) -> bool | None:
        """Count a call out; returns whether the one at which the process died still arrives."""
        self.calls += 1
        if self.death.place != "call" or self.calls != self.death.at or self.process is None:
            return None
        self.process.kill()
        return self.death.when == "after"

    async def live(self) -> None:
        """Start a process, and another one after each death."""
        context = beside("benchmarks.reliability.doomed")
        settings = self.opened.settings(bot_port=int(self.port))
        while True:
            doomed = self.death.place == "commit" and not self.died
            at = self.death.at if doomed else 0
            self.process = context.Process(target=run_doomed, args=(settings, at, self.death.when), daemon=True)
            self.process.start()
            while self.process.is_alive():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.05)
            self.died = True

    def end(self) -> None:
        """Kill what lives."""
        if self.process is not None:
            self.process.kill()
            self.process.join()


async def died(opened: Harness, death: Death) -> Report:
    """Play the main story with one death in it, and count; `ends` is 0 when the story ended before that place."""
    opened.clock.jump(real_time())
    opened.cloud.pace.notice = timedelta(days=9)
    life = _Life(opened, death, free_port())
    opened.slack.state.faults = _DeadlySlack(life.meet)
    deadly = _DeadlyCloud()
    deadly.meet = life.meet
    opened.cloud.faults = deadly
    opened.slack.deliver_over_http(f"http://127.0.0.1:{life.port}/slack/events")
    living = asyncio.create_task(life.live())
    report = Report(seed=death.at)
    try:
        await answering(life.port)
        await work(opened, CLUSTER, 0.0)
        await finish(opened, [CLUSTER], meanwhile=_nothing)
        await count(opened, report, [CLUSTER])
    except (AssertionError, TimeoutError) as error:
        report.problems.append(f"{type(error).__name__}: {str(error)[:800]}")
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living
        life.end()
    return replace(report, ends=int(life.died))


async def everywhere(places: Sequence[Death], *, at_once: int = 5) -> list[tuple[Death, Report]]:
    """Play them all."""
    turns = asyncio.Semaphore(at_once)
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-deaths-") as folder:
        template = Path(folder) / "template.db"
        storage = Storage.open(f"sqlite+aiosqlite:///{template}")
        await storage.migrate()
        await storage.close()

        async def one(number: int, death: Death) -> tuple[Death, Report]:
            async with turns:
                file = Path(folder) / f"{number}.db"
                shutil.copyfile(template, file)
                async with harness(f"sqlite+aiosqlite:///{file}") as opened:
                    return death, await died(opened, death)

        return list(await asyncio.gather(*(one(number, death) for number, death in enumerate(places))))


async def _nothing() -> None:
    """Do nothing meanwhile."""
