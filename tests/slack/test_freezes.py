"""Freezes in Slack: what the listeners store, open and refuse."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.naming import PLAIN
from bot.notifications.freeze import freeze_message
from bot.workflow.freezing import NOT_AFFECTED, AffectedByFreeze
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed
from tests.builders import ACME, NOON, SEM, a_catalog, a_scheduled_upgrade, a_window
from tests.slack.harness import SlackHarness, Transport, harness

CHANNEL = "C0UPGRADES"
FREEZE = UpgradeFreeze(
    id=FreezeId("f1"),
    places=(FrozenPlace(organisation=ACME, environment="production", channel=CHANNEL),),
    by=SEM,
    since=NOON,
    until=NOON + timedelta(days=3),
    reason="Incident",
)


async def opened(here: SlackHarness, words: str = "") -> None:
    await here.slack.person(SEM).command(CHANNEL, f"/schedule-upgrade freeze {words}".strip())
    await here.slack.person(SEM).modal("Freeze upgrades")


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_freeze_is_stored_before_it_is_acknowledged(transport: Transport) -> None:
    async with harness(transport, catalogs=[a_catalog()]) as here:
        sem = here.slack.person(SEM)
        await opened(here, "staging until sat 18:00")
        modal = await sem.modal("Freeze upgrades", containing="Until was read as Sat 5 Dec")
        assert "acme/staging" in str(modal.field("Environments").value)
        await sem.choose("Environments", ["staging", "production"])
        await sem.fill("Reason", "Incident 4711")

        outcome = await sem.submit()

        assert outcome.ok
        (entry,) = here.storage.entries
        assert isinstance(entry, FreezeAsked)
        assert [(one.environment, one.channel) for one in entry.places] == [
            ("production", CHANNEL),
            ("staging", CHANNEL),
        ]
        assert (entry.member, entry.reason) == (SEM, "Incident 4711")


async def test_what_is_wrong_stands_at_its_field() -> None:
    async with harness("http", catalogs=[a_catalog()]) as here:
        sem = here.slack.person(SEM)
        await opened(here)
        await sem.choose("Environments", ["All environments"])
        await sem.choose("Until", here.clock() + timedelta(days=91))
        await sem.fill("Reason", " ")

        outcome = await sem.submit()

        assert outcome.errors == {
            "Until": "Choose a time ahead, at most 90 days from now.",
            "Reason": "Say why, so that others understand it.",
        }
        assert here.storage.entries == []


async def test_what_is_not_understood_is_answered_privately() -> None:
    async with harness("http", catalogs=[a_catalog()]) as here:
        sem = here.slack.person(SEM)
        await sem.command(CHANNEL, "/schedule-upgrade freeze prod")

        await sem.private(CHANNEL, "No environment is called `prod`.")
        await sem.no_modal()


async def test_who_may_not_freeze_there_is_told_at_once_who_may() -> None:
    async with harness("http", catalogs=[a_catalog()]) as here:
        roos = here.slack.person("U0ROOS")
        await roos.command(CHANNEL, "/schedule-upgrade freeze production")

        refused = await roos.private(CHANNEL, "You may not freeze upgrades in production or lift a freeze there.")
        await roos.no_modal()
        assert {"U0SEM", "U0KIM"} <= set(refused.mentions.users)


async def test_lift_freeze_is_stored_with_the_way_to_answer() -> None:
    async with harness("http", catalogs=[a_catalog()]) as here:
        drawn = freeze_message(FREEZE, NOT_AFFECTED, channel=CHANNEL, naming=PLAIN, zone=UTC, now=NOON)
        place = await here.messenger.post(CHANNEL, drawn)

        await here.slack.person(SEM).press(CHANNEL, place.ts, "Lift freeze")

        (entry,) = here.storage.entries
        assert isinstance(entry, FreezeLiftPressed)
        assert (entry.member, entry.freeze_id, bool(entry.response_url)) == (SEM, "f1", True)


async def test_show_all_lists_what_is_scheduled_within_it_in_pages() -> None:
    upgrades = [
        a_scheduled_upgrade(
            identity=f"u{number}", cluster=f"web-{number:02}", window=a_window(NOON + timedelta(days=1))
        )
        for number in range(60)
    ]
    async with harness("http", catalogs=[a_catalog()], stored=upgrades) as here:
        async with here.storage.begin() as work:
            await work.freezes.add(FREEZE)
            await work.commit()
        affected = AffectedByFreeze(upgrades=tuple((one, None) for one in upgrades))
        drawn = freeze_message(FREEZE, affected, channel=CHANNEL, naming=PLAIN, zone=UTC, now=NOON)
        place, kim = await here.messenger.post(CHANNEL, drawn), here.slack.person("U0KIM")

        await kim.press(CHANNEL, place.ts, "Show all")
        first = await kim.modal("Within the freeze", containing="Page 1 of 2.")
        await kim.press_in_modal("Next")
        second = await kim.modal("Within the freeze", containing="Page 2 of 2.")

        assert "60 upgrades are already scheduled within it." in first
        assert ("web-00" in first, "web-59" in first) == (True, False)
        assert "web-59" in second


async def test_freezes_lists_what_is_in_force_privately() -> None:
    async with harness("http", catalogs=[a_catalog()]) as here:
        sem = here.slack.person(SEM)
        await sem.command(CHANNEL, "/schedule-upgrade freezes")
        await sem.private(CHANNEL, "Nothing is frozen, and no freeze is to come.")
        async with here.storage.begin() as work:
            await work.freezes.add(FREEZE)
            await work.freezes.add(replace(FREEZE, id=FreezeId("f2"), until=NOON))
            await work.commit()

        await sem.command(CHANNEL, "/schedule-upgrade freezes")

        listed = await sem.private(CHANNEL, "1 freeze in force, 0 to come.")
        assert "Incident" in str(listed.shown)
