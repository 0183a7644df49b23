"""Generates docs/reliability.md: what is promised, how it is proven, the table of faults, and the last figures."""
# ruff: noqa: E501 - a line of a Markdown table cannot be broken

from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability import posting_cases, reading_cases, submission_cases
from benchmarks.reliability.matrix import Play

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
FIGURES = "## Last figures"
_PROMISES = """# Nothing lost, nothing twice

What the bot promises when things break, how each promise is proven, and what came out. The proofs run the whole bot
against a simulated Slack and a simulated cloud over real HTTP and Socket Mode, and count at those two what really
happened. A part of each runs with every `pytest`; all of it runs with `python -m benchmarks.reliability --minutes 60`.
`--seed` plays another order, `--only` one proof, `--write` puts the figures into this page.

| promise | how it is kept | proven by |
| --- | --- | --- |
| What a person decided is never lost | stored before it is acknowledged; who cannot be served is told so | kill everywhere, kill at random, rolling deploy, degraded days |
| An approved request is submitted once | stored before it is sent; after an unclear answer the bot looks whether the cloud has it, and sends again only if not; where there is no list it asks an approver | fault matrix, kill everywhere, replicas |
| Each move of an upgrade is told | the move and what is told of it are stored together, under a key of its own | kill everywhere, kill at random |
| A message is repeated only when the outcome of its post is unknown | no call is repeated by the client; every kind of failure is sorted by whether the message may have arrived | fault matrix |
| A press on a card that was posted twice counts | the press names the request; the orphan is struck out with a link to the card | fault matrix |
| A repeated delivery changes nothing | each delivery has a key that is stored once | repeated deliveries, any order |
| Two people at one moment make one decision | a request is written only over the revision that was read | repeated deliveries, any order |
| One replica does each piece of work, another takes over within 30 seconds | leases of 20 seconds by the database's time, with a number that rises | replicas |
| A replica with an older policy judges nothing | the policy that a process started with last is in force; that is looked up in the transaction that stores a decision or a submission | replicas |
| A stalled replica records nothing, tells nothing and does not submit | its lease number is checked in the transaction, and before anything is sent; who was held up goes back | replicas |
| SQLite serves one process | a lock on the file, freed by its death | a second process is refused |
| Shutdown takes at most 10 seconds and leaves every lease free | work in hand is finished or broken off, then leases are given back | SIGTERM in the middle of a submission |
| Hostile requests do nothing | size, type, age and the signature's shape are checked before a body is read, the signature before it is parsed | 34 kinds of bad request |
| Nobody who has not proven to be Slack holds up anybody else | connections, their time and their bytes are bounded; one request begins in each turn; `/readyz` and `/metrics` are kept for a moment; a few log lines a minute | hostile requests: nine kinds of crowd, while people work |

Proofs: `tests/world/test_submitting_faults.py`, `test_posting_faults.py`, `test_reading_faults.py` (fault matrix),
`test_killed.py` (kill everywhere, kill at random), `test_replicas.py` (rolling deploy too), `test_repeated_deliveries.py`,
`test_degraded_days.py`, `test_hostile_requests.py`, `test_soak.py`, `test_running.py` (a second process),
`tests/workflow/test_any_order.py` and `test_every_order.py` (press, retry, poll, edit and crash in any order, judged by an
oracle).

## What is broken, and what comes of it

`accepted` counts what the cloud took from the bot for one approved request. In every submission another upgrade of the
same cluster to the same version is scheduled already, so that the bot has to tell its own from it. "Repeated" counts
messages that people see more than once; in those lines the fault was met by as many calls.

| call | fault | outcome |
| --- | --- | --- |
"""


def table_of(plays: Sequence[Play]) -> str:
    """Draw the table; each line is asserted by a test."""
    return "".join(f"| {play.call} | {play.fault} | {play.expected} |\n" for play in plays)


def page() -> str:
    """Draw everything but the figures."""
    plays = [*submission_cases.plays(*submission_cases.CLOUDS), *posting_cases.plays(), *posting_cases.closed()]
    plays += reading_cases.plays()
    return _PROMISES + table_of(plays)


def figures() -> dict[str, str]:
    """Read the figures of the page, by proof."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = [line[2:] for line in text.partition(FIGURES)[2].splitlines() if line.startswith("- ")]
    return {name: said for name, _, said in (line.partition(": ") for line in lines)}


def write(new: dict[str, str]) -> None:
    """Write the page, with these figures in the place of those of the same proofs."""
    merged = figures() | new
    said = "".join(f"- {name}: {what}\n" for name, what in sorted(merged.items()))
    PAGE.write_text(f"{page()}\n{FIGURES}\n\n{said}", encoding="utf-8")
