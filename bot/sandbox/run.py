"""`upgrade-bot sandbox`: serve the world until it is interrupted, or play the story and end."""

import asyncio
import contextlib
import signal
import webbrowser

from rich.console import Console

from bot.observe import logs
from bot.sandbox.guide import find_guide
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
    for line in welcome(world):
        console.out(line, highlight=False)


def welcome(world: World) -> list[str]:
    """Give the first lines: where the page is, what to try by the policy in use, and which IDs it could have named."""
    lines = [f"The sandbox is open at {world.slack.url}/ (Ctrl+C ends it)."]
    guide = find_guide(world.policy, world.slack.workspace, world.cloud.organisation())
    command = world.slack.app.commands[0].name
    if guide is None:
        lines.append("  By this policy nobody in the workspace may request an upgrade.")
    else:
        steps = [f"As {guide.requester_name}, type {command} in #{guide.channel_name} and send the form."]
        if guide.approver:
            steps.append(f'Switch "You are" to {guide.approver_name} and press Approve on the card.')
        steps.append('Press "Step" to move to the next event in the cloud, and watch the channel.')
        lines += [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    if world.stand_ins:
        lines.append(f"The policy names IDs that this workspace did not have: {', '.join(world.stand_ins)}.")
        lines.append("The sandbox added stand-ins for them. These IDs exist:")
        lines += [f"  {one}" for one in _known_ids(world)]
    return lines


def _known_ids(world: World) -> list[str]:
    workspace, new = world.slack.workspace, set(world.stand_ins)
    people = [f"{one.id} {one.real_name}" for one in workspace.people.values() if one.id not in new]
    groups = [f"{one.id} @{one.handle}" for one in workspace.groups.values() if one.id not in new]
    channels = [f"{one.id} #{one.name}" for one in workspace.channels.values() if one.id not in new]
    return [", ".join(people), ", ".join(groups), ", ".join(channels)]


async def _until(stopped: asyncio.Event, world: World) -> None:
    while not stopped.is_set() and not (world.bot and world.bot.died.is_set()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _SAVE_EVERY)
        world.save()
