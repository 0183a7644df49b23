from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.cluster import ClusterIdentity
from bot.domain.events import RequestReplaced, UpgradeRequested
from bot.domain.form import Form
from bot.domain.people import MemberId
from bot.domain.policy import Rule
from bot.domain.request import State, Vote
from bot.workflow.errors import MembersUnavailable, Stale, Taken
from bot.workflow.inbox import FormSubmitted, Press
from bot.workflow.outbox import Kind
from bot.workflow.ports import Lease, UnitOfWork
from bot.workflow.requesting import Later
from tests.builders import (
    ACME,
    CHANNEL,
    DATA,
    GUS,
    KIM,
    NEW,
    NOON,
    OLD,
    ROOS,
    SEM,
    WEB,
    a_catalog,
    a_cluster,
    a_form,
    a_policy,
    a_rule,
    a_scheduled_upgrade,
    a_submitted_form,
    a_window,
    an_upgrade_request,
)
from tests.workflow.harness import ANNE, OTTO, a_harness

BOTTY = MemberId("U0BOTTY")
SUNDAY = NOON + timedelta(days=5, hours=14)
"""When the next window of `production/web` begins."""
ALL_WEEK = tuple(range(7))
EVENINGS = AllowedRange(weekdays=ALL_WEEK, start=time(20), end=time(23), text="mon-sun 20:00-23:00")
WINTER = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 10), reason="Sales")


async def test_an_accepted_request_is_stored_announced_and_waits_for_approval() -> None:
    """One transaction holds the request, its audit event, its card, its thread and the requester's message."""
    harness = await a_harness(policy=a_policy(a_rule(notify=("S0TEAM",))))

    request = await harness.ask(a_form(reason="  CVE fixes "))

    assert (request.state, request.required, request.requester) == (State.PENDING_APPROVAL, 1, ROOS)
    assert (request.from_version, request.to_version, request.reason) == (OLD, NEW, "CVE fixes")
    assert request.deadline == NOON + timedelta(hours=48)
    assert request.estimate == a_window(SUNDAY)
    assert [one.kind for one in harness.storage.told] == [Kind.CARD, Kind.THREAD, Kind.DIRECT]
    assert harness.told(UpgradeRequested)[0].mention == ("S0TEAM",)
    assert harness.facts(request) == ["upgrade requested"]
    assert harness.storage.entries == []


async def test_a_start_with_windows_ignored_is_the_deadline() -> None:
    """Nothing can be decided after the moment at which the upgrade was to start."""
    harness = await a_harness()
    start = NOON + timedelta(hours=3)

    request = await harness.ask(a_form(start=start, ignore_windows=True))

    assert (request.deadline, request.estimate) == (start, a_window(start, hours=0))


async def test_a_start_that_was_far_enough_ahead_when_it_was_chosen_is_taken() -> None:
    """The form was checked when it was sent; what waited since is refused only once its start has passed."""
    harness = await a_harness()
    start = NOON + timedelta(minutes=2)

    request = await harness.ask(a_form(start=start, ignore_windows=True))
    late = await harness.do(a_submitted_form(form=a_form(start=NOON - timedelta(minutes=1), ignore_windows=True)))

    assert request.start == start
    assert "Choose a time at least 5 minutes from now." in late


def refusals() -> dict[str, tuple[Form, Rule, MemberId, str]]:
    """Return every reason to refuse: the form, the rule, who asks, and what the answer has to say."""
    form, rule = a_form(), a_rule()
    soon = NOON + timedelta(hours=3)
    return {
        "guest": (form, rule, GUS, "Guests cannot use this bot"),
        "outsider": (form, rule, OTTO, "Only members of the workspace that installed this bot"),
        "unknown account": (form, rule, BOTTY, "Slack does not know this account"),
        "not a requester": (
            form,
            replace(rule, requesters=(KIM,)),
            ROOS,
            f"You may not request upgrades in production. These people can request them: <@{KIM}>.",
        ),
        "no cluster": (replace(form, cluster_identity=None), rule, ROOS, "Choose a cluster."),
        "in the past": (
            replace(form, start=NOON - timedelta(1)),
            rule,
            ROOS,
            "at least 5 minutes from now. The next time that fits is",
        ),
        "too far": (
            replace(form, start=NOON + timedelta(days=366)),
            rule,
            ROOS,
            "within a year from now. The next time that fits is Sun 6 Dec, 02:00 UTC.",
        ),
        "no start": (
            replace(form, ignore_windows=True),
            rule,
            ROOS,
            "are ignored. The next time that fits is Mon 30 Nov, 12:05 UTC.",
        ),
        "frozen": (
            form,
            replace(rule, freeze=(WINTER,)),
            ROOS,
            "(Sales). The next time that fits is Sun 13 Dec, 02:00 UTC.",
        ),
        "frozen for long": (
            form,
            replace(rule, freeze=(replace(WINTER, last=date(2027, 6, 1)),)),
            ROOS,
            "Choose another time.",
        ),
        "frozen with a way out": (form, replace(rule, freeze=(WINTER,), override=True), ROOS, "Tick Override freeze"),
        "override not offered": (replace(form, override=True), replace(rule, freeze=(WINTER,)), ROOS, "frozen Dec 1"),
        "override unexplained": (
            replace(form, override=True, reason=" "),
            replace(rule, freeze=(WINTER,), override=True),
            ROOS,
            "Say why the freeze has to be overridden",
        ),
        "not allowed then": (form, replace(rule, allowed=(EVENINGS,)), ROOS, "may only run mon-sun 20:00-23:00 (UTC)"),
        "moment not allowed": (
            replace(form, start=soon, ignore_windows=True),
            replace(rule, allowed=(EVENINGS,)),
            ROOS,
            "may only run",
        ),
        "no reason": (replace(form, reason="  "), replace(rule, reason_required=True), ROOS, "requires a reason"),
        "reason too long": (replace(form, reason="x" * 501), rule, ROOS, "at most 500 characters"),
        "no version": (replace(form, version=None), rule, ROOS, "Choose a version."),
        "version not on offer": (
            replace(form, version="v1.99.0-u-ame.1"),
            rule,
            ROOS,
            "This version is no longer on offer",
        ),
        "quorum out of reach": (
            form,
            replace(rule, required_approvals=3),
            ROOS,
            "needs 3 approvals, but only 2 other people may give one",
        ),
        "requester not counted": (
            form,
            replace(rule, approvers=(ROOS, SEM), required_approvals=2),
            ROOS,
            "needs 2 approvals, but only 1 other person may give one",
        ),
        "only a guest approves": (
            form,
            replace(rule, approvers=(GUS,)),
            ROOS,
            "needs 1 approval, but nobody else may give one",
        ),
        "not in staging yet": (
            form,
            replace(rule, after=(("staging", timedelta(days=3)),)),
            ROOS,
            "has to run in staging for 3 days before production can get it, and no upgrade",
        ),
    }


@pytest.mark.parametrize("why", refusals())
async def test_a_refused_request_is_answered_with_the_rule_and_recorded(why: str) -> None:
    """Nothing is stored but the audit event; the person reads the rule, privately."""
    form, rule, who, says = refusals()[why]
    harness = await a_harness(policy=a_policy(rule))

    answer = await harness.do(FormSubmitted(member=who, organisation=ACME, form=form))

    assert says in answer
    assert answer.startswith("Your request was refused: ")
    assert harness.storage.requests == {}
    assert [one.kind for one in harness.storage.told] == [Kind.PRIVATE]
    assert [(event["kind"], event["actor"]) for event in harness.storage.audited] == [("request refused", who)]
    assert harness.storage.entries == []


async def test_a_cluster_with_no_version_on_offer_is_refused_at_the_cluster() -> None:
    """A cluster at the newest version has nowhere to go."""
    harness = await a_harness(catalog=a_catalog(a_cluster(version=NEW)))

    answer = await harness.do(a_submitted_form())

    assert (
        answer == f"Your request was refused: No version is on offer to which production/web ({NEW}) can be upgraded."
    )


@pytest.mark.parametrize(("days", "says"), [(2, "possible from Tue 1 Dec, 12:00 UTC"), (3, "")])
async def test_staging_goes_first_for_as_long_as_the_policy_says(days: int, says: str) -> None:
    """The same version has to have succeeded there so long ago, in the same organisation."""
    done = a_scheduled_upgrade(
        identity="s1",
        cluster_identity=DATA,
        environment="staging",
        status="SUCCEEDED",
        status_since=NOON - timedelta(days=days),
    )
    harness = await a_harness(done, policy=a_policy(a_rule(after=(("staging", timedelta(days=3)),))))

    soon = a_form(start=NOON + timedelta(hours=1), ignore_windows=True)
    answer = await harness.do(a_submitted_form(form=soon))

    assert says in answer
    assert bool(harness.storage.requests) is (days == 3)


async def test_staging_goes_first_as_seen_from_the_start_that_is_asked_for() -> None:
    """On Sunday the version will have run there for three days; asked for and approved today."""
    done = a_scheduled_upgrade(
        identity="s1", cluster_identity=DATA, environment="staging", status="SUCCEEDED", status_since=NOON
    )
    harness = await a_harness(done, policy=a_policy(a_rule(after=(("staging", timedelta(days=3)),))))

    request = await harness.submitted(a_form(start=SUNDAY, ignore_windows=True))

    assert request.state is State.SUBMITTED


async def test_without_windows_a_start_inside_a_freeze_is_refused_and_may_be_overridden() -> None:
    """Nothing tells when it would run but the start; the trail says which freeze was overridden."""
    catalog = a_catalog(a_cluster(schedule=None))
    harness = await a_harness(catalog=catalog, policy=a_policy(a_rule(freeze=(WINTER,), override=True)))
    frozen = a_form(start=NOON + timedelta(days=2))

    refused = await harness.do(a_submitted_form(form=frozen))
    request = await harness.ask(replace(frozen, override=True, reason="A leak"))

    assert "frozen Dec 1 to Dec 10 (Sales)" in refused
    assert (request.override, request.required, request.estimate) == (True, 2, None)
    assert harness.storage.audited[-1]["facts"]["overrides"] == f"the freeze {WINTER.words}"


async def test_an_unreachable_slack_decides_nothing() -> None:
    """Who asks cannot be looked up, so the entry stays and is tried again."""
    harness = await a_harness()
    harness.members.down = True

    with pytest.raises(MembersUnavailable):
        await harness.do(a_submitted_form())

    assert len(harness.storage.entries) == 1
    assert harness.storage.told == []


@pytest.mark.parametrize("state", [State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED])
async def test_a_new_request_replaces_an_older_one_at_once(state: State) -> None:
    """Before submission an older request gives way, and its people are told by whom."""
    older = an_upgrade_request(state=state, requester=ANNE)
    harness = await a_harness(older)

    newer = await harness.ask()

    assert harness.now_of(older).state is State.REPLACED
    assert harness.now_of(older).replaced_by == newer.id
    assert harness.told(RequestReplaced)[0].by == ROOS
    assert harness.told(RequestReplaced, Kind.DIRECT)[0].about.requester == ANNE


async def test_the_people_of_a_request_that_somebody_else_s_replaces_are_told_once() -> None:
    """Its requester, and whoever approved it; not who made the newer one."""
    votes = (Vote(member=SEM, at=NOON), Vote(member=KIM, at=NOON))
    older = an_upgrade_request(requester=ANNE, votes=votes, required=3)
    harness = await a_harness(older)

    await harness.ask(by=SEM)

    told = {one.target: one.event for one in harness.outbox(Kind.DIRECT, RequestReplaced)}
    assert set(told) == {ANNE, KIM}
    assert {(event.by, event.voter) for event in told.values() if isinstance(event, RequestReplaced)} == {
        (SEM, None),
        (SEM, KIM),
    }


async def test_who_replaces_a_request_of_their_own_tells_only_themselves() -> None:
    """The approvers are asked again by the new card."""
    harness = await a_harness(an_upgrade_request(votes=(Vote(member=SEM, at=NOON),), required=2))

    await harness.ask()

    assert [one.target for one in harness.outbox(Kind.DIRECT, RequestReplaced)] == [ROOS]


async def test_a_new_request_waits_for_one_that_is_being_submitted() -> None:
    """Nobody can tell yet what becomes of it, so the new one is kept and tried again."""
    older = an_upgrade_request(state=State.SUBMITTING)
    harness = await a_harness(older)

    with pytest.raises(Later):
        await harness.do(a_submitted_form())

    assert harness.now_of(older).state is State.SUBMITTING
    assert len(harness.storage.entries) == 1


@pytest.mark.parametrize("state", [State.SUBMISSION_UNCLEAR, State.SUBMITTED, State.REJECTED, State.EXPIRED])
async def test_a_new_request_leaves_alone_what_the_cloud_may_have(state: State) -> None:
    """What was submitted gives way only when the cloud has confirmed the new one."""
    older = an_upgrade_request(state=state)
    harness = await a_harness(older)

    await harness.ask()

    assert harness.now_of(older).state is state


async def test_nobody_has_more_than_twenty_open_requests() -> None:
    """The next one is refused with the way out; replacing or ending one makes room, and others are not concerned."""
    clusters = [a_cluster(identity=ClusterIdentity(f"{number}"), slug=f"c{number}") for number in range(21)]
    harness = await a_harness(catalog=a_catalog(*clusters))
    forms = [a_form(cluster_identity=cluster.identity) for cluster in clusters]
    made = [await harness.ask(form) for form in forms[:20]]

    refusal = await harness.do(FormSubmitted(member=ROOS, organisation=ACME, form=forms[20]))
    again = await harness.ask(forms[0])
    assert (again.replaces, harness.now_of(made[0]).state) == (None, State.REPLACED)
    await harness.ask(forms[20], by=ANNE)
    await harness.press(made[1], Press.WITHDRAW, by=ROOS)
    await harness.ask(forms[1])

    assert refusal == (
        "Your request was refused: You already have 20 open requests, the most that one person may have. "
        "Withdraw one, or wait until one of them is submitted or ends; App Home lists yours."
    )
    assert (
        len([one for one in harness.storage.requests.values() if one.cluster_identity == forms[20].cluster_identity])
        == 1
    )


async def test_requests_for_other_clusters_are_left_alone() -> None:
    """Replacing goes by cluster."""
    older = an_upgrade_request(cluster_identity=DATA, environment="staging", cluster="data")
    harness = await a_harness(older)

    newer = await harness.ask()

    assert harness.now_of(older).state is State.PENDING_APPROVAL
    assert newer.cluster_identity == WEB


async def test_no_approvals_required_submits_at_once() -> None:
    """With a quorum of 0 nobody is asked and nobody is mentioned."""
    harness = await a_harness(policy=a_policy(a_rule(required_approvals=0, approvers=(), notify=("S0TEAM",))))

    request = await harness.ask()

    assert request.state is State.APPROVED
    assert harness.told(UpgradeRequested)[0].mention == ()
    assert [one.queue for one in harness.outbox(Kind.SUBMIT)] == [f"submit:{request.id}"]


async def test_an_override_needs_one_approval_more() -> None:
    """Also where otherwise none is needed; a box ticked outside a freeze costs nothing."""
    rule = a_rule(required_approvals=0, override=True, freeze=(WINTER,))
    harness = await a_harness(policy=a_policy(rule))

    frozen = await harness.ask(a_form(override=True))
    free = await harness.ask(a_form(override=True, start=NOON + timedelta(days=20)))

    assert (frozen.override, frozen.required, frozen.state) == (True, 1, State.PENDING_APPROVAL)
    assert (free.override, free.required, free.state) == (False, 0, State.APPROVED)
    recorded = [event["facts"] for event in harness.storage.audited if event["kind"] == "upgrade requested"]
    assert [facts.get("overrides") for facts in recorded] == [f"the freeze {WINTER.words}", None]


async def test_everyone_as_approvers_is_never_out_of_reach() -> None:
    """`*` stands for every full member, so nobody has to be counted."""
    harness = await a_harness(policy=a_policy(a_rule(approvers=("*",), required_approvals=5)))

    request = await harness.ask()

    assert (request.required, request.channel) == (5, CHANNEL)


async def test_a_refusal_by_the_domain_names_no_identifiers() -> None:
    """People are mentioned, which Slack shows as names; the group's ID stays out of the answer."""
    harness = await a_harness(policy=a_policy(a_rule(requesters=("S0TEAM",))))

    answer = await harness.do(a_submitted_form())

    assert f"<@{KIM}>, <@{SEM}>" in answer
    assert "S0TEAM" not in answer


@pytest.mark.parametrize("collision", [Stale("changed"), Taken("another came")], ids=["changed", "taken"])
async def test_a_request_that_met_another_for_the_cluster_is_made_a_moment_later(collision: Exception) -> None:
    """Two people asked at the same moment in two processes: the slower one finds the faster one, and replaces it."""
    harness = await a_harness()
    collisions = [collision]

    @asynccontextmanager
    async def colliding(lease: Lease | None = None) -> AsyncIterator[UnitOfWork]:
        async with harness.storage.begin(lease) as work:
            if collisions:
                raise collisions.pop()
            yield work

    harness.requesting = replace(harness.requesting, begin=colliding)
    number, form, lease = await harness.enter(a_submitted_form()), a_submitted_form(), await harness.lease()

    with pytest.raises(Later):
        await harness.decide(number, form, lease)
    await harness.decide(number, form, lease)

    assert len(harness.storage.requests) == 1
    assert harness.storage.entries == []


async def test_a_form_whose_cluster_is_called_otherwise_by_now_makes_no_request() -> None:
    """Two clusters exchanged their names while it waited: the person meant the one that had the name."""
    web, api = a_cluster(), a_cluster(identity=DATA, slug="api", name="Api")
    harness = await a_harness(catalog=a_catalog(web, api), policy=a_policy(a_rule(required_approvals=0)))
    form = a_submitted_form(form=a_form(named="production/web"))
    await harness.recatalog(replace(web, slug="api"), replace(api, slug="web"))

    answer = await harness.do(form)

    assert "What you chose as production/web is now called production/api." in answer
    assert harness.storage.requests == {}
