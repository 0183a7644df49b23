"""The modal: what it shows for what is filled in, that it is read as it was drawn, and that Slack takes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.calendar import Freeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.cluster import Catalog, Organisation
from bot.domain.findings import (
    Able,
    Action,
    ChangeMissing,
    ClusterNotChosen,
    Finding,
    MayNotRequest,
    ReasonTooLong,
    StartMissing,
    VersionNotChosen,
)
from bot.domain.form import Form
from bot.domain.naming import PLAIN
from bot.domain.policy import Policy
from bot.domain.request import RequestId
from bot.domain.windows import MaintenanceSchedule
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import rules
from bot.notifications.ids import ActionId, BlockId
from bot.sandbox.slack.blockkit.limits import check_view
from bot.sandbox.slack.blockkit.mrkdwn import of_blocks
from bot.slack import card_modals
from bot.slack.form import choices, modal
from bot.slack.form.directory import Index
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.words import split
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.permissions import Permissions
from bot.workflow.readiness import CloudReadings, ReadinessCheck
from bot.workflow.rule_check import RuleCheck
from bot.workflow.viewing import FormView, Viewing
from tests.builders import (
    ACME,
    KIM,
    NEW,
    NOON,
    OLD,
    ROOS,
    SEM,
    WEB,
    a_catalog,
    a_cluster,
    a_form,
    a_policy,
    a_press,
    a_rule,
    a_schedule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.fakes import FakeClock, FakeCloud, FakeMembers, FakeStorage
from tests.notifications.checks import unsendable

CHRISTMAS = Freeze(first=date(2026, 12, 20), last=date(2027, 1, 3), reason="Holiday freeze")
IN_THE_FREEZE = datetime(2026, 12, 24, 22, tzinfo=UTC)


async def _drawn(
    form: Form,
    *,
    catalogs: Sequence[Catalog] | None = None,
    policy: Policy | None = None,
    stored: Sequence[Any] = (),
    held: ModalMetadata | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    here = list(catalogs) if catalogs is not None else [a_catalog()]
    storage = FakeStorage(*here, *stored)
    organisations = tuple(catalog.organisation for catalog in here)
    catalog_cache = CatalogCache(storage.read, organisations)
    await catalog_cache.renew()
    clock, policy = FakeClock(NOON), policy or a_policy()
    rule_check = RuleCheck(
        policy=policy,
        catalog_cache=catalog_cache,
        permissions=Permissions(FakeMembers()),
        read=storage.read,
        now=clock,
        zone=UTC,
        words=rules,
    )
    readiness_check = ReadinessCheck(
        facts=kubernetes_facts(),
        catalog_cache=catalog_cache,
        cloud_readings=CloudReadings(FakeCloud(), now=clock),
        now=clock,
    )
    viewing = Viewing(
        read=storage.read,
        catalog_cache=catalog_cache,
        policy=policy,
        rule_check=rule_check,
        permissions=rule_check.permissions,
        readiness_check=readiness_check,
        organisations=organisations,
        now=clock,
    )
    shown = await viewing.form(form)
    view: dict[str, Any] = modal.draw(shown, index=Index(here), held=held or ModalMetadata(), notes=notes)
    assert check_view(view) == []
    assert unsendable(view) == []
    return view


def _labels(view: dict[str, Any]) -> list[str]:
    found = []
    for block in view["blocks"]:
        if block["type"] == "input":
            found.append(block["label"]["text"])
        for element in block.get("elements", ()):
            if element["type"] == "checkboxes":
                found.extend(option["text"]["text"] for option in element["options"])
    return found


def _words(view: dict[str, Any]) -> str:
    return str(view["blocks"])


def _element(view: dict[str, Any], label: str) -> dict[str, Any]:
    for block in view["blocks"]:
        if block["type"] == "input" and block["label"]["text"] == label:
            element: dict[str, Any] = block["element"]
            return element
    raise AssertionError(label)


def _submitted(view: dict[str, Any]) -> dict[str, Any]:
    """Return what Slack sends back when nothing but the initial values was touched."""
    values: dict[str, dict[str, Any]] = {}
    for block in view["blocks"]:
        for element in [block["element"]] if block["type"] == "input" else block.get("elements", ()):
            if "action_id" not in element or element["type"] == "button":
                continue
            values[block["block_id"]] = {
                element["action_id"]: {
                    "selected_option": element.get("initial_option"),
                    "selected_options": element.get("initial_options", []),
                    "selected_date_time": element.get("initial_date_time"),
                    "value": element.get("initial_value"),
                }
            }
    return view | {"state": {"values": values}}


async def test_an_empty_modal_asks_for_the_cluster_first() -> None:
    """The version appears once a cluster is chosen."""
    view = await _drawn(Form())

    assert (view["title"]["text"], view["submit"]["text"], view["close"]["text"]) == (
        "Schedule upgrade",
        "Request",
        "Cancel",
    )
    assert _labels(view) == ["Cluster", "Start date and time", "Ignore maintenance windows", "Reason"]
    assert [group["label"]["text"] for group in _element(view, "Cluster")["option_groups"]] == ["production", "staging"]


async def test_a_chosen_cluster_shows_its_facts_and_versions() -> None:
    """Current version, channel, windows, a labelled estimate, and the channel's version marked recommended."""
    view = await _drawn(a_form(version=None))

    assert "Version" in _labels(view)
    assert [option["text"]["text"] for option in _element(view, "Version")["options"]] == [f"{NEW} (recommended)"]
    for words in (OLD, "stable", "Sunday 02:00 for 3 h", "Expected window", "in your device's time zone"):
        assert words in _words(view)


async def test_a_start_that_is_still_to_be_chosen_is_asked_for() -> None:
    """Without windows there is nothing to estimate before a start is chosen."""
    assert "choose one below" in _words(await _drawn(a_form(start=None, ignore_windows=True)))


@pytest.mark.parametrize(
    "form",
    [
        Form(),
        a_form(),
        a_form(start=NOON + timedelta(days=3), ignore_windows=True),
        a_form(start=IN_THE_FREEZE, ignore_windows=True, override=True, reason="It cannot wait.\nReally."),
    ],
)
async def test_a_modal_is_read_as_it_was_drawn(form: Form) -> None:
    """Drawing and reading cannot drift apart."""
    policy = a_policy(a_rule(override=True, freeze=(CHRISTMAS,)))

    named = "production/web" if form.cluster_identity else ""
    assert modal.read(_submitted(await _drawn(form, policy=policy))) == replace(form, named=named)


async def test_another_cluster_forgets_the_version() -> None:
    """A version that was chosen for one cluster is never taken for another."""
    first = await _drawn(a_form())
    values = _submitted(first)["state"]["values"]
    values["cluster_block"]["cluster"]["selected_option"] = {"value": "another"}

    assert modal.read({"state": {"values": values}}).version is None


async def test_the_override_is_offered_only_in_a_freeze_that_may_be_overridden() -> None:
    """The checkbox is there when the policy allows it and the time is frozen, and nowhere else."""
    frozen = a_form(start=IN_THE_FREEZE, ignore_windows=True)
    allowed = a_policy(a_rule(override=True, freeze=(CHRISTMAS,)))
    forbidden = a_policy(a_rule(freeze=(CHRISTMAS,)))

    assert "Override freeze" in _labels(await _drawn(frozen, policy=allowed))
    assert "Override freeze" not in _labels(await _drawn(a_form(), policy=allowed))
    assert "Override freeze" not in _labels(view := await _drawn(frozen, policy=forbidden))
    assert "Holiday freeze" in _words(view)


async def test_a_reason_is_required_when_the_policy_or_an_override_demands_it() -> None:
    """Slack itself then refuses to send an empty one."""

    def optional(view: dict[str, Any]) -> bool:
        return bool(next(block for block in view["blocks"] if block.get("block_id") == "reason_block")["optional"])

    assert optional(await _drawn(a_form()))
    assert not optional(await _drawn(a_form(), policy=a_policy(a_rule(reason_required=True))))
    assert not optional(await _drawn(a_form(override=True)))


async def test_a_start_is_required_only_when_windows_are_ignored() -> None:
    """Empty means the next window, as long as windows are respected."""
    drawn = [await _drawn(a_form()), await _drawn(a_form(ignore_windows=True))]

    starts = [next(block for block in view["blocks"] if block.get("block_id") == "start_block") for view in drawn]
    assert [start["optional"] for start in starts] == [True, False]


async def test_what_is_scheduled_or_waiting_already_is_said() -> None:
    """A new request reschedules the one and replaces the other."""
    view = await _drawn(a_form(), stored=[a_scheduled_upgrade(), an_upgrade_request()])

    assert "already scheduled" in _words(view)
    assert "replaces that one" in _words(view)


async def test_a_cluster_without_windows_is_warned_about() -> None:
    """It may never start unless windows are ignored."""
    bare = a_cluster(schedule=MaintenanceSchedule(identity="1", name="none", windows=()))

    assert "no maintenance windows" in _words(await _drawn(a_form(), catalogs=[a_catalog(bare)]))


async def test_windows_that_could_not_be_read_are_not_shown_as_none() -> None:
    """All of them, or some."""
    unread = a_cluster(schedule=a_schedule(name="Nights", windows=(), is_complete=False))
    partly = a_cluster(schedule=a_schedule(is_complete=False))

    shown = [_words(await _drawn(a_form(), catalogs=[a_catalog(cluster)])) for cluster in (unread, partly)]

    assert "*Maintenance windows*\\ncould not be read (Nights)" in shown[0]
    assert "*Maintenance windows*\\nSunday 02:00 for 3 h; others could not be read (weekend), read in UTC" in shown[1]


async def test_no_version_on_offer_is_said() -> None:
    """There is nothing to choose, so the field is not there, and the error is shown at the cluster."""
    view = await _drawn(a_form(), catalogs=[a_catalog(a_cluster(version=NEW))])

    assert "Version" not in _labels(view)
    assert "No version is on offer" in _words(view)
    assert modal.errors(view, [VersionNotChosen()]) == {"cluster_block": "Choose a version."}


async def test_a_version_of_unknown_shape_is_named_as_the_reason() -> None:
    """Otherwise a person would look for the fault in the catalog."""
    view = await _drawn(a_form(version=None), catalogs=[a_catalog(a_cluster(version="<nightly>"))])

    assert "Version" not in _labels(view)
    assert 'production/web runs "&lt;nightly&gt;", which the bot cannot compare' in _words(view)


async def test_errors_stand_at_the_blocks_that_the_view_has() -> None:
    """Slack shows "trouble connecting" for an error at a block that it does not know."""
    view = await _drawn(a_form())
    findings: list[Finding] = [ClusterNotChosen(), VersionNotChosen(), StartMissing(), ReasonTooLong(most=500)]

    found = modal.errors(view, findings)

    assert found == {
        "cluster_block": "Choose a cluster.",
        f"version_block:{WEB}": "Choose a version.",
        "start_block": "Choose a start: it is required while maintenance windows are ignored.",
        "reason_block": "The reason is too long: use at most 500 characters.",
    }


@pytest.mark.parametrize("count", [1, 100, 101, 2_000])
async def test_above_a_hundred_clusters_are_searched_for(count: int) -> None:
    """Slack takes a hundred options; beyond that the field searches, and a filled-in choice is still shown."""
    catalog = a_catalog(*(a_cluster(identity=f"id-{number}", slug=f"web-{number}") for number in range(count)))

    element = _element(await _drawn(a_form(cluster_identity="id-0"), catalogs=[catalog]), "Cluster")

    assert element["type"] == ("static_select" if count <= 100 else "external_select")
    assert element["initial_option"]["value"] == "id-0"


async def test_with_several_organisations_groups_are_named_by_both() -> None:
    """`staging` of one organisation is not `staging` of another."""
    other = a_catalog(a_cluster(identity="x", organisation=Organisation("globex")), organisation=Organisation("globex"))

    element = _element(await _drawn(Form(), catalogs=[a_catalog(), other]), "Cluster")

    assert [group["label"]["text"] for group in element["option_groups"]] == [
        "acme / production",
        "acme / staging",
        "globex / production",
    ]


@pytest.mark.parametrize("typed", ["x " * 400, '\\" ' * 400, "😀 " * 400, "é" * 400])
def test_the_longest_command_is_carried_unseen(typed: str) -> None:
    """Slack takes 3000 characters."""
    held = ModalMetadata(words=split(typed))
    view = modal.trouble(held, "")

    assert check_view(view) == []
    assert ModalMetadata.read(view) == held


async def test_the_replaced_request_is_carried_unseen() -> None:
    """Rescheduling knows which request it is about, from the first drawing to the submission."""
    held = ModalMetadata(replaces=RequestId("request-7"))

    assert ModalMetadata.read(await _drawn(a_form(), held=held)) == replace(held, named="production/web")
    assert ModalMetadata.read({"private_metadata": "{"}) == ModalMetadata()


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=400),
    st.sampled_from(
        ["<!channel>", "@here", "<@U0SEM>", "*_~`", "&amp;" * 900, "x" * 5_000, "\u202ex", "a\ud800\x00b", "😀" * 400]
    ),
)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(HOSTILE, min_size=6, max_size=6))
async def test_no_text_from_outside_breaks_the_modal_or_mentions_anybody(texts: list[str]) -> None:
    """Names, versions and reasons are shown as they are, whatever they hold, and Slack takes the view."""
    slug, name, environment, version, channel, reason = texts
    cluster = a_cluster(slug=slug, name=name, environment=environment, channel=channel, version=version)
    bare = a_cluster(identity="2", slug=slug, name=name, environment=environment, schedule=None)
    waiting = an_upgrade_request(cluster=slug, to_version=version, reason=reason)
    catalog = a_catalog(cluster, bare)

    for form in (a_form(reason=reason), a_form(cluster_identity="2", reason=reason)):
        view = await _drawn(form, catalogs=[catalog], stored=[waiting], notes=[f"For {reason}"])

        found = of_blocks(view["blocks"])
        assert not found.broadcasts
        assert not found.groups
        assert found.users <= {ROOS}


async def test_the_views_that_stand_in_are_taken_by_slack() -> None:
    """Loading, trouble, nothing to upgrade, and the rejection keep to Slack's limits too."""
    request = an_upgrade_request()
    about = card_modals.About.of(a_press(request))
    drawn = card_modals.draw_rejection(about, request, PLAIN)
    for view in (
        modal.loading(ModalMetadata()),
        modal.trouble(ModalMetadata(), "<!channel> " * 500),
        modal.nothing(ModalMetadata(), (ACME,)),
        drawn,
    ):
        assert check_view(view) == []

    values = {"reason_block": {"reason": {"value": "Not now."}}}
    read = card_modals.read_rejection(drawn | {"state": {"values": values}}, member=request.requester)
    assert (read.request_id, read.seal, read.reason) == (request.id, request.seal, "Not now.")


def test_a_reason_is_cleaned_where_it_comes_in_and_where_it_was_stored_before() -> None:
    """Lone surrogates, NUL and bidi controls reach neither card nor form, and the whole view can be sent."""
    dirty = "a\ud800b\x00c\u202ed\u2066e"
    values = {BlockId.REASON: {ActionId.REASON: {"value": dirty}}}

    form = modal.read({"state": {"values": values}})
    given = card_modals.read_rejection(
        {"private_metadata": '{"request": "1", "seal": "2"}', "state": {"values": values}}, member=ROOS
    )

    assert form.reason == given.reason == "abcde"


@pytest.mark.parametrize("ignore_windows", [True, False])
@pytest.mark.parametrize("year", [1, 1970, 2300, 9999])
async def test_a_start_in_an_absurd_year_breaks_nothing(year: int, ignore_windows: bool) -> None:  # noqa: FBT001
    """The form is drawn again with what else was filled in; submitting it is refused at the field."""
    form = a_form(start=datetime(year, 12, 31, 23, 59, tzinfo=UTC), ignore_windows=ignore_windows)
    policy = a_policy(a_rule(freeze=(CHRISTMAS,), zone=ZoneInfo("Pacific/Kiritimati")))

    view = await _drawn(form, policy=policy)

    assert "initial_date_time" not in _element(view, "Start date and time")
    assert "Choose a time within a year from now." in _words(view)


async def test_a_cluster_that_is_down_is_warned_about() -> None:
    view = await _drawn(a_form(), catalogs=[a_catalog(a_cluster(status="stopped"))])

    assert "production/web is stopped, so an upgrade of it may never start." in _words(view)


CHG = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "https://itsm.example.com/{change}")


async def test_a_change_number_is_a_required_field_only_where_the_rule_asks_for_it() -> None:
    """It says what one looks like, takes no more than 64 characters, and keeps what was typed or requested before."""
    policy = a_policy(a_rule(change=CHG))

    asked = await _drawn(a_form(change="CHG0012345"), policy=policy)
    before = await _drawn(Form(), policy=policy)
    elsewhere = await _drawn(a_form(change="CHG0012345"))

    (block,) = (one for one in asked["blocks"] if one.get("block_id") == BlockId.CHANGE)
    assert (block["label"]["text"], block["hint"]["text"]) == ("Change", "such as CHG0000000")
    assert "optional" not in block
    assert (block["element"]["max_length"], block["element"]["initial_value"]) == (64, "CHG0012345")
    assert "Change" not in _labels(before)
    assert "Change" not in _labels(elsewhere)
    assert (
        modal.read({"state": {"values": {BlockId.CHANGE: {ActionId.CHANGE: {"value": " CHG\u202e1 "}}}}}).change
        == "CHG1"
    )
    wrong = modal.errors(asked, [ChangeMissing(environment="production", example="CHG0000000")])
    assert wrong == {BlockId.CHANGE: "production requires a change number, such as CHG0000000."}


async def test_who_may_not_request_reads_it_below_the_cluster_and_in_the_list() -> None:
    """Environments are marked that the reader may not use, as far as is known; who may is named once one is chosen."""
    barred = frozenset({(ACME, "production")})
    may_not = MayNotRequest(
        environment="production", able=Able(action=Action.REQUEST_THERE, everyone=False, members=(SEM,))
    )
    index = Index([a_catalog()])
    empty = FormView(
        form=Form(),
        cluster=None,
        rule=None,
        on_offer=(),
        recommended=None,
        estimate=None,
        broken=(),
        notes=(),
        may_override=False,
        scheduled=None,
        waiting=None,
        barred=barred,
    )

    marked: dict[str, Any] = modal.draw(empty, index=index, held=ModalMetadata(), whose=KIM)
    chosen = modal.draw(replace(empty, cluster=a_cluster(), may_not=may_not), index=index, held=ModalMetadata())

    groups = _element(marked, "Cluster")["option_groups"]
    assert [one["label"]["text"] for one in groups] == ["production (you may not request here)", "staging"]
    assert f"This is a request of <@{KIM}>." in str(marked["blocks"][0])
    assert f"You may not request upgrades in production. These people can request them: <@{SEM}>." in _words(chosen)
    long = a_cluster(environment="e" * 90)
    (group,) = choices.groups(Index([a_catalog(long)]), frozenset({(ACME, "e" * 90)}))
    assert "… (you may not request here)'" in str(group["label"])
    assert check_view(marked) == check_view(chosen) == []
