"""When things run: APScheduler as a ticker. What is due stands in our own tables; a tick only looks."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

Job = Callable[[], Awaitable[None]]


class Schedule:
    """Runs jobs again and again: never one twice at once, and once only after a pause."""

    def __init__(self) -> None:
        # A job that is still running when its next tick comes is skipped: that is how it is meant, and no warning.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, pause: timedelta, name: str, job: Job) -> None:
        """Run a job at each such pause, counted from the start of the last run that was not skipped."""
        self._scheduler.add_job(job, "interval", seconds=pause.total_seconds(), id=name)

    def start(self) -> None:
        """Begin ticking; to be called inside the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; runs in progress are left to end by themselves."""
        if self._scheduler.running:
            self._scheduler.pause()

    def close(self) -> None:
        """Give everything back."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
