"""Reading from the API, with repeats: one object, one whole list, or a list page by page."""

from collections.abc import AsyncGenerator, Mapping

from bot.avisi.calls import Call, Calls, Told
from bot.avisi.lists import Sheet, sheets
from bot.avisi.paths import Path
from bot.avisi.retries import Retries
from bot.domain.cluster import Organisation


class Reads:
    """GETs over `calls`, each within `seconds`, repeated as `retries` says."""

    def __init__(self, calls: Calls, *, retries: Retries, seconds: float) -> None:
        self._calls = calls
        self._retries = retries
        self._seconds = seconds

    async def one(self, path: Path, organisation: Organisation, *, params: Mapping[str, str] | None = None) -> Told:
        """Read whatever stands at a path."""
        call = Call(method="GET", path=path.of(organisation), template=path.template, params=params)
        return await self._retries.read(lambda: self._calls.make(call, seconds=self._seconds))

    def pages(
        self, path: Path, organisation: Organisation, *, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Sheet, None]:
        """Read a list page by page, whichever shape it has."""

        async def page(number: int) -> Told:
            asked = {"page": str(number)} if number or path.paged else {}
            return await self.one(path, organisation, params={**(params or {}), **asked})

        return sheets(page, name=path.template)

    async def all(self, path: Path, organisation: Organisation) -> list[object]:
        """Read a whole list, whichever shape it has."""
        return [item async for sheet in self.pages(path, organisation) for item in sheet.items]
