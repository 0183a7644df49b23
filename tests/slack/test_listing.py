"""What `list` and `status` answer says what is so, in the words that cards and Home use."""

import json
import re

import pytest
from hypothesis import given

from bot.domain.cluster import Organisation
from bot.domain.naming import Naming
from bot.domain.request import RequestId, State
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications import phrases
from bot.notifications.console import Console
from bot.notifications.links import Links
from bot.notifications.text import counted, plain_span, span
from bot.slack.listing import explained, one_cluster, overview
from bot.workflow.inbox import MessageRef
from bot.workflow.repositories import Feed, Source
from bot.workflow.viewing import ClusterView, Overview
from tests.builders import ACME, NOON, a_cluster, a_policy, a_rule, a_scheduled_upgrade, a_window, an_upgrade_request
from tests.notifications.checks import as_sent, complaints, whom
from tests.notifications.test_everything import HOSTILE, QUICKLY, hostile

BLIND = Feed(organisation=ACME, read_at=NOON, blind_since=NOON)


def listed(*upgrades: ScheduledUpgrade, feed: Feed | None = None, more: bool = False) -> str:
    """Return all that a list shows, after looking whether Slack would take it."""
    feed = feed or Feed(organisation=ACME, source=Source.ORGANISATION, read_at=NOON)
    answer = overview(Overview(upgrades=upgrades, requests=(), feeds=(feed,), more=more))
    assert complaints(answer) == []
    return f"{answer.text} {answer.blocks}"


def test_an_unknown_status_is_listed_as_it_is() -> None:
    """Not made over into small letters that the cloud never said."""
    assert " · PAUSED by operator · " in listed(a_scheduled_upgrade(status="PAUSED by operator"))


def test_a_list_is_called_cut_only_when_it_is() -> None:
    """Exactly two hundred are all there are."""
    upgrades = [a_scheduled_upgrade(identity=f"u{number}") for number in range(200)]

    assert "Only the first" not in listed(*upgrades)
    assert "Only the first 200 upgrades are counted." in listed(*upgrades, more=True)


@pytest.mark.parametrize(("running", "coming", "requests"), [(0, 200, 0), (200, 0, 60), (5, 195, 60), (100, 100, 200)])
@pytest.mark.parametrize("where", ["", "production"])
def test_a_list_of_any_length_is_short_and_says_how_to_see_the_rest(
    running: int, coming: int, requests: int, where: str
) -> None:
    """Under 11,000 characters as Slack counts them; each part shows some of what it has."""
    names = {"cluster": "c" * 63, "environment": "production-" + "e" * 52, "window": a_window()}
    answer = overview(
        Overview(
            upgrades=(
                *(a_scheduled_upgrade(status="IN_PROGRESS", **names) for _ in range(running)),
                *(a_scheduled_upgrade(status="SCHEDULED_NOTIFIED", request_id=None, **names) for _ in range(coming)),
            ),
            requests=(an_upgrade_request(cluster="c" * 63),) * requests,
            feeds=tuple(Feed(organisation=Organisation(f"acme-{number}"), read_at=NOON) for number in range(20)),
            more=True,
        ),
        where=where,
        naming=Naming(several=True),
    )

    sent = as_sent(answer)
    listed = str(answer.blocks)
    assert complaints(answer) == []
    assert 7000 < counted(json.dumps(sent, ensure_ascii=False)) < 11_000
    assert ("App Home shows them" if where else "more: `list ENVIRONMENT`") in listed
    assert re.search(r"and \d+ more: ", answer.text)
    assert ("Running" in listed, "Scheduled*" in listed, "Requests" in listed) == tuple(
        number > 0 for number in (running, coming, requests)
    )
    assert "16 more organisations." in listed


def test_a_list_that_fits_is_whole() -> None:
    """Nothing is left out, and nothing is said to be."""
    text = listed(*(a_scheduled_upgrade(identity=f"u{number}", cluster=f"web-{number}") for number in range(12)))

    assert all(f"production/web-{number}* " in text for number in range(12))
    assert "more:" not in text


def test_a_list_without_statuses_says_so() -> None:
    """It does not claim to have read what nobody gives; nor to see while it is blind."""
    assert "gives no status here" in listed(feed=Feed(organisation=ACME, source=Source.CLUSTERS, read_at=NOON))
    assert "could be read since" in listed(feed=BLIND)


def test_a_version_that_nobody_knows_leaves_no_hole() -> None:
    """Neither the record nor the catalog named it."""
    assert "*production/web* v1.31.4-u-ame.2 · " in listed(a_scheduled_upgrade(from_version=""))


def test_one_cluster_says_why_an_upgrade_ended_and_votes_only_while_they_count() -> None:
    """Its latest upgrades with the cloud's reason, and how fresh that is; what was sent has no vote any more."""
    failed, sent = a_scheduled_upgrade(status="FAILED", reason="Node <pool> full"), State.SUBMITTED
    request = an_upgrade_request(state=sent)

    answer = one_cluster(ClusterView(cluster=a_cluster(), upgrades=(failed,), requests=(request,), feed=BLIND))
    text = answer.text

    assert "could be read since" in str(answer.blocks)
    assert "failed" in text
    assert "(Node &lt;pool&gt; full)" in text
    assert "submitted · requested by" in text


@QUICKLY
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_breaks_no_answer_and_mentions_nobody(
    cluster: str, environment: str, version: str, words: str
) -> None:
    """Names, versions, statuses, reasons and what was typed, in every answer that there is."""
    request = hostile(cluster, environment, version, words)
    upgrade = a_scheduled_upgrade(
        cluster=cluster, environment=environment, from_version=version, to_version=version, status=words, reason=words
    )
    known = a_cluster(slug=cluster, environment=environment, name=words, version=version, channel=words)
    feed = Feed(organisation=request.organisation, read_at=NOON)
    policy = a_policy(environments={environment: a_rule(environment=environment)})
    many = Overview(upgrades=(upgrade,) * 200, requests=(request,) * 60, feeds=(feed,))

    for answer in (
        overview(many, where=environment),
        overview(Overview(upgrades=(), requests=(), feeds=(feed,)), where=environment),
        one_cluster(ClusterView(cluster=known, upgrades=(upgrade,) * 5, requests=(request,) * 5, feed=feed)),
        explained(words or "/x", policy),
    ):
        found = whom(answer)
        assert complaints(answer) == []
        assert found.users <= {"U0ROOS", "U0SEM", "U0KIM"}
        assert not found.groups | found.channels | found.broadcasts | found.names | found.links


def test_a_row_says_with_a_mark_when_and_how_it_stands_and_leads_to_the_card() -> None:
    """One line for each; the plain text says the same without marks of Slack."""
    upgrade = a_scheduled_upgrade(status="SCHEDULED_NOTIFIED", request_id="r1", window=a_window())
    request = an_upgrade_request(required=2)
    links = Links(
        workspace=lambda: "https://harbour.slack.com", console=Console(pattern="https://console.test/{cluster}")
    )
    cards = {RequestId("r1"): MessageRef(channel="C1", ts="1.2")}
    feed = Feed(organisation=ACME, read_at=NOON)

    answer = overview(Overview(upgrades=(upgrade,), requests=(request,), feeds=(feed,), cards=cards), links=links)
    rows = str(answer.blocks)

    card, console = "*<https://harbour.slack.com/archives/C1/p12|production/web>*", "<https://console.test/web|Console>"
    stands = f"{span(a_window())} · scheduled; contacts have been notified"
    assert f"🔵 {card} {phrases.versions(upgrade)} · {stands} · {console}" in rows
    assert f"🟡 *production/web* {phrases.versions(request)} · waiting for approval, 0 of 2, until <!date^" in rows
    assert f"requested by <@{request.requester}>" in rows
    assert "harbour" not in answer.text
    assert f"🔵 production/web {phrases.versions(upgrade)} · {plain_span(a_window())}" in answer.text


@pytest.mark.parametrize(
    ("status", "overrun", "row"),
    [
        ("REQUESTED", False, "🔵 .* · submitted, not scheduled yet"),
        ("SCHEDULED", False, "🔵 .* · scheduled"),
        ("IN_PROGRESS", False, "🟣 .* · running"),
        ("IN_PROGRESS", True, "🟠 .* · still running after its window"),
        ("SUCCEEDED", False, "🟢 .* · done"),
        ("FAILED", False, "🔴 .* · failed"),
        ("MISSED", False, "🔴 .* · missed its window"),
        ("SUPERSEDED", False, "⚪ .* · superseded"),
    ],
)
def test_every_status_has_its_mark_and_its_words(status: str, row: str, *, overrun: bool) -> None:
    upgrade = a_scheduled_upgrade(status=status, overrun_told=overrun)

    answer = one_cluster(ClusterView(cluster=a_cluster(), upgrades=(upgrade,), requests=(), feed=BLIND))

    assert re.search(row, answer.text)


def test_one_cluster_with_the_longest_names_and_reasons_is_small_enough() -> None:
    """As Slack counts; what does not fit is counted."""
    reason = "<&>" * 200
    upgrades = tuple(
        a_scheduled_upgrade(status="FAILED", reason=reason, cluster="&" * 60, environment="&" * 60, to_version="<" * 70)
        for _ in range(5)
    )
    requests = tuple(
        an_upgrade_request(outcome=reason, cluster="<" * 60, environment="<" * 60, to_version="<" * 70)
        for _ in range(5)
    )

    answer = one_cluster(ClusterView(cluster=a_cluster(), upgrades=upgrades, requests=requests, feed=BLIND))

    assert complaints(answer) == []
    assert counted(json.dumps(as_sent(answer), ensure_ascii=False)) < 11_000
