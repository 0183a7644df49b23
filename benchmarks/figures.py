"""Figures: percentiles, ratios of paired runs, and the lines of the table."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return percentile(values, 0.99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One paired run: a figure of the bot and the same of the floor."""

    bot: float
    floor: float

    @property
    def ratio(self) -> float:
        """Return how many floors the bot is."""
        return self.bot / self.floor


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table. `goal` is in words; `met` is None where there is nothing to miss."""

    what: str
    bot: str
    floor: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells."""
        verdict = {True: "yes", False: "no", None: ""}[self.met]
        return self.what, self.bot, self.floor, self.ratio, self.goal, verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """A number that does not depend on the machine: calls, messages, modules."""

    what: str
    found: float
    expected: str
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What one benchmark found: lines, counts, and sentences that belong under the table."""

    title: str
    rows: tuple[Row, ...] = ()
    counts: tuple[Count, ...] = ()
    notes: tuple[str, ...] = ()


def exactly(what: str, found: float, expected: float) -> Count:
    """Count what has to be exactly so many."""
    return Count(what=what, found=found, expected=f"{expected:g}", right=found == expected)


def at_most(what: str, found: float, expected: float) -> Count:
    """Count what may not be more."""
    return Count(what=what, found=found, expected=f"at most {expected:g}", right=found <= expected)


def compared(
    what: str,
    pairs: Sequence[Pair],
    *,
    goal: float,
    draw: Callable[[float], str],
    more_is_better: bool = False,
    below: float | None = None,
) -> Row:
    """Make the line of paired runs: medians of both sides, and median and spread of the ratio.

    The goal is a ratio, and for the bot's own median also to be `below` a figure, if one is given.
    """
    middle = statistics.median(pair.ratio for pair in pairs)
    met = middle >= goal if more_is_better else middle <= goal
    said = f"{'≥' if more_is_better else '≤'} {goal:g}×"
    if below is not None:
        met = met and statistics.median(pair.bot for pair in pairs) < below
        said = f"{said}, < {draw(below)}"
    return replace(against(what, pairs, draw=draw), goal=said, met=met)


def against(what: str, pairs: Sequence[Pair], *, draw: Callable[[float], str]) -> Row:
    """Make a line that explains another: the same figures without a goal."""
    ratios = [pair.ratio for pair in pairs]
    return Row(
        what=what,
        bot=draw(statistics.median(pair.bot for pair in pairs)),
        floor=draw(statistics.median(pair.floor for pair in pairs)),
        ratio=f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def ms(seconds: float) -> str:
    """Write seconds as milliseconds."""
    return f"{1000 * seconds:.2f} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"  # noqa: PLR2004


def mib(size: float) -> str:
    """Write bytes as MiB."""
    return f"{size / 2**20:.1f} MiB"


def rate(per_second: float) -> str:
    """Write a throughput."""
    return f"{per_second:.0f}/s"
