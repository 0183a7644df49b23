import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from bot.domain.calendar import Freeze, TimedFreeze
from bot.domain.cluster import Organisation
from bot.domain.people import AccountType, Member, MemberId, PeopleSet
from bot.domain.policy import Policy, Rule
from bot.domain.windows import Window
from tests.builders import ACME, GUS, KIM, ROOS, SEM, a_member, a_policy, a_rule, a_scheduled_upgrade

GLOBEX = Organisation("globex")
STAGING = Rule(environment="staging", channel="C0STAGING")
ACME_STAGING = Rule(environment="staging", channel="C0ACME")
POLICY = Policy(
    default=Rule(environment="*", channel="C0UPGRADES"),
    environments={"staging": STAGING, "acme/staging": ACME_STAGING, "test": Rule(environment="test", channel="")},
)

EVERYTHING = replace(POLICY, default=a_rule(announce=frozenset({"SUCCEEDED", "FAILED", "MISSED", "REQUESTED"})))


@pytest.mark.parametrize(
    ("organisation", "environment", "rule"),
    [
        ("acme", "staging", ACME_STAGING),
        ("globex", "staging", STAGING),
        ("acme", "production", POLICY.default),
        ("acme", "", POLICY.default),
    ],
)
def test_the_most_particular_rule_is_in_force(organisation: str, environment: str, rule: Rule) -> None:
    """The organisation's own, else the environment's, else the default; it speaks of the environment asked about."""
    assert POLICY.rule(organisation, environment) == replace(rule, environment=environment)


@pytest.mark.parametrize(
    ("watch", "request_id", "channel"),
    [("all", None, "C0ACME"), ("all", "R1", "C0ACME"), ("requested", "R1", "C0ACME"), ("requested", None, "")],
)
def test_an_upgrade_that_is_not_watched_has_no_channel(
    watch: Literal["all", "requested"], request_id: str | None, channel: str
) -> None:
    """In all else the rule of its environment holds for it."""
    upgrade = a_scheduled_upgrade(organisation="acme", environment="staging", request_id=request_id)

    assert replace(POLICY, watch=watch).rule_of(upgrade) == replace(ACME_STAGING, channel=channel)


def test_a_policy_knows_every_channel_once() -> None:
    """The default's first; none where none is set."""
    again = Policy(default=POLICY.default, environments={"a": STAGING, "b": STAGING, "c": POLICY.default})

    assert POLICY.channels == ("C0UPGRADES", "C0STAGING", "C0ACME")
    assert again.channels == ("C0UPGRADES", "C0STAGING")
    assert POLICY.rules[0] is POLICY.default


@pytest.mark.parametrize(
    ("acme", "globex", "concern_acme", "concern_globex"),
    [
        ({"staging"}, {"production"}, "staging acme", "upgrades staging"),
        ({"production"}, {"staging"}, "upgrades acme", "staging"),
        ({"production", "staging"}, {"staging"}, "upgrades acme", "staging"),
        ({"production"}, {"production"}, "upgrades staging acme", "upgrades staging"),
        ({"production"}, set(), "upgrades staging acme", "upgrades staging"),
        (set(), set(), "upgrades staging acme", "upgrades staging"),
    ],
)
def test_channels_that_only_another_organisation_uses_do_not_concern_one(
    acme: set[str], globex: set[str], concern_acme: str, concern_globex: str
) -> None:
    """What it uses does, and what nobody is known to use; while its environments are unknown, all that it may use."""
    known = {ACME: acme, GLOBEX: globex}

    assert POLICY.channels_of(ACME, known) == tuple(f"C0{name.upper()}" for name in concern_acme.split())
    assert POLICY.channels_of(GLOBEX, known) == tuple(f"C0{name.upper()}" for name in concern_globex.split())
    assert POLICY.channels_of(ACME, {ACME: acme}) == POLICY.channels


@pytest.mark.parametrize(("required", "plain", "overriding"), [(0, 0, 1), (1, 1, 2), (2, 2, 3)])
def test_overriding_a_freeze_costs_one_approval_more(required: int, plain: int, overriding: int) -> None:
    """Also where none is asked for otherwise."""
    rule = a_rule(required_approvals=required)

    assert (rule.approvals_needed(override=False), rule.approvals_needed(override=True)) == (plain, overriding)


def test_a_rule_without_settings_is_careful() -> None:
    """What the contract gives as built-in defaults."""
    rule = Rule(environment="production")

    assert (rule.requesters, rule.approvers, rule.required_approvals) == (("*",), (), 1)
    assert (rule.self_approval, rule.reason_required, rule.allow_downgrade, rule.override) == (False,) * 4
    assert rule.request_expires_after == timedelta(hours=48)
    assert rule.remind_approvers_after == timedelta(hours=4)
    assert rule.reminders == (timedelta(hours=24), timedelta(hours=1))
    assert rule.announce == {"SCHEDULED_NOTIFIED", "FAILED", "MISSED"}
    assert (rule.allowed, rule.freeze, rule.after, rule.on_call) == ((), (), (), ())


@pytest.mark.parametrize("account_type", list(AccountType))
def test_only_full_members_count(account_type: AccountType) -> None:
    """Even where everyone is meant, and even when somebody is named."""
    member = Member(id=GUS, name="Gus", account_type=account_type)
    full = account_type is AccountType.FULL

    assert member.counts is full
    assert PeopleSet(everyone=True, members=frozenset()).includes(member) is full
    assert PeopleSet(everyone=False, members=frozenset({GUS})).includes(member) is full


@pytest.mark.parametrize(("member", "included"), [(SEM, True), (KIM, True), (ROOS, False)])
def test_a_circle_holds_those_it_names(member: MemberId, *, included: bool) -> None:
    """Groups are resolved already."""
    people = PeopleSet(everyone=False, members=frozenset({SEM, KIM}))

    assert people.includes(a_member(member)) is included


def test_a_rule_is_frozen_by_freezes_of_both_origins() -> None:
    """The policy's come first; those set meanwhile are no part of the policy, so its digest stays."""
    days = Freeze(first=date(2026, 12, 1), last=date(2026, 12, 2))
    until = datetime(2026, 12, 4, tzinfo=UTC)
    incident = TimedFreeze(since=until - timedelta(days=2), until=until, reason="Incident")
    rule = a_rule(freeze=(days,))

    frozen = replace(rule, timed_freezes=(incident,))

    assert frozen.freezes == (days, incident)
    assert frozen.frozen_by(a_moment("2026-12-02T12:00Z")) == days
    assert frozen.frozen_by(a_moment("2026-12-03T12:00Z")) == incident
    assert frozen.frozen_by(a_moment("2026-12-04T00:00Z")) is None
    assert rule.frozen_by(a_moment("2026-12-03T12:00Z")) is None
    assert Policy(default=frozen).digest == Policy(default=rule).digest


def a_moment(text: str) -> Window:
    return Window(start=datetime.fromisoformat(text), end=datetime.fromisoformat(text))


@pytest.mark.parametrize(
    "change",
    [
        {"required_approvals": 2},
        {"approvers": (SEM,)},
        {"announce": frozenset({"SUCCEEDED"})},
        {"request_expires_after": timedelta(hours=1)},
        {"zone": ZoneInfo("Europe/Amsterdam")},
        {"freeze": (Freeze(first=date(2026, 12, 1), last=date(2026, 12, 2)),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_digest_changes_with_every_rule(change: dict[str, Any]) -> None:
    """Of the default, and of one environment."""
    one, other = a_rule(), a_rule(**change)

    digests = {
        Policy(default=one).digest,
        Policy(default=other).digest,
        Policy(default=one, watch="requested").digest,
        Policy(default=one, environments={"staging": other}).digest,
        Policy(default=other, environments={"staging": one}).digest,
    }

    assert len(digests) == 5


def test_a_digest_is_the_same_in_every_process_and_in_every_order() -> None:
    """Sets and tables have no order that lasts."""
    code = "from tests.domain.test_policy import EVERYTHING; print(EVERYTHING.digest)"
    turned = replace(EVERYTHING, environments=dict(reversed(list(EVERYTHING.environments.items()))))

    elsewhere = {
        subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }

    assert elsewhere == {EVERYTHING.digest} == {turned.digest}


def test_rules_that_are_written_out_have_the_digest_of_the_defaults() -> None:
    """Whether a status comes from the file or from the defaults makes no other policy."""
    default = a_policy(a_rule())
    written = a_policy(a_rule(announce=frozenset({"SCHEDULED_NOTIFIED", "FAILED", "MISSED"})))

    assert written.digest == default.digest
