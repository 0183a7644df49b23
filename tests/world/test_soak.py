"""A short soak; `python -m benchmarks.reliability` runs a long one."""

from benchmarks.reliability.soak import soaked


async def test_under_traffic_nothing_leaks_and_the_queues_drain() -> None:
    """Memory, tasks, files and queues after a while of traffic at speed."""
    soak = await soaked(minutes=0.25, seed=1)

    print(soak)  # noqa: T201 - the figures are the proof
    assert not soak.problems, soak
    assert soak.accepted > 0
