"""What is true at the moment of telling: an event may have waited, and what it says must still hold."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bot.domain.naming import PLAIN, Naming
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageContext:
    """Time, the stored request and upgrade that an event is about, and the addresses of its card and its cluster.

    `naming` is what clusters are called, `zone` the time zone of plain text that many read.
    """

    now: datetime
    request: UpgradeRequest | None = None
    upgrade: ScheduledUpgrade | None = None
    link: str | None = None
    console: str | None = None
    naming: Naming = PLAIN
    zone: tzinfo = UTC
