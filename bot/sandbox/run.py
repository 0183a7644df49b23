"""`upgrade-bot sandbox`: serve the world until it is interrupted, or play the story and end."""

import asyncio
import contextlib
import signal
import webbrowser

from rich.console import Console

from bot.observe import logs
from bot.sandbox.story import Story
from bot.sandbox.world import SandboxOptions, World

_SAVE_EVERY = 5.0


async def serve(options: SandboxOptions) -> int:
    """Run the sandbox; returns the exit code. Raises SettingsProblems, OSError when the port is taken."""
    console = Console()
    logs.set_up(form=None, level="warning")
    world = World.make(options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    try:
        await world.start()
        if options.script:
            return 0 if await Story(world, say=lambda line: console.out(line, highlight=False)).play() else 1
        _welcome(world, console)
        if options.open_page:
            webbrowser.open(world.slack.url)
        await _until(stopped, world)
    finally:
        await world.close()
    return 0 if stopped.is_set() else 1


def _welcome(world: World, console: Console) -> None:
    console.out(f"The sandbox is open at {world.slack.url}/ (Ctrl+C ends it).", highlight=False)
    console.out("  1. Type /schedule-upgrade in #cluster-upgrades, as Roos, and send the form.", highlight=False)
    console.out('  2. Switch "You are" to Sem and press Approve on the card.', highlight=False)
    console.out("  3. Step the cloud's clock in the panel and watch the channel.", highlight=False)


async def _until(stopped: asyncio.Event, world: World) -> None:
    while not stopped.is_set() and not (world.bot and world.bot.died.is_set()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _SAVE_EVERY)
        world.save()
