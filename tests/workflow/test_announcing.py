"""What is told of a move, where, and to whom: each once, worded by what the poll saw."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.calendar import Freeze
from bot.domain.events import StatusMoved, WindowBrokeRule, WindowMoved
from bot.domain.scheduled import UpgradeIdentity
from bot.workflow.outbox import Kind
from tests.builders import (
    NOON,
    ROOS,
    a_policy,
    a_reading,
    a_rule,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import a_harness
from tests.workflow.polling_harness import EVE, LATER, READ, ours, sees

IN_CHANNEL = {"SCHEDULED_NOTIFIED", "FAILED", "MISSED"}
FINAL = {"SUCCEEDED", "SUPERSEDED", "FAILED", "MISSED"}


@pytest.mark.parametrize(
    "status",
    ["REQUESTED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "SUCCEEDED", "SUPERSEDED", "FAILED", "MISSED", "PAUSED"],
)
async def test_each_status_is_told_where_the_contract_says(status: str) -> None:
    """The card always; the channel for reminders and alerts, else the thread; the requester for outcomes.

    PAUSED is unknown. What the channel was told is not repeated in the thread.
    """
    harness = await a_harness(*ours(), READ)

    await sees(harness, a_reading(status=status, reason="Because"))

    (event,) = harness.told(StatusMoved, Kind.CHANNEL if status in IN_CHANNEL else Kind.THREAD)
    assert (event.status, event.from_status, event.reason) == (status, "SCHEDULED", "Because")
    assert len(harness.outbox(Kind.CARD)) == 1
    assert len(harness.told(StatusMoved, Kind.THREAD)) == (status not in IN_CHANNEL)
    assert len(harness.told(StatusMoved, Kind.DIRECT)) == (status in FINAL)
    assert harness.facts(harness.storage.requests[next(iter(harness.storage.requests))]) == ["status moved"]


@pytest.mark.parametrize("status", ["FAILED", "MISSED"])
async def test_a_failure_mentions_the_requester_and_on_call(status: str) -> None:
    """In the channel, once each; the direct message mentions nobody."""
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(on_call=("S0ONCALL", ROOS))))

    await sees(harness, a_reading(status=status))

    assert harness.told(StatusMoved, Kind.CHANNEL)[0].mention == (ROOS, "S0ONCALL")
    assert harness.told(StatusMoved, Kind.DIRECT)[0].mention == ()


async def test_the_policy_raises_further_statuses_to_the_channel() -> None:
    """`announce` adds; it takes nothing away."""
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(announce=frozenset({"IN_PROGRESS"}))))

    await sees(harness, a_reading(status="IN_PROGRESS"))
    await sees(harness, a_reading(status="FAILED"))

    assert [event.status for event in harness.told(StatusMoved, Kind.CHANNEL)] == ["IN_PROGRESS", "FAILED"]


async def test_a_status_seen_again_is_told_once() -> None:
    """Polls repeat themselves; moves do not."""
    harness = await a_harness(*ours(), READ)

    for _ in range(3):
        await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))

    assert len(harness.channel()) == 1


async def test_a_jump_announces_the_newest_only() -> None:
    """From SCHEDULED straight to SUCCEEDED, with the bot down in between: the state it is in now."""
    harness = await a_harness(*ours(), READ)
    harness.clock.advance(timedelta(hours=5))

    await sees(harness, a_reading(status="SUCCEEDED"))

    assert [(event.from_status, event.status) for event in harness.told(StatusMoved)] == [("SCHEDULED", "SUCCEEDED")]


@pytest.mark.parametrize(("status", "to_channel"), [("SCHEDULED", False), ("SCHEDULED_NOTIFIED", True)])
async def test_a_moved_window_goes_where_its_status_goes(status: str, *, to_channel: bool) -> None:
    """Once, with both windows."""
    harness = await a_harness(*ours(status=status), READ)

    for _ in range(2):
        await sees(harness, a_reading(status=status, window=LATER))

    (event,) = harness.told(WindowMoved, Kind.CHANNEL if to_channel else Kind.THREAD)
    assert (event.from_window, event.window) == (a_window(), LATER)
    assert len(harness.told(WindowMoved, Kind.THREAD)) == (not to_channel)


async def test_a_window_left_out_of_an_answer_is_no_move() -> None:
    """Every field may be absent."""
    harness = await a_harness(*ours(), READ)

    await sees(harness, a_reading(window=None))

    assert harness.storage.told == []


async def test_a_moved_window_that_breaks_a_rule_is_alerted() -> None:
    """The one that was asked for was allowed, the one it moved to is not."""
    freeze = Freeze(first=LATER.start.date(), last=LATER.start.date())
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(freeze=(freeze,))))

    await sees(harness, a_reading(window=LATER))
    await sees(harness, a_reading(window=LATER))

    assert [event.window for event in harness.told(WindowBrokeRule, Kind.CHANNEL)] == [LATER]
    assert harness.told(WindowMoved, Kind.CHANNEL) == harness.told(WindowMoved) == []


async def test_a_window_that_breaks_a_rule_no_more_is_all_clear() -> None:
    """Where the alarm was, also when such moves are told only in the thread; once."""
    freeze = Freeze(first=LATER.start.date(), last=LATER.start.date())
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(freeze=(freeze,))))
    await sees(harness, a_reading(window=LATER))

    await sees(harness, a_reading())
    await sees(harness, a_reading(window=a_window(NOON + timedelta(hours=30))))

    assert [event.ends_alarm for event in harness.told(WindowMoved, Kind.CHANNEL)] == [True]
    assert [event.ends_alarm for event in harness.told(WindowMoved)] == [False]


async def test_an_upgrade_that_overran_is_told_to_have_ended_in_the_channel() -> None:
    """An alarm has an all-clear, whatever the end is called; one that ran on time ends in the thread."""
    for status, overran, in_channel in (
        ("SUCCEEDED", True, True),
        ("SUPERSEDED", True, True),
        ("SUCCEEDED", False, False),
    ):
        request, upgrade = ours(status="IN_PROGRESS")
        harness = await a_harness(request, replace(upgrade, overrun_told=overran), READ)

        await sees(harness, a_reading(status=status))

        assert [one.ends_alarm for one in harness.told(StatusMoved, Kind.CHANNEL)] == [True] * in_channel
        assert len(harness.told(StatusMoved)) == (not in_channel)


async def test_a_success_after_a_failure_is_all_clear_once() -> None:
    """In the record that failed, or in another one of the cluster; what was superseded in between says nothing."""
    request, upgrade = ours(status="SCHEDULED")
    failed = replace(
        upgrade,
        identity=UpgradeIdentity("before"),
        status="FAILED",
        request_id=None,
        status_since=NOON - timedelta(days=2),
    )
    given_up = replace(
        failed, identity=UpgradeIdentity("between"), status="SUPERSEDED", status_since=NOON - timedelta(days=1)
    )
    harness = await a_harness(request, upgrade, failed, given_up, READ)

    for status in ("SUCCEEDED", "SCHEDULED", "SUCCEEDED", "SCHEDULED", "FAILED", "SCHEDULED", "SUCCEEDED"):
        await sees(harness, a_reading(status=status))

    told = [(event.status, event.ends_alarm) for event in harness.told(StatusMoved, Kind.CHANNEL)]
    assert told == [("SUCCEEDED", True), ("FAILED", False), ("SUCCEEDED", True)]


async def test_a_status_and_a_window_that_move_together_are_one_move() -> None:
    """Told once, with the new window."""
    harness = await a_harness(*ours(), READ)

    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED", window=LATER))

    assert [type(event) for event in harness.channel()] == [StatusMoved]
    assert [event.window for event in harness.told(StatusMoved, Kind.CHANNEL)] == [LATER]
    assert harness.told(WindowMoved) == []


async def test_a_window_that_breaks_a_rule_is_not_alerted_again_by_a_status() -> None:
    """The window is the same as before."""
    freeze = Freeze(first=a_window().start.date(), last=a_window().start.date())
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(freeze=(freeze,))))

    await sees(harness, a_reading(status="SCHEDULED_NOTIFIED"))

    assert harness.told(WindowBrokeRule, Kind.CHANNEL) == []


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
    harness = await a_harness(replace(request, **changes), upgrade, READ, policy=policy)

    await sees(harness, a_reading(status=status, window=EVE))

    assert len(harness.told(WindowBrokeRule, Kind.CHANNEL)) == alerts


async def test_a_policy_that_announces_nothing_still_hears_what_everybody_must() -> None:
    """Reminders and alerts are not a matter of taste."""
    harness = await a_harness(*ours(), READ, policy=a_policy(a_rule(announce=frozenset())))

    for status in ("SCHEDULED_NOTIFIED", "IN_PROGRESS", "MISSED", "SCHEDULED", "FAILED"):
        await sees(harness, a_reading(status=status))

    assert [event.status for event in harness.told(StatusMoved, Kind.CHANNEL)] == [
        "SCHEDULED_NOTIFIED",
        "MISSED",
        "FAILED",
    ]


async def test_an_older_answer_that_arrives_late_changes_nothing() -> None:
    """Told apart by the cloud's own modifiedAt."""
    harness = await a_harness(*ours(status="IN_PROGRESS", modified_at=NOON), READ)

    await sees(harness, a_reading(status="SCHEDULED", modified_at=NOON - timedelta(seconds=5)))

    assert harness.storage.told == []


async def test_a_record_revived_by_a_reschedule_is_followed_and_told_again() -> None:
    """FAILED, rescheduled on the same record, notified again: a new move with a number of its own."""
    harness = await a_harness(*ours(status="SCHEDULED_NOTIFIED"), READ)

    for status in ("FAILED", "SCHEDULED", "SCHEDULED_NOTIFIED", "FAILED"):
        await sees(harness, a_reading(status=status))

    assert [event.status for event in harness.told(StatusMoved, Kind.CHANNEL)] == [
        "FAILED",
        "SCHEDULED_NOTIFIED",
        "FAILED",
    ]
    assert len({one.key for one in harness.outbox(Kind.CHANNEL)}) == 3


async def test_an_upgrade_from_outside_whose_window_breaks_a_rule_is_alerted() -> None:
    """Nobody here asked for it, so those are mentioned who are to be notified; at once, and once."""
    freeze = Freeze(first=a_window().start.date(), last=a_window().start.date())
    harness = await a_harness(READ, policy=a_policy(a_rule(freeze=(freeze,), notify=("S0TEAM",))))

    await sees(harness, a_reading(identity="out"))
    await sees(harness, a_reading(identity="out"))

    (event,) = harness.told(WindowBrokeRule, Kind.CHANNEL)
    assert (event.about.upgrade, event.mention) == ("out", ("S0TEAM",))


async def test_an_upgrade_scheduled_beside_a_waiting_request_has_its_card_drawn_again() -> None:
    """By the platform, to another version: when it appears, and when it moves; its own card is not meant."""
    request = an_upgrade_request()
    harness = await a_harness(READ, request)
    other = a_reading(to_version="v1.31.9-u-ame.9")

    await sees(harness, other)
    await sees(harness, replace(other, status="SUPERSEDED"))

    repaints = harness.outbox(Kind.CARD)
    assert [one.request_id for one in repaints] == [request.id, request.id]
    assert len({one.key for one in repaints}) == 2
