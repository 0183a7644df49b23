"""The third chapter of the story: a rollout in two waves, from the plan to its end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack.people.person import PersonInSlack
from bot.sandbox.slack.people.seen import NotShownError, Seen
from bot.sandbox.world import World

_VERSION = "v1.32.3-u-ame.1"
_WAVES = (("staging/payments", "staging/orders"), ("production/payments",))
_PATIENCE = 60.0
_STEPS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutStory:
    """Plays a rollout. `say` takes a line, `show` a message with its title."""

    world: World
    channel: str
    roos: PersonInSlack
    sem: PersonInSlack
    say: Callable[[str], None]
    show: Callable[[Seen, str], None]

    async def play(self) -> None:
        """Plan it, approve each wave, and step the clock until it is done; raises NotShownError."""
        card = await self._plan()
        self.show(card, "The card of the rollout in #cluster-upgrades")
        for number in range(1, len(_WAVES) + 1):
            self.say(f"\nSem presses Approve wave for wave {number}.")
            await self.sem.press(self.channel, card.ts, "Approve wave")
            self.show(await self._card(card, f"Wave {number} of {len(_WAVES)} is open"), "The card now")
            await self._until_over(card, number)
        self.show(await self._card(card, "Done. Every cluster has ended."), "The card at the end")

    async def _plan(self) -> Seen:
        command = self.world.slack.app.commands[0].name
        self.say(f'\nRoos types {command} rollout and fills in the form "Plan rollout".')
        await self.roos.command(self.channel, f"{command} rollout")
        await self.roos.modal("Plan rollout", within=_PATIENCE)
        await self.roos.fill("Name", "Winter")
        await self.roos.choose("Version", _VERSION)
        for number, clusters in enumerate(_WAVES, start=1):
            await self.roos.choose(f"Wave {number}", list(clusters))
        await self.roos.choose("Soak", "none")
        await self.roos.fill("At once", "10")
        await self.roos.modal("Plan rollout", containing="Wave 2: ", within=_PATIENCE)
        outcome = await self.roos.submit()
        if not outcome.ok:
            raise NotShownError(str(outcome.errors))
        return await self.sem.message(self.channel, "Rollout Winter to", "waits for approval", within=_PATIENCE)

    async def _until_over(self, card: Seen, wave: int) -> None:
        """Step from one thing that happens to the next until the wave is over."""
        following = f"Wave {wave + 1} waits for approval" if wave < len(_WAVES) else "Done."
        for _ in range(_STEPS):
            now = await self._card(card)
            if following in now:
                return
            self.world.cloud.step()
            await asyncio.sleep(1.0)

    async def _card(self, card: Seen, *words: str) -> Seen:
        """Return the card once it shows these words."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                now = next(one for one in self.sem.messages(self.channel) if one.ts == card.ts)
                if all(word in now for word in words):
                    return now
                await asyncio.sleep(0.1)  # looks at another server's state
