"""The long runs: `python -m benchmarks.reliability [--minutes 60] [--seed 1] [--only NAME] [--write]`."""

import argparse
import asyncio
import signal
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.reliability import orders, page, posting_cases, reading_cases, submission_cases
from benchmarks.reliability.attackers import KINDS
from benchmarks.reliability.everywhere import deaths, everywhere
from benchmarks.reliability.hostile import costs
from benchmarks.reliability.killing import Report, killed, rolled
from benchmarks.reliability.matrix import Play, broken, played
from benchmarks.reliability.soak import soaked
from tests import postgresql
from tests.workflow.test_any_order import TestStory
from tests.world.harness import Transport, harness

_KILLING_ROUNDS = 6
_CALM = 1.0
_STORIES = 1000
_ATTACKED = 10.0
"""Seconds for each kind of attack."""


async def submissions(_: argparse.Namespace) -> tuple[str, str]:
    """Break the POST in every way, against every kind of cloud."""
    return await _matrix(submission_cases.plays(*submission_cases.CLOUDS))


async def posts(_: argparse.Namespace) -> tuple[str, str]:
    """Break every call to Slack at every moment."""
    return await _matrix([*posting_cases.plays(), *posting_cases.closed()])


async def reads(_: argparse.Namespace) -> tuple[str, str]:
    """Break what only opens, refreshes or reads."""
    return await _matrix(reading_cases.plays())


async def places(options: argparse.Namespace) -> tuple[str, str]:
    """Die at every commit and every call."""
    told = await everywhere(deaths(every=options.every))
    met = [report for _, report in told if report.ends]
    repeats, accepted = sum(report.repeats for _, report in told), sum(report.accepted for _, report in told)
    problems = "\n".join(f"{death}: {report}" for death, report in told if report.problems)
    said = (
        f"{len(met)} deaths, each in a story of its own; {len(told)} requests approved, {accepted} accepted by the "
        f"cloud; messages repeated: {repeats}"
    )
    return said, problems


async def kills(options: argparse.Namespace) -> tuple[str, str]:
    """Kill a process again and again while people work, over each transport; on PostgreSQL two of them in turn."""
    reports: list[tuple[str, Report]] = []
    with ExitStack() as stack:
        for number in range(_KILLING_ROUNDS):
            transport: Transport = "socket" if number % 2 else "http"
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="upgrade-bot-kills-")))
            async with harness(f"sqlite+aiosqlite:///{folder / 'bot.db'}", transport) as opened:
                reports.append(("SQLite", await killed(opened, folder, seed=options.seed + number, calm=_CALM)))
        server = stack.enter_context(postgresql.running(folder / "postgresql"))
        for number in range(_KILLING_ROUNDS):
            url = await postgresql.make(server)
            async with harness(url, "socket") as opened:
                report = await killed(opened, folder, seed=options.seed + number, size=2, calm=_CALM)
                reports.append(("two replicas on PostgreSQL", report))
            await postgresql.drop(server, url)
    problems = [f"{where}: {report}" for where, report in reports if report.problems]
    return "; ".join(_summed(where, reports) for where in dict(reports)), "\n".join(problems)


def _summed(where: str, reports: list[tuple[str, Report]]) -> str:
    """Add up what was counted at one place."""
    found = [report for place, report in reports if place == where]
    return (
        f"{where}, seeds {found[0].seed} to {found[-1].seed}: {sum(one.ends for one in found)} processes killed, "
        f"{sum(one.approved for one in found)} requests approved, {sum(one.accepted for one in found)} accepted by the "
        f"cloud, {sum(one.reminders for one in found)} reminders; "
        f"messages repeated: {sum(one.repeats for one in found)}"
    )


async def rolls(options: argparse.Namespace) -> tuple[str, str]:
    """Replace one of two processes after the other while people work, over each transport."""
    reports: dict[str, Report] = {}
    transports: tuple[Transport, ...] = ("http", "socket")
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-rolls-") as name:
        folder = Path(name)
        with postgresql.running(folder / "postgresql") as server:
            for transport in transports:
                url = await postgresql.make(server)
                async with harness(url, transport) as opened:
                    reports[transport] = await rolled(opened, folder, seed=options.seed)
                await postgresql.drop(server, url)
    problems = [f"{where}: {report}" for where, report in reports.items() if report.problems]
    return ". ".join(f"over {where}, {report}" for where, report in reports.items()), "\n".join(problems)


async def any_order(options: argparse.Namespace) -> tuple[str, str]:
    """Play stories of random steps, judged by an oracle."""
    said = f"seed {options.seed}: {_STORIES} stories of up to {TestStory.settings.stateful_step_count} steps"
    try:
        await asyncio.to_thread(orders.played, stories=_STORIES, seed=options.seed)
    except Exception:  # noqa: BLE001 - whatever it is, it was found
        return said, traceback.format_exc()
    return f"{said}; every rule held", ""


async def soak(options: argparse.Namespace) -> tuple[str, str]:
    """Traffic at speed for a while."""
    found = await soaked(minutes=options.minutes, seed=options.seed)
    return str(found), "\n".join(found.problems)


async def hostile(_: argparse.Namespace) -> tuple[str, str]:
    """Let crowds of strangers at it, one kind after the other, while people work."""
    found = await costs(list(KINDS), seconds=_ATTACKED)
    return "; ".join(map(str, found)), "\n".join(str(cost) for cost in found if not cost.bearable())


PROOFS: dict[str, Callable[[argparse.Namespace], Awaitable[tuple[str, str]]]] = {
    "fault matrix, cloud": submissions,
    "fault matrix, Slack": posts,
    "fault matrix, reads": reads,
    "kill everywhere": places,
    "kill at random": kills,
    "rolling deploy": rolls,
    "any order": any_order,
    "hostile requests": hostile,
    "soak": soak,
}


async def _matrix(plays: list[Play]) -> tuple[str, str]:
    rows = await played(plays)
    return f"{sum(row.holds for row in rows)} of {len(rows)} lines hold", broken(rows)


async def _run(options: argparse.Namespace) -> int:
    failed = False
    for name, proof in PROOFS.items():
        if options.only and options.only not in name:
            continue
        said, problems = await proof(options)
        sys.stdout.write(f"{name}: {said}\n{problems}\n" if problems else f"{name}: {said}\n")
        sys.stdout.flush()
        failed = failed or bool(problems)
        if options.write and not problems:
            page.write({name: said})
    return int(failed)


def main() -> int:
    """Run what was asked for; 1 when a promise did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description="Breaks things, and counts.")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the soak lasts")
    parser.add_argument("--seed", type=int, default=1, help="another order of random moments")
    parser.add_argument("--every", type=int, default=1, help="die only at every n-th place")
    parser.add_argument("--only", default="", help=f"one of: {', '.join(PROOFS)}")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it ends its processes too
    return asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
