"""`python -m benchmarks` measures everything and writes docs/performance.md; `--short` prints and checks counts."""

import argparse
import asyncio
import gc
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace

from benchmarks.commands import commands, words
from benchmarks.figures import Section
from benchmarks.moves import announcements, digests
from benchmarks.others import full, memories, searches, sizes, starts
from benchmarks.plan import Plan, plan
from benchmarks.polls import polls
from benchmarks.presses import presses, replicas
from benchmarks.readiness import readiness
from benchmarks.report import loaded_by, save, show

Benchmark = Callable[[Plan], Awaitable[list[Section]]]
BENCHMARKS: dict[str, Benchmark] = {
    "commands": commands,
    "words": words,
    "presses": presses,
    "readiness": readiness,
    "replicas": replicas,
    "searches": searches,
    "polls": polls,
    "announcements": announcements,
    "digests": digests,
    "starts": starts,
    "memories": memories,
    "full": full,
    "sizes": sizes,
}


async def measure(names: list[str], made: Plan) -> tuple[list[Section], list[str]]:
    """Run the benchmarks of these names; returns what they found, and the names of those that broke off."""
    sections: list[Section] = []
    broken: list[str] = []
    for name in names:
        begin = time.monotonic()
        try:
            found = await BENCHMARKS[name](made)
        except Exception:  # noqa: BLE001 - one that breaks off takes no other's figures away
            traceback.print_exc()
            broken.append(name)
            continue
        finally:
            print(f"{name} took {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)  # noqa: T201 - for whoever waits
        found = [replace(one, notes=(*one.notes, loaded_by())) for one in found]
        for section in found:
            show(section)
        sections += found
        if not made.short:
            save(found)
    return sections, broken


def main() -> int:
    """Return 1 when a count was wrong or a benchmark broke off, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--short", action="store_true", help="measure little, write nothing, fail on a wrong count")
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    with plan(short=given.short, with_server=True) as made:
        gc.freeze()
        sections, broken = asyncio.run(measure(names, made))
    wrong = [count for section in sections for count in section.counts if not count.right]
    for count in wrong:
        print(f"wrong count: {count.what}: {count.found:g}, expected {count.expected}")  # noqa: T201
    for name in broken:
        print(f"broken off: {name}")  # noqa: T201
    return 1 if wrong or broken else 0


if __name__ == "__main__":
    sys.exit(main())
