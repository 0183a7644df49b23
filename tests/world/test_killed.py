"""Processes that die: at every commit and every call of the main story, and at random moments under load."""

from pathlib import Path

from benchmarks.reliability.everywhere import deaths, everywhere
from benchmarks.reliability.killing import CLUSTERS, killed
from tests.world.harness import harness


async def test_wherever_the_process_dies_nothing_is_lost_and_nothing_is_submitted_twice() -> None:
    """A part of all places; `python -m benchmarks.reliability` tries every one."""
    problems = [f"{death}: {report}" for death, report in await everywhere(deaths(every=18)) if report.problems]

    assert not problems, "\n".join(problems)


async def test_killed_at_random_moments_under_load_it_does_the_whole_job_once(sqlite_file: str, tmp_path: Path) -> None:
    """With SQLite: what the dead process held goes on at once."""
    async with harness(sqlite_file) as opened:
        report = await killed(opened, tmp_path, seed=7, calm=1.5, clusters=CLUSTERS[:2])

    print(report)  # noqa: T201 - the counts are the proof
    assert not report.problems, report


async def test_two_replicas_are_killed_in_turn_and_the_other_goes_on(postgresql_url: str, tmp_path: Path) -> None:
    """With PostgreSQL, over Socket Mode: whoever lives serves what comes, and takes over within a lease."""
    async with harness(postgresql_url, "socket") as opened:
        report = await killed(opened, tmp_path, seed=8, size=2, calm=1.5, clusters=CLUSTERS[:2])

    print(report)  # noqa: T201 - the counts are the proof
    assert not report.problems, report
