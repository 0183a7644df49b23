"""What failed tries leave in the log: a bug its trace each time, a store that is away one line until it is back."""

from dataclasses import dataclass

import structlog

from bot.workflow.errors import StoreAway

log = structlog.get_logger("bot.runner")


@dataclass(slots=True)
class Outage:
    """Whether the store was away at the last try; shared by everything that tries."""

    away: bool = False

    def failed(self, event: str, error: Exception, **fields: object) -> None:
        """Log a try that failed."""
        if not isinstance(error, StoreAway):
            log.error(event, exc_info=error, **fields)
        elif not self.away:
            self.away = True
            log.warning("database.away", error=str(error))

    def over(self) -> None:
        """Log that the store is back, when it was away; to be called when something was written to it."""
        if self.away:
            self.away = False
            log.info("database.back")
