"""The button `Readiness`: a modal with what is at hand at once, and with what is true now in a moment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.naming import PLAIN
from bot.domain.readiness import Alert
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications.blocks import actions, button, message, section
from bot.notifications.card import readiness_button
from bot.workflow.errors import NoAnswer
from bot.workflow.inbox import MessageRef
from tests.builders import ACME, NEW, NOON, SEM, a_catalog, a_cluster, a_scheduled_upgrade, an_upgrade_request
from tests.slack.harness import SlackHarness, Transport, harness

CHANNEL = "C0UPGRADES"
TENANT = "acme-web"
CATALOG = a_catalog(a_cluster(tenant=TENANT, status="running"))


async def _card(here: SlackHarness, request: UpgradeRequest) -> MessageRef:
    drawn = actions(readiness_button(request, PLAIN, readiness=7))
    return await here.messenger.post(CHANNEL, message("Upgrade web", section("Upgrade web"), drawn))


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_it_opens_at_once_and_is_filled_in_when_the_cloud_answers(transport: Transport) -> None:
    """Also for somebody who may decide nothing here."""
    request = an_upgrade_request()
    async with harness(transport, catalogs=[CATALOG], stored=[request]) as here:
        here.cloud.firing[TENANT] = (Alert(name="NodeNotReady", key="a", active_at=NOON),)
        card, kim = await _card(here, request), here.slack.person("U0KIM")
        async with here.cloud.reading_alerts:
            await kim.press(card.channel, card.ts, "Readiness")
            first = await kim.modal("Readiness")
        full = await kim.modal("Readiness", containing="1 alert is firing: NodeNotReady")

        assert (first.close, first.submit) == ("Close", "")
        assert "*production/web*" in first
        assert "*Alerts:* Warning: being read" in first
        assert "This fills itself in." in first
        assert "The cluster was read <!date" in full
        assert here.storage.entries == []


async def test_it_shows_the_cluster_as_it_is_now() -> None:
    """The bot's copy is minutes old; what stopped or went meanwhile counts."""
    request = an_upgrade_request()
    async with harness("http", catalogs=[CATALOG], stored=[request]) as here:
        here.cloud.catalogs[ACME] = a_catalog(a_cluster(tenant=TENANT, status="stopped"))
        card, sem = await _card(here, request), here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Readiness")
        await sem.modal(containing="*Readiness: Not ready*")

        await sem.close()
        here.cloud.catalogs[ACME] = replace(CATALOG, clusters=())
        here.clock.advance(timedelta(minutes=1))
        await sem.press(card.channel, card.ts, "Readiness")
        await sem.modal(containing="It is deleted, so an upgrade of it cannot run.")


async def test_what_cannot_be_read_is_said_and_the_copy_is_dated() -> None:
    request = an_upgrade_request()
    async with harness("http", catalogs=[CATALOG], stored=[request]) as here:
        here.cloud.refusal = NoAnswer("silent")
        card, sem = await _card(here, request), here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Readiness")
        modal = await sem.modal(containing="*Alerts:* Warning: could not be read (no answer)")

        assert "*Node pools:* could not be read (no answer)" in modal
        assert f"The cluster was read <!date^{int(CATALOG.fetched_at.timestamp())}^" in modal


async def test_who_is_not_a_full_member_is_refused_privately() -> None:
    request = an_upgrade_request()
    async with harness("http", catalogs=[CATALOG], stored=[request]) as here:
        card, guest = await _card(here, request), here.slack.person("U0GIJS")
        await guest.press(card.channel, card.ts, "Readiness")

        await guest.private(CHANNEL, "Only full members of this workspace may use this")
        await guest.no_modal()
        assert here.cloud.asked_alerts == []


@pytest.mark.parametrize("value", ["nothing of ours", "unknown:seal#3"])
async def test_a_request_that_is_not_known_is_said(value: str) -> None:
    async with harness("http", catalogs=[CATALOG]) as here:
        drawn = actions(button("Readiness", action_id="readiness", value=value))
        card = await here.messenger.post(CHANNEL, message("Upgrade web", section("Upgrade web"), drawn))
        await here.slack.person(SEM).press(card.channel, card.ts, "Readiness")

        await here.slack.person(SEM).private(CHANNEL, "This request is not known here any more.")


@pytest.mark.parametrize(
    ("stored", "target"),
    [
        ((), NEW),
        ((a_scheduled_upgrade(to_version="v1.30.8-u-ame.1"),), "v1.30.8-u-ame.1"),
        ((an_upgrade_request(to_version="v1.30.9-u-ame.1"), a_scheduled_upgrade()), "v1.30.9-u-ame.1"),
        ((an_upgrade_request(to_version="v1.30.9-u-ame.1", state=State.REJECTED),), NEW),
    ],
)
async def test_status_shows_the_readiness_for_what_is_asked_for_or_comes_next(
    stored: tuple[UpgradeRequest | ScheduledUpgrade, ...], target: str
) -> None:
    """The open request's version, else the scheduled upgrade's, else the channel's; a rejected one counts no more."""
    async with harness("http", catalogs=[CATALOG], stored=stored) as here:
        await here.slack.person(SEM).command(CHANNEL, "/schedule-upgrade status web")

        await here.slack.person(SEM).private(CHANNEL, f"*Readiness for {target}: ", "Alerts:")


async def test_status_waits_for_nothing_and_is_followed_by_what_was_missing() -> None:
    async with harness("http", catalogs=[CATALOG]) as here:
        here.cloud.firing[TENANT] = (Alert(name="NodeNotReady", key="a", active_at=NOON),)
        sem = here.slack.person(SEM)
        async with here.cloud.reading_alerts:
            await sem.command(CHANNEL, "/schedule-upgrade status web")
            await sem.private(CHANNEL, "*production/web* runs", "*Alerts:* Warning: being read")
        await sem.private(
            CHANNEL, "now that Avisi Cloud has answered", "*Alerts:* Warning: 1 alert is firing: NodeNotReady"
        )
        await here.settle()

        assert here.cloud.asked_alerts == [TENANT]


async def test_nothing_follows_a_status_that_lacks_nothing() -> None:
    """All of it was read within the last minute."""
    async with harness("http", catalogs=[CATALOG]) as here:
        here.cloud.firing[TENANT] = ()
        sem = here.slack.person(SEM)
        await sem.command(CHANNEL, f"/schedule-upgrade web {NEW}")
        await sem.modal(containing="*Alerts:* none firing")
        await sem.command(CHANNEL, "/schedule-upgrade status web")
        await sem.private(CHANNEL, "*Alerts:* none firing")
        await here.settle()

        assert [one for one in sem.messages(CHANNEL) if "has answered" in one] == []
