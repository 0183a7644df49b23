"""The fault matrix of the one call that must not be made twice: the POST that schedules an upgrade."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from benchmarks.reliability.counting import accepted
from benchmarks.reliability.matrix import Play
from bot.sandbox.avisi.faults import Fault
from bot.sandbox.slack.people.seen import Seen
from tests.world.harness import CHANNEL, Harness

POST = "*/scheduled-cluster-upgrades"
CLUSTER, VERSION = "staging/payments", "v1.31.6-u-ame.10"
Kind = Literal["waits", "unclear", "declined"]
Cloud = Literal["moves one record", "supersedes", "has no list"]
CLOUDS: tuple[Cloud, ...] = ("moves one record", "supersedes", "has no list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A fault of the POST. `done`: the cloud did the work nevertheless; `kind`: what the bot can know."""

    fault: str
    how: Mapping[str, Any]
    kind: Kind
    done: bool = False


SUBMISSIONS = (
    Submission(fault="connection refused", how={}, kind="waits"),
    Submission(fault="429 with Retry-After", how={"status": 429, "retry_after": "2"}, kind="waits"),
    Submission(fault="401", how={"status": 401}, kind="waits"),
    Submission(fault="400", how={"status": 400, "message": "Not today"}, kind="declined"),
    Submission(fault="dropped before the work", how={"drop": "before"}, kind="unclear"),
    Submission(fault="dropped after the work", how={"drop": "after"}, kind="unclear", done=True),
    Submission(fault="dropped in the middle of the answer", how={"drop": "during"}, kind="unclear", done=True),
    Submission(fault="no answer in time", how={"delay": 8.5, "drop": "before"}, kind="unclear"),
    Submission(fault="no answer in time, the work done late", how={"delay": 8.5}, kind="unclear", done=True),
    Submission(fault="500 without the work", how={"status": 500}, kind="unclear"),
    Submission(fault="500 with the work", how={"status": 500, "work": True}, kind="unclear", done=True),
    Submission(fault="502, a web page, without the work", how={"status": 502, "body": "html"}, kind="unclear"),
    Submission(
        fault="502, a web page, with the work",
        how={"status": 502, "body": "html", "work": True},
        kind="unclear",
        done=True,
    ),
    Submission(fault="503 with Retry-After", how={"status": 503, "retry_after": "2"}, kind="unclear"),
    Submission(fault="200 with garbage, without the work", how={"status": 200, "body": "garbage"}, kind="unclear"),
    Submission(
        fault="200 with garbage, with the work",
        how={"status": 200, "body": "garbage", "work": True},
        kind="unclear",
        done=True,
    ),
    Submission(
        fault="200 with nothing, with the work",
        how={"status": 200, "body": "empty", "work": True},
        kind="unclear",
        done=True,
    ),
)


def expected(case: Submission, cloud: Cloud) -> str:
    """Say what has to come of it, as the table shows it."""
    if case.kind == "declined":
        return "failed, with the cloud's words; accepted 0"
    if case.kind == "waits":
        return "waits, sent again; accepted 1"
    if cloud == "has no list":
        return "asks an approver, who submits again; accepted " + ("2, by decision" if case.done else "1")
    return "looks, finds it, adopts it; accepted 1" if case.done else "looks, sends it again; accepted 1"


async def play(opened: Harness, case: Submission, cloud: Cloud) -> str:
    """Ask, approve while the fault is there, and say what came of it, having looked at card, thread and cloud."""
    opened.cloud.quirks.reschedule = "supersede" if cloud == "supersedes" else "move"
    opened.cloud.quirks.list_status = 404 if cloud == "has no list" else None
    opened.cloud.schedule_elsewhere(CLUSTER, VERSION)  # somebody else has scheduled the same already
    opened.clock.advance(timedelta(hours=1))
    await opened.open_bot()
    card = await opened.request(CLUSTER, version=VERSION)
    if case.how:
        opened.cloud.faults.add(Fault(method="POST", path=POST, **case.how))
    else:
        await opened.cloud.go_down()
    await opened.sem.press(CHANNEL, card.ts, "Approve")
    if not case.how:
        await opened.card(card, "Not through yet")
        await opened.cloud.come_back()
    if case.kind == "declined":
        await opened.card(card, "Not today")
        await opened.sem.reply(CHANNEL, card.ts, "The upgrade was not scheduled")
        return f"failed, with the cloud's words; accepted {_count(opened)}"
    unclear = case.kind == "unclear" and cloud == "has no list"
    if unclear:
        shown = await opened.card(card, "or else Submit again")
        assert _count(opened) == case.done, "it was sent again although nobody could look"
        assert "Submit again" in shown.buttons
        await opened.sem.reply(CHANNEL, card.ts, "We could not confirm that the upgrade was scheduled")
        await opened.kim.press(CHANNEL, card.ts, "Submit again")
    await _confirmed(opened, card)
    return _told(opened, case, unclear=unclear, sent=opened.submissions())


def _told(opened: Harness, case: Submission, *, unclear: bool, sent: int) -> str:
    count = _count(opened)
    if unclear:
        return f"asks an approver, who submits again; accepted {count}{', by decision' if count == 2 else ''}"
    if case.kind == "waits":
        return f"waits, sent again; accepted {count}"
    if case.done:
        assert sent == 1, f"sent {sent} times"
        return f"looks, finds it, adopts it; accepted {count}"
    assert sent == 2, f"sent {sent} times"
    return f"looks, sends it again; accepted {count}"


async def _confirmed(opened: Harness, card: Seen) -> None:
    """Wait until card and thread tell that the cloud has it."""
    await opened.card(card, "Submitted to Avisi Cloud")
    await opened.sem.reply(CHANNEL, card.ts, "Submitting now.")


def _count(opened: Harness) -> int:
    return sum(accepted(opened.cloud).values())


def plays(*clouds: Cloud) -> list[Play]:
    """Return every case against these kinds of cloud."""
    return [
        Play(
            call=f"POST scheduled-cluster-upgrades (the cloud {cloud})",
            fault=case.fault,
            expected=expected(case, cloud),
            play=partial(play, case=case, cloud=cloud),
            changes={"bot_poll_seconds": 5},
        )
        for cloud in clouds
        for case in SUBMISSIONS
    ]


def short() -> list[Play]:
    """Return each fault once, against one kind of cloud after the other."""
    everything = plays(*CLOUDS)
    faults = len(SUBMISSIONS)
    return [everything[(number % len(CLOUDS)) * faults + number] for number in range(faults)]
