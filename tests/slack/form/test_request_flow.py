"""From the command to what is stored, over both ways that Slack delivers."""

from datetime import UTC, datetime

import pytest

from bot.workflow.inbox import FormSubmitted
from tests.builders import ACME, NEW, ROOS, WEB
from tests.slack.harness import Transport, harness

CHANNEL = "C0UPGRADES"
BOTH = pytest.mark.parametrize("transport", ["http", "socket"])


@BOTH
async def test_a_filled_in_modal_is_stored_before_it_is_acknowledged(transport: Transport) -> None:
    """What a person requests is in the inbox when Slack closes the modal, and the worker is woken."""
    async with harness(transport) as here:
        roos = here.slack.person(ROOS)
        assert (await roos.command(CHANNEL, "/schedule-upgrade")).ok
        await roos.modal("Schedule upgrade")
        await roos.choose("Cluster", "web")
        await roos.modal(containing="Current version")
        await roos.choose("Version", NEW)
        await roos.choose("Start date and time", datetime(2026, 12, 5, 21, tzinfo=UTC))
        await roos.fill("Reason", "CVE fixes")
        await here.settle() if here.socket is None else None

        outcome = await roos.submit()

        assert outcome.ok, outcome
        (entry,) = here.storage.entries
        assert isinstance(entry, FormSubmitted)
        assert (entry.member, entry.organisation, entry.replaces) == (ROOS, ACME, None)
        assert entry.form.cluster_identity == WEB
        assert entry.form.version == NEW
        assert entry.form.start == datetime(2026, 12, 5, 21, tzinfo=UTC)
        assert entry.form.reason == "CVE fixes"


async def test_what_cannot_be_stored_is_not_acknowledged_as_done() -> None:
    """The modal stays open with everything in it and a reference number; pressed again, it is stored once."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade web")
        await roos.modal(containing="Current version")
        await roos.choose("Version", NEW)

        async with here.storage.writing:
            refused = await roos.submit()
        stored = list(here.storage.entries)
        taken = await roos.submit()

        assert "reference" in str(refused.errors)
        assert stored == []
        assert (taken.ok, taken.errors) == (True, {})
        assert len(here.storage.entries) == 1
