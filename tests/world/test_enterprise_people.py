"""In an Enterprise organisation people of every workspace of it count; people of another organisation never do."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.slack.workspace import Person
from tests.world.harness import CHANNEL, Harness, harness


@pytest.fixture
async def enterprise(sqlite_file: str) -> AsyncIterator[Harness]:
    """Start a bot whose app is installed for an organisation, with an approver in its other workspace."""
    async with harness(sqlite_file, "http") as opened:
        workspace = opened.slack.workspace
        workspace.enterprise_id = "E0HARBOUR"
        workspace.sisters.append("T0QUAY")
        opened.slack.app.org_wide = True
        mila = Person(id="W0MILA", name="mila", real_name="Mila Smit", team_id="T0QUAY")
        otto = Person(id="W0OTTO", name="otto", real_name="Otto Weg", team_id="T0PARTNER", kind="stranger")
        for person in (mila, otto):
            workspace.add_person(person, channels=[CHANNEL])
            workspace.groups["S0PLATFORM"].users.append(person.id)
        await opened.open_bot()
        yield opened


async def test_only_people_of_the_organisation_count(enterprise: Harness) -> None:
    """A member of the approvers' group from a partner is refused; one from a sister workspace approves."""
    card = await enterprise.request("staging/payments")
    mila, otto = enterprise.slack.person("W0MILA"), enterprise.slack.person("W0OTTO")

    await otto.press(CHANNEL, card.ts, "Approve")
    refused = await otto.private(CHANNEL)
    assert enterprise.submissions() == 0

    await mila.press(CHANNEL, card.ts, "Approve")
    await mila.reply(CHANNEL, card.ts, "W0MILA")
    await enterprise.slack.quiet()

    assert enterprise.submissions() == 1
    assert "W0OTTO" not in str(next(one for one in mila.messages(CHANNEL) if one.ts == card.ts).raw)
    assert refused.private


async def test_somebody_of_a_sister_workspace_can_request(enterprise: Harness) -> None:
    """The command carries their own workspace's ID and the organisation's."""
    mila = enterprise.slack.person("W0MILA")

    assert (await mila.command(CHANNEL, "/schedule-upgrade staging/payments")).ok
    assert "Version" in (await mila.modal("Schedule upgrade", containing="Version")).labels
    sent = next(one for one in enterprise.slack.deliveries.sent if one.kind == "command").payload
    assert (sent["team_id"], sent["enterprise_id"]) == ("T0QUAY", "E0HARBOUR")
