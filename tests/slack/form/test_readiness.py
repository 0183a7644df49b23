"""The panel "Readiness" in the modal: there at once, and filled in when the cloud has answered."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from bot.domain.form import Form
from bot.domain.readiness import Alert, KubernetesFacts, MinorFacts, NodePool, RemovedApi, readiness
from bot.sandbox.slack.blockkit.limits import check_view
from bot.sandbox.slack.people.shown import Page
from bot.slack.form import modal
from bot.slack.form.directory import Index
from bot.slack.form.modal import ModalMetadata
from bot.workflow.viewing import FormView
from tests.builders import NEW, NOON, ROOS, WEB, a_catalog, a_cluster
from tests.slack.harness import SlackHarness, harness

CHANNEL = "C0UPGRADES"
TENANT = "acme-web"
FIRES = (Alert(name="NodeNotReady", key="a", active_at=NOON),)
BEING_READ = "*Alerts:* Warning: being read"
FIRING = "*Alerts:* Warning: 1 alert is firing: NodeNotReady"


def monitored() -> AbstractAsyncContextManager[SlackHarness]:
    """Run the edge with one monitored cluster, whose tenant has an alert."""
    return harness("http", catalogs=[a_catalog(a_cluster(tenant=TENANT))])


def alarming(here: SlackHarness) -> None:
    here.cloud.firing[TENANT] = FIRES
    here.cloud.node_pools[WEB] = (NodePool(name="workers", strategy="REPLACE"),)


async def opened(here: SlackHarness, words: str = f"web {NEW}") -> Page:
    await here.slack.person(ROOS).command(CHANNEL, f"/schedule-upgrade {words}")
    return await here.slack.person(ROOS).modal("Schedule upgrade")


async def test_the_modal_opens_with_the_panel_and_is_filled_in_when_the_cloud_answers() -> None:
    """What ships with the program stands there at once; nothing waits for the cloud."""
    async with monitored() as here:
        alarming(here)
        async with here.cloud.reading_alerts:
            first = await opened(here)
        full = await here.slack.person(ROOS).modal(containing=FIRING)

        assert "*Readiness: Ready, with" in first
        assert BEING_READ in first
        assert "*Node pools:* workers: new nodes" in full
        assert here.cloud.asked_alerts == [TENANT]


async def test_without_a_version_there_is_no_panel_and_nothing_is_read() -> None:
    async with monitored() as here:
        modal = await opened(here, "web")
        await here.settle()

        assert "Readiness" not in modal
        assert here.cloud.asked_alerts == []


async def test_what_was_entered_meanwhile_stays() -> None:
    """Also what the bot is not told before the form is sent."""
    async with monitored() as here:
        alarming(here)
        roos = here.slack.person(ROOS)
        async with here.cloud.reading_alerts:
            await opened(here)
            await roos.fill("Reason", "CVE fixes")
        full = await roos.modal(containing=FIRING)

        assert full.field("Reason").value == "CVE fixes"
        assert full.field("Version").value["value"] == NEW


async def test_a_choice_made_while_the_cloud_is_read_is_not_undone() -> None:
    """The redrawn modal fills itself in; what was read for the one before is not drawn over it."""
    async with monitored() as here:
        alarming(here)
        roos = here.slack.person(ROOS)
        async with here.cloud.reading_alerts:
            await opened(here)
            await roos.check("Ignore maintenance windows")
            await roos.modal(without="Expected window")
            await roos.choose("Start date and time", datetime(2026, 12, 5, 21, tzinfo=UTC))
            await roos.modal(without="choose one below")
        await roos.modal(containing=FIRING)
        await here.settle()

        assert "*Start*" in await roos.modal()
        assert here.slack.faults.calls["views.update"] == 3  # one for each choice, one to fill it in
        assert here.cloud.asked_alerts == [TENANT]


def test_six_pools_and_twenty_removed_kinds_fit_into_the_modal() -> None:
    """With the longest names that are read; what is left out is counted."""
    cluster = a_cluster(tenant=TENANT)
    removed = tuple(
        RemovedApi(
            api=f"group{n}.example.com/v1beta1", kind=f"{'K' * 70}{n}", served_by_default=True, replacement="b" * 80
        )
        for n in range(20)
    )
    minor = MinorFacts(end_of_life=NOON.date(), planned=True, removed=removed)
    found = readiness(
        KubernetesFacts(as_of=NOON.date(), minors={(1, 30): minor, (1, 31): minor}),
        cluster,
        target=NEW,
        on_offer=(NEW,),
        pools=tuple(NodePool(name="p" * 79 + str(n), strategy="REPLACE", zone="z" * 40) for n in range(8)),
        alerts=tuple(Alert(name="a" * 80, key=str(n)) for n in range(40)),
        at=NOON,
    )
    shown = FormView(
        form=Form(cluster_identity=cluster.identity, version=NEW),
        cluster=cluster,
        rule=None,
        on_offer=(NEW,),
        recommended=None,
        estimate=None,
        broken=(),
        notes=(),
        may_override=False,
        scheduled=None,
        waiting=None,
        readiness=found,
    )

    view = modal.draw(shown, index=Index([a_catalog(cluster)]), held=ModalMetadata())

    assert check_view(view) == []
    assert "and 12 more" in str(view)
    assert "and 2 more" in str(view)
    assert "and 35 more" in str(view)
