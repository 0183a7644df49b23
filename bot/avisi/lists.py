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
    count = 0
    for number in range(MOST_PAGES):
        told = await page(number)
        items = _items(told.value)
        count += len(items)
        if number and (not items or items == before):
            return
        yield Sheet(items=items, date=told.date)
        if not items or _is_last(told.value, number, count=count):
            return
        before = items
    _log.warning("cloud.list_cut", extra={"list": name, "pages": MOST_PAGES})


def _items(value: object) -> list[object]:
    """Return the items of one page."""
    items = value.get("content") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise Unreadable("Avisi Cloud answered with something other than a list")
    return items


def _is_last(value: object, number: int, *, count: int) -> bool:
    """Whether a page with items is the last, as far as it tells; `count` items were read, its own included.

    Newer servers of the same family put the figures into an object `page`. A page without figures tells nothing.
    """
    if not isinstance(value, dict):
        return True
    if isinstance(value.get("last"), bool):
        return bool(value["last"])
    figures = [one for name in ("page", "pageable") if isinstance(one := value.get(name), dict)]

    def figure(*names: str) -> int | None:
        found = (one.get(name) for one in (value, *figures) for name in names)
        return next((one for one in found if isinstance(one, int) and not isinstance(one, bool) and one > 0), None)

    pages, total, size = figure("totalPages"), figure("totalElements"), figure("size", "pageSize")
    if pages is not None:
        return number + 1 >= pages
    if total is not None:
        return count >= total
    return size is not None and len(value["content"]) < size


def note_skipped(name: str, skipped: int) -> None:
    """Log that some items of a list could not be read."""
    if skipped:
        _log.warning("cloud.items_skipped", extra={"list": name, "skipped": skipped})
