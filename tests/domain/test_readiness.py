from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cluster import Cluster
from bot.domain.readiness import (
    Alert,
    Alerts,
    AlertsLine,
    ClusterLine,
    Data,
    EndOfLife,
    KubernetesFacts,
    Level,
    MinorFacts,
    NodePool,
    NotMonitored,
    Path,
    Pools,
    PoolUpgrade,
    Readiness,
    RemovedApi,
    RemovedApis,
    Unread,
    Verdict,
    readiness,
)
from bot.domain.versions import Step
from bot.kubernetes_facts import kubernetes_facts
from tests.builders import a_cluster

FACTS = kubernetes_facts()
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WORST_FIRST = [Verdict.NOT_READY, Verdict.UNDETERMINED, Verdict.WARNINGS, Verdict.READY]
QUIET: Alerts = ()
Kind = TypeVar("Kind")


def version(minor: int, patch: int = 4) -> str:
    return f"v1.{minor}.{patch}-u-ame.0"


def judged(
    *,
    running: str = version(35),
    target: str = version(36),
    on_offer: tuple[str, ...] = (version(36),),
    pools: Pools = (),
    alerts: Alerts = QUIET,
    at: datetime = NOW,
    facts: KubernetesFacts = FACTS,
    **changes: object,
) -> Readiness:
    cluster: Cluster = replace(a_cluster(), version=running, **({"status": "running"} | changes))  # type: ignore[arg-type]
    return readiness(facts, cluster, target=target, on_offer=on_offer, pools=pools, alerts=alerts, at=at)


def line(kind: type[Kind], found: Readiness) -> Kind:
    return next(one for one in found.lines if isinstance(one, kind))


def test_nothing_unusual_is_ready() -> None:
    assert judged().verdict is Verdict.READY
    assert judged().warnings == ()


@pytest.mark.parametrize("minor", range(25, 37))
def test_every_step_from_one_minor_to_the_next_is_judged(minor: int) -> None:
    """The end of life is the target's own, and what is removed is what that minor alone removes."""
    found = judged(running=version(minor), target=version(minor + 1))

    assert line(EndOfLife, found).target_ends == FACTS.minors[1, minor + 1].end_of_life
    assert line(RemovedApis, found).removed == FACTS.minors[1, minor + 1].removed
    assert line(RemovedApis, found).known


@pytest.mark.parametrize(("here", "there"), [(here, there) for here in range(25, 38) for there in range(here, 38)])
def test_a_way_over_several_minors_removes_what_each_of_them_removes(here: int, there: int) -> None:
    """The minor that runs adds nothing: what it removed is gone already."""
    found = line(RemovedApis, judged(running=version(here), target=version(there, 9)))

    on_the_way = [api for minor in range(here + 1, there + 1) for api in FACTS.minors[1, minor].removed]
    assert list(found.removed) == on_the_way
    assert found.known
    assert (found.level is Level.WARNING) == any(api.served_by_default for api in on_the_way)


def test_a_cluster_two_minors_behind_goes_one_of_two_steps() -> None:
    """Its own minor ended long ago; only the target's end counts, and the way beyond it is counted."""
    found = judged(running=version(34), target=version(35), on_offer=(version(36), version(35), version(34, 9)))
    ends = line(EndOfLife, found)

    assert line(Path, found) == Path(steps=2, newest=version(36))
    assert ends.running_ends is not None
    assert ends.running_ends < ends.today
    assert ends.level is Level.FINE
    assert found.verdict is Verdict.READY


@pytest.mark.parametrize(
    ("days_before", "level"),
    [
        (61, Level.FINE),
        (60, Level.WARNING),
        (1, Level.WARNING),
        (0, Level.WARNING),
        (-1, Level.WARNING),
        (-400, Level.WARNING),
    ],
)
def test_a_target_near_or_past_its_end_of_life_is_a_warning(days_before: int, level: Level) -> None:
    """Sixty days before, on the day itself, and the day after."""
    end = FACTS.minors[1, 36].end_of_life
    moment = datetime(end.year, end.month, end.day, 23, 59, tzinfo=UTC) - timedelta(days=days_before)

    assert line(EndOfLife, judged(at=moment)).level is level


def test_the_day_is_counted_in_utc() -> None:
    """An end on a leap day, seen the evening before from far east: in UTC it has not come yet."""
    facts = KubernetesFacts(
        as_of=date(2027, 1, 1),
        minors={(1, minor): MinorFacts(end_of_life=date(2028, 2, 29), planned=True) for minor in (35, 36)},
    )
    moment = datetime(2028, 2, 28, 23, 30, tzinfo=UTC)

    found = line(EndOfLife, judged(at=moment, facts=facts))

    assert found.target_ends is not None
    assert (found.target_ends - found.today).days == 1


def test_an_api_that_was_served_by_default_is_a_warning_and_another_is_none() -> None:
    loud = line(RemovedApis, judged(running=version(31), target=version(32)))
    quiet = line(RemovedApis, judged(running=version(36), target=version(37), on_offer=(version(37),)))

    assert loud.level is Level.WARNING
    assert loud.removed[0].replacement == "flowcontrol.apiserver.k8s.io/v1"
    assert quiet.removed
    assert quiet.level is Level.FINE


def test_a_patch_removes_nothing() -> None:
    assert line(RemovedApis, judged(target=version(35, 9))) == RemovedApis(removed=())


@pytest.mark.parametrize("target", [version(38), "nightly", "v2.0.0-u-ame.1"])
def test_what_the_facts_do_not_reach_cannot_be_determined(target: str) -> None:
    found = judged(running=version(37), target=target)

    assert found.verdict is Verdict.UNDETERMINED
    assert line(Data, found).level is Level.UNKNOWN


def test_a_running_version_that_cannot_be_read_cannot_be_determined() -> None:
    assert judged(running="custom-build").verdict is Verdict.UNDETERMINED


def test_the_minor_before_the_facts_begin_is_not_guessed() -> None:
    """What 1.25 removed is not in the facts."""
    assert not line(RemovedApis, judged(running=version(24), target=version(25))).known


@pytest.mark.parametrize(
    ("on_offer", "steps"),
    [
        ((version(36),), 1),
        ((version(36, 9), version(36)), 2),
        ((version(37), version(36)), 2),
        ((version(38), version(37), version(36)), 3),
        (("nightly",), None),
        ((), None),
    ],
)
def test_the_path_counts_the_steps_to_the_newest_version(on_offer: tuple[str, ...], steps: int | None) -> None:
    assert line(Path, judged(on_offer=on_offer)).steps == steps


@pytest.mark.parametrize(
    ("strategy", "minor", "patch"),
    [
        ("REPLACE", PoolUpgrade.NEW_NODES, PoolUpgrade.NEW_NODES),
        ("REPLACE_MINOR_INPLACE_PATCH", PoolUpgrade.NEW_NODES, PoolUpgrade.DRAINED),
        ("REPLACE_MINOR_INPLACE_PATCH_WITHOUT_DRAIN", PoolUpgrade.NEW_NODES, PoolUpgrade.IN_PLACE),
        ("INPLACE", PoolUpgrade.DRAINED, PoolUpgrade.DRAINED),
        ("INPLACE_WITHOUT_DRAIN", PoolUpgrade.IN_PLACE, PoolUpgrade.IN_PLACE),
        ("replace", PoolUpgrade.UNKNOWN, PoolUpgrade.UNKNOWN),
        ("", PoolUpgrade.UNKNOWN, PoolUpgrade.UNKNOWN),
    ],
)
def test_each_strategy_does_what_the_vendor_says(strategy: str, minor: PoolUpgrade, patch: PoolUpgrade) -> None:
    pool = NodePool(name="workers", strategy=strategy)

    assert (pool.on(Step.MINOR), pool.on(Step.PATCH)) == (minor, patch)


@pytest.mark.parametrize(
    ("alerts", "level"),
    [
        ((), Level.FINE),
        ((Alert(name="NodeNotReady", key="a"),), Level.WARNING),
        (NotMonitored(), Level.WARNING),
        (Unread(why="403"), Level.WARNING),
    ],
)
def test_only_a_quiet_tenant_is_fine(alerts: Alerts, level: Level) -> None:
    assert line(AlertsLine, judged(alerts=alerts)).level is level


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.FINE),
        ({"status": "started"}, Level.FINE),
        ({"status": ""}, Level.WARNING),
        ({"status": "starting"}, Level.WARNING),
        ({"status": "stopped"}, Level.BLOCKING),
        ({"status": "Deleting"}, Level.BLOCKING),
        ({"auto_upgrade": True}, Level.WARNING),
        ({"follows": "staging/payments"}, Level.WARNING),
    ],
)
def test_the_clusters_own_state_counts(changes: dict[str, object], level: Level) -> None:
    assert line(ClusterLine, judged(**changes)).level is level  # type: ignore[arg-type]


def test_the_verdicts_beat_each_other_in_order() -> None:
    """A stopped cluster is not ready even when the target cannot be judged and alerts fire."""
    fires: Alerts = (Alert(name="NodeNotReady", key="a"),)

    assert judged(alerts=fires).verdict is Verdict.WARNINGS
    assert judged(alerts=fires, target=version(38)).verdict is Verdict.UNDETERMINED
    assert judged(alerts=fires, target=version(38), status="stopped").verdict is Verdict.NOT_READY


VERSIONS = st.sampled_from([*(version(minor) for minor in range(24, 40)), "nightly", "v2.0.0-u-ame.0"])
ALERTS = st.sampled_from([(), (Alert(name="A", key="a"),), NotMonitored(), Unread(why="403")])


@given(running=VERSIONS, target=VERSIONS, alerts=ALERTS, status=st.sampled_from(["running", "starting", "stopped"]))
def test_what_is_missing_never_makes_the_verdict_greener(
    running: str, target: str, alerts: Alerts, status: str
) -> None:
    """Each input in turn is missing where it could have been fine, and the verdict is no better for it."""
    fine = judged(running=running, target=target, alerts=(), status=status)
    known = judged(running=running, target=target, alerts=alerts, status=status)
    fewer = KubernetesFacts(as_of=FACTS.as_of, minors={(1, 25): FACTS.minors[1, 25]})
    missing = [
        judged(running=running, target=target, alerts=Unread(why="no answer"), status=status),
        judged(running=running, target=target, alerts=NotMonitored(), status=status),
        judged(running=running, target=target, alerts=(), status=status, pools=Unread(why="403")),
        judged(running=running, target=target, alerts=(), status=status, on_offer=()),
        judged(running=running, target=target, alerts=(), status=status, facts=fewer),
        judged(running="", target=target, alerts=(), status=status),
        judged(running=running, target="", alerts=(), status=status),
    ]

    assert all(WORST_FIRST.index(one.verdict) <= WORST_FIRST.index(fine.verdict) for one in missing)
    if alerts:
        assert WORST_FIRST.index(missing[0].verdict) <= WORST_FIRST.index(known.verdict)


@given(removed=st.lists(st.booleans(), max_size=20))
def test_twenty_removed_kinds_are_all_kept(removed: list[bool]) -> None:
    """What is shown may be cut; what is known is not."""
    apis = tuple(RemovedApi(api="a/v1beta1", kind=f"K{n}", served_by_default=on) for n, on in enumerate(removed))
    one = MinorFacts(end_of_life=date(2030, 1, 1), planned=True, removed=apis)
    facts = KubernetesFacts(as_of=FACTS.as_of, minors={(1, 34): one, (1, 35): one, (1, 36): one})

    found = line(RemovedApis, judged(facts=facts))

    assert found.removed == apis
    assert (found.level is Level.WARNING) == any(removed)
