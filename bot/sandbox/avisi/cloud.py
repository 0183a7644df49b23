"""The simulated Avisi Cloud: what a test, the panel and the sandbox hold in their hands."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.sandbox.avisi import monitoring
from bot.sandbox.avisi.api import Api
from bot.sandbox.avisi.core import CloudCore
from bot.sandbox.avisi.faults import Down, Faults
from bot.sandbox.avisi.gate import Gate
from bot.sandbox.avisi.listener import Listener
from bot.sandbox.avisi.quirks import Pace, Quirks
from bot.sandbox.avisi.requests import Requests, Seen
from bot.sandbox.avisi.world import World
from bot.sandbox.clock import SimulatedClock


class SimulatedCloud(CloudCore):
    """An Avisi Cloud on loopback: `faults` is what goes wrong, `requests` what was asked.

    `heard` is called with each request once it was answered, or was not.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        world: World | None = None,
        organisations: int = 1,
        quirks: Quirks | None = None,
        pace: Pace | None = None,
        heard: Callable[[Seen], None] = lambda _: None,
    ) -> None:
        super().__init__(clock, world=world, organisations=organisations, quirks=quirks, pace=pace)
        self.faults = Faults()
        self.requests = Requests()
        gate = Gate(self, self.faults, self.requests, heard)
        app = web.Application(middlewares=[gate.record, gate.break_it, gate.check_token])
        app.add_routes([*Api(self).routes(), *monitoring.routes(self)])
        self._listener = Listener(app)
        self._mover: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and let upgrades move as time passes."""
        await self._listener.start(host, port)
        self.clock.watch(self._clock_changed)
        self._mover = asyncio.create_task(self._move_in_time(), name="simulated-cloud")

    async def close(self) -> None:
        """Stop listening and moving."""
        self.clock.unwatch(self._clock_changed)
        if self._mover is not None:
            self._mover.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._mover
            self._mover = None
        await self._listener.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port in use."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The API's base address, without a slash at the end."""
        return f"http://{self._listener.host}:{self.port}"

    async def go_down(self, how: Down = "refused") -> None:
        """Refuse connections, or reset every one."""
        self.faults.down = how
        if how == "refused":
            await self._listener.refuse()
        else:
            await self._listener.listen_again()
        self.changes.bump()

    async def come_back(self) -> None:
        """Answer again, on the same port."""
        self.faults.down = None
        await self._listener.listen_again()
        self.changes.bump()

    def _clock_changed(self) -> None:
        self.settle()
        self.changes.bump()

    async def _move_in_time(self) -> None:
        while True:
            self.settle()
            changed = asyncio.create_task(self.changes.next().wait())
            waits: list[asyncio.Task[Any]] = [changed]
            due = self.lifecycle.next_due()
            if due is not None:
                waits.append(asyncio.create_task(self.clock.wait_until(due)))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
