"""What `list` and `status` answer says what is so, in the words that cards and Home use."""

from hypothesis import given

from bot.domain.request import State
from bot.domain.scheduled import ScheduledUpgrade
from bot.slack.listing import explained, one_cluster, overview
from bot.workflow.rooms import Feed, Source
from bot.workflow.viewing import ClusterView, Overview
from tests.builders import ACME, NOON, a_cluster, a_policy, a_rule, a_scheduled_upgrade, an_upgrade_request
from tests.notifications.checks import complaints, whom
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
    assert ": PAUSED by operator," in listed(a_scheduled_upgrade(status="PAUSED by operator"))


def test_a_list_is_called_cut_only_when_it_is() -> None:
    """Exactly two hundred are all there are."""
    upgrades = [a_scheduled_upgrade(identity=f"u{number}") for number in range(200)]

    assert "Only the first" not in listed(*upgrades)
    assert "Only the first 200 upgrades are shown." in listed(*upgrades, more=True)


def test_a_list_without_statuses_says_so() -> None:
    """It does not claim to have read what nobody gives; nor to see while it is blind."""
    assert "gives no status here" in listed(feed=Feed(organisation=ACME, source=Source.CLUSTERS, read_at=NOON))
    assert "could be read since" in listed(feed=BLIND)


def test_a_version_that_nobody_knows_leaves_no_hole() -> None:
    """Neither the record nor the catalog named it."""
    assert "production/web v1.31.4-u-ame.2: scheduled" in listed(a_scheduled_upgrade(from_version=""))


def test_one_cluster_says_why_an_upgrade_ended_and_votes_only_while_they_count() -> None:
    """Its latest upgrades with the cloud's reason, and how fresh that is; what was sent has no vote any more."""
    failed, sent = a_scheduled_upgrade(status="FAILED", reason="Node <pool> full"), State.SUBMITTED
    request = an_upgrade_request(state=sent)

    answer = one_cluster(ClusterView(cluster=a_cluster(), upgrades=(failed,), requests=(request,), feed=BLIND))
    text = answer.text

    assert "could be read since" in str(answer.blocks)
    assert "failed" in text
    assert "(Node &lt;pool&gt; full)" in text
    assert "submitted, next maintenance window" in text


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
