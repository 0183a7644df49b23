"""What failed attempts log: a trace each time for a bug, one line until it is back for an unreachable store."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from bot.workflow.errors import StoreAway

log = structlog.get_logger("bot.runner")


@dataclass(slots=True)
class Outage:
    """Whether the store was away at the last try, and since when; shared by everything that tries."""

    clock: Callable[[], float] = monotonic
    error: str = ""
    _since: float | None = None

    @property
    def away(self) -> bool:
        """Whether the last try failed because of the store."""
        return self._since is not None

    @property
    def seconds(self) -> float:
        """For how long every try has failed because of the store, 0 while none did."""
        return 0.0 if self._since is None else self.clock() - self._since

    def failed(self, event: str, error: Exception, **fields: object) -> None:
        """Log a try that failed."""
        if not isinstance(error, StoreAway):
            log.error(event, exc_info=error, **fields)
            return
        self.error = str(error)
        if not self.away:
            self._since = self.clock()
            log.warning("database.away", error=self.error)

    def over(self) -> None:
        """Log that the store is back, when it was away; to be called when something was written to it."""
        if self.away:
            self._since = None
            log.info("database.back")
