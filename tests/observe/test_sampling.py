"""What anybody can cause fills no log."""

from bot.observe.sampling import Sampler


def test_a_few_of_a_kind_are_written_in_a_minute_and_the_rest_is_counted() -> None:
    now = 0.0
    sampler = Sampler(few=2, seconds=lambda: now)
    first = [sampler.admit("refused") for _ in range(5)]
    now = 60.0

    assert first == [0, 0, None, None, None]
    assert [sampler.admit("refused") for _ in range(3)] == [3, 0, None]


def test_one_kind_leaves_another_alone() -> None:
    sampler = Sampler(few=1, seconds=lambda: 0.0)
    sampler.admit("refused")

    assert sampler.admit("refused") is None
    assert sampler.admit("too large") == 0
