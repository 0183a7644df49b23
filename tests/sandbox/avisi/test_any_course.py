"""Whatever is asked of the simulated cloud in whatever order, its records stay sane."""

import contextlib
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.avisi.core import CloudCore
from bot.sandbox.avisi.lifecycle import OUTCOMES
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.world import FINAL, PENDING
from bot.sandbox.clock import SimulatedClock
from tests.sandbox.avisi.conftest import MONDAY

CLUSTERS = ("production/payments", "staging/payments", "staging/webshop", "development/ci-runners")
DEEDS = st.one_of(
    st.tuples(
        st.just("post"),
        st.sampled_from(CLUSTERS),
        st.integers(0, 8),
        st.booleans(),
        st.integers(-48, 200),
    ),
    st.tuples(st.just("advance"), st.integers(1, 60 * 24 * 4)),
    st.tuples(st.just("outcome"), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("kind"), st.sampled_from(["move", "supersede"])),
    st.tuples(st.just("step")),
)


@given(deeds=st.lists(DEEDS, max_size=25))
@settings(max_examples=150, deadline=None)
def test_no_course_of_events_leaves_the_rules(deeds: list[tuple[object, ...]]) -> None:
    """Final statuses are final, one upgrade of a cluster is open at most, nothing open is overdue."""
    clock = SimulatedClock(MONDAY, 1)
    clock.pause()
    clock.jump(MONDAY)
    cloud = CloudCore(clock)
    final: dict[str, str] = {}

    for deed in deeds:
        _do(cloud, deed)
        cloud.settle()

        for upgrade in cloud.upgrades:
            assert final.get(upgrade.identity, upgrade.status) == upgrade.status
            assert upgrade.created_at <= upgrade.modified_at <= clock()
            assert upgrade.due is None or upgrade.due > clock()
            assert (upgrade.due is None) == (upgrade.status in FINAL)
            if upgrade.status in FINAL:
                final[upgrade.identity] = upgrade.status
        for name in CLUSTERS:
            open_ones = [
                upgrade
                for upgrade in cloud.organisation().history(cloud.cluster(name).identity)
                if upgrade.status in {*PENDING, "IN_PROGRESS"}
            ]
            assert len(open_ones) <= 1


def _do(cloud: CloudCore, deed: tuple[object, ...]) -> None:
    match deed:
        case ("post", str(cluster), int(version), bool(ignore), int(hours)):
            date = cloud.clock() + timedelta(hours=hours)
            with contextlib.suppress(Problem):
                cloud.schedule_elsewhere(cluster, cloud.world.versions[version], date=date, ignore=ignore)
        case ("advance", int(minutes)):
            cloud.clock.advance(timedelta(minutes=minutes))
        case ("outcome", str(outcome)):
            cloud.outcome(outcome)
        case ("kind", str(kind)):
            cloud.quirks.reschedule = kind
        case _:
            cloud.step()
