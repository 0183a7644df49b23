from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.events import StatusMoved, UpgradeSubmitted
from bot.domain.request import State
from bot.domain.scheduled import NOT_REPORTED, Reading
from bot.workflow.errors import Broken, Stale
from bot.workflow.outbox import Kind
from bot.workflow.ports import Lease, UnitOfWork
from tests.builders import (
    ACME,
    CHANNEL,
    DATA,
    KIM,
    NOON,
    a_cluster,
    a_policy,
    a_reading,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.workflow.harness import a_harness
from tests.workflow.polling_harness import LATER, READ, ours, sees

IN_CHANNEL = {"SCHEDULED_NOTIFIED", "FAILED", "MISSED"}


@asynccontextmanager
async def _dying(lease: Lease | None = None) -> AsyncIterator[UnitOfWork]:
    """Act like a process that ends before this transaction begins."""
    raise ConnectionAbortedError(lease)
    yield


async def test_the_first_complete_reading_posts_nothing() -> None:
    """It is the baseline: stored in one transaction, told to nobody; later moves are told."""
    harness = await a_harness()
    harness.cloud.page_size = 1
    before = harness.storage.commits

    await sees(harness, *(a_reading(identity=f"u{n}", status="SCHEDULED_NOTIFIED") for n in range(3)))
    baseline = (len(harness.upgrades), list(harness.storage.told), harness.storage.commits - before)
    await sees(harness, *(a_reading(identity=f"u{n}", status="MISSED") for n in range(3)))

    assert baseline == (3, [], 2)
    assert [event.about.upgrade for event in harness.channel()] == ["u0", "u1", "u2"]


async def test_a_baseline_that_breaks_off_stores_nothing() -> None:
    """Otherwise the rest would be announced as news by the next reading."""
    harness = await a_harness()
    harness.cloud.readings = [a_reading(identity="u0")]
    harness.cloud.refusal = Broken("Avisi Cloud answered 502")

    await harness.poll()

    assert harness.upgrades == {}
    assert harness.storage.tables.feeds[ACME].baseline_at is None


async def test_a_baseline_is_kept_together_with_what_it_holds() -> None:
    """The process dies right after: what comes next is news, and no second baseline swallows it."""
    harness = await a_harness()
    harness.cloud.readings = [a_reading(identity="before")]
    lease = await harness.lease()
    dying = replace(harness.polling, blindness=replace(harness.polling.blindness, begin=_dying))
    with pytest.raises(ConnectionAbortedError):
        await dying.poll(ACME, lease)
    harness = await harness.restarted()

    await sees(harness, *harness.cloud.readings, a_reading(identity="after", status="SCHEDULED_NOTIFIED"))

    assert [event.about.upgrade for event in harness.channel()] == ["after"]


async def test_what_was_requested_here_is_never_part_of_a_baseline() -> None:
    """Submitted while no list could be read: its first status is told when there is one."""
    harness = await a_harness(*ours(status="REQUESTED"))

    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))

    assert [event.status for event in harness.told(StatusMoved, Kind.CHANNEL)] == ["SCHEDULED_NOTIFIED"]


async def test_what_is_missing_from_the_list_is_asked_for_in_one_more() -> None:
    """Never one call per upgrade; absence from a list means nothing."""
    upgrades = [a_scheduled_upgrade(identity=f"u{n}", cluster_identity=f"c{n}") for n in range(5)]
    harness = await a_harness(*upgrades, READ)

    await sees(harness, a_reading(identity="u0", cluster_identity="c0"), a_reading(identity="u1", status="SUCCEEDED"))

    assert [clusters for clusters, _ in harness.cloud.lists] == [(), ("c1", "c2", "c3", "c4")]
    assert harness.upgrades["u2"].status == "SCHEDULED"


async def test_more_than_an_address_holds_are_found_in_the_whole_list() -> None:
    """Of a hundred and one that are missing, none is left out; it is still one list."""
    upgrades = [a_scheduled_upgrade(identity=f"u{n}", cluster_identity=f"c{n:03}") for n in range(101)]
    harness = await a_harness(*upgrades, READ)

    await sees(
        harness, *(a_reading(identity=f"u{n}", cluster_identity=f"c{n:03}", status="MISSED") for n in range(101))
    )

    assert len(harness.channel()) == 101
    assert [clusters for clusters, _ in harness.cloud.lists] == [(), ()]


async def test_an_upgrade_that_the_cloud_forgot_is_given_up() -> None:
    """After half an hour it is said to be no longer reported, and asked for no more; it costs no call from then on."""
    harness = await a_harness(*ours(), READ)

    for _ in range(31):
        await sees(harness)
    asked, told = len(harness.cloud.lists), len(harness.storage.told)
    await sees(harness)

    assert harness.upgrades[str(a_reading().identity)].status == NOT_REPORTED
    assert [event.status for event in harness.told(StatusMoved)] == [NOT_REPORTED]
    assert [event.status for event in harness.told(StatusMoved, Kind.DIRECT)] == [NOT_REPORTED]
    assert harness.channel() == []
    assert (len(harness.cloud.lists) - asked, len(harness.storage.told) - told) == (1, 0)


async def test_an_upgrade_that_is_missing_for_a_while_is_not_given_up() -> None:
    """Nothing is told of it, and little is written: once that it is missing, once that it is not."""
    harness = await a_harness(*ours(), READ)

    for _ in range(20):
        await sees(harness)
    await sees(harness, a_reading())
    for _ in range(20):
        await sees(harness)

    assert harness.upgrades[str(a_reading().identity)].status == "SCHEDULED"
    assert harness.upgrades[str(a_reading().identity)].revision == 4
    assert harness.storage.told == []


@pytest.mark.parametrize(
    ("again", "in_channel"),
    [
        (a_reading(status="SCHEDULED_NOTIFIED"), 1),
        (a_reading(status="SCHEDULED_NOTIFIED", window=LATER), 2),
        (a_reading(status="IN_PROGRESS"), 1),
        (a_reading(status="FAILED"), 2),
    ],
    ids=["as-it-was", "another-window", "further", "failed"],
)
async def test_an_upgrade_that_is_listed_again_is_followed_again(again: Reading, in_channel: int) -> None:
    """Its card says so; its channel hears only what it has not heard."""
    harness = await a_harness(*ours(), READ)
    harness.cloud.ignores_filters = True
    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))
    for _ in range(31):
        await sees(harness)

    await sees(harness, again)
    await sees(harness, again)

    assert harness.upgrades[str(again.identity)].status == again.status
    told = [event.status for event in (*harness.told(StatusMoved), *harness.told(StatusMoved, Kind.CHANNEL))]
    assert sorted(told) == sorted(["SCHEDULED_NOTIFIED", NOT_REPORTED, again.status])
    assert len(harness.channel()) == in_channel


async def test_a_forgotten_upgrade_gives_way_to_the_next_request() -> None:
    """The cloud gave no final status that would prevent it."""
    older, upgrade = ours(status=NOT_REPORTED)
    harness = await a_harness(older, upgrade, READ)

    newer = await harness.submitted()

    assert harness.now_of(newer).state is State.SUBMITTED
    assert harness.now_of(older).state is State.REPLACED


async def test_an_outcome_is_found_by_the_second_list() -> None:
    """The first asks only for what is not final."""
    harness = await a_harness(*ours(), READ)

    await sees(harness, a_reading(status="FAILED"))

    assert harness.upgrades[str(a_reading().identity)].status == "FAILED"
    assert len(harness.channel()) == 1


async def test_old_outcomes_listed_by_a_server_that_ignores_filters_are_no_news() -> None:
    """They are kept, so that they are known, and told to nobody."""
    harness = await a_harness(READ)
    harness.cloud.ignores_filters = True

    await sees(harness, a_reading(identity="old", status="FAILED", modified_at=NOON - timedelta(days=3)))

    assert harness.storage.told == []
    assert harness.upgrades["old"].status == "FAILED"


async def test_an_outcome_of_an_upgrade_never_seen_before_is_news_when_it_just_ended() -> None:
    """Scheduled and failed between two polls."""
    harness = await a_harness(READ)
    harness.cloud.ignores_filters = True

    await sees(harness, a_reading(identity="new", status="FAILED", modified_at=NOON + timedelta(seconds=30)))

    assert [event.about.upgrade for event in harness.channel()] == ["new"]


async def test_what_ended_a_little_before_the_last_reading_is_news_all_the_same() -> None:
    """The cloud's clock and ours need not agree, and it may have shown the record late."""
    harness = await a_harness(READ)
    harness.cloud.ignores_filters = True

    await sees(harness, a_reading(identity="new", status="FAILED", modified_at=NOON - timedelta(minutes=20)))

    assert [event.about.upgrade for event in harness.channel()] == ["new"]


async def test_an_upgrade_from_outside_is_announced_without_a_request() -> None:
    """When it is first seen; it has no card and no requester, and its channel is the environment's."""
    harness = await a_harness(READ)

    await sees(harness, a_reading(identity="out", status="SCHEDULED"))
    await sees(harness, a_reading(identity="out", status="SCHEDULED_NOTIFIED"))

    assert [(one.kind, one.target) for one in harness.storage.told] == [(Kind.CHANNEL, CHANNEL)] * 2
    assert [one.about.request_id for one in harness.told(StatusMoved, Kind.CHANNEL)] == [None, None]


@pytest.mark.parametrize(("required", "mention"), [(1, ("S0PLATFORM", KIM)), (0, ())])
async def test_an_upgrade_from_outside_calls_upon_those_who_would_have_been_asked(
    required: int, mention: tuple[str, ...]
) -> None:
    """Where approvals are required: they see that nobody asked them."""
    rule = a_rule(required_approvals=required, notify=("S0PLATFORM", KIM))
    harness = await a_harness(READ, policy=a_policy(rule))

    await sees(harness, a_reading(identity="out", status="SCHEDULED"))
    await sees(harness, a_reading(identity="out", status="SCHEDULED_NOTIFIED"))

    assert [one.mention for one in harness.told(StatusMoved, Kind.CHANNEL)] == [mention, mention]


async def test_watching_only_what_was_requested_leaves_others_alone() -> None:
    """`BOT_WATCH=requested`."""
    harness = await a_harness(*ours(), READ, policy=a_policy(watch="requested"))

    await sees(harness, a_reading(identity="out", status="SCHEDULED_NOTIFIED"), a_reading(status="SCHEDULED_NOTIFIED"))

    assert set(harness.upgrades) == {a_reading().identity}
    assert len(harness.channel()) == 1


async def test_watching_only_what_was_requested_keeps_quiet_about_what_was_watched_before() -> None:
    """It was stored while `BOT_WATCH` was `all`: it is followed for App Home, and told to nobody."""
    harness = await a_harness(a_scheduled_upgrade(), READ, policy=a_policy(watch="requested"))

    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))
    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED", window=LATER))
    await sees(harness, a_reading(status="FAILED"))

    assert harness.upgrades[str(a_reading().identity)].status == "FAILED"
    assert harness.channel() == []


async def test_an_upgrade_whose_request_is_being_submitted_is_not_taken_for_another() -> None:
    """The poll is faster than the answer to the POST: it waits for the answer."""
    harness = await a_harness(an_upgrade_request(state=State.SUBMITTING, attempted_at=NOON), READ)

    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))

    assert harness.upgrades == {}
    assert harness.storage.told == []


async def test_another_version_on_the_same_cluster_is_from_outside_all_the_same() -> None:
    """Only the very upgrade that is being submitted is waited for."""
    harness = await a_harness(an_upgrade_request(state=State.SUBMITTING, attempted_at=NOON), READ)

    await sees(harness, a_reading(to_version="v1.30.9-u-ame.1", status="SCHEDULED_NOTIFIED"))

    assert len(harness.channel()) == 1


NAMELESS = "request:ours"


@pytest.mark.parametrize("status", ["SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "FAILED"])
async def test_an_upgrade_confirmed_without_an_identity_is_known_again_by_the_list(status: str) -> None:
    """The record made after the attempt, for the same cluster and version, is the request's; its status is told."""
    harness = await a_harness(*ours(identity=NAMELESS, status="SCHEDULED"), READ)

    await sees(harness, a_reading(identity="real", status=status, created_at=NOON))
    await sees(harness, a_reading(identity="real", status=status, created_at=NOON))

    (request,) = harness.storage.requests.values()
    assert (request.state, request.upgrade) == (State.SUBMITTED, "real")
    assert (harness.upgrades["real"].request_id, harness.upgrades[NAMELESS].status) == ("ours", "SUPERSEDED")
    told = [event.status for event in (*harness.told(StatusMoved), *harness.told(StatusMoved, Kind.CHANNEL))]
    assert told == ([status] if status != "SCHEDULED" else [])
    assert len(harness.channel()) == (status in IN_CHANNEL)


async def test_a_record_older_than_the_attempt_is_not_the_requests() -> None:
    """It was there before."""
    harness = await a_harness(*ours(identity=NAMELESS), READ)

    await sees(harness, a_reading(identity="other", created_at=NOON - timedelta(hours=1)))

    assert harness.upgrades["other"].request_id is None


async def test_an_unclear_request_is_confirmed_by_the_list_when_there_is_one() -> None:
    """Its record shows up: submitted after all, told and recorded as such; older ones give way."""
    older, upgrade = ours()
    unclear = an_upgrade_request(state=State.SUBMISSION_UNCLEAR, attempted_at=NOON, requested_at=NOON)
    harness = await a_harness(older, upgrade, unclear, READ)

    await sees(harness, a_reading(), a_reading(identity="real", created_at=NOON))

    assert (harness.now_of(unclear).state, harness.now_of(unclear).upgrade) == (State.SUBMITTED, "real")
    assert harness.now_of(older).state is State.REPLACED
    assert len(harness.told(UpgradeSubmitted)) == len(harness.told(UpgradeSubmitted, Kind.DIRECT)) == 1
    assert harness.facts(unclear) == ["upgrade submitted"]


async def test_a_record_without_an_identity_is_passed_over() -> None:
    """It cannot be told apart from others."""
    harness = await a_harness(READ)

    await sees(harness, a_reading(identity=None))

    assert harness.upgrades == {}


async def test_an_upgrade_of_a_cluster_nobody_knows_is_shown_as_far_as_known() -> None:
    """Neither the record nor the catalog names it."""
    harness = await a_harness(READ)

    await sees(harness, a_reading(identity="out", cluster_identity="c9", cluster="", environment="", from_version=""))

    assert (harness.upgrades["out"].cluster, harness.upgrades["out"].environment) == ("c9", "")


async def test_names_left_out_of_a_record_are_taken_from_the_catalog() -> None:
    """Also the version that the cluster runs."""
    harness = await a_harness(READ)

    await sees(harness, a_reading(identity="out", cluster_identity=DATA, cluster="", environment="", from_version=""))

    upgrade = harness.upgrades["out"]
    assert (upgrade.full_name, upgrade.from_version) == ("staging/data", a_cluster().version)


async def test_a_poll_that_met_somebody_elses_write_leaves_it_to_the_next() -> None:
    """A submission was confirmed at the same moment: nothing is lost, nothing is told twice."""
    harness = await a_harness(*ours(), READ)
    collisions = [Stale("Somebody else changed this upgrade in the meantime.")]

    @asynccontextmanager
    async def colliding(lease: Lease | None = None) -> AsyncIterator[UnitOfWork]:
        async with harness.storage.begin(lease) as work:
            if collisions:
                raise collisions.pop()
            yield work

    harness.polling = replace(harness.polling, recording=replace(harness.polling.recording, begin=colliding))

    await sees(harness, a_reading(status="FAILED"))
    first = list(harness.storage.told)
    blind_since = harness.storage.tables.feeds[ACME].blind_since
    await sees(harness, a_reading(status="FAILED"))

    assert (first, blind_since) == ([], None)
    assert len(harness.channel()) == 1
