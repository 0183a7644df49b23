"""The gauges show what the store counts, for the organisations that are configured."""

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.cluster import Organisation
from bot.gauges import Gauges
from bot.observe.metrics import REGISTRY
from bot.server import Finding
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.workflow.repositories import Feed
from tests.builders import NOON, a_catalog

READ, NEVER, GONE = Organisation("read"), Organisation("never"), Organisation("gone")


async def test_what_was_never_read_is_as_old_as_can_be_and_a_former_organisation_is_not_counted(
    tmp_path: Path,
) -> None:
    """The alerts on the age ring for a token that never worked, and not for what is no longer configured."""
    storage = Storage.open(f"sqlite+aiosqlite:///{tmp_path}/bot.db")
    await storage.take()
    async with storage.begin() as work:
        for organisation in (READ, GONE):
            await work.feeds.save(Feed(organisation=organisation, read_at=NOON))
            await work.catalogs.put(replace(a_catalog(), organisation=organisation, fetched_at=NOON))
        await work.feeds.save(Feed(organisation=NEVER, error="The token is refused"))
        await work.commit()

    await Gauges(storage.stats, (READ, NEVER), {}).set()
    await storage.close()

    for name in ("upgrade_bot_poll_success_timestamp_seconds", "upgrade_bot_catalog_success_timestamp_seconds"):
        found = {one: REGISTRY.get_sample_value(name, {"organisation": one}) for one in (READ, NEVER, GONE)}
        assert found == {READ: NOON.timestamp(), NEVER: 0.0, GONE: None}


async def test_the_checks_are_shown_also_while_the_database_is_away(tmp_path: Path) -> None:
    """The alert on a failing check needs no database to ring."""

    async def well() -> Finding:
        return Finding(well=True, text="answers")

    async def ill() -> Finding:
        return Finding(well=False, text="does not answer")

    storage = Storage.open(f"sqlite+aiosqlite:///{tmp_path}/not/here/bot.db")
    with pytest.raises(DatabaseUnavailable):
        await Gauges(storage.stats, (), {"slack": well, "database": ill}).set()
    await storage.close()

    found = {one: REGISTRY.get_sample_value("upgrade_bot_check_ok", {"check": one}) for one in ("slack", "database")}
    assert found == {"slack": 1.0, "database": 0.0}


async def test_a_check_that_begins_to_fail_is_logged_once_with_what_readyz_does_not_show(tmp_path: Path) -> None:
    """An operator needs the names and the driver's words; the port may be reached by others."""
    well = False

    async def cloud() -> Finding:
        return Finding(well=well, text="cannot be read", private="acme: the token is refused", vital=False)

    storage = Storage.open(f"sqlite+aiosqlite:///{tmp_path}/bot.db")
    await storage.take()
    gauges = Gauges(storage.stats, (), {"cloud": cloud})
    with capture_logs() as lines:
        await gauges.set()
        await gauges.set()
        well = True
        await gauges.set()
    await storage.close()

    assert [(line["event"], line["check"], line.get("details")) for line in lines] == [
        ("check.failing", "cloud", "acme: the token is refused"),
        ("check.well_again", "cloud", None),
    ]
