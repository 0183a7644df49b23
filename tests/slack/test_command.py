"""The command as people use it, over real HTTP and Socket Mode."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.cluster import Catalog, Organisation
from bot.domain.naming import PLAIN
from bot.notifications.blocks import actions, message
from bot.notifications.card import press_button
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.app import Command
from bot.workflow.inbox import FormSubmitted, Press
from tests.builders import (
    ACME,
    NEW,
    NOON,
    ROOS,
    a_catalog,
    a_cluster,
    a_policy,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.slack.harness import Transport, harness

CHANNEL = "C0UPGRADES"
GLOBEX = Organisation("globex")
BOTH = pytest.mark.parametrize("transport", ["http", "socket"])


@BOTH
async def test_a_command_with_words_opens_the_modal_filled_in(transport: Transport) -> None:
    """Cluster, version and time in the person's own zone; the person sees it before anything is requested."""
    async with harness(transport) as here:
        roos = here.slack.person(ROOS)
        assert (await roos.command(CHANNEL, "/schedule-upgrade production/web 1.31 2026-12-05 22:00")).ok

        view = await roos.modal("Schedule upgrade", containing="Start read as Sat 5 Dec 2026, 22:00 (Europe/Amsterdam)")

        shown = {field.label: field.shown for field in view.fields}
        assert shown["Cluster"] == "production/web"
        assert shown["Version"] == f"{NEW} (recommended)"
        assert shown["Start date and time"] == str(int(datetime(2026, 12, 5, 21, tzinfo=UTC).timestamp()))
        assert here.storage.entries == []


@BOTH
async def test_what_is_not_understood_is_answered_privately(transport: Transport) -> None:
    """The answer says what was not understood, the nearest choices, and that `help` lists everything; nothing opens."""
    async with harness(transport) as here:
        roos = here.slack.person(ROOS)
        assert (await roos.command(CHANNEL, "/schedule-upgrade productoin/web")).ok

        answer = await roos.private(
            CHANNEL, "No cluster is called", "production/web", "`/schedule-upgrade help` lists everything."
        )

        assert answer.private
        assert "CLUSTER [VERSION]" not in answer.shown
        await roos.no_modal()


async def test_help_says_who_may_approve() -> None:
    """Approvers are named where they may decide, without being notified."""
    policy = a_policy(
        a_rule(approvers=("S0PLATFORM", "U0KIM")),
        environments={"staging": a_rule(environment="staging", required_approvals=0, approvers=())},
    )
    async with harness("http", policy=policy) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade help")

        await roos.private(CHANNEL, "1 approval from", "staging: no approval is needed", "not the requester")


async def test_list_reads_well_from_nothing_to_many() -> None:
    """Zero, one and two hundred upgrades each give one private answer that Slack takes."""
    for count in (0, 1, 20, 200):
        upgrades = [
            a_scheduled_upgrade(
                identity=f"u-{number}",
                cluster=f"web-{number}",
                status="IN_PROGRESS" if number % 9 == 0 else "SCHEDULED",
            )
            for number in range(count)
        ]
        async with harness("http", stored=[*upgrades, an_upgrade_request()]) as here:
            roos = here.slack.person(ROOS)
            assert (await roos.command(CHANNEL, "/schedule-upgrade list")).ok
            answer = await roos.private(CHANNEL, "1 request waiting")
            if count:
                assert "web-0" in answer
                assert (f"web-{count - 1}" in answer.shown) == (count <= 20)
                assert ("more: `list ENVIRONMENT`" in answer.shown) == (count > 20)
            assert (await roos.command(CHANNEL, "/schedule-upgrade list staging")).ok
            await roos.private(CHANNEL, "in staging")


async def test_a_list_shows_what_was_stored_a_moment_ago() -> None:
    """Whoever asks for the same shares one reading, but none from before something was stored here."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        for waiting in range(3):
            assert (await roos.command(CHANNEL, "/schedule-upgrade list")).ok
            await roos.private(CHANNEL, f"{waiting} request" if waiting else "No upgrade is")
            async with here.storage.begin() as work:
                await work.requests.add(an_upgrade_request(id=f"{waiting}", cluster_identity=f"c{waiting}"))
                await work.commit()


async def test_list_of_an_unknown_environment_names_those_there_are() -> None:
    """A typing mistake does not look like an empty list."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade list prodution")

        await roos.private(CHANNEL, "No environment `prodution` has clusters. Did you mean `production`?")


async def test_with_several_organisations_each_name_begins_with_that_of_its_organisation() -> None:
    """In lists, in `status` and in the form; and a list of one of them, or of one of its environments, can be had."""
    theirs = a_catalog(a_cluster(identity="x", organisation=GLOBEX, slug="web"), organisation=GLOBEX)
    both = [a_scheduled_upgrade(), a_scheduled_upgrade(organisation=GLOBEX, identity="y", cluster_identity="x")]
    async with harness("http", catalogs=[a_catalog(), theirs], stored=both) as here:
        roos = here.slack.person(ROOS)
        for words, named, others in (
            ("list", ["acme/production/web", "globex/production/web"], []),
            ("list production", ["acme/production/web", "globex/production/web"], []),
            ("list Globex/Production", ["in globex/production", "globex/production/web"], ["acme"]),
            ("list acme", ["in acme", "acme/production/web"], ["globex"]),
            ("list globex/staging", ["No environment", "globex/production", "acme/staging"], []),
            ("status globex/production/web", ["globex/production/web"], ["acme"]),
            ("help", ["ORGANISATION/ENVIRONMENT/CLUSTER"], []),
            ("web", ["Several clusters fit", "acme/production/web", "globex/production/web"], []),
        ):
            await roos.command(CHANNEL, f"/schedule-upgrade {words}")
            answer = await roos.private(CHANNEL, *named)
            assert [other for other in others if other in answer.shown] == []

        await roos.command(CHANNEL, "/schedule-upgrade globex/production/web")
        view = await roos.modal("Schedule upgrade")
        assert view.field("Cluster").shown == "globex/production/web"
        assert set(view.field("Cluster").options) == {"acme/production/web", "globex/production/web", "staging/data"}


async def test_status_tells_about_one_cluster() -> None:
    """What it runs, what is scheduled and what was asked for."""
    async with harness("http", stored=[a_scheduled_upgrade(), an_upgrade_request()]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade status web")
        await roos.private(CHANNEL, "production/web", "scheduled", "waiting for approval")

        await roos.command(CHANNEL, "/schedule-upgrade status")
        await roos.private(CHANNEL, "Name a cluster")


@pytest.mark.parametrize("text", ["", " help", " list", " web"])
async def test_guests_are_refused_privately(text: str) -> None:
    """Only full members may use the command; a guest is told so, and nothing opens."""
    async with harness("http") as here:
        gijs = here.slack.person("U0GIJS")
        assert (await gijs.command(CHANNEL, f"/schedule-upgrade{text}")).ok

        await gijs.private(CHANNEL, "Only full members", "a guest")
        await gijs.no_modal()


@BOTH
@pytest.mark.parametrize("text", ["", " web 1.31 tomorrow 22:00", " list", " status web", " help"])
async def test_nobody_is_answered_while_nobody_can_say_who_they_are(transport: Transport, text: str) -> None:
    """A slow or broken look-up never costs the acknowledgement, and never opens anything to a stranger."""
    async with harness(transport) as here:
        here.slack.faults.add("users.info", Fault(delay=5), times=None)
        roos = here.slack.person(ROOS)

        outcome = await roos.command(CHANNEL, f"/schedule-upgrade{text}")

        assert outcome.ok
        assert outcome.ms < 2500
        await roos.private(CHANNEL, "please try again")
        await roos.no_modal()


@pytest.mark.parametrize(
    "fault", [Fault(delay=5), Fault(status=500), Fault(retry_after=30), Fault(error="fatal_error")]
)
async def test_a_member_who_was_seen_lately_goes_on_while_slack_does_not_say_who_they_are(fault: Fault) -> None:
    """Their form opens with their own time zone, as it was known before."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade help")
        here.people._members._kept.clear()
        here.slack.faults.add("users.info", fault, times=None)

        assert (await roos.command(CHANNEL, "/schedule-upgrade web 1.31 tomorrow 22:00")).ok

        await roos.modal("Schedule upgrade", containing="Europe/Amsterdam", without="could not be looked up")


@BOTH
async def test_an_empty_catalog_shows_a_loading_view_that_fills_itself(transport: Transport) -> None:
    """The modal opens at once, and becomes the form when the clusters have been read."""
    async with harness(transport, catalogs=[]) as here:
        roos = here.slack.person(ROOS)
        assert (await roos.command(CHANNEL, "/schedule-upgrade")).ok
        await roos.modal("Schedule upgrade", containing="Reading the clusters")

        async with here.storage.begin() as work:
            await work.catalogs.put(a_catalog())
            await work.commit()
        await here.catalog_cache.renew()

        await roos.modal("Schedule upgrade", containing="Start date and time", without="Reading the clusters")
        await here.settle() if here.socket is None else None
        assert (await roos.submit()).result == "errors"


async def test_the_empty_form_offers_what_there_is_now() -> None:
    """Also when it was opened before: a cluster that came since is in it, one that went is not."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        for _ in range(2):
            await roos.command(CHANNEL, "/schedule-upgrade")
            before = (await roos.modal("Schedule upgrade")).field("Cluster").options
            await roos.close()

        newer = a_catalog(a_cluster(identity="new", slug="new"), fetched_at=NOON + timedelta(hours=1))
        async with here.storage.begin() as work:
            await work.catalogs.put(newer)
            await work.commit()
        await here.catalog_cache.renew()
        await roos.command(CHANNEL, "/schedule-upgrade")
        after = (await roos.modal("Schedule upgrade")).field("Cluster").options

    assert "production/new" not in before
    assert after == ("production/new",)


async def test_trouble_with_the_cloud_is_said_and_can_be_retried() -> None:
    """After a while the view says that the clusters cannot be read; Retry fills in what was typed."""
    async with harness("http", catalogs=[], patience=0.2) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade web 1.31")
        view = await roos.modal("Schedule upgrade", containing="could not be read")
        assert view.buttons == ("Retry",)

        async with here.storage.begin() as work:
            await work.catalogs.put(a_catalog())
            await work.commit()
        await here.catalog_cache.renew()
        await roos.press_in_modal("Retry")

        filled = await roos.modal("Schedule upgrade", containing="Start date and time")
        assert "Version" in filled.labels


async def test_a_retry_that_reaches_another_replica_fills_in_what_was_typed() -> None:
    """Nothing is kept in memory between two payloads; the words are read in the person's own time zone there, too."""
    async with harness("http", catalogs=[], patience=0.1) as here, harness("http", beside=here) as other:
        here.slack.deliver_over_http(f"{here.address}/slack/events")
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade production/web 1.31 2026-12-05 22:00")
        await roos.modal("Schedule upgrade", containing="could not be read")
        here.slack.deliver_over_http(f"{other.address}/slack/events")
        async with here.storage.begin() as work:
            await work.catalogs.put(a_catalog())
            await work.commit()
        await other.catalog_cache.renew()

        await roos.press_in_modal("Retry")

        view = await roos.modal("Schedule upgrade", containing="Start read as Sat 5 Dec 2026, 22:00 (Europe/Amsterdam)")
        shown = {field.label: field.shown for field in view.fields}
        assert (shown["Cluster"], shown["Version"]) == ("production/web", f"{NEW} (recommended)")


async def test_a_retried_rescheduling_is_filled_in_from_its_request() -> None:
    """The form knows which request it is to replace, and so what was asked for."""
    request = an_upgrade_request(reason="CVE fixes")
    async with harness("http", catalogs=[], patience=0.1, stored=[request]) as here:
        roos = here.slack.person(ROOS)
        place = await here.messenger.post(
            CHANNEL, message("Card", actions(press_button(Press.RESCHEDULE, request, PLAIN)))
        )
        await roos.press(place.channel, place.ts, "Reschedule")
        await roos.modal("Schedule upgrade", containing="could not be read")
        async with here.storage.begin() as work:
            await work.catalogs.put(a_catalog())
            await work.commit()
        await here.catalog_cache.renew()

        await roos.press_in_modal("Retry")

        view = await roos.modal("Schedule upgrade", containing="A new request for production/web replaces the one to")
        assert {field.label: field.shown for field in view.fields}["Reason"] == "CVE fixes"


async def test_no_clusters_at_all_is_said() -> None:
    """An empty organisation is not a loading view for ever."""
    async with harness("http", catalogs=[Catalog(organisation=ACME, fetched_at=NOON)]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade")

        await roos.modal("Schedule upgrade", containing="no clusters in acme")


@BOTH
async def test_ten_thousand_clusters_open_and_are_searched_in_time(transport: Transport) -> None:
    """The modal opens as fast as with two, and a search answers each key press."""
    many = a_catalog(
        *(
            a_cluster(identity=f"id-{number}", environment=f"env-{number % 50}", slug=f"service-{number}")
            for number in range(10_000)
        )
    )
    async with harness(transport, catalogs=[many]) as here:
        roos = here.slack.person(ROOS)
        assert (await roos.command(CHANNEL, "/schedule-upgrade")).ok
        await roos.modal("Schedule upgrade")

        assert len(await roos.search("Cluster", "")) == 100
        assert "env-42/service-9942" in await roos.search("Cluster", "service-9942")
        assert await roos.search("Cluster", "no such thing") == []
        await roos.choose("Cluster", "env-42/service-9942")
        await roos.modal(containing="Current version")
        await roos.choose("Version", NEW)
        outcome = await roos.submit()

        assert outcome.ok, outcome
        (entry,) = here.storage.entries
        assert isinstance(entry, FormSubmitted)
        assert entry.form.cluster_identity == "id-9942"


@BOTH
async def test_choosing_refreshes_and_keeps_what_was_entered(transport: Transport) -> None:
    """Another cluster brings its own versions and facts; the reason and the date stay."""
    older = a_cluster(identity="old", slug="old", name="Old", version="v1.29.9-u-ame.1", schedule=None)
    catalog = a_catalog(a_cluster(), older, versions=(NEW, "v1.30.6-u-ame.3", "v1.29.9-u-ame.1"))
    async with harness(transport, catalogs=[catalog]) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade web")
        await roos.modal(containing="Current version")
        await roos.fill("Reason", "CVE fixes")
        await roos.choose("Version", NEW)
        await roos.choose("Start date and time", NOON + timedelta(days=2))
        await roos.choose("Cluster", "old")

        view = await roos.modal(containing="no maintenance windows")

        shown = {field.label: field for field in view.fields}
        assert shown["Reason"].shown == "CVE fixes"
        assert shown["Start date and time"].shown
        assert shown["Version"].shown == ""
        assert shown["Version"].options == ("v1.30.6-u-ame.3",)


@BOTH
async def test_errors_show_at_their_fields_and_a_second_try_succeeds(transport: Transport) -> None:
    """Nothing entered is lost by a mistake, and only the corrected form is stored."""
    async with harness(transport) as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade web 1.31")
        await roos.modal("Schedule upgrade")
        await roos.choose("Start date and time", NOON + timedelta(minutes=1))

        refused = await roos.submit()

        assert refused.errors == {
            "Start date and time": (
                "Choose a time at least 5 minutes from now. The next time that fits is Sun 6 Dec, 02:00 UTC."
            )
        }
        assert here.storage.entries == []
        await roos.choose("Start date and time", NOON + timedelta(hours=1))
        assert (await roos.submit()).result == "closed"
        assert len(here.storage.entries) == 1


async def test_a_list_is_read_once_however_its_place_is_written() -> None:
    """What is kept for who asks for the same goes by the place that was found, and not by what was typed."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await roos.command(CHANNEL, "/schedule-upgrade help")
        read = here.storage.looks
        for written in ("production", "Production", "PRODUCTION", "pRODUCTION", "'production'"):
            await roos.command(CHANNEL, f"/schedule-upgrade list {written}")
            await roos.command(CHANNEL, f"/schedule-upgrade status {written}/web")

        assert here.storage.looks - read <= 4


@BOTH
async def test_a_command_that_the_bot_was_not_told_of_is_answered_with_both_names(
    transport: Transport, written: io.StringIO
) -> None:
    """Else it would vanish in Socket Mode, and nobody could tell why."""
    async with harness(transport) as here:
        here.slack.app.commands = (Command(name="/upgrade"),)
        roos = here.slack.person(ROOS)

        assert (await roos.command(CHANNEL, "/upgrade list")).ok

        answer = await roos.private(CHANNEL, "`/schedule-upgrade`", "`/upgrade`", "BOT_COMMAND")
        assert answer.private

    (line,) = (
        line for line in map(json.loads, written.getvalue().splitlines()) if line["event"] == "slack.command_unknown"
    )
    assert (line["received"], line["configured"]) == ("/upgrade", "/schedule-upgrade")
