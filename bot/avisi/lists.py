"""Lists in both of the API's shapes: a bare array, or Spring pages that are asked for one by one."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.avisi.calls import Told
from bot.workflow.errors import Unreadable

MOST_PAGES = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """The items of one page as they came, and the cloud's time."""

    items: list[object]
    date: datetime | None


async def sheets(page: Callable[[int], Awaitable[Told]], *, name: str) -> AsyncGenerator[Sheet, None]:
    """Read page after page, the first being 0. Ends at the last page, an empty one, or one that repeats."""
    before: list[object] | None = None
    for number in range(MOST_PAGES):
        told = await page(number)
        items, last = _read(told.value, number)
        if number and (not items or items == before):
            return
        yield Sheet(items=items, date=told.date)
        if last or not items:
            return
        before = items
    _log.warning("cloud.list_cut", extra={"list": name, "pages": MOST_PAGES})


def _read(value: object, number: int) -> tuple[list[object], bool]:
    """Return the items of one page, and whether it says that it is the last."""
    if isinstance(value, list):
        return value, True
    if not isinstance(value, dict) or not isinstance(items := value.get("content"), list):
        raise Unreadable("Avisi Cloud answered with something other than a list")
    last, total = value.get("last"), value.get("totalPages")
    if isinstance(last, bool):
        return items, last
    if isinstance(total, int) and not isinstance(total, bool):
        return items, number + 1 >= total
    return items, False


def note_skipped(name: str, skipped: int) -> None:
    """Log that some items of a list could not be read."""
    if skipped:
        _log.warning("cloud.items_skipped", extra={"list": name, "skipped": skipped})
