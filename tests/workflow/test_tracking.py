from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.calendar import Freeze
from bot.domain.cluster import Catalog, Organisation
from bot.domain.events import StatusMoved, UpgradeSubmitted, WindowBrokeRule, WindowMoved
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import APPEARS_UPGRADED, NOT_FOLLOWED, NOT_UPGRADED, ScheduledUpgrade
from bot.workflow.cataloguing import Cataloguing
from bot.workflow.entries import Kind
from bot.workflow.errors import Broken, NoList, Stale
from bot.workflow.ports import Feed, Lease, Source, Work
from tests.builders import (
    ACME,
    CHANNEL,
    DATA,
    NEW,
    NOON,
    ROOS,
    a_catalog,
    a_cluster,
    a_policy,
    a_reading,
    a_rule,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.workflow.house import House, a_house

READ = Feed(organisation=ACME, source=Source.ORGANISATION, probed_at=NOON, baseline_at=NOON, read_at=NOON)
CLUSTERS = Feed(organisation=ACME, source=Source.CLUSTERS, probed_at=NOON, baseline_at=NOON, read_at=NOON)
LATER = a_window(NOON + timedelta(days=2))
EVE = a_window(NOON + timedelta(hours=34))
"""Begins in one day and ends in the next."""


def ours(**changes: object) -> tuple[UpgradeRequest, ScheduledUpgrade]:
    """Build a request that was submitted, and its upgrade as stored."""
    upgrade = a_scheduled_upgrade(**({"request_id": "ours", "moves": 1} | changes))
    request = an_upgrade_request(id="ours", state=State.SUBMITTED, upgrade=upgrade.identity, attempted_at=NOON)
    return request, upgrade


@asynccontextmanager
async def _dying(lease: Lease | None = None) -> AsyncIterator[Work]:
    """Stand for a process that ends before this transaction begins."""
    raise ConnectionAbortedError(lease)
    yield


async def sees(house: House, *readings: object) -> None:
    """Poll once, a minute later, with these in the cloud's list."""
    house.cloud.readings = list(readings)  # type: ignore[arg-type]
    house.clock.advance(timedelta(minutes=1))
    await house.poll()


async def test_the_first_complete_reading_posts_nothing() -> None:
    """It is the baseline: stored in one transaction, told to nobody; later moves are told."""
    house = await a_house()
    house.cloud.page_size = 1
    before = house.storage.commits

    await sees(house, *(a_reading(identity=f"u{n}", status="SCHEDULED_NOTIFIED") for n in range(3)))
    baseline = (len(house.upgrades), list(house.storage.told), house.storage.commits - before)
    await sees(house, *(a_reading(identity=f"u{n}", status="MISSED") for n in range(3)))

    assert baseline == (3, [], 2)
    assert [event.about.upgrade for event in house.channel()] == ["u0", "u1", "u2"]


async def test_a_baseline_that_breaks_off_stores_nothing() -> None:
    """Otherwise the rest would be announced as news by the next reading."""
    house = await a_house()
    house.cloud.readings = [a_reading(identity="u0")]
    house.cloud.refusal = Broken("Avisi Cloud answered 502")

    await house.poll()

    assert house.upgrades == {}
    assert house.storage.rooms.feeds[ACME].baseline_at is None


async def test_a_baseline_is_kept_together_with_what_it_holds() -> None:
    """The process dies right after: what comes next is news, and no second baseline swallows it."""
    house = await a_house()
    house.cloud.readings = [a_reading(identity="before")]
    lease = await house.lease()
    dying = replace(house.tracking, blindness=replace(house.blindness, begin=_dying))
    with pytest.raises(ConnectionAbortedError):
        await dying.poll(ACME, lease)
    house = await house.restarted()

    await sees(house, *house.cloud.readings, a_reading(identity="after", status="SCHEDULED_NOTIFIED"))

    assert [event.about.upgrade for event in house.channel()] == ["after"]


async def test_what_was_requested_here_is_never_part_of_a_baseline() -> None:
    """Submitted while no list could be read: its first status is told when there is one."""
    house = await a_house(*ours(status="REQUESTED"))

    await sees(house, a_reading(status="SCHEDULED_NOTIFIED"))

    assert [event.status for event in house.told(StatusMoved)] == ["SCHEDULED_NOTIFIED"]
    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == ["SCHEDULED_NOTIFIED"]


IN_CHANNEL = {"SCHEDULED_NOTIFIED", "FAILED", "MISSED"}
FINAL = {"SUCCEEDED", "SUPERSEDED", "FAILED", "MISSED"}


@pytest.mark.parametrize(
    "status",
    ["REQUESTED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "SUPERSEDED", "FAILED", "MISSED", "PAUSED"],
)
async def test_each_status_is_told_where_the_contract_says(status: str) -> None:
    """Card and thread always; the channel for reminders and alerts; the requester for outcomes. PAUSED is unknown."""
    house = await a_house(*ours(), READ)

    await sees(house, a_reading(status=status, reason="Because"))

    (event,) = house.told(StatusMoved)
    assert (event.status, event.from_status, event.reason) == (status, "SCHEDULED", "Because")
    assert len(house.errands(Kind.CARD)) == 1
    assert len(house.told(StatusMoved, Kind.CHANNEL)) == (status in IN_CHANNEL)
    assert len(house.told(StatusMoved, Kind.DIRECT)) == (status in FINAL)
    assert house.facts(house.storage.requests[next(iter(house.storage.requests))]) == ["status moved"]


@pytest.mark.parametrize("status", ["FAILED", "MISSED"])
async def test_a_failure_mentions_the_requester_and_on_call(status: str) -> None:
    """In the channel, once each; the thread mentions nobody."""
    house = await a_house(*ours(), READ, policy=a_policy(a_rule(on_call=("S0ONCALL", ROOS))))

    await sees(house, a_reading(status=status))

    assert house.told(StatusMoved, Kind.CHANNEL)[0].mention == (ROOS, "S0ONCALL")
    assert house.told(StatusMoved)[0].mention == ()


async def test_the_policy_raises_further_statuses_to_the_channel() -> None:
    """`announce` adds; it takes nothing away."""
    house = await a_house(*ours(), READ, policy=a_policy(a_rule(announce=frozenset({"IN_PROGRESS"}))))

    await sees(house, a_reading(status="IN_PROGRESS"))
    await sees(house, a_reading(status="FAILED"))

    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == ["IN_PROGRESS", "FAILED"]


async def test_a_status_seen_again_is_told_once() -> None:
    """Polls repeat themselves; moves do not."""
    house = await a_house(*ours(), READ)

    for _ in range(3):
        await sees(house, a_reading(status="SCHEDULED_NOTIFIED"))

    assert len(house.channel()) == 1


async def test_a_jump_announces_the_newest_only() -> None:
    """From SCHEDULED straight to SUCCEEDED, with the bot down in between: the state it is in now."""
    house = await a_house(*ours(), READ)
    house.clock.advance(timedelta(hours=5))

    await sees(house, a_reading(status="SUCCEEDED"))

    assert [(event.from_status, event.status) for event in house.told(StatusMoved)] == [("SCHEDULED", "SUCCEEDED")]


@pytest.mark.parametrize(("status", "to_channel"), [("SCHEDULED", False), ("SCHEDULED_NOTIFIED", True)])
async def test_a_moved_window_goes_where_its_status_goes(status: str, *, to_channel: bool) -> None:
    """Once, with both windows."""
    house = await a_house(*ours(status=status), READ)

    for _ in range(2):
        await sees(house, a_reading(status=status, window=LATER))

    (event,) = house.told(WindowMoved)
    assert (event.from_window, event.window) == (a_window(), LATER)
    assert len(house.told(WindowMoved, Kind.CHANNEL)) == to_channel


async def test_a_window_left_out_of_an_answer_is_no_move() -> None:
    """Every field may be absent."""
    house = await a_house(*ours(), READ)

    await sees(house, a_reading(window=None))

    assert house.storage.told == []


async def test_a_moved_window_that_breaks_a_rule_is_alerted() -> None:
    """The one that was asked for was allowed, the one it moved to is not."""
    freeze = Freeze(first=LATER.start.date(), last=LATER.start.date())
    house = await a_house(*ours(), READ, policy=a_policy(a_rule(freeze=(freeze,))))

    await sees(house, a_reading(window=LATER))
    await sees(house, a_reading(window=LATER))

    assert [event.window for event in house.told(WindowBrokeRule, Kind.CHANNEL)] == [LATER]


async def test_a_status_and_a_window_that_move_together_are_one_move() -> None:
    """Told once, in the channel and in the thread, with the new window."""
    house = await a_house(*ours(), READ)

    await sees(house, a_reading(status="SCHEDULED_NOTIFIED", window=LATER))

    assert [type(event) for event in house.channel()] == [StatusMoved]
    assert [event.window for event in house.told(StatusMoved)] == [LATER]
    assert house.told(WindowMoved) == []


async def test_a_window_that_breaks_a_rule_is_not_alerted_again_by_a_status() -> None:
    """The window is the same as before."""
    freeze = Freeze(first=a_window().start.date(), last=a_window().start.date())
    house = await a_house(*ours(), READ, policy=a_policy(a_rule(freeze=(freeze,))))

    await sees(house, a_reading(status="SCHEDULED_NOTIFIED"))

    assert house.told(WindowBrokeRule, Kind.CHANNEL) == []


@pytest.mark.parametrize(
    ("status", "changes", "alerts"),
    [
        ("SCHEDULED", {}, 1),
        ("SCHEDULED", {"override": True}, 0),
        ("SCHEDULED", {"ignore_windows": True, "start": EVE.start}, 0),
        ("IN_PROGRESS", {}, 0),
        ("FAILED", {}, 0),
    ],
)
async def test_a_moved_window_is_judged_as_its_request_was(status: str, changes: dict[str, Any], alerts: int) -> None:
    """An override counts, a start that ignores windows is a moment, and what runs or ended cannot be rescheduled."""
    request, upgrade = ours(status=status)
    freeze = Freeze(first=EVE.end.date(), last=EVE.end.date())
    policy = a_policy(a_rule(freeze=(freeze,), override=True))
    house = await a_house(replace(request, **changes), upgrade, READ, policy=policy)

    await sees(house, a_reading(status=status, window=EVE))

    assert len(house.told(WindowBrokeRule, Kind.CHANNEL)) == alerts


async def test_a_policy_that_announces_nothing_still_hears_what_everybody_must() -> None:
    """Reminders and alerts are not a matter of taste."""
    house = await a_house(*ours(), READ, policy=a_policy(a_rule(announce=frozenset())))

    for status in ("SCHEDULED_NOTIFIED", "IN_PROGRESS", "MISSED", "SCHEDULED", "FAILED"):
        await sees(house, a_reading(status=status))

    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == [
        "SCHEDULED_NOTIFIED",
        "MISSED",
        "FAILED",
    ]


async def test_an_older_answer_that_arrives_late_changes_nothing() -> None:
    """Told apart by the cloud's own modifiedAt."""
    house = await a_house(*ours(status="IN_PROGRESS", modified_at=NOON), READ)

    await sees(house, a_reading(status="SCHEDULED", modified_at=NOON - timedelta(seconds=5)))

    assert house.storage.told == []


async def test_a_record_revived_by_a_reschedule_is_followed_and_told_again() -> None:
    """FAILED, rescheduled on the same record, notified again: a new move with a number of its own."""
    house = await a_house(*ours(status="SCHEDULED_NOTIFIED"), READ)

    for status in ("FAILED", "SCHEDULED", "SCHEDULED_NOTIFIED", "FAILED"):
        await sees(house, a_reading(status=status))

    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == [
        "FAILED",
        "SCHEDULED_NOTIFIED",
        "FAILED",
    ]
    assert len({one.key for one in house.errands(Kind.CHANNEL)}) == 3


async def test_what_is_missing_from_the_list_is_asked_for_in_one_more() -> None:
    """Never one call per upgrade; absence from a list means nothing."""
    upgrades = [a_scheduled_upgrade(identity=f"u{n}", cluster_identity=f"c{n}") for n in range(5)]
    house = await a_house(*upgrades, READ)

    await sees(house, a_reading(identity="u0", cluster_identity="c0"), a_reading(identity="u1", status="SUCCEEDED"))

    assert [clusters for clusters, _ in house.cloud.lists] == [(), ("c1", "c2", "c3", "c4")]
    assert house.upgrades["u2"].status == "SCHEDULED"


async def test_more_than_an_address_holds_are_found_in_the_whole_list() -> None:
    """Of a hundred and one that are missing, none is left out; it is still one list."""
    upgrades = [a_scheduled_upgrade(identity=f"u{n}", cluster_identity=f"c{n:03}") for n in range(101)]
    house = await a_house(*upgrades, READ)

    await sees(house, *(a_reading(identity=f"u{n}", cluster_identity=f"c{n:03}", status="MISSED") for n in range(101)))

    assert len(house.channel()) == 101
    assert [clusters for clusters, _ in house.cloud.lists] == [(), ()]


async def test_an_outcome_is_found_by_the_second_list() -> None:
    """The first asks only for what is not final."""
    house = await a_house(*ours(), READ)

    await sees(house, a_reading(status="FAILED"))

    assert house.upgrades[str(a_reading().identity)].status == "FAILED"
    assert len(house.channel()) == 1


async def test_old_outcomes_listed_by_a_server_that_ignores_filters_are_no_news() -> None:
    """They are kept, so that they are known, and told to nobody."""
    house = await a_house(READ)
    house.cloud.ignores_filters = True

    await sees(house, a_reading(identity="old", status="FAILED", modified_at=NOON - timedelta(days=3)))

    assert house.storage.told == []
    assert house.upgrades["old"].status == "FAILED"


async def test_an_outcome_of_an_upgrade_never_seen_before_is_news_when_it_just_ended() -> None:
    """Scheduled and failed between two polls."""
    house = await a_house(READ)
    house.cloud.ignores_filters = True

    await sees(house, a_reading(identity="new", status="FAILED", modified_at=NOON + timedelta(seconds=30)))

    assert [event.about.upgrade for event in house.channel()] == ["new"]


async def test_what_ended_a_little_before_the_last_reading_is_news_all_the_same() -> None:
    """The cloud's clock and ours need not agree, and it may have shown the record late."""
    house = await a_house(READ)
    house.cloud.ignores_filters = True

    await sees(house, a_reading(identity="new", status="FAILED", modified_at=NOON - timedelta(minutes=20)))

    assert [event.about.upgrade for event in house.channel()] == ["new"]


async def test_an_upgrade_from_outside_is_announced_without_a_request() -> None:
    """It has no card and no requester; its channel is the environment's."""
    house = await a_house(READ)

    await sees(house, a_reading(identity="out", status="SCHEDULED"))
    await sees(house, a_reading(identity="out", status="SCHEDULED_NOTIFIED"))

    (errand,) = house.storage.told
    assert (errand.kind, errand.target) == (Kind.CHANNEL, CHANNEL)
    assert house.told(StatusMoved, Kind.CHANNEL)[0].about.request_id is None


async def test_watching_only_what_was_requested_leaves_others_alone() -> None:
    """`BOT_WATCH=requested`."""
    house = await a_house(*ours(), READ, policy=a_policy(watch="requested"))

    await sees(house, a_reading(identity="out", status="SCHEDULED_NOTIFIED"), a_reading(status="SCHEDULED_NOTIFIED"))

    assert set(house.upgrades) == {a_reading().identity}
    assert len(house.channel()) == 1


async def test_watching_only_what_was_requested_keeps_quiet_about_what_was_watched_before() -> None:
    """It was stored while `BOT_WATCH` was `all`: it is followed for App Home, and told to nobody."""
    house = await a_house(a_scheduled_upgrade(), READ, policy=a_policy(watch="requested"))

    await sees(house, a_reading(status="SCHEDULED_NOTIFIED"))
    await sees(house, a_reading(status="SCHEDULED_NOTIFIED", window=LATER))
    await sees(house, a_reading(status="FAILED"))

    assert house.upgrades[str(a_reading().identity)].status == "FAILED"
    assert house.channel() == []


async def test_an_upgrade_whose_request_is_being_submitted_is_not_taken_for_another() -> None:
    """The poll is faster than the answer to the POST: it waits for the answer."""
    house = await a_house(an_upgrade_request(state=State.SUBMITTING, attempted_at=NOON), READ)

    await sees(house, a_reading(status="SCHEDULED_NOTIFIED"))

    assert house.upgrades == {}
    assert house.storage.told == []


async def test_another_version_on_the_same_cluster_is_from_outside_all_the_same() -> None:
    """Only the very upgrade that is being submitted is waited for."""
    house = await a_house(an_upgrade_request(state=State.SUBMITTING, attempted_at=NOON), READ)

    await sees(house, a_reading(to_version="v1.30.9-u-ame.1", status="SCHEDULED_NOTIFIED"))

    assert len(house.channel()) == 1


NAMELESS = "request:ours"


@pytest.mark.parametrize("status", ["SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "FAILED"])
async def test_an_upgrade_confirmed_without_an_identity_is_known_again_by_the_list(status: str) -> None:
    """The record made after the attempt, for the same cluster and version, is the request's; its status is told."""
    house = await a_house(*ours(identity=NAMELESS, status="SCHEDULED"), READ)

    await sees(house, a_reading(identity="real", status=status, created_at=NOON))
    await sees(house, a_reading(identity="real", status=status, created_at=NOON))

    (request,) = house.storage.requests.values()
    assert (request.state, request.upgrade) == (State.SUBMITTED, "real")
    assert (house.upgrades["real"].request_id, house.upgrades[NAMELESS].status) == ("ours", "SUPERSEDED")
    assert [event.status for event in house.told(StatusMoved)] == ([status] if status != "SCHEDULED" else [])
    assert len(house.channel()) == (status in IN_CHANNEL)


async def test_a_record_older_than_the_attempt_is_not_the_requests() -> None:
    """It was there before."""
    house = await a_house(*ours(identity=NAMELESS), READ)

    await sees(house, a_reading(identity="other", created_at=NOON - timedelta(hours=1)))

    assert house.upgrades["other"].request_id is None


async def test_an_unclear_request_is_confirmed_by_the_list_when_there_is_one() -> None:
    """Its record shows up: submitted after all, told and recorded as such; older ones give way."""
    older, upgrade = ours()
    unclear = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, attempted_at=NOON, requested_at=NOON)
    house = await a_house(older, upgrade, unclear, READ)

    await sees(house, a_reading(), a_reading(identity="real", created_at=NOON))

    assert (house.now_of(unclear).state, house.now_of(unclear).upgrade) == (State.SUBMITTED, "real")
    assert house.now_of(older).state is State.REPLACED
    assert len(house.told(UpgradeSubmitted)) == len(house.told(UpgradeSubmitted, Kind.DIRECT)) == 1
    assert house.facts(unclear) == ["upgrade submitted"]


async def test_a_record_without_an_identity_is_passed_over() -> None:
    """It cannot be told apart from others."""
    house = await a_house(READ)

    await sees(house, a_reading(identity=None))

    assert house.upgrades == {}


async def test_an_upgrade_of_a_cluster_nobody_knows_is_shown_as_far_as_known() -> None:
    """Neither the record nor the catalog names it."""
    house = await a_house(READ)

    await sees(house, a_reading(identity="out", cluster_identity="c9", cluster="", environment="", from_version=""))

    assert (house.upgrades["out"].cluster, house.upgrades["out"].environment) == ("c9", "")


async def test_names_left_out_of_a_record_are_taken_from_the_catalog() -> None:
    """Also the version that the cluster runs."""
    house = await a_house(READ)

    await sees(house, a_reading(identity="out", cluster_identity=DATA, cluster="", environment="", from_version=""))

    upgrade = house.upgrades["out"]
    assert (upgrade.full_name, upgrade.from_version) == ("staging/data", a_cluster().version)


async def test_no_list_means_the_clusters_are_the_source() -> None:
    """Probed at the first poll; the feed says so."""
    house = await a_house()
    house.cloud.no_list = NoList("Not found")

    source = await house.poll()

    assert source is Source.CLUSTERS
    assert house.storage.rooms.feeds[ACME].source is Source.CLUSTERS


async def test_the_list_is_looked_for_again_every_hour() -> None:
    """And once it is there, it is the source, with a baseline of its own."""
    house = await a_house(*ours(), CLUSTERS)
    house.clock.advance(timedelta(minutes=57))
    others = [a_reading(identity="out", status="FAILED"), a_reading(identity="was", status="SCHEDULED_NOTIFIED")]
    await sees(house, *others, a_reading(status="SCHEDULED_NOTIFIED"))
    before = list(house.cloud.lists)

    await sees(house, *house.cloud.readings)
    await sees(house, *house.cloud.readings)

    assert before == []
    assert house.storage.rooms.feeds[ACME].source is Source.ORGANISATION
    assert [event.status for event in house.told(StatusMoved, Kind.CHANNEL)] == ["SCHEDULED_NOTIFIED"]


async def test_one_answer_between_two_probes_does_not_show_that_the_list_is_gone() -> None:
    """Nothing is concluded from the clusters for it; the next poll reads the list again."""
    house = await a_house(*ours(), READ)
    house.cloud.no_list = NoList("Not found")
    house.clock.advance(timedelta(minutes=1))
    assert await house.poll() is None

    house.cloud.no_list = None

    assert await house.poll() is Source.ORGANISATION


async def test_the_list_is_gone_when_a_probe_says_so() -> None:
    """It was there for a while: an hour later the clusters are the source."""
    house = await a_house(*ours(), READ)
    house.cloud.no_list = NoList("Not found")
    house.clock.advance(timedelta(hours=1))

    assert await house.poll() is Source.CLUSTERS


async def test_a_probe_that_tells_neither_way_leaves_the_source_as_it_was() -> None:
    """An error there is no reason to see nothing here; the next poll probes again."""
    house = await a_house(CLUSTERS)
    house.cloud.no_list = Broken("Avisi Cloud answered 500")
    house.clock.advance(timedelta(hours=1))
    assert await house.poll() is Source.CLUSTERS

    house.cloud.no_list = None

    assert await house.poll() is Source.ORGANISATION


async def test_a_configured_source_is_not_probed() -> None:
    """`BOT_STATUS_SOURCE=clusters` never asks for the list; `organisation` is blind without it."""
    clusters = await a_house(forced=Source.CLUSTERS)
    organisation = await a_house(forced=Source.ORGANISATION)
    organisation.cloud.no_list = NoList("Not found")

    assert await clusters.poll() is Source.CLUSTERS
    assert await organisation.poll() is None
    assert clusters.cloud.lists == []


@pytest.mark.parametrize(
    ("version", "status", "outcome"),
    [(NEW, "running", APPEARS_UPGRADED), (NEW, "updating", NOT_UPGRADED), ("v1.30.6-u-ame.3", "running", NOT_UPGRADED)],
)
async def test_without_statuses_the_outcome_is_concluded_after_the_window(
    version: str, status: str, outcome: str
) -> None:
    """Half an hour after its end, from the version the cluster runs; once, and said to be concluded."""
    house = await a_house(*ours(), CLUSTERS, forced=Source.CLUSTERS)
    house.cloud.catalogs[ACME] = a_catalog(a_cluster(version=version, status=status))
    house.clock.now = a_window().end + timedelta(minutes=28)
    await sees(house)
    early = list(house.storage.told)

    await sees(house)
    await sees(house)

    (event,) = house.told(StatusMoved)
    assert early == []
    assert (event.status, event.inferred) == (outcome, True)
    assert len(house.channel()) == (outcome == NOT_UPGRADED)
    assert len(house.told(StatusMoved, Kind.DIRECT)) == 1


async def test_one_outcome_that_somebody_else_just_stored_holds_up_no_other() -> None:
    """A submission was confirmed at the same moment: the rest is concluded all the same."""
    mine, other = a_scheduled_upgrade(identity="a"), a_scheduled_upgrade(identity="b", cluster_identity=DATA)
    house = await a_house(mine, other, CLUSTERS, forced=Source.CLUSTERS)
    house.clock.now = a_window().end + timedelta(minutes=30)

    class Meanwhile(Cataloguing):
        """Somebody else writes while the clusters are read."""

        async def refresh(self, organisation: Organisation, lease: Lease | None = None) -> Catalog:
            house.storage.rooms.upgrades[ACME, mine.identity] = replace(mine, revision=7)
            return await super().refresh(organisation, lease)

    meanwhile = Meanwhile(begin=house.storage.begin, cloud=house.cloud, shelf=house.shelf)
    house.tracking = replace(house.tracking, cataloguing=meanwhile)

    await house.poll()

    assert [event.about.upgrade for event in house.channel()] == ["b"]


async def test_without_statuses_and_without_a_window_nothing_can_be_followed() -> None:
    """The card says so, and nothing is concluded later."""
    house = await a_house(CLUSTERS, forced=Source.CLUSTERS)
    house.cloud.answers = [a_reading(window=None)]
    await house.submitted()

    house.clock.advance(timedelta(days=30))
    await house.poll()

    assert house.upgrades[str(a_reading().identity)].status == NOT_FOLLOWED
    assert house.told(UpgradeSubmitted)[0].followed is False
    assert house.told(StatusMoved) == []


async def test_a_poll_that_met_somebody_elses_write_leaves_it_to_the_next() -> None:
    """A submission was confirmed at the same moment: nothing is lost, nothing is told twice."""
    house = await a_house(*ours(), READ)
    collisions = [Stale("Somebody else changed this upgrade in the meantime.")]

    @asynccontextmanager
    async def colliding(lease: Lease | None = None) -> AsyncIterator[Work]:
        async with house.storage.begin(lease) as work:
            if collisions:
                raise collisions.pop()
            yield work

    house.tracking = replace(house.tracking, begin=colliding)

    await sees(house, a_reading(status="FAILED"))
    first = list(house.storage.told)
    blind_since = house.storage.rooms.feeds[ACME].blind_since
    await sees(house, a_reading(status="FAILED"))

    assert (first, blind_since) == ([], None)
    assert len(house.channel()) == 1
