"""The times that fit, in the modal: what is offered, what a press does, and that a judge would take it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.cluster import ClusterIdentity
from bot.domain.naming import PLAIN
from bot.notifications.blocks import actions, message
from bot.notifications.card import press_button
from bot.sandbox.slack.people.shown import Page
from bot.slack.form import slots
from bot.workflow.inbox import FormSubmitted, Press
from tests.builders import NEW, NOON, ROOS, a_catalog, a_cluster, a_policy, a_rule, an_upgrade_request
from tests.slack.harness import SlackHarness, harness

CHANNEL = "C0UPGRADES"
SUNDAY = datetime(2026, 12, 6, 2, tzinfo=UTC)
"""The next window of the cluster."""
OFFERED = ("Sun 6 Dec, 03:00", "Sun 13 Dec, 03:00", "Sun 20 Dec, 03:00")
"""The window of Sunday 02:00 UTC as Roos reads it in Amsterdam."""


async def opened(here: SlackHarness, typed: str = "web") -> Page:
    """Open the modal as Roos, by a command."""
    await here.slack.person(ROOS).command(CHANNEL, f"/schedule-upgrade {typed}")
    return await here.slack.person(ROOS).modal("Schedule upgrade", containing="Current version")


def offered(view: Page) -> tuple[str, ...]:
    """Return the times on the buttons."""
    return tuple(one for one in view.buttons if ":" in one)


async def test_the_next_windows_are_offered_in_the_persons_own_zone() -> None:
    """The zone is named once, beside them."""
    async with harness("http") as here:
        view = await opened(here)

    assert offered(view) == OFFERED
    assert "Next times that fit, in Europe/Amsterdam" in view.shown


async def test_a_press_fills_in_the_start_and_keeps_everything_else() -> None:
    """Also over a start that was chosen by hand, and twice in a row."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await opened(here)
        await roos.choose("Version", NEW)
        await roos.fill("Reason", "CVE fixes")
        await roos.choose("Start date and time", NOON + timedelta(days=2))
        await here.settle()

        for wanted, start in ((OFFERED[1], SUNDAY + timedelta(days=7)), (OFFERED[0], SUNDAY)):
            await roos.press_in_modal(wanted)
            await here.settle()
            view = await roos.modal("Schedule upgrade")
            assert view.field("Start date and time").shown == str(int(start.timestamp()))
        assert view.field("Reason").shown == "CVE fixes"
        assert view.field("Version").shown.startswith(NEW)
        await roos.choose("Start date and time", NOON + timedelta(days=2))
        await here.settle()
        await roos.press_in_modal(OFFERED[0])
        await here.settle()

        assert (await roos.submit()).result == "closed"
        (entry,) = here.storage.entries
        assert isinstance(entry, FormSubmitted)
        assert (entry.form.start, entry.form.reason, entry.form.version) == (SUNDAY, "CVE fixes", NEW)


async def test_they_are_computed_anew_after_a_change_of_cluster_or_checkbox() -> None:
    """Another cluster has other windows, and without windows the first full five minutes that fit come first."""
    other = a_cluster(identity=ClusterIdentity("data"), environment="staging", slug="data", name="Data", schedule=None)
    async with harness("http", catalogs=[a_catalog(a_cluster(), other)]) as here:
        roos = here.slack.person(ROOS)
        first = await opened(here)
        await roos.check("Ignore maintenance windows")
        await here.settle()
        ignoring = await roos.modal("Schedule upgrade")
        await roos.check("Ignore maintenance windows", on=False)
        await roos.choose("Cluster", "data")
        await here.settle()
        without = await roos.modal("Schedule upgrade")

    assert offered(first) == OFFERED
    assert offered(ignoring) == ("Mon 30 Nov, 13:05", "Tue 1 Dec, 13:05", "Wed 2 Dec, 13:05")
    assert offered(without) == ()


async def test_what_stands_in_the_way_is_said_when_nothing_fits() -> None:
    """Which rule, and until when."""
    freeze = Freeze(first=date(2026, 11, 30), last=date(2027, 3, 10), reason="Moving house")
    async with harness("http", policy=a_policy(a_rule(freeze=(freeze,)))) as here:
        view = await opened(here)

    assert offered(view) == ()
    assert "No time fits within 90 days: production is frozen Nov 30 to Mar 10 (Moving house)." in view.shown


async def test_the_time_a_version_still_has_to_wait_counts_once_a_version_is_chosen() -> None:
    """Before that, nobody can say for which version it would."""
    policy = a_policy(a_rule(after=(("staging", timedelta(days=3)),)))
    async with harness("http", policy=policy) as here:
        roos = here.slack.person(ROOS)
        before = await opened(here)
        await roos.choose("Version", NEW)
        await here.settle()
        after = await roos.modal("Schedule upgrade")

    assert offered(before) == OFFERED
    assert offered(after) == ()
    assert "No time fits within 90 days" in after.shown
    assert "no upgrade to it has succeeded there yet" in after.shown


async def test_rescheduling_keeps_a_start_that_fits_and_replaces_one_that_does_not() -> None:
    """Frozen on that day: the next time that fits is filled in."""
    freeze = Freeze(first=date(2026, 12, 5), last=date(2026, 12, 7))
    wanted = {datetime(2026, 12, 9, 12, tzinfo=UTC): None, SUNDAY: SUNDAY + timedelta(days=7)}
    for start, instead in wanted.items():
        request = an_upgrade_request(start=start)
        async with harness("http", stored=[request], policy=a_policy(a_rule(freeze=(freeze,)))) as here:
            button = press_button(Press.RESCHEDULE, request, PLAIN)
            card = await here.messenger.post(CHANNEL, message("Upgrade web", actions(button)))
            roos = here.slack.person(ROOS)
            await roos.press(card.channel, card.ts, "Reschedule")
            view = await roos.modal("Schedule upgrade", containing="replaces the one to")

        assert view.field("Start date and time").shown == str(int((instead or start).timestamp()))


async def test_in_an_allowed_time_that_begins_later_the_start_is_when_it_begins() -> None:
    """Windows of the cluster and allowed times of the policy have to agree."""
    allowed = AllowedRange(weekdays=(6,), start=time(3), end=time(6), text="")
    async with harness("http", policy=a_policy(a_rule(allowed=(allowed,)))) as here:
        view = await opened(here)

    assert offered(view)[0] == "Sun 6 Dec, 04:00"


@pytest.mark.parametrize("value", ["", "1", "99999999999", "-123456789", "12345 6789", "١٢٣٤٥٦٧٨٩٠"])
def test_a_button_that_is_not_ours_is_no_time(value: str) -> None:
    """A payload may hold anything."""
    assert slots.read(value) is None
