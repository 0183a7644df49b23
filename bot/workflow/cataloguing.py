"""Keeping the stored copy of the catalog fresh."""

from dataclasses import dataclass

from bot.domain.cluster import Catalog, Organisation
from bot.workflow.ports import AvisiCloud, BeginWork, Lease
from bot.workflow.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Cataloguing:
    """Reads what the cloud offers and replaces the copy."""

    begin: BeginWork
    cloud: AvisiCloud
    shelf: Shelf

    async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
        """Read the organisation's catalog and store it; raises AvisiError, and then the old copy stays."""
        catalog = await self.cloud.catalog(organisation)
        async with self.begin(lease) as work:
            await work.catalogs.put(catalog)
            await work.commit()
        await self.shelf.renew()
        return catalog
