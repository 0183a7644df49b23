"""Whatever happens to what only opens, refreshes or reads: it is said or done again, and nothing comes of it twice."""

from benchmarks.reliability.matrix import broken, played
from benchmarks.reliability.reading_cases import short


async def test_what_cannot_be_opened_or_read_is_said_or_done_again() -> None:
    """Forms, App Home, links, lists, catalogs: a part of all faults, in which each occurs."""
    rows = await played(short())

    assert not broken(rows), broken(rows)
