"""When things run: APScheduler as a ticker. What is due is stored in our own tables; a tick only looks there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_RUNNING

from bot.runner.clockwatch import ClockWatch
from bot.runner.leases import break_off

_LOOK_EVERY = 1.0
log = structlog.get_logger("bot.runner")

Job = Callable[[], Awaitable[None]]


class Schedule:
    """Runs jobs again and again: never one twice at once, and once only after a pause.

    APScheduler goes by this machine's clock: when that is set back, jobs would be due again only hours later, unless
    `follow` notices it.
    """

    def __init__(self) -> None:
        self._runs: set[asyncio.Task[Any]] = set()
        # A job that is still running when its next tick comes is skipped: that is how it is meant, and no warning.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, pause: timedelta, name: str, job: Job) -> None:
        """Run a job again and again, with such a pause between the end of one run and the start of the next."""

        async def run() -> None:
            running = asyncio.current_task()
            if running is None or self._scheduler.state != STATE_RUNNING:
                return
            self._runs.add(running)
            try:
                await job()
            except asyncio.CancelledError:
                log.info("job.broken_off", job=name)
            finally:
                self._runs.discard(running)
                if self._scheduler.running:
                    self._scheduler.reschedule_job(name, trigger="interval", seconds=pause.total_seconds())

        self._scheduler.add_job(run, "interval", seconds=pause.total_seconds(), id=name)

    def start(self) -> None:
        """Begin ticking; to be called inside the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; runs in progress go on."""
        if self._scheduler.running:
            self._scheduler.pause()

    async def follow(self, watch: ClockWatch) -> None:
        """Run every job at once whenever this machine's clock was set; never ends by itself."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if watch.was_set():
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=watch.now())

    async def drain(self, *, within: float) -> None:
        """Tick no more and let the runs in progress end; what has not by then is broken off, its lease given back."""
        self.stop()
        if self._runs:
            await asyncio.wait(self._runs, timeout=within)
        await break_off(self._runs)

    def close(self) -> None:
        """Give everything back."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
