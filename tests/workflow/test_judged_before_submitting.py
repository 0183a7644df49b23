"""Right before a submission everything is checked once more: drift, votes, rules, people."""

from datetime import date, timedelta

import pytest

from bot.domain.calendar import Freeze
from bot.domain.events import (
    VotesVoided,
)
from bot.domain.people import AccountType
from bot.domain.policy import Rule
from bot.domain.request import State
from bot.workflow.errors import (
    MembersUnavailable,
)
from bot.workflow.inbox import Press
from bot.workflow.transitions import rule_facts
from tests.builders import (
    ACME,
    KIM,
    NEW,
    OLD,
    ROOS,
    SEM,
    a_catalog,
    a_cluster,
    a_form,
    a_member,
    a_policy,
    a_rule,
)
from tests.workflow.harness import ANNE, TEAM, a_harness

OLD_PATCH = "v1.30.8-u-ame.1"
FREEZE = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))


async def test_drift_right_before_submission_leads_back_to_the_vote() -> None:
    """The cluster was upgraded after the approval: nothing is sent, the voters are told."""
    harness = await a_harness()
    request = await harness.approved()
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    await harness.submit(request)

    now = harness.now_of(request)
    assert (now.state, now.votes, now.from_version) == (State.PENDING_APPROVAL, (), OLD_PATCH)
    assert now.seal != request.seal
    assert harness.told(VotesVoided)[0].voters == (SEM,)
    assert harness.cloud.submissions == []
    assert not await harness.submit(request)


async def test_a_vote_that_starts_again_before_submission_asks_for_as_many_as_the_policy_does_now() -> None:
    """The cluster and the quorum changed after the approval: one piece of news tells both."""
    harness = await a_harness()
    request = await harness.approved()
    harness = await harness.restarted(policy=a_policy(a_rule(required_approvals=2)))
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    await harness.submit(request)

    assert [event.required for event in harness.told(VotesVoided)] == [2]


async def test_drift_is_found_in_what_the_cloud_says_now_not_in_the_copy() -> None:
    """The stored catalog is minutes old; the cluster is read again before it is upgraded."""
    harness = await a_harness()
    request = await harness.approved()
    harness.cloud.catalogs[ACME] = a_catalog(a_cluster(version=OLD_PATCH))

    await harness.submit(request)

    assert harness.now_of(request).state is State.PENDING_APPROVAL


async def test_drift_without_a_quorum_fails_and_can_be_tried_again() -> None:
    """Nobody votes there, so the requester decides whether it is still wanted."""
    harness = await a_harness(policy=a_policy(a_rule(required_approvals=0)))
    request = await harness.ask()
    await harness.recatalog(a_cluster(version=OLD_PATCH))
    await harness.submit(request)
    failed = harness.now_of(request)

    await harness.press(request, Press.TRY_AGAIN, by=ROOS)
    await harness.submit(request)

    assert (failed.state, failed.from_version) == (State.SUBMISSION_FAILED, OLD_PATCH)
    assert failed.outcome.startswith(f"production/web now runs {OLD_PATCH}")
    assert harness.now_of(request).state is State.SUBMITTED


async def test_a_vote_does_not_outlive_drift_while_no_votes_are_asked_for() -> None:
    """It was for another version; when the policy asks for approvals again, it must not count."""
    harness = await a_harness()
    request = await harness.approved()
    harness = await harness.restarted(policy=a_policy(a_rule(required_approvals=0)))
    await harness.recatalog(a_cluster(version=OLD_PATCH))
    await harness.submit(request)
    harness = await harness.restarted(policy=a_policy())

    await harness.press(request, Press.TRY_AGAIN, by=ROOS)
    await harness.submit(request)

    assert harness.now_of(request).state is State.PENDING_APPROVAL
    assert harness.cloud.submissions == []


async def test_a_vote_lost_before_submission_leads_back_to_the_vote() -> None:
    """Whoever left the group since did not approve; the other approval still counts."""
    rule = a_rule(approvers=(TEAM, ANNE), required_approvals=2)
    harness = await a_harness(policy=a_policy(rule))
    request = await harness.approved()
    await harness.press(request, by=ANNE)
    harness.members.groups[TEAM] = frozenset({KIM})

    await harness.submit(request)

    now = harness.now_of(request)
    assert (now.state, set(now.voters)) == (State.PENDING_APPROVAL, {ANNE})
    assert now.changes == (f"<@{SEM}> may no longer approve.",)
    assert now.lost == (SEM,)
    assert harness.told(VotesVoided)[0].voters == (SEM,)
    assert harness.cloud.submissions == []


async def test_an_override_has_its_approval_more_also_right_before_submission() -> None:
    """One of the two left meanwhile: what is left would do for another request, not for this."""
    harness = await a_harness(policy=a_policy(a_rule(freeze=(FREEZE,), override=True)))
    request = await harness.ask(a_form(override=True, reason="A leak"))
    await harness.press(request)
    await harness.press(request, by=KIM)
    harness.members.members[KIM] = a_member(KIM, account_type=AccountType.DEACTIVATED)

    await harness.submit(request)

    asked = harness.now_of(request)
    assert (asked.state, set(asked.voters), asked.required) == (State.PENDING_APPROVAL, {SEM}, 2)
    assert harness.cloud.submissions == []


async def test_a_quorum_raised_before_submission_leads_back_to_the_vote() -> None:
    """The approvals stay and one more is asked for; then it is submitted."""
    harness = await a_harness()
    request = await harness.approved()
    harness = await harness.restarted(policy=a_policy(a_rule(required_approvals=2)))
    await harness.submit(request)
    asked = harness.now_of(request)

    await harness.press(request, by=KIM)
    await harness.submit(request)

    assert (asked.state, set(asked.voters)) == (State.PENDING_APPROVAL, {SEM})
    assert asked.changes == ("2 approvals are now required.",)
    assert harness.now_of(request).state is State.SUBMITTED


def broken_rules() -> dict[str, tuple[Rule, str]]:
    """Return rules that came into force after the approval, and what the card has to say."""
    return {
        "freeze": (
            a_rule(freeze=(FREEZE,)),
            "frozen Dec 1 to Dec 10. The next time that fits is Sun 13 Dec, 02:00 UTC.",
        ),
        "requester": (a_rule(requesters=(KIM,)), f"<@{ROOS}> may no longer request upgrades in production."),
        "staging": (a_rule(after=(("staging", timedelta(days=3)),)), "has to run in staging for 3 days"),
    }


@pytest.mark.parametrize("why", broken_rules())
async def test_a_rule_broken_right_before_submission_fails_it_with_its_reason(why: str) -> None:
    """Checked once more when it counts, by the same sentences; the trail has the rule that was in force then."""
    rule, says = broken_rules()[why]
    harness = await a_harness()
    request = await harness.approved()
    harness = await harness.restarted(policy=a_policy(rule))

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMISSION_FAILED
    assert says in harness.now_of(request).outcome
    assert harness.cloud.submissions == []
    assert harness.storage.audited[-1]["facts"]["policy"] == rule_facts(rule)


async def test_a_requester_who_was_deactivated_gets_nothing_submitted() -> None:
    """Nor does one who became a guest."""
    harness = await a_harness()
    request = await harness.approved()
    harness.members.members[ROOS] = a_member(ROOS, account_type=AccountType.DEACTIVATED)

    await harness.submit(request)

    assert harness.now_of(request).state is State.SUBMISSION_FAILED


@pytest.mark.parametrize(
    ("clusters", "changes", "says"),
    [
        ((), {"versions": (OLD,)}, f"{NEW} is no longer on offer for production/web ({OLD})."),
        ((a_cluster(version=NEW),), {}, f"production/web already runs {NEW}."),
        ((a_cluster(identity="another"),), {}, "production/web is no longer in the catalog of Avisi Cloud."),
    ],
)
async def test_a_version_or_cluster_that_is_gone_fails_it(
    clusters: tuple[object, ...], changes: dict[str, object], says: str
) -> None:
    """What cannot be upgraded to any more is not voted on again."""
    harness = await a_harness()
    request = await harness.approved()
    await harness.recatalog(*clusters, **changes)

    await harness.submit(request)

    assert (harness.now_of(request).state, harness.now_of(request).outcome) == (State.SUBMISSION_FAILED, says)


async def test_nothing_is_sent_while_the_votes_cannot_be_judged() -> None:
    """Slack does not answer, so nobody can tell whether the approvals still count."""
    harness = await a_harness()
    request = await harness.approved()
    harness.members.down = True

    with pytest.raises(MembersUnavailable):
        await harness.submit(request)

    assert harness.now_of(request).state is State.APPROVED
    assert harness.cloud.submissions == []
