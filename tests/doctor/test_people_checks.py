"""What doctor says about the people of the rules, each thing broken on its own."""

import pytest

from bot.doctor.finding import State
from bot.doctor.people_checks import people_checks
from bot.doctor.slack_access import slack_access
from bot.sandbox.slack.api.faults import Fault
from tests.doctor.conftest import Clinic


async def test_a_group_with_members_is_right(clinic: Clinic) -> None:
    found = (await clinic.examine(slack_access, people_checks))[-3:]

    assert {finding.state for finding in found} == {State.OK}
    assert any("BOT_APPROVERS S0PLATFORM" in finding.about and "2 members" in finding.text for finding in found)


async def test_an_unknown_group_is_a_warning_like_an_unknown_person(clinic: Clinic) -> None:
    """The others whom the rule names can do all that it asks for."""
    clinic.changes["bot_approvers"] = ("S0NOBODY", "U0SEM", "U0KIM")

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert finding.about == "BOT_APPROVERS S0NOBODY"
    assert "no such user group" in finding.text


async def test_an_unknown_group_that_was_to_approve_alone_leaves_a_quorum_that_nobody_can_reach(clinic: Clinic) -> None:
    clinic.changes["bot_approvers"] = ("S0NOBODY",)

    finding = await clinic.only(State.WRONG, slack_access, people_checks)

    assert "a request needs 1 approval, and nobody may give one" in finding.text


@pytest.mark.parametrize("who", ["S0NOBODY", "U0NOBODY", "U0GIJS"])
async def test_a_rule_by_which_nobody_may_ask_is_wrong(clinic: Clinic, who: str) -> None:
    clinic.policy = f'[defaults]\nrequesters = ["{who}"]'

    finding = await clinic.only(State.WRONG, slack_access, people_checks)

    assert finding.about == f"BOT_POLICY_FILE requesters of defaults: {who}"
    assert "nobody may request" in finding.text


async def test_an_empty_group_is_a_warning(clinic: Clinic) -> None:
    clinic.slack.workspace.groups["S0ONCALL"].users = []
    clinic.policy = '[defaults]\non_call = ["S0ONCALL"]'

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert finding.about == "BOT_POLICY_FILE on_call of defaults: S0ONCALL"
    assert "empty" in finding.text


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("U0GIJS", "does not count here: guest"),
        ("U0VERA", "does not count here: person of another organisation"),
        ("U0NOBODY", "Slack knows nobody by this ID"),
    ],
)
async def test_approvers_who_never_count_are_a_warning(clinic: Clinic, who: str, text: str) -> None:
    clinic.changes["bot_approvers"] = ("S0PLATFORM", who)

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert finding.about == f"BOT_APPROVERS {who}"
    assert text in finding.text


async def test_a_deactivated_approver_is_a_warning(clinic: Clinic) -> None:
    clinic.slack.workspace.people["U0ROOS"].deleted = True
    clinic.changes["bot_approvers"] = ("S0PLATFORM", "U0ROOS")

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert "deactivated" in finding.text


async def test_a_quorum_that_nobody_can_reach_is_wrong(clinic: Clinic) -> None:
    clinic.changes["bot_required_approvals"] = 3

    finding = await clinic.only(State.WRONG, slack_access, people_checks)

    assert finding.about == "BOT_APPROVERS S0PLATFORM"
    assert "a request needs 3 approvals, and there are only 2 approvers" in finding.text
    assert "BOT_REQUIRED_APPROVALS" in finding.fix


async def test_a_quorum_of_all_approvers_is_a_warning_because_requesters_may_not_vote(clinic: Clinic) -> None:
    clinic.changes["bot_required_approvals"] = 2

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert "their own can never be approved" in finding.text


async def test_an_override_that_nobody_can_approve_is_a_warning(clinic: Clinic) -> None:
    clinic.changes |= {"bot_required_approvals": 2, "bot_self_approval": True}
    clinic.policy = "[environments.production]\noverride = true"

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert "overriding a freeze needs 3 approvals, and there are only 2 approvers" in finding.text


async def test_a_quorum_of_the_policy_names_the_policy(clinic: Clinic) -> None:
    clinic.policy = "[environments.production]\nrequired_approvals = 5"

    finding = await clinic.only(State.WRONG, slack_access, people_checks)

    assert "production: a request needs 5 approvals" in finding.text
    assert "BOT_POLICY_FILE required_approvals of production" in finding.fix


async def test_everybody_as_approvers_is_right(clinic: Clinic) -> None:
    clinic.changes["bot_approvers"] = ("*",)

    found = await clinic.examine(slack_access, people_checks)

    assert "every full member may approve" in found[-1].text


async def test_look_ups_that_fail_are_unknown_and_never_wrong(clinic: Clinic) -> None:
    clinic.slack.faults.add("usergroups.users.list", Fault(status=500), times=None)

    finding = await clinic.only(State.UNKNOWN, slack_access, people_checks)

    assert "could not be looked up" in finding.text


async def test_look_ups_that_slack_refuses_for_good_are_wrong(clinic: Clinic) -> None:
    """Waiting mends nothing, so nobody could be approved."""
    clinic.slack.faults.add("usergroups.users.list", Fault(error="missing_argument"), times=None)

    finding = await clinic.only(State.WRONG, slack_access, people_checks)

    assert "missing_argument" in finding.text


async def test_groups_on_a_free_plan_are_named_as_such(clinic: Clinic) -> None:
    clinic.slack.workspace.paid = False
    clinic.changes["bot_approvers"] = ("S0PLATFORM", "U0SEM", "U0KIM")

    finding = await clinic.only(State.WARNING, slack_access, people_checks)

    assert "without a paid plan" in finding.text


async def test_groups_of_an_organisation_are_right(clinic: Clinic) -> None:
    """Installed for all of it, the workspace is named with each look-up."""
    clinic.slack.workspace.enterprise_id = "E0HARBOUR"
    clinic.slack.app.org_wide = True

    found = await clinic.examine(slack_access, people_checks)

    assert {finding.state for finding in found} == {State.OK}
    assert "for the organisation" in found[0].text
