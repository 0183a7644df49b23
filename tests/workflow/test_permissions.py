"""Who may request and approve, as yes or no, and as a set of people; user groups are looked up now."""

from bot.workflow.permissions import Permissions
from tests.builders import GUS, KIM, ROOS, SEM, a_rule
from tests.workflow.harness import ANNE, TEAM, the_people

RULE = a_rule(requesters=(ROOS, GUS), approvers=(TEAM, ANNE))


async def test_only_full_members_whom_the_rule_names_may_request() -> None:
    """A guest may not, although the rule names one."""
    permissions = Permissions(the_people())

    assert [await permissions.may_request(one, RULE) for one in (ROOS, SEM, GUS)] == [True, False, False]


async def test_members_of_a_group_may_approve_as_long_as_they_are_in_it() -> None:
    """The rule names the group and one person."""
    people = the_people()
    permissions = Permissions(people)

    assert [await permissions.may_approve(one, RULE) for one in (SEM, KIM, ANNE, ROOS)] == [True, True, True, False]
    assert (await permissions.approvers_of(RULE)).members == {SEM, KIM, ANNE}
    people.groups[TEAM] = frozenset({KIM})
    assert [await permissions.may_approve(one, RULE) for one in (SEM, KIM, ANNE)] == [False, True, True]
    assert (await permissions.approvers_of(RULE)).members == {KIM, ANNE}
