"""Warnings in the modal: Slack's alert block in updates, a paragraph where Slack does not take it."""

import io

from bot.notifications.blocks import alert
from bot.observe.metrics import ALERTS_REFUSED
from bot.sandbox.slack.api.faults import Fault
from tests.builders import ROOS, a_catalog, a_cluster, a_scheduled_upgrade
from tests.slack.harness import SlackHarness, harness

CHANNEL = "C0UPGRADES"
NOTE = "is already scheduled"


def kinds(here: SlackHarness) -> list[str]:
    """Return the type of each block that holds the warning."""
    (view,) = here.slack.state.views.stack(ROOS)
    return [block["type"] for block in view.sent["blocks"] if NOTE in str(block)]


async def warned(here: SlackHarness) -> None:
    """Open the form for a cluster that has an upgrade, then change something in it."""
    roos = here.slack.person(ROOS)
    await roos.command(CHANNEL, "/schedule-upgrade web")
    await roos.modal("Schedule upgrade", containing=NOTE)
    assert kinds(here) == ["section"]
    await roos.check("Ignore maintenance windows")
    await roos.modal(without="Expected window")


async def test_a_warning_is_an_alert_once_the_form_is_updated() -> None:
    """Opening a form must never fail because of it."""
    async with harness("http", catalogs=[a_catalog(a_cluster())], stored=[a_scheduled_upgrade()]) as here:
        await warned(here)

        assert kinds(here) == ["alert"]


async def test_a_slack_that_refuses_alerts_gets_paragraphs_at_once_and_from_then_on(written: io.StringIO) -> None:
    """The person sees the same words; a metric and one line of the log say so."""
    before = ALERTS_REFUSED._value.get()
    async with harness("http", catalogs=[a_catalog(a_cluster())], stored=[a_scheduled_upgrade()]) as here:
        here.slack.state.unsupported_blocks.add("alert")
        await warned(here)
        assert kinds(here) == ["section"]
        updates = here.slack.faults.calls["views.update"]

        await here.slack.person(ROOS).check("Ignore maintenance windows", on=False)
        await here.slack.person(ROOS).modal(containing="Expected window")

        assert kinds(here) == ["section"]
        assert here.slack.faults.calls["views.update"] == updates + 1
    assert ALERTS_REFUSED._value.get() == before + 1
    assert written.getvalue().count("slack.alert_refused") == 1


async def test_a_form_that_cannot_be_updated_for_another_reason_keeps_its_alerts() -> None:
    async with harness("http", catalogs=[a_catalog(a_cluster())], stored=[a_scheduled_upgrade()]) as here:
        here.slack.faults.add("views.update", Fault(error="internal_error"))
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade web")
        await roos.modal("Schedule upgrade", containing=NOTE)
        await roos.check("Ignore maintenance windows")
        await here.settle()
        await roos.check("Ignore maintenance windows", on=False)
        await here.settle()

        assert kinds(here) == ["alert"]


def test_what_does_not_fit_into_an_alert_is_a_paragraph() -> None:
    """Slack takes 200 characters."""
    assert alert("x" * 200, level="warning")["type"] == "alert"
    assert alert("x" * 201, level="error")["type"] == "section"
