"""Words for stories about approvals: a bot under a policy, presses that are refused, what the audit trail says."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.sandbox.slack.blockkit.elements import interactive
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.person import PersonInSlack
from bot.sandbox.slack.people.seen import Seen
from tests.world.harness import CHANNEL, Harness, harness

BASE = '[defaults]\nchannel = "C0UPGRADES"\napprovers = ["S0PLATFORM"]\n'
"""One approval by Sem or Kim; whatever a story adds to it goes into `[defaults]`, or follows in tables."""
TWO = f"{BASE}required_approvals = 2\n"


@asynccontextmanager
async def under(policy: str, folder: Path) -> AsyncIterator[Harness]:
    """Start a world whose bot obeys this policy file, over HTTP and SQLite."""
    async with harness(f"sqlite+aiosqlite:///{folder / 'bot.db'}") as opened:
        await obey(opened, policy, folder)
        yield opened


async def obey(opened: Harness, policy: str, folder: Path) -> None:
    """Start the bot, or start it again, under this policy; what it knew of people is forgotten."""
    opened.policy_file = folder / "policy.toml"
    opened.policy_file.write_text(policy, encoding="utf-8")
    for bot in list(opened.bots):
        await opened.close_bot(bot)
    await opened.open_bot()


async def answered(person: PersonInSlack, card: Seen, button: str) -> str:
    """Press a button of a card, and return the private answer that comes of it."""
    before = {message.ts for message in person.messages(CHANNEL)}
    await person.press(CHANNEL, card.ts, button)
    return await new_answer(person, before)


async def new_answer(person: PersonInSlack, before: set[str]) -> str:
    """Return what only this person sees and did not see before."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for message in person.messages(CHANNEL):
                if message.private and message.ts not in before:
                    return message.shown
            await asyncio.sleep(0.02)


def as_it_is(opened: Harness, card: Seen) -> Message:
    """Keep a card as a screen may still show it later."""
    message = opened.slack.state.messages.find(CHANNEL, card.ts)
    assert message is not None
    return copy.deepcopy(message)


async def press_old(person: PersonInSlack, old: Message, button: str) -> str:
    """Press a button of a card as it was, and return the private answer."""
    before = {message.ts for message in person.messages(CHANNEL)}
    one = next(one for one in interactive(old.blocks) if one.element.get("text", {}).get("text") == button)
    await person._interactions.act_on_message(person.id, old, one, used={}, values={})
    return await new_answer(person, before)


async def reject(person: PersonInSlack, card: Seen, reason: str) -> None:
    """Reject a request in its modal."""
    await person.press(CHANNEL, card.ts, "Reject")
    await person.modal("Reject upgrade")
    await person.fill("Reason", reason)
    await person.submit()


def told(opened: Harness, card: Seen, words: str) -> list[Seen]:
    """Return the lines of a card's thread with these words."""
    return [line for line in opened.sem.thread(CHANNEL, card.ts)[1:] if words in line]


async def told_often(opened: Harness, card: Seen, words: str, often: int) -> list[Seen]:
    """Return the lines of a card's thread with these words once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(lines := told(opened, card, words)) < often:  # noqa: ASYNC110 - looks at another server's state
            await asyncio.sleep(0.02)
    return lines


async def events(opened: Harness, kind: str = "") -> list[dict[str, Any]]:
    """Return the audit trail, or what it has of one kind, oldest first."""
    trail = opened.bots[-1].storage.audit_trail.events(since=None, cluster=None, request=None)
    return [event async for event in trail if kind in {"", event["kind"]}]
