"""How long to wait before something is tried again."""

from bot.workflow.retrying import growing_pause


def test_pauses_double_up_to_a_minute() -> None:
    """The first is a second unless another first pause is given."""
    assert [growing_pause(attempts) for attempts in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [growing_pause(attempts, first=2.0) for attempts in range(6)] == [2, 4, 8, 16, 32, 60]


def test_something_that_fails_for_weeks_still_has_a_pause() -> None:
    """Doubling a float more than a thousand times would overflow."""
    assert growing_pause(100_000) == 60
