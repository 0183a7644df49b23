"""Reads from the API with retries: one object, a whole list, or a list page by page."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import stamina

from bot.avisi.calls import Call, Calls, Reply
from bot.avisi.paths import Path
from bot.domain.cluster import Organisation
from bot.workflow.errors import AvisiError, Unauthorised, Unclear, Unreadable, Waiting

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How reads are retried, in seconds. A Retry-After longer than `longest_wait` is left to the caller."""

    attempts: int = 4
    within: float = 10.0
    first_wait: float = 0.2
    longest_wait: float = 5.0
    jitter: float = 0.5

    async def read(self, what: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `what`; raises its last error."""
        async for attempt in stamina.retry_context(
            on=self._again,
            attempts=self.attempts,
            timeout=self.within,
            wait_initial=self.first_wait,
            wait_max=self.longest_wait,
            wait_jitter=self.jitter,
        ):
            with attempt:
                return await what()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _again(self, error: Exception) -> bool | float:
        """Whether to retry, or after how many seconds."""
        if not isinstance(error, AvisiError) or isinstance(error, Unauthorised):
            return False
        if not isinstance(error, Waiting | Unclear):
            return False
        asked = error.retry_after
        if asked is None:
            return True
        return asked if asked <= self.longest_wait else False


MOST_PAGES = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """The unparsed items of one page, and the cloud's time."""

    items: list[object]
    date: datetime | None


async def read_pages(page: Callable[[int], Awaitable[Reply]], *, name: str) -> AsyncGenerator[ListPage, None]:
    """Read page after page, from 0. Ends at the last page, at an empty one, or at one that repeats the one before."""
    before: list[object] | None = None
    count = 0
    for number in range(MOST_PAGES):
        reply = await page(number)
        items = _items(reply.value)
        count += len(items)
        if number and (not items or items == before):
            return
        yield ListPage(items=items, date=reply.date)
        if not items or _is_last(reply.value, number, count=count):
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
    """Whether a page with items says that it is the last; `count` items have been read, including its own.

    Newer versions of the server's framework put the figures into an object `page`. A page without figures says nothing.
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
    """Log how many items of a list could not be read."""
    if skipped:
        _log.warning("cloud.items_skipped", extra={"list": name, "skipped": skipped})


class Reads:
    """Sends GETs through `calls`, each within `seconds`, retried as `retries` says."""

    def __init__(self, calls: Calls, *, retries: Retries, seconds: float) -> None:
        self._calls = calls
        self._retries = retries
        self._seconds = seconds

    async def one(self, path: Path, organisation: Organisation, *, params: Mapping[str, str] | None = None) -> Reply:
        """Read the JSON at a path."""
        call = Call(method="GET", path=path.of(organisation), template=path.template, params=params)
        return await self._retries.read(lambda: self._calls.make(call, seconds=self._seconds))

    def pages(
        self, path: Path, organisation: Organisation, *, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[ListPage, None]:
        """Read a list page by page, as an array or in pages."""

        async def page(number: int) -> Reply:
            asked = {"page": str(number)} if number or path.paged else {}
            return await self.one(path, organisation, params={**(params or {}), **asked})

        return read_pages(page, name=path.template)

    async def all(self, path: Path, organisation: Organisation) -> list[object]:
        """Read a whole list, as an array or in pages."""
        return [item async for found in self.pages(path, organisation) for item in found.items]
