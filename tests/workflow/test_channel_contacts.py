"""Who is told of a broken channel where nobody's own request is concerned."""

from bot.workflow.channel_contacts import ChannelContacts
from bot.workflow.permissions import Permissions
from tests.builders import CHANNEL, KIM, ROOS, SEM, a_policy, a_rule
from tests.workflow.harness import TEAM, the_people


async def test_the_approvers_of_a_channels_environments_can_mend_it() -> None:
    """Groups are resolved; environments with another channel do not count."""
    rule = a_rule(approvers=(TEAM,))
    staging = a_rule(environment="staging", channel="C0STAGING", approvers=(ROOS,))
    contacts = ChannelContacts(a_policy(rule, environments={"staging": staging}), Permissions(the_people()))

    assert await contacts.of(CHANNEL) == [KIM, SEM]
    assert await contacts.of("C0STAGING") == [ROOS]


async def test_nobody_is_told_while_slack_cannot_say_who_they_are() -> None:
    """The next attempt asks again."""
    people = the_people()
    people.down = True
    contacts = ChannelContacts(a_policy(a_rule(approvers=(TEAM,))), Permissions(people))

    assert await contacts.of(CHANNEL) == ()
