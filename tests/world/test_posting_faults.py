"""Whatever Slack does to what is sent: nothing is lost, and repeats come only of unknown outcomes."""

from benchmarks.reliability.matrix import broken, played
from benchmarks.reliability.posting_cases import closed, short


async def test_nothing_is_lost_and_repeats_come_only_of_unknown_outcomes() -> None:
    """Cards, threads, reminders, direct messages and private answers; a press on an orphan counts."""
    rows = await played(short())

    assert not broken(rows), broken(rows)


async def test_what_cannot_be_posted_waits_until_the_channel_is_mended() -> None:
    """Archived, closed, the bot removed, the token refused: the requester is told, and nothing is lost."""
    rows = await played(closed())

    assert not broken(rows), broken(rows)
