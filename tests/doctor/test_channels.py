"""What doctor says about the channels of the rules, each thing broken on its own."""

from bot.doctor.channels import channels
from bot.doctor.finding import State
from bot.doctor.slack_access import slack_access
from bot.sandbox.slack.api.faults import Fault
from tests.doctor.conftest import Clinic


async def test_a_channel_that_the_bot_is_in_is_right(clinic: Clinic) -> None:
    found = await clinic.examine(slack_access, channels)

    assert (found[-1].about, found[-1].state) == ("BOT_CHANNEL C0UPGRADES", State.OK)
    assert "#cluster-upgrades" in found[-1].text


async def test_a_channel_that_does_not_exist_says_how_to_invite_the_bot(clinic: Clinic) -> None:
    clinic.changes["bot_channel"] = "C0NOWHERE"

    finding = await clinic.only(State.WRONG, slack_access, channels)

    assert finding.about == "BOT_CHANNEL C0NOWHERE"
    assert finding.fix.endswith(f"/invite @{clinic.slack.app.bot_name}")


async def test_a_channel_without_the_bot_says_how_to_invite_it(clinic: Clinic) -> None:
    clinic.changes["bot_channel"] = "C0GENERAL"

    finding = await clinic.only(State.WRONG, slack_access, channels)

    assert finding.text == "the bot is not in #general"
    assert finding.fix == f"Type in #general: /invite @{clinic.slack.app.bot_name}"


async def test_a_private_channel_with_the_bot_in_it_is_right(clinic: Clinic) -> None:
    clinic.slack.workspace.channels["C0UPGRADES"].private = True

    found = await clinic.examine(slack_access, channels)

    assert found[-1].state is State.OK


async def test_a_busy_slack_is_waited_for(clinic: Clinic) -> None:
    """A policy may name more channels than Slack answers for in a minute."""
    clinic.slack.faults.add("conversations.info", Fault(retry_after=0))

    found = await clinic.examine(slack_access, channels)

    assert found[-1].state is State.OK


async def test_an_archived_channel_is_wrong(clinic: Clinic) -> None:
    clinic.changes["bot_channel"] = "C0OLDNEWS"

    finding = await clinic.only(State.WRONG, slack_access, channels)

    assert finding.text == "#old-news is archived"


async def test_a_channel_shared_with_outsiders_is_a_warning(clinic: Clinic) -> None:
    clinic.changes["bot_channel"] = "C0PARTNER"

    finding = await clinic.only(State.WARNING, slack_access, channels)

    assert "shared with another organisation" in finding.text


async def test_every_channel_of_the_policy_is_looked_at(clinic: Clinic) -> None:
    clinic.policy = '[environments.production]\nchannel = "C0NOWHERE"'

    finding = await clinic.only(State.WRONG, slack_access, channels)

    assert finding.about == "BOT_POLICY_FILE channel of production: C0NOWHERE"


async def test_without_the_scope_the_mend_is_to_install_again(clinic: Clinic) -> None:
    clinic.slack.app.scopes = ("chat:write", "commands", "users:read", "usergroups:read")

    found = [finding for finding in await clinic.examine(slack_access, channels) if "C0UPGRADES" in finding.about]

    assert [finding.state for finding in found] == [State.WRONG]
    assert "missing_scope" in found[0].text


async def test_without_slack_nothing_is_claimed(clinic: Clinic) -> None:
    clinic.slack.faults.down = True

    finding = await clinic.only(State.UNKNOWN, slack_access, channels)

    assert finding.about == "BOT_CHANNEL C0UPGRADES"
