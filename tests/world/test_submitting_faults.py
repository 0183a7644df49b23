"""Whatever becomes of the POST: one accepted creation for each approved request, and a card that tells the truth."""

from benchmarks.reliability.matrix import broken, played
from benchmarks.reliability.submission_cases import short


async def test_an_approved_request_is_submitted_once_whatever_the_cloud_answers() -> None:
    """Unclear answers are looked into; only where nothing can be looked at is an approver asked."""
    rows = await played(short())

    assert not broken(rows), broken(rows)
