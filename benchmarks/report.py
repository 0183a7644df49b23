"""Prints what was measured, keeps it, and writes the table into docs/performance.md."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.figures import Count, Row, Section
from benchmarks.stage import ROOT

PAGE = ROOT / "docs" / "performance.md"
KEPT = Path(__file__).with_name("results.json")
_BEGIN, _END = "<!-- measured -->", "<!-- end of measured -->"
_HEAD = "| what | bot | floor | ratio (spread) | goal | met |\n| --- | --- | --- | --- | --- | --- |\n"


def table(section: Section) -> str:
    """Draw a section as Markdown."""
    lines = "".join(f"| {' | '.join(row.cells())} |\n" for row in section.rows)
    wrong = [count for count in section.counts if not count.right]
    counted = f"\nCounts checked: {len(section.counts)}, wrong: {len(wrong)}.\n" if section.counts else ""
    notes = "".join(f"\n{note}\n" for note in section.notes)
    return f"### {section.title}\n\n{_HEAD if section.rows else ''}{lines}{notes}{counted}"


def show(section: Section) -> None:
    """Print a section."""
    print(table(section), flush=True)  # noqa: T201 - this is what the command is for


def save(sections: Iterable[Section]) -> None:
    """Keep the sections, in the place of those of the same title, and write the page anew."""
    known = json.loads(KEPT.read_text())["sections"] if KEPT.exists() else {}
    known |= {section.title: asdict(section) for section in sections}
    KEPT.write_text(json.dumps({"machine": machine(), "sections": known}, indent=1) + "\n")
    drawn = "\n".join(table(_read(one)) for one in known.values())
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    PAGE.write_text(f"{before}{_BEGIN}\n\n{machine()}\n\n{drawn}\n{_END}{after}")


def loaded_by() -> str:
    """Say how busy the machine is, which is what a spread is to be read with."""
    return f"Load average when this was measured: {os.getloadavg()[0]:.1f}."


def machine() -> str:
    """Describe the machine and the day in one sentence."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_model()}), {memory:.0f} GiB, "  # noqa: TID251
        f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}."
    )


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _read(kept: dict[str, object]) -> Section:
    rows = tuple(Row(**row) for row in kept["rows"])  # type: ignore[attr-defined]
    counts = tuple(Count(**count) for count in kept["counts"])  # type: ignore[attr-defined]
    return Section(title=str(kept["title"]), rows=rows, counts=counts, notes=tuple(kept["notes"]))  # type: ignore[arg-type]
