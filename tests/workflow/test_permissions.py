"""Who may request and approve, as yes or no, and as a set of people; user groups are looked up now."""

import pytest

from bot.workflow.permissions import Permissions
from tests.builders import GUS, KIM, ROOS, SEM, a_rule
from tests.fakes import FakeMembers
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


@pytest.mark.parametrize(
    ("requesters", "asked", "barred"),
    [
        (("*",), True, False),
        ((ROOS,), False, False),
        ((SEM,), False, True),
        (("S0PLATFORM",), False, False),
        (("S0PLATFORM",), True, True),
        (("S0PLATFORM", "S0DEVELOPERS"), True, False),
        (("S0PLATFORM", "S0UNKNOWN"), True, False),
    ],
)
async def test_whom_a_rule_bars_is_told_by_the_answers_at_hand(
    requesters: tuple[str, ...],
    asked: bool,  # noqa: FBT001 - a parameter
    barred: bool,  # noqa: FBT001 - a parameter
) -> None:
    """What is not known yet bars nobody, and nobody is asked for it."""
    groups = {"S0PLATFORM": frozenset({SEM}), "S0DEVELOPERS": frozenset({ROOS})}
    members = FakeMembers(groups=groups)
    for group in groups if asked else ():
        await members.group(group)
    before = list(members.asked)

    assert Permissions(members).is_barred(ROOS, a_rule(requesters=requesters)) is barred
    assert members.asked == before
