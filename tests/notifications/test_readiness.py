"""Readiness in words: every line has a text, and whatever comes stays within Slack's limits."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.naming import PLAIN
from bot.domain.readiness import (
    Alert,
    AlertsLine,
    ClusterLine,
    Data,
    EndOfLife,
    KubernetesFacts,
    Line,
    MinorFacts,
    NodePool,
    NotMonitored,
    Path,
    PoolsLine,
    Readiness,
    ReleaseNotes,
    RemovedApi,
    RemovedApis,
    Unread,
    readiness,
)
from bot.domain.versions import Step
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications.blocks import message
from bot.notifications.readiness import answer, as_read, card_line, lines, modal, panel, verdict, warning, words
from bot.notifications.text import units
from tests.builders import a_cluster, an_upgrade_request
from tests.notifications.checks import complaints, view_complaints

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TODAY = NOW.date()


def judged(**changes: object) -> Readiness:
    inputs: dict[str, object] = {
        "target": "v1.34.1-u-ame.3",
        "on_offer": ("v1.34.1-u-ame.3",),
        "pools": (),
        "alerts": (),
        "at": NOW,
    }
    cluster = a_cluster(version="v1.33.4-u-ame.9", status="running")
    return readiness(kubernetes_facts(), cluster, **(inputs | changes))  # type: ignore[arg-type]


def test_the_card_names_the_verdict_and_its_warning() -> None:
    ended = judged()

    assert card_line(ended) == "Ready, with 1 warning: 1.34 ended 33 days ago"


def test_the_card_names_two_warnings_and_counts_all() -> None:
    found = judged(alerts=(Alert(name="A", key="a"), Alert(name="B", key="b")))

    assert card_line(found) == "Ready, with 2 warnings: 1.34 ended 33 days ago; 2 alerts are firing"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            EndOfLife(
                today=TODAY,
                running=(1, 34),
                running_ends=date(2026, 10, 27),
                target=(1, 35),
                target_ends=date(2027, 2, 28),
            ),
            "1.34 ended on 27 Oct 2026 (33 days ago); 1.35 ends on 28 Feb 2027 (in 91 days)",
        ),
        (
            EndOfLife(today=TODAY, running=(1, 34), running_ends=TODAY, target=(1, 34), target_ends=TODAY),
            "1.34 ends on 29 Nov 2026 (today)",
        ),
        (
            EndOfLife(today=TODAY, running=None, running_ends=None, target=(1, 99), target_ends=None),
            "that of a version that cannot be read is not known; that of 1.99 is not known",
        ),
        (RemovedApis(removed=()), "none at beta or stable. It cannot be seen from here whether anything uses them."),
        (
            RemovedApis(
                removed=(RemovedApi(api="a/v1beta1", kind="Thing", served_by_default=True, replacement="a/v1"),)
            ),
            "Thing of a/v1beta1 (use v1). It cannot be seen from here whether anything uses them.",
        ),
        (
            RemovedApis(
                removed=(
                    RemovedApi(api="a/v1beta1", kind="One", served_by_default=True, replacement="a/v1"),
                    RemovedApi(api="a/v1beta1", kind="Two", served_by_default=True, replacement="a/v1"),
                    RemovedApi(api="b/v1beta1", kind="Three", served_by_default=False),
                    RemovedApi(api="b/v1", kind="Four", served_by_default=True, replacement="c/v1"),
                )
            ),
            (
                "One, Two of a/v1beta1 (use v1); Three of b/v1beta1 (no replacement, off by default); "
                "Four of b/v1 (use c/v1). It cannot be seen from here whether anything uses them."
            ),
        ),
        (Path(steps=3, newest="v1.36.0"), "step 1 of 3 to v1.36.0, the newest version on offer"),
        (Path(steps=1, newest="v1.36.0"), "step 1 of 1; this is the newest version on offer"),
        (PoolsLine(step=Step.MINOR, pools=Unread(why="403")), "could not be read (403)"),
        (PoolsLine(step=Step.MINOR, pools=Unread(why="", pending=True)), "being read"),
        (
            PoolsLine(step=Step.PATCH, pools=(NodePool(name="db", strategy="INPLACE_WITHOUT_DRAIN", zone="a"),)),
            "db (a): nodes are upgraded in place; workloads stay where they are",
        ),
        (
            PoolsLine(
                step=Step.MINOR,
                pools=(
                    NodePool(name="a", strategy="REPLACE"),
                    NodePool(name="b", strategy="INPLACE"),
                    NodePool(name="c", strategy="REPLACE"),
                    *(NodePool(name=f"d{n}", strategy="custom") for n in range(5)),
                ),
            ),
            (
                "\n• a, c: new nodes; workloads move to them before the old ones are removed"
                "\n• b: each node is drained, then upgraded in place; workloads move away meanwhile"
                "\n• d0, d1, d2: what happens is not known (strategy `custom`)"
                "\n• and 2 more"
            ),
        ),
        (AlertsLine(alerts=()), "none firing"),
        (AlertsLine(alerts=NotMonitored()), "not monitored"),
        (AlertsLine(alerts=Unread(why="403")), "could not be read (403)"),
        (
            AlertsLine(alerts=tuple(Alert(name=f"A{n}", key=str(n)) for n in range(7))),
            "7 alerts are firing: A0, A1, A2, A3, A4, and 2 more",
        ),
        (ClusterLine(auto_upgrade=False, follows="", status="started"), "running; nothing unusual"),
        (
            ClusterLine(auto_upgrade=False, follows="", status="stopped"),
            "It is stopped, so an upgrade of it cannot run.",
        ),
        (Data(as_of=date(2026, 10, 10), newest=(1, 37), target=(1, 36)), "Kubernetes facts of 2026-10, up to 1.37"),
    ],
)
def test_each_line_says(line: Line, said: str) -> None:
    assert words(line) == said


@pytest.mark.parametrize(
    ("today", "said", "in_short"),
    [
        (date(2028, 2, 27), "1.40 ends on 29 Feb 2028 (in 2 days)", "1.40 ends in 2 days"),
        (date(2028, 2, 28), "1.40 ends on 29 Feb 2028 (in 1 day)", "1.40 ends in 1 day"),
        (date(2028, 2, 29), "1.40 ends on 29 Feb 2028 (today)", "1.40 ends today"),
        (date(2028, 3, 1), "1.40 ended on 29 Feb 2028 (1 day ago)", "1.40 ended 1 day ago"),
        (date(2029, 3, 1), "1.40 ended on 29 Feb 2028 (366 days ago)", "1.40 ended 366 days ago"),
    ],
)
def test_an_end_of_life_is_told_before_on_and_after_its_day(today: date, said: str, in_short: str) -> None:
    """A leap day; the last day of support is still a day of it."""
    ends = date(2028, 2, 29)
    line = EndOfLife(today=today, running=(1, 40), running_ends=ends, target=(1, 40), target_ends=ends)

    assert words(line) == said
    assert warning(line) == in_short


def test_names_from_outside_mention_nobody() -> None:
    found = judged(alerts=(Alert(name="<!channel>", key="a"),), pools=(NodePool(name="<@U1>", strategy="*x*"),))

    assert "<!channel>" not in str(panel(found))
    assert "<@U1>" not in str(panel(found))


TEXTS = st.text(max_size=120)
POOLS = st.one_of(
    st.builds(Unread, why=TEXTS, pending=st.booleans()),
    st.lists(
        st.builds(NodePool, name=TEXTS, strategy=st.one_of(TEXTS, st.just("REPLACE")), zone=TEXTS), max_size=12
    ).map(tuple),
)
ALERTS = st.one_of(
    st.just(NotMonitored()),
    st.builds(Unread, why=TEXTS, pending=st.booleans()),
    st.lists(st.builds(Alert, name=TEXTS, key=TEXTS), max_size=40).map(tuple),
)
VERSIONS = st.one_of(TEXTS, st.sampled_from([f"v1.{minor}.1-u-ame.0" for minor in range(20, 50)]))


@given(
    running=VERSIONS,
    target=VERSIONS,
    pools=POOLS,
    alerts=ALERTS,
    removed=st.integers(0, 20),
    status=TEXTS,
    follows=TEXTS,
)
def test_whatever_comes_is_said_within_the_limits(  # noqa: PLR0917 - each input may be anything
    running: str, target: str, pools: object, alerts: object, removed: int, status: str, follows: str
) -> None:
    """Six pools and twenty removed kinds of the longest names among it; every warning has words of its own."""
    apis = tuple(
        RemovedApi(api="x" * 90, kind=f"{'K' * 90}{n}", served_by_default=True, replacement="y" * 90)
        for n in range(removed)
    )
    some = MinorFacts(end_of_life=date(2027, 1, 1), planned=True, removed=apis)
    facts = KubernetesFacts(as_of=date(2026, 10, 1), minors={(1, minor): some for minor in range(24, 40)})
    cluster = a_cluster(version=running, status=status, follows=follows)

    found = readiness(facts, cluster, target=target, on_offer=(target,), pools=pools, alerts=alerts, at=NOW)  # type: ignore[arg-type]

    drawn = panel(found)
    assert len(drawn) <= 7
    assert all(units(str(block["text"]["text"])) <= 2999 for block in drawn)  # type: ignore[index]
    assert len(card_line(found)) <= 600
    assert all(warning(line).strip() for line in found.warnings)
    assert all(said.strip() for _, said in lines(found))
    assert verdict(found)
    assert complaints(message("-", *answer(found, target=target))) == []
    assert len(answer(found, target=target)) <= 2
    asked = an_upgrade_request(cluster=follows, from_version=running, to_version=target)
    assert view_complaints(modal(asked, found, note=as_read(NOW), naming=PLAIN)) == []


def test_links_lead_to_both_release_notes() -> None:
    said = words(ReleaseNotes(minor=(1, 35)))

    assert "|Avisi Cloud>" in said
    assert "CHANGELOG-1.35.md|Kubernetes 1.35>" in said
