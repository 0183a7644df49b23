"""The story of two upgrades and a rollout, played without a browser and printed as a transcript."""

import asyncio
import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.sandbox.rollout_story import RolloutStory
from bot.sandbox.slack.people.seen import NotShownError, Seen
from bot.sandbox.slack.seed import APPROVER, REQUESTER
from bot.sandbox.world import World

CHANNEL = "C0UPGRADES"
_PATIENCE = 60.0
_WHOLE = 300.0
_FIELD = re.compile(r"^\*([A-Z][a-z ]+)\*\n", re.MULTILINE)
_DATE = re.compile(r"<!date\^(\d+)\^([^|>]*)\|[^>]*>")
_SPAN = re.compile(r"(\d\d:\d\d) (\S+)–(\d\d:\d\d \2)")
_ZONE = ZoneInfo("Europe/London")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)>")
_LINK = re.compile(r"<https?://[^|>]+\|([^>]+)>")


class Story:
    """Plays and tells; `say` takes one line at a time."""

    def __init__(self, world: World, *, say: Callable[[str], None]) -> None:
        self._world = world
        self._say = say
        self._roos = world.slack.person(REQUESTER)
        self._sem = world.slack.person(APPROVER)

    async def play(self) -> bool:
        """Play the whole story; False when something did not come as it should, and then it says what."""
        self._world.slack.be_patient(_PATIENCE)
        try:
            async with asyncio.timeout(_WHOLE):
                await self._succeeding()
                await self._failing()
                await self._rolling_out()
        except (NotShownError, TimeoutError) as error:
            self._say(f"The story broke off: {error or 'it took too long'}")
            return False
        self._say("The end: one upgrade succeeded, one failed, a rollout is done, and the channel heard of it all.")
        return True

    async def _succeeding(self) -> None:
        self._heading("1. An upgrade is asked for, approved and carried out")
        card = await self._request("orders", "it is due")
        await self._approve(card)
        self._note("The cloud's clock is stepped on to the next event, again and again.")
        await self._until("scheduled notified", "The reminder in #cluster-upgrades", "Upcoming")
        await self._until("succeeded", "The upgrade ends well", "")
        self._show(
            await self._sem.message(CHANNEL, "upgrade to", "Done: the cluster now runs", within=_PATIENCE),
            "The card now",
        )

    async def _failing(self) -> None:
        self._heading("2. Another one fails")
        self._world.cloud.outcome("fail")
        card = await self._request("webshop", "security fixes")
        await self._approve(card)
        await self._until("failed", "The alert in #cluster-upgrades", "No further attempt is scheduled.")

    async def _rolling_out(self) -> None:
        self._heading("3. One version goes through several clusters")
        self._world.cloud.outcome("succeed")
        story = RolloutStory(
            world=self._world, channel=CHANNEL, roos=self._roos, sem=self._sem, say=self._say, show=self._show
        )
        await story.play()

    async def _request(self, cluster: str, reason: str) -> Seen:
        command = self._world.slack.app.commands[0].name
        self._say(f'\nRoos types {command} and fills in the form "Schedule upgrade".')
        await self._roos.command(CHANNEL, command)
        modal = await self._roos.modal("Schedule upgrade", containing="Cluster", within=_PATIENCE)
        wanted = next(option for option in modal.field("Cluster").options if cluster in option)
        await self._roos.choose("Cluster", wanted)
        modal = await self._roos.modal("Schedule upgrade", containing="Version", within=_PATIENCE)
        version = modal.field("Version").options[0]
        await self._roos.choose("Version", version)
        await self._roos.fill("Reason", reason)
        self._say(f"    Cluster: {wanted}\n    Version: {version}\n    Reason: {reason}")
        outcome = await self._roos.submit()
        if outcome.errors:
            raise NotShownError(str(outcome.errors))
        card = await self._sem.message(CHANNEL, "upgrade to", cluster, "0 of 1", within=_PATIENCE)
        self._show(card, "The card in #cluster-upgrades")
        return card

    async def _approve(self, card: Seen) -> None:
        self._say("\nSem presses Approve.")
        await self._sem.press(CHANNEL, card.ts, "Approve")
        self._show(await self._sem.private(CHANNEL, "pproved", within=_PATIENCE), "Only Sem sees")
        done = await self._sem.reply(CHANNEL, card.ts, "approved", "Submitting", within=_PATIENCE)
        self._show(done, "In the thread")

    async def _until(self, status: str, title: str, words: str) -> None:
        """Step the cloud until its newest upgrade has a status, and show what the channel says of it."""
        for _ in range(12):
            newest = self._world.cloud.upgrades[-1]
            if newest.status.lower().replace("_", " ") == status:
                break
            self._world.cloud.step()
            await asyncio.sleep(1.5)
        if words:
            self._show(await self._sem.message(CHANNEL, words, within=_PATIENCE), title)

    def _heading(self, text: str) -> None:
        self._say(f"\n{text}\n{'=' * len(text)}")

    def _note(self, text: str) -> None:
        self._say(f"\n{text}")

    def _show(self, message: Seen, title: str) -> None:
        self._say(f"\n{title}:")
        lines = [line for line in self._plain(message.shown).splitlines() if line not in {"", *message.buttons}]
        self._say(textwrap.indent("\n".join(lines), "    | "))
        if message.buttons:
            self._say(f"    | [{'] ['.join(message.buttons)}]")

    def _plain(self, text: str) -> str:
        workspace = self._world.slack.workspace
        text = _FIELD.sub(r"\1: ", text)
        text = _PERSON.sub(lambda match: f"@{workspace.people[match[1]].real_name.split()[0]}", text)
        text = _GROUP.sub(lambda match: f"@{workspace.groups[match[1]].handle}", text)
        text = _DATE.sub(lambda match: _time(int(match[1]), match[2]), text)
        text = _SPAN.sub(r"\1–\3", text)
        text = _LINK.sub(r"\1", text)
        return text.replace("*", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _time(seconds: int, shape: str) -> str:
    there = datetime.fromtimestamp(seconds, UTC).astimezone(_ZONE)
    day = f"{there:%a} {there.day} {there:%b}" if "date" in shape else ""
    return ", ".join(part for part in (day, f"{there:%H:%M %Z}" if "time" in shape else "") if part)
