from dataclasses import replace
from datetime import date

import pytest

from bot.domain.calendar import Freeze
from bot.domain.cluster import Organisation
from bot.domain.events import RequestApproved, VotesVoided
from bot.domain.request import Seal, State
from bot.workflow.inbox import Press
from bot.workflow.outbox import Kind
from tests.builders import (
    ACME,
    DATA,
    KIM,
    NEW,
    OLD,
    ROOS,
    SEM,
    a_catalog,
    a_cluster,
    a_form,
    a_policy,
    a_rule,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, TEAM, a_harness, decision

OLD_PATCH = "v1.30.8-u-ame.1"
TWO = a_policy(a_rule(required_approvals=2))


async def test_a_press_on_a_card_that_showed_something_else_counts_for_nothing() -> None:
    """The seal of the button is not the request's any more."""
    harness = await a_harness()
    request = await harness.ask()

    approved = await harness.press(request, seal=Seal("another"))
    rejected = await harness.reject(request, seal=Seal("another"))

    assert "your press did not count" in approved
    assert "your press did not count" in rejected
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, set())


@pytest.mark.parametrize(
    ("state", "press"),
    [(State.SUBMISSION_FAILED, Press.TRY_AGAIN), (State.SUBMISSION_UNCLEAR, Press.SUBMIT_AGAIN)],
)
async def test_no_attempt_is_made_by_a_press_on_a_card_that_showed_something_else(state: State, press: Press) -> None:
    """Another attempt is for what was on the card, too."""
    request = an_upgrade_request(state=state)
    harness = await a_harness(request)

    answer = await harness.press(request, press, seal=Seal("another"))

    assert "your press did not count" in answer
    assert harness.now_of(request).state is state
    assert harness.outbox(Kind.SUBMIT) == []


async def test_drift_voids_the_votes_and_refuses_the_press_on_the_stale_card() -> None:
    """The cluster was upgraded meanwhile: the card says so, the voters are told, the vote starts again."""
    harness = await a_harness(policy=a_policy(a_rule(required_approvals=2, notify=("S0TEAM",))))
    request = await harness.ask()
    await harness.press(request)
    seen = harness.now_of(request).seal
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    answer = await harness.press(request, by=KIM, seal=seen)

    now = harness.now_of(request)
    assert "your press did not count" in answer
    assert (now.state, now.votes, now.from_version, now.round) == (State.PENDING_APPROVAL, (), OLD_PATCH, 2)
    assert now.changes == (f"production/web now runs {OLD_PATCH}; it ran {OLD} when this was requested.",)
    assert [(event.voters, event.mention) for event in harness.told(VotesVoided)] == [((SEM,), ("S0TEAM", SEM))]
    assert harness.facts(request) == ["upgrade requested", "vote cast", "votes voided", "press refused"]
    assert [event["facts"]["policy"]["required_approvals"] for event in harness.storage.audited] == [2, 2, 2, 2]


async def test_a_vote_that_starts_again_asks_for_as_many_as_the_policy_does_now() -> None:
    """Cluster and quorum changed at once: nobody reads a number that is wrong a moment later."""
    harness = await a_harness()
    request = await harness.ask()
    harness = await harness.restarted(policy=TWO)
    await harness.recatalog(a_cluster(version=OLD_PATCH))

    await harness.press(request)

    assert [event.required for event in harness.told(VotesVoided)] == [2]
    assert harness.now_of(request).required == 2


async def test_after_drift_the_new_card_can_be_approved() -> None:
    """Nothing of the old vote is left in the way."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(a_cluster(version=OLD_PATCH))
    await harness.press(request)

    await harness.press(request)

    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM})
    assert harness.now_of(request).from_version == OLD_PATCH


async def test_drift_to_a_version_that_cannot_go_on_is_refused_as_such() -> None:
    """The cluster runs the target already: nothing is left to vote on, and the press says so."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(a_cluster(version=NEW))

    answer = await harness.press(request)

    assert answer.endswith(f"production/web already runs {NEW}.")
    assert harness.now_of(request).round == 1


async def test_a_version_taken_off_the_offer_cannot_be_approved() -> None:
    """Checked at the decision, as at the request."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(versions=(OLD,))

    answer = await harness.press(request)

    assert answer.endswith(f"{NEW} is no longer on offer for production/web ({OLD}).")
    assert harness.now_of(request).votes == ()


async def test_a_downgrade_that_the_policy_forbids_meanwhile_cannot_be_approved() -> None:
    """It was on offer under the policy of then."""
    catalog = a_catalog(a_cluster(version=OLD_PATCH), versions=(OLD, OLD_PATCH))
    harness = await a_harness(catalog=catalog, policy=a_policy(a_rule(allow_downgrade=True)))
    request = await harness.ask(a_form(version=OLD))
    harness = await harness.restarted(policy=a_policy())

    answer = await harness.press(request)

    assert answer.endswith(f"{OLD} is no longer on offer for production/web ({OLD_PATCH}).")
    assert harness.now_of(request).votes == ()


async def test_a_cluster_that_is_gone_cannot_be_approved() -> None:
    """It is no longer in the catalog."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(a_cluster(identity="another"))

    assert (await harness.press(request)).endswith("production/web is no longer in the catalog of Avisi Cloud.")


async def test_what_forbids_a_waiting_request_stands_on_its_card_until_it_no_longer_does() -> None:
    """Nobody is asked to decide on what cannot go ahead without being told so; the votes and the seal stay."""
    harness = await a_harness(policy=a_policy(a_rule(required_approvals=2)))
    request = await harness.ask()
    await harness.press(request)
    sealed = harness.now_of(request).seal

    await harness.recatalog(versions=(OLD,))
    await harness.look_round()
    await harness.look_round()
    blocked = harness.now_of(request)
    repaints = [one for one in harness.outbox(Kind.CARD) if "rejudged" in one.key]
    await harness.recatalog()
    await harness.look_round()

    assert blocked.blocked == f"{NEW} is no longer on offer for production/web ({OLD})."
    assert (set(blocked.voters), blocked.seal) == ({SEM}, sealed)
    assert len(repaints) == 1
    assert harness.now_of(request).blocked == ""


@pytest.mark.parametrize("override", [False, True])
async def test_a_freeze_that_began_meanwhile_refuses_the_approval(*, override: bool) -> None:
    """A policy with a freeze over the estimated window came into force after the request, which overrides nothing."""
    harness = await a_harness()
    request = await harness.ask()
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    harness = await harness.restarted(policy=a_policy(a_rule(freeze=(freeze,), override=override)))

    answer = await harness.press(request)

    assert "production is frozen Dec 1 to Dec 10. The next time that fits is Sun 13 Dec, 02:00 UTC." in answer
    assert harness.now_of(request).votes == ()


async def test_an_approval_of_somebody_who_left_the_group_is_dropped() -> None:
    """The quorum is counted over those who may approve when the last vote is cast."""
    harness = await a_harness(policy=a_policy(a_rule(approvers=(TEAM, ANNE), required_approvals=2)))
    request = await harness.ask()
    await harness.press(request)
    harness.members.groups[TEAM] = frozenset({KIM})

    answer = await harness.press(request, by=KIM)

    assert answer.endswith("Approved (1 of 2). 1 more needed.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {KIM})


async def test_an_approval_of_somebody_deactivated_since_is_dropped() -> None:
    """Only full members count, when it is counted."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    del harness.members.members[SEM]

    await harness.press(request, by=KIM)

    assert harness.now_of(request).voters == {KIM}


async def test_a_higher_quorum_keeps_the_votes_and_asks_for_more() -> None:
    """The policy was changed while one of one approvals was still out; the standing vote stays."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    harness = await harness.restarted(policy=a_policy(a_rule(required_approvals=3, approvers=(SEM, KIM, ANNE))))

    await harness.look_round()
    answer = await harness.press(request, by=KIM)

    assert answer.endswith("Approved (2 of 3). 1 more needed.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM, KIM})
    assert harness.told(VotesVoided) == []


async def test_a_lower_quorum_lets_standing_votes_decide() -> None:
    """One of two approvals is there when the policy comes to ask for one."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    harness = await harness.restarted()
    harness = await harness.restarted(policy=a_policy())

    await harness.look_round()

    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM})
    assert len(harness.outbox(Kind.SUBMIT)) == len(harness.told(RequestApproved)) == 1
    assert harness.facts(request)[-1] == "votes judged again"


async def test_a_lower_quorum_counts_only_votes_that_still_stand() -> None:
    """The one voter has left the group since."""
    harness = await a_harness(policy=a_policy(a_rule(approvers=(TEAM,), required_approvals=2)))
    request = await harness.ask()
    await harness.press(request)
    harness.members.groups[TEAM] = frozenset({KIM})
    harness = await harness.restarted(policy=a_policy(a_rule(approvers=(TEAM,))))

    await harness.look_round()

    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, set())
    assert harness.now_of(request).required == 1


async def test_a_lower_quorum_lets_nothing_through_that_a_rule_forbids() -> None:
    """A freeze came with the same change of policy."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    harness = await harness.restarted(policy=a_policy(a_rule(freeze=(freeze,))))

    await harness.look_round()

    assert harness.now_of(request).state is State.PENDING_APPROVAL


async def test_a_quorum_raised_a_moment_ago_counts_for_the_next_press() -> None:
    """Checked against the policy in force, also before the card was repainted for it."""
    harness = await a_harness()
    request = await harness.ask()
    harness = await harness.restarted(policy=TWO)

    answer = await harness.press(request)

    assert answer.endswith("Approved (1 of 2). 1 more needed.")
    assert (harness.now_of(request).state, harness.now_of(request).required) == (State.PENDING_APPROVAL, 2)


async def test_a_requesters_own_vote_is_dropped_once_the_policy_forbids_it() -> None:
    """It was allowed when it was given, and is not when the votes are counted."""
    rule = a_rule(approvers=(ROOS, SEM, KIM), required_approvals=2, self_approval=True)
    harness = await a_harness(policy=a_policy(rule))
    request = await harness.ask()
    await harness.press(request, by=ROOS)
    harness = await harness.restarted(policy=a_policy(replace(rule, self_approval=False)))

    answer = await harness.press(request, by=SEM)

    assert answer.endswith("Approved (1 of 2). 1 more needed.")
    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM})


async def test_judging_again_writes_nothing_when_nothing_changes() -> None:
    """A freeze holds up an approved vote: looked at each second, stored never."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    freeze = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10))
    harness = await harness.restarted(policy=a_policy(a_rule(freeze=(freeze,))))
    await harness.look_round()
    before = harness.storage.commits

    await harness.look_round()

    assert harness.storage.commits == before
    assert harness.now_of(request).state is State.PENDING_APPROVAL


async def test_drift_to_where_nothing_can_be_voted_on_keeps_the_card_as_it_was() -> None:
    """The target is off the offer from there; there is nothing to start a vote about."""
    harness = await a_harness(policy=TWO)
    request = await harness.ask()
    await harness.press(request)
    await harness.recatalog(a_cluster(version=NEW))

    await harness.look_round()

    assert decision(harness.now_of(request)) == (State.PENDING_APPROVAL, {SEM})


STAGING_FIRST = a_policy(
    environments={
        "staging": a_rule(environment="staging", approvers=(SEM,)),
        "production": a_rule(required_approvals=2, freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10)),)),
    }
)


async def test_a_cluster_that_moves_to_another_environment_starts_the_vote_again_by_the_rule_there() -> None:
    """One approval was enough in staging; production asks for two and is frozen, and the card says both."""
    harness = await a_harness(catalog=a_catalog(a_cluster(environment="staging")), policy=STAGING_FIRST)
    request = await harness.ask()
    seen = harness.now_of(request).seal
    await harness.recatalog(a_cluster())

    answer = await harness.press(request, seal=seen)
    await harness.look_round()

    now = harness.now_of(request)
    assert "production is frozen" in answer
    assert (now.full_name, now.required, now.votes) == ("production/web", 2, ())
    assert now.changes == ("The cluster is now called production/web; it was staging/web when this was requested.",)
    assert "production is frozen" in now.blocked


async def test_a_cluster_that_moved_after_the_approval_is_voted_on_again_before_it_is_submitted() -> None:
    """The approval was given under the rule of staging, and for staging."""
    harness = await a_harness(catalog=a_catalog(a_cluster(environment="staging")), policy=STAGING_FIRST)
    request = await harness.approved()
    harness.cloud.catalogs[ACME] = a_catalog(a_cluster())

    await harness.submit(request)

    now = harness.now_of(request)
    assert (now.state, now.votes, now.required, now.environment) == (State.PENDING_APPROVAL, (), 2, "production")
    assert harness.cloud.submissions == []


async def test_the_press_of_an_approver_of_another_environment_does_not_count_where_the_cluster_is_now() -> None:
    """Kim approves in production only; before the cluster moved, her press was refused, and now it is not."""
    harness = await a_harness(catalog=a_catalog(a_cluster(environment="staging")), policy=STAGING_FIRST)
    request = await harness.ask()

    before = await harness.press(request, by=KIM)
    await harness.recatalog(a_cluster())
    await harness.press(request, by=KIM)

    assert "Only approvers of staging may do this" in before
    assert harness.now_of(request).environment == "production"


async def test_two_clusters_that_exchange_their_names_start_the_vote_again() -> None:
    """What was approved as production/web would otherwise be another cluster by the time it is upgraded."""
    web, api = a_cluster(), a_cluster(identity=DATA, slug="api", name="Api")
    harness = await a_harness(catalog=a_catalog(web, api))
    request = await harness.ask()
    seen = harness.now_of(request).seal
    await harness.recatalog(replace(web, slug="api"), replace(api, slug="web"))

    answer = await harness.press(request, seal=seen)

    now = harness.now_of(request)
    assert "your press did not count" in answer
    assert (now.full_name, now.cluster_identity, now.votes) == ("production/api", request.cluster_identity, ())
    assert now.changes == ("The cluster is now called production/api; it was production/web when this was requested.",)


async def test_names_exchanged_right_before_submission_are_noticed_there() -> None:
    """The cluster is read again by its identity, not by its name, which is another's now."""
    web, api = a_cluster(), a_cluster(identity=DATA, slug="api", name="Api")
    harness = await a_harness(catalog=a_catalog(web, api))
    request = await harness.approved()
    harness.cloud.catalogs[ACME] = a_catalog(replace(web, slug="api"), replace(api, slug="web"))

    await harness.submit(request)

    assert harness.now_of(request).state is State.PENDING_APPROVAL
    assert harness.told(VotesVoided)[0].about.full_name == "production/api"
    assert harness.cloud.submissions == []


async def test_a_cluster_that_moves_to_another_organisation_is_called_by_it() -> None:
    """Also where there is one organisation otherwise: that is what changed."""
    umbrella = Organisation("umbrella")
    harness = await a_harness(organisations=(ACME, umbrella))
    request = await harness.ask()
    await harness.recatalog(a_cluster(identity=DATA))
    there = a_catalog(a_cluster(organisation=umbrella), organisation=umbrella, fetched_at=harness.clock())
    async with harness.storage.begin() as work:
        await work.catalogs.put(there)
        await work.commit()

    await harness.press(request)

    now = harness.now_of(request)
    assert (now.organisation, now.round, now.votes) == ("umbrella", 2, ())
    assert now.changes == (
        "The cluster is now called umbrella/production/web; it was acme/production/web when this was requested.",
    )


async def test_an_approved_request_without_a_quorum_fails_when_its_cluster_moved_and_says_both() -> None:
    """Where it is now asks for approvals: trying again leads to a vote there."""
    policy = replace(STAGING_FIRST, environments={"staging": a_rule(environment="staging", required_approvals=0)})
    harness = await a_harness(catalog=a_catalog(a_cluster(environment="staging")), policy=policy)
    request = await harness.ask()
    await harness.recatalog(a_cluster(environment="staging", slug="api"))
    await harness.submit(request)
    failed = harness.now_of(request)
    await harness.recatalog(a_cluster(slug="api"))

    await harness.press(request, Press.TRY_AGAIN, by=ROOS)
    await harness.submit(request)

    assert (failed.state, failed.full_name) == (State.SUBMISSION_FAILED, "staging/api")
    assert "is now called staging/api" in failed.outcome
    assert (harness.now_of(request).state, harness.now_of(request).required) == (State.PENDING_APPROVAL, 1)
    assert harness.cloud.submissions == []


async def test_a_press_on_a_button_of_0_1_0_counts() -> None:
    """Its card shows what is still so."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.press(request, seal=request.seal_of_0_1_0)

    assert decision(harness.now_of(request)) == (State.APPROVED, {SEM})


async def test_a_press_on_a_button_of_0_1_0_does_not_count_once_the_cluster_was_renamed() -> None:
    """The button is next to the old name."""
    harness = await a_harness()
    request = await harness.ask()
    await harness.recatalog(a_cluster(slug="api"))

    answer = await harness.press(request, seal=request.seal_of_0_1_0)

    assert "your press did not count" in answer
    assert harness.now_of(request).votes == ()
