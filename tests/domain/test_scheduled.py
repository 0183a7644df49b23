from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import scheduled
from bot.domain.scheduled import Reading, ScheduledUpgrade
from bot.domain.windows import Window
from tests.builders import NEW, NOON, a_move, a_reading, a_scheduled_upgrade, a_window

LATER = NOON + timedelta(hours=1)
STATUSES = (
    "REQUESTED",
    "SCHEDULED",
    "SCHEDULED_NOTIFIED",
    "IN_PROGRESS",
    "SUCCEEDED",
    "SUPERSEDED",
    "FAILED",
    "MISSED",
)
MOVED_WINDOW = a_window(NOON + timedelta(days=7))


@pytest.mark.parametrize(
    ("status", "final"),
    [
        ("REQUESTED", False),
        ("SCHEDULED", False),
        ("SCHEDULED_NOTIFIED", False),
        ("IN_PROGRESS", False),
        ("SUCCEEDED", True),
        ("SUPERSEDED", True),
        ("FAILED", True),
        ("MISSED", True),
        ("APPEARS_UPGRADED", True),
        ("NOT_UPGRADED", True),
        ("NOT_FOLLOWED", True),
        ("NOT_REPORTED", True),
        ("PAUSED", False),
        ("", False),
    ],
)
def test_final_statuses_end_an_upgrade(status: str, *, final: bool) -> None:
    """The cloud's four and our own conclusions; what the enum does not know is followed on."""
    assert a_scheduled_upgrade(status=status).is_final is final


def test_a_poll_asks_for_everything_that_is_not_final() -> None:
    """The vendor's eight statuses fall into those asked for and those that end it."""
    assert set(scheduled.OPEN) | scheduled.FINAL == set(STATUSES)
    assert not set(scheduled.OPEN) & scheduled.FINAL
    assert scheduled.PENDING.issubset(scheduled.OPEN)
    assert scheduled.ALARMING.issubset(scheduled.FINAL | scheduled.INFERRED)


@pytest.mark.parametrize(
    "reading",
    [
        {},
        {"window": None},
        {"reason": "something new to say"},
        {"to_version": ""},
        {"from_version": "v1.0.0-u-ame.0"},
        {"cluster": "", "environment": "", "identity": None},
    ],
)
def test_a_reading_with_nothing_new_is_no_move(reading: dict[str, Any]) -> None:
    """The very same value comes back, so that nothing is stored or told."""
    upgrade = a_scheduled_upgrade()

    assert upgrade.moved(a_reading(**reading), at=LATER) is upgrade


@pytest.mark.parametrize(
    ("reading", "since"),
    [
        ({"status": "IN_PROGRESS"}, LATER),
        ({"status": "PAUSED"}, LATER),
        ({"status": "FAILED", "window": None}, LATER),
        ({"window": MOVED_WINDOW}, NOON),
        ({"to_version": "v1.31.6-u-ame.0"}, NOON),
    ],
)
def test_a_changed_status_window_or_version_is_a_move(reading: dict[str, Any], since: Any) -> None:  # noqa: ANN401
    """Moves are counted; the status is as old as its own last change; a window that is not said stays."""
    upgrade = a_scheduled_upgrade(moves=3)

    moved = upgrade.moved(a_reading(**reading), at=LATER)

    assert moved.moves == 4
    assert moved.status_since == since
    assert moved.status == reading.get("status", "SCHEDULED")
    assert moved.window == (reading.get("window") or upgrade.window)
    assert moved.to_version == reading.get("to_version", NEW)


def test_an_older_reading_that_arrives_late_changes_nothing() -> None:
    """The cloud's own time of change tells them apart; without one, the reading counts."""
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS", modified_at=NOON)

    assert upgrade.moved(a_reading(modified_at=NOON - timedelta(seconds=1)), at=LATER) is upgrade
    assert upgrade.moved(a_reading(modified_at=NOON), at=LATER).status == "SCHEDULED"
    assert upgrade.moved(a_reading(), at=LATER).modified_at == NOON
    assert upgrade.moved(a_reading(modified_at=LATER), at=LATER).modified_at == LATER


def test_a_reschedule_revives_an_upgrade_that_had_ended() -> None:
    """The vendor may keep one record over reschedules."""
    ended = a_scheduled_upgrade(status="FAILED", reason="nodes not ready", moves=5)

    revived = ended.moved(a_reading(status="REQUESTED", window=MOVED_WINDOW), at=LATER)

    assert not revived.is_final
    assert (revived.moves, revived.reason, revived.window) == (6, "", MOVED_WINDOW)


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        ({"status": "IN_PROGRESS", "to_version": "v2"}, True),
        ({"status": "FAILED"}, False),
        ({"window": MOVED_WINDOW}, False),
    ],
)
def test_an_overrun_is_told_once_until_something_changes(reading: dict[str, Any], *, told: bool) -> None:
    """Another status or window makes it news again."""
    overrun = a_scheduled_upgrade(status="IN_PROGRESS", overrun_told=True)

    assert overrun.moved(a_reading(**({"status": "IN_PROGRESS"} | reading)), at=LATER).overrun_told is told


def test_what_no_list_shows_is_given_up_after_half_an_hour() -> None:
    """One reading that lacks it means nothing; the reason that the cloud gave before is not its reason for this."""
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS", reason="Nodes are being upgraded", moves=3)

    missing = upgrade.unlisted(at=LATER)
    still = missing.unlisted(at=LATER + timedelta(minutes=29, seconds=59))
    lost = still.unlisted(at=LATER + timedelta(minutes=30))

    assert (missing.missing_since, missing.status, missing.moves) == (LATER, "IN_PROGRESS", 3)
    assert still is missing
    assert (lost.status, lost.reason, lost.moves) == (scheduled.NOT_REPORTED, "", 4)
    assert lost.is_final
    assert lost.unlisted(at=LATER + timedelta(days=1)) is lost


def test_what_is_listed_again_is_missing_no_longer() -> None:
    """Whatever the list says of it; its fingerprint differs again, so this reading is looked at."""
    upgrade = a_scheduled_upgrade(modified_at=NOON)
    missing = upgrade.unlisted(at=LATER)

    assert missing.fingerprint != upgrade.fingerprint
    for reading in (a_reading(), a_reading(modified_at=NOON - timedelta(days=1)), a_reading(status="FAILED")):
        assert missing.moved(reading, at=LATER).missing_since is None
    assert missing.moved(a_reading(), at=LATER) == upgrade


def test_our_own_conclusion_is_a_move_too() -> None:
    """Where the cloud gives no status, the cluster's version tells."""
    concluded = a_scheduled_upgrade(moves=1).infer(scheduled.NOT_UPGRADED, at=LATER)

    assert (concluded.status, concluded.status_since, concluded.moves) == ("NOT_UPGRADED", LATER, 2)
    assert concluded.is_final


@pytest.mark.parametrize(
    ("status", "from_status", "changed"),
    [("SCHEDULED", "REQUESTED", True), ("SCHEDULED", None, True), ("SCHEDULED", "SCHEDULED", False)],
)
def test_a_move_knows_whether_the_status_changed(status: str, from_status: str | None, *, changed: bool) -> None:
    """Or only the window."""
    assert a_move(status=status, from_status=from_status).changed_status is changed


READINGS = st.builds(
    replace,
    st.just(a_reading()),
    status=st.sampled_from([*STATUSES, "PAUSED"]),
    window=st.none() | st.sampled_from([a_window(), MOVED_WINDOW]),
    reason=st.sampled_from(["", "because"]),
    modified_at=st.none() | st.sampled_from([NOON, LATER]),
)


@given(st.lists(READINGS))
def test_moves_are_numbered_without_gaps_whatever_is_read(readings: list[Reading]) -> None:
    """Reading the same again is no move, and every move shows in status, window or version."""
    upgrade: ScheduledUpgrade = a_scheduled_upgrade()
    for reading in readings:
        before, upgrade = upgrade, upgrade.moved(reading, at=LATER)
        shown: list[tuple[str, Window | None, str]] = [
            (one.status, one.window, one.to_version) for one in (before, upgrade)
        ]
        assert upgrade.moves == before.moves + (shown[0] != shown[1])
        assert upgrade.moved(reading, at=LATER) is upgrade


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"reason": "Other words", "from_version": "v1.30.1-u-ame.1"}, True),
        ({"window": Window(start=NOON.astimezone(timezone(timedelta(hours=2))), end=LATER)}, True),
        ({"window": Window(start=NOON, end=LATER + timedelta(seconds=1))}, False),
        ({"window": Window(start=NOON - timedelta(seconds=1), end=LATER)}, False),
        ({"window": None}, False),
        ({"status": "IN_PROGRESS"}, False),
        ({"to_version": "v1.40.0-u-ame.1"}, False),
    ],
)
def test_status_version_and_window_say_where_an_upgrade_stands(changes: dict[str, Any], *, same: bool) -> None:
    """A poll compares nothing else, whichever zone a window is written in."""
    upgrade = a_scheduled_upgrade(status="SCHEDULED", to_version=NEW, window=Window(start=NOON, end=LATER))
    reading = a_reading(**{"status": "SCHEDULED", "to_version": NEW, "window": upgrade.window, **changes})

    assert (reading.fingerprint == upgrade.fingerprint) == same


def test_an_upgrade_without_a_window_stands_where_one_without_a_window_does() -> None:
    """It is compared as the text that is stored."""
    assert a_scheduled_upgrade(status="REQUESTED", to_version="v2", window=None).fingerprint == "'REQUESTED' 'v2' "


@given(READINGS, READINGS)
def test_a_reading_that_stands_where_the_upgrade_stands_is_no_move(first: Reading, second: Reading) -> None:
    """So a poll need not look at what is stored of it; and what moved has another fingerprint."""
    upgrade = a_scheduled_upgrade().moved(first, at=LATER)
    moved = upgrade.moved(second, at=LATER)

    assert moved is upgrade or moved.fingerprint != upgrade.fingerprint
    assert second.fingerprint != upgrade.fingerprint or moved is upgrade


def test_where_it_stands_is_written_without_ambiguity() -> None:
    """Words of the cloud may hold spaces."""
    first, second = a_reading(status="A B", to_version="C"), a_reading(status="A", to_version="B C")

    assert first.fingerprint != second.fingerprint


def test_an_upgrade_that_is_to_be_scheduled_anew_has_lost_its_window() -> None:
    """In every other status an answer without a window keeps the one that is known."""
    upgrade = a_scheduled_upgrade(status="SCHEDULED", window=MOVED_WINDOW)

    requested = upgrade.moved(a_reading(status="REQUESTED", window=None), at=LATER)
    running = upgrade.moved(a_reading(status="IN_PROGRESS", window=None), at=LATER)

    assert (requested.status, requested.window) == ("REQUESTED", None)
    assert (running.status, running.window) == ("IN_PROGRESS", MOVED_WINDOW)


@pytest.mark.parametrize(("read", "kept"), [("v1.30.9-u-ame.1", "v1.30.9-u-ame.1"), ("", "v1.30.1-u-ame.0")])
def test_the_version_before_is_taken_over_when_it_is_given(read: str, kept: str) -> None:
    upgrade = a_scheduled_upgrade(status="SCHEDULED", from_version="v1.30.1-u-ame.0")

    moved = upgrade.moved(a_reading(status="IN_PROGRESS", from_version=read), at=LATER)

    assert moved.from_version == kept
