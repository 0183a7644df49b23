"""The fault matrix of everything that is sent to Slack: nothing is lost, repeats come only of unknown outcomes."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from benchmarks.reliability.counting import STRUCK, cards, hurry, is_card, rows, settled
from benchmarks.reliability.matrix import Play
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.people.seen import Seen
from tests.world.harness import CHANNEL, Harness

Moment = Literal["card, thread and direct message", "card redrawn", "reminder in the channel", "private answer", "who"]
MOMENTS: dict[Moment, tuple[str, ...]] = {
    "card, thread and direct message": ("chat.postMessage",),
    "card redrawn": ("chat.update",),
    "reminder in the channel": ("chat.postMessage",),
    "private answer": ("response_url",),
    "who": ("users.info", "usergroups.users.list"),
}
CALLS: dict[Moment, str] = {
    "card, thread and direct message": "chat.postMessage: card, thread, direct message",
    "card redrawn": "chat.update: card",
    "reminder in the channel": "chat.postMessage: reminder in the channel",
    "private answer": "response_url: private answer",
    "who": "users.info, usergroups.users.list: who decides",
}
CLUSTER, SLUG = "staging/payments", "payments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault, met by the next `times` calls of each method. `twice`: what was sent may have arrived all the same."""

    fault: str
    how: Mapping[str, Any]
    times: int = 2
    twice: bool = False


TROUBLES = (
    Trouble(fault="429 with Retry-After", how={"retry_after": 1}),
    Trouble(fault="500", how={"status": 500}),
    Trouble(fault="500 with the work", how={"status": 500, "after": True}, twice=True),
    Trouble(fault="502, garbage", how={"status": 502, "garbage": True}),
    Trouble(fault="200, garbage", how={"garbage": True}),
    Trouble(fault="dropped before the work", how={"drop": True}),
    Trouble(fault="dropped after the work", how={"drop": True, "after": True}, twice=True),
    Trouble(fault="internal_error", how={"error": "internal_error"}),
    Trouble(fault="internal_error with the work", how={"error": "internal_error", "after": True}, twice=True),
    Trouble(fault="no answer in time", how={"delay": 12.5, "drop": True}, times=1),
    Trouble(fault="no answer in time, the work done late", how={"delay": 12.5}, times=1, twice=True),
)
_ONCE_ONLY = ("card, thread and direct message", "reminder in the channel", "private answer")


def expected(trouble: Trouble, moment: Moment) -> str:
    """Say what has to come of it, as the table shows it."""
    if trouble.twice and moment in _ONCE_ONLY:
        return f"told, {trouble.times} repeated"
    return "told once"


async def play(opened: Harness, trouble: Trouble, moment: Moment) -> str:
    """Break it at that moment, wait until nothing is owed, and count."""
    await opened.open_bot()

    def break_it() -> None:
        for method in MOMENTS[moment]:
            opened.slack.faults.add(method, Fault(**trouble.how), times=trouble.times)

    match moment:
        case "card, thread and direct message":
            break_it()
            await ask(opened)
        case "card redrawn":
            await approve_on_card(opened, break_it)
        case "who":
            await approve_on_card(opened, break_it)
        case "reminder in the channel":
            await opened.approved(CLUSTER)
            await settled(opened.url)
            break_it()
            opened.cloud.step()
            opened.cloud.step()
            await opened.sem.message(CHANNEL, "Reminder")
        case "private answer":
            card = await opened.request(CLUSTER)
            break_it()
            await opened.sem.press(CHANNEL, card.ts, "Withdraw")
            await opened.sem.private(CHANNEL, "Only the requester")
    await settled(opened.url)
    if trouble.twice and "delay" in trouble.how:
        await asyncio.sleep(4)  # what is late arrives after what was sent again
    return await judged(opened, moment)


async def ask(opened: Harness) -> None:
    """Ask as a person does, and wait for no card."""
    modal = await opened.form(CLUSTER)
    if not modal.field("Version").value:
        await opened.roos.choose("Version", modal.field("Version").options[0])
    await opened.sent()
    await opened.sem.message(CHANNEL, f"{SLUG}: upgrade to")


async def approve_on_card(opened: Harness, break_it: Any) -> None:  # noqa: ANN401 - a callable without arguments
    """Ask, break it, approve."""
    await ask(opened)
    await settled(opened.url)
    break_it()
    await opened.sem.press(CHANNEL, cards(opened, SLUG)[-1].ts, "Approve")
    await opened.sem.message(CHANNEL, f"{SLUG}: upgrade to", "Submitted to Avisi Cloud")


async def judged(opened: Harness, moment: Moment) -> str:
    """Count repeats, and let a press on an orphan count."""
    repeats = repeated(opened)
    found = cards(opened, SLUG)
    if moment == "card, thread and direct message" and len(found) > 1:
        kept = {ts for (ts,) in await rows(opened.url, "SELECT ts FROM cards")}
        await press_orphan(opened, next(one for one in found if one.ts not in kept))
    elif moment == "card, thread and direct message":
        await opened.sem.press(CHANNEL, found[0].ts, "Approve")
        await settled(opened.url)
    missing = lost(opened, moment)
    assert not missing, f"never told: {missing}"
    return f"told, {repeats} repeated" if repeats else "told once"


async def press_orphan(opened: Harness, orphan: Seen) -> None:
    """Press on a card that was posted twice: it counts, and the orphan is struck out with a link."""
    await opened.sem.press(CHANNEL, orphan.ts, "Approve")
    await settled(opened.url)
    now = {one.ts: one for one in opened.sem.messages(CHANNEL)}
    assert STRUCK in now[orphan.ts], now[orphan.ts].shown
    assert now[orphan.ts].buttons == ()
    assert [one for one in now.values() if "Submitted to Avisi Cloud" in one], "the press on the orphan did not count"


def repeated(opened: Harness) -> int:
    """Count messages that say again what another says: cards of a request, and equal texts in one place."""
    said: Counter[tuple[str, ...]] = Counter()
    for one in opened.slack.state.messages.everything():
        if one.user != opened.slack.app.bot_user_id:
            continue
        drawn = one.channel == CHANNEL and is_card(one.text, SLUG) and not one.thread_ts
        what = "card" if drawn else one.text
        said[one.channel, one.only_for or "", "thread" if one.thread_ts else "", what] += 1
    return sum(number - 1 for number in said.values())


def lost(opened: Harness, moment: Moment) -> list[str]:
    """Name what should have been posted and was not."""
    texts = [(one.channel, bool(one.thread_ts), one.text) for one in opened.slack.state.messages.everything()]
    wanted = [("D0ROOS", False, "Your request was received")]
    if moment != "private answer":
        wanted.append((CHANNEL, True, "approved (1 of 1). Submitting now."))
    return [
        words
        for channel, in_thread, words in wanted
        if not any(place == channel and at == in_thread and words in text for place, at, text in texts)
    ]


def plays(*troubles: Trouble) -> list[Play]:
    """Return every fault at every moment."""
    return [
        Play(
            call=CALLS[moment],
            fault=trouble.fault,
            expected=expected(trouble, moment),
            play=partial(play, trouble=trouble, moment=moment),
            changes={"bot_poll_seconds": 1 if moment.startswith("reminder") else 5},
        )
        for trouble in troubles or TROUBLES
        for moment in MOMENTS
        if (trouble.fault, moment) != ("200, garbage", "private answer")  # Slack promises no body there
    ]


def short() -> list[Play]:
    """Return a part in which every fault and every moment occurs: quick ones everywhere, slow ones once."""
    everything = plays()
    count = len(MOMENTS)
    return [one for number, one in enumerate(everything) if (number // count + number) % 3 == 0]


async def closed_channel(opened: Harness, how: str) -> str:
    """Close the channel to the bot, ask, open it again: what waited is posted, and meanwhile the requester knows."""
    await opened.open_bot()
    workspace, app = opened.slack.workspace, opened.slack.app
    channel = workspace.channels[CHANNEL]
    match how:
        case "archived":
            channel.archived = True
        case "the bot removed":
            channel.members.discard(app.bot_user_id)
        case "restricted":
            channel.restricted = True
        case "token refused for a while":
            opened.slack.faults.add("chat.postMessage", Fault(error="invalid_auth"), times=None)
    modal = await opened.form(CLUSTER, channel="C0GENERAL")
    if not modal.field("Version").value:
        await opened.roos.choose("Version", modal.field("Version").options[0])
    await opened.roos.submit()
    if how == "token refused for a while":
        await asyncio.sleep(2)
    else:
        await opened.roos.direct("cannot post in")
    channel.archived = channel.restricted = False
    channel.members.add(app.bot_user_id)
    opened.slack.faults.clear()
    await hurry(opened.url)
    await opened.sem.message(CHANNEL, f"{SLUG}: upgrade to")
    await hurry(opened.url)
    await settled(opened.url)
    repeats = repeated(opened)
    assert len(cards(opened, SLUG)) == 1
    return f"told, {repeats} repeated" if repeats else "told once"


def closed() -> list[Play]:
    """Return the cases in which Slack does not let the bot in for a while."""
    return [
        Play(
            call="chat.postMessage: everything",
            fault=how,
            expected="told once",
            play=partial(closed_channel, how=how),
            changes={"bot_poll_seconds": 5},
        )
        for how in ("archived", "the bot removed", "restricted", "token refused for a while")
    ]
