"""What is true at the moment of telling: an event may have waited, and what it says must still hold."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain.naming import PLAIN, Naming
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageContext:
    """Time, the stored request and upgrade that an event is about, and the address of the request's card.

    `naming` is what clusters are called, `zone` the time zone of plain text that many read.
    """

    now: datetime
    request: UpgradeRequest | None = None
    upgrade: ScheduledUpgrade | None = None
    link: str | None = None
    naming: Naming = PLAIN
    zone: tzinfo = UTC


def ahead(moment: datetime, now: datetime) -> str:
    """Say how far ahead a moment is: `in about 24 hours`, `in 45 minutes`, `now`."""
    minutes = round((moment - now) / timedelta(minutes=1))
    if minutes < 1:
        return "now"
    if minutes < 2:  # noqa: PLR2004 - one minute, two minutes
        return "in 1 minute"
    if minutes < 90:  # noqa: PLR2004 - an hour and a half is better said in minutes
        return "in about 1 hour" if 55 <= minutes <= 65 else f"in {minutes} minutes"  # noqa: PLR2004 - around an hour
    hours = round(minutes / 60)
    if hours <= 48:  # noqa: PLR2004 - two days are still counted in hours
        return f"in about {hours} hours"
    return f"in about {round(hours / 24)} days"
